"""The chain that personas walk, and its exact outcomes.

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
from persona_tui.engine.simulation.chain_owners import (
    mask_personas,
    mask_segment,
    number_personas,
    numbers_beside,
)
from persona_tui.engine.simulation.kept_property import KeptProperty
from persona_tui.engine.simulation.solvers import (
    Moves,
    chance_to_reach,
    expected_visits,
    fold_state,
    gather_moves,
    limited_visits,
    onward_from,
    unlimited_visits,
)
from persona_tui.engine.types import AnyArray, BoolArray, FloatArray, Unit

__all__ = [
    "EXIT",
    "FRICTION",
    "METRICS",
    "N_ENDS",
    "Flow",
    "Outcomes",
    "StateKind",
    "expected_visits",
    "reach",
    "solve",
    "without_returns",
]

N_ENDS: Final = 2
"""Columns after the states: leaving for good, and leaving because of added friction."""
EXIT, FRICTION = -2, -1

_ROW_TOLERANCE = 1e-9


class StateKind(IntEnum):
    """What a state stands for."""

    EVENT = 0
    COMPLETION = 1
    DROP = 2
    RETURN = 3
    ADDED = 4
    REMOVED = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Flow:
    """The chains of all personas over one set of states.

    What is worked out from it once is kept with it.

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
    excluded : tuple of (int, str)
        Number, from 1, and name of each persona that is none of them, since predictions leave it out;
        the others keep their numbers beside it.
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
    excluded: tuple[tuple[int, str], ...] = ()
    time_factors: FloatArray = field(default_factory=lambda: np.ones((1, 1)))

    def __post_init__(self) -> None:
        self._check_names()
        object.__setattr__(self, "time_factors", _spread_factors(self.time_factors, self.starts.shape[-2:]))
        sums = self.transitions @ np.ones(self.transitions.shape[-1])
        right = np.abs(sums - ~self.absorbing) <= _ROW_TOLERANCE  # false for NaN too
        if not right.all() or self.transitions.min() < 0:
            wrong = np.argwhere(~right | (self.transitions < 0).any(axis=-1))
            state = self.states[int(wrong[0][-1])]
            raise SimulationError(f"The moves out of '{state}' are not probabilities that sum to one.")
        if self.starts.min() < 0 or not (np.abs(self.starts.sum(axis=-1) - 1) <= _ROW_TOLERANCE).all():
            raise SimulationError("The probabilities of starting are not probabilities that sum to one.")
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

    def of_kind(self, kind: StateKind) -> BoolArray:
        """Return which states are of a kind, shape (n,)."""
        return np.asarray(self.kinds == kind.value, dtype=bool)  # compared with the member, 6 us more

    @KeptProperty
    def absorbing(self) -> BoolArray:
        """Return which states end the walk, shape (n,)."""
        ends = self.of_kind(StateKind.COMPLETION)
        if self.unit == "session":
            ends |= self.of_kind(StateKind.DROP)
        ends.setflags(write=False)
        return ends

    @property
    def steps(self) -> BoolArray:
        """Return which states an effect can act on: visited, and not the end; shape (n,)."""
        passed = np.isin(self.kinds, (StateKind.RETURN, StateKind.REMOVED))
        return np.asarray(~self.absorbing & ~passed, dtype=bool)

    @property
    def leaving_columns(self) -> BoolArray:
        """Return which columns of ``transitions`` are leaving: exit, friction, drop events."""
        return np.append(self.of_kind(StateKind.DROP), [True] * N_ENDS)

    def leaving(self) -> FloatArray:
        """Return the chance of leaving at each visit, shape (..., K, n)."""
        leaving: FloatArray = self.transitions @ self.leaving_columns.astype(float)
        return leaving

    @KeptProperty
    def moves(self) -> Moves:
        """Return the moves from state to state, in the form in which products are fast."""
        returned = self.states.index(RETURN) if RETURN in self.states else None
        return gather_moves(self.transitions, returned)

    @KeptProperty
    def visits(self) -> FloatArray:
        """Return the expected visits to each state of journeys of any length, shape (..., K, n).

        Returns are counted as visits to ``return``.

        Raises
        ------
        SimulationError
            If a journey might never end.
        """
        visits = unlimited_visits(self.starts, self.moves)
        visits.setflags(write=False)
        return visits

    @property
    def persona_names(self) -> tuple[str, ...]:
        """Return the name of each persona once; its number, from 1, where it has none."""
        return number_personas(self.personas, self.segments, self.transitions.shape[-3])[0]

    @property
    def persona_numbers(self) -> tuple[int, ...]:
        """Return the number of each persona, from 1."""
        return numbers_beside(self.excluded, len(self.persona_names))

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
            If a persona is excluded, or users are not told apart by segments.
        """
        n_chains = self.transitions.shape[-3]
        names, owners = number_personas(self.personas, self.segments, n_chains)
        chosen = mask_personas(wanted, names, owners, self.excluded)
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
    return fold_state(moves, flow.states.index(RETURN))


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
        If the length is unlimited and a journey might never end.
    """
    walked, drops = ~flow.absorbing, flow.of_kind(StateKind.DROP)
    eventful = ~flow.of_kind(StateKind.RETURN)
    if max_length is None:
        visits, truncated = flow.visits, np.zeros(flow.starts.shape[:-1])
        going = visits * (walked & eventful)
    else:
        visits, last = limited_visits(flow.starts, flow.moves, max_length)
        truncated = last @ walked.astype(float)
        going = (visits - last) * walked
    ends = _ends(flow)
    exits, friction = going * ends[..., EXIT], going * ends[..., FRICTION]
    at_drop, elsewhere = drops.astype(float), (~drops).astype(float)
    dropped = visits @ (drops & ~walked).astype(float) + (exits + friction) @ at_drop
    exited, lost = exits @ elsewhere, friction @ elsewhere
    return Outcomes(
        converted=visits @ flow.of_kind(StateKind.COMPLETION).astype(float),
        dropped=dropped + lost if flow.friction_is_drop else dropped,
        exited=exited if flow.friction_is_drop else exited + lost,
        truncated=truncated,
        length=visits @ eventful.astype(float),
    )


def _ends(flow: Flow) -> FloatArray:
    """Return the chances to leave for good and because of friction, at once or by a return."""
    ends, r = flow.transitions[..., -N_ENDS:], flow.moves.passed
    if r is None or not ends[..., r, :].any():
        return ends
    through: FloatArray = (
        flow.transitions[..., r, None] * onward_from(flow.transitions, r)[..., None, -N_ENDS:]
    )
    through += ends
    return through


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

    Raises
    ------
    SimulationError
        As ``solve``.

    Notes
    -----
    One factorisation for all states, or one run of steps.
    """
    positions = np.array([flow.index(state) for state in states], dtype=np.int64)
    return chance_to_reach(flow.starts, flow.moves, positions, max_length)
