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
_LEAST = 6


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
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    last_is_text: bool = False
    styles: tuple[str, ...] = field(default=())

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

    The widest text gives way first; where even that is not enough, the last columns are left out.
    """
    columns = range(len(data.heads))
    wanted = [widest([data.heads[each], *(row[each] for row in data.rows)]) for each in columns]
    while wanted:
        excess = sum(wanted) + _GAP * (len(wanted) - 1) - width
        if excess <= 0:
            break
        texts = [each for each in range(len(wanted)) if data.is_text(each) and wanted[each] > _LEAST]
        if not texts:
            wanted.pop()
            continue
        widest_text = max(texts, key=lambda each: wanted[each])
        wanted[widest_text] -= 1
    return wanted or [max(width, 0)]


def _line(data: TextTable, cells: Sequence[str], widths: Sequence[int], glyphs: Glyphs) -> str:
    shown = []
    for column, size in enumerate(widths):
        text = fitted(cells[column], size, glyphs)
        if not data.is_text(column):
            bare = in_glyphs(text.rstrip(), glyphs)
            text = " " * (len(text) - len(bare)) + bare
        shown.append(text)
    return (" " * _GAP).join(shown)
