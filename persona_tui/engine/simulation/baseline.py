"""The control, solved once as fitted and in every draw: what each change is laid beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from persona_tui.engine.simulation.effect_base import Values
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import METRICS, Flow, solve
from persona_tui.engine.simulation.groups import Group, attribute_groups
from persona_tui.engine.simulation.measures import OF_CONVERTING, Measures
from persona_tui.engine.simulation.segments import split_by_segments, split_draws
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.simulation.uncertainty import FlowDraws
from persona_tui.engine.types import FloatArray

_KEPT_BYTES = 2**28
"""Chains of all draws up to which they are built once and kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """Some draws of the control.

    Parameters
    ----------
    flow : Flow
        With a leading axis of b draws.
    shares : array of shape (b, K)
    metrics : dict of array of shape (b, K)
    measures : Measures or None
        Those of just these draws.
    """

    flow: Flow
    shares: FloatArray
    metrics: Mapping[str, FloatArray]
    measures: Measures | None


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

    def pooled(self, arm: str, metric: str, part: FloatArray) -> FloatArray:
        """Return the mean over some journeys, shape (...).

        Parameters
        ----------
        arm, metric : str
        part : array of shape (K,)
            Share of each persona's journeys that are meant.
        """
        values = self.metrics[arm][metric]
        (meant,) = part.nonzero()
        if len(meant) == 1:
            return values[..., meant[0]]
        weights = self.shares[arm] * part
        if metric in OF_CONVERTING:
            weights = weights * self.metrics[arm]["completion_rate"]
            values = np.where(weights > 0, values, 0.0)
        total = weights.sum(axis=-1)
        mean: FloatArray = np.divide(
            (values * weights).sum(axis=-1), total, out=np.full_like(total, np.nan), where=total > 0
        )
        return mean

    def uplift(self, metric: str, part: FloatArray) -> FloatArray:
        """Return treatment minus control over some journeys, shape (...)."""
        return self.pooled("treatment", metric, part) - self.pooled("control", metric, part)

    def only(self, draw: int) -> ArmValues:
        """Return one draw, without its axis."""
        return ArmValues(
            metrics={arm: {m: v[draw] for m, v in each.items()} for arm, each in self.metrics.items()},
            shares={arm: each[draw] for arm, each in self.shares.items()},
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Baseline:
    """The control of one simulator: what is the same for every change.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    draws : FlowDraws
        Of this simulator.
    max_length : int, optional
        Events after which journeys are cut; none where left out.
    measures : Measures, optional
        Metrics besides those of ``flow.METRICS``.
    """

    simulator: ProductFlowSimulator
    draws: FlowDraws
    max_length: int | None = None
    measures: Measures | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of all metrics."""
        return METRICS + (self.measures.names if self.measures else ())

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups of users by attribute."""
        return attribute_groups(self.simulator)

    @cached_property
    def _split(self) -> dict[tuple[str, ...], Baseline]:
        return {}

    def told_apart(self, segments: tuple[str, ...], seed: np.random.SeedSequence) -> Baseline:
        """Return the control with users told apart by segments; the same object where none is named.

        Parameters
        ----------
        segments : tuple of str
        seed : SeedSequence
            The one that the draws were made with.
        """
        if not segments:
            return self
        if segments not in self._split:
            simulator = split_by_segments(self.simulator, segments)
            owners = [persona for persona, cells in enumerate(simulator.persona_cells) for _ in cells]
            self._split[segments] = replace(
                self,
                simulator=simulator,
                draws=split_draws(self.draws, simulator, seed),
                measures=self.measures and self.measures.of_personas(owners),
            )
        return self._split[segments]

    def measure(self, flow: Flow, measures: Measures | None) -> Mapping[str, FloatArray]:
        """Return every metric of a flow by persona, shape (..., K), given the measures of its draws."""
        found: Mapping[str, FloatArray] = solve(flow, self.max_length).metrics
        return {**found, **measures.of(flow, self.max_length)} if measures else found

    @cached_property
    def fitted(self) -> Solved:
        """Return the control as fitted, as one draw."""
        flow = self.simulator.flow
        one = replace(flow, starts=flow.starts[None], transitions=flow.transitions[None])
        metrics = self.measure(one, self.measures)
        return Solved(flow=one, shares=self.simulator.shares[None], metrics=metrics, measures=self.measures)

    @cached_property
    def _kept(self) -> tuple[Solved, ...]:
        return tuple(self._solve_draws())

    def _solve_draws(self) -> Iterator[Solved]:
        first = 0
        for flow, shares in self.draws.blocks():
            measures = self.measures and self.measures.of_draws(first, len(shares))
            yield Solved(flow=flow, shares=shares, metrics=self.measure(flow, measures), measures=measures)
            first += len(shares)

    def drawn(self) -> Iterable[Solved]:
        """Return the control in every draw, some at a time; kept where that takes little memory."""
        one = self.simulator.flow.transitions.nbytes
        return self._kept if one * self.draws.n_draws <= _KEPT_BYTES else self._solve_draws()

    def repeated(self) -> Iterator[Solved]:
        """Yield the control as fitted, as often as there are draws."""
        for first in range(0, self.draws.n_draws, self.draws.block_size):
            size = min(self.draws.block_size, self.draws.n_draws - first)
            shares = np.repeat(self.fitted.shares, size, axis=0)
            yield replace(self.fitted, shares=shares)

    def evaluate(
        self, controls: Iterable[Solved], modification: FlowModification, numbers: Sequence[Values] = ()
    ) -> ArmValues:
        """Return the exact values of both arms.

        Parameters
        ----------
        controls : iterable of Solved
        modification : FlowModification
        numbers : sequence of mapping, optional
            Numbers by effect, arrays of shape (B, 1) over all draws.
        """
        found: dict[str, dict[str, list[FloatArray]]] = {arm: {m: [] for m in self.metrics} for arm in ARMS}
        shares: dict[str, list[FloatArray]] = {arm: [] for arm in ARMS}
        first = 0
        for control in controls:
            size = len(control.shares)
            drawn = [{name: each[first : first + size] for name, each in one.items()} for one in numbers]
            treatment = modification.apply(control.flow, drawn)
            after = (
                control.metrics if treatment is control.flow else self.measure(treatment, control.measures)
            )
            for arm, values in zip(ARMS, (control.metrics, after), strict=True):
                for metric in self.metrics:
                    found[arm][metric].append(np.broadcast_to(values[metric], control.shares.shape))
            shares["control"].append(control.shares)
            shifted = modification.shift(control.shares, control.flow, drawn)
            shares["treatment"].append(np.broadcast_to(shifted, control.shares.shape))
            first += size
        return ArmValues(
            metrics={
                arm: {m: np.concatenate(parts) for m, parts in each.items()} for arm, each in found.items()
            },
            shares={arm: np.concatenate(parts) for arm, parts in shares.items()},
        )
