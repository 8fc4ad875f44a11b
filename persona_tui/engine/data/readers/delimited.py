"""Delimited text: CSV, TSV and their kin, a block at a time; the way each is written is detected."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, Final

import polars as pl

from persona_tui.engine.data.pipelines import in_order
from persona_tui.engine.data.readers.delimited_rows import Rows, cells_of_any_length, split_rows
from persona_tui.engine.data.readers.encodings import SAMPLE_BYTES, encoding_of, utf8_chunks
from persona_tui.engine.data.readers.parts import EmptyFileError, Part
from persona_tui.engine.data.readers.snowplow import COLUMNS, is_enriched_event
from persona_tui.engine.data.readers.tables import LINE, REJECT_COLUMNS, Batch
from persona_tui.engine.data.readers.text_blocks import Block, blocks_of
from persona_tui.engine.errors import DataError

DELIMITERS: Final = (",", ";", "\t", "|")
BLOCK_BYTES: Final = 2**23
"""Small enough that its memory is used again and again: 32 MB take a fifth longer."""
MAX_REJECTED_SHARE: Final = 0.5
_NAMES: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_COMMA_NUMBER: Final = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+$"
_POINT_NUMBER: Final = r"^[+-]?(\d+|\d{1,3}(,\d{3})+)\.\d+$"
_NO_TEXT: Final = frozenset(map(chr, range(9)))
_N_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a text is written.

    Parameters
    ----------
    names : tuple of str
        Columns.
    separator : str
    encoding : str
    n_mark : int
        Bytes at the beginning that only mark the encoding.
    returns_only : bool
        Whether lines end with a carriage return alone.
    n_header_lines : int
        Lines above the first row.
    """

    names: tuple[str, ...]
    separator: str
    encoding: str
    n_mark: int
    returns_only: bool
    n_header_lines: int


class DelimitedTable:
    """A delimited text that is open.

    Parameters
    ----------
    part : Part
    dialect : Dialect
    notes : tuple of str
        What was settled in opening it.
    block_bytes : int
    """

    def __init__(
        self, part: Part, dialect: Dialect, notes: tuple[str, ...], *, block_bytes: int = BLOCK_BYTES
    ) -> None:
        self.part, self.dialect = part, dialect
        self._opening, self._seen = notes, _Seen()
        self._block_bytes = block_bytes
        self.schema = pl.Schema(dict.fromkeys(dialect.names, pl.String))
        self.decimal_comma = dialect.separator != "," and _has_decimal_commas(self.head())

    @property
    def name(self) -> str:
        """Return what the file is called in messages."""
        return self.part.name

    @property
    def size(self) -> int:
        """Return its bytes, unpacked, as far as that is known."""
        return self.part.unpacked_size

    @property
    def n_rows(self) -> None:
        """Return nothing: rows are known when they are read."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was settled in opening it, and what the last reading found."""
        comma = ("numbers are written with a decimal comma",) if self.decimal_comma else ()
        return (*self._opening, *comma, *self._seen.notes())

    def head(self, n_rows: int = 1_000) -> pl.DataFrame:
        """Return the first rows, all columns."""
        names, frames = list(self.schema), []
        with self.part.open() as stream:
            chunks = _chunks(stream, self.dialect, min(self._block_bytes, SAMPLE_BYTES))
            for block in blocks_of(chunks, returns_only=self.dialect.returns_only):
                rows = self._split(block, names)
                frames.append(rows.frame.drop(LINE))
                if sum(frame.height for frame in frames) >= n_rows:
                    break
        return pl.concat([pl.DataFrame(schema=self.schema), *frames]).head(n_rows)

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Yield the rows with some columns only.

        Raises
        ------
        DataError
            If the file is damaged, or most of its rows do not fit its header.
        """
        seen = _Seen()
        with self.part.open() as stream:
            chunks = _chunks(stream, self.dialect, self._block_bytes)
            blocks = self._watched(blocks_of(chunks, returns_only=self.dialect.returns_only), seen)
            split = partial(self._split_counted, columns=columns)
            for rows, done in in_order(split, blocks, pl.thread_pool_size()):
                seen.add(rows)
                rejects = [(self.name, *each) for each in rows.rejects]
                yield Batch(
                    frame=rows.frame,
                    rejects=pl.DataFrame(rejects, schema=REJECT_COLUMNS, orient="row"),
                    file=self.name,
                    done=done,
                )
        self._seen = seen
        seen.require_table(self.name)

    def _watched(self, blocks: Iterator[Block], seen: _Seen) -> Iterator[Block]:
        for block in blocks:
            seen.mixed_ends |= block.mixed_ends
            yield block

    def _split_counted(self, block: Block, columns: Sequence[str]) -> tuple[Rows, int]:
        return self._split(block, columns), block.done

    def _split(self, block: Block, columns: Sequence[str]) -> Rows:
        if block.first_line == 1:
            block = _below(block, self.dialect.n_header_lines)
        return split_rows(block, self.dialect.names, columns, self.dialect.separator)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes."""
        return self.part.fingerprint()


