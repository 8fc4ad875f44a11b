"""What a reader gives: a table whose columns are known, and whose rows come in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

LINE: Final = "__line__"
"""Name of the column that tells where a row stands in its file."""
REJECT_COLUMNS: Final = {"file": pl.String, "line": pl.Int64, "reason": pl.String, "content": pl.String}
SHOWN_CHARACTERS: Final = 200
"""How much of a rejected row is kept."""
BATCH_ROWS: Final = 2**19
"""About how many rows a batch has; a reader may give fewer."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Some rows of a table, in the order of the source.

    Parameters
    ----------
    frame : DataFrame
        ``LINE`` (Int64, where each row begins in its file; the header is line 1, rows of formats
        without lines are numbered from 1), then the columns that were asked for. Text formats give text,
        with null for what is empty.
    rejects : DataFrame
        ``REJECT_COLUMNS``: rows that could not even be split into columns.
    file : str
        The file that all rows are of, as told to people.
    done : int
        How much of ``Table.size`` is read with this batch.
    """

    frame: pl.DataFrame
    rejects: pl.DataFrame
    file: str
    done: int


class Table(Protocol):
    """A source that is open: it can be read any number of times, always in the same order."""

    @property
    def name(self) -> str:
        """Return what the source is called in messages; never with a password."""

    @property
    def schema(self) -> pl.Schema:
        """Return the columns with their types; those of text formats are all text."""

    @property
    def size(self) -> int:
        """Return what ``Batch.done`` runs to: bytes as packed, or rows where there are none; 0 if unknown."""

    @property
    def n_rows(self) -> int | None:
        """Return the number of rows, where it is known without reading them."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was settled or repaired in opening it, a sentence each."""

    def head(self, n_rows: int = 1_000) -> pl.DataFrame:
        """Return the first rows, all columns, without ``LINE``."""

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Yield the rows with some columns only; the others are not even parsed where the format allows."""

    def fingerprint(self) -> str:
        """Return the SHA-256 of the content of the source, as 64 hexadecimal digits."""


def no_rejects() -> pl.DataFrame:
    """Return a table of no rejected rows."""
    return pl.DataFrame(schema=REJECT_COLUMNS)
