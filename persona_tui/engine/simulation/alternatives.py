"""How far the choice of the model carries a result: the uplift under other models of the same log.

The other models are one chain for all users, one persona less and more, and second-order chains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from persona_tui.engine.data.schema import FRICTION_DROP
from persona_tui.engine.errors import PersonaError, SimulationError
from persona_tui.engine.modeling.mixture import DEFAULT_N_INIT, MAX_ITERATIONS, TOLERANCE, climb_from_restarts
from persona_tui.engine.params import NUMBERS, parameters_of
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import METRICS
from persona_tui.engine.simulation.other_models import (
    ControlArm,
    Model,
    OtherPersonas,
    SecondOrderPersonas,
    Uplifts,
)
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.population import population_weights
from persona_tui.engine.statistics import Interval
from persona_tui.engine.types import RandomState

POOLED: Final = "one chain for all"
SECOND_ORDER: Final = "second order"
AS_FITTED: Final = "as fitted"

_FEWEST_OTHERS = 2
_SAME_IN_EVERY_MODEL = NUMBERS | {"event", "events"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelRanges:
    """The uplifts of one modification under every model that can take it.

    Parameters
    ----------
    uplifts : dict of Uplifts
        By name of the model; the model as fitted is among them wherever there is another.
    left_out : dict of str
        Why a model has no part, by its name.
    """

    uplifts: dict[str, Uplifts]
    left_out: dict[str, str]

    def of(self, metric: str, persona: int | None = None) -> Interval | None:
        """Return the least and the greatest uplift, None where fewer than two other models have a part.

        Parameters
        ----------
        metric : str
            None is returned for one that is not of ``METRICS``.
        persona : int, optional
            Number of a persona as fitted; all users together where left out. One chain for all
            says nothing of how personas differ, so it has no part in the range of one.

        Notes
        -----
        One other model alone is a second opinion, not a range: it would pass for the whole choice.
        """
        asked = {name: each for name, each in self.uplifts.items() if persona is None or name != POOLED}
        if metric not in METRICS or len(asked.keys() - {AS_FITTED}) < _FEWEST_OTHERS:
            return None
        values = [
            each.total[metric] if persona is None else float(each.personas[metric][persona])
            for each in asked.values()
        ]
        return min(values), max(values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alternatives:
    """Other models of the log that a simulator was fitted on; built once a fit, read by every preview.

    Parameters
    ----------
    fitted : ControlArm
        The model as fitted.
    models : dict of Model
        The others, by name.
    left_out : dict of str
        Why a model could not be fitted, by its name.
    """

    fitted: ControlArm
    models: Mapping[str, Model]
    left_out: Mapping[str, str]

    def ranges(self, modification: FlowModification, max_length: int | None = None) -> ModelRanges:
        """Return the uplifts of a modification under every model that can take it.

        Parameters
        ----------
        modification : FlowModification
            Ranges act with their means.
        max_length : int, optional
            Events after which a journey is cut; none is.

        Raises
        ------
        UnknownNameError, SimulationError
            If the modification does not fit the model as fitted.
        """
        left_out = dict(self.left_out)
        left_out |= {name: why for name, each in self.models.items() if (why := _refusal(each, modification))}
        asked = {name: model for name, model in self.models.items() if name not in left_out}
        if not asked:
            return ModelRanges(uplifts={}, left_out=left_out)
        fitted = self.fitted.change(modification, max_length)
        found: dict[str, Uplifts] = {}
        for name, model in asked.items():
            try:
                found[name] = model.uplifts(modification, max_length, fitted)
            except PersonaError as fault:
                left_out[name] = fault.message
        return ModelRanges(uplifts={AS_FITTED: fitted, **found} if found else {}, left_out=left_out)


def _refusal(model: Model, modification: FlowModification) -> str:
    """Return why a model cannot be asked about a modification; empty where it can.

    Numbers of personas would be read as those of the model at hand, so they are looked for first.
    """
    for effect in modification.compile():
        for each in parameters_of(type(effect)):
            if each.kind in _SAME_IN_EVERY_MODEL or not getattr(effect, each.name):
                continue
            if each.kind not in {"persona", "personas"}:
                return f"{effect.name} is limited by {each.name}, which only the model as fitted knows."
            if isinstance(model, OtherPersonas):
                return f"{effect.name} names personas, and those of this model are others."
    return ""


def fit_alternatives(
    simulator: ProductFlowSimulator,
    *,
    random_state: RandomState,
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> Alternatives:
    """Fit the other models of a log.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    random_state : int, SeedSequence, Generator or None
        With the seed of the fit, one persona more is what ``--clusters`` of that number gives.
    workers : int
        Threads; the models do not depend on their number.
    on_progress : callable

    Returns
    -------
    Alternatives
        Numbers of personas that the log cannot have are not among them; one persona less than
        two is the pooled chain.

    Notes
    -----
    Costs two fits of a mixture and one pass over the events. They are fitted on all users; their chains
    and shares are those of users that predictions speak of.
    """
    seed = normalise_seed(random_state)
    fitted = ControlArm(flow=simulator.flow, shares=simulator.shares)
    n_clusters = simulator.generator.n_clusters
    left_out: dict[str, str] = {}
    makers: dict[str, Callable[[], Model]] = {}
    if len(simulator.persona_names) > 1:
        makers[POOLED] = partial(_pooled, simulator)
    for other in (n_clusters - 1, n_clusters + 1):
        if not 1 < other <= simulator.generator.sequences.n_users:
            continue
        if n_clusters > 1 and not simulator.generator.soft:
            left_out[_n_personas(other)] = "The personas come from another clusterer than the mixture."
        else:
            makers[_n_personas(other)] = partial(_mixture, simulator, other, seed)
    makers[SECOND_ORDER] = partial(SecondOrderPersonas.of, simulator)
    models: dict[str, Model] = {}
    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        made = pool.map(_unless_refused, makers.values())
        for done, (name, model) in enumerate(zip(makers, made, strict=True)):
            if isinstance(model, str):
                left_out[name] = model
            else:
                models[name] = model
            on_progress(Progress(stage="other models", done=done + 1, total=len(makers)))
    return Alternatives(fitted=fitted, models=models, left_out=left_out)


def _n_personas(number: int) -> str:
    return f"{number} personas"


def _unless_refused(make: Callable[[], Model]) -> Model | str:
    """Return a model, or why there is none."""
    try:
        return make()
    except SimulationError as fault:
        return fault.message


def _pooled(simulator: ProductFlowSimulator) -> OtherPersonas:
    old = simulator.generator
    return _beside(simulator, MarkovPersonaGenerator.pooled(old.sequences, prior=old.prior))


def _mixture(simulator: ProductFlowSimulator, n_clusters: int, seed: np.random.SeedSequence) -> OtherPersonas:
    """Fit a mixture of another number of personas on the same journeys."""
    counts, old = simulator.counts, simulator.generator
    mixture = climb_from_restarts(
        counts,
        n_clusters,
        weights=counts.multiplicity,
        n_init=DEFAULT_N_INIT,
        max_iter=MAX_ITERATIONS,
        tol=TOLERANCE,
        prior="empirical" if old.prior else 0.0,
        seed=seed,
    )
    generator = MarkovPersonaGenerator(
        sequences=old.sequences,
        names=tuple(str(number + 1) for number in range(n_clusters)),
        memberships=mixture.fitted_responsibilities[counts.row_of_user],
        soft=True,
        prior=mixture.prior,
    )
    return _beside(simulator, generator)


def _beside(simulator: ProductFlowSimulator, generator: MarkovPersonaGenerator) -> OtherPersonas:
    weights, friction_is_drop = population_weights(simulator), FRICTION_DROP in simulator.drop_events
    if weights is not None:
        of_users = weights[simulator.counts.row_of_user]
        generator = replace(generator, memberships=generator.memberships * of_users[:, None])
    other = ProductFlowSimulator.from_counts(generator, simulator.counts, friction_is_drop=friction_is_drop)
    return OtherPersonas.of(other, simulator)
