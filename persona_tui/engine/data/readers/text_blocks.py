"""Cut a stream of text into blocks of whole rows; lines that are no text are set aside."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.data.readers.encodings import is_utf8
from persona_tui.engine.data.readers.tables import SHOWN_CHARACTERS
from persona_tui.engine.errors import DataError

NEWLINE: Final = ord("\n")
_LONGEST_ROW: Final = 2**26
"""Text that goes on for longer without a line end outside quotes has a quote that is never closed."""
_PIECE: Final = 2**18
_BEGIN: Final = re.compile(r"[\s,\[]*(?=\{)")
_QUOTED_OR_RETURN: Final = re.compile(rb'"[^"]*"|\r(?!\n)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some whole rows of a text.

    Parameters
    ----------
    content : bytes
        UTF-8; lines that were set aside are blank.
    first_line : int
    n_lines : int
    rejects : tuple of (int, str, str)
        Line, reason and content of lines that are no text.
    done : int
        Bytes read so far.
    mixed_ends : bool
        Whether carriage returns alone ended lines.
    lines : tuple of int
        Where each row begins, where that is not simply one line after another.
    """

    content: bytes
    first_line: int
    n_lines: int
    rejects: tuple[tuple[int, str, str], ...]
    done: int
    mixed_ends: bool = False
    lines: tuple[int, ...] = ()


def blocks_of(chunks: Iterable[tuple[bytes, int]], *, returns_only: bool = False) -> Iterator[Block]:
    """Yield a text in blocks that end where a row does.

    Parameters
    ----------
    chunks : iterable of (bytes, int)
        The text as UTF-8, and how many bytes of the source are read with it.
    returns_only : bool
        Whether all lines end with a carriage return, as on early Macintoshes.
    """
    rest, line, done = b"", 1, 0
    for chunk, done in chunks:
        data = rest + (chunk.replace(b"\r", b"\n") if returns_only else chunk)
        cut = _end_of_rows(data)
        rest = data[cut:]
        if cut:
            block = _block(data[:cut], line, done)
            line += block.n_lines
            yield block
    if rest:
        yield _block(rest, line, done)


def _end_of_rows(data: bytes) -> int:
    """Return where the last row ends that is whole; 0 if there is none."""
    at = data.rfind(b"\n")
    if at < 0 or b'"' not in data:
        return at + 1
    before = data.count(b'"', 0, at)
    end = at
    while end >= 0 and before % 2:
        earlier = data.rfind(b"\n", 0, end)
        before -= data.count(b'"', max(earlier, 0), end)
        end = earlier
    if end >= 0:
        return end + 1
    return at + 1 if len(data) > _LONGEST_ROW else 0


def _block(content: bytes, line: int, done: int) -> Block:
    content, mixed = _one_line_end(content)
    content, rejects = _without_junk(content, line)
    n_lines = count_byte(content, NEWLINE)
    return Block(
        content=content,
        first_line=line,
        n_lines=n_lines + (not content.endswith(b"\n")),
        rejects=tuple(rejects),
        done=done,
        mixed_ends=mixed,
    )


def count_byte(content: bytes, byte: int) -> int:
    """Return how often a byte occurs, looked at in pieces that stay in the caches of a core."""
    text = np.frombuffer(content, np.uint8)
    pieces = (text[begin : begin + _PIECE] for begin in range(0, len(text), _PIECE))
    return sum(int(np.count_nonzero(piece == byte)) for piece in pieces)


def _one_line_end(content: bytes) -> tuple[bytes, bool]:
    """Return a text whose lines all end with a line feed; within quotes nothing is touched."""
    if b"\r" not in content or content.count(b"\r") == content.count(b"\r\n"):
        return content, False
    if b'"' not in content:
        return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), True
    ended = _QUOTED_OR_RETURN.sub(lambda found: b"\n" if found[0] == b"\r" else found[0], content)
    return ended, ended != content


def _without_junk(content: bytes, first_line: int) -> tuple[bytes, list[tuple[int, str, str]]]:
    """Blank lines that are no text, so that the lines after them keep their number."""
    if content.isascii() and b"\0" not in content:
        return content, []
    if b"\0" not in content and is_utf8(content):
        return content, []
    lines, rejects = content.split(b"\n"), []
    for number, line in enumerate(lines):
        reason = "holds a zero byte" if b"\0" in line else "" if is_utf8(line) else "not UTF-8 text"
        if reason:
            shown = line.rstrip()[:SHOWN_CHARACTERS].decode(errors="backslashreplace").replace("\0", "\\0")
            rejects.append((first_line + number, reason, shown))
            lines[number] = b""
    return b"\n".join(lines), rejects


def json_blocks_of(chunks: Iterable[tuple[bytes, int]], *, name: str, is_array: bool) -> Iterator[Block]:
    """Yield a JSON text in blocks of one object a line.

    Parameters
    ----------
    chunks : iterable of (bytes, int)
        The text as UTF-8, and how many bytes of the source are read with it.
    name : str
        Of the file, for messages.
    is_array : bool
        Whether objects stand in one array or over several lines.
    """
    if is_array:
        yield from _blocks_of_objects(chunks, name)
        return
    rest, line, done = b"", 1, 0
    for chunk, done in chunks:
        data = rest + chunk
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if cut:
            block = _block(data[:cut], line, done)
            line += block.n_lines
            yield block
    if rest:
        yield _block(rest, line, done)


def _blocks_of_objects(chunks: Iterable[tuple[bytes, int]], name: str) -> Iterator[Block]:
    """Yield the objects of a JSON array, or one after another, each on a line of its own."""
    decode = json.JSONDecoder().raw_decode
    unpack = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest, line, fault = "", 1, "it holds no objects"
    for chunk, done in chunks:
        text, at = rest + unpack.decode(chunk), 0
        objects, lines = [], []
        while found := _BEGIN.match(text, at):
            line += text.count("\n", at, found.end())
            at = found.end()
            try:
                _, end = decode(text, at)
            except (ValueError, RecursionError) as error:  # numbers of too many digits, or too deep
                fault = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                break
            objects.append(text[at:end].replace("\n", " ").replace("\r", " "))
            lines.append(line)
            line += text.count("\n", at, end)
            at = end
        rest = text[at:]
        if len(rest) > _LONGEST_ROW:
            break
        if objects:
            content = "\n".join(objects).encode() + b"\n"
            yield Block(
                content=content,
                first_line=line,
                n_lines=len(objects),
                rejects=(),
                done=done,
                lines=tuple(lines),
            )
    if rest.strip(" \t\r\n,[]"):
        raise DataError(
            f"'{name}' is damaged or cut off at line {line}: {fault}.", hint="Check that the export finished."
        )
