"""The chain that personas walk, and its exact solution.

A flow holds one chain a persona over the same states; leading axes (bootstrap
draws) are carried through, so that one call solves a whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import numpy as np

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.errors import SimulationError, unknown_name
from persona_tui.engine.simulation.chain_owners import mask_personas, mask_segment, number_personas
from persona_tui.engine.types import AnyArray, BoolArray, FloatArray, Unit

N_ENDS: Final = 2
"""Columns after the states: leaving for good, and leaving because of added friction."""
EXIT, FRICTION = -2, -1

_ROW_TOLERANCE = 1e-9
_NEGLIGIBLE_MASS = 1e-18


class StateKind(IntEnum):
    """What a state stands for."""

    EVENT = 0
    COMPLETION = 1
    DROP = 2
    RETURN = 3
    ADDED = 4
    REMOVED = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flow:
    """The chains of all personas over one set of states.

    Parameters
    ----------
    states : tuple of str, length n
        Event types, then ``return`` where journeys span sessions, then inserted steps.
    kinds : array of shape (n,)
        A ``StateKind`` each.
    unit : {"user", "session"}
        Under ``session`` a drop event absorbs; under ``user`` the journey may go on.
    starts : array of shape (..., K, n)
        Probability of beginning in each state.
    transitions : array of shape (..., K, n, n + 2)
        Row-stochastic but for absorbing rows, which are zero; the last two columns
        are leaving for good and leaving because of friction.
    support : array of shape (K, n, n + 2)
        Observed number of moves behind each transition (journeys, weighted by membership).
    friction_is_drop : bool
        Whether ``friction_drop`` is among the drop events.
    personas : tuple of str, length K
        Their names; personas without names are known by their number, from 1. Where users are told
        apart by segments a persona has several chains, and its name stands at each.
    segments : tuple of frozenset of str, length K
        The segments that the users of each chain are in; empty where users are not told apart.
    time_factors : array of shape (..., K, n)
        What the time spent at each state is multiplied by; ones, spread to shape where it is smaller.

    Raises
    ------
    SimulationError
        If a row does not sum to one or holds a negative number, two states have one name, or a
        field does not fit the chains.
    """

    states: tuple[str, ...]
    kinds: AnyArray
    unit: Unit
    starts: FloatArray
    transitions: FloatArray
    support: FloatArray
    friction_is_drop: bool
    personas: tuple[str, ...] = ()
    segments: tuple[frozenset[str], ...] = ()
    time_factors: FloatArray = field(default_factory=lambda: np.ones((1, 1)))

    def __post_init__(self) -> None:
        self._check_names()
        object.__setattr__(self, "time_factors", _spread_factors(self.time_factors, self.starts.shape[-2:]))
        sums = self.transitions.sum(axis=-1)
        wrong = ~(np.abs(sums - ~self.absorbing) <= _ROW_TOLERANCE)
        if wrong.any() or (self.transitions < 0).any() or (self.starts < 0).any():
            state = self.states[int(np.argwhere(wrong)[0][-1])] if wrong.any() else "?"
            raise SimulationError(f"The moves out of '{state}' are not probabilities that sum to one.")
        if np.abs(self.starts.sum(axis=-1) - 1).max() > _ROW_TOLERANCE:
            raise SimulationError("The probabilities of starting do not sum to one.")
        for array in (self.kinds, self.starts, self.transitions, self.support, self.time_factors):
            array.setflags(write=False)

    def _check_names(self) -> None:
        if len(set(self.states)) < len(self.states):
            twice = next(name for name in self.states if self.states.count(name) > 1)
            raise SimulationError(
                f"Two states are called '{twice}'.",
                hint="Load the log with etl.load_event_log, which renames events of reserved names.",
            )
        n_chains = self.transitions.shape[-3]
        for name, given in (("personas", self.personas), ("segments", self.segments)):
            if given and len(given) != n_chains:
                raise SimulationError(f"{len(given)} {name} are given for {n_chains} chains.")

    @property
    def n_states(self) -> int:
        """Return the number of states."""
        return len(self.states)

    @property
    def absorbing(self) -> BoolArray:
        """Return which states end the walk, shape (n,)."""
        ends = self.kinds == StateKind.COMPLETION
        if self.unit == "session":
            ends = ends | (self.kinds == StateKind.DROP)
        return np.asarray(ends, dtype=bool)

    @property
    def steps(self) -> BoolArray:
        """Return which states an effect can act on: visited, and not the end; shape (n,)."""
        passed = np.isin(self.kinds, (StateKind.RETURN, StateKind.REMOVED))
        return np.asarray(~self.absorbing & ~passed, dtype=bool)

    @property
    def leaving_columns(self) -> BoolArray:
        """Return which columns of ``transitions`` are leaving: exit, friction, drop events."""
        return np.append(self.kinds == StateKind.DROP, [True] * N_ENDS)

    def leaving(self) -> FloatArray:
        """Return the chance of leaving at each visit, shape (..., K, n)."""
        leaving: FloatArray = self.transitions @ self.leaving_columns.astype(float)
        return leaving

    @property
    def persona_names(self) -> tuple[str, ...]:
        """Return the name of each persona once; its number, from 1, where it has none."""
        return number_personas(self.personas, self.segments, self.transitions.shape[-3])[0]

    def persona_mask(self, wanted: tuple[str, ...], segment: str = "") -> BoolArray:
        """Return which chains are of some personas and of users in a segment, shape (K,).

        Parameters
        ----------
        wanted : tuple of str
            Personas, by name or by number from 1; all where empty.
        segment : str
            As ``params.format_segment`` writes it; all users where empty.

        Raises
        ------
        UnknownNameError
            If there is no persona of that name or number, or no such segment.
        SimulationError
            If users are not told apart by segments.
        """
        n_chains = self.transitions.shape[-3]
        names, owners = number_personas(self.personas, self.segments, n_chains)
        chosen = mask_personas(wanted, names, owners)
        return chosen & mask_segment(segment, self.segments, n_chains) if segment else chosen

    def index(self, state: str) -> int:
        """Return the position of a state.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        """
        try:
            return self.states.index(state)
        except ValueError:
            raise unknown_name("event", state, self.states) from None


def _spread_factors(factors: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return factors over chains and states, leading axes kept."""
    try:
        spread = np.broadcast_to(factors, np.broadcast_shapes(factors.shape, shape))
    except ValueError:
        raise SimulationError(
            f"The time factors have shape {factors.shape}, which does not fit {shape[0]} chains of "
            f"{shape[1]} states."
        ) from None
    if not ((spread >= 0) & (spread < np.inf)).all():
        raise SimulationError("A time factor is negative or not a finite number.")
    return spread


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """How journeys end and how long they are; every array has the batch shape of its flow.

    ``converted + dropped + exited + truncated`` is one. ``length`` counts events:
    inserted and final ones too, returns not.
    """

    converted: FloatArray
    dropped: FloatArray
    exited: FloatArray
    truncated: FloatArray
    length: FloatArray

    @property
    def metrics(self) -> dict[str, FloatArray]:
        """Return the reported metrics by name."""
        return {
            "completion_rate": self.converted,
            "drop_off_rate": self.dropped + self.exited,
            "truncated_rate": self.truncated,
            "avg_length": self.length,
        }


