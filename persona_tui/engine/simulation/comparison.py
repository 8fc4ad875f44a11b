"""Two arms laid side by side: pooled over personas, with the intervals and the error of each uplift."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.simulation.assumptions import draw_parameters
from persona_tui.engine.simulation.baseline import ArmValues, Baseline, Solved
from persona_tui.engine.simulation.effect_base import Values
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import METRICS
from persona_tui.engine.simulation.simulated import ARMS, Simulation
from persona_tui.engine.statistics import Estimate, Interval, intervals
from persona_tui.engine.types import FloatArray

EVERYONE = "all"
ROUNDING = 1e-9
"""Differences of rates below it are arithmetic, not effects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One set of users under both arms.

    Parameters
    ----------
    name : str
    share : float
        Of all journeys, in control.
    n_personas : int
        Synthetic users per arm; zero where nobody was simulated.
    arms : dict of dict of float
        Exact value by arm and metric.
    uplifts : dict of Estimate
        Treatment minus control by metric.
    harm : float
        Share of draws in which completion falls.
    simulated_arms : dict of dict of float
        What the simulation gave, for the metrics that it counts.
    simulated_uplifts : dict of float
    """

    name: str
    share: float
    n_personas: int
    arms: dict[str, dict[str, float]]
    uplifts: dict[str, Estimate]
    harm: float
    simulated_arms: dict[str, dict[str, float]]
    simulated_uplifts: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """All that comparisons are put together from.

    Parameters
    ----------
    exact : ArmValues
        Arrays of shape (K,).
    data : ArmValues
        Arrays of shape (B, K): other chains, the effects as stated.
    assumption : ArmValues or None
        The chains as fitted, other numbers for the effects; None where none is a range.
    total : ArmValues or None
        Both at once.
    simulation : Simulation or None
    """

    exact: ArmValues
    data: ArmValues
    assumption: ArmValues | None
    total: ArmValues | None
    simulation: Simulation | None

    @property
    def spread(self) -> ArmValues:
        """Return the draws with every doubt that was drawn."""
        return self.total or self.data


def gather_evidence(
    baseline: Baseline,
    modification: FlowModification,
    seed: np.random.SeedSequence,
    metrics: Sequence[str],
) -> Evidence:
    """Evaluate both arms as fitted, and under every source of doubt; nobody is simulated yet."""
    numbers = draw_parameters(modification.compile(), baseline.draws.n_draws, seed)
    doubted = any(numbers)

    def evaluate(controls: Iterable[Solved], numbers: Sequence[Values] = ()) -> ArmValues:
        return baseline.evaluate(controls, modification, numbers, metrics)

    return Evidence(
        exact=evaluate([baseline.fitted]).only(0),
        data=evaluate(baseline.drawn()),
        assumption=evaluate(baseline.repeated(), numbers) if doubted else None,
        total=evaluate(baseline.drawn(), numbers) if doubted else None,
        simulation=None,
    )


def reach_intervals(
    baseline: Baseline, modification: FlowModification, steps: Sequence[str], seed: np.random.SeedSequence
) -> tuple[Interval, ...]:
    """Return the 95 % interval of the uplift of the chance to reach each of some states.

    Parameters
    ----------
    baseline : Baseline
    modification : FlowModification
    steps : sequence of str
        States of the control.
    seed : SeedSequence
        That of the experiment, so that both draw the same numbers for ranges.
    """
    if not steps:
        return ()
    apart = baseline.told_apart(modification.segments())
    numbers = draw_parameters(modification.compile(), apart.draws.n_draws, seed)
    low, high = intervals(apart.reach_uplifts(modification, tuple(steps), numbers)).tolist()
    return tuple(zip(low, high, strict=True))


ModelRange = Callable[[str], Interval | None]
"""Gives the range of a metric's uplift over other models, None where there is none."""


