"""Read XES, the interchange format of process mining: a trace is a case, its events become rows.

References
----------
IEEE 1849-2023, *Standard for eXtensible Event Stream (XES)*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Final, Self
from xml.parsers import expat

import polars as pl

from persona_tui.engine.data.readers.parts import EmptyFileError, Part
from persona_tui.engine.data.readers.tables import LINE, Batch, no_rejects
from persona_tui.engine.errors import DataError

CASE: Final = "case:"
"""What stands before the names of a trace's attributes."""
_BLOCK: Final = 2**20
_BATCH_ROWS: Final = 2**16
"""Fewer than other formats give: while they are gathered, rows are dictionaries."""
_NUMBERS: Final[dict[str, Callable[[str], object]]] = {"int": int, "float": float}
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_TEXTS: Final = frozenset({"string", "date", "id"})
_VALUES: Final = _TEXTS | {"int", "float", "boolean"}
_SKIPPED: Final = frozenset({"global", "classifier", "extension"})
_NESTED: Final = frozenset({"list", "container"})
_ATTRIBUTES: Final = _VALUES | _NESTED
_TYPES: Final[dict[str, pl.DataType]] = {"int": pl.Int64(), "float": pl.Float64(), "boolean": pl.Boolean()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class XesTable:
    """An XES log that is open.

    Parameters
    ----------
    part : Part
    schema : Schema
        Attributes of traces as ``case:NAME``, then those of events; dates are text, as written.
    n_rows : int
    first_rows : DataFrame
    notes : tuple of str
    """

    part: Part
    schema: pl.Schema
    n_rows: int
    first_rows: pl.DataFrame = field(repr=False)
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return what the file is called in messages."""
        return self.part.name

    @property
    def size(self) -> int:
        """Return the number of events."""
        return self.n_rows

    def head(self, n_rows: int = 1_000) -> pl.DataFrame:
        """Return the first rows, all columns."""
        if n_rows <= self.first_rows.height:
            return self.first_rows.head(n_rows)
        frames, missing = [], n_rows
        for batch in self.batches(self.schema.names()):
            frames.append(batch.frame.drop(LINE).head(missing))
            missing -= frames[-1].height
            if missing <= 0:
                break
        return pl.concat(frames)

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Yield the events in the order of the log, with some columns only."""
        done = 0
        for log in _blocks(self.part, frozenset(columns), at_least=_BATCH_ROWS):
            done += len(log.lines)
            yield Batch(
                frame=log.frame({name: self.schema[name] for name in columns}),
                rejects=no_rejects(),
                file=self.part.name,
                done=done,
            )

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes."""
        return self.part.fingerprint()


def open_xes(part: Part) -> XesTable:
    """Open an XES log.

    Parameters
    ----------
    part : Part

    Returns
    -------
    XesTable
        ``LINE`` is the line at which an event begins. Lists, containers and attributes of attributes
        are left out and told. Events of no trace have no case.

    Raises
    ------
    DataError
        If it is no XML, is cut off (the message names the line), or declares entities.
    EmptyFileError
        If it holds no events.

    Notes
    -----
    The file is read once to know its columns with their types, and again for its rows.
    """
    types: dict[str, str] = {}
    nested: dict[str, None] = {}
    n_rows = 0
    first: pl.DataFrame | None = None
    for log in _blocks(part, None, at_least=1_000):
        for name, kind in log.kinds.items():
            types[name] = kind if types.get(name, kind) == kind else _joined_kind(types[name], kind)
        nested |= log.nested
        n_rows += len(log.lines)
        if first is None and log.lines:
            first = log.frame({name: pl.String() for name in types})
    if first is None:
        raise EmptyFileError(f"'{part.name}' holds no events.", hint="Check that the export finished.")
    ordered = sorted(types, key=lambda name: not name.startswith(CASE))
    schema = pl.Schema({name: _TYPES.get(types[name], pl.String()) for name in ordered})
    told = (f"lists and nested attributes are left out: {', '.join(sorted(nested))}",) if nested else ()
    rows = first.drop(LINE)
    shapes = [
        (pl.col(name) if name in rows.columns else pl.lit(None, dtype=pl.String)).alias(name)
        for name in ordered
    ]
    typed = rows.select(shapes).select(_typed(name, dtype) for name, dtype in schema.items())
    return XesTable(part=part, schema=schema, n_rows=n_rows, first_rows=typed, notes=told)


def _joined_kind(one: str, other: str) -> str:
    return "float" if {one, other} == {"int", "float"} else "string"


def _typed(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column of text as what its values were all found to be."""
    text = pl.col(name)
    if dtype == pl.Boolean:
        return text.replace_strict(_BOOLEANS, return_dtype=pl.Boolean)
    return text.str.strip_chars().cast(dtype) if dtype != pl.String else text


class _Log:
    """What the parser has found since it was last emptied.

    Parameters
    ----------
    parser : XMLParserType
        Tells the line that it is at.
    wanted : frozenset of str, optional
        Names of the columns to keep; all, with their types, unless given.
    """

    def __init__(self, parser: expat.XMLParserType, wanted: frozenset[str] | None) -> None:
        self.wanted = wanted
        self.lines: list[int] = []
        self.kinds: dict[str, str] = {}
        self.nested: dict[str, None] = {}
        self.n_whole = 0
        """How many rows are of traces that have ended."""
        self._parser = parser
        self._in_trace = False
        self._events: list[dict[str, str]] = []
        self._cases: list[dict[str, str]] = []
        self._case: dict[str, str] = {}
        self._event: dict[str, str] | None = None
        self._depth = 0
        """How deep the parser is within an attribute, 0 outside."""
        self._skipped = 0
        """How deep the parser is within what holds no events' attributes, as ``global``."""

    def take(self, n_rows: int) -> Self:
        """Return the first rows with what is known of all; they are forgotten here."""
        taken = copy(self)
        taken.lines, self.lines = self.lines[:n_rows], self.lines[n_rows:]
        taken._events, self._events = self._events[:n_rows], self._events[n_rows:]
        taken._cases, self._cases = self._cases[:n_rows], self._cases[n_rows:]
        self.n_whole = 0
        return taken

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the beginning of an element."""
        if self._depth:
            self._depth += 1
            if "key" in attributes:
                self.nested[attributes["key"]] = None
            return
        if ":" in tag:  # a prefix of the name space
            tag = tag.rpartition(":")[2]
        if self._skipped or tag in _SKIPPED:
            self._skipped += 1
        elif tag in _ATTRIBUTES:
            self._depth = 1
            self._keep(tag, attributes)
        elif tag == "event":
            self._event = {}
            self.lines.append(self._parser.CurrentLineNumber)
            self._events.append(self._event)
            self._cases.append(self._case)
        elif tag == "trace":
            self._case, self._in_trace = {}, True

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        if self._depth:
            self._depth -= 1
        elif self._skipped:
            self._skipped -= 1
        elif tag.endswith("event"):
            self._event = None
            if not self._in_trace:
                self.n_whole = len(self.lines)
        elif tag.endswith("trace"):
            self._case, self._in_trace = {}, False
            self.n_whole = len(self.lines)

    def _keep(self, tag: str, attributes: dict[str, str]) -> None:
        key = attributes.get("key", "")
        if self._event is None:
            if not self._in_trace:  # an attribute of the log
                return
            key = CASE + key
        if tag in _NESTED:
            self.nested[key] = None
            return
        value = attributes.get("value")
        if value is None:
            return
        if self.wanted is None:
            kind = _kind(tag, value)
            if self.kinds.setdefault(key, kind) != kind:
                self.kinds[key] = _joined_kind(self.kinds[key], kind)
        elif key not in self.wanted:
            return
        (self._case if self._event is None else self._event)[key] = value

    def frame(self, schema: dict[str, pl.DataType]) -> pl.DataFrame:
        """Return the rows with some columns."""
        columns = [pl.Series(LINE, self.lines, dtype=pl.Int64)]
        for name in schema:
            rows = self._cases if name.startswith(CASE) else self._events
            columns.append(pl.Series(name, [row.get(name) for row in rows], dtype=pl.String))
        return pl.DataFrame(columns).select(LINE, *(_typed(name, dtype) for name, dtype in schema.items()))


def _kind(tag: str, value: str) -> str:
    """Return the tag of a value, ``string`` where the value is none of that kind."""
    if tag == "boolean":
        return tag if value in _BOOLEANS else "string"
    if tag in _NUMBERS:
        if not value.isascii() or "_" in value:  # which Python takes for digits
            return "string"
        try:
            number = _NUMBERS[tag](value)
        except ValueError:
            return "string"
        too_large = isinstance(number, int) and not -(2**63) <= number < 2**63
        return "string" if too_large else tag
    return "string"


def _blocks(part: Part, wanted: frozenset[str] | None, *, at_least: int) -> Iterator[_Log]:
    """Parse a file, and give what was found whenever it is enough; traces stay whole.

    Raises
    ------
    DataError
        If it is no XML, is cut off, or declares entities.
    """
    parser = expat.ParserCreate()
    log = _Log(parser, wanted)

    def refuse(name: str, *_: object) -> None:
        raise DataError(f"'{part.name}' declares the entity '{name}', which is not read.")

    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = log.start
    parser.EndElementHandler = log.end
    with part.open() as stream:
        block = b"-"
        while block:
            block = stream.read(_BLOCK)
            try:
                parser.Parse(block, not block)
            except expat.ExpatError as fault:
                raise DataError(
                    f"'{part.name}' is not readable XES: line {fault.lineno:,}: "
                    f"{expat.ErrorString(fault.code)}.",
                    hint="It may be cut off: copy or export it again.",
                ) from None
            if log.n_whole >= at_least or (log.n_whole and not block):
                yield log.take(log.n_whole)
