"""What a log says about each session, path and user, as tables."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from persona_tui.engine.data.attributes import attribute_columns
from persona_tui.engine.data.flat_features import features_of_paths, features_of_sessions, features_of_users
from persona_tui.engine.data.sequences import Sequences, encode_sequences, in_user_order
from persona_tui.engine.data.unit_events import events_by_unit, first_places
from persona_tui.engine.errors import DataError

_NEEDED = ("user_id", "session_id", "timestamp", "event_type")


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
    require_columns(events, _NEEDED)
    ordered = in_user_order(events.select(_NEEDED))
    sequences = encode_sequences(ordered)
    first = events_by_unit(sequences, "session")
    ids = ordered["session_id"].gather(first.log_rows(first.begins))
    return features_of_sessions(sequences).insert_column(1, ids)


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
    require_columns(events, _NEEDED)
    return features_of_paths(encode_sequences(events), funnel_events)


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
        If a column is missing, or the features are not of the users in the log.
    """
    require_columns(session_features, ("user_id", "duration_seconds", "gap_seconds", "is_bounce"))
    require_columns(path_features, ("user_id", "funnel_depth"))
    ordered = in_user_order(events)
    sequences = encode_sequences(ordered)
    sessions = session_features.sort("user_id", maintain_order=True)
    for kind, frame in (("session", session_features), ("path", path_features)):
        if tuple(frame["user_id"].unique().sort()) != sequences.user_ids:
            raise DataError(
                f"The {kind} features are not of the users in the log.",
                hint="Take them from the same events.",
            )
    features = features_of_users(sequences, sessions).join(path_features, on="user_id", maintain_order="left")
    return features.hstack(
        [
            _first_values(ordered[name], sequences).alias(
                f"source_{name}" if name in features.columns else name
            )
            for name in attribute_columns(events)
        ]
    )


def _first_values(values: pl.Series, sequences: Sequences) -> pl.Series:
    """Return the first value of each user that is there, shape (U,); null where none is."""
    known = values.is_not_null().to_numpy()
    return values.gather(first_places(known, sequences.users, sequences.n_users))
