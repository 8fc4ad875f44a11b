"""The parameters of a mixture while it is fitted, and one pass of expectation-maximisation over the users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np

from persona_tui.engine.modeling.steps import LOG_FLOOR, Matrix, MoveTable, log_chances
from persona_tui.engine.types import FloatArray

BLOCK_ROWS = 2**14
"""Rows that are worked on at once: their memberships fit the processor's cache."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameters:
    """What a mixture is made of, in logarithms.

    Parameters
    ----------
    log_moves : array of shape (F, K)
        Of the chance of each move that occurs.
    log_unseen : array of shape (rows, K)
        Of what the pooled chance of a move that does not occur is multiplied by, by row of the chain.
    log_weights : array of shape (K,)
    """

    log_moves: FloatArray
    log_unseen: FloatArray
    log_weights: FloatArray

    def select(self, clusters: Iterable[int]) -> Parameters:
        """Return the parameters of some personas, or of all in another order; weights as they are."""
        chosen = list(clusters)
        return Parameters(
            log_moves=self.log_moves[:, chosen],
            log_unseen=self.log_unseen[:, chosen],
            log_weights=self.log_weights[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expected:
    """What the users tell of each persona under some parameters: all that the next ones depend on.

    Parameters
    ----------
    moved : array of shape (F, K)
        Expected count of each move.
    users : array of shape (K,)
        Expected number of users.
    log_likelihood : float
    """

    moved: FloatArray
    users: FloatArray
    log_likelihood: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Rows that are worked on at once.

    Parameters
    ----------
    moves, transposed : sparse arrays of shape (rows, F) and (F, rows)
        Of one memory: of few users, to make the latter costs as much as to multiply by it.
    weights : array of shape (rows,)
        Users behind each row.
    """

    moves: Matrix
    transposed: Matrix
    weights: FloatArray


def split_rows(matrix: Matrix, weights: FloatArray) -> tuple[Block, ...]:
    """Return a sparse table, and the users behind each row, as blocks that share their memory."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s, only models need it

    blocks = []
    for first in range(0, matrix.shape[0], BLOCK_ROWS):
        bounds = matrix.indptr[first : first + BLOCK_ROWS + 1]
        inside = slice(bounds[0], bounds[-1])
        block = csr_array((len(bounds) - 1, matrix.shape[1]))
        block.data, block.indices = matrix.data[inside], matrix.indices[inside]  # the constructor would copy
        block.indptr = bounds - bounds[0]
        behind = weights[first : first + BLOCK_ROWS]
        blocks.append(Block(moves=block, transposed=block.T, weights=behind))
    return tuple(blocks)


def maximise(table: MoveTable, moved: FloatArray, users: FloatArray) -> Parameters:
    """Return the parameters that the expected counts make likeliest: the M-step.

    Notes
    -----
    O(K F); the rows of a chain are shrunk toward the pooled ones.
    """
    log_moves, totals = log_chances(table, moved.copy())
    share = users / users.sum()
    return Parameters(
        log_moves=log_moves,
        log_unseen=np.log(np.maximum(table.prior / np.maximum(totals, LOG_FLOOR), LOG_FLOOR)),
        log_weights=np.log(np.maximum(share, LOG_FLOOR)),
    )


def expect(blocks: Sequence[Block], parameters: Parameters, pool: Executor | None = None) -> Expected:
    """Return what the users tell of each persona: the E-step, added up at once.

    Parameters
    ----------
    blocks : sequence of Block
    parameters : Parameters
    pool : Executor, optional
        Threads to share the blocks between; sums are taken in the order of the blocks, so their number
        does not change a bit.

    Notes
    -----
    O(K x moves of distinct users) time, O(K (F + rows of a block)) memory.
    """
    work = partial(_expect_block, parameters)
    return add_up(map(work, blocks) if pool is None else pool.map(work, blocks), parameters)


def add_up(parts: Iterable[Expected], parameters: Parameters) -> Expected:
    """Return what users tell together, from what some of them tell in turn; all under the same parameters."""
    moved = np.zeros_like(parameters.log_moves)
    users = np.zeros_like(parameters.log_weights)
    log_likelihood = 0.0
    for part in parts:
        moved += part.moved
        users += part.users
        log_likelihood += part.log_likelihood
    return Expected(moved=moved, users=users, log_likelihood=log_likelihood)


def _expect_block(parameters: Parameters, block: Block) -> Expected:
    memberships, per_row = memberships_of(block.moves, parameters)
    memberships *= block.weights
    return Expected(
        moved=block.transposed @ np.ascontiguousarray(memberships.T),
        users=memberships.sum(axis=1),
        log_likelihood=float(block.weights @ per_row),
    )


def memberships_of(moves: Matrix, parameters: Parameters) -> tuple[FloatArray, FloatArray]:
    """Return memberships, shape (K, rows), and the log-likelihood of each row of a block.

    Personas come first: numpy adds up along a short last axis ten times slower.
    """
    joint = np.ascontiguousarray((moves @ parameters.log_moves).T)
    joint += parameters.log_weights[:, None]
    peak = joint.max(axis=0)
    joint -= peak
    np.exp(joint, out=joint)
    total = joint.sum(axis=0)
    joint /= total
    return joint, peak + np.log(total)


def all_memberships(blocks: Sequence[Block], parameters: Parameters) -> tuple[FloatArray, FloatArray]:
    """Return memberships, shape (R, K), and the log-likelihood of each row of all blocks."""
    parts = [memberships_of(block.moves, parameters) for block in blocks]
    memberships = np.concatenate([each.T for each, _ in parts])
    return memberships, np.concatenate([per_row for _, per_row in parts])


def log_prior(table: MoveTable, parameters: Parameters) -> float:
    """Return the log-density of the prior, ``prior * sum m log p`` over all possible moves."""
    if table.prior == 0:
        return 0.0
    seen = (table.pooled * parameters.log_moves).sum()
    unseen = (table.unseen * parameters.log_unseen).sum()
    n_clusters = len(parameters.log_weights)
    return table.prior * float(seen + unseen + n_clusters * table.unseen_log)


def extrapolate(
    table: MoveTable, chain: tuple[Parameters, Parameters, Parameters], expected: Expected, longest: float
) -> tuple[Parameters, float]:
    """Return where three successive steps of EM point to, and how many steps ahead that is.

    Parameters
    ----------
    table : MoveTable
    chain : three Parameters
        Each the outcome of one step of EM from the one before.
    expected : Expected
        Under the second of them.
    longest : float
        Most steps ahead, at least 1; at 1 it is the last of the three.

    Notes
    -----
    The squared extrapolation ``a + 2 s r + s² v`` of the log-parameters, ``s = |r| / |v|``, with r the first
    step and v the change of the steps; a difference counts by the expected number of moves behind it (the
    Fisher information), and every row is made to sum to one again.

    References
    ----------
    Varadhan & Roland (2008), Simple and globally convergent methods for accelerating the convergence of
    any EM algorithm, *Scandinavian Journal of Statistics* 35, 335-353.
    """
    before, between, after = (_arrays(each) for each in chain)
    first = [late - early for early, late in zip(before, between, strict=True)]
    change = [late - mid - step for mid, late, step in zip(between, after, first, strict=True)]
    behind = (expected.moved + table.prior * table.pooled, table.prior * table.unseen, expected.users)
    squared = [
        sum(float((n * each**2).sum()) for n, each in zip(behind, way, strict=True))
        for way in (first, change)
    ]
    if squared[1] <= 0:
        return chain[2], 1.0
    ahead = float(np.clip(np.sqrt(squared[0] / squared[1]), 1.0, longest))
    if ahead == 1.0:
        return chain[2], 1.0
    log_moves, log_unseen, log_weights = (
        np.clip(start + 2 * ahead * step + ahead**2 * bend, np.log(LOG_FLOOR), 0.0)
        for start, step, bend in zip(before, first, change, strict=True)
    )
    totals = np.add.reduceat(np.exp(log_moves), table.first_of_row, axis=0) + table.unseen * np.exp(
        log_unseen
    )
    log_totals = np.log(np.maximum(totals, LOG_FLOOR))
    return Parameters(
        log_moves=log_moves - log_totals[table.row_of_move],
        log_unseen=log_unseen - log_totals,
        log_weights=log_weights - np.log(np.exp(log_weights).sum()),
    ), ahead


def _arrays(parameters: Parameters) -> tuple[FloatArray, FloatArray, FloatArray]:
    return parameters.log_moves, parameters.log_unseen, parameters.log_weights
