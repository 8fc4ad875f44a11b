"""Turn a source into an event log with canonical columns, and say what happened on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from persona_tui.engine.data.quality import REJECT_COLUMNS, Quality
from persona_tui.engine.data.readers.delimited import LINE, SHOWN_CHARACTERS, read_source
from persona_tui.engine.data.schema import CANONICAL, SESSION_GAP_MINUTES, detect_columns, is_reserved
from persona_tui.engine.data.times import parse_times
from persona_tui.engine.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventLog:
    """An event log and how it came about.

    Parameters
    ----------
    events : DataFrame
        ``user_id``, ``session_id``, ``timestamp`` (UTC, microseconds), ``event_type`` (Enum),
        ``metadata`` where the source has it, then the source's other columns; rows in the source's order.
    quality : Quality
    columns : dict
        Canonical name to column of the source.
    fingerprint : str
        SHA-256 of the source's bytes.
    """

    events: pl.DataFrame
    quality: Quality
    columns: dict[str, str]
    fingerprint: str


def load_event_log(source: str | Path, *, columns: Mapping[str, str] | None = None) -> EventLog:
    """Load a log whatever its columns are called.

    Parameters
    ----------
    source : path
        Delimited text, also gzipped, or Parquet.
    columns : mapping, optional
        Canonical name to column, where it is not to be guessed.

    Returns
    -------
    EventLog
        Rows without a user, an event or a readable time are left out and kept in ``quality.rejects``;
        exact duplicates are left out and counted; sessions are cut at 30 minutes without an event
        where the source has none. Reserved event names get ``event_`` before them; a column whose
        name another one is given gets ``source_``; both are told in ``quality.repairs``.

    Raises
    ------
    DataError
        If the source cannot be read, no user, time or event column is recognised, or no row can be used.
    UnknownNameError
        If a given column is not in the source.
    """
    raw = read_source(source)
    mapping = detect_columns([name for name in raw.frame.columns if name != LINE], columns)
    frame, moved = _name_columns(raw.frame, mapping)
    frame, rejects = _require_values(frame, mapping["timestamp"])
    frame, n_duplicates = _drop_duplicates(frame)
    frame, renamed = _rename_reserved(frame)
    frame, sessions_told = _complete_sessions(frame)
    vocabulary = frame["event_type"].unique().sort()
    frame = frame.with_columns(pl.col("event_type").cast(pl.Enum(vocabulary)))
    return EventLog(
        events=_arrange(frame),
        quality=Quality(
            rejects=pl.concat([raw.rejects, rejects])
            .sort("line")
            .insert_column(0, pl.lit(str(source)).alias("file")),
            n_rows_read=raw.frame.height + raw.rejects.height,
            n_duplicates=n_duplicates,
            repairs=(*moved, *renamed, *sessions_told),
        ),
        columns=mapping,
        fingerprint=raw.fingerprint,
    )


def load_event_log_csv(path: str | Path, *, columns: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Load the events of a delimited text file.

    Parameters
    ----------
    path : path
    columns : mapping, optional
        Canonical name to column, where it is not to be guessed.

    Returns
    -------
    DataFrame
        As ``EventLog.events``; ``load_event_log`` also tells what was left out.

    Raises
    ------
    DataError, UnknownNameError
        As ``load_event_log``.
    """
    return load_event_log(path, columns=columns).events


