"""A table of texts drawn in cells: numbers to the right, long texts shortened, columns that fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from textual.content import Content

from persona_tui.engine.text import inert_cell, printable
from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure, fitted, widest
from persona_tui.tui.widgets.measures import in_glyphs

_GAP = 2
_LEAST, _LEAST_FIRST = 6, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """What a table shows.

    Parameters
    ----------
    heads : tuple of str
    rows : tuple of tuple of str
        From the data.
    left : int
        Columns that hold texts, the first ones; the rest are numbers, to the right.
    last_is_text : bool
        Whether the last column holds a text too, which takes the room that is left.
    styles : tuple of str
        One a row; empty for the ordinary one.
    spare : tuple of int
        Columns that are left out first where there is no room, the first of these first.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    last_is_text: bool = False
    styles: tuple[str, ...] = field(default=())
    spare: tuple[int, ...] = ()

    def is_text(self, column: int) -> bool:
        """Return whether a column holds texts."""
        return column < self.left or (self.last_is_text and column == len(self.heads) - 1)

    def as_text(self) -> str:
        """Return the table with tabs between its columns; no spreadsheet runs its cells."""
        lines = [self.heads, *self.rows]
        return "\n".join("\t".join(inert_cell(printable(cell)) for cell in line) for line in lines)


class Table(Figure[TextTable]):
    """A table."""

    def draw(self, data: TextTable, width: int, glyphs: Glyphs) -> list[Content]:
        """Return the heads, then a line a row."""
        widths = column_widths(data, width)
        head = Content.styled(_line(data, data.heads, widths, glyphs), "$text-muted")
        styles = data.styles or ("",) * len(data.rows)
        rows = [
            Content.styled(_line(data, row, widths, glyphs), style)
            for row, style in zip(data.rows, styles, strict=True)
        ]
        return [head, *rows]


def column_widths(data: TextTable, width: int) -> list[int]:
    """Return the cells of each column: as wide as it is, but texts give way where there is no room.

    The widest text gives way first; where even that is not enough, columns are left out, which have no
    cells then: the spare ones first, then the last ones.
    """
    columns = list(range(len(data.heads)))
    wanted = [widest([data.heads[each], *(row[each] for row in data.rows)]) for each in columns]
    least = [
        min(size, _LEAST if each else _LEAST_FIRST) if data.is_text(each) else size
        for each, size in enumerate(wanted)
    ]
    leaving = [*data.spare, *(each for each in reversed(columns) if each not in data.spare)]
    shown = columns
    while len(shown) > 1 and _needed([least[each] for each in shown]) > width:
        gone = leaving.pop(0)
        shown = [each for each in shown if each != gone]
    widths = [wanted[each] if each in shown else 0 for each in columns]
    while _needed([widths[each] for each in shown]) > width:
        texts = [each for each in shown if data.is_text(each) and widths[each] > least[each]]
        if not texts:
            widths[shown[0]] = max(width, 0)
            break
        widths[max(texts, key=lambda each: widths[each])] -= 1
    return widths


def _needed(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _line(data: TextTable, cells: Sequence[str], widths: Sequence[int], glyphs: Glyphs) -> str:
    shown = []
    for column, size in enumerate(widths):
        if not size:
            continue
        text = fitted(cells[column], size, glyphs)
        if not data.is_text(column):
            bare = in_glyphs(text.rstrip(), glyphs)
            text = " " * (len(text) - len(bare)) + bare
        shown.append(text)
    return (" " * _GAP).join(shown)
