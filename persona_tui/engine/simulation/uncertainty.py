"""How well the log pins the flow: refitted user bootstrap, drawn once a fit and read by every preview."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.modeling.counts import smooth
from persona_tui.engine.modeling.steps import (
    MoveTable,
    estimate_moves,
    joint_log_likelihood,
    normalise_memberships,
    tabulate_moves,
)
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.flow import Flow
from persona_tui.engine.statistics import bootstrap_weights
from persona_tui.engine.types import AnyArray, FloatArray

DEFAULT_N_DRAWS = 400
REFIT_ITERATIONS = 20
DRAWS_PER_BLOCK = 40
_LEAST_SHARE = 1e-30
_BLOCK_BYTES = 2**20
"""Of one array of chains; a block that fits the processor's cache is solved fastest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlowDraws:
    """Flows that the log is compatible with.

    Only the moves that occur are held; chains are built a block of draws at a time.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    moved : array of shape (B, K, F)
        Weighted count of each move that occurs.
    shares : array of shape (B, K)
        Share of journeys of each persona.
    conversions : array of shape (B, K)
        Observed conversion of each persona, open journeys counted as not converted.
    """

    simulator: ProductFlowSimulator
    moved: FloatArray
    shares: FloatArray
    conversions: FloatArray

    @property
    def n_draws(self) -> int:
        """Return the number of draws."""
        return len(self.shares)

    @property
    def block_size(self) -> int:
        """Return how many draws are evaluated at a time."""
        n = self.simulator.counts.n_states
        return int(max(1, _BLOCK_BYTES // (8 * self.shares.shape[1] * (n + 1) ** 2)))

    def blocks(self) -> Iterator[tuple[Flow, FloatArray]]:
        """Yield flows and shares in order, as many draws at a time as fit a fixed memory budget."""
        simulator = self.simulator
        counts, prior = simulator.counts, simulator.generator.prior
        size = self.block_size
        for first in range(0, self.n_draws, size):
            tables = counts.tabulate(self.moved[first : first + size])
            flow = simulator.build_flow(smooth(tables, simulator.pooled, prior))
            yield flow, self.shares[first : first + size]


def draw_flows(
    simulator: ProductFlowSimulator,
    n_draws: int,
    seed: np.random.SeedSequence,
    *,
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> FlowDraws:
    """Draw flows by the Bayesian bootstrap over users, memberships fitted anew in each draw.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    n_draws : int
    seed : SeedSequence
    workers : int
        Threads; the draws do not depend on their number.
    on_progress : callable

    Notes
    -----
    Users are weighted, not journeys: journeys of one user are not independent. Each draw
    runs 20 accelerated iterations of EM from the fit, because memberships that are held fixed
    make intervals too narrow. The pooled chain that rows are shrunk toward is that of the log.

    References
    ----------
    Nesterov (1983), A method of solving a convex programming problem with convergence rate
    O(1/k²), *Soviet Mathematics Doklady* 27, 372-376.
    """
    table = tabulate_moves(simulator.counts, simulator.pooled, simulator.generator.prior)
    starts = range(0, n_draws, DRAWS_PER_BLOCK)

    def work(block: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        size = min(DRAWS_PER_BLOCK, n_draws - block * DRAWS_PER_BLOCK)
        generator = stream(seed, Stream.BOOTSTRAP, block)
        return _draw_block(
            simulator, table, bootstrap_weights(generator, simulator.counts.multiplicity, size)
        )

    blocks = []
    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        for block in pool.map(work, range(len(starts))):
            blocks.append(block)
            drawn = min(len(blocks) * DRAWS_PER_BLOCK, n_draws)
            on_progress(Progress(stage="bootstrap", done=drawn, total=n_draws))
    moved, shares, conversions = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return FlowDraws(simulator=simulator, moved=moved, shares=shares, conversions=conversions)


def _draw_block(
    simulator: ProductFlowSimulator, table: MoveTable, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weighted moves (b, K, F), journey shares and conversions (b, K) under weights (R, b)."""
    n_rows, n_draws = weights.shape
    n_clusters = simulator.generator.n_clusters
    memberships = np.repeat(simulator.memberships[:, :, None], n_draws, axis=2)
    if simulator.generator.soft and n_clusters > 1:
        memberships = _refit(table, weights, memberships)
    mass = weights[:, None, :] * memberships
    flat = simulator.counts.matrix.T @ mass.reshape(n_rows, -1)
    journeys = np.tensordot(simulator.counts.n_journeys, mass, axes=1)
    converted = np.tensordot(simulator.counts.n_converted, mass, axes=1)
    moved: FloatArray = flat.reshape(-1, n_clusters, n_draws).transpose(2, 1, 0)
    return moved, (journeys / journeys.sum(axis=0)).T, (converted / np.maximum(journeys, 1e-12)).T


def _refit(table: MoveTable, weights: FloatArray, memberships: FloatArray) -> FloatArray:
    """Return memberships (R, K, b) after some iterations of EM under weights (R, b).

    Each iteration goes on in the direction of the last one: personas that are much alike
    converge so slowly that plain EM would stop short of where the weights lead. Single
    precision: its rounding is a thousandth of the noise that the draws stand for.
    """
    table = table.single()
    single: AnyArray = weights.astype(np.float32)
    current: AnyArray = memberships.astype(np.float32)
    n_rows, n_clusters, n_draws = current.shape
    users = single.sum(axis=0)
    before: AnyArray | None = None
    for iteration in range(REFIT_ITERATIONS):
        mass = single[:, None, :] * current
        log_moves, _ = estimate_moves(table, mass.reshape(n_rows, -1))
        log_weights = np.log(np.maximum(mass.sum(axis=0) / users, _LEAST_SHARE))
        joint = joint_log_likelihood(table, log_moves, log_weights.ravel())
        joint = joint.reshape(n_rows, n_clusters, n_draws)
        momentum = np.float32(iteration / (iteration + 3))
        ahead = joint if before is None else joint + momentum * (joint - before)
        current, _ = normalise_memberships(ahead)
        before = joint
    refitted: FloatArray = current.astype(np.float64)
    return refitted
