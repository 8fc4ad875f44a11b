"""Moves with the state before, counted by user, and the chains of order 0, 1 and 2 that they give.

Everything is kept by *triple*, a state with the one before and the one after it that occurs, so that
the work grows with what is in the log and not with what is possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.modeling.moves import list_moves
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.types import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

N_ORDERS = 3
"""Orders 0, 1 and 2."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HistoryCounts:
    """How often each user made each move, told apart by the state before.

    Parameters
    ----------
    n_states : int
        n; as a state or a history it stands for the start, as what follows for the exit.
    matrix : sparse array of shape (U, T)
        Counts of T triples; a start is the triple (start, start, first state).
    states, before, following : int64 arrays of shape (T,)
    pairs, contexts : int64 arrays of shape (T,)
        Number of the pair (state, following) and of the pair (state, before) of each triple.
    """

    n_states: int
    matrix: csr_array
    states: IntArray
    before: IntArray
    following: IntArray
    pairs: IntArray
    contexts: IntArray

    def __post_init__(self) -> None:
        for array in (self.states, self.before, self.following, self.pairs, self.contexts):
            array.setflags(write=False)

    def log_chances(self, counted: FloatArray, prior: float) -> FloatArray:
        """Return the log-chance of each triple's move at orders 0, 1 and 2.

        Parameters
        ----------
        counted : array of shape (T, K)
            Weighted counts of each persona's training users.
        prior : float
            Pseudo-moves, above zero.

        Returns
        -------
        array of shape (3, T, K)
            Natural logarithms. A start has nothing before it: orders 1 and 2 are the same there.

        Notes
        -----
        Each row is ``(count + prior * m) / (total + prior)``, and so never zero. At order 0 and 1, m is the
        row of all personas together: at order 0 that one is shrunk toward equal chances, at order 1 toward
        order 0. At order 2, m is the persona's own row at order 1. O(K T).
        """
        everyone = counted.sum(axis=1, keepdims=True)
        whole = np.zeros(len(self.states), dtype=np.int64)
        equal = np.full((len(whole), 1), 1.0 / (self.n_states + 1))

        def shrunk(tables: FloatArray, cells: IntArray, rows: IntArray, toward: FloatArray) -> FloatArray:
            return (sum_by(cells, tables)[cells] + prior * toward) / (sum_by(rows, tables)[rows] + prior)

        pooled_0 = shrunk(everyone, self.following, whole, equal)
        pooled_1 = shrunk(everyone, self.pairs, self.states, pooled_0)
        order_0 = shrunk(counted, self.following, whole, pooled_0)
        order_1 = shrunk(counted, self.pairs, self.states, pooled_1)
        order_2 = shrunk(counted, np.arange(len(whole)), self.contexts, order_1)
        is_start = (self.states == self.n_states)[:, None]
        chances: FloatArray = np.log(np.stack([order_0, order_1, np.where(is_start, order_1, order_2)]))
        return chances


def sum_by(keys: IntArray, tables: FloatArray) -> FloatArray:
    """Return the sums of rows that have the same key.

    Parameters
    ----------
    keys : int64 array of shape (T,)
    tables : array of shape (T, K)

    Returns
    -------
    array of shape (max(keys) + 1, K)

    Examples
    --------
    >>> sum_by(np.array([0, 1, 0]), np.array([[1.0], [2.0], [3.0]]))
    array([[4.],
           [2.]])
    """
    return np.stack([np.bincount(keys, weights=column) for column in tables.T], axis=1)


def count_histories(journeys: Journeys) -> HistoryCounts:
    """Return how often each user made each move, told apart by the state before.

    Notes
    -----
    O(N log N) for N events. A journey that is still open leaves by the chance that it has left.
    """
    from scipy.sparse import coo_array  # noqa: PLC0415 - 0.15 s, only models need it

    n = journeys.n_states
    moves = list_moves(journeys)
    begun = len(journeys.users)
    before = np.append(moves.before, np.full(begun, n))
    states = np.append(moves.states, np.full(begun, n))
    following: IntArray = np.append(moves.following, journeys.steps[journeys.offsets[:-1]])
    amounts = np.append(moves.weights, np.ones(begun))
    users: IntArray = np.append(moves.users, journeys.users)
    made = amounts > 0
    triples = ((states * (n + 1) + before) * (n + 1) + following)[made]
    codes, columns = np.unique(triples, return_inverse=True)
    matrix = coo_array((amounts[made], (users[made], columns)), shape=(len(journeys.user_ids), len(codes)))
    state, target = codes // (n + 1) ** 2, codes % (n + 1)
    return HistoryCounts(
        n_states=n,
        matrix=matrix.tocsr(),
        states=state,
        before=codes // (n + 1) % (n + 1),
        following=target,
        pairs=np.unique(state * (n + 1) + target, return_inverse=True)[1],
        contexts=np.unique(codes // (n + 1), return_inverse=True)[1],
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """What users cost under chains of other users.

    Parameters
    ----------
    counts : HistoryCounts
    memberships : array of shape (U, K)
    folds : int64 array of shape (U,)
        The part of the users that each belongs to; it is scored by the chains of the other parts.
    bits : array of shape (3, U, K)
        Of each user under each persona's chains of order 0, 1 and 2.
    saved : array of shape (n_folds, T, K)
        Bits that order 2 saves against order 1 on each triple, by the chains that score the fold.
    """

    counts: HistoryCounts
    memberships: FloatArray
    folds: IntArray
    bits: FloatArray
    saved: FloatArray

    def __post_init__(self) -> None:
        for array in (self.memberships, self.folds, self.bits, self.saved):
            array.setflags(write=False)


def score_held_out(
    counts: HistoryCounts,
    memberships: FloatArray,
    folds: IntArray,
    *,
    prior: float,
    on_progress: ProgressCallback = ignore_progress,
) -> HeldOut:
    """Score each fold of the users by the chains of the others.

    Parameters
    ----------
    counts : HistoryCounts
    memberships : array of shape (U, K)
    folds : int64 array of shape (U,)
        Numbered from zero without a gap.
    prior : float
        Pseudo-moves, above zero.
    on_progress : callable

    Notes
    -----
    O(K x distinct triples of users) a fold.
    """
    n_folds = int(folds.max()) + 1
    bits = np.zeros((N_ORDERS, *memberships.shape))
    saved = np.zeros((n_folds, len(counts.states), memberships.shape[1]))
    for fold in range(n_folds):
        held = folds == fold
        counted: FloatArray = counts.matrix.T @ np.where(held[:, None], 0.0, memberships)
        costs = counts.log_chances(counted, prior) / -np.log(2)
        bits[:, held] = np.stack([counts.matrix[held] @ cost for cost in costs])
        saved[fold] = costs[1] - costs[2]
        on_progress(Progress(stage="order of the chains", done=fold + 1, total=n_folds))
    return HeldOut(counts=counts, memberships=memberships, folds=folds, bits=bits, saved=saved)
