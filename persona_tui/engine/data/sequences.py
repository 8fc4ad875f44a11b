"""An event log as flat integer arrays: what features, personas and flows are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.types import BoolArray, CodeArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
    by_user = (
        events.select("user_id", *columns)
        .group_by("user_id", maintain_order=True)
        .agg(pl.col(columns).sort_by("timestamp", maintain_order=True))
        .sort("user_id")
    )
    flat = by_user.select(columns).explode(columns)
    lengths = by_user["timestamp"].list.len().to_numpy()
    vocabulary = tuple(flat["event_type"].cast(pl.String).unique().sort().to_list())
    users = np.repeat(np.arange(by_user.height, dtype=np.int32), lengths)
    return Sequences(
        vocabulary=vocabulary,
        user_ids=tuple(by_user["user_id"].to_list()),
        codes=flat["event_type"].cast(pl.Enum(vocabulary)).to_physical().to_numpy().astype(np.int32),
        users=users,
        sessions=_number_sessions(users, flat["session_id"]),
        times=flat["timestamp"].dt.epoch("us").to_numpy(),
    )


def _number_sessions(users: CodeArray, session_ids: pl.Series) -> IntArray:
    """Return sessions numbered by user, then by first event; one id in two users is two sessions."""
    ids = session_ids.rank("dense").to_numpy().astype(np.int64)
    keys = users.astype(np.int64) * (int(ids.max()) + 1) + ids
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    numbered: IntArray = rank[inverse]
    return numbered
