"""Read a source into a table of text, every row with its line; nothing is lost silently.

To add a format, write a function from a path to ``RawTable`` and register it under its suffix.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import polars as pl

from persona_tui.engine.data.quality import REJECT_COLUMNS
from persona_tui.engine.errors import DataError
from persona_tui.engine.registry import Registry

LINE = "__line__"
DELIMITERS = (",", ";", "\t", "|")
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_REJECTED_SHARE = 0.5
SHOWN_CHARACTERS = 200
_LONGEST_CELL = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawTable:
    """A source before anything is interpreted.

    Parameters
    ----------
    frame : DataFrame
        The source's columns, and ``LINE``: where each row stands in the source.
    rejects : DataFrame
        Rows that could not even be split into columns.
    fingerprint : str
        SHA-256 of the source's bytes.
    """

    frame: pl.DataFrame
    rejects: pl.DataFrame
    fingerprint: str


Reader: TypeAlias = Callable[[Path], RawTable]
READERS: Registry[Reader] = Registry("file format")


def read_source(path: str | Path) -> RawTable:
    """Read a file by its suffix.

    Parameters
    ----------
    path : path

    Returns
    -------
    RawTable

    Raises
    ------
    DataError
        If there is no such file, it is empty, or it is not what its name says.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"There is no file '{path}'.", hint=_near_files(path))
    if path.is_dir():
        raise DataError(f"'{path}' is a folder, not a log.", hint="Name a file in it.")
    suffix = next((each for each in reversed(path.suffixes) if each.lower() != ".gz"), ".csv")
    name = suffix.lower().removeprefix(".")
    try:
        return READERS.get(name if name in READERS.names() else "csv")(path)
    except PermissionError:
        raise DataError(f"'{path}' cannot be read: permission denied.") from None


