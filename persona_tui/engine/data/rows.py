"""Turn batches of a table into rows of an event log; rows that cannot be used are set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.event_codes import EventCodes
from persona_tui.engine.data.log_parts import GAP_SESSION
from persona_tui.engine.data.preparation.preparation import Applied
from persona_tui.engine.data.readers.tables import LINE, REJECT_COLUMNS, SHOWN_CHARACTERS, Batch
from persona_tui.engine.data.recognition.recognition import Recognition
from persona_tui.engine.data.row_checks import RowChecks
from persona_tui.engine.data.schema import CANONICAL
from persona_tui.engine.data.time_zones import ClockChanges
from persona_tui.engine.data.times import TimeReading
from persona_tui.engine.errors import DataError

POSITION: Final = "__position__"
"""Name of the column that counts the rows that were kept, from 0, over the whole source."""
CODE: Final = "__event__"
"""Name of the column of event types, as codes; attributes may be called anything else."""
MOST_ROWS: Final = 2**32 - 1
"""Positions are counted in 32 bits."""
_REASON: Final = "__reason__"
_TIME: Final = "__time__"
_TEXTS: Final = ("user_id", "session_id")


class MixedIdsError(Exception):
    """Ids of users that were whole numbers are not any more."""


class Lines:
    """Where each kept row stands in the source: runs of lines, so that it costs next to nothing."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, str, int | pl.Series]] = []
        self.n_rows = 0

    def add(self, file: str, lines: pl.Series) -> None:
        """Take the lines of rows that follow those before."""
        if not lines.len():
            return
        first, last = int(lines[0]), int(lines[-1])
        numbers = lines.to_numpy()
        whole = last - first + 1 == len(numbers) and bool((numbers[1:] > numbers[:-1]).all())
        kind = pl.Int32 if last < 2**31 else pl.Int64
        self._runs.append((self.n_rows, file, first if whole else lines.cast(kind)))
        self.n_rows += lines.len()

    def of(self, position: int) -> tuple[str, int]:
        """Return the file and the line of a row."""
        begin, file, lines = next(run for run in reversed(self._runs) if run[0] <= position)
        offset = position - begin
        return file, lines + offset if isinstance(lines, int) else int(lines[offset])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShapedBatch:
    """Rows of a batch under canonical names, and those that cannot be used.

    Parameters
    ----------
    rows : DataFrame
        ``LINE``, canonical columns and attributes.
    rejects : DataFrame
        ``REJECT_COLUMNS``.
    file : str
    done : int
        As in ``Batch``.
    n_read : int
        Rows of the batch, with those that cannot be used.
    changes : ClockChanges
        What a change of the clock did to its times.
    """

    rows: pl.DataFrame
    rejects: pl.DataFrame
    file: str
    done: int
    n_read: int
    changes: ClockChanges


