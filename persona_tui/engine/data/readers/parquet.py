"""Read Parquet, a slice of rows at a time, and of each row only the columns that are needed."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from persona_tui.engine.data.readers.columnar import ScannedTable
from persona_tui.engine.data.readers.parts import Part


def open_parquet(part: Part) -> ScannedTable:
    """Open a Parquet file; its schema and number of rows come from its footer.

    Parameters
    ----------
    part : Part

    Returns
    -------
    ScannedTable
        Rows are numbered from 1.

    Raises
    ------
    DataError
        If it is cut off, damaged or no Parquet, or holds no columns.
    EmptyFileError
        If it holds no rows.
    """
    return ScannedTable.open(part, "Parquet", _scan)


def _scan(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)
