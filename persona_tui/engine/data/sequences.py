"""An event log as flat integer arrays: what features, personas and flows are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.types import BoolArray, CodeArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Sequences:
    """An event log as flat arrays, users in order of their id, each user's events in time order.

    Parameters
    ----------
    vocabulary : tuple of str, length V
        Event types, sorted.
    user_ids : tuple of str, length U
    codes : int32 array of shape (N,)
        Event type of each event.
    users : int32 array of shape (N,)
        User of each event, ascending.
    sessions : int64 array of shape (N,)
        Session of each event; numbers ascend with the user and the session's first event.
    times : int64 array of shape (N,)
        Microseconds since 1970, UTC.
    """

    vocabulary: tuple[str, ...]
    user_ids: tuple[str, ...]
    codes: CodeArray
    users: CodeArray
    sessions: IntArray
    times: IntArray

    @property
    def n_users(self) -> int:
        """Return the number of users."""
        return len(self.user_ids)

    @property
    def n_sessions(self) -> int:
        """Return the number of sessions."""
        return int(self.sessions.max()) + 1

    def positions(self, names: frozenset[str] | set[str]) -> BoolArray:
        """Return which event types are named, shape (V,).

        Raises
        ------
        UnknownNameError
            If a name is not an event type.
        """
        for name in sorted(names):
            if name not in self.vocabulary:
                raise unknown_name("event", name, self.vocabulary)
        return np.isin(self.vocabulary, sorted(names)) if names else np.zeros(len(self.vocabulary), bool)


def encode_sequences(events: pl.DataFrame) -> Sequences:
    """Return an event log as flat arrays.

    Parameters
    ----------
    events : DataFrame
        With ``user_id``, ``session_id``, ``timestamp`` and ``event_type``, in any order of rows;
        events of a user at the same time keep the order of their rows.

    Raises
    ------
    DataError
        If there is no event.
    """
    if events.is_empty():
        raise DataError("The log holds no events.", hint="Check the source and the filters.")
    columns = ["timestamp", "event_type", "session_id"]
    ordered = in_user_order(events.select("user_id", *columns))
    ids = ordered["user_id"]
    begins = ids.ne_missing(ids.shift())
    vocabulary = tuple(ordered["event_type"].cast(pl.String).unique().sort().to_list())
    users = (np.cumsum(begins.to_numpy()) - 1).astype(np.int32)
    return Sequences(
        vocabulary=vocabulary,
        user_ids=tuple(ids.filter(begins).to_list()),
        codes=ordered["event_type"].cast(pl.Enum(vocabulary)).to_physical().to_numpy().astype(np.int32),
        users=users,
        sessions=_number_sessions(users, ordered["session_id"]),
        times=ordered["timestamp"].dt.epoch("us").to_numpy(),
    )


def in_user_order(events: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a log by user, each user's in time order; ties keep the order of their rows.

    Notes
    -----
    O(N) where they are so already.
    """
    ids, times = events["user_id"], events["timestamp"]
    if ids.is_sorted() and not ((times < times.shift()) & (ids == ids.shift())).any():
        return events
    sorted_ids = ids.unique().sort()
    users = ids.replace_strict(sorted_ids, np.arange(len(sorted_ids)), return_dtype=pl.Int64).to_numpy()
    by_time = np.argsort(times.to_physical().to_numpy(), kind="stable")
    return events[by_time[np.argsort(users[by_time], kind="stable")]]


def join_sequences(parts: Iterable[Sequences]) -> Sequences:
    """Return parts of a log as one, users in order of their id.

    Parameters
    ----------
    parts : iterable of Sequences
        Of the same vocabulary; no user in two of them.

    Notes
    -----
    O(N); where users of different parts stand between each other, one more pass that moves them.
    """
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    users_before = np.cumsum([0, *(each.n_users for each in parts[:-1])])
    sessions_before = np.cumsum([0, *(each.n_sessions for each in parts[:-1])])
    user_ids = [user for each in parts for user in each.user_ids]
    joined = Sequences(
        vocabulary=parts[0].vocabulary,
        user_ids=tuple(user_ids),
        codes=np.concatenate([each.codes for each in parts]),
        users=np.concatenate(
            [each.users + np.int32(before) for each, before in zip(parts, users_before, strict=True)]
        ),
        sessions=np.concatenate(
            [each.sessions + before for each, before in zip(parts, sessions_before, strict=True)]
        ),
        times=np.concatenate([each.times for each in parts]),
    )
    order = rows_by_user(parts)
    return joined if order is None else _moved(joined, order)


def rows_by_user(parts: Sequence[Sequences]) -> IntArray | None:
    """Return the order of the rows of parts, one after the other, in which users ascend; None if they do."""
    user_ids = pl.Series([user for each in parts for user in each.user_ids], dtype=pl.String)
    if user_ids.is_sorted():
        return None
    lengths = np.concatenate([np.bincount(each.users, minlength=each.n_users) for each in parts])
    begins = np.cumsum(lengths) - lengths
    order = user_ids.arg_sort().to_numpy()
    moved = lengths[order]
    rows: IntArray = np.repeat(begins[order] - (np.cumsum(moved) - moved), moved) + np.arange(moved.sum())
    return rows


def take_events(sequences: Sequences, rows: IntArray) -> tuple[Sequences, CodeArray]:
    """Return some events of a log as a log of their users, and who these are in the whole.

    Parameters
    ----------
    sequences : Sequences
    rows : int64 array
        Ascending.
    """
    users = sequences.users[rows]
    begins = np.append(True, users[1:] != users[:-1])[: len(users)]
    present: CodeArray = users[begins]
    taken = Sequences(
        vocabulary=sequences.vocabulary,
        user_ids=tuple(sequences.user_ids[user] for user in present),
        codes=sequences.codes[rows],
        users=(np.cumsum(begins) - 1).astype(np.int32),
        sessions=sequences.sessions[rows],
        times=sequences.times[rows],
    )
    return taken, present


def _moved(joined: Sequences, order: IntArray) -> Sequences:
    """Return a log with users at other places; those of one user keep their order."""
    users = joined.users[order]
    begins = np.append(True, users[1:] != users[:-1])
    sessions = joined.sessions[order]
    per_user = np.maximum.reduceat(sessions, np.flatnonzero(begins)) - sessions[begins] + 1
    shift = np.cumsum(per_user) - per_user - sessions[begins]
    return Sequences(
        vocabulary=joined.vocabulary,
        user_ids=tuple(joined.user_ids[user] for user in users[begins]),
        codes=joined.codes[order],
        users=(np.cumsum(begins) - 1).astype(np.int32),
        sessions=sessions + np.repeat(shift, np.diff(np.append(np.flatnonzero(begins), len(users)))),
        times=joined.times[order],
    )


def _number_sessions(users: CodeArray, session_ids: pl.Series) -> IntArray:
    """Return sessions numbered by user, then by first event; one id in two users is two sessions."""
    names = session_ids.cast(pl.String).cast(pl.Categorical(pl.Categories.random()))
    ids = names.to_physical().to_numpy().astype(np.int64)
    keys = users.astype(np.int64) * (int(ids.max()) + 1) + ids
    begins = np.append(True, keys[1:] != keys[:-1])
    _, first, inverse = np.unique(keys[begins], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    numbered: IntArray = rank[inverse][np.cumsum(begins) - 1]
    return numbered
