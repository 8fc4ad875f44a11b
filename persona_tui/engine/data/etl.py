"""Turn a source into an event log with canonical columns, and say what happened on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from persona_tui.engine.data.event_log import EventLog
from persona_tui.engine.data.gathering import Gatherer
from persona_tui.engine.data.log_parts import LogPart
from persona_tui.engine.data.part_builder import PartBuilder, settle_vocabulary
from persona_tui.engine.data.pipelines import in_order
from persona_tui.engine.data.preparation.preparation import Applied, Preparation
from persona_tui.engine.data.quality import Quality, place
from persona_tui.engine.data.readers.sources import open_source
from persona_tui.engine.data.readers.tables import Table, no_rejects
from persona_tui.engine.data.recognition.recognise import recognise
from persona_tui.engine.data.recognition.recognition import Recognition
from persona_tui.engine.data.recognition.unfolding import unfold
from persona_tui.engine.data.rows import MixedIdsError, RowReader
from persona_tui.engine.data.schema import SESSION_GAP_MINUTES
from persona_tui.engine.data.stored_log import StoredParts
from persona_tui.engine.data.time_formats import DateOrder
from persona_tui.engine.data.times import TimeReading, read_times
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.working_folders import WorkingFolder

AMPLE_MEMORY: Final = 2**62
STAGE: Final = "load"


def load_event_log(
    source: str | Path | Sequence[str | Path],
    *,
    columns: Mapping[str, str] | None = None,
    timezone: str = "UTC",
    dates: DateOrder | None = None,
    preparation: Preparation | None = None,
    attributes: Sequence[str] | None = None,
    memory: int | None = None,
    folder: Path | None = None,
    n_threads: int = 2,
    on_progress: ProgressCallback = ignore_progress,
) -> EventLog:
    """Load a log whatever its format and whatever its columns are called.

    Parameters
    ----------
    source : path, URL, or sequence of them
        A file, folder or glob of any format that ``persona-tui formats`` lists, a database by URL, or ``-``
        for standard input.
    columns : mapping, optional
        Canonical name to column, where it is not to be recognised.
    timezone : str
        Of times that name none.
    dates : {"day-first", "month-first"}, optional
        How dates such as 02/03/2026 are meant, where the log leaves it open.
    preparation : Preparation, optional
        Steps from the source to the log.
    attributes : sequence of str, optional
        Attributes, and ``metadata``, to load; all without it. Others are not even read.
    memory : int, optional
        Bytes that loading may take; a log that needs more goes through buckets on disk.
    folder : Path, optional
        Where what does not fit into memory goes; ``temporary_folder()`` without it.
    n_threads : int
        Besides those of polars, which are as many as ``POLARS_MAX_THREADS`` says.
    on_progress : callable

    Returns
    -------
    EventLog
        User by user, in time order. Rows without a user, an event or a readable time are left out and
        kept in ``quality.rejects``; exact duplicates are left out and counted; sessions are cut
        at 30 minutes without an event where the source has none. Reserved event names get ``event_``
        before them; what was changed is told in ``quality.repairs``.

    Raises
    ------
    DataError
        If the source cannot be read, no user, time or event column is recognised, or no row can be used.
    UnknownNameError
        If a given column, an attribute to load, or a name in the preparation is not in the source.

    Notes
    -----
    Results depend neither on the order of rows (but of those at the same time), nor on how the source is
    split into files, nor on ``memory``. O(N), with sorting only where users' rows are not in time order.
    """
    table = unfold(open_source(source))
    found = recognise(table, given=columns)
    loading = _Loading(
        table=table,
        found=found,
        times=_read_times(table, found, timezone, dates),
        preparation=preparation or Preparation(),
        recipe={"timezone": timezone, "dates": dates},
        memory=memory or AMPLE_MEMORY,
        folder=folder,
        n_threads=n_threads,
        on_progress=on_progress,
    )
    log = loading.load(read=attributes, keep=attributes)
    if log is None:  # whether rows are copies shows only in columns that were not asked for
        log = loading.load(read=None, keep=attributes)
        assert log is not None
    return log


def load_event_log_csv(path: str | Path, *, columns: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Load the events of a log as a table.

    Parameters
    ----------
    path : path
    columns : mapping, optional
        Canonical name to column, where it is not to be recognised.

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


def _read_times(table: Table, found: Recognition, timezone: str, dates: DateOrder | None) -> TimeReading:
    """Decide how times are written, from the first rows or, where these leave it open, from more."""
    written = found.shapes["timestamp"].alias(found.columns["timestamp"])
    head = table.head().select(written).to_series()
    reading = read_times(head, timezone=timezone, unit=found.time_unit, dates=dates)
    batches = table.batches(written.meta.root_names())
    return reading.settle(batch.frame.select(written).to_series() for batch in batches)


class _Loading:
    """One load of one table."""

    def __init__(
        self,
        *,
        table: Table,
        found: Recognition,
        times: TimeReading,
        preparation: Preparation,
        recipe: dict[str, Any],
        memory: int,
        folder: Path | None,
        n_threads: int,
        on_progress: ProgressCallback,
    ) -> None:
        self._table, self._found, self._times = table, found, times
        self._preparation, self._given = preparation, recipe
        self._memory, self._folder, self._on_progress = memory, folder, on_progress
        self._n_threads = n_threads

    def load(self, *, read: Sequence[str] | None, keep: Sequence[str] | None) -> EventLog | None:
        """Return the log with some attributes, None where those read do not tell whether rows are copies."""
        with suppress(MixedIdsError):
            return self._load(read=read, keep=keep, whole_ids=True)
        return self._load(read=read, keep=keep, whole_ids=False)

    def _load(
        self, *, read: Sequence[str] | None, keep: Sequence[str] | None, whole_ids: bool
    ) -> EventLog | None:
        applied = self._preparation.begin(self._found.shapes)
        reader = RowReader(
            self._found,
            self._times,
            applied,
            attributes=read,
            decimal_comma=getattr(self._table, "decimal_comma", False),
            whole_ids=whole_ids,
        )
        with closing(Gatherer(memory=self._memory, folder=self._folder)) as gatherer:
            rejects = self._gather(reader, gatherer)
            _require_attributes(keep or (), reader.attributes)
            if not reader.n_rows:
                raise _nothing_left(self._table, rejects, reader.n_rows_read, applied)
            builder = self._builder(reader, applied, keep)
            with ThreadPoolExecutor(1) as beside:
                hashed = beside.submit(self._table.fingerprint)
                parts = self._build(gatherer, builder)
        if read is not None and builder.n_duplicates:
            return None
        return EventLog(
            parts=parts,
            vocabulary=builder.vocabulary.names,
            quality=self._quality(reader, builder, applied, rejects),
            recognition=self._found,
            fingerprint=hashed.result(),
            recipe=self._recipe(builder),
        )

    def _quality(
        self, reader: RowReader, builder: PartBuilder, applied: Applied, rejects: pl.DataFrame
    ) -> Quality:
        return Quality(
            rejects=rejects,
            n_duplicates=builder.n_duplicates,
            duplicate_examples=tuple(
                place(*reader.lines.of(position)) for position in builder.duplicate_positions
            ),
            repairs=(
                *self._table.notes,
                *self._found.notes,
                *self._times.notes,
                *reader.clock_changes.sentences(),
                *builder.vocabulary.told,
                *_sessions_told(reader, builder),
                *applied.finish(),
            ),
            findings=reader.checks.findings(),
            n_rows_read=reader.n_rows_read,
        )

    def _gather(self, reader: RowReader, gatherer: Gatherer) -> pl.DataFrame:
        """Read all rows and return the rejected ones."""
        size, rejects = self._table.size, [no_rejects()]
        for shaped in in_order(reader.shape, self._table.batches(reader.reads), self._n_threads):
            if shaped.rejects.height:
                rejects.append(shaped.rejects)
            rows = reader.arrange(shaped)
            gatherer.add(rows, share_read=min(shaped.done / size, 1) if size else None)
            self._on_progress(Progress(stage=STAGE, done=shaped.done, total=max(size, shaped.done)))
        return pl.concat(rejects)

    def _builder(self, reader: RowReader, applied: Applied, keep: Sequence[str] | None) -> PartBuilder:
        counts = reader.event_counts()
        renamed = applied.rename_events(counts)
        asked = applied.session_gap
        gap = asked or timedelta(minutes=SESSION_GAP_MINUTES)
        return PartBuilder(
            settle_vocabulary(reader.event_names(), counts, renamed),
            gap // timedelta(microseconds=1),
            applied,
            session_prefix=None if asked or not reader.has_sessions else reader.session_prefix,
            duplicate_key=self._found.duplicate_key,
            keep=keep,
            numeric=reader.numeric_columns(),
            decimal_comma=reader.decimal_comma,
            n_threads=self._n_threads,
        )

    def _build(self, gatherer: Gatherer, builder: PartBuilder) -> Sequence[LogPart]:
        """Return the parts of the log: in memory, or in a folder where the rows were on disk too."""
        if not gatherer.spilled:
            return tuple(part for take in gatherer.buckets() for part in builder.parts(take))
        working = WorkingFolder(self._folder)
        stored = StoredParts(working.path, builder.vocabulary.names, working=working)
        for take in gatherer.buckets():
            for part in builder.parts(take):
                stored.append(part)
        return stored

    def _recipe(self, builder: PartBuilder) -> dict[str, Any]:
        return {
            **self._given,
            "preparation": list(self._preparation.as_texts()),
            "joined": self._preparation.digest(),
            "session_gap_seconds": builder.gap / 1e6,
        }


def _require_attributes(wanted: Sequence[str], present: Sequence[str]) -> None:
    for name in wanted:
        if name not in present:
            raise unknown_name("attribute", name, present)


def _sessions_told(reader: RowReader, builder: PartBuilder) -> tuple[str, ...]:
    """Return what was done about sessions, where something was."""
    minutes = f"{builder.gap / 60e6:g} idle minutes"
    if builder.session_prefix is None:
        why = "as asked" if reader.has_sessions else "the source has none"
        return (f"sessions cut at {minutes}: {why}",)
    n = reader.n_without_session
    return (f"{n:,} rows without a session got one, cut at {minutes}",) if n else ()


def _nothing_left(table: Table, rejects: pl.DataFrame, n_read: int, applied: Applied) -> DataError:
    if n_read > rejects.height:
        applied.finish()  # raises for the step that left nothing
    if rejects.is_empty():
        return DataError(f"'{table.name}' holds no rows.")
    first = rejects.row(0, named=True)
    return DataError(f"No row could be used (line {first['line']}: {first['reason']}).")
