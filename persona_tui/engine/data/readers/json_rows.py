"""JSON, an object a line or in one array, a block at a time; every value as text, what is nested as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import polars as pl

from persona_tui.engine.data.pipelines import in_order
from persona_tui.engine.data.readers.encodings import SAMPLE_BYTES, encoding_of, utf8_chunks
from persona_tui.engine.data.readers.parts import EmptyFileError, Part
from persona_tui.engine.data.readers.tables import LINE, REJECT_COLUMNS, SHOWN_CHARACTERS, Batch
from persona_tui.engine.data.readers.text_blocks import Block, json_blocks_of
from persona_tui.engine.errors import DataError

BLOCK_BYTES: Final = 2**23
KEY_BYTES: Final = 2**24
"""How much of a file its columns are taken from."""
MAX_REJECTED_SHARE: Final = 0.5


class JsonTable:
    """A JSON text that is open.

    Parameters
    ----------
    part : Part
    encoding : str
    n_mark : int
        Bytes at the beginning that only mark the encoding.
    is_array : bool
        Whether objects stand in one array, and not one a line.
    block_bytes : int

    Notes
    -----
    The columns are the keys of all objects in the first 16 MB. Values are text whatever they are: a key
    whose type changes within the file loses nothing.
    """

    def __init__(
        self, part: Part, encoding: str, n_mark: int, *, is_array: bool, block_bytes: int = BLOCK_BYTES
    ) -> None:
        self.part = part
        self._encoding, self._n_mark, self._is_array = encoding, n_mark, is_array
        self._block_bytes = block_bytes
        names, self._looked_at_all = self._find_keys()
        if not names:
            raise EmptyFileError(
                f"'{part.name}' holds no JSON objects.", hint="Check that the export finished."
            )
        self.schema = pl.Schema(dict.fromkeys(names, pl.String))

    @property
    def name(self) -> str:
        """Return what the file is called in messages."""
        return self.part.name

    @property
    def size(self) -> int:
        """Return its bytes, unpacked, as far as that is known."""
        return self.part.unpacked_size

    @property
    def n_rows(self) -> None:
        """Return nothing: rows are known when they are read."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was settled in opening it."""
        told = [f"text is encoded in {self._encoding}"] if self._encoding != "utf-8" else []
        if not self._looked_at_all:
            told.append(f"columns are the keys in the first {KEY_BYTES >> 20} MB; later ones are not read")
        return tuple(told)

    def head(self, n_rows: int = 1_000) -> pl.DataFrame:
        """Return the first rows, all columns."""
        frames = [pl.DataFrame(schema=self.schema)]
        for block in self._blocks(min(self._block_bytes, SAMPLE_BYTES)):
            frames.append(_split(block, list(self.schema))[0].drop(LINE))
            if sum(frame.height for frame in frames) >= n_rows:
                break
        return pl.concat(frames).head(n_rows)

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Yield the rows with some columns only.

        Raises
        ------
        DataError
            If the file is damaged, or most of its lines are no objects.
        """
        n_rows, n_rejects, first = 0, 0, ""
        split = partial(_split, columns=list(columns))
        for frame, rejects, done in in_order(split, self._blocks(self._block_bytes), pl.thread_pool_size()):
            n_rows, n_rejects = n_rows + frame.height, n_rejects + len(rejects)
            first = first or (f"line {rejects[0][0]}: {rejects[0][1]}" if rejects else "")
            told = [(self.name, *each) for each in rejects]
            yield Batch(
                frame=frame,
                rejects=pl.DataFrame(told, schema=REJECT_COLUMNS, orient="row"),
                file=self.name,
                done=done,
            )
        if n_rejects > MAX_REJECTED_SHARE * (n_rows + n_rejects):
            raise DataError(f"'{self.name}' is not a table: most lines are no JSON objects ({first}).")

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes."""
        return self.part.fingerprint()

    def _blocks(self, block_bytes: int) -> Iterator[Block]:
        with self.part.open() as stream:
            chunks = utf8_chunks(stream, self._encoding, self._n_mark, block_bytes)
            yield from json_blocks_of(_counted(chunks), name=self.name, is_array=self._is_array)

    def _find_keys(self) -> tuple[list[str], bool]:
        """Return the keys of the first objects, in their order, and whether that were all objects."""
        keys: dict[str, None] = {}
        n_bytes = 0
        for block in self._blocks(SAMPLE_BYTES):
            for line in block.content.splitlines():
                found = _object(line)
                if found is not None:
                    keys.update(dict.fromkeys(found))
            n_bytes += len(block.content)
            if n_bytes > KEY_BYTES:
                return list(keys), False
        return list(keys), True


