"""Expected visits to the states of absorbing chains: dense or sparse, limited in length or not.

Chains are matrices of moves from state to state whose rows may sum to less than one. Leading
axes (bootstrap draws, personas) are carried through, so that one call solves a whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.types import AnyArray, BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_DENSE_STATES: Final = 400
"""Up to here a dense solve is the fastest, however few of the moves occur."""
MOST_SPARSE_FILL: Final = 0.1
"""Share of moves that occur above which products with all of them are faster."""

_NEGLIGIBLE_MASS = 1e-18
_MOST_VISITS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moves:
    """The moves from state to state of some chains, in the form in which products are fast.

    Parameters
    ----------
    table : array of shape (..., n, n + m)
        The last m columns are ways to end.
    sparse : tuple of sparse arrays of shape (n, n)
        The transposed moves of each chain, leading axes in C order; empty where dense is faster.
    passed : int or None
        A state in which no event takes place, as ``return``: limited walks pass through it.
    onward : array of shape (..., n)
        Where walks go on from there, in the end; empty where there is none.
    """

    table: FloatArray
    sparse: tuple[csr_array, ...]
    passed: int | None
    onward: FloatArray

    @property
    def dense(self) -> FloatArray:
        """Return the moves from state to state, shape (..., n, n)."""
        return self.table[..., : self.table.shape[-2]]

    def step(self, mass: FloatArray) -> FloatArray:
        """Return where mass of shape (..., m, n) is after one event."""
        moved: FloatArray
        if self.sparse:
            by_chain = mass.reshape(len(self.sparse), -1, mass.shape[-1])
            pairs = zip(self.sparse, by_chain, strict=True)
            moved = np.stack([(chain @ each.T).T for chain, each in pairs]).reshape(mass.shape)
        else:
            moved = np.matmul(mass, self.dense)
        if self.passed is not None:
            passing = moved[..., self.passed, None].copy()
            moved[..., self.passed] = 0.0
            moved += passing * self.onward[..., None, :]
        return moved


def gather_moves(table: FloatArray, passed: int | None = None) -> Moves:
    """Return moves in the form in which products with them are fast.

    Parameters
    ----------
    table : array of shape (..., n, n + m)
        The last m columns are ways to end.
    passed : int, optional
        The state in which no event takes place.

    Notes
    -----
    Sparse above 400 states where less than a tenth of the moves occurs. A product of the chain of
    3,000 states with ten moves each then takes a hundredth of the time; looking costs one pass.
    """
    dense, onward = table[..., : table.shape[-2]], np.empty(0)
    if passed is not None:
        onward = onward_from(dense, passed)
        onward[..., passed] = 0.0
    return Moves(table=table, sparse=_sparse_chains(dense), passed=passed, onward=onward)


def onward_from(moves: AnyArray, state: int) -> AnyArray:
    """Return where walks go on from a state once they leave it, ``P[r, :] / (1 - P[r, r])``.

    Zero where they never leave it.
    """
    row = moves[..., state, :]
    leaves = 1.0 - row[..., state, None]
    onward: AnyArray = np.divide(row, leaves, out=np.zeros_like(row), where=leaves != 0)
    return onward


def fold_state(moves: AnyArray, state: int) -> AnyArray:
    """Return moves that lead through a state to where walks go on from there.

    Parameters
    ----------
    moves : array of shape (..., n, n + m)
    state : int

    Returns
    -------
    array of shape (..., n, n + m)
        The row and the column of the state are zero.

    Notes
    -----
    ``P' = P + P[:, r] P[r, :] / (1 - P[r, r])``.

    Examples
    --------
    >>> fold_state(np.array([[0.0, 1.0, 0.0], [0.2, 0.5, 0.3]]), 1)
    array([[0.4, 0. , 0.6],
           [0. , 0. , 0. ]])
    """
    folded: AnyArray = moves[..., state, None] * onward_from(moves, state)[..., None, :]
    folded += moves
    folded[..., state, :] = 0.0
    folded[..., state] = 0.0
    return folded


def _sparse_chains(dense: FloatArray) -> tuple[csr_array, ...]:
    n = dense.shape[-1]
    if n <= MOST_DENSE_STATES or np.count_nonzero(dense) >= MOST_SPARSE_FILL * dense.size:
        return ()
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s, only large chains need it

    return tuple(csr_array(chain).T.tocsr() for chain in dense.reshape(-1, n, n))


def expected_visits(
    starts: FloatArray, moves: FloatArray, max_length: int | None
) -> tuple[FloatArray, FloatArray]:
    """Return the expected visits to each state and the mass at the last allowed event.

    Parameters
    ----------
    starts : array of shape (..., n)
    moves : array of shape (..., n, n + m)
        Absorbing rows zero; the last m columns are ways to end.
    max_length : int or None
        Events after which a walk is cut; None leaves it to run until it ends.

    Returns
    -------
    visits, last : arrays of shape (..., n)

    Raises
    ------
    SimulationError
        If the length is unlimited and a walk might never end.

    Examples
    --------
    >>> moves = np.array([[0.0, 0.25, 0.75, 0.0], [0.0, 0.0, 0.0, 0.0]])
    >>> expected_visits(np.array([1.0, 0.0]), moves, None)[0]
    array([1.  , 0.25])
    """
    chains = gather_moves(moves)
    if max_length is None:
        return unlimited_visits(starts, chains), np.zeros_like(starts)
    return limited_visits(starts, chains, max_length)


def unlimited_visits(starts: FloatArray, moves: Moves) -> FloatArray:
    """Return the expected visits to each state of walks that run until they end.

    Parameters
    ----------
    starts : array of shape (..., n)
    moves : Moves
        Rows of absorbing states are zero.

    Returns
    -------
    array of shape (..., n)
        Visits to the state without events too.

    Raises
    ------
    SimulationError
        If a walk might never end.

    Notes
    -----
    ``v (I - Q) = s``: O(n ** 3) dense. Sparse chains take steps until less than 1e-18 is left in
    every state, n steps at most, then the dense road: a sparse factorisation fills up on chains
    without locality (10 s for 3,000 states with ten moves each, where steps took 0.07 s).

    References
    ----------
    Kemeny & Snell (1976), *Finite Markov Chains*, theorem 3.2.4.

    Examples
    --------
    >>> moves = gather_moves(np.array([[0.5, 0.25], [0.0, 0.0]]))
    >>> unlimited_visits(np.array([1.0, 0.0]), moves)
    array([2. , 0.5])
    """
    if moves.sparse:
        visits, last = _by_steps(starts[..., None, :], replace(moves, passed=None), starts.shape[-1])
        if not last.any():
            return visits[..., 0, :]
    return _solved(np.swapaxes(_system(moves), -1, -2), starts[..., None])[..., 0]


def limited_visits(starts: FloatArray, moves: Moves, max_length: int) -> tuple[FloatArray, FloatArray]:
    """Return the expected visits to each state and the mass at the last allowed event.

    Parameters
    ----------
    starts : array of shape (..., n)
    moves : Moves
        Rows of absorbing states are zero.
    max_length : int
        Events after which a walk is cut.

    Returns
    -------
    visits, last : arrays of shape (..., n)
        Zero for the state without events.

    Notes
    -----
    ``max_length`` products, fewer once the mass in every state is below 1e-18; or, where that is long
    for the number of states, repeated squaring in O(n ** 3 log max_length).

    Examples
    --------
    >>> moves = gather_moves(np.array([[0.5, 0.25], [0.0, 0.0]]))
    >>> limited_visits(np.array([1.0, 0.0]), moves, 2)
    (array([1.5 , 0.25]), array([0.5 , 0.25]))
    """
    n = starts.shape[-1]
    walk = starts[..., None, :]
    if _squares(moves, n, max_length):
        visits, last = _by_squaring(walk, _by_event(moves), max_length)
    else:
        visits, last = _by_steps(walk, moves, max_length)
    return visits[..., 0, :], last[..., 0, :]


def chance_to_reach(
    starts: FloatArray, moves: Moves, positions: IntArray, max_length: int | None
) -> FloatArray:
    """Return the chance that a walk visits each of some states at least once.

    Parameters
    ----------
    starts : array of shape (..., n)
    moves : Moves
    positions : int array of shape (m,)
    max_length : int or None

    Returns
    -------
    array of shape (..., m)

    Raises
    ------
    SimulationError
        As ``unlimited_visits``.

    Notes
    -----
    Unlimited, ``v_j / N_jj`` with N the fundamental matrix: one factorisation for all states.
    Limited, a walk is stopped where it arrives: its expected visits are the chance of reaching it.

    References
    ----------
    Kemeny & Snell (1976), *Finite Markov Chains*, theorem 3.5.7.

    Examples
    --------
    >>> moves = gather_moves(np.array([[0.5, 0.25], [0.0, 0.0]]))
    >>> chance_to_reach(np.array([1.0, 0.0]), moves, np.array([0, 1]), None)
    array([1. , 0.5])
    """
    n, m = starts.shape[-1], len(positions)
    at = np.zeros((m, n), dtype=bool)
    at[np.arange(m), positions] = True
    each = np.broadcast_to(starts[..., None, :], (*starts.shape[:-1], m, n))
    if max_length is not None and _squares(moves, n, max_length):
        stopped = np.where(at[:, :, None], 0.0, _by_event(moves)[..., None, :, :])
        return _by_squaring(each[..., None, :], stopped, max_length)[0][..., 0, :][..., at]
    if max_length is not None:
        return _by_steps(each, moves, max_length, stops=at)[0][..., at]
    if moves.sparse:
        visits, last = _by_steps(each, replace(moves, passed=None), n, stops=at)
        if not last.any():
            return visits[..., at]
    toward = _solved(_system(moves), at.T.astype(float))
    met = np.matmul(starts[..., None, :], toward)[..., 0, :]
    chances: FloatArray = met / toward[..., positions, np.arange(m)]
    return chances


def _squares(moves: Moves, n: int, max_length: int) -> bool:
    """Return whether the length is so long for the number of states that squaring is faster."""
    return not moves.sparse and n * max_length.bit_length() < 2 * max_length


def _system(moves: Moves) -> FloatArray:
    """Return ``I - Q``; whole tables are copied faster than parts of their rows."""
    system = np.negative(moves.table)[..., : moves.table.shape[-2]]
    np.einsum("...ii->...i", system)[...] += 1.0
    return system


def _solved(system: FloatArray, right: FloatArray) -> FloatArray:
    """Return the solution, none of it negative, or refuse walks that do not end."""
    try:
        solution = np.linalg.solve(system, right)
    except np.linalg.LinAlgError:
        solution = np.full_like(right, np.nan)
    if not solution.max() <= _MOST_VISITS:  # not finite, too
        raise SimulationError("Some walk can go on for ever.", hint="Set max_length.")
    positive: FloatArray = np.maximum(solution, 0.0, out=solution)
    return positive


def _by_steps(
    starts: FloatArray, moves: Moves, max_length: int, stops: BoolArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return visits and last mass of walks of shape (..., m, n), each stopped at its own states."""
    mass, visits = starts.copy(), starts.copy()
    for _ in range(max_length - 1):
        if stops is not None:
            mass[..., stops] = 0.0
        mass = moves.step(mass)
        visits += mass
        if mass.max() < _NEGLIGIBLE_MASS:
            return visits, np.zeros_like(mass)
    return visits, mass


def _by_event(moves: Moves) -> FloatArray:
    """Return the moves from event to event."""
    return moves.dense if moves.passed is None else fold_state(moves.dense, moves.passed)


def _by_squaring(starts: FloatArray, inner: FloatArray, max_length: int) -> tuple[FloatArray, FloatArray]:
    """Return what ``_by_steps`` does without stops, by the binary digits of the number of moves.

    ``power`` is the matrix of m moves and ``total`` the sum of those of 0 to m - 1 moves.
    """
    power, total = inner, np.broadcast_to(np.eye(inner.shape[-1]), inner.shape)
    visits, mass, moves = np.zeros_like(starts), starts, max_length - 1
    while moves:
        if moves & 1:
            visits = visits + np.matmul(mass, total)
            mass = np.matmul(mass, power)
        moves >>= 1
        if moves:
            total = total + np.matmul(total, power)
            power = np.matmul(power, power)
    return visits + mass, mass
