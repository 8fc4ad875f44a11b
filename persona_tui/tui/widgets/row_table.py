"""Rows of a table as text, those that hold some text alone where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from rich.text import Text
from textual.widgets import DataTable

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import LADDER, Glyphs
from persona_tui.tui.widgets.figure import fitted

WIDEST = 40
"""Cells of a column."""
WIDEST_LAST = 120
MOST_SHOWN = 200
"""Rows that are drawn at once: more would hold up the keys."""


class RowTable(DataTable[Text]):
    """The first rows that are asked for; the first column stays in view."""

    HELP = "Rows: arrows move, / keeps the rows that hold some text."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, cursor_type="row", zebra_stripes=True, fixed_columns=1)
        self._names: tuple[str, ...] = ()
        self._cells: tuple[tuple[str, ...], ...] = ()
        self.kept: tuple[tuple[str, ...], ...] = ()

    def show(self, names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
        """Show some rows."""
        self._names, self._cells = tuple(names), tuple(rows)
        self.filter("")

    def filter(self, text: str) -> int:
        """Keep the rows that hold a text, case aside, and return how many there are."""
        wanted = text.casefold()
        self.kept = tuple(
            row for row in self._cells if not wanted or any(wanted in cell.casefold() for cell in row)
        )
        self.clear(columns=True)
        glyphs: Glyphs = getattr(self.app, "glyphs", LADDER["eighths"])
        widest = [*[WIDEST] * (len(self._names) - 1), WIDEST_LAST]
        for name in self._names:
            self.add_column(Text(cell(name, WIDEST, glyphs)))
        self.add_rows(map(Text, map(cell, row, widest, repeat(glyphs))) for row in self.kept[:MOST_SHOWN])
        return len(self.kept)

    def jump_to(self, value: str) -> bool:
        """Put the cursor on the row whose first column is a value; return whether there is one in view."""
        at = next((n for n, row in enumerate(self.kept[:MOST_SHOWN]) if row[0] == value), None)
        if at is not None:
            self.move_cursor(row=at)
        return at is not None

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return self._names


def cell(text: str, widest: int, glyphs: Glyphs) -> str:
    """Return text from the data as a cell of the table, shortened in its middle.

    Examples
    --------
    >>> cell("a" * 9 + "z", 5, LADDER["ascii"])
    'aa~az'
    """
    shown = printable(text)
    return shown if Text(shown).cell_len <= widest else fitted(shown, widest, glyphs)
