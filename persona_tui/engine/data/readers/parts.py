"""One file of a source, perhaps packed: what every reader of files opens."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, cast

Packing: TypeAlias = Literal["", "gz", "zst", "zip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a source.

    Parameters
    ----------
    path : Path
        On disk.
    packing : {"", "gz", "zst", "zip"}
    member : str
        The file's name within a zip.
    partition : tuple of (str, str)
        Columns and values that the folders above it name, as in ``date=2026-03-02``.
    """

    path: Path
    packing: Packing = ""
    member: str = ""
    partition: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Return what the file is called in messages."""
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    @property
    def size(self) -> int:
        """Return its bytes on disk, as packed."""
        return self.path.stat().st_size

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Give its bytes, unpacked as they are read.

        Raises
        ------
        DataError
            From a read, if what is packed is damaged or ends too early.
        """
        if self.packing == "gz":
            with gzip.open(self.path, "rb") as unpacked:
                yield cast("BinaryIO", unpacked)
        else:
            with self.path.open("rb") as file:
                yield file

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """Give a file with its bytes unpacked: itself, or a temporary one."""
        yield self.path
