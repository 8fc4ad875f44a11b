"""The control, solved once as fitted and in every draw: what each change is laid beside."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from persona_tui.engine.errors import unknown_name
from persona_tui.engine.simulation.effect_base import Values
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import METRICS, Flow, reach, solve
from persona_tui.engine.simulation.measures import OF_CONVERTING, Measures
from persona_tui.engine.simulation.segments import split_by_segments, split_draws
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.simulation.uncertainty import FlowDraws
from persona_tui.engine.types import FloatArray

_Block = TypeVar("_Block")
_Result = TypeVar("_Result")

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
        """Return the mean over some journeys, shape (...), or over several sets of them, shape (..., G).

        Personas that the arm has none of are weighed as in control: it tells what would become of them.

        Parameters
        ----------
        arm, metric : str
        part : array of shape (K,) or (K, G)
            Share of each persona's journeys that are meant.
        """
        values, parts = self.metrics[arm][metric], part.reshape(len(part), -1)
        mean = self._mean(arm, metric, self.shares[arm], parts)
        nobody = self.shares[arm] @ parts <= 0
        if nobody.any():
            mean = np.where(nobody, self._mean(arm, metric, self.shares["control"], parts), mean)
        alone = np.count_nonzero(parts, axis=0) == 1  # one persona has a mean, whatever its share
        mean[..., alone] = values[..., np.argmax(parts[:, alone], axis=0)]
        return mean.reshape(values.shape[:-1] + part.shape[1:])

    def _mean(self, arm: str, metric: str, shares: FloatArray, parts: FloatArray) -> FloatArray:
        """Return the mean over sets of journeys, shape (..., G), NaN where there are none."""
        values, weights = self.metrics[arm][metric], shares
        if metric in OF_CONVERTING:
            weights = weights * self.metrics[arm]["completion_rate"]
            values = np.where(weights > 0, values, 0.0)
        total = weights @ parts
        mean: FloatArray = np.full_like(total, np.nan)
        np.divide((values * weights) @ parts, total, out=mean, where=total > 0)
        return mean

    def uplift(self, metric: str, part: FloatArray) -> FloatArray:
        """Return treatment minus control over some journeys, as ``pooled``."""
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
    workers : int
        Threads that solve draws; results do not depend on their number.
    """

    simulator: ProductFlowSimulator
    draws: FlowDraws
    max_length: int | None = None
    measures: Measures | None = None
    workers: int = 1

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of all metrics."""
        return METRICS + (self.measures.names if self.measures else ())

    def metrics_told(self, wanted: Sequence[str] | None) -> tuple[str, ...]:
        """Return the metrics that are wanted and those of ``flow.METRICS``; all where none is named.

        Raises
        ------
        UnknownNameError
            If there is no such metric.
        """
        for name in wanted or ():
            if name not in self.metrics:
                raise unknown_name("metric", name, self.metrics)
        asked = self.metrics if wanted is None else (*METRICS, *wanted)
        return tuple(metric for metric in self.metrics if metric in asked)

    @cached_property
    def _split(self) -> dict[tuple[str, ...], Baseline]:
        return {}

    def told_apart(self, segments: tuple[str, ...]) -> Baseline:
        """Return the control with users told apart by segments; the same object where none is named.

        Parameters
        ----------
        segments : tuple of str
        """
        if not segments:
            return self
        if segments not in self._split:
            simulator = split_by_segments(self.simulator, segments)
            owners = [persona for persona, cells in enumerate(simulator.persona_cells) for _ in cells]
            self._split[segments] = replace(
                self,
                simulator=simulator,
                draws=split_draws(self.draws, simulator),
                measures=self.measures and self.measures.of_personas(owners),
            )
        return self._split[segments]

    def measure(
        self, flow: Flow, measures: Measures | None, metrics: Sequence[str] | None = None
    ) -> Mapping[str, FloatArray]:
        """Return some metrics of a flow by persona, shape (..., K), given the measures of its draws."""
        found: Mapping[str, FloatArray] = solve(flow, self.max_length).metrics
        if measures is None or not set(metrics or self.metrics).difference(METRICS):
            return found
        return {**found, **measures.of(flow, self.max_length)}

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
        def solved(block: tuple[int, tuple[Flow, FloatArray]]) -> Solved:
            first, (flow, shares) = block
            measures = self.measures and self.measures.of_draws(first, len(shares))
            return Solved(flow=flow, shares=shares, metrics=self.measure(flow, measures), measures=measures)

        firsts = range(0, self.draws.n_draws, self.draws.block_size)
        return _map_in_order(solved, zip(firsts, self.draws.blocks(), strict=True), self.workers)

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
        self,
        controls: Iterable[Solved],
        modification: FlowModification,
        numbers: Sequence[Values] = (),
        metrics: Sequence[str] | None = None,
    ) -> ArmValues:
        """Return the exact values of both arms.

        Parameters
        ----------
        controls : iterable of Solved
        modification : FlowModification
        numbers : sequence of mapping, optional
            Numbers by effect, arrays of shape (B, 1) over all draws.
        metrics : sequence of str, optional
            All where left out.
        """
        asked = tuple(metrics or self.metrics)

        def both(block: tuple[Solved, list[Values]]) -> ArmValues:
            control, drawn = block
            treatment = modification.apply(control.flow, drawn)
            same = treatment is control.flow
            arms = (
                control.metrics,
                control.metrics if same else self.measure(treatment, control.measures, asked),
            )
            shares = (control.shares, modification.shift(control.shares, control.flow, drawn))
            shape = control.shares.shape
            spread = ({m: np.broadcast_to(values[m], shape) for m in asked} for values in arms)
            return ArmValues(
                metrics=dict(zip(ARMS, spread, strict=True)),
                shares={arm: np.broadcast_to(each, shape) for arm, each in zip(ARMS, shares, strict=True)},
            )

        found = list(_map_in_order(both, _numbered(controls, numbers), self.workers))
        return ArmValues(
            metrics={
                arm: {m: np.concatenate([each.metrics[arm][m] for each in found]) for m in asked}
                for arm in ARMS
            },
            shares={arm: np.concatenate([each.shares[arm] for each in found]) for arm in ARMS},
        )

    def reach_uplifts(
        self, modification: FlowModification, steps: tuple[str, ...], numbers: Sequence[Values] = ()
    ) -> FloatArray:
        """Return how much more often journeys reach some states under treatment in every draw, shape (B, m).

        Parameters
        ----------
        modification : FlowModification
        steps : tuple of str, length m
            States of the control.
        numbers : sequence of mapping, optional
            As ``evaluate`` takes them.
        """

        def pooled(flow: Flow, shares: FloatArray) -> FloatArray:
            chances = reach(flow, steps, self.max_length)
            mean: FloatArray = np.matmul(shares[:, None, :], chances)[:, 0, :]
            return mean

        def uplift(block: tuple[Solved, list[Values]]) -> FloatArray:
            control, drawn = block
            treatment = modification.apply(control.flow, drawn)
            shares = modification.shift(control.shares, control.flow, drawn)
            return pooled(treatment, np.broadcast_to(shares, control.shares.shape)) - pooled(
                control.flow, control.shares
            )

        return np.concatenate(list(_map_in_order(uplift, _numbered(self.drawn(), numbers), self.workers)))


def _numbered(controls: Iterable[Solved], numbers: Sequence[Values]) -> Iterator[tuple[Solved, list[Values]]]:
    """Yield draws of the control with their numbers of each effect."""
    first = 0
    for control in controls:
        last = first + len(control.shares)
        yield control, [{name: each[first:last] for name, each in one.items()} for one in numbers]
        first = last


def _map_in_order(
    task: Callable[[_Block], _Result], blocks: Iterable[_Block], workers: int
) -> Iterator[_Result]:
    """Yield the result of each block; no more blocks are taken than there are threads to work on them."""
    if workers == 1:
        yield from map(task, blocks)
        return
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[_Result]] = deque()
        for block in blocks:
            if len(under_way) == workers:
                yield under_way.popleft().result()
            under_way.append(pool.submit(task, block))
        while under_way:
            yield under_way.popleft().result()
