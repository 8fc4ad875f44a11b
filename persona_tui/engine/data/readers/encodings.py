"""Tell how a text file is encoded, and give its text as UTF-8, a block of whole lines at a time."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Final

from persona_tui.engine.errors import DataError

_LINE_BYTES: Final = 2**16
"""What is read to end a block with its last line, so that nothing of it is carried to the next."""
SAMPLE_BYTES: Final = 2**20
BLOCK_BYTES: Final = 2**25
"""Enough that parsing costs more than starting to, and a few of them fit anywhere."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_TELLING_BYTES: Final = 50
_ODD_SHARE: Final = 0.5
"""Of the lines that are not ASCII: with more that are no UTF-8, the file has another encoding."""


def encoding_of(sample: bytes) -> tuple[str, int]:
    r"""Return the encoding of a text and how many bytes at its beginning only mark it.

    Parameters
    ----------
    sample : bytes
        The beginning.

    Raises
    ------
    DataError
        If it is no text.

    Examples
    --------
    >>> encoding_of(b"a,b\n1,2"), encoding_of("\ufeffa,b".encode("utf-16-le"))
    (('utf-8', 0), ('utf-16-le', 2))
    """
    for mark, encoding in _BOMS:
        if sample.startswith(mark):
            return encoding, len(mark)
    wide = _without_mark(sample)
    if wide:
        return wide, 0
    if sample.count(b"\0") > len(sample) // 10:
        raise DataError("it holds zero bytes, as no text does", hint="Name a file of text, or check its end.")
    odd = [line for line in sample.split(b"\n")[:-1] or [sample] if not line.isascii()]
    wrong = sum(not is_utf8(line) for line in odd)
    if wrong <= _ODD_SHARE * len(odd):
        return "utf-8", 0
    if sum(byte > 127 for line in odd for byte in line) < _TELLING_BYTES:
        return "cp1252", 0  # too little tells one encoding from another: what the West writes
    from charset_normalizer import from_bytes  # noqa: PLC0415 - 40 ms, few logs need it

    best = from_bytes(b"\n".join(odd)[:SAMPLE_BYTES], cp_isolation=_LEGACY).best()
    return (best.encoding if best else "cp1252"), 0


_LEGACY: Final = [
    "cp1252",
    "latin_1",
    "cp1250",
    "cp1251",
    "cp932",
    "gb18030",
    "big5",
    "euc_kr",
    "shift_jis",
]


def _without_mark(sample: bytes) -> str:
    """Return the wide encoding of a text without a mark, empty where it has none."""
    head = sample[: 2 * (min(len(sample), 4096) // 2)]
    if len(head) < 4:
        return ""
    even, odd = head[::2].count(0) / len(head[::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.7 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 and odd < 0.1 else ""


def is_utf8(text: bytes) -> bool:
    """Return whether bytes are UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def utf8_chunks(stream: BinaryIO, encoding: str, n_mark: int, block_bytes: int) -> Iterator[bytes]:
    """Yield what a stream holds as UTF-8, as it is read; bytes that are no text stay as they are in UTF-8.

    Parameters
    ----------
    stream : binary file
        At its beginning.
    encoding : str
    n_mark : int
        Bytes at the beginning to leave out.
    block_bytes : int
        About how many bytes to read at once.
    """
    stream.read(n_mark)
    if encoding == "utf-8":
        while chunk := stream.read(block_bytes):
            yield chunk + stream.readline(_LINE_BYTES)
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while chunk := stream.read(block_bytes):
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()