METRICS: Final = ("completion_rate", "drop_off_rate", "truncated_rate", "avg_length")


def without_returns(flow: Flow) -> FloatArray:
    """Return the moves from event to event, a ``return`` in between folded in.

    Parameters
    ----------
    flow : Flow

    Returns
    -------
    array of shape (..., K, n, n + 2)
        The row and the column of ``return`` are zero.

    Notes
    -----
    ``P' = P + P[:, r] P[r, :] / (1 - P[r, r])``: a return takes no event.
    """
    return fold_returns(flow, flow.transitions)


def fold_returns(flow: Flow, moves: AnyArray) -> AnyArray:
    """Return what ``without_returns`` does, of the moves of a flow that are weighted by something."""
    if RETURN not in flow.states:
        return moves
    r = flow.states.index(RETURN)
    onward = moves[..., r, :] / (1 - moves[..., r, r])[..., None]
    folded: AnyArray = moves + moves[..., :, r, None] * onward[..., None, :]
    folded[..., r, :] = 0.0
    folded[..., :, r] = 0.0
    return folded


def expected_visits(
    starts: FloatArray, moves: FloatArray, max_length: int | None
) -> tuple[FloatArray, FloatArray]:
    """Return the expected visits to each state and the mass at the last allowed event.

    Parameters
    ----------
    starts : array of shape (..., n)
    moves : array of shape (..., n, n + 2)
        Absorbing rows zero.
    max_length : int or None
        Events after which a walk is cut; None solves the unlimited horizon.

    Returns
    -------
    visits, last : arrays of shape (..., n)

    Raises
    ------
    SimulationError
        If the horizon is unlimited and a walk might never end.

    Notes
    -----
    Unlimited, ``v (I - Q) = s``: O(n ** 3). Limited, ``max_length`` vector steps of O(n ** 2), fewer
    once the walking mass is below 1e-18; or, where the horizon is long for the number of states,
    repeated squaring in O(n ** 3 log max_length).

    References
    ----------
    Kemeny & Snell (1976), *Finite Markov Chains*, theorem 3.2.4.

    Examples
    --------
    >>> moves = np.array([[0.0, 0.25, 0.75, 0.0], [0.0, 0.0, 0.0, 0.0]])
    >>> expected_visits(np.array([1.0, 0.0]), moves, None)[0]
    array([1.  , 0.25])
    """
    inner = moves[..., :-N_ENDS]
    if max_length is None:
        system = np.eye(inner.shape[-1]) - np.swapaxes(inner, -1, -2)
        try:
            visits = np.linalg.solve(system, starts[..., None])[..., 0]
        except np.linalg.LinAlgError:
            visits = np.full_like(starts, np.nan)
        if not np.isfinite(visits).all() or visits.max() > 1 / _ROW_TOLERANCE:
            raise SimulationError("Some walk can go on for ever.", hint="Set max_length.")
        return np.maximum(visits, 0.0), np.zeros_like(visits)
    if inner.shape[-1] * max_length.bit_length() < 2 * max_length:
        return _visits_by_squaring(starts, inner, max_length)
    mass = starts
    visits = starts.copy()
    for _ in range(max_length - 1):
        mass = _step(mass, inner)
        visits += mass
        if mass.max() < _NEGLIGIBLE_MASS:
            return visits, np.zeros_like(mass)
    return visits, mass


