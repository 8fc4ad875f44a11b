"""One file of a source, perhaps packed: what every reader of files opens."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias, cast

from persona_tui.engine.data.readers.unpacking import Unpacked, damage, packing_of, unpacked
from persona_tui.engine.errors import DataError
from persona_tui.engine.working_folders import WorkingFolder

Packing: TypeAlias = Literal["", "gz", "zst", "zip"]
Stamp: TypeAlias = tuple[str, int, int, int]
"""Path, bytes, time of change in ns, inode."""
_COPIED: Final = 2**20
_CHECKED: Final = 64 * 2**20
"""Free space is looked at again after so many bytes."""
_SPARE: Final = 16 * 2**20
"""Bytes that are left free."""


class EmptyFileError(DataError):
    """The file is sound and holds no rows: fatal alone, told where there are others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a source.

    Parameters
    ----------
    path : Path
        On disk.
    packing : {"", "gz", "zst", "zip"}
    member : str
        The file's name within a zip; it may itself be packed.
    partition : tuple of (str, str)
        Columns and values that the folders above it name, as in ``date=2026-03-02``.
    title : str
        What it is called in messages, where that is not its path.
    """

    path: Path
    packing: Packing = ""
    member: str = ""
    partition: tuple[tuple[str, str], ...] = ()
    title: str = ""

    @property
    def name(self) -> str:
        """Return what the file is called in messages."""
        name = self.title or str(self.path)
        return f"{name}:{self.member}" if self.member else name

    @property
    def size(self) -> int:
        """Return its bytes on disk, as packed."""
        if self.packing == "zip":
            with self._archive() as archive:
                return archive.getinfo(self.member).compress_size
        return self.path.stat().st_size

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Give its bytes, unpacked as they are read; not to be sought in.

        Raises
        ------
        DataError
            From a read, if what is packed is damaged or ends too early; at once if it is encrypted.
        """
        with ExitStack() as stack:
            if self.packing == "zip":
                packed = stack.enter_context(self._member())
            else:
                packed = stack.enter_context(self.path.open("rb"))
            if not self.packing:
                yield packed
                return
            stream = Unpacked(packed, self.name)
            if self.packing == "zip":  # its members may be packed in turn
                within = packing_of(stream.peek(8))
                layered = unpacked(stream, within) if within in {"gz", "zst"} else stream
            else:
                layered = unpacked(packed, self.packing)
            yield cast("BinaryIO", io.BufferedReader(Unpacked(layered, self.name), _COPIED))

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """Give a file with its bytes unpacked: itself, or a temporary one that is removed afterwards.

        Raises
        ------
        DataError
            If what is packed is damaged, or the disk has no room for it.
        """
        if not self.packing:
            yield self.path
            return
        with closing(WorkingFolder()) as folder:
            copy = folder.path / Path(self.member or self.path.name).name
            with self.open() as stream:
                spool(stream, copy, expected=self.unpacked_size, name=self.name)
            yield copy

    def fingerprint(self) -> str:
        """Return the SHA-256 of its bytes on disk, as packed, as 64 hexadecimal digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def stamp(self) -> Stamp:
        """Return path, bytes, time of change and inode: another file or another content has another stamp."""
        facts = self.path.stat()
        return str(self.path), facts.st_size, facts.st_mtime_ns, facts.st_ino

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        try:
            archive = zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as fault:
            raise damage(self.name, "zip", fault) from None
        with archive:
            yield archive

    @contextmanager
    def _member(self) -> Iterator[BinaryIO]:
        with self._archive() as archive:
            if archive.getinfo(self.member).flag_bits & 1:
                raise DataError(f"'{self.name}' is encrypted.", hint="Unpack it with its password first.")
            try:
                member = archive.open(self.member)
            except (zipfile.BadZipFile, NotImplementedError) as fault:
                raise damage(self.name, "zip", fault) from None
            with member:
                yield cast("BinaryIO", member)

    @property
    def unpacked_size(self) -> int:
        """Return the least number of bytes that it takes unpacked, as far as that is known beforehand."""
        if self.packing == "zip":
            with self._archive() as archive:
                return archive.getinfo(self.member).file_size
        if self.packing == "gz" and self.size >= 4:
            with self.path.open("rb") as file:
                file.seek(-4, io.SEEK_END)
                return max(self.size, int.from_bytes(file.read(4), "little"))
        return self.size


def spool(stream: BinaryIO, target: Path, *, expected: int, name: str) -> None:
    """Write a stream into a private file, as long as there is room.

    Parameters
    ----------
    stream : binary file
    target : Path
        Must not exist.
    expected : int
        Bytes that it will have at least.
    name : str
        What the stream is called in messages.

    Raises
    ------
    DataError
        If the disk has no room for it; the message tells both sizes.
    """
    written = since = 0
    _require_room(target, expected, name)
    try:
        with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            while block := stream.read(_COPIED):
                file.write(block)
                written += len(block)
                since += len(block)
                if since >= _CHECKED:
                    _require_room(target, max(expected - written, _CHECKED), name)
                    since = 0
    except OSError as fault:
        raise DataError(
            f"'{name}' cannot be kept in '{target.parent}' after {written:,} bytes: "
            f"{fault.strerror or fault}.",
            hint="Set PERSONA_TUI_CACHE_DIR to a folder with more room.",
        ) from None


def _require_room(target: Path, n_bytes: int, name: str) -> None:
    free = shutil.disk_usage(target.parent).free
    if n_bytes + _SPARE > free:
        raise DataError(
            f"'{name}' needs {(n_bytes + _SPARE) / 1e6:,.0f} MB or more in '{target.parent}', which has "
            f"{free / 1e6:,.0f} MB free.",
            hint="Set PERSONA_TUI_CACHE_DIR to a folder with more room.",
        )
