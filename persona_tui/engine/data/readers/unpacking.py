"""Unpack gzip, Zstandard and the members of zips as they are read; damage is told, never passed over."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, Protocol, cast

from persona_tui.engine.errors import DataError

if TYPE_CHECKING:
    from zstandard import ZstdDecompressionObj

_READ: Final = 2**17
_MAGIC: Final[dict[bytes, Literal["gz", "zst", "zip"]]] = {
    b"\x1f\x8b": "gz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
_KINDS: Final = {"gz": "gzip", "zst": "Zstandard", "zip": "zip"}


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def packing_of(head: bytes) -> Literal["", "gz", "zst", "zip"]:
    r"""Return how a file is packed, by its first bytes.

    Examples
    --------
    >>> packing_of(b"\x1f\x8b\x08"), packing_of(b"user,time")
    ('gz', '')
    """
    return next((packing for magic, packing in _MAGIC.items() if head.startswith(magic)), "")


def damage(name: str, packing: str, fault: BaseException, n_bytes: int = 0) -> DataError:
    """Return the error for a packed file that is damaged or cut off."""
    what = (str(fault).strip() or type(fault).__name__).splitlines()[0].rstrip(".")
    kind = _KINDS.get(packing, packing)
    far = f" after {n_bytes:,} unpacked bytes" if n_bytes else ""
    return DataError(
        f"'{name}' is a damaged or incomplete {kind} file{far}: {what}.", hint="Copy or export it again."
    )


def unpacked(stream: BinaryIO | io.RawIOBase, packing: str) -> _Readable:
    """Return a stream of what is packed in another, ``gz`` or ``zst``."""
    if packing == "gz":
        return _Gzip(gzip.GzipFile(fileobj=cast("BinaryIO", stream)))
    return _Zstd(stream)


class Unpacked(io.RawIOBase):
    """Bytes as they are unpacked; damage becomes a ``DataError`` that names the file and how far it got."""

    def __init__(self, source: _Readable, name: str) -> None:
        super().__init__()
        self._source = source
        self._name = name
        self._n_bytes = 0
        self._ahead = b""

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def peek(self, size: int) -> bytes:
        """Return the next bytes without going past them."""
        while len(self._ahead) < size and (more := self._pull(size - len(self._ahead))):
            self._ahead += more
        return self._ahead

    def readinto(self, buffer: object, /) -> int:
        """Fill a buffer, and return how far."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        block = self._ahead[: len(view)] or self._pull(len(view))
        self._ahead = self._ahead[len(block) :]
        view[: len(block)] = block
        return len(block)

    def _pull(self, size: int) -> bytes:
        packing = getattr(self._source, "packing", "zip")
        try:
            block = self._source.read(size)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, ValueError) as fault:
            if isinstance(fault, DataError):
                raise
            raise damage(self._name, packing, fault, self._n_bytes) from None
        self._n_bytes += len(block)
        return block


class _Gzip:
    packing: Final = "gz"

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        return self._file.read(size)


class _Zstd:
    """Frames one after another; one that is cut off is an error, which the library's own stream lets pass."""

    packing: Final = "zst"

    def __init__(self, stream: BinaryIO | io.RawIOBase) -> None:
        from zstandard import ZstdDecompressor, ZstdError  # noqa: PLC0415 - 15 ms, few logs need it

        self._stream = stream
        self._decompressor = ZstdDecompressor(max_window_size=2**31)
        self._fault = ZstdError
        self._frame: ZstdDecompressionObj | None = None
        self._ready = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        while not self._ready:
            packed = self._stream.read(_READ)
            if not packed:
                if self._frame is not None:
                    raise EOFError("it ends within a frame")
                return b""
            self._ready = memoryview(self._decompress(packed))
        block, self._ready = bytes(self._ready[:size]), self._ready[size:]
        return block

    def _decompress(self, packed: bytes) -> bytes:
        pieces = []
        while packed:
            if self._frame is None:
                self._frame = self._decompressor.decompressobj()
            try:
                pieces.append(self._frame.decompress(packed))
            except self._fault as fault:
                raise EOFError(str(fault)) from None
            packed = b""
            if self._frame.eof:
                packed, self._frame = self._frame.unused_data, None
        return b"".join(pieces)
