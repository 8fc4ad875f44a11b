"""Windows of one length that two periods are cut into, so that users of both were seen for as long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.own_variation import LEAST_WINDOWS
from persona_tui.engine.types import IntArray

LEAST_USERS: Final = 30
"""Of a window, and of a period, below which nothing is told of it."""
MOST_WINDOWS: Final = 52
"""Of the earlier period; the latest are taken."""
DAY: Final = 86_400_000_000
_WEEK: Final = 7 * DAY
_WANTED: Final = 8
_LEFT_OVER: Final = 0.1
_MOST_THIN: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """How two periods are cut.

    Parameters
    ----------
    length : int
        Of each window, in microseconds.
    before, after : int64 arrays
        Where the windows begin, microseconds since 1970.
    knows_own : bool
        Whether the earlier ones, four or more of 30 users or more, tell how the period itself varies.
    n_thin : int
        Earlier windows that are left out for having fewer than 30 users.
    """

    length: int
    before: IntArray
    after: IntArray
    knows_own: bool
    n_thin: int


def span_of(sequences: Sequences) -> tuple[int, int]:
    """Return when a log begins and ends, at the nearest midnights where it is two days or longer."""
    first, last = int(sequences.times.min()), int(sequences.times.max()) + 1
    if last - first < 2 * DAY:
        return first, last
    return (first + DAY // 2) // DAY * DAY, (last + DAY // 2) // DAY * DAY


def cut_windows(before: Sequences, after: Sequences) -> Windows:
    """Return windows for two logs.

    Parameters
    ----------
    before, after : Sequences
        The earlier log and the later one.

    Raises
    ------
    DataError
        If a log has fewer than 30 users.

    Notes
    -----
    A window is as long as the later log where eight fit into the earlier one, else an eighth of that, then a
    quarter; whole weeks where they leave no tenth of the later log over, else whole days where they can be.
    Windows end where the log ends. At most the latest 52 of the earlier log are taken. O(N log N).
    """
    for name, each in (("earlier", before), ("newer", after)):
        if each.n_users < LEAST_USERS:
            raise DataError(
                f"The {name} log has {each.n_users} users; {LEAST_USERS} are needed.",
                hint="Take a longer period, or a log of more users.",
            )
    (first, last), (begins, ends) = span_of(before), span_of(after)
    for wanted in (_WANTED, LEAST_WINDOWS):
        length = window_length(last - first, ends - begins, wanted)
        starts = _starts(first, last, length)[-MOST_WINDOWS:]
        users = _users_of(before, starts, length)
        thick = users >= LEAST_USERS
        if thick.sum() >= LEAST_WINDOWS and thick.mean() >= 1 - _MOST_THIN:
            return Windows(
                length=length,
                before=starts[thick],
                after=_starts(begins, ends, length),
                knows_own=True,
                n_thin=int((~thick).sum()),
            )
    length = min(last - first, ends - begins)
    return Windows(
        length=length,
        before=_starts(first, last, length),
        after=_starts(begins, ends, length),
        knows_own=False,
        n_thin=0,
    )


def window_length(before: int, after: int, wanted: int) -> int:
    """Return how long windows are, of which the earlier period holds as many as wanted.

    Parameters
    ----------
    before, after : int
        Length of each period, in microseconds.
    wanted : int

    Examples
    --------
    >>> window_length(80 * DAY, 10 * DAY, 8) // DAY, window_length(30 * DAY, 30 * DAY, 8) // DAY
    (10, 3)
    """
    longest = min(after, before // wanted)
    weeks = longest // _WEEK * _WEEK
    if weeks and after % weeks <= _LEFT_OVER * after:
        return weeks
    if longest < DAY:
        return DAY if min(after, before // LEAST_WINDOWS) >= DAY else max(longest, 1)
    for days in range(longest // DAY, 0, -1):
        if after % (days * DAY) <= _LEFT_OVER * after:
            return days * DAY
    return DAY


def _starts(first: int, last: int, length: int) -> IntArray:
    """Return where windows begin of which the last ends with the period."""
    n = max((last - first) // length, 1)
    starts: IntArray = last - length * np.arange(n, 0, -1, dtype=np.int64)
    return starts


def _users_of(sequences: Sequences, starts: IntArray, length: int) -> IntArray:
    """Return the users of each window that follows another without a gap."""
    places = (sequences.times - starts[0]) // length
    inside = (places >= 0) & (places < len(starts))
    pairs = np.unique(sequences.users[inside].astype(np.int64) * len(starts) + places[inside])
    return np.bincount(pairs % len(starts), minlength=len(starts)).astype(np.int64)
