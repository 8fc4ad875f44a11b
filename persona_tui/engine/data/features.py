"""What a log says about each session, path and user, as tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from persona_tui.engine.data.attributes import attribute_columns, first_value
from persona_tui.engine.data.funnel import reached_in_order
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError

_KEYS = ("user_id", "session_id")


def _seconds(duration: pl.Expr) -> pl.Expr:
    return duration.dt.total_microseconds() / 1e6


def require_columns(frame: pl.DataFrame, names: Sequence[str]) -> None:
    """Raise unless a frame has some columns.

    Raises
    ------
    DataError
        Names the columns that are missing and those that are there.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(
            f"No column '{missing[0]}'. Columns found: {', '.join(frame.columns)}.",
            hint="Load the log with etl.load_event_log_csv, which gives canonical columns.",
        )


def engineer_session_features(events: pl.DataFrame) -> pl.DataFrame:
    """Return one row a session.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.

    Returns
    -------
    DataFrame
        ``user_id``, ``session_id``, ``session_number`` (of the user, from 1), ``start``, ``end``,
        ``duration_seconds``, ``n_events``, ``n_event_types``, ``start_event``, ``end_event``,
        ``is_bounce`` (a single event), ``hour`` and ``weekday`` (1 is Monday) of the start, UTC,
        and ``gap_seconds`` since the user's session before, null at the first.

    Raises
    ------
    DataError
        If a canonical column is missing.
    """
    require_columns(events, ("user_id", "session_id", "timestamp", "event_type"))
    sessions = (
        events.sort("timestamp", maintain_order=True)
        .group_by(_KEYS, maintain_order=True)
        .agg(
            start=pl.col("timestamp").first(),
            end=pl.col("timestamp").last(),
            n_events=pl.len(),
            n_event_types=pl.col("event_type").n_unique(),
            start_event=pl.col("event_type").first(),
            end_event=pl.col("event_type").last(),
        )
        .sort("user_id", "start", maintain_order=True)
    )
    return sessions.select(
        *_KEYS,
        session_number=pl.int_range(1, pl.len() + 1).over("user_id"),
        start="start",
        end="end",
        duration_seconds=_seconds(pl.col("end") - pl.col("start")),
        n_events="n_events",
        n_event_types="n_event_types",
        start_event="start_event",
        end_event="end_event",
        is_bounce=pl.col("n_events") == 1,
        hour=pl.col("start").dt.hour(),
        weekday=pl.col("start").dt.weekday(),
        gap_seconds=_seconds(pl.col("start") - pl.col("end").shift(1).over("user_id")),
    )


def engineer_path_features(events: pl.DataFrame, funnel_events: Sequence[str]) -> pl.DataFrame:
    """Return one row a user: how the user moved, and how far through a funnel.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.
    funnel_events : sequence of str
        The steps, in order.

    Returns
    -------
    DataFrame
        ``user_id``, ``n_moves`` (from event to event within a session), ``n_repeats`` (the same event
        again), ``n_back_steps`` (to an event seen earlier in the session), ``n_distinct_moves``,
        ``reached_<step>`` for each step (in any order), ``funnel_depth`` (steps reached in order) and
        ``funnel_seconds`` (from the first step to the last when reached in order, else null).

    Raises
    ------
    UnknownNameError
        If a step is not in the log.
    DataError
        If a column is missing, there is no step, or a step is named twice.
    """
    require_columns(events, ("user_id", "session_id", "timestamp", "event_type"))
    sequences = encode_sequences(events)
    by_session = np.argsort(sequences.sessions, kind="stable")
    users = sequences.users[by_session].astype(np.int64)
    codes, sessions = sequences.codes[by_session], sequences.sessions[by_session]
    n, width = sequences.n_users, len(sequences.vocabulary)
    within = np.append(False, np.diff(sessions) == 0)
    before = np.append(codes[:1], codes[:-1])
    repeat = within & (codes == before)
    seen_before = np.ones(len(codes), dtype=bool)
    seen_before[np.unique(sessions * width + codes, return_index=True)[1]] = False
    moves = users[within] * (width * width) + before[within].astype(np.int64) * width + codes[within]
    places = reached_in_order(sequences, funnel_events)
    depth = (places >= 0).sum(axis=1)
    done = places[:, -1] >= 0
    seconds = np.where(done, sequences.times[places[:, -1]] - sequences.times[places[:, 0]], 0) / 1e6
    return pl.DataFrame(
        {
            "user_id": pl.Series(sequences.user_ids, dtype=pl.String),
            "n_moves": np.bincount(users[within], minlength=n),
            "n_repeats": np.bincount(users[repeat], minlength=n),
            "n_back_steps": np.bincount(users[seen_before & ~repeat], minlength=n),
            "n_distinct_moves": np.bincount(np.unique(moves) // (width * width), minlength=n),
            **{
                f"reached_{step}": np.bincount(
                    users[codes == sequences.vocabulary.index(step)], minlength=n
                ).astype(bool)
                for step in funnel_events
            },
            "funnel_depth": depth,
            "funnel_seconds": pl.Series(seconds).scatter(np.flatnonzero(~done), None),
        }
    )


def engineer_user_features(
    events: pl.DataFrame, session_features: pl.DataFrame, path_features: pl.DataFrame
) -> pl.DataFrame:
    """Return one row a user: pace, depth, returns, path and attributes.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.
    session_features : DataFrame
        As ``engineer_session_features`` returns it.
    path_features : DataFrame
        As ``engineer_path_features`` returns it.

    Returns
    -------
    DataFrame
        ``user_id``, ``first_seen``, ``last_seen``, ``n_events``, ``n_event_types``, ``n_sessions``,
        ``n_days`` with an event, ``seconds_per_session``, ``events_per_session``, ``bounce_rate`` of
        sessions, ``median_gap_seconds`` between sessions, the path features, and the first value of
        each attribute; one that is called as a feature is, gets ``source_`` before its name.

    Raises
    ------
    DataError
        If a column is missing.
    """
    require_columns(session_features, ("user_id", "duration_seconds", "gap_seconds", "is_bounce"))
    require_columns(path_features, ("user_id", "funnel_depth"))
    attributes = {name: f"attribute {name}" for name in attribute_columns(events)}
    per_user = (
        events.sort("timestamp", maintain_order=True)
        .group_by("user_id")
        .agg(
            *(first_value(name).alias(held) for name, held in attributes.items()),
            first_seen=pl.col("timestamp").first(),
            last_seen=pl.col("timestamp").last(),
            n_events=pl.len(),
            n_event_types=pl.col("event_type").n_unique(),
            n_days=pl.col("timestamp").dt.date().n_unique(),
        )
    )
    per_session = session_features.group_by("user_id").agg(
        n_sessions=pl.len(),
        seconds_per_session=pl.col("duration_seconds").mean(),
        events_per_session=pl.col("n_events").mean(),
        bounce_rate=pl.col("is_bounce").mean(),
        median_gap_seconds=pl.col("gap_seconds").median(),
    )
    joined = per_user.join(per_session, on="user_id").join(path_features, on="user_id").sort("user_id")
    features = joined.drop(attributes.values())
    taken = set(features.columns)
    return features.hstack(
        [joined[held].alias(f"source_{name}" if name in taken else name) for name, held in attributes.items()]
    )
