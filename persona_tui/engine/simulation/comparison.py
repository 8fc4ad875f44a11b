"""Two arms laid side by side: pooled over personas, with the intervals and the error of each uplift."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.simulation.effect_base import Values
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import METRICS, Flow, solve
from persona_tui.engine.simulation.simulated import ARMS, Simulation
from persona_tui.engine.statistics import Estimate, Interval, interval
from persona_tui.engine.types import BoolArray, FloatArray

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
        Synthetic users per arm.
    arms : dict of dict of float
        Exact value by arm and metric.
    uplifts : dict of Estimate
        Treatment minus control by metric.
    simulated_arms : dict of dict of float
        What the walks gave.
    simulated_uplifts : dict of float
    """

    name: str
    share: float
    n_personas: int
    arms: dict[str, dict[str, float]]
    uplifts: dict[str, Estimate]
    simulated_arms: dict[str, dict[str, float]]
    simulated_uplifts: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmValues:
    """Exact values of both arms; every array has shape (..., K).

    Parameters
    ----------
    metrics : dict of dict of array
        By arm and metric.
    shares : dict of array
        Share of each persona by arm.
    """

    metrics: dict[str, dict[str, FloatArray]]
    shares: dict[str, FloatArray]

    def pooled(self, arm: str, metric: str, members: Sequence[int]) -> FloatArray:
        """Return the share-weighted mean over some personas, shape (...)."""
        values = self.metrics[arm][metric][..., members]
        if len(members) == 1:
            return values[..., 0]
        weights = self.shares[arm][..., members]
        mean: FloatArray = (values * weights).sum(axis=-1) / weights.sum(axis=-1)
        return mean

    def uplift(self, metric: str, members: Sequence[int]) -> FloatArray:
        """Return treatment minus control over some personas, shape (...)."""
        return self.pooled("treatment", metric, members) - self.pooled("control", metric, members)


def evaluate(
    flows: Iterable[tuple[Flow, FloatArray]],
    modification: FlowModification,
    max_length: int,
    drawn: Sequence[Values] = (),
) -> ArmValues:
    """Return the exact values of both arms in every draw.

    Parameters
    ----------
    flows : iterable of (Flow, array of shape (b, K))
        Control flows and shares, some draws at a time.
    modification : FlowModification
    max_length : int
    drawn : sequence of mapping, optional
        Numbers by effect, arrays of shape (B, 1) over all draws.
    """
    metrics: dict[str, dict[str, list[FloatArray]]] = {arm: {m: [] for m in METRICS} for arm in ARMS}
    shares: dict[str, list[FloatArray]] = {arm: [] for arm in ARMS}
    first = 0
    for control, control_shares in flows:
        size = len(control_shares)
        numbers = [{name: each[first : first + size] for name, each in one.items()} for one in drawn]
        treatment = modification.apply(control, numbers)
        before = solve(control, max_length).metrics
        after = before if treatment is control else solve(treatment, max_length).metrics
        for metric in METRICS:
            metrics["control"][metric].append(np.broadcast_to(before[metric], control_shares.shape))
            metrics["treatment"][metric].append(np.broadcast_to(after[metric], control_shares.shape))
        shares["control"].append(control_shares)
        shares["treatment"].append(
            np.broadcast_to(modification.shift(control_shares, control, numbers), control_shares.shape)
        )
        first += size
    return ArmValues(
        metrics={
            arm: {m: np.concatenate(parts) for m, parts in each.items()} for arm, each in metrics.items()
        },
        shares={arm: np.concatenate(parts) for arm, parts in shares.items()},
    )


def surely_lower(values: ArmValues, members: Sequence[int]) -> BoolArray:
    """Return in which draws completion is lower even if all that was newly cut off had completed.

    Journeys that are cut at the horizon would have ended somehow: a change that only lengthens
    them harms nobody. What is left below 1e-9 is rounding.
    """
    cut = np.maximum(values.uplift("truncated_rate", members), 0.0)
    lower: BoolArray = values.uplift("completion_rate", members) + cut < -ROUNDING
    return lower


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
    simulation : Simulation
    """

    exact: ArmValues
    data: ArmValues
    assumption: ArmValues | None
    total: ArmValues | None
    simulation: Simulation


def compare(name: str, found: Evidence, members: Sequence[int]) -> Comparison:
    """Return both arms over some personas."""
    exact = found.exact
    arms = {arm: {m: float(exact.pooled(arm, m, members)) for m in METRICS} for arm in ARMS}
    simulated = {arm: {m: _simulated_mean(found, members, arm, m) for m in METRICS} for arm in ARMS}
    return Comparison(
        name=name,
        share=float(exact.shares["control"][list(members)].sum()),
        n_personas=int(found.simulation.n_personas[list(members)].sum()),
        arms=arms,
        uplifts={m: _estimate(found, members, m, arms["control"][m]) for m in METRICS},
        simulated_arms=simulated,
        simulated_uplifts={m: simulated["treatment"][m] - simulated["control"][m] for m in METRICS},
    )


def _estimate(found: Evidence, members: Sequence[int], metric: str, control: float) -> Estimate:
    value = float(found.exact.uplift(metric, members))
    data = interval(found.data.uplift(metric, members))
    return Estimate(
        value=value,
        relative=value / control if control > 0 else None,
        data=data,
        model=None,
        assumption=_interval_of(found.assumption, metric, members),
        total=_interval_of(found.total, metric, members) or data,
        simulation_error=_paired_error(found, members, metric),
    )


def _interval_of(values: ArmValues | None, metric: str, members: Sequence[int]) -> Interval | None:
    return None if values is None else interval(values.uplift(metric, members))


def _weights(found: Evidence, members: Sequence[int], arm: str) -> FloatArray:
    """Return the weight of each persona, shape (K,): the share of each member that was simulated."""
    chosen = np.isin(np.arange(len(found.simulation.n_personas)), list(members)) & found.simulation.simulated
    shares = np.where(chosen, 1.0 if len(members) == 1 else found.exact.shares[arm], 0.0)
    weights: FloatArray = np.divide(shares, shares.sum(), out=shares, where=shares.sum() > 0)
    return weights


def _simulated_mean(found: Evidence, members: Sequence[int], arm: str, metric: str) -> float:
    weights = _weights(found, members, arm)
    if not weights.any():
        return float("nan")
    return float(weights @ np.where(weights > 0, found.simulation.means(arm, metric), 0.0))


def _paired_error(found: Evidence, members: Sequence[int], metric: str) -> float | None:
    """Return one standard error of the simulated uplift, personas as strata; None where there is none."""
    weights = {arm: _weights(found, members, arm) for arm in ARMS}
    if not all(each.any() for each in weights.values()):
        return None
    return float(np.sqrt(found.simulation.variance(metric, weights).sum()))