class RowReader:
    """Make canonical rows of the batches of one table.

    Parameters
    ----------
    found : Recognition
    times : TimeReading
    applied : Applied
        The preparation, begun.
    attributes : sequence of str, optional
        Attributes, and ``metadata``, to keep; all without it.
    decimal_comma : bool
        Whether numbers are written with one.
    whole_ids : bool
        Whether texts that are whole numbers become such where they are ids of users.

    Notes
    -----
    Whole numbers take half the memory of texts, and a fifth of the time to be told apart. Event types become
    codes of a vocabulary that grows with the log. Whether an attribute written as text holds numbers only is
    known when all rows are read.
    """

    def __init__(
        self,
        found: Recognition,
        times: TimeReading,
        applied: Applied,
        *,
        attributes: Sequence[str] | None = None,
        decimal_comma: bool = False,
        whole_ids: bool = True,
    ) -> None:
        self._whole_ids = whole_ids
        self._kind_of_ids: pl.DataType | None = None
        self._times, self._applied = times, applied
        wanted = [name for name in found.shapes if _is_wanted(name, attributes, applied.needs)]
        self._shapes = {name: found.shapes[name] for name in wanted}
        self._kept = attributes
        self.decimal_comma = decimal_comma
        self._events = EventCodes()
        self._event_counts = np.zeros(0, dtype=np.int64)
        self._numeric: dict[str, bool] = {}
        self.attributes = [name for name in found.shapes if _is_attribute(name)]
        self.lines = Lines()
        self.checks = RowChecks(now=datetime.now(UTC))
        self.clock_changes = ClockChanges()
        self.session_prefix = GAP_SESSION
        self.n_rows_read = 0
        self.n_without_session = 0

    @property
    def reads(self) -> list[str]:
        """Return the columns of the table that are needed."""
        roots = [name for shape in self._shapes.values() for name in shape.meta.root_names()]
        return [name for name in dict.fromkeys(roots) if name]  # elements of lists have none

    @property
    def has_sessions(self) -> bool:
        """Return whether some row names its session."""
        return "session_id" in self._shapes and self.n_without_session < self.n_rows

    @property
    def n_rows(self) -> int:
        """Return the number of rows that were kept."""
        return self.lines.n_rows

    def shape(self, batch: Batch) -> ShapedBatch:
        """Return the rows of a batch that can be used, and those that cannot.

        Depends on nothing but the batch: several threads can shape several batches.
        """
        changes = ClockChanges()
        rows = self._shape(batch.frame, changes)
        reasons = self._faults(rows)
        rejects = batch.rejects
        if reasons is not None:
            rejects = pl.concat([rejects, _rejected(batch, reasons)]).sort("line", maintain_order=True)
            rows = rows.filter(reasons.is_null())
        rows = rows.with_columns(pl.col(_TIME).alias("timestamp")).drop(_TIME)
        return ShapedBatch(
            rows=rows,
            rejects=rejects,
            file=batch.file,
            done=batch.done,
            n_read=batch.frame.height + batch.rejects.height,
            changes=changes,
        )

    def _shape(self, frame: pl.DataFrame, changes: ClockChanges) -> pl.DataFrame:
        """Return canonical columns with text stripped and times read, null where that failed."""
        rows = frame.select(pl.col(LINE), **self._shapes)
        for name in ("user_id", "session_id", "event_type"):
            if name in rows.columns and rows.schema[name].is_nested():
                raise DataError(f"The column of {name} holds lists or records, not names.")
            if name in rows.columns and rows.schema[name] == pl.Binary:
                rows = rows.with_columns(_decoded(rows[name]))
        whole = _whole_ids(rows["user_id"]) if self._whole_ids else None
        rows = rows if whole is None else rows.with_columns(whole)
        texts = [
            _stripped(name, rows.schema[name])
            for name in _TEXTS
            if name in rows.columns and not _is_whole(rows, name)
        ]
        events = self._events.of(rows["event_type"])
        records = [pl.col(name) for name, kind in rows.schema.items() if isinstance(kind, pl.Struct)]
        return rows.with_columns(
            *texts,
            events,
            *(pl.when(each.is_not_null()).then(each.struct.json_encode()).name.keep() for each in records),
            self._times.parse(rows["timestamp"], changes).alias(_TIME),
        )

    def _faults(self, rows: pl.DataFrame) -> pl.Series | None:
        """Return why each row cannot be used, null where it can; None where all can."""
        if not any(rows[name].null_count() for name in ("user_id", "event_type", _TIME)):
            return None
        given_time = pl.col("timestamp").cast(pl.String).fill_null("").str.strip_chars() != ""
        return rows.select(
            pl.when(pl.col("user_id").is_null())
            .then(pl.lit("no user"))
            .when(pl.col("event_type").is_null())
            .then(pl.lit("no event"))
            .when(pl.col(_TIME).is_null() & given_time)
            .then(pl.lit("unreadable time"))
            .when(pl.col(_TIME).is_null())
            .then(pl.lit("no time"))
            .alias(_REASON)
        ).to_series()

    def arrange(self, shaped: ShapedBatch) -> pl.DataFrame:
        """Return the rows of the next batch as they are gathered, prepared and counted.

        Parameters
        ----------
        shaped : ShapedBatch
            In the order of the source.

        Returns
        -------
        DataFrame
            ``user_id`` (text or whole numbers), ``timestamp`` (Int64, microseconds), ``CODE``
            (UInt32), ``session_id`` (text, null where there is none) where the source has it,
            what is kept of metadata and attributes, and ``POSITION`` where all of them are.

        Raises
        ------
        MixedIdsError
            If ids were whole numbers so far and now are not: all must be read without ``whole_ids``.
        """
        self.n_rows_read += shaped.n_read
        self.clock_changes.n_ambiguous += shaped.changes.n_ambiguous
        self.clock_changes.n_nonexistent += shaped.changes.n_nonexistent
        rows = self._applied.rows(self._with_one_kind_of_ids(shaped.rows))
        self.checks.observe(rows, shaped.file)
        begin = self.lines.n_rows
        self.lines.add(shaped.file, rows[LINE])
        self._note_sessions(rows)
        columns = [name for name in rows.columns if name != LINE and _is_attribute(name)]
        self.attributes += [name for name in columns if name not in self.attributes]
        columns = [name for name in columns if self._kept is None or name in self._kept]
        for name in columns:
            self._note_numbers(name, rows[name])
        codes = rows["event_type"].to_physical().alias(CODE)
        self._count_events(codes)
        session = [name for name in ("session_id",) if name in rows.columns]
        kept = rows.select("user_id", pl.col("timestamp").to_physical(), codes, *session, *columns)
        if self._kept is not None:
            return kept
        if begin + rows.height > MOST_ROWS:
            raise DataError(
                f"The log has more than {MOST_ROWS:,} rows, which is as many as one log can hold.",
                hint="Load it in pieces, such as a month at a time.",
            )
        position = pl.int_range(begin, begin + rows.height, dtype=pl.UInt32, eager=True)
        return kept.with_columns(position.alias(POSITION))

    def _with_one_kind_of_ids(self, rows: pl.DataFrame) -> pl.DataFrame:
        kind = rows.schema["user_id"]
        self._kind_of_ids = self._kind_of_ids or kind
        if kind == self._kind_of_ids:
            return rows
        if self._kind_of_ids != pl.String:
            raise MixedIdsError
        return rows.with_columns(pl.col("user_id").cast(pl.String))

    def _count_events(self, codes: pl.Series) -> None:
        counts = np.bincount(codes.to_numpy(), minlength=len(self._event_counts))
        counts[: len(self._event_counts)] += self._event_counts
        self._event_counts = counts

    def _note_sessions(self, rows: pl.DataFrame) -> None:
        if "session_id" not in rows.columns:
            return
        self.n_without_session += rows["session_id"].null_count()
        while rows["session_id"].str.starts_with(f"{self.session_prefix}-").any():
            self.session_prefix += f"-{GAP_SESSION}"

    def _note_numbers(self, name: str, column: pl.Series) -> None:
        """Remember whether all values of a text column so far are numbers."""
        if column.dtype != pl.String or name == "metadata":
            return
        if self._numeric.get(name, True):
            numbers = as_numbers(column, decimal_comma=self.decimal_comma)
            self._numeric[name] = numbers.null_count() == column.null_count()

    def numeric_columns(self) -> tuple[str, ...]:
        """Return the attributes whose text holds numbers only."""
        return tuple(name for name, is_one in self._numeric.items() if is_one)

    def event_counts(self) -> dict[str, int]:
        """Return the number of kept rows of each event type; none of those that no kept row has."""
        counts = zip(self.event_names(), self._event_counts.tolist(), strict=False)
        return {name: count for name, count in counts if count}

    def event_names(self) -> list[str]:
        """Return the names of event types by their code."""
        return self._events.names(len(self._event_counts))


