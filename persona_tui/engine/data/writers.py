"""Write an event log to a file as its parts come, in memory that does not grow with it.

To add a format, write a function from parts and a path and register it under its suffix.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, TypeAlias, cast

import polars as pl

from persona_tui.engine.errors import ExportError, unknown_name
from persona_tui.engine.registry import Registry

ROWS_PER_GROUP = 2**19
"""Rows of a Parquet row group."""
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.6fZ"
_GZIP_LEVEL = 1

Parts: TypeAlias = Iterator[pl.DataFrame]
Writer: TypeAlias = Callable[[Parts, Path], None]
WRITERS: Registry[Writer] = Registry("file format")


def writer_of(path: Path) -> Writer:
    """Return what writes the format that a file's name ends in.

    Parameters
    ----------
    path : Path

    Returns
    -------
    callable
        Takes frames with the same columns and the path to write to, whatever that path is called.

    Raises
    ------
    UnknownNameError
        If there is no such format.

    Examples
    --------
    >>> writer_of(Path("log.txt"))
    Traceback (most recent call last):
    persona_tui.engine.errors.UnknownNameError: Unknown file format '.txt'. Known: .parquet, .csv, .csv.gz.
    """
    name = path.name.lower()
    for suffix in sorted(WRITERS.names(), key=len, reverse=True):
        if name.endswith(suffix):
            return WRITERS.get(suffix)
    raise unknown_name(WRITERS.kind, path.suffix, WRITERS.names())


@WRITERS.register(".parquet", help="Parquet, one file.")
def write_parquet(parts: Parts, path: Path) -> None:
    """Write parts as row groups of one Parquet file.

    Raises
    ------
    ExportError
        If the disk is full.

    Notes
    -----
    Every part is a file beside the path until all are joined: for a moment the log is there twice.
    """
    with TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.") as folder:
        files: list[Path] = []
        for number, part in enumerate(parts):
            files.append(Path(folder) / f"{number}.parquet")
            with _told():
                part.write_parquet(files[-1], compression="lz4", statistics=False)
        with _told():
            pl.scan_parquet(files).sink_parquet(path, row_group_size=ROWS_PER_GROUP)


@contextmanager
def _told() -> Iterator[None]:
    """Turn a full disk, which polars takes for a fault of the file, into an error of writing."""
    try:
        yield
    except pl.exceptions.ComputeError as fault:
        raise ExportError(
            f"The Parquet file cannot be written: {fault}.",
            hint="Free some space (the log is there twice for a moment), or choose another --output.",
        ) from None


@WRITERS.register(".csv", help="Comma-separated values, one header.")
def write_csv(parts: Parts, path: Path) -> None:
    """Write parts as one CSV file; times are UTC, as 2026-03-02T09:14:05.250000Z."""
    with path.open("wb") as file:
        _append_csv(parts, file)


@WRITERS.register(".csv.gz", help="The same, gzipped.")
def write_gzipped_csv(parts: Parts, path: Path) -> None:
    """Write parts as one gzipped CSV file; the same parts give the same bytes."""
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, compresslevel=_GZIP_LEVEL, mtime=0) as zipped,
    ):
        _append_csv(parts, cast("BinaryIO", zipped))


def _append_csv(parts: Parts, file: BinaryIO) -> None:
    for number, part in enumerate(parts):
        part.write_csv(file, include_header=number == 0, datetime_format=TIME_FORMAT)