def _no_range(_metric: str) -> Interval | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Some journeys that are reported together.

    Parameters
    ----------
    name : str
    weights : array of shape (K,)
        Share of each persona's journeys that are meant.
    model : callable
        Gives the range of a metric over other models; none of any where left out.
    """

    name: str
    weights: FloatArray
    model: ModelRange = _no_range


def parts_of(
    simulator: ProductFlowSimulator,
    range_of: Callable[[int | None], ModelRange] = lambda _persona: _no_range,
) -> list[Part]:
    """Return everyone and each persona, as they are reported.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    range_of : callable
        Gives the ``model`` of a persona, None for everyone.
    """
    chains = np.arange(len(simulator.shares))
    personas = zip(simulator.persona_names, simulator.persona_cells, strict=True)
    return [
        Part(name=EVERYONE, weights=np.ones(len(chains)), model=range_of(None)),
        *(
            Part(name=name, weights=np.isin(chains, cells).astype(float), model=range_of(k))
            for k, (name, cells) in enumerate(personas)
        ),
    ]


def compare(found: Evidence, parts: Sequence[Part]) -> tuple[Comparison, ...]:
    """Return both arms over each of some parts of all journeys.

    Parameters
    ----------
    found : Evidence
    parts : sequence of Part, length G

    Notes
    -----
    All parts are pooled at once, and so are their quantiles taken.
    """
    weights = np.stack([part.weights for part in parts], axis=-1)
    exact, metrics = found.exact, tuple(found.exact.metrics["control"])
    pooled = {arm: {m: exact.pooled(arm, m, weights).tolist() for m in metrics} for arm in ARMS}
    harm = (found.spread.uplift("completion_rate", weights) < -ROUNDING).mean(axis=0).tolist()
    shares = (exact.shares["control"] @ weights).tolist()
    estimates = _estimates(found, parts, weights)
    compared = []
    for g, part in enumerate(parts):
        simulated = simulated_arms(found, part.weights)
        compared.append(
            Comparison(
                name=part.name,
                share=shares[g],
                n_personas=0
                if found.simulation is None
                else int(found.simulation.n_personas[part.weights > 0].sum()),
                arms={arm: {m: values[g] for m, values in each.items()} for arm, each in pooled.items()},
                uplifts=estimates[g],
                harm=harm[g],
                simulated_arms=simulated,
                simulated_uplifts={m: simulated["treatment"][m] - simulated["control"][m] for m in METRICS}
                if simulated
                else {},
            )
        )
    return tuple(compared)


def _estimates(found: Evidence, parts: Sequence[Part], weights: FloatArray) -> list[dict[str, Estimate]]:
    """Return the uplifts of every metric, a mapping for each part; weights have shape (K, G)."""
    estimates: list[dict[str, Estimate]] = [{} for _ in parts]
    layers = (found.data, found.assumption, found.total)
    for metric in found.exact.metrics["control"]:
        values = found.exact.uplift(metric, weights).tolist()
        controls = found.exact.pooled("control", metric, weights).tolist()
        data, assumption, total = (_intervals(each, metric, weights) for each in layers)
        for g, (part, value, control) in enumerate(zip(parts, values, controls, strict=True)):
            estimates[g][metric] = Estimate(
                value=value,
                relative=value / control if control > 0 else None,
                data=data[g],
                model=part.model(metric),
                assumption=assumption[g] if assumption else None,
                total=total[g] if total else data[g],
                simulation_error=paired_error(found, part.weights, metric),
            )
    return estimates


def _intervals(values: ArmValues | None, metric: str, weights: FloatArray) -> list[Interval]:
    """Return the interval of an uplift for each part; none where a source of doubt was not drawn."""
    if values is None:
        return []
    low, high = intervals(values.uplift(metric, weights)).tolist()
    return list(zip(low, high, strict=True))


def simulated_arms(found: Evidence, part: FloatArray) -> dict[str, dict[str, float]]:
    """Return the simulated mean over some journeys by arm and metric; empty where nobody was simulated."""
    if found.simulation is None:
        return {}
    means: dict[str, dict[str, float]] = {}
    for arm in ARMS:
        weights = _weights(found, found.simulation, part, arm)
        known = weights > 0
        means[arm] = {
            metric: float(weights[known] @ found.simulation.means(arm, metric)[known])
            if known.any()
            else float("nan")
            for metric in METRICS
        }
    return means


def _weights(found: Evidence, simulation: Simulation, part: FloatArray, arm: str) -> FloatArray:
    """Return the weight of each persona, shape (K,): the share of each one meant that was simulated."""
    meant = np.where(simulation.simulated, part, 0.0)
    shares = np.where(part > 0, 1.0, 0.0) if (part > 0).sum() == 1 else found.exact.shares[arm]
    weights = meant * shares
    total = weights.sum()
    scaled: FloatArray = weights / total if total > 0 else weights
    return scaled


def arm_error(found: Evidence, part: FloatArray, metric: str, arm: str) -> float:
    """Return one standard error of the simulated mean of one arm over some journeys."""
    if found.simulation is None:
        return float("nan")
    nothing = np.zeros(len(part))
    weights = dict.fromkeys(ARMS, nothing) | {arm: _weights(found, found.simulation, part, arm)}
    return float(np.sqrt(found.simulation.variance(metric, weights).sum()))


def paired_error(found: Evidence, part: FloatArray, metric: str) -> float | None:
    """Return one standard error of the simulated uplift, personas as strata; None where there is none."""
    if found.simulation is None or metric not in METRICS:
        return None
    weights = {arm: _weights(found, found.simulation, part, arm) for arm in ARMS}
    if not all(each.any() for each in weights.values()):
        return None
    return float(np.sqrt(found.simulation.variance(metric, weights).sum()))
