"""Read Arrow IPC, which is also Feather version 2: files by slices of rows, streams at once."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from persona_tui.engine.data.readers.columnar import ScannedTable
from persona_tui.engine.data.readers.parts import Part
from persona_tui.engine.errors import DataError

_FILE = b"ARROW1"
_OLD_FEATHER = b"FEA1"


def open_arrow(part: Part) -> ScannedTable:
    """Open an Arrow IPC file or stream.

    Parameters
    ----------
    part : Part

    Returns
    -------
    ScannedTable
        Rows are numbered from 1. A stream has no index of its batches: its columns are read whole.

    Raises
    ------
    DataError
        If it is cut off, damaged, no Arrow or Feather of version 1, or holds no columns.
    EmptyFileError
        If it holds no rows.
    """
    with part.open() as stream:
        head = stream.read(len(_FILE))
    if head.startswith(_OLD_FEATHER):
        raise DataError(
            f"'{part.name}' is Feather of version 1, which is no longer read.", hint="Write it as Parquet."
        )
    return ScannedTable.open(part, "Arrow", _scan_file if head == _FILE else _scan_stream)


def _scan_file(path: Path) -> pl.LazyFrame:
    return pl.scan_ipc(path, glob=False, hive_partitioning=False)


def _scan_stream(path: Path) -> pl.LazyFrame:
    return pl.read_ipc_stream(path).lazy()