def _counted(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    done = 0
    for chunk in chunks:
        done += len(chunk)
        yield chunk, done


def open_json(part: Part) -> JsonTable:
    """Open a JSON text.

    Parameters
    ----------
    part : Part

    Raises
    ------
    EmptyFileError
        If there is nothing in it.
    DataError
        If it is no text, or no JSON.
    """
    with part.open() as stream:
        sample = stream.read(SAMPLE_BYTES)
    if not sample.strip():
        raise EmptyFileError(f"'{part.name}' is empty.", hint="Check that the export finished.")
    try:
        encoding, n_mark = encoding_of(sample)
    except DataError as fault:
        raise DataError(f"'{part.name}' is not a text file: {fault.message}.", hint=fault.hint) from None
    text = sample[n_mark:].decode(encoding, errors="replace").lstrip()
    first = text.split("\n", 1)[0].strip()
    is_array = text.startswith("[") or (len(first) < len(text.rstrip()) and _object(first.encode()) is None)
    return JsonTable(part, encoding, n_mark, is_array=is_array)


def _object(line: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _split(block: Block, columns: Sequence[str]) -> tuple[pl.DataFrame, list[tuple[int, str, str]], int]:
    """Return the rows of a block, what is no object, and how far the source is read."""
    rejects = list(block.rejects)
    content = block.content
    parsed = _parse(content, columns)
    numbers = _numbers_of_lines(block)
    if parsed is None or parsed.height != len(numbers):
        content, more = _without_other(block, numbers, columns)
        rejects += more
        parsed = _parse(content, columns)
        dropped = {line for line, *_ in more}
        numbers = [number for number in numbers if number not in dropped]
    if parsed is None or parsed.height != len(numbers):
        raise DataError(f"JSON from line {block.first_line} on cannot be read.", hint="Check the export.")
    lines = pl.Series(LINE, numbers, dtype=pl.Int64)
    empty = [pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in columns]
    return pl.DataFrame([lines, *parsed.select(empty).get_columns()]), rejects, block.done


def _parse(content: bytes, columns: Sequence[str]) -> pl.DataFrame | None:
    if not content.strip():
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    wanted = dict.fromkeys(columns or ["__none__"], pl.String)
    try:
        return pl.read_ndjson(content, schema=wanted)
    except pl.exceptions.PolarsError:
        return None


def _numbers_of_lines(block: Block) -> list[int]:
    """Return the line of every object."""
    if block.lines:
        return list(block.lines)
    return [block.first_line + place for place, line in enumerate(block.content.split(b"\n")) if line.strip()]


def _without_other(
    block: Block, numbers: list[int], columns: Sequence[str]
) -> tuple[bytes, list[tuple[int, str, str]]]:
    """Leave out lines that are no JSON objects, or hold what JSON has not, as ``NaN``."""
    kept, rejects = [], []
    lines = [line for line in block.content.split(b"\n") if line.strip()]
    for number, line in zip(numbers, lines, strict=True):
        parsed = None if _object(line) is None else _parse(line, columns)
        if parsed is None or parsed.height != 1:
            shown = line.strip()[:SHOWN_CHARACTERS].decode(errors="backslashreplace")
            rejects.append((number, "not a JSON object", shown))
        else:
            kept.append(line)
    return b"\n".join(kept), rejects