def _name_columns(frame: pl.DataFrame, mapping: Mapping[str, str]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return a source under canonical names; columns whose name another column takes get a new one."""
    renamed = {source: name for name, source in mapping.items()}
    told = []
    for name in CANONICAL:
        if name in frame.columns and name not in renamed:
            free = f"source_{name}"
            while free in frame.columns:
                free = f"source_{free}"
            renamed[name] = free
            told.append(f"column '{name}' kept as '{free}': '{mapping[name]}' is given as {name}")
    return frame.rename({source: name for source, name in renamed.items() if source != name}), tuple(told)


def _require_values(frame: pl.DataFrame, time_column: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return rows with user, time and event, and the rejected ones."""
    for name in ("user_id", "session_id", "event_type"):
        if name in frame.columns and frame[name].dtype.is_nested():
            raise DataError(f"The column of {name} holds lists or records, not names.")
    keys = [pl.col(name).cast(pl.String).str.strip_chars() for name in ("user_id", "event_type")]
    frame = frame.with_columns(*keys, parse_times(frame["timestamp"].alias(time_column)).alias("__time__"))
    frame = frame.with_columns(_fault().alias("__reason__"))
    bad = frame.filter(pl.col("__reason__").is_not_null())
    shown = [
        pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
        if name not in {LINE, "__time__", "__reason__"} and not dtype.is_nested() and dtype != pl.Binary
    ]
    content = pl.concat_str(shown, separator=",", ignore_nulls=True)
    rejects = bad.select(
        line=pl.col(LINE), reason=pl.col("__reason__"), content=content.str.slice(0, SHOWN_CHARACTERS)
    )
    kept = frame.filter(pl.col("__reason__").is_null())
    if kept.is_empty():
        first = rejects.row(0, named=True)
        raise DataError(f"No row could be used (line {first['line']}: {first['reason']}).")
    kept = kept.drop("timestamp", "__reason__").rename({"__time__": "timestamp"})
    return kept, rejects.cast(pl.Schema(REJECT_COLUMNS))


def _fault() -> pl.Expr:
    """Return why a row cannot be used, null where it can."""
    blank = {name: pl.col(name).fill_null("") == "" for name in ("user_id", "event_type")}
    given_time = pl.col("timestamp").cast(pl.String).fill_null("") != ""
    return (
        pl.when(blank["user_id"])
        .then(pl.lit("no user"))
        .when(blank["event_type"])
        .then(pl.lit("no event"))
        .when(pl.col("__time__").is_null() & given_time)
        .then(pl.lit("unreadable time"))
        .when(pl.col("__time__").is_null())
        .then(pl.lit("no time"))
    )


def _drop_duplicates(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    values = frame.drop(LINE)
    suspects = values.hash_rows().is_duplicated()
    if not suspects.any():
        return frame, 0
    first = values.filter(suspects).select(pl.struct(pl.all()).is_first_distinct()).to_series()
    keep = (~suspects).scatter(suspects.arg_true(), first)
    return frame.filter(keep), int((~keep).sum())


def _rename_reserved(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Rename events whose names simulation needs for states of its own."""
    present = set(frame["event_type"].unique().to_list())
    renamed: dict[str, str] = {}
    for name in sorted(filter(is_reserved, present)):
        candidate = f"event_{name}"
        while candidate in present:
            candidate = f"event_{candidate}"
        renamed[name] = candidate
        present.add(candidate)
    if not renamed:
        return frame, ()
    told = tuple(f"event '{old}' renamed to '{new}': the name is reserved" for old, new in renamed.items())
    return frame.with_columns(pl.col("event_type").replace(renamed)), told


def _complete_sessions(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Cut sessions by inactivity where the source does not say them."""
    if "session_id" in frame.columns:
        named = pl.col("session_id").cast(pl.String).str.strip_chars()
        frame = frame.with_columns(session_id=pl.when(named != "").then(named))
        missing = frame["session_id"].null_count()
        if not missing:
            return frame, ()
        told = f"{missing:,} rows without a session got one, cut at {SESSION_GAP_MINUTES} idle minutes"
        without = frame["session_id"].is_null()
        prefix = "gap"
        while frame["session_id"].str.starts_with(f"{prefix}-").any():
            prefix += "-gap"
        cut = _gap_sessions(frame.filter(without), prefix)
        return frame.with_columns(frame["session_id"].scatter(without.arg_true(), cut)), (told,)
    told = f"sessions cut at {SESSION_GAP_MINUTES} idle minutes: the source has none"
    return frame.with_columns(_gap_sessions(frame, "gap")), (told,)


def _gap_sessions(frame: pl.DataFrame, prefix: str) -> pl.Series:
    """Return session names of shape ``gap-1`` by user, numbered in time."""
    by_time = (
        frame.select("user_id", "timestamp").with_row_index("__row__").sort("timestamp", maintain_order=True)
    )
    gap = pl.col("timestamp").diff() > pl.duration(minutes=SESSION_GAP_MINUTES)
    number = (gap.fill_null(value=False).cast(pl.Int64).cum_sum() + 1).over("user_id")
    numbered = by_time.with_columns(pl.format(f"{prefix}-{{}}", number).alias("session_id")).sort("__row__")
    return numbered["session_id"]


def _arrange(frame: pl.DataFrame) -> pl.DataFrame:
    """Return canonical columns first; records become JSON, and attributes numbers where all of them are."""
    records = [pl.col(name) for name, dtype in frame.schema.items() if dtype == pl.Struct]
    frame = frame.with_columns(
        pl.when(each.is_not_null()).then(each.struct.json_encode()) for each in records
    )
    attributes = [name for name in frame.columns if name not in CANONICAL and name != LINE]
    canonical = [name for name in CANONICAL if name in frame.columns]
    return frame.select(*canonical, *(_as_number(frame[name]) for name in attributes))


def _as_number(column: pl.Series) -> pl.Series:
    if column.dtype != pl.String:
        return column
    numbers = column.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == column.null_count() else column
