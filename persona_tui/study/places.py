"""Places in a TOML document: on which line each stands, and what is wrong there.

The standard parser gives values without lines. It has accepted the text before it comes here, so
that walking over it needs no more than telling keys, strings, arrays and tables apart.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from typing import Final, TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""The keys, and positions in arrays from 0, that lead to a value."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY: Final = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'=\]])+""")
_SCALAR: Final = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"{3,5}'  # a quote or two may stand before those that close
    r"|'''[\s\S]*?'{3,5}"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'"
    r"|[^,\]}\n#]+"
)


def lines_of(text: str) -> dict[Place, int]:
    """Return the line, from 1, of every table, key and item of a TOML text.

    Parameters
    ----------
    text : str
        Valid TOML.

    Returns
    -------
    dict
        Line by place; a table's is that of its header, or of the first key that implies it.

    Notes
    -----
    One pass, O(length).

    Examples
    --------
    >>> lines_of('seed = 1  # seed = 2' + chr(10) + '[[scenarios]]' + chr(10) + 'name = "a"')
    {('seed',): 1, ('scenarios',): 2, ('scenarios', 0): 2, ('scenarios', 0, 'name'): 3}
    """
    walk = _Walk(text)
    walk.document()
    return walk.lines


class _Walk:
    """One pass over a text, from the top."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._text = text
        self._at = 0
        self._breaks = [position for position, char in enumerate(text) if char == "\n"]
        self._n_tables: dict[Place, int] = {}

    def document(self) -> None:
        table: Place = ()
        while self._peek():
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _peek(self) -> str:
        """Return the next character that is neither blank nor comment; empty at the end."""
        self._at = self._end_of(_BLANK)
        return self._text[self._at : self._at + 1]

    def _end_of(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        return found.end() if found else self._at

    def _line(self) -> int:
        return bisect_left(self._breaks, self._at) + 1

    def _header(self) -> Place:
        line = self._line()
        n_brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += n_brackets
        *outer, last = self._key()
        self._at += n_brackets
        place: Place = ()
        for name in outer:
            place = self._current((*place, name))
            self.lines.setdefault(place, line)
        place = (*place, last)
        if n_brackets == 2:
            self.lines.setdefault(place, line)
            self._n_tables[place] = self._n_tables.get(place, 0) + 1
            place = self._current(place)
        self.lines[place] = line
        return place

    def _current(self, place: Place) -> Place:
        """Return the table that a name in a header means: in an array of tables, the last so far."""
        return (*place, self._n_tables[place] - 1) if place in self._n_tables else place

    def _key(self) -> list[str]:
        """Read a key, dotted or not, up to what follows it; the parser knows the escapes."""
        end = self._end_of(_KEY)
        nested: object = tomllib.loads(f"{self._text[self._at : end].strip()} = 0")
        self._at = end
        names: list[str] = []
        while isinstance(nested, dict):
            ((name, nested),) = nested.items()
            names.append(name)
        return names

    def _pair(self, place: Place) -> None:
        line = self._line()
        for name in self._key():
            place = (*place, name)
            self.lines.setdefault(place, line)
        self._at += 1
        self._value(place)

    def _value(self, place: Place) -> None:
        opened = self._peek()
        if opened not in "[{":
            self._at = self._end_of(_SCALAR)
            return
        self._at += 1
        n_items = 0
        while self._peek() not in "]}":
            if opened == "[":
                self.lines[*place, n_items] = self._line()
                self._value((*place, n_items))
                n_items += 1
            else:
                self._pair(place)
            if self._peek() == ",":
                self._at += 1
        self._at += 1


class Faults:
    """What is wrong in a document, each with its place, gathered before anything is raised."""

    def __init__(self) -> None:
        self._found: list[tuple[Place, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: Place, message: str) -> None:
        """Remember one; an empty message is none."""
        if message:
            self._found.append((place, message))

    def extend(self, others: Faults, *, under: Place = ()) -> None:
        """Remember all that were gathered elsewhere, with places that are under one of this document."""
        self._found += [((*under, *place), message) for place, message in others._found]

    def told(self, text: str) -> list[str]:
        """Return one sentence a fault, in the order of the lines of the text."""
        lines = lines_of(text)
        numbered = [(_nearest(lines, place), message) for place, message in self._found]
        return [f"line {line}: {message}" for line, message in sorted(numbered, key=lambda each: each[0])]


def _nearest(lines: dict[Place, int], place: Place) -> int:
    """Return the line of a place, or of the table in which it is missing."""
    return next((lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines), 1)
