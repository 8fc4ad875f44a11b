"""Two arms laid side by side: pooled over personas, with the intervals and the error of each uplift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.simulation.baseline import ArmValues
from persona_tui.engine.simulation.flow import METRICS
from persona_tui.engine.simulation.simulated import ARMS, Simulation
from persona_tui.engine.statistics import Estimate, Interval, interval
from persona_tui.engine.types import FloatArray

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


ModelRange = Callable[[str], Interval | None]
"""Gives the range of a metric's uplift over other models, None where there is none."""


def compare(name: str, found: Evidence, part: FloatArray, model: ModelRange) -> Comparison:
    """Return both arms over some journeys.

    Parameters
    ----------
    name : str
    found : Evidence
    part : array of shape (K,)
        Share of each persona's journeys that are meant.
    model : callable
    """
    exact, metrics = found.exact, tuple(found.exact.metrics["control"])
    arms = {arm: {m: float(exact.pooled(arm, m, part)) for m in metrics} for arm in ARMS}
    simulated = _simulated_arms(found, part)
    return Comparison(
        name=name,
        share=float(exact.shares["control"] @ part),
        n_personas=0 if found.simulation is None else int(found.simulation.n_personas[part > 0].sum()),
        arms=arms,
        uplifts={m: _estimate(found, part, m, arms["control"][m], model(m)) for m in metrics},
        harm=float((found.spread.uplift("completion_rate", part) < -ROUNDING).mean()),
        simulated_arms=simulated,
        simulated_uplifts={m: simulated["treatment"][m] - simulated["control"][m] for m in METRICS}
        if simulated
        else {},
    )


def _estimate(
    found: Evidence, part: FloatArray, metric: str, control: float, model: Interval | None
) -> Estimate:
    value = float(found.exact.uplift(metric, part))
    data = interval(found.data.uplift(metric, part))
    return Estimate(
        value=value,
        relative=value / control if control > 0 else None,
        data=data,
        model=model,
        assumption=_interval_of(found.assumption, metric, part),
        total=_interval_of(found.total, metric, part) or data,
        simulation_error=_paired_error(found, part, metric),
    )


def _interval_of(values: ArmValues | None, metric: str, part: FloatArray) -> Interval | None:
    return None if values is None else interval(values.uplift(metric, part))


def _simulated_arms(found: Evidence, part: FloatArray) -> dict[str, dict[str, float]]:
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


def _paired_error(found: Evidence, part: FloatArray, metric: str) -> float | None:
    """Return one standard error of the simulated uplift, personas as strata; None where there is none."""
    if found.simulation is None or metric not in METRICS:
        return None
    weights = {arm: _weights(found, found.simulation, part, arm) for arm in ARMS}
    if not all(each.any() for each in weights.values()):
        return None
    return float(np.sqrt(found.simulation.variance(metric, weights).sum()))
