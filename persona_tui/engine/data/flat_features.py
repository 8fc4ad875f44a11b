"""What the flat arrays of a log say about each session, path and user, as tables.

A part of a log gives the rows of its users, so the tables of parts are put one under the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.funnel import reached_in_order
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.unit_events import (
    as_times,
    count_distinct,
    events_by_unit,
    first_of_each,
    within_units,
)
from persona_tui.engine.types import AnyArray, CodeArray, FloatArray

SECOND: Final = 1_000_000
_HOUR: Final = 3_600 * SECOND
_DAY: Final = 24 * _HOUR
_MEANS: Final = {
    "seconds_per_session": "duration_seconds",
    "events_per_session": "n_events",
    "bounce_rate": "is_bounce",
}
_FIRST_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday, the fourth day of a week."""


def features_of_sessions(sequences: Sequences) -> pl.DataFrame:
    """Return one row a session, in the order of their numbers.

    Parameters
    ----------
    sequences : Sequences

    Returns
    -------
    DataFrame
        As ``features.engineer_session_features`` returns it, without ``session_id``.

    Notes
    -----
    O(N).
    """
    events = events_by_unit(sequences, "session")
    first, last = events.begins, events.offsets[1:] - 1
    users = sequences.users[events.log_rows(first)]
    starts, ends = events.times[first], events.times[last]
    is_first = first_of_each(users)
    firsts = np.flatnonzero(is_first)
    gaps = (starts - np.append(0, ends[:-1])) / SECOND
    number = np.arange(1, len(users) + 1) - np.repeat(firsts, np.diff(firsts, append=len(users)))
    return pl.DataFrame(
        {
            "user_id": pl.Series(sequences.user_ids, dtype=pl.String).gather(users),
            "session_number": number,
            "start": as_times(starts),
            "end": as_times(ends),
            "duration_seconds": (ends - starts) / SECOND,
            "n_events": events.lengths.astype(np.uint32),
            "n_event_types": count_distinct(sequences, "session").astype(np.uint32),
            "start_event": _named(events.codes[first], sequences.vocabulary),
            "end_event": _named(events.codes[last], sequences.vocabulary),
            "is_bounce": events.lengths == 1,
            "hour": (starts // _HOUR % 24).astype(np.int8),
            "weekday": ((starts // _DAY + _FIRST_WEEKDAY) % 7 + 1).astype(np.int8),
            "gap_seconds": pl.Series(gaps).set(pl.Series(is_first), None),
        }
    )


def features_of_paths(sequences: Sequences, funnel_events: Sequence[str]) -> pl.DataFrame:
    """Return one row a user, in the order of the sequences: the path, and how far through a funnel.

    Returns
    -------
    DataFrame
        As ``features.engineer_path_features`` returns it.

    Notes
    -----
    O(N log N), for moves that differ; O(N) beside. An event that was seen before in its session is one
    that the session has more than different ones.
    """
    by_session, by_user = events_by_unit(sequences, "session"), events_by_unit(sequences, "user")
    codes, width, n = by_session.codes, len(sequences.vocabulary), sequences.n_users
    within = within_units(by_session)[1:]
    users = sequences.users[by_session.log_rows(by_session.begins)]
    n_sessions = np.bincount(users, minlength=n)
    seen_before = by_session.lengths - count_distinct(sequences, "session")
    per_event = sequences.users if by_session.rows is None else sequences.users[by_session.rows]
    repeat = within & (codes[1:] == codes[:-1])
    n_repeats = np.bincount(per_event[1:][repeat], minlength=n)
    moves = np.multiply(per_event[1:], width, dtype=np.int64)
    moves = np.sort(((moves + codes[:-1]) * width + codes[1:])[within])
    distinct = moves[np.append(True, moves[1:] != moves[:-1])[: len(moves)]]
    places = reached_in_order(sequences, funnel_events)
    done = places[:, -1] >= 0
    seconds = np.where(done, sequences.times[places[:, -1]] - sequences.times[places[:, 0]], 0) / SECOND
    return pl.DataFrame(
        {
            "user_id": pl.Series(sequences.user_ids, dtype=pl.String),
            "n_moves": by_user.lengths - n_sessions,
            "n_repeats": n_repeats,
            "n_back_steps": np.bincount(users, seen_before, minlength=n).astype(np.int64) - n_repeats,
            "n_distinct_moves": np.bincount(distinct // width**2, minlength=n),
            **{f"reached_{step}": _users_with(sequences, step) for step in funnel_events},
            "funnel_depth": (places >= 0).sum(axis=1),
            "funnel_seconds": pl.Series(seconds).set(pl.Series(~done), None),
        }
    )


def features_of_users(sequences: Sequences, session_features: pl.DataFrame) -> pl.DataFrame:
    """Return one row a user, in the order of the sequences: pace, depth and returns.

    Parameters
    ----------
    sequences : Sequences
    session_features : DataFrame
        As ``features_of_sessions`` returns it, of the same sessions.

    Returns
    -------
    DataFrame
        ``user_id`` … ``median_gap_seconds`` as ``features.engineer_user_features`` returns it.

    Notes
    -----
    O(N), and O(S log S) for the medians.
    """
    events = events_by_unit(sequences, "user")
    days = events.times // _DAY
    new_day = ~within_units(events)
    new_day[1:] |= days[1:] != days[:-1]
    return pl.DataFrame(
        {
            "user_id": pl.Series(sequences.user_ids, dtype=pl.String),
            "first_seen": as_times(events.times[events.begins]),
            "last_seen": as_times(events.times[events.offsets[1:] - 1]),
            "n_events": events.lengths.astype(np.uint32),
            "n_event_types": count_distinct(sequences, "user").astype(np.uint32),
            "n_days": np.diff(np.flatnonzero(new_day).searchsorted(events.offsets)).astype(np.uint32),
            **_sessions_of_users(sequences, session_features),
        }
    )


def _sessions_of_users(
    sequences: Sequences, session_features: pl.DataFrame
) -> dict[str, AnyArray | pl.Series]:
    events = events_by_unit(sequences, "session")
    users = sequences.users.take(events.log_rows(events.begins))
    begins = np.flatnonzero(first_of_each(users))
    n_sessions = np.diff(begins, append=len(users))
    gaps = session_features["gap_seconds"]
    known = gaps.is_not_null().to_numpy()
    means = {name: session_features[column].to_numpy() for name, column in _MEANS.items()}
    return {
        "n_sessions": n_sessions.astype(np.uint32),
        **{
            name: np.add.reduceat(each.astype(np.float64), begins) / n_sessions
            for name, each in means.items()
        },
        "median_gap_seconds": _medians(gaps.drop_nulls().to_numpy(), users[known], len(begins)),
    }


def _medians(values: FloatArray, users: CodeArray, n_users: int) -> pl.Series:
    """Return the median of the values of each user, shape (n_users,); null where there is none."""
    n_values = np.bincount(users, minlength=n_users)
    ordered = np.append(_sorted_within(values, users), np.nan)
    begins = np.cumsum(n_values) - n_values
    low, high = ordered[begins + np.maximum(n_values - 1, 0) // 2], ordered[begins + n_values // 2]
    return pl.Series((low + high) / 2).set(pl.Series(n_values == 0), None)


def _sorted_within(values: FloatArray, users: CodeArray) -> FloatArray:
    """Return the values of each user in order, users ascending.

    User and value in one whole number sort ten times as fast as two columns do; differences of times are
    whole microseconds, which a float holds exactly up to 285 years.
    """
    if not len(values):
        return values
    microseconds = np.rint(values * SECOND).astype(np.int64)
    low = int(microseconds.min())
    span = int(microseconds.max()) - low + 1
    if (int(users[-1]) + 1) * span >= 2**63:
        return values[np.lexsort((values, users))]
    first = users.astype(np.int64) * span
    keys = np.sort(first + (microseconds - low))
    return (keys - first + low) / SECOND


def _named(codes: CodeArray, vocabulary: tuple[str, ...]) -> pl.Series:
    return pl.Series(codes.astype(np.uint32)).cat.to(pl.Enum(vocabulary))


def _users_with(sequences: Sequences, event: str) -> pl.Series:
    code = sequences.vocabulary.index(event)
    return pl.Series(np.bincount(sequences.users[sequences.codes == code], minlength=sequences.n_users) > 0)
