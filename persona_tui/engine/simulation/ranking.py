"""Several scenarios against the same control: which is best, and how surely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.comparison import ROUNDING
from persona_tui.engine.simulation.experiments import Experiment

CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedScenario:
    """One scenario among others.

    Parameters
    ----------
    name : str
    uplift : float
        Of completion.
    best : float
        Share of draws in which no other scenario, nor the control, completes more; ties are shared.
    beats : dict of float
        Share of draws in which it completes more than each other scenario and the control; a tie is half.
    """

    name: str
    uplift: float
    best: float
    beats: dict[str, float]


def rank_scenarios(experiments: Mapping[str, Experiment]) -> tuple[RankedScenario, ...]:
    """Return scenarios by falling uplift of completion.

    Parameters
    ----------
    experiments : mapping of str to Experiment
        All of one control and the same draws.

    Returns
    -------
    tuple of RankedScenario
        Equal uplifts keep their order.

    Raises
    ------
    SimulationError
        If the experiments have different numbers of draws.

    Notes
    -----
    The draws of all scenarios are paired: the same users are reweighted, and an effect that two
    scenarios share acts with the same numbers. O(B S^2).
    """
    sizes = {each.n_draws for each in experiments.values()}
    if len(sizes) > 1:
        raise SimulationError(f"Scenarios were drawn {sorted(sizes)} times; they need the same draws.")
    names = (*experiments, CONTROL)
    drawn = [each.drawn_uplifts for each in experiments.values()]
    uplifts = np.column_stack([*drawn, np.zeros(sizes.pop())]) if drawn else np.zeros((1, 1))
    ahead = uplifts[:, :, None] - uplifts[:, None, :]
    beats = np.where(np.abs(ahead) <= ROUNDING, 0.5, ahead > 0).mean(axis=0)
    on_top = uplifts >= uplifts.max(axis=1, keepdims=True) - ROUNDING
    best = (on_top / on_top.sum(axis=1, keepdims=True)).mean(axis=0)
    ranked = [
        RankedScenario(
            name=name,
            uplift=experiment.total.uplifts["completion_rate"].value,
            best=float(best[place]),
            beats={
                other: float(beats[place, against]) for against, other in enumerate(names) if against != place
            },
        )
        for place, (name, experiment) in enumerate(experiments.items())
    ]
    return tuple(sorted(ranked, key=lambda each: -each.uplift))
