"""Split blocks of delimited text into rows: fast where a block is plain, else one row at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.readers.tables import LINE, SHOWN_CHARACTERS
from persona_tui.engine.data.readers.text_blocks import NEWLINE, Block, count_byte

_LONGEST_CELL: Final = 2**31 - 1
_LIMIT = Lock()
Reject = tuple[int, str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of one block.

    Parameters
    ----------
    frame : DataFrame
        ``LINE``, then columns as text, null for what is empty.
    rejects : list of (int, str, str)
        Line, reason and content.
    short_lines : list of int
        Lines with fewer cells than columns.
    """

    frame: pl.DataFrame
    rejects: list[Reject]
    short_lines: list[int]


def split_rows(block: Block, names: Sequence[str], columns: Sequence[str], separator: str) -> Rows:
    """Return the rows of a block.

    Parameters
    ----------
    block : Block
    names : sequence of str
        All columns of the text.
    columns : sequence of str
        Those that are wanted.
    separator : str
    """
    found = None
    if b'"' not in block.content:
        found = _split_plain(block, names, columns, separator)
    elif block.content.count(b'"') % 2 == 0:
        found = _split_quoted(block, names, columns, separator)
    if found is None:
        found = _split_one_by_one(block, names, columns, separator)
    found.rejects.extend(block.rejects)
    return found


def _parse(
    content: bytes, n_columns: int, wanted: list[str] | None, separator: str, quote: str | None
) -> pl.DataFrame | None:
    header = separator.join(f"c{number}" for number in range(n_columns)).encode() + b"\n"
    try:
        return pl.read_csv(
            header + content,
            columns=wanted,
            infer_schema=False,
            empty_string_is_null=False,
            separator=separator,
            quote_char=quote,
        )
    except pl.exceptions.PolarsError:
        return None


def _split_plain(block: Block, names: Sequence[str], columns: Sequence[str], separator: str) -> Rows | None:
    """Parse a block without quotes; None where its lines cannot be told apart.

    All rows are whole where nothing stands in a column after the last, and separators are as many as
    there should be; that some row has empty cells too many and another as many too few is let pass, as
    neither has a value in a wrong place. Otherwise separators are counted line by line.
    """
    n = len(names)
    places = {name: place for place, name in enumerate(names)}
    wanted = sorted({places[name] for name in columns})
    parsed = _parse(block.content, n + 1, [f"c{number}" for number in (*wanted, n)], separator, None)
    if parsed is None or parsed.height != block.n_lines:
        return None
    n_separators = count_byte(block.content, ord(separator))
    nothing_after = (parsed[f"c{n}"].fill_null("") == "").all()
    if n > 1 and nothing_after and n_separators == (n - 1) * block.n_lines:
        return _rows(parsed, block.first_line, names, columns)
    rows = _rows(parsed, block.first_line, names, columns)
    return _judge_lines(block, rows, len(names), separator)


def _judge_lines(block: Block, rows: Rows, n_columns: int, separator: str) -> Rows:
    """Tell blank, short and long lines by their separators."""
    text = np.frombuffer(block.content, np.uint8)
    ends = np.flatnonzero(text == NEWLINE)
    starts = np.append(0, ends + 1)[: block.n_lines]
    n_cells = np.add.reduceat((text == ord(separator)).astype(np.int64), starts) + 1
    lengths = np.append(ends, len(text))[: block.n_lines] - starts
    returns = (lengths == 1) & (text[starts] == ord("\r"))
    blank = (lengths == 0) | returns
    long, short = n_cells > n_columns, (n_cells < n_columns) & ~blank
    rejects = []
    for place in np.flatnonzero(long).tolist():
        line = block.content[starts[place] : starts[place] + lengths[place]].decode()
        reason = f"{n_cells[place]} columns where the header has {n_columns}"
        rejects.append((block.first_line + place, reason, _shown(line)))
    return Rows(
        frame=rows.frame.filter(pl.Series(~(blank | long))),
        rejects=rejects,
        short_lines=(np.flatnonzero(short) + block.first_line).tolist(),
    )


