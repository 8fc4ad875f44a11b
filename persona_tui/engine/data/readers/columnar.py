"""Tables of columnar files: scanned for what is needed, a slice of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import polars as pl

from persona_tui.engine.data.pipelines import in_order
from persona_tui.engine.data.readers.parts import EmptyFileError, Part
from persona_tui.engine.data.readers.tables import BATCH_ROWS, LINE, Batch, no_rejects
from persona_tui.engine.errors import DataError

Scan: TypeAlias = Callable[[Path], pl.LazyFrame]
_N_ROWS: Final = "n_rows"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScannedTable:
    """A columnar file that is open.

    Parameters
    ----------
    part : Part
    kind : str
        The format, as told to people.
    scan : callable
        Path to lazy frame.
    schema : Schema
    n_rows : int

    Notes
    -----
    Slices are read one after another, one ahead of those that are used, in a thread beside.
    ``LazyFrame.collect_batches`` is no faster and keeps two to four times as much in memory.
    """

    part: Part
    kind: str
    scan: Scan
    schema: pl.Schema
    n_rows: int

    @classmethod
    def open(cls, part: Part, kind: str, scan: Scan) -> ScannedTable:
        """Read the schema and the number of rows of a file.

        Raises
        ------
        DataError
            If it is damaged, cut off, another format, or has no columns.
        EmptyFileError
            If it has no rows.
        """
        if part.size == 0:
            raise EmptyFileError(f"'{part.name}' is empty.", hint="Check that the export finished.")
        with part.as_file() as path, _told_of(part, kind):
            lazy = scan(path)
            schema = lazy.collect_schema()
            n_rows = int(lazy.select(pl.len().alias(_N_ROWS)).collect().item()) if schema else 0
        if not schema:
            raise DataError(f"'{part.name}' holds no columns.", hint="Check that the export finished.")
        if not n_rows:
            raise EmptyFileError(f"'{part.name}' holds no rows.", hint="Check that the export finished.")
        return cls(part=part, kind=kind, scan=scan, schema=schema, n_rows=n_rows)

    @property
    def name(self) -> str:
        """Return what the file is called in messages."""
        return self.part.name

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return self.n_rows

    @property
    def notes(self) -> tuple[str, ...]:
        """Return nothing: the format leaves nothing to be settled."""
        return ()

    def head(self, n_rows: int = 1_000) -> pl.DataFrame:
        """Return the first rows, all columns."""
        with self.part.as_file() as path, _told_of(self.part, self.kind):
            return self.scan(path).head(n_rows).collect()

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Yield the rows with some columns only.

        Raises
        ------
        DataError
            If what is read is damaged.
        """
        with self.part.as_file() as path:
            with _told_of(self.part, self.kind):
                wanted = self.scan(path).select(columns)
            starts = range(0, self.n_rows, BATCH_ROWS)
            frames = in_order(partial(self._slice, wanted), starts if columns else (), 1)
            for start in starts:
                frame = next(frames, pl.DataFrame())
                end = min(start + BATCH_ROWS, self.n_rows)
                lines = pl.int_range(start + 1, end + 1, dtype=pl.Int64, eager=True).alias(LINE)
                yield Batch(
                    frame=pl.DataFrame([lines, *frame.get_columns()]),
                    rejects=no_rejects(),
                    file=self.part.name,
                    done=end,
                )

    def _slice(self, wanted: pl.LazyFrame, start: int) -> pl.DataFrame:
        n_rows = min(BATCH_ROWS, self.n_rows - start)
        with _told_of(self.part, self.kind):
            frame = wanted.slice(start, n_rows).collect()
        if frame.height != n_rows:
            raise DataError(
                f"'{self.part.name}' holds {start + frame.height:,} rows where it tells of {self.n_rows:,}.",
                hint="Copy or export it again.",
            )
        return frame

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes."""
        return self.part.fingerprint()


@contextmanager
def _told_of(part: Part, kind: str) -> Iterator[None]:
    """Turn a failure to read into one that names the file."""
    try:
        yield
    except pl.exceptions.DuplicateError:
        raise DataError(f"'{part.name}' has two columns of one name.", hint="Rename one of them.") from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as fault:
        if isinstance(fault, PermissionError):
            raise
        what = (str(fault).strip() or type(fault).__name__).splitlines()[0]
        raise DataError(
            f"'{part.name}' is not a readable {kind} file: {what.rstrip('.')}.",
            hint="It may be cut off: copy or export it again.",
        ) from None