class _Seen:
    """What one reading of a text found."""

    def __init__(self) -> None:
        self.n_rows = 0
        self.rejects: list[tuple[int, str]] = []
        self.n_rejects = 0
        self.n_short = 0
        self.short_lines: list[int] = []
        self.mixed_ends = False

    def add(self, rows: Rows) -> None:
        self.n_rows += rows.frame.height
        self.n_rejects += len(rows.rejects)
        self.n_short += len(rows.short_lines)
        if len(self.rejects) < _N_EXAMPLES:
            self.rejects.extend(each[:2] for each in rows.rejects[:_N_EXAMPLES])
        if len(self.short_lines) < _N_EXAMPLES:
            self.short_lines.extend(rows.short_lines[:_N_EXAMPLES])

    def notes(self) -> tuple[str, ...]:
        told = []
        if self.n_short:
            lines = ", ".join(map(str, self.short_lines[:_N_EXAMPLES]))
            more = ", …" if self.n_short > _N_EXAMPLES else ""
            told.append(
                f"{self.n_short:,} rows have fewer columns than the header (line {lines}{more}): empty"
            )
        if self.mixed_ends:
            told.append("line ends are mixed: a carriage return alone ends a line too")
        return tuple(told)

    def require_table(self, name: str) -> None:
        if not self.n_rows and not self.n_rejects:
            raise EmptyFileError(
                f"'{name}' holds a header and no usable row.", hint="Check that the export finished."
            )
        if self.n_rejects > MAX_REJECTED_SHARE * (self.n_rows + self.n_rejects):
            line, reason = self.rejects[0]
            raise DataError(
                f"'{name}' is not a table: most rows do not fit its header (line {line}: {reason})."
            )


def open_delimited(part: Part) -> DelimitedTable:
    """Open a delimited text.

    Parameters
    ----------
    part : Part

    Raises
    ------
    EmptyFileError
        If there is nothing in it, or a header alone.
    DataError
        If it is no text, or two of its columns have the same name.
    """
    with part.open() as stream:
        sample = stream.read(SAMPLE_BYTES)
        whole = len(sample) < SAMPLE_BYTES
    if not sample.removeprefix(BOM_UTF8).strip():
        raise EmptyFileError(f"'{part.name}' is empty.", hint="Check that the export finished.")
    try:
        encoding, n_mark = encoding_of(sample)
    except DataError as fault:
        raise DataError(f"'{part.name}' is not a text file: {fault.message}.", hint=fault.hint) from None
    text = sample[n_mark:].decode(encoding, errors="replace")
    returns_only = "\n" not in text and "\r" in text
    if returns_only:
        text = text.replace("\r", "\n")
    names, separator, n_header_lines, told = _read_header(part.name, text)
    if whole and not "".join(text.split("\n")[n_header_lines:]).strip():
        raise EmptyFileError(
            f"'{part.name}' holds a header and no usable row.", hint="Check that the export finished."
        )
    dialect = Dialect(
        names=names,
        separator=separator,
        encoding=encoding,
        n_mark=n_mark,
        returns_only=returns_only,
        n_header_lines=n_header_lines,
    )
    return DelimitedTable(part, dialect, (*_dialect_notes(dialect), *told))


def _dialect_notes(dialect: Dialect) -> list[str]:
    told = []
    if dialect.separator != "," and len(dialect.names) > 1:
        told.append(f"columns are separated by {_NAMES[dialect.separator]}")
    if dialect.encoding != "utf-8":
        told.append(f"text is encoded in {dialect.encoding.replace('_', '-')}")
    if dialect.returns_only:
        told.append("lines end with a carriage return alone")
    return told


def _read_header(name: str, text: str) -> tuple[tuple[str, ...], str, int, list[str]]:
    """Return the columns, the separator, the lines above the first row, and what was repaired."""
    body = text.lstrip("\r\n")
    n_above = text[: len(text) - len(body)].count("\n")
    first = body.split("\n", 1)[0]
    separator = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(body, newline="\n"), delimiter=separator)
    with cells_of_any_length():
        header = [cell.rstrip("\r") for cell in next(reader)]
    if is_enriched_event(header):
        return COLUMNS, separator, n_above, ["the file has no header: its columns are those of Snowplow"]
    if any(char in _NO_TEXT for cell in header for char in cell):
        raise DataError(f"'{name}' is not a text file: its first line holds control characters.")
    told = []
    for place, cell in enumerate(header):
        if not cell.strip():
            header[place] = f"column_{place + 1}"
            told.append(f"column {place + 1} has no name: called '{header[place]}'")
    repeated = [cell for cell, times in Counter(header).items() if times > 1]
    if repeated:
        places = [str(place + 1) for place, cell in enumerate(header) if cell == repeated[0]]
        raise DataError(
            f"'{name}' has two columns named '{repeated[0]}' (columns {' and '.join(places[:2])}).",
            hint="Rename one of them.",
        )
    return tuple(header), separator, n_above + reader.line_num, told


def _chunks(stream: BinaryIO, dialect: Dialect, block_bytes: int) -> Iterator[tuple[bytes, int]]:
    done = 0
    for chunk in utf8_chunks(stream, dialect.encoding, dialect.n_mark, block_bytes):
        done += len(chunk)
        yield chunk, done


def _below(block: Block, n_lines: int) -> Block:
    """Return a block without its first lines."""
    at = 0
    for _ in range(n_lines):
        at = block.content.find(b"\n", at) + 1 or len(block.content)
    kept = tuple(each for each in block.rejects if each[0] > n_lines)
    return replace(
        block,
        content=block.content[at:],
        first_line=block.first_line + n_lines,
        n_lines=max(block.n_lines - n_lines, 0),
        rejects=kept,
    )


def _has_decimal_commas(head: pl.DataFrame) -> bool:
    """Return whether some column has numbers with a comma and none with a point."""
    numbers = head.select(
        comma=pl.max_horizontal(pl.all().str.contains(_COMMA_NUMBER).all() & pl.all().is_not_null().any())
        if head.width
        else pl.lit(value=False)
    )
    return bool(numbers["comma"][0]) if head.height else False