def _step(mass: FloatArray, inner: FloatArray) -> FloatArray:
    moved: FloatArray = np.matmul(mass[..., None, :], inner)[..., 0, :]
    return moved


def _visits_by_squaring(
    starts: FloatArray, inner: FloatArray, max_length: int
) -> tuple[FloatArray, FloatArray]:
    """Return what ``expected_visits`` does, by the binary digits of the number of moves.

    ``power`` is the matrix of m moves and ``total`` the sum of those of 0 to m - 1 moves.
    """
    power, total = inner, np.broadcast_to(np.eye(inner.shape[-1]), inner.shape)
    visits, mass, moves = np.zeros_like(starts), starts, max_length - 1
    while moves:
        if moves & 1:
            visits = visits + _step(mass, total)
            mass = _step(mass, power)
        moves >>= 1
        if moves:
            total = total + np.matmul(total, power)
            power = np.matmul(power, power)
    return visits + mass, mass


def solve(flow: Flow, max_length: int | None = None) -> Outcomes:
    """Return how journeys end, exactly.

    Parameters
    ----------
    flow : Flow
    max_length : int, optional
        Events after which a journey counts as truncated.

    Returns
    -------
    Outcomes
        Arrays of shape (..., K).

    Raises
    ------
    SimulationError
        As ``expected_visits``.
    """
    moves = without_returns(flow)
    visits, last = expected_visits(flow.starts, moves, max_length)
    going = np.where(flow.absorbing, 0.0, visits - last)
    drops = flow.kinds == StateKind.DROP
    exits = going * moves[..., EXIT]
    friction = going * moves[..., FRICTION]
    dropped = np.where(flow.absorbing & drops, visits, 0.0).sum(axis=-1)
    dropped = dropped + np.where(drops, exits + friction, 0.0).sum(axis=-1)
    friction_mass = np.where(drops, 0.0, friction).sum(axis=-1)
    exited = np.where(drops, 0.0, exits).sum(axis=-1)
    return Outcomes(
        converted=np.where(flow.kinds == StateKind.COMPLETION, visits, 0.0).sum(axis=-1),
        dropped=dropped + friction_mass if flow.friction_is_drop else dropped,
        exited=exited if flow.friction_is_drop else exited + friction_mass,
        truncated=np.where(flow.absorbing, 0.0, last).sum(axis=-1),
        length=visits.sum(axis=-1),
    )


def reach(flow: Flow, states: tuple[str, ...], max_length: int | None = None) -> FloatArray:
    """Return the chance that a journey visits each of some states at least once.

    Parameters
    ----------
    flow : Flow
    states : tuple of str, length m
    max_length : int, optional

    Returns
    -------
    array of shape (..., K, m)

    Notes
    -----
    A state that is made absorbing is visited at most once, so that its expected
    visits are the chance of reaching it.
    """
    moves = without_returns(flow)
    reached = []
    for state in states:
        position = flow.index(state)
        stopped = moves.copy()
        stopped[..., position, :] = 0.0
        reached.append(expected_visits(flow.starts, stopped, max_length)[0][..., position])
    return np.stack(reached, axis=-1)
