"""What a table shows: which rows of a frame, in what order, as what text; made for the rows in view alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from textual.content import Content

from persona_tui.engine.errors import DataError
from persona_tui.engine.text import inert_cell, printable
from persona_tui.tui.widgets.table_filter import condition, is_text

if TYPE_CHECKING:
    import polars as pl

BLOCK: Final = 64
"""Rows whose texts are made at once."""
MAX_BLOCKS: Final = 1024
"""Blocks, each of one column, that are remembered."""
MAX_NATURAL: Final = 120
"""The most cells that a column may wish for."""
MAX_DECIMALS: Final = 4
MAX_CHARS: Final = 2000
"""Longer texts lose their middle, which no cell would show."""


class Kind(StrEnum):
    """How values of a column are shown."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which rows are shown, and in what order.

    Parameters
    ----------
    text : str
        The filter as it was typed.
    column : str, optional
        That the rows are sorted by; as in the frame where it is none.
    descending : bool
    """

    text: str = ""
    column: str | None = None
    descending: bool = False

    def sorted_next(self, column: str) -> Query:
        """Return the next order by a column: ascending, descending, off."""
        if column != self.column:
            return replace(self, column=column, descending=False)
        if not self.descending:
            return replace(self, descending=True)
        return replace(self, column=None, descending=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How a column is shown.

    Parameters
    ----------
    name : str
    label : str
        Its name as it can be shown.
    kind : Kind
    decimals : int
        Of numbers, and of the seconds of times.
    natural : int
        Cells that its label and a sample of its values take.
    """

    name: str
    label: str
    kind: Kind
    decimals: int
    natural: int

    def texts(self, values: pl.Series) -> list[str | None]:
        """Return values as cells show them, none where there is no value."""
        if self.kind is Kind.NUMBER and values.dtype.is_float():
            return [
                None if value is None else number_text(value, self.decimals) for value in values.to_list()
            ]
        return [None if text is None else _harmless(text) for text in _plain(values, self.decimals)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TableView:
    """The rows of a frame that a query lets through, in its order.

    Parameters
    ----------
    frame : polars.DataFrame
    query : Query
    rows : polars.Series, optional
        Of each row shown, its row in the frame; all rows as they are where it is none.
    columns : tuple of Column
    """

    frame: pl.DataFrame
    query: Query
    rows: pl.Series | None
    columns: tuple[Column, ...]
    _blocks: dict[tuple[int, int], list[str | None]] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Return the number of rows of the frame."""
        return self.frame.height

    @property
    def n_shown(self) -> int:
        """Return the number of rows that the filter lets through."""
        return self.frame.height if self.rows is None else len(self.rows)

    def frame_row(self, position: int) -> int:
        """Return the row in the frame of a row that is shown."""
        return position if self.rows is None else int(self.rows[position])

    def position_of(self, row: int) -> int | None:
        """Return where a row of the frame is shown, none where it is not; one pass in polars."""
        if self.rows is None:
            return row if 0 <= row < self.n_rows else None
        return self.rows.index_of(row) if 0 <= row < self.n_rows else None

    def text(self, position: int, column: int) -> str | None:
        """Return what a cell shows before it is fitted; its block of rows is made at once and remembered."""
        block, offset = divmod(position, BLOCK)
        texts = self._blocks.get((block, column))
        if texts is None:
            if len(self._blocks) >= MAX_BLOCKS:
                self._blocks.clear()
            shown = self.columns[column]
            texts = shown.texts(_values(self.frame, self.rows, shown.name, block * BLOCK, BLOCK))
            self._blocks[block, column] = texts
        return texts[offset]

    def full_text(self, position: int, column: int) -> str | None:
        """Return the value of a cell with nothing left out."""
        values = _values(self.frame, self.rows, self.columns[column].name, position, 1)
        text = _plain(values, 6)[0]
        return None if text is None else printable(text[: MAX_CHARS * 10])

    def as_text(self, max_rows: int) -> str:
        """Return the first rows, tab separated under their names, harmless to terminals and spreadsheets."""
        shown = min(max_rows, self.n_shown)
        names = [inert_cell(column.label) for column in self.columns]
        cells = [self._inert(column, shown) for column in self.columns]
        return "\n".join("\t".join(line) for line in [names, *zip(*cells, strict=True)]) + "\n"

    def _inert(self, column: Column, n: int) -> list[str]:
        texts = [
            printable(text or "") for text in _plain(_values(self.frame, self.rows, column.name, 0, n), 6)
        ]
        return texts if column.kind is Kind.NUMBER else [inert_cell(text) for text in texts]


def arranged(frame: pl.DataFrame, query: Query | None = None) -> TableView:
    """Return a frame as a query shows it; without one it costs no more than a sample of the rows.

    Raises ``DataError``, with the cure, where the filter or the order cannot be.
    """
    query = query or Query()
    rows = _ordered(frame, query, _kept(frame, query))
    columns = tuple(_column(frame, rows, name, is_marked=name == query.column) for name in frame.columns)
    return TableView(frame=frame, query=query, rows=rows, columns=columns)


def _kept(frame: pl.DataFrame, query: Query) -> pl.Series | None:
    import polars as pl  # noqa: PLC0415 - 0.1 s, a frame has loaded it

    keep = condition(frame, query.text)
    if keep is None:
        return None
    try:
        return frame.select(keep.fill_null(value=False).alias("kept"))["kept"].arg_true()
    except (pl.exceptions.PolarsError, OverflowError) as error:
        raise DataError(f"The filter {query.text!r} cannot be used here: {_first_line(error)}") from error


def _ordered(frame: pl.DataFrame, query: Query, rows: pl.Series | None) -> pl.Series | None:
    import polars as pl  # noqa: PLC0415 - 0.1 s, a frame has loaded it

    if query.column is None:
        return rows
    keys = frame[query.column] if rows is None else frame[query.column].gather(rows)
    numbered = rows if rows is not None else pl.int_range(frame.height, dtype=pl.UInt32, eager=True)
    pairs = pl.DataFrame({"row": numbered, "key": keys})
    try:
        pairs = pairs.sort("key", descending=query.descending, nulls_last=True, maintain_order=True)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{query.column!r} has no order: {_first_line(error)}") from error
    return pairs["row"]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _values(frame: pl.DataFrame, rows: pl.Series | None, name: str, start: int, n: int) -> pl.Series:
    """Return values of some rows that are shown."""
    values = frame.get_column(name)
    return values.slice(start, n) if rows is None else values.gather(rows.slice(start, n))


def _column(frame: pl.DataFrame, rows: pl.Series | None, name: str, *, is_marked: bool) -> Column:
    """Return how a column is shown, from a sample of the frame and of the rows that are shown."""
    values = frame.get_column(name)
    sample = values.gather(_positions(frame.height))
    if rows is not None:
        sample = sample.append(values.gather(rows.gather(_positions(len(rows)))))
    kind = _kind(values.dtype)
    column = Column(
        name=name,
        label=_harmless(name) + (" UTC" if _is_moment(values.dtype) else ""),
        kind=kind,
        decimals=_decimals(sample),
        natural=0,
    )
    texts = [text for text in column.texts(sample) if text is not None]
    heading = cells(column.label) + (2 if is_marked else 0)
    natural = max([heading, *(cells(text) for text in texts)])
    return replace(column, natural=min(max(natural, 1), MAX_NATURAL))


def _positions(n: int) -> list[int]:
    """Return the first rows of some, and others spread over all of them."""
    return sorted({*range(min(BLOCK // 2, n)), *range(0, n, n // BLOCK + 1)})


def _kind(dtype: pl.DataType) -> Kind:
    if dtype.is_numeric():
        return Kind.NUMBER
    return Kind.TIME if dtype.is_temporal() else Kind.TEXT


def _is_moment(dtype: pl.DataType) -> bool:
    return bool(dtype.base_type().__name__ == "Datetime")


def _decimals(sample: pl.Series) -> int:
    """Return how many decimals tell the values of a sample apart."""
    if sample.dtype.is_float():
        shown = (_significant(value) for value in sample.to_list() if value is not None)
        return min(max((_after_point(text) for text in shown), default=0), MAX_DECIMALS)
    if _is_moment(sample.dtype):
        return 3 if any(sample.dt.microsecond().drop_nulls().to_list()) else 0
    return 0


def _plain(values: pl.Series, decimals: int) -> Sequence[str | None]:
    """Return values as text, exact but for what is below ``decimals`` of a second; not yet harmless."""
    dtype = values.dtype
    if is_text(dtype):
        return values.to_list()
    match dtype.base_type().__name__:
        case "Datetime":
            moments = values.dt.convert_time_zone("UTC")
            part = {0: "", 3: "%.3f"}.get(decimals, "%.6f")
            return [_trimmed(text, decimals) for text in moments.dt.to_string("%Y-%m-%d %H:%M:%S" + part)]
        case "Date":
            return values.dt.to_string("%Y-%m-%d").to_list()
        case "Duration":
            return values.dt.to_string("polars").to_list()
        case "Boolean":
            return [None if value is None else ("yes" if value else "no") for value in values.to_list()]
        case _:
            return [None if value is None else str(value) for value in values.to_list()]


def _trimmed(text: str | None, decimals: int) -> str | None:
    """Return a moment without a fraction that says nothing, where it is told in full."""
    return text.removesuffix(".000000") if text is not None and decimals > 3 else text


def number_text(value: float, decimals: int) -> str:
    """Return a number with the decimals of its column, or with its own where those would hide it.

    Examples
    --------
    >>> number_text(2.5, 2), number_text(0.00001, 2), number_text(2.5, 0)
    ('2.50', '1e-05', '2.5')
    """
    own = _significant(value)
    if "e" in own or "n" in own or min(_after_point(own), MAX_DECIMALS) > decimals:
        return own
    return f"{value:.{decimals}f}" if value == 0 or abs(value) >= 10**-decimals else f"{value:.3g}"


def _significant(value: float) -> str:
    return f"{value:.6g}"


def _after_point(text: str) -> int:
    return 0 if "e" in text else len(text.partition(".")[2])


@lru_cache(4096)
def _harmless(text: str) -> str:
    """Return a text as a cell can show it; remembered, as the same few names fill a page."""
    return printable(text if len(text) <= MAX_CHARS else text[: MAX_CHARS // 2] + text[-MAX_CHARS // 2 :])


def cells(text: str) -> int:
    """Return how many cells a text takes in a terminal."""
    return len(text) if text.isascii() else Content(text).cell_length