def _split_quoted(block: Block, names: Sequence[str], columns: Sequence[str], separator: str) -> Rows | None:
    """Parse a block with quotes, all columns of it; None where a cell spans lines or a row does not fit.

    Rows are whole where the separators outside cells are as many as there should be.
    """
    parsed = _parse(block.content, len(names), None, separator, '"')
    if parsed is None or parsed.height != block.n_lines:
        return None
    within = parsed.select(pl.all().str.count_matches(separator, literal=True).sum()).row(0)
    n_separators = block.content.count(separator.encode()) - sum(each or 0 for each in within)
    if n_separators != (len(names) - 1) * block.n_lines or len(names) == 1:
        return None
    return _rows(parsed, block.first_line, names, columns)


def _rows(parsed: pl.DataFrame, first_line: int, names: Sequence[str], columns: Sequence[str]) -> Rows:
    lines = pl.int_range(first_line, first_line + parsed.height, dtype=pl.Int64, eager=True).alias(LINE)
    places = {name: place for place, name in enumerate(names)}
    cells = [_with_nulls(parsed[f"c{places[name]}"].alias(name)) for name in columns]
    return Rows(frame=pl.DataFrame([lines, *cells]), rejects=[], short_lines=[])


def _with_nulls(cells: pl.Series) -> pl.Series:
    empty = cells == ""
    return cells.set(empty, None) if empty.any() else cells


def _split_one_by_one(block: Block, names: Sequence[str], columns: Sequence[str], separator: str) -> Rows:
    """Split rows one at a time, where some row does not fit or its quotes make no sense."""
    lines = list(io.StringIO(block.content.decode(), newline="\n"))
    place_of = {name: place for place, name in enumerate(names)}
    places = [place_of[name] for name in columns]
    rows: list[list[str]] = []
    numbers: list[int] = []
    rejects: list[Reject] = []
    short_lines: list[int] = []
    position = 0
    with cells_of_any_length():
        while position < len(lines):
            row, n_lines = _next_row(lines, position, separator)
            number, n_missing = block.first_line + position, len(names) - len(row or [])
            if row and (n_missing == 0 or (n_missing > 0 and n_lines == 1)):
                if n_missing:
                    short_lines.append(number)
                row += [""] * n_missing
                rows.append([row[place] for place in places])
                numbers.append(number)
            elif row is None or n_lines > 1:  # a quote that is never closed swallows what follows
                n_lines = 1
                rejects.append((number, "a quote is not closed or not doubled", _shown(lines[position])))
            elif row:
                reason = f"{len(row)} columns where the header has {len(names)}"
                rejects.append((number, reason, _shown(lines[position])))
            position += n_lines
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    cells = [_with_nulls(frame[name]) for name in columns]
    lines_read = pl.Series(LINE, numbers, dtype=pl.Int64)
    return Rows(frame=pl.DataFrame([lines_read, *cells]), rejects=rejects, short_lines=short_lines)


def _next_row(lines: list[str], position: int, separator: str) -> tuple[list[str] | None, int]:
    """Return the row that begins at a line, None where its quotes make no sense, and its lines."""
    rest = (lines[place] for place in range(position, len(lines)))
    reader = csv.reader(rest, delimiter=separator, strict=True)
    try:
        row = next(reader)
    except csv.Error:
        return None, 1
    return row, reader.line_num


def _shown(line: str) -> str:
    return line.rstrip()[:SHOWN_CHARACTERS]


@contextmanager
def cells_of_any_length() -> Iterator[None]:
    """Let the parser read cells of any length; its limit is one of the whole process."""
    with _LIMIT:
        before = csv.field_size_limit(_LONGEST_CELL)
        try:
            yield
        finally:
            csv.field_size_limit(before)
