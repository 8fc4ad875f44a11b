"""How well the log pins the flow: refitted user bootstrap, drawn once a fit and read by every preview."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.modeling.steps import (
    MoveTable,
    estimate_moves,
    joint_log_likelihood,
    normalise_memberships,
    tabulate_moves,
)
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.simulation.blocks import Arrays, BlockStore, Stage, digest, run_blocks
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.executors import Executor, ThreadExecutor
from persona_tui.engine.simulation.flow import Flow
from persona_tui.engine.simulation.population import whole_of
from persona_tui.engine.statistics import bootstrap_weights
from persona_tui.engine.types import AnyArray, FloatArray

DEFAULT_N_DRAWS = 400
REFIT_ITERATIONS = 40
DRAWS_PER_BLOCK = 40
_LEAST_SHARE = 1e-30
_BLOCK_BYTES = 2**21
"""Of one array of chains; a block that fits the processor's cache is solved fastest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlowDraws:
    """Flows that the log is compatible with.

    Only the moves that occur are held; chains are built a block of draws at a time. All personas are held,
    also those that the simulator leaves out of predictions.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    moved : array of shape (B, K, F)
        Weighted count of each move that occurs.
    shares : array of shape (B, K)
        Share of journeys of each persona.
    conversions : array of shape (B, K)
        Observed conversion of each persona, open journeys counted as not converted.
    seed : SeedSequence
        That the users were weighted with.
    """

    simulator: ProductFlowSimulator
    seed: np.random.SeedSequence
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
        size = self.block_size
        for first in range(0, self.n_draws, size):
            chains = simulator.estimate_chains(self.moved[first : first + size])
            shares = simulator.of_population(self.shares[first : first + size])
            yield simulator.build_flow(chains), shares


def draw_flows(
    simulator: ProductFlowSimulator,
    n_draws: int,
    seed: np.random.SeedSequence,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    store: BlockStore | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> FlowDraws:
    """Draw flows by the Bayesian bootstrap over users, memberships fitted anew in each draw.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    n_draws : int
    seed : SeedSequence
    workers : int
        Threads, where no executor is given; the draws do not depend on their number.
    executor : Executor, optional
    store : BlockStore, optional
        Where finished blocks are kept and found.
    on_progress : callable

    Notes
    -----
    Users are weighted, not journeys: journeys of one user are not independent. Each draw
    runs 40 accelerated iterations of EM from the fit, because memberships that are held fixed
    make intervals too narrow. While memberships are fitted, rows are shrunk toward the pooled chain of the
    log; the chains of the draw are shrunk toward its own, see ``ProductFlowSimulator.estimate_chains``.
    Personas that are excluded take part in the fit of every draw, and then are left out.

    References
    ----------
    Nesterov (1983), A method of solving a convex programming problem with convergence rate
    O(1/k²), *Soviet Mathematics Doklady* 27, 372-376.
    """
    task = _Bootstrap.of(whole_of(simulator), seed)
    starts = range(0, n_draws, DRAWS_PER_BLOCK)
    sizes = tuple(min(DRAWS_PER_BLOCK, n_draws - first) for first in starts)
    blocks = run_blocks(
        task,
        list(enumerate(sizes)),
        Stage(name="bootstrap", sizes=sizes, key="" if store is None else task.key(n_draws)),
        executor=executor or ThreadExecutor(workers=workers),
        store=store,
        on_progress=on_progress,
    )
    drawn = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return FlowDraws(simulator=simulator, seed=seed, **drawn)


def drawn_row_weights(
    multiplicity: FloatArray, n_draws: int, seed: np.random.SeedSequence
) -> Iterator[FloatArray]:
    """Yield the weights of distinct rows in the draws of ``draw_flows``, shape (R, b), 40 draws at a time.

    Parameters
    ----------
    multiplicity : array of shape (R,)
        Users behind each row.
    n_draws : int
    seed : SeedSequence
        The one that the draws were made with.
    """
    for block, first in enumerate(range(0, n_draws, DRAWS_PER_BLOCK)):
        size = min(DRAWS_PER_BLOCK, n_draws - first)
        yield _block_weights(multiplicity, size, seed, block)


def _block_weights(
    multiplicity: FloatArray, n_draws: int, seed: np.random.SeedSequence, block: int
) -> FloatArray:
    return bootstrap_weights(stream(seed, Stream.BOOTSTRAP, block), multiplicity, n_draws)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Bootstrap:
    """The draws of one block; holds no more of the simulator than they need, since workers get a copy."""

    table: MoveTable
    multiplicity: FloatArray
    memberships: FloatArray
    n_journeys: FloatArray
    n_converted: FloatArray
    refitted: bool
    seed: np.random.SeedSequence

    @classmethod
    def of(cls, simulator: ProductFlowSimulator, seed: np.random.SeedSequence) -> _Bootstrap:
        counts, generator = simulator.counts, simulator.generator
        return cls(
            table=tabulate_moves(counts, simulator.pooled, generator.prior),
            multiplicity=counts.multiplicity,
            memberships=simulator.memberships,
            n_journeys=counts.n_journeys,
            n_converted=counts.n_converted,
            refitted=generator.soft and generator.n_clusters > 1,
            seed=seed,
        )

    def key(self, n_draws: int) -> str:
        """Return a digest of all that the draws depend on."""
        table, matrix = self.table, self.table.matrix
        sparse = (matrix.data, matrix.indices, matrix.indptr)
        tables = (table.first_of_row, table.row_of_move, table.pooled, table.unseen)
        users = (self.multiplicity, self.memberships, self.n_journeys, self.n_converted)
        numbers = (table.unseen_log, table.prior, self.refitted, n_draws, str(self.seed))
        return digest(*sparse, *tables, *users, *numbers)

    def __call__(self, block: tuple[int, int]) -> Arrays:
        """Return weighted moves (b, K, F), journey shares and conversions (b, K) of a numbered block."""
        number, n_draws = block
        weights = _block_weights(self.multiplicity, n_draws, self.seed, number)
        n_rows, n_clusters = self.memberships.shape
        memberships = np.repeat(self.memberships[:, :, None], n_draws, axis=2)
        if self.refitted:
            memberships = _refit(self.table, weights, memberships)
        mass = weights[:, None, :] * memberships
        flat = self.table.transposed @ mass.reshape(n_rows, -1)
        journeys = np.tensordot(self.n_journeys, mass, axes=1)
        converted = np.tensordot(self.n_converted, mass, axes=1)
        return {
            "moved": flat.reshape(-1, n_clusters, n_draws).transpose(2, 1, 0),
            "shares": (journeys / journeys.sum(axis=0)).T,
            "conversions": (converted / np.maximum(journeys, 1e-12)).T,
        }


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
