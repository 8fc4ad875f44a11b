"""Bring the rows of each user together, in memory or, where they do not fit, in buckets on disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from persona_tui.engine.data.arrow_files import write_arrow
from persona_tui.engine.errors import DataError, ExportError
from persona_tui.engine.working_folders import WorkingFolder, temporary_folder

WORKING_FACTOR: Final = 4
"""Putting rows in order takes about this many times their own bytes: measured 3.5."""
LEAST_BUCKETS, MOST_BUCKETS = 4, 256
FLUSH_SHARE: Final = 1 / 8
"""Share of the memory that rows on their way to disk may take."""
ROWS_AT_ONCE: Final = 2**19
_BUCKET = "__bucket__"


class Gatherer:
    """Rows as they are read, kept in memory until they would not fit, then in buckets of users on disk.

    Parameters
    ----------
    memory : int
        Bytes that rows, and the work on them, may take.
    folder : Path, optional
        Where buckets go; ``temporary_folder()`` without it.

    Notes
    -----
    Users go to buckets by a hash of their id, so rows of a user stay together and in the order of the
    source. Which bucket a user is in has no influence on any result.
    """

    def __init__(self, *, memory: int, folder: Path | None = None) -> None:
        self._memory = memory
        self._above = folder
        self._pending: list[pl.DataFrame] = []
        self._n_bytes = 0
        self._working: WorkingFolder | None = None
        self._folder: Path | None = None
        self._n_flushed = 0
        self._buckets: list[list[pl.DataFrame]] = []

    @property
    def spilled(self) -> bool:
        """Return whether rows are on disk."""
        return self._folder is not None

    def add(self, rows: pl.DataFrame, *, share_read: float | None) -> None:
        """Take rows with ``user_id``; ``share_read`` of the source is read with them, where known.

        Raises
        ------
        DataError
            If the disk is too small for what does not fit into memory.
        """
        self._n_bytes += int(rows.estimated_size())
        if self.spilled:
            self._add_to_buckets(rows)
            return
        self._pending.append(rows)
        if self._n_bytes * WORKING_FACTOR > self._memory:
            self._begin_to_spill(share_read)

    def _begin_to_spill(self, share_read: float | None) -> None:
        expected = self._n_bytes / share_read if share_read else self._memory * MOST_BUCKETS / 16
        wanted = expected * WORKING_FACTOR * 2 / self._memory
        n_buckets = LEAST_BUCKETS
        while n_buckets < min(wanted, MOST_BUCKETS):
            n_buckets *= 2
        free = shutil.disk_usage(self._above or temporary_folder()).free
        if expected * 2 > free:
            raise self._too_large(
                f"sorting it needs about {_size(expected * 2)} of disk where {_size(free)} are free"
            )
        self._working = WorkingFolder(self._above)
        self._folder = self._working.path
        self._buckets = [[] for _ in range(n_buckets)]
        self._n_bytes = 0
        while self._pending:
            rows = self._pending.pop(0)
            self._n_bytes += int(rows.estimated_size())
            self._add_to_buckets(rows)

    def _add_to_buckets(self, rows: pl.DataFrame) -> None:
        bucket = (pl.col("user_id").hash(0) % len(self._buckets)).cast(pl.UInt16).alias(_BUCKET)
        parts = rows.with_columns(bucket).partition_by(_BUCKET, as_dict=True, include_key=False)
        for (number,), part in parts.items():
            self._buckets[number].append(part)
        if self._n_bytes > self._memory * FLUSH_SHARE:
            self._flush()

    def _flush(self) -> None:
        assert self._folder is not None
        try:
            for number, pending in enumerate(self._buckets):
                if pending:
                    file = self._folder / f"{number:03d}-{self._n_flushed:05d}.arrow"
                    write_arrow(pl.concat(pending), file)
                    pending.clear()
        except ExportError as fault:
            raise self._too_large(f"its buckets cannot be written: {fault.message.rstrip('.')}") from None
        self._n_bytes = 0
        self._n_flushed += 1

    def _too_large(self, why: str) -> DataError:
        return DataError(
            f"The log does not fit into {_size(self._memory)} of memory, and {why}.",
            hint="Free some space, name a larger disk with PERSONA_TUI_CACHE_DIR, or raise --memory.",
        )

    def buckets(self) -> Iterator[Callable[[], list[pl.DataFrame]]]:
        """Yield what gives all rows, those of a user at once and in the order of the source; once.

        Who calls it owns the frames, so that its memory can be had again as soon as it is used. What was on
        disk is deleted as it is read.
        """
        if self._folder is None:
            if self._pending:
                yield self._take_pending
            return
        if self._n_bytes:
            self._flush()
        for number in range(len(self._buckets)):
            files = sorted(self._folder.glob(f"{number:03d}-*.arrow"))
            if files:
                yield partial(_read_and_delete, files)

    def _take_pending(self) -> list[pl.DataFrame]:
        pending, self._pending = self._pending, []
        return _of_some_size(pending)

    def close(self) -> None:
        """Delete what is still on disk."""
        if self._working is not None:
            self._working.close()


def _read_and_delete(files: list[Path]) -> list[pl.DataFrame]:
    frames = [pl.read_ipc(file) for file in files]
    for file in files:
        file.unlink()
    return _of_some_size(frames)


def _of_some_size(frames: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Return frames joined until each has enough rows to be worth a thread's while."""
    joined: list[pl.DataFrame] = []
    while frames:
        some, n = [], 0
        while frames and n < ROWS_AT_ONCE:
            n += frames[0].height
            some.append(frames.pop(0))
        joined.append(pl.concat(some, rechunk=True))
    return joined


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"
