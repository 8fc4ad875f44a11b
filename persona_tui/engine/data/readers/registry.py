"""Which module reads which format, and how a file shows its format.

To add one, write ``open_...(part: Part) -> Table`` in a module of this package and name it here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, TypeAlias, cast

from persona_tui.engine.data.readers.parts import Part
from persona_tui.engine.data.readers.tables import Table
from persona_tui.engine.registry import Registry

Reader: TypeAlias = Callable[[Part], Table]
PACKED_SUFFIXES: Final = frozenset({".gz", ".gzip", ".zst", ".zstd", ".zip"})
HEAD_BYTES: Final = 4096
"""How much of a file its format is told by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of files.

    Parameters
    ----------
    place : str
        ``module:function`` of its reader.
    suffixes : tuple of str
        Ends of file names, without the dot.
    magic : tuple of bytes
        Beginnings that no other format has.
    """

    place: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...] = ()

    def open(self, part: Part) -> Table:
        """Open a file of this format; its module is imported now."""
        module, _, function = self.place.partition(":")
        return cast("Reader", getattr(importlib.import_module(module), function))(part)


READERS: Final[Registry[Format]] = Registry("file format")
_HERE = "persona_tui.engine.data.readers"

READERS.register("csv", help="Text with a header and one event a row; the delimiter is detected.")(
    Format(place=f"{_HERE}.delimited:open_delimited", suffixes=("csv", "txt", "log"))
)
READERS.register("tsv", help="Text with tabs between the columns.")(
    Format(place=f"{_HERE}.delimited:open_delimited", suffixes=("tsv", "tab"))
)
READERS.register("json", help="JSON, an object a line or one array of objects.")(
    Format(place=f"{_HERE}.json_rows:open_json", suffixes=("json", "jsonl", "ndjson"))
)
READERS.register("parquet", help="Parquet; only the columns that are needed are read.")(
    Format(place=f"{_HERE}.parquet:open_parquet", suffixes=("parquet", "pq"), magic=(b"PAR1",))
)
READERS.register("arrow", help="Arrow IPC, file or stream; Feather version 2.")(
    Format(
        place=f"{_HERE}.arrow:open_arrow",
        suffixes=("arrow", "arrows", "ipc", "feather"),
        magic=(b"ARROW1\x00\x00", b"FEA1", b"\xff\xff\xff\xff"),
    )
)
READERS.register("excel", help="A spreadsheet, the sheet with the most rows; needs persona-tui[excel].")(
    Format(
        place=f"{_HERE}.excel:open_excel",
        suffixes=("xlsx", "xlsm", "xlsb", "xls", "ods"),
        magic=(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    )
)
READERS.register("xes", help="XES, event logs of process mining.")(
    Format(place=f"{_HERE}.xes:open_xes", suffixes=("xes",))
)


def format_of(name: str, head: bytes) -> str:
    r"""Return the name of a file's format.

    Parameters
    ----------
    name : str
        Its file name; suffixes of packings are passed over.
    head : bytes
        Its first ``HEAD_BYTES`` bytes, unpacked.

    Returns
    -------
    str
        By a beginning that only one format has, else by the suffix, else by what the text looks like.

    Examples
    --------
    >>> format_of("export.json.gz", b'{"user": 1}'), format_of("export", b"PAR1\x15"), format_of("log", b"[{")
    ('json', 'parquet', 'json')
    """
    for each in READERS.names():
        if any(head.startswith(magic) for magic in READERS.get(each).magic):
            return each
    return format_by_suffix(name) or _format_of_text(head)


def format_by_suffix(name: str) -> str:
    """Return the format that a file's name tells, or an empty text.

    Examples
    --------
    >>> format_by_suffix("a.b.CSV.gz"), format_by_suffix("part-0000"), format_by_suffix("README.md")
    ('csv', '', '')
    """
    suffix = PurePath(unpacked_name(name)).suffix.lower().removeprefix(".")
    return next((each for each in READERS.names() if suffix in READERS.get(each).suffixes), "")


def unpacked_name(name: str) -> str:
    """Return a file's name without the suffixes of packings."""
    path = PurePath(name)
    while path.suffix.lower() in PACKED_SUFFIXES:
        path = path.with_suffix("")
    return path.name


def _format_of_text(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return "xes"
    return "json" if start.startswith((b"{", b"[")) else "csv"
