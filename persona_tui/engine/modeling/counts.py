"""Transition counts of users: all that a first-order Markov model needs to know of a log.

Users with the same counts are one row, with a multiplicity, so that the work
grows with what differs. A move is numbered ``n + i (n + 1) + j``; a start in j is j;
the column j = n is the exit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.types import AnyArray, BoolArray, CodeArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_HASHED_ROWS = 2**16
"""At once, for the memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransitionCounts:
    """Sufficient statistics of users, distinct ones once.

    Parameters
    ----------
    journeys : Journeys
        What was counted.
    matrix : sparse array of shape (R, F)
        Counts of the F moves that occur, for each of R distinct users.
    moves : int64 array of shape (F,)
        Number of each move, ascending.
    multiplicity : array of shape (R,)
        Users behind each row.
    row_of_user : int64 array of shape (U,)
    n_journeys, n_converted, n_events : arrays of shape (R,)
        Journeys, conversions and events of one user of the row.
    """

    journeys: Journeys
    matrix: csr_array
    moves: IntArray
    multiplicity: FloatArray
    row_of_user: IntArray
    n_journeys: FloatArray
    n_converted: FloatArray
    n_events: FloatArray

    @property
    def n_states(self) -> int:
        """Return the number of states."""
        return self.journeys.n_states

    @property
    def sources(self) -> IntArray:
        """Return the row of the chain each move belongs to, starts being row 0, shape (F,)."""
        n = self.n_states
        return np.where(self.moves < n, 0, (self.moves - n) // (n + 1) + 1)

    @property
    def targets(self) -> IntArray:
        """Return the state each move leads to, the exit being n, shape (F,)."""
        return _targets(self.moves, self.n_states)

    def tabulate(self, moved: FloatArray) -> FloatArray:
        """Return counts of the moves that occur, shape (..., F), as tables of shape (..., n + 1, n + 1).

        Row 0 are the starts, row i + 1 the moves out of state i, the last column the exit.
        """
        n = self.n_states
        table = np.zeros((*moved.shape[:-1], n + 1, n + 1))
        table[..., self.sources, self.targets] = moved
        return table


def _targets(moves: IntArray, n: int) -> IntArray:
    targets: IntArray = np.where(moves < n, moves, (moves - n) % (n + 1))
    return targets


def smooth(tables: FloatArray, pooled: FloatArray, prior: float) -> FloatArray:
    """Return chains from tables of counts, each row shrunk toward the pooled row.

    Parameters
    ----------
    tables : array of shape (..., n + 1, n + 1)
    pooled : array of shape (n + 1, n + 1)
    prior : float
        Pseudo-moves that each row gets.

    Notes
    -----
    ``(count + prior * m) / (total + prior)``; a row without moves and without smoothing is the pooled row.
    """
    totals = tables.sum(axis=-1, keepdims=True)
    strength = np.where(totals > 0, prior, max(prior, 1.0))
    chains: FloatArray = (tables + strength * pooled) / (totals + strength)
    return chains


def count_transitions(journeys: Journeys) -> TransitionCounts:
    """Return the transition counts of all users.

    Notes
    -----
    O(events log events); a journey that is still open gives its moves, and its chance of having
    left as part of an exit.
    """
    n = journeys.n_states
    rows, codes, amounts = _made_moves(journeys)
    occurs = np.bincount(codes, minlength=n * (n + 2)) > 0
    moves = np.flatnonzero(occurs)
    columns = (np.cumsum(occurs, dtype=np.int32) - 1)[codes]
    per_user = _tally(rows, columns, amounts, (len(journeys.user_ids), len(moves)))
    first, row_of_user = _distinct_rows(per_user)
    matrix = per_user[first]
    target = _targets(moves, n)
    is_event = (target < len(journeys.vocabulary)).astype(float)
    is_completion = np.append(journeys.completion, np.zeros(n + 1 - len(journeys.completion), bool))[target]
    return TransitionCounts(
        journeys=journeys,
        matrix=matrix,
        moves=moves,
        multiplicity=np.bincount(row_of_user).astype(float),
        row_of_user=row_of_user,
        n_journeys=matrix @ (moves < n).astype(float),
        n_converted=matrix @ is_completion.astype(float),
        n_events=matrix @ is_event,
    )


def _made_moves(journeys: Journeys) -> tuple[CodeArray, AnyArray, FloatArray]:
    """Return the user, the number and the amount of each move that was made."""
    n, offsets = journeys.n_states, journeys.offsets
    fits = n * (n + 2) < np.iinfo(np.int32).max
    steps: AnyArray = journeys.steps.astype(np.int32 if fits else np.int64)
    inner = np.ones(len(steps) - 1, dtype=bool)
    inner[offsets[1:-1] - 1] = False
    left = journeys.exit_chances > 0
    ends = steps[offsets[1:] - 1][left]
    codes = [steps[offsets[:-1]], (n + steps[:-1] * (n + 1) + steps[1:])[inner], n + ends * (n + 1) + n]
    movers = np.repeat(journeys.users, np.diff(offsets) - 1)
    rows = np.concatenate([journeys.users, movers, journeys.users[left]])
    amounts = np.ones(len(rows))
    amounts[len(rows) - len(ends) :] = journeys.exit_chances[left]
    return rows, np.concatenate(codes), amounts


def _tally(rows: CodeArray, columns: AnyArray, amounts: FloatArray, shape: tuple[int, int]) -> csr_array:
    """Return a sparse table of the amounts; adds up what falls in one cell."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - 0.15 s, only models need it

    return coo_array((amounts, (rows, columns)), shape=shape).tocsr()


def _distinct_rows(matrix: csr_array) -> tuple[IntArray, IntArray]:
    """Return the first row of each set of equal rows, and the set of each row."""
    matrix.sort_indices()
    n_rows = matrix.shape[0]
    blocks = range(0, n_rows, _HASHED_ROWS)
    hashes = np.concatenate([_hash_rows(matrix, each, min(each + _HASHED_ROWS, n_rows)) for each in blocks])
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    different = ~_equal_rows(matrix, first[group])
    if different.any():  # two different rows with one hash: they stand for themselves
        group[different] = len(first) + np.arange(int(different.sum()))
        first = np.append(first, np.flatnonzero(different))
    return first, group


def _hash_rows(matrix: csr_array, begin: int, end: int) -> AnyArray:
    bounds = matrix.indptr[begin : end + 1]
    inside = slice(bounds[0], bounds[-1])
    data, columns = matrix.data[inside].view(np.uint64), matrix.indices[inside].astype(np.uint64)
    with np.errstate(over="ignore"):
        mixed = (columns + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed += data * np.uint64(0xC2B2AE3D27D4EB4F)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(32)
        hashes: AnyArray = np.add.reduceat(mixed, bounds[:-1] - bounds[0])
    return hashes


def _equal_rows(matrix: csr_array, others: IntArray) -> BoolArray:
    """Return whether each row equals the row that ``others`` names for it."""
    lengths = np.diff(matrix.indptr)
    equal: BoolArray = lengths == lengths[others]
    rows = np.flatnonzero(equal & (others != np.arange(len(others))))
    if not len(rows):
        return equal
    inside = np.arange(int(lengths[rows].sum())) - np.repeat(
        np.cumsum(lengths[rows]) - lengths[rows], lengths[rows]
    )
    mine = np.repeat(matrix.indptr[rows], lengths[rows]) + inside
    theirs = np.repeat(matrix.indptr[others[rows]], lengths[rows]) + inside
    same = (matrix.indices[mine] == matrix.indices[theirs]) & (matrix.data[mine] == matrix.data[theirs])
    ends = np.append(0, np.cumsum(lengths[rows]))[:-1]
    equal[rows] = np.logical_and.reduceat(same, ends)
    return equal


def possible_moves(journeys: Journeys) -> BoolArray:
    """Return which moves smoothing may give a chance to, shape (n + 1, n + 1).

    Row 0 are the starts, row i + 1 the moves out of state i; the last column is the exit.
    A journey that begins with its completion has no step that a change could touch, so
    completion gets no smoothed start, neither at first nor after a return.
    """
    n, n_events = journeys.n_states, len(journeys.vocabulary)
    event = np.arange(n + 1) < n_events
    completes = np.append(journeys.completion, np.zeros(n + 1 - n_events, dtype=bool))
    drops = np.append(journeys.drop, np.zeros(n + 1 - n_events, dtype=bool))
    possible = np.ones((n + 1, n + 1), dtype=bool)
    possible[0] = event & ~completes
    ends = completes | drops if journeys.unit == "session" else completes
    possible[1:][ends[:n]] = False
    if journeys.unit == "user":
        possible[1:][drops[:n], :n_events] = False
        possible[n] = event & ~completes
        possible[n, n] = not possible[n].any()  # nowhere to return to: a row all the same
    return possible


def pooled_chain(counts: TransitionCounts, prior: float, weights: AnyArray | None = None) -> FloatArray:
    """Return the chain of all users together, smoothed toward how often each state is entered.

    Parameters
    ----------
    counts : TransitionCounts
    prior : float
        Pseudo-moves that each row gets, at most one: how alike personas are tells nothing of how alike a
        row is to how often each state is entered. Zero gives the maximum-likelihood chain.
    weights : array of shape (R,), optional
        Weight of each row; its multiplicity.

    Returns
    -------
    array of shape (n + 1, n + 1)
        Row 0 are the starts, row i + 1 the moves out of state i, the last column the exit.
        A row without moves and without smoothing exits.
    """
    table = counts.tabulate(counts.matrix.T @ (counts.multiplicity if weights is None else weights))
    return smooth_pooled(table, counts.journeys, prior)


def smooth_pooled(tables: FloatArray, journeys: Journeys, prior: float) -> FloatArray:
    """Return pooled chains from tables of the moves of all users, shape (..., n + 1, n + 1).

    As ``pooled_chain`` does, which says how.
    """
    n, possible = journeys.n_states, possible_moves(journeys)
    back_off = np.where(possible, tables.sum(axis=-2, keepdims=True) + 1.0, 0.0)
    back_off /= np.maximum(back_off.sum(axis=-1, keepdims=True), 1.0)
    smoothed = tables + min(prior, 1.0) * back_off
    totals = smoothed.sum(axis=-1, keepdims=True)
    chain: FloatArray = np.divide(smoothed, totals, out=np.zeros_like(smoothed), where=totals > 0)
    empty = (totals[..., 0] == 0) & possible.any(axis=1)
    chain[empty, n] = 1.0
    return chain