def _near_files(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no folder '{folder}' either."
    near = sorted(each.name for each in folder.iterdir() if each.is_file() and ".csv" in each.suffixes)
    return f"In that folder: {', '.join(near[:5])}." if near else "Check the path."


def _reject_frame(rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=REJECT_COLUMNS, orient="row")


@READERS.register("parquet", help="Parquet, one file.")
def read_parquet(path: Path) -> RawTable:
    """Read a Parquet file; its rows are numbered from 1."""
    content = path.read_bytes()
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise DataError(f"'{path}' is not a readable Parquet file: {_first_line(fault)}.") from None
    if frame.is_empty():
        raise DataError(f"'{path}' holds no rows.")
    return RawTable(
        frame=frame.with_row_index(LINE, offset=1).with_columns(pl.col(LINE).cast(pl.Int64)),
        rejects=_reject_frame([]),
        fingerprint=hashlib.sha256(content).hexdigest(),
    )


def _first_line(fault: BaseException) -> str:
    lines = str(fault).strip().splitlines()
    return lines[0] if lines else type(fault).__name__


@READERS.register(
    "csv", help="Text with a header and one event a row; comma, semicolon, tab or bar; also .gz."
)
def read_csv(path: Path) -> RawTable:
    """Read delimited text; rows that do not fit the header are set aside with their line."""
    raw = path.read_bytes()
    content = _decompress(path, raw).removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    content, rejects = _drop_undecodable(path, content)
    table = content.lstrip(b"\r\n")
    n_lines_above = content[: len(content) - len(table)].count(b"\n")
    header, separator = _read_header(path, table)
    try:
        frame = pl.read_csv(io.BytesIO(table), infer_schema=False, separator=separator)
        frame = frame.with_columns(_line_numbers(table, frame.height, separator))
    except (pl.exceptions.PolarsError, csv.Error):
        frame, ragged = _read_row_by_row(table, header, separator)
        rejects += [(line + n_lines_above, reason, shown) for line, reason, shown in ragged]
    frame = _without_blanks(frame.with_columns(pl.col(LINE) + n_lines_above))
    if frame.is_empty():
        raise DataError(f"'{path}' holds a header and no usable row.", hint="Check that the export finished.")
    if len(rejects) > _MAX_REJECTED_SHARE * (frame.height + len(rejects)):
        line, reason, _ = rejects[0]
        raise DataError(f"'{path}' is not a table: most rows do not fit its header (line {line}: {reason}).")
    return RawTable(frame=frame, rejects=_reject_frame(rejects), fingerprint=hashlib.sha256(raw).hexdigest())


def _decompress(path: Path, raw: bytes) -> bytes:
    if not raw.startswith(_GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as fault:
        raise DataError(
            f"'{path}' is a damaged gzip file: {_first_line(fault)}.", hint="Copy or export it again."
        ) from None


def _drop_undecodable(path: Path, content: bytes) -> tuple[bytes, list[tuple[int, str, str]]]:
    """Blank lines that are not UTF-8 text, so that the lines after them keep their number."""
    if not content.strip():
        raise DataError(f"'{path}' is empty.", hint="Check that the export finished.")
    if b"\x00" in content[:65536]:
        raise DataError(
            f"'{path}' is not a text file: it holds zero bytes.", hint="Export it as CSV in UTF-8."
        )
    try:
        content.decode()
    except UnicodeDecodeError:
        pass
    else:
        return content, []
    lines, rejects = content.split(b"\n"), []
    for number, line in enumerate(lines, start=1):
        try:
            line.decode()
        except UnicodeDecodeError:
            shown = line.rstrip()[:SHOWN_CHARACTERS].decode(errors="backslashreplace")
            rejects.append((number, "not UTF-8 text", shown))
            lines[number - 1] = b""
    if len(rejects) > _MAX_REJECTED_SHARE * len(lines) or rejects[0][0] == 1:
        raise DataError(
            f"'{path}' is not UTF-8 text (line {rejects[0][0]}).", hint="Export it as CSV in UTF-8."
        )
    return b"\n".join(lines), rejects


def _read_header(path: Path, content: bytes) -> tuple[list[str], str]:
    first = content.split(b"\n", 1)[0].decode().rstrip("\r")
    separator = max(DELIMITERS, key=first.count)
    header = next(csv.reader([first], delimiter=separator), [])
    repeated = [name for name, times in Counter(header).items() if times > 1]
    if repeated:
        raise DataError(f"'{path}' has two columns named '{repeated[0]}'.", hint="Rename one of them.")
    return header, separator


def _without_blanks(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows that hold something; a cell that is quoted and empty holds no more than one that is not."""
    cells = frame.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep())
    return cells.filter(pl.any_horizontal(pl.exclude(LINE).is_not_null()))


@contextmanager
def _cells_of_any_length() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _line_numbers(content: bytes, n_rows: int, separator: str) -> pl.Series:
    """Return the line each row begins at: a quoted cell may span several.

    Raises
    ------
    csv.Error
        If quotes are used in a way that leaves open where rows begin.
    """
    n_lines = content.count(b"\n") + (not content.endswith(b"\n"))
    if n_lines == n_rows + 1:
        return pl.int_range(2, n_rows + 2, eager=True).alias(LINE)
    lines = io.StringIO(content.decode(), newline="\n")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    with _cells_of_any_length():
        ends = [reader.line_num for _ in reader]
    if len(ends) != n_rows + 1:
        raise csv.Error(f"{len(ends) - 1} rows, where another reading finds {n_rows}")
    return pl.Series(LINE, ends[:-1], dtype=pl.Int64) + 1


def _read_row_by_row(
    content: bytes, header: list[str], separator: str
) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
    """Split rows one at a time, for files in which some row does not fit the header."""
    lines = list(io.StringIO(content.decode(), newline="\n"))
    rows: list[list[str]] = []
    places: list[int] = []
    rejects: list[tuple[int, str, str]] = []
    position = 1
    with _cells_of_any_length():
        while position < len(lines):
            row, n_lines = _next_row(lines, position, separator)
            n_missing = len(header) - len(row or [])
            if row and (n_missing == 0 or (n_missing > 0 and n_lines == 1)):
                rows.append(row + [""] * n_missing)
                places.append(position + 1)
            elif row is None or n_lines > 1:  # a quote that is never closed swallows what follows
                n_lines = 1
                rejects.append(
                    (position + 1, "a quote is not closed or not doubled", _shown(lines[position]))
                )
            elif row:
                reason = f"{len(row)} columns where the header has {len(header)}"
                rejects.append((position + 1, reason, _shown(lines[position])))
            position += n_lines
    frame = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
    return frame.with_columns(pl.Series(LINE, places, dtype=pl.Int64)), rejects


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