def as_numbers(column: pl.Series, *, decimal_comma: bool = False) -> pl.Series:
    """Return text as numbers, null where it is none."""
    if decimal_comma:
        column = column.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return column.cast(pl.Float64, strict=False)


def _is_wanted(name: str, attributes: Sequence[str] | None, needed: frozenset[str]) -> bool:
    return not _is_attribute(name) or attributes is None or name in attributes or name in needed


def _is_attribute(name: str) -> bool:
    return name not in CANONICAL or name == "metadata"


def _is_whole(rows: pl.DataFrame, name: str) -> bool:
    return name == "user_id" and rows.schema[name].is_integer()


def _whole_ids(ids: pl.Series) -> pl.Series | None:
    """Return ids as whole numbers where all are written as these are; None where one is not.

    Zeros, signs and blanks before or after a number make it longer than its digits.
    """
    if ids.dtype != pl.String or ids.drop_nulls().head(1).cast(pl.Int64, strict=False).null_count():
        return None
    numbers = ids.cast(pl.Int64, strict=False)
    n_numbers = numbers.len() - numbers.null_count()
    if n_numbers < ids.len() - ids.null_count() or (numbers < 0).any():
        return None
    n_powers = len(str(numbers.max())) if n_numbers else 0
    n_digits = n_numbers + sum(int((numbers >= 10**power).sum()) for power in range(1, n_powers))
    return numbers if ids.str.len_bytes().sum() == n_digits else None


def _decoded(column: pl.Series) -> pl.Series:
    try:
        return column.cast(pl.String)
    except pl.exceptions.ComputeError:
        raise DataError(
            f"The column of {column.name} holds bytes that are no text.",
            hint="Export it as text, or name another column with --column.",
        ) from None


def _stripped(name: str, kind: pl.DataType) -> pl.Expr:
    written = pl.col(name)
    text = written.cast(pl.String).str.strip_chars()
    if kind.is_float():  # whole numbers become fractions where some are missing: 1.0 is the id 1
        text = (
            pl.when(written % 1 == 0)
            .then(written.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(text)
        )
    return pl.when(text != "").then(text).alias(name)


def _rejected(batch: Batch, reasons: pl.Series) -> pl.DataFrame:
    """Return the rows that have a reason, with what they hold as text."""
    bad = reasons.is_not_null()
    frame = batch.frame.filter(bad)
    shown = [
        pl.col(name).cast(pl.String)
        for name, kind in frame.schema.items()
        if name != LINE and not kind.is_nested() and kind != pl.Binary
    ]
    content = pl.concat_str(shown, separator=",", ignore_nulls=True).str.slice(0, SHOWN_CHARACTERS)
    return frame.select(
        file=pl.lit(batch.file), line=pl.col(LINE), reason=reasons.filter(bad), content=content
    ).cast(pl.Schema(REJECT_COLUMNS))
