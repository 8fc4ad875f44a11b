"""Journeys that were all followed for the same time: what a forecast can be held against."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.data.sequences import Sequences, take_events
from persona_tui.engine.errors import DataError
from persona_tui.engine.modeling.journeys import SESSION_GAP_MICROSECONDS, Journeys, cut_journeys
from persona_tui.engine.types import AnyArray, BoolArray, FloatArray, IntArray, Unit

SOON_ENOUGH: Final = 0.9
"""Share of the completions that come within the time that journeys are followed for, if the log is long."""
MOST_OF_LOG: Final = 0.25
"""Of the log's time that a journey is followed for at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Followed:
    """Journeys followed for the same time after their first event, none of them open.

    Parameters
    ----------
    sequences : Sequences
        Their events.
    journeys : Journeys
        Cut from these; what did not complete in time has left.
    begins : int64 array of shape (J,)
        When each began, microseconds since 1970, UTC.
    horizon : int
        How long each was followed for, in microseconds.
    n_too_late : int
        Journeys left out since they began too near the end of the log.
    late_completions : float
        Share of the followed journeys' completions in the log that came later, and count as none.
    """

    sequences: Sequences
    journeys: Journeys
    begins: IntArray
    horizon: int
    n_too_late: int
    late_completions: float

    @property
    def converted(self) -> BoolArray:
        """Return which journeys completed, shape (J,)."""
        return converted(self.journeys)

    def of_users(self, chosen: BoolArray) -> Sequences:
        """Return the events of some users, an array of shape (U,) tells of whom."""
        return take_events(self.sequences, np.flatnonzero(chosen[self.sequences.users]))[0]

    def of_journeys(self, chosen: BoolArray) -> Sequences:
        """Return the events of some journeys, an array of shape (J,) tells of which."""
        rows = np.flatnonzero(chosen[_journey_of_event(self.sequences, self.journeys.unit)])
        return take_events(self.sequences, rows)[0]

    def cut(self, sequences: Sequences) -> Journeys:
        """Return the journeys of some of the users, cut as all are."""
        return _cut(sequences, self.journeys)


def converted(journeys: Journeys) -> BoolArray:
    """Return which journeys completed, shape (J,)."""
    last = journeys.steps[journeys.offsets[1:] - 1]
    n_events = len(journeys.vocabulary)
    completes: BoolArray = np.append(journeys.completion, np.zeros(journeys.n_states - n_events, bool))[last]
    return completes


def follow(
    sequences: Sequences,
    *,
    unit: Unit,
    completion: Collection[str],
    drop: Collection[str],
    horizon: int | None = None,
) -> Followed:
    """Return the journeys of a log that can be followed for long enough, all for the same time.

    Parameters
    ----------
    sequences : Sequences
    unit : {"user", "session"}
    completion, drop : collection of str
    horizon : int, optional
        For how long, in microseconds; worked out where it is not given.

    Raises
    ------
    DataError
        If no journey completes and no time is given, or hardly any can be followed.

    Notes
    -----
    That long is the 90th percentile of the times from a journey's first event to its first completion, a
    quarter of the log's time at most and a session's gap at least. Journeys that begin later than that
    before the end of the log are left out, whatever became of them: those that completed early would
    otherwise be seen and the others not. O(N).
    """
    present = frozenset(sequences.vocabulary)
    completion, drop = present.intersection(completion), present.intersection(drop)
    groups = sequences.users.astype(np.int64) if unit == "user" else sequences.sessions
    since = sequences.times - _first_times(groups, sequences.times)[groups]
    completes = sequences.positions(completion)[sequences.codes]
    taken = _first_of_group(groups, completes)
    if horizon is None:
        horizon = _soon_enough(sequences, since[taken])
    begun = sequences.times - since
    in_time = begun <= sequences.times.max() - horizon
    kept = in_time & (since <= horizon)
    if not kept.any():
        raise DataError(
            "No journey began long enough before the end of the log to see what became of it.",
            hint="Take a longer log.",
        )
    followed = take_events(sequences, np.flatnonzero(kept))[0]
    journeys = cut_journeys(followed, unit=unit, completion=completion, drop=drop, censor=False)
    n_late = int((in_time[taken] & (since[taken] > horizon)).sum())
    return Followed(
        sequences=followed,
        journeys=journeys,
        begins=_begins(followed, unit),
        horizon=horizon,
        n_too_late=len(np.unique(groups)) - journeys.n_journeys,
        late_completions=n_late / max(int(in_time[taken].sum()), 1),
    )


def _soon_enough(sequences: Sequences, waited: IntArray) -> int:
    """Return the time within which most journeys complete that do, not too long for the log."""
    if not len(waited):
        raise DataError(
            "No journey completes, so there is nothing to foretell.", hint="Name another: --completion"
        )
    span = int(sequences.times.max() - sequences.times.min())
    most = min(int(np.quantile(waited, SOON_ENOUGH)), int(MOST_OF_LOG * span))
    return max(most, SESSION_GAP_MICROSECONDS)


def _cut(sequences: Sequences, like: Journeys) -> Journeys:
    return cut_journeys(
        sequences,
        unit=like.unit,
        completion=like.names_of(like.completion),
        drop=like.names_of(like.drop),
        censor=False,
    )


def _first_times(groups: IntArray, times: IntArray) -> IntArray:
    first = np.full(int(groups.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, groups, times)
    return first


def _first_of_group(groups: IntArray, marked: BoolArray) -> IntArray:
    """Return the first marked event of every group that has one; groups' events are in order of time."""
    rows = np.flatnonzero(marked)
    _, firsts = np.unique(groups[rows], return_index=True)
    return rows[firsts]


def _begins(sequences: Sequences, unit: Unit) -> IntArray:
    """Return when each journey begins, in the order in which ``cut_journeys`` has them."""
    return _first_times(_journey_of_event(sequences, unit), sequences.times)


def _journey_of_event(sequences: Sequences, unit: Unit) -> IntArray:
    groups = sequences.users.astype(np.int64) if unit == "user" else sequences.sessions
    return np.unique(groups, return_inverse=True)[1]


def follow_seconds(sequences: Sequences, journeys: Journeys, kept: IntArray) -> FloatArray:
    """Return the seconds from the first to the last event of each journey, shape (J,).

    Parameters
    ----------
    sequences : Sequences
    journeys : Journeys
    kept : int64 array
        The events that the journeys keep, as ``kept_events`` returns them.
    """
    is_event: AnyArray = (journeys.steps < len(journeys.vocabulary)).astype(np.int64)
    ends = np.cumsum(np.add.reduceat(is_event, journeys.offsets[:-1]))
    times = sequences.times[kept]
    seconds: FloatArray = (times[ends - 1] - times[np.append(0, ends[:-1])]) / 1e6
    return seconds
