"""Tables on disk as Arrow IPC: what is too large for memory, and what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from persona_tui.engine.errors import ExportError


def write_arrow(frame: pl.DataFrame, path: Path) -> None:
    """Write a table as Arrow IPC without compression.

    Raises
    ------
    ExportError
        If the disk is full or the folder cannot be written.
    """
    with told_of_disk(path):
        frame.write_ipc(path, compression="uncompressed")


@contextmanager
def told_of_disk(path: Path) -> Iterator[None]:
    """Turn a failure to write a file into one that names it."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as fault:  # polars takes a full disk for a fault of the data
        raise ExportError(
            f"'{path}' cannot be written: {fault}.",
            hint="Free some space, or name a larger disk with PERSONA_TUI_CACHE_DIR.",
        ) from None
