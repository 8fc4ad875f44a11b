"""An event log in parts: some users each, every user's events in time order, as flat arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.user_rows import UserRows, gathered
from persona_tui.engine.types import BoolArray, CodeArray, IntArray

TIME_TYPE: Final = pl.Datetime("us", "UTC")
GAP_SESSION: Final = "gap"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogPart:
    """Some users of a log with all their events.

    Parameters
    ----------
    sequences : Sequences
        Users in order of their id; users, and sessions, are numbered within the part.
    session_ids : Series of String, length S, optional
        What the source calls each session; None where all were cut by inactivity.
    columns : DataFrame of N rows
        ``metadata`` and attributes, row for row; no columns where none were asked for.
    """

    sequences: Sequences
    session_ids: pl.Series | None
    columns: pl.DataFrame

    def session_names(self) -> pl.Series:
        """Return what each session is called, shape (S,): ``gap-1``, … of each user where it was cut."""
        if self.session_ids is not None:
            return self.session_ids
        flat = self.sequences
        begins = np.append(True, np.diff(flat.sessions) > 0)
        return _gap_names(flat.users[begins], GAP_SESSION)

    def events(self) -> pl.DataFrame:
        """Return canonical columns, then attributes, one row an event."""
        flat = self.sequences
        vocabulary = pl.Enum(flat.vocabulary)
        return pl.DataFrame(
            {
                "user_id": pl.Series(flat.user_ids, dtype=pl.String).gather(flat.users),
                "session_id": self.session_names().gather(flat.sessions),
                "timestamp": pl.Series(flat.times).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
                "event_type": pl.Series(flat.codes.astype(np.uint32)).cat.to(vocabulary),
            }
        ).hstack(self.columns)


@dataclass(frozen=True, slots=True)
class FlatParts:
    """The arrays of the parts of a log, opened one at a time, and again whenever they are gone through.

    Parameters
    ----------
    parts : sequence of LogPart
    """

    parts: Sequence[LogPart]

    def __iter__(self) -> Iterator[Sequences]:
        """Yield the arrays of each part."""
        return (part.sequences for part in self.parts)


def copies(found: UserRows, key: list[str]) -> BoolArray:
    """Return which rows repeat an earlier row of the same user and time, equal in all of some columns.

    Parameters
    ----------
    found : UserRows
    key : list of str
        Columns beside user and time.
    """
    times = found.plain["timestamp"]
    tied = np.zeros(len(times) + 1, dtype=bool)
    tied[1:-1] = (times[1:] == times[:-1]) & (found.users[1:] == found.users[:-1])
    suspects = np.flatnonzero(tied[1:] | tied[:-1])
    repeated = np.zeros(len(times), dtype=bool)
    if suspects.size:
        values = gathered(found.rows.select(name for name in key if name in found.rows.columns), suspects)
        plain = {name: found.plain[name][suspects] for name in ("timestamp", *key) if name in found.plain}
        values = pl.DataFrame({"__user__": found.users[suspects], **plain}).hstack(values)
        first = values.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
        repeated[suspects[~first]] = True
    return repeated


def cut_sessions(users: CodeArray, times: IntArray, gap: int) -> IntArray:
    """Return the session of every event, shape (N,), a new one after a time of inactivity.

    Parameters
    ----------
    users : int32 array of shape (N,)
        Ascending.
    times : int64 array of shape (N,)
        Microseconds, ascending within users.
    gap : int
        Microseconds; a longer silence ends a session.
    """
    sessions: IntArray = _begins(users, times, gap).astype(np.int64)
    sessions[:1] = 0
    return np.cumsum(sessions, out=sessions)


def _begins(users: CodeArray, times: IntArray, gap: int) -> BoolArray:
    begins = np.ones(len(users), dtype=bool)
    np.greater(np.diff(times), gap, out=begins[1:])
    begins[1:] |= users[1:] != users[:-1]
    return begins


def number_sessions(
    users: CodeArray, times: IntArray, gap: int, session_ids: pl.Series, prefix: str = GAP_SESSION
) -> tuple[IntArray, pl.Series]:
    """Return the session of every event and what each is called, after the names of the source.

    Parameters
    ----------
    users : int32 array of shape (N,)
        Ascending.
    times : int64 array of shape (N,)
        Microseconds, ascending within users.
    gap : int
        Microseconds of inactivity that end a session, where the source has none.
    session_ids : Series of String, length N
        Of the source, null where an event has none: these are cut by inactivity among themselves.
    prefix : str
        Of the names of sessions that are cut, so that they are none of the source's.

    Returns
    -------
    sessions : int64 array of shape (N,)
        Numbers ascend with the user, then with the session's first event.
    names : Series of String, length S
    """
    keys, names = _session_keys(users, times, gap, session_ids, prefix)
    changes = np.empty(len(users), dtype=bool)
    changes[0] = True
    changes[1:] = (users[1:] != users[:-1]) | (keys[1:] != keys[:-1])
    runs = np.flatnonzero(changes)
    numbers = _first_seen(users[runs], keys[runs])
    _, first_run = np.unique(numbers, return_index=True)
    return numbers[np.cumsum(changes) - 1], names.gather(runs[first_run])


def _first_seen(users: CodeArray, keys: IntArray) -> IntArray:
    """Return pairs of user and key numbered by where they first stand."""
    packed = users.astype(np.int64) * (int(keys.max()) + 1) + keys
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    numbered: IntArray = rank[inverse]
    return numbered


def _session_keys(
    users: CodeArray, times: IntArray, gap: int, session_ids: pl.Series, prefix: str
) -> tuple[IntArray, pl.Series]:
    """Return a number and a name for the session of every event; those without one are cut by inactivity."""
    without = session_ids.is_null().to_numpy()
    n_cut = int(without.sum())
    if n_cut:
        places = np.flatnonzero(without)
        mine, when = users[places], times[places]
        begins = _begins(mine, when, gap)
        cut = _gap_names(mine[begins], prefix).gather(np.cumsum(begins) - 1)
        session_ids = session_ids.scatter(places, cut)
    keys = session_ids.cast(pl.Categorical(pl.Categories.random())).to_physical().to_numpy()
    return keys.astype(np.int64), session_ids


def _gap_names(users_of_sessions: CodeArray, prefix: str) -> pl.Series:
    """Return ``gap-1``, ``gap-2``, … for each user's sessions, which are in time order."""
    n = len(users_of_sessions)
    first = np.zeros(n, dtype=np.int64)
    starts = np.flatnonzero(np.append(True, users_of_sessions[1:] != users_of_sessions[:-1]))
    first[starts] = starts
    number = np.arange(n) - np.maximum.accumulate(first) + 1
    return (
        pl.Series(number)
        .cast(pl.String)
        .alias("session_id")
        .to_frame()
        .select(pl.concat_str(pl.lit(f"{prefix}-"), pl.col("session_id")).alias("session_id"))
        .to_series()
    )
