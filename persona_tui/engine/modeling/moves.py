"""The moves of journeys one by one: what came before, what came next, how long it took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.modeling.journeys import Journeys, kept_events
from persona_tui.engine.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObservedMoves:
    """Every move out of a state, in the order of the journeys, with the state before.

    Parameters
    ----------
    before : int64 array of shape (M,)
        The state before; n at the start of a journey.
    states : int64 array of shape (M,)
    following : int64 array of shape (M,)
        The state that came next; n is the exit.
    weights : array of shape (M,)
        One; at the end of a journey its chance of having left.
    users : int64 array of shape (M,)
    """

    before: IntArray
    states: IntArray
    following: IntArray
    weights: FloatArray
    users: IntArray

    def __post_init__(self) -> None:
        for array in (self.before, self.states, self.following, self.weights, self.users):
            array.setflags(write=False)


def list_moves(journeys: Journeys) -> ObservedMoves:
    """Return every move of some journeys.

    Examples
    --------
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u",), codes=np.array([0, 1, 1], np.int32),
    ...     users=np.zeros(3, np.int32), sessions=np.zeros(3, np.int64), times=np.arange(3))
    >>> moves = list_moves(cut_journeys(log, unit="session", censor=False))
    >>> np.stack([moves.before, moves.states, moves.following])
    array([[2, 0, 1],
           [0, 1, 1],
           [1, 1, 2]])
    """
    n, steps = journeys.n_states, journeys.steps.astype(np.int64)
    last = journeys.offsets[1:] - 1
    before, following = np.append(0, steps[:-1]), np.append(steps[1:], n)
    before[journeys.offsets[:-1]] = n
    following[last] = n
    weights = np.ones(len(steps))
    weights[last] = journeys.exit_chances
    users = np.repeat(journeys.users.astype(np.int64), np.diff(journeys.offsets))
    return ObservedMoves(before=before, states=steps, following=following, weights=weights, users=users)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimedMoves:
    """Every move from one event to the next, with the time that it took.

    Parameters
    ----------
    sources, targets : int64 arrays of shape (M,)
        The target is ``return`` where one lies between.
    microseconds : int64 array of shape (M,)
    users : int64 array of shape (M,)
    """

    sources: IntArray
    targets: IntArray
    microseconds: IntArray
    users: IntArray

    def __post_init__(self) -> None:
        for array in (self.sources, self.targets, self.microseconds, self.users):
            array.setflags(write=False)


def time_moves(sequences: Sequences, journeys: Journeys) -> TimedMoves:
    """Return how long every move of some journeys took.

    Parameters
    ----------
    sequences : Sequences
    journeys : Journeys
        Cut from the same sequences.
    """
    n_events = len(journeys.vocabulary)
    is_event = journeys.steps < n_events
    kept_per_journey = np.add.reduceat(is_event.astype(np.int64), journeys.offsets[:-1])
    kept = kept_events(sequences, journeys)
    codes = journeys.steps[is_event].astype(np.int64)
    returned = ~is_event[np.flatnonzero(is_event)[1:] - 1]
    moved = np.ones(len(codes) - 1, dtype=bool)
    moved[np.cumsum(kept_per_journey)[:-1] - 1] = False
    return TimedMoves(
        sources=codes[:-1][moved],
        targets=np.where(returned, n_events, codes[1:])[moved],
        microseconds=np.diff(sequences.times[kept])[moved],
        users=sequences.users[kept][:-1][moved].astype(np.int64),
    )
