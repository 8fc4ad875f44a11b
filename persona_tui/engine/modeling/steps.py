"""The two steps of expectation-maximisation for Markov chains, as pure functions over arrays.

A parameter vector holds the logarithm of one chance per move that occurs in the log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.types import FloatArray, IntArray

Matrix: TypeAlias = Any
"""A sparse array, or a dense one where that is faster."""

LOG_FLOOR = 1e-300
_LOG_FLOOR_SINGLE = 1e-37
_LEAST_LOG_MEMBERSHIP = -80.0
"""Below it single precision is denormal, and products of such numbers take five times as long."""
_DENSE_CELLS = 2**26
_DENSE_FILL = 0.04


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MoveTable:
    """The part of the sufficient statistics that the steps of EM read.

    Parameters
    ----------
    matrix, transposed : arrays, sparse or dense, of shape (R, F) and (F, R)
    first_of_row : int64 array
        Where the moves out of each state begin among the F moves.
    row_of_move : int64 array of shape (F,)
        Position of that state among those that are left.
    pooled : array of shape (F, 1)
        Pooled chance of each move.
    unseen : array of shape (rows, 1)
        Pooled chance of the moves that do not occur, by row.
    unseen_log : float
        ``sum m log m`` over all moves that do not occur: the part of the log-prior that never changes.
    prior : float
    """

    matrix: Matrix
    transposed: Matrix
    first_of_row: IntArray
    row_of_move: IntArray
    pooled: FloatArray
    unseen: FloatArray
    unseen_log: float
    prior: float

    def stack(self, matrices: list[Matrix]) -> MoveTable:
        """Return the table of other users with the same moves, from sparse arrays of F columns."""
        from scipy.sparse import vstack  # noqa: PLC0415 - 0.15 s, only models need it

        matrix = vstack(matrices, format="csr")
        return replace(self, matrix=matrix, transposed=matrix.T)

    def with_prior(self, prior: float) -> MoveTable:
        """Return the table with another strength of the prior round the same pooled chain."""
        return replace(self, prior=prior)

    def single(self) -> MoveTable:
        """Return the table in single precision: half the time, for estimates that are noisy anyway.

        A table that is small and well filled becomes dense: at 12 % filled the dense products
        take a third of the time of the sparse ones.
        """
        matrix = self.matrix.astype(np.float32)
        cells = matrix.shape[0] * matrix.shape[1]
        if cells <= _DENSE_CELLS and matrix.nnz > _DENSE_FILL * cells:
            matrix = matrix.toarray()
        return replace(
            self,
            matrix=matrix,
            transposed=matrix.T,
            pooled=self.pooled.astype(np.float32),
            unseen=self.unseen.astype(np.float32),
        )


def tabulate_moves(counts: TransitionCounts, pooled: FloatArray, prior: float) -> MoveTable:
    """Return what the steps of EM read."""
    rows, first, row_of_move = np.unique(counts.sources, return_index=True, return_inverse=True)
    chance = pooled[counts.sources, counts.targets]
    seen = np.add.reduceat(chance, first)
    others = pooled.copy()
    others[counts.sources, counts.targets] = 0.0
    others = others[others > 0]
    return MoveTable(
        matrix=counts.matrix,
        transposed=counts.matrix.T,
        first_of_row=first,
        row_of_move=row_of_move,
        pooled=chance[:, None],
        unseen=np.maximum(pooled[rows].sum(axis=1) - seen, 0.0)[:, None],
        unseen_log=float((others * np.log(others)).sum()),
        prior=prior,
    )


def estimate_moves(table: MoveTable, mass: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the log-chance of each move and the totals of each state, given weighted memberships.

    Parameters
    ----------
    table : MoveTable
    mass : array of shape (R, C)
        Weight times membership of each row, for C chains at once.

    Returns
    -------
    log_moves : array of shape (F, C)
    totals : array of shape (rows, C)
        Moves out of each state, the pseudo-moves of the prior among them.

    Notes
    -----
    ``p = (count + prior * m) / (total + prior)``, the mode under a Dirichlet whose mean
    is the pooled row m.
    """
    return log_chances(table, table.transposed @ mass)


def log_chances(table: MoveTable, moved: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what ``estimate_moves`` does, from counts of each move of shape (F, C), which it overwrites."""
    floor = LOG_FLOOR if moved.dtype == np.float64 else _LOG_FLOOR_SINGLE
    totals = np.add.reduceat(moved, table.first_of_row, axis=0) + table.prior
    moved += table.prior * table.pooled
    moved /= np.maximum(totals, floor)[table.row_of_move]
    return np.log(np.maximum(moved, floor)), totals


def joint_log_likelihood(table: MoveTable, log_moves: FloatArray, log_weights: FloatArray) -> FloatArray:
    """Return log weight + log-likelihood of every row under every chain, shape (R, C)."""
    joint: FloatArray = table.matrix @ log_moves
    joint += log_weights
    return joint


def normalise_memberships(joint: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return memberships and row log-likelihoods from joint log-likelihoods of shape (R, K, ...).

    Examples
    --------
    >>> normalise_memberships(np.log([[0.1, 0.3]]))[0].round(2)
    array([[0.25, 0.75]])
    """
    peak = joint.max(axis=1, keepdims=True)
    memberships = joint - peak
    np.maximum(memberships, _LEAST_LOG_MEMBERSHIP, out=memberships)
    np.exp(memberships, out=memberships)
    total = memberships.sum(axis=1, keepdims=True)
    memberships /= total
    return memberships, (peak + np.log(total))[:, 0]


def total_entropy(memberships: FloatArray, weights: FloatArray) -> float:
    """Return the entropy of memberships of shape (R, K), added up over the users behind the rows.

    Examples
    --------
    >>> round(total_entropy(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([2.0, 1.0])), 3)
    1.386
    """
    logarithms = np.log(np.maximum(memberships, LOG_FLOOR))
    return -float(weights @ (memberships * logarithms).sum(axis=1))
