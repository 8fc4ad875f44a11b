"""What a source names: files, folders, patterns, standard input or a database, as one table."""

from __future__ import annotations

import difflib
import glob
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote

from persona_tui.engine.data.readers.joined import JoinedTable
from persona_tui.engine.data.readers.parts import EmptyFileError, Part, Stamp, spool
from persona_tui.engine.data.readers.registry import (
    HEAD_BYTES,
    READERS,
    format_by_suffix,
    format_of,
    unpacked_name,
)
from persona_tui.engine.data.readers.tables import Table
from persona_tui.engine.data.readers.unpacking import damage, packing_of
from persona_tui.engine.errors import DataError
from persona_tui.engine.working_folders import WorkingFolder

STANDARD_INPUT: Final = "-"
_WILD = re.compile(r"[*?\[]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SPREADSHEET_MEMBERS: Final = frozenset({"xl/workbook.xml", "xl/workbook.bin", "content.xml"})
_SHOWN: Final = 5


def open_source(source: str | Path | Sequence[str | Path], *, stdin: BinaryIO | None = None) -> Table:
    """Open whatever a source names.

    Parameters
    ----------
    source : path, text or sequence of them
        A file, a folder with files of one format (``date=2026-03-02`` in its folders' names become
        columns), a pattern like ``logs/*.csv.gz``, ``-`` for standard input, the URL of a database, or
        several of the first three, each of a format of its own. Files may be packed: ``.gz``, ``.zst``,
        ``.zip``.
    stdin : binary file, optional
        Read for ``-``, whole, into a private temporary file; ``sys.stdin`` unless given.

    Returns
    -------
    Table
        Its rows are those of the files in the order of their paths; nothing is read yet but beginnings.

    Raises
    ------
    DataError
        If there is nothing of that name, it cannot be read, holds no rows, or one source several formats.

    Examples
    --------
    >>> open_source("no-such-folder/log.csv")
    Traceback (most recent call last):
    ...
    persona_tui.engine.errors.DataError: There is no file 'no-such-folder/log.csv'.
    There is no folder 'no-such-folder' either.
    """
    given = [source] if isinstance(source, str | Path) else list(source)
    if not given:
        raise DataError("No source is named.", hint="Name a file, a folder or a database.")
    urls = [each for each in given if isinstance(each, str) and _is_url(each)]
    if urls and len(given) > 1:
        raise DataError("A database is read alone, not with other sources.", hint="Name it by itself.")
    if urls:
        from persona_tui.engine.data.readers.sql import open_sql  # noqa: PLC0415 - files need no database

        return open_sql(urls[0])
    name = ", ".join(map(str, given[:_SHOWN])) + (", …" if len(given) > _SHOWN else "")
    if STANDARD_INPUT in given:
        if len(given) > 1:
            raise DataError("Standard input is read alone, not with other sources.")
        return _open_spooled(stdin or _standard_input(), "standard input")
    first = _local(given[0])
    if len(given) == 1 and first.is_fifo():
        with first.open("rb") as stream:
            return _open_spooled(stream, name)
    try:
        parts, told = _parts_of(given)
        return _open_parts(name, parts, told, one_format=len(given) == 1)
    except PermissionError as fault:
        raise DataError(f"'{fault.filename or name}' cannot be read: permission denied.") from None


def _is_url(source: str) -> bool:
    return bool(_URL.match(source)) and not source.lower().startswith("file://")


def _local(source: str | Path) -> Path:
    text = str(source)
    return Path(unquote(text[len("file://") :])) if text.lower().startswith("file://") else Path(source)


def _standard_input() -> BinaryIO:
    if sys.stdin.isatty():
        raise DataError("Standard input is a terminal, not a log.", hint="Pipe a log into it.")
    return sys.stdin.buffer


def _open_spooled(stream: BinaryIO, name: str) -> Table:
    folder = WorkingFolder()
    try:
        copy = folder.path / "input"
        spool(stream, copy, expected=0, name=name)
        parts, told = _unpack(Part(path=copy, title=name))
        return _open_parts(name, parts, told, spooled=folder)
    except BaseException:
        folder.close()
        raise


def _parts_of(given: Sequence[str | Path]) -> tuple[list[Part], list[str]]:
    """Return the files that some sources name, each once, and what is to be told of them."""
    found: dict[tuple[Path, str], Part] = {}
    told: list[str] = []
    for each in given:
        path = _local(each)
        if path.is_dir():
            files, left_out = _files_below(path, path)
        elif path.exists():
            files, left_out = [Part(path=path)], []
        elif _WILD.search(str(path)):
            files, left_out = _files_matching(str(path))
        else:
            raise DataError(f"There is no file '{path}'.", hint=_near_files(path))
        told += left_out
        for file in files:
            parts, left_out = _unpack(file)
            told += left_out
            found |= {(part.path, part.member): part for part in parts}
    return sorted(found.values(), key=lambda part: (part.path.parts, part.member)), told


def _near_files(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no folder '{folder}' either."
    names = sorted(each.name for each in folder.iterdir() if each.is_file() and format_by_suffix(each.name))
    near = difflib.get_close_matches(path.name, names, n=_SHOWN, cutoff=0.5) or names[:_SHOWN]
    return f"In that folder: {', '.join(near)}." if near else "Check the path."


def _files_matching(pattern: str) -> tuple[list[Part], list[str]]:
    fixed = Path(*takewhile(lambda piece: not _WILD.search(piece), Path(pattern).parts))
    parts: list[Part] = []
    told: list[str] = []
    for match in sorted(map(Path, glob.glob(pattern, recursive=True))):  # noqa: PTH207 - patterns from the root
        if match.is_dir():
            if "**" in pattern:  # which names the files within as well
                continue
            inside, left_out = _files_below(match, fixed, required=False)
            parts += inside
            told += left_out
        elif _is_hidden(match.name) and match.name[0] != Path(pattern).name[0]:
            told.append(f"left out of '{pattern}': {match.name}")
        else:
            parts.append(Part(path=match, partition=_partition(match, fixed)))
    if not parts:
        raise DataError(f"No file matches '{pattern}'.", hint=_near_files(fixed / "*"))
    return parts, told


def _files_below(folder: Path, root: Path, *, required: bool = True) -> tuple[list[Part], list[str]]:
    """Return the files of a folder, hidden ones and marks like ``_SUCCESS`` left out."""
    files = sorted(_walk(folder))
    shown = [each for each in files if not any(map(_is_hidden, each.relative_to(folder).parts))]
    known = [each for each in shown if not _is_foreign(each)] or shown
    if not known and required:
        raise DataError(f"The folder '{folder}' holds no files of a log.", hint="Check the path.")
    left_out = [each.relative_to(folder).as_posix() for each in files if each not in set(known)]
    more = ", …" if len(left_out) > _SHOWN else ""
    told = [f"left out of '{folder}': {', '.join(left_out[:_SHOWN])}{more}"] if left_out else []
    return [Part(path=each, partition=_partition(each, root)) for each in known], told


def _walk(folder: Path) -> Iterator[Path]:
    for each in folder.iterdir():  # a folder that cannot be listed is an error, which rglob passes over
        if each.is_dir():
            loops = each.is_symlink() and folder.resolve().is_relative_to(each.resolve())
            yield from () if loops else _walk(each)
        elif each.is_file():
            yield each


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_")) and "=" not in name


def _is_foreign(path: Path) -> bool:
    """Return whether a name tells that a file is no log: it has a suffix, and no format takes it."""
    name = unpacked_name(path.name)
    return bool(Path(name).suffix) and name == path.name and not format_by_suffix(name)


def _partition(path: Path, root: Path) -> tuple[tuple[str, str], ...]:
    folders = path.relative_to(root).parts[:-1]
    pairs = [folder.partition("=") for folder in folders]
    return tuple((unquote(name), unquote(value)) for name, mark, value in pairs if mark and name)


def _unpack(part: Part) -> tuple[list[Part], list[str]]:
    """Return a file with its packing, or the members of a zip."""
    with part.path.open("rb") as file:
        packing = packing_of(file.read(8))
    if packing != "zip":
        return [replace(part, packing=packing)], []
    try:
        with zipfile.ZipFile(part.path) as archive:
            names = sorted(each.filename for each in archive.infolist() if not each.is_dir())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as fault:
        raise damage(part.name, "zip", fault) from None
    if _SPREADSHEET_MEMBERS & set(names):
        return [part], []
    shown = [each for each in names if not any(_is_hidden(folder) for folder in each.split("/"))]
    kept = [each for each in shown if not _is_foreign(Path(each))] or shown
    if not kept:
        raise DataError(f"'{part.name}' is a zip without files of a log.")
    left_out = [each for each in names if each not in set(kept)]
    told = [f"left out of '{part.name}': {', '.join(left_out[:_SHOWN])}"] if left_out else []
    return [replace(part, packing="zip", member=each) for each in kept], told


def _open_parts(
    name: str,
    parts: Sequence[Part],
    told: Sequence[str],
    *,
    one_format: bool = True,
    spooled: WorkingFolder | None = None,
) -> JoinedTable:
    formats: dict[Part, str] = {}
    stamps: dict[Part, Stamp] = {}
    notes = list(told)
    for part in parts:
        stamps[part] = part.stamp()
        with part.open() as stream:
            head = stream.read(HEAD_BYTES)
        if head:
            formats[part] = _format_of(part, head)
        elif len(parts) > 1:
            notes.append(f"'{part.name}' is empty")
    if not formats:
        raise DataError(f"'{name}' is empty.", hint="Check that the export finished.")
    if one_format:
        _require_one_format(name, formats)
    opened: list[tuple[Part, Table]] = []
    for part, each in formats.items():
        try:
            opened.append((part, READERS.get(each).open(part)))
        except EmptyFileError:
            if len(parts) == 1:
                raise
            notes.append(f"'{part.name}' holds no rows")
    if not opened:
        raise DataError(f"No file of '{name}' holds a row.", hint="Check that the export finished.")
    stamps_opened = [stamps[part] for part, _ in opened]
    return JoinedTable(name, opened, stamps=stamps_opened, notes=notes, spooled=spooled)


def _format_of(part: Part, head: bytes) -> str:
    if not part.packing and packing_of(head) == "zip":
        return "excel"
    return format_of(part.member or part.path.name, head)


def _require_one_format(name: str, formats: dict[Part, str]) -> None:
    families = Counter("csv" if each == "tsv" else each for each in formats.values())
    if len(families) > 1:
        counted = ", ".join(f"{each} ({n_files:,})" for each, n_files in families.most_common())
        raise DataError(
            f"'{name}' holds files of several formats: {counted}.",
            hint="Name those of one format, as in 'folder/*.csv'.",
        )
