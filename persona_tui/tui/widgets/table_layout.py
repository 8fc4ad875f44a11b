"""Where the columns of a table stand at a width, and its lines as pieces of text that have a role."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import Final

from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import fitted
from persona_tui.tui.widgets.table_model import Column, Kind, TableView, cells

GAP: Final = 2
"""Cells between columns."""
MAX_WIDTH: Final = 32
"""Cells of a column where there is none to spare."""
MIN_CUT: Final = 4
"""Fewer cells than these of a column that runs over the edge are left blank."""
NARROW: Final = 30
"""Below this width rows have no number."""


class Role(StrEnum):
    """What a piece of a line is, which decides how it is styled."""

    CELL = "cell"
    CURSOR_CELL = "cursor-cell"
    MUTED = "muted"


Line = list[tuple[str, Role]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A column, where it begins on the line and the cells that it has there."""

    column: int
    x: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where columns stand.

    Parameters
    ----------
    width : int
        Cells of a line.
    number : int
        Cells of the rows' numbers; none where it is zero.
    widths : tuple of int
        Of all columns.
    frozen : int
        Columns that stay when others scroll.
    """

    width: int
    number: int
    widths: tuple[int, ...]
    frozen: int

    @property
    def gutter(self) -> int:
        """Return the cells of the pointer and of the number."""
        return GAP + self.number + (GAP if self.number else 0)

    @property
    def left(self) -> int:
        """Return where the columns that scroll begin."""
        frozen = sum(self.widths[: self.frozen]) + GAP * self.frozen
        return self.gutter + frozen + (1 if self.frozen else 0)

    @property
    def starts(self) -> list[int]:
        """Return where each column that scrolls begins, from ``left``."""
        moving = self.widths[self.frozen :]
        return list(accumulate((width + GAP for width in moving[:-1]), initial=0)) if moving else []

    @property
    def total(self) -> int:
        """Return the cells that all columns take."""
        moving = self.widths[self.frozen :]
        return self.left + sum(moving) + GAP * max(len(moving) - 1, 0)

    def placed(self, scroll_x: int) -> list[Placed]:
        """Return the columns in view; the first that scrolls begins where the frozen ones end."""
        return _placed(self, scroll_x)

    def scroll_to_show(self, column: int, scroll_x: int) -> int:
        """Return how far to scroll to have a column in view, with the least movement."""
        index = column - self.frozen
        starts = self.starts
        if index < 0 or not starts:
            return scroll_x
        end = starts[index] + self.widths[column]
        first = starts[min(bisect_left(starts, scroll_x), len(starts) - 1)]
        if starts[index] < first:
            return starts[index]
        if end <= first + self.width - self.left:
            return scroll_x
        fitting = bisect_left(starts, end - (self.width - self.left))
        return starts[min(fitting, index)]


@lru_cache(8)
def _placed(layout: Layout, scroll_x: int) -> list[Placed]:
    """Return the columns in view; remembered, as all lines of a page ask."""
    placed: list[Placed] = []
    x = layout.gutter
    for column in range(layout.frozen):
        placed.append(Placed(column=column, x=x, width=layout.widths[column]))
        x += layout.widths[column] + GAP
    x = layout.left
    starts = layout.starts
    first = min(bisect_left(starts, scroll_x), len(starts) - 1)
    for column in range(layout.frozen + max(first, 0), len(layout.widths)):
        wished, room = layout.widths[column], layout.width - x
        if room < 1 or (x > layout.left and room < min(MIN_CUT, wished)):
            break
        placed.append(Placed(column=column, x=x, width=min(wished, room)))
        x += wished + GAP
    return placed


def laid_out(columns: Sequence[Column], n_rows: int, width: int, frozen: int) -> Layout:
    """Return where columns stand: as wide as they wish where there is room; frozen ones take two thirds."""
    number = max(len(str(n_rows)), len(number_label(frozen))) if width >= NARROW else 0
    naturals = [column.natural for column in columns]
    widths = [min(natural, MAX_WIDTH) for natural in naturals]
    layout = Layout(width=width, number=number, widths=tuple(widths), frozen=min(frozen, len(widths)))
    spare = max(width - layout.total, 0)
    for index, natural in enumerate(naturals):
        more = min(natural - widths[index], spare)
        widths[index] += more
        spare -= more
    layout = replace(layout, widths=tuple(widths))
    while layout.frozen and layout.left > width * 2 // 3:
        layout = replace(layout, frozen=layout.frozen - 1)
    return layout


def number_label(frozen: int) -> str:
    """Return what stands above the rows' numbers: what they are, or that columns are frozen."""
    return "frozen" if frozen else "row"


def header_line(view: TableView, layout: Layout, *, scroll_x: int, column: int, glyphs: Glyphs) -> Line:
    """Return the names of the columns in view, the sorted one marked."""
    label = number_label(layout.frozen).rjust(layout.number) if layout.number else ""
    named = [
        (placed, _heading(view, placed, glyphs), Role.CURSOR_CELL if placed.column == column else Role.CELL)
        for placed in layout.placed(scroll_x)
    ]
    return _line(layout, " " * GAP + label, named, glyphs)


def row_line(
    view: TableView, layout: Layout, position: int, *, scroll_x: int, cursor: int | None, glyphs: Glyphs
) -> Line:
    """Return a row; ``cursor`` is the column under the cursor where it stands on this row."""
    pointer = (" " if cursor is None else glyphs.right) + " "
    number = str(view.frame_row(position) + 1).rjust(layout.number) if layout.number else ""
    drawn = []
    for placed in layout.placed(scroll_x):
        text = view.text(position, placed.column)
        shown = cell(text, view.columns[placed.column].kind, placed.width, glyphs)
        role = Role.MUTED if text is None else Role.CELL
        drawn.append((placed, shown, Role.CURSOR_CELL if placed.column == cursor else role))
    return _line(layout, pointer + number, drawn, glyphs)


def detail_line(
    view: TableView, position: int, column: int, *, width: int, glyphs: Glyphs, note: str = ""
) -> Line:
    """Return where the cursor is and what is there in full; at the right how many rows are shown."""
    counted = f"{view.n_shown:,} of {view.n_rows:,} rows" if view.query.text else f"{view.n_rows:,} rows"
    told = note or counted
    value = view.full_text(position, column)
    shown = "no value" if value is None else value or "empty text"
    text = f"row {view.frame_row(position) + 1}, {view.columns[column].label}: {shown}"
    if width < 2 * len(told) + GAP:
        return [(fitted(text, max(width, 1), glyphs), Role.CELL)]
    return [(fitted(text, width - len(told) - GAP, glyphs), Role.CELL), (" " * GAP + told, Role.MUTED)]


def nothing_told(view: TableView) -> str:
    """Return why no row is shown."""
    return f"No row holds {view.query.text!r}." if view.query.text else "This table has no rows."


def cell(text: str | None, kind: Kind, width: int, glyphs: Glyphs) -> str:
    """Return a value in exactly so many cells: text loses its middle, a number its last digits.

    Examples
    --------
    >>> from persona_tui.tui.glyphs import LADDER
    >>> cell("12345678", Kind.NUMBER, 10, LADDER["ascii"]), cell("12345678", Kind.NUMBER, 8, LADDER["ascii"])
    ('  12345678', '12345678')
    >>> cell("12345678", Kind.NUMBER, 3, LADDER["ascii"]), cell(None, Kind.TEXT, 3, LADDER["ascii"])
    ('  ~', '-  ')
    """
    shown = glyphs.rule if text is None else text
    if kind is Kind.TEXT:
        return shown.ljust(width) if shown.isascii() and len(shown) <= width else _cut(shown, width, glyphs)
    if cells(shown) > width:
        shown = _fewer_digits(shown, width, glyphs) if kind is Kind.NUMBER else glyphs.ellipsis
    return shown.rjust(width) if kind is Kind.NUMBER else shown.ljust(width)


@lru_cache(4096)
def _cut(text: str, width: int, glyphs: Glyphs) -> str:
    """Return a text fitted; remembered, as the same few names fill a page."""
    return fitted(text, width, glyphs)


def _fewer_digits(text: str, width: int, glyphs: Glyphs) -> str:
    try:
        short = f"{float(text):.3g}"
    except (ValueError, OverflowError):
        return glyphs.ellipsis
    return short if len(short) <= width else glyphs.ellipsis


def _heading(view: TableView, placed: Placed, glyphs: Glyphs) -> str:
    column = view.columns[placed.column]
    if view.query.column != column.name:
        return _aligned(column.label, column.kind, placed.width, glyphs)
    mark = glyphs.down if view.query.descending else glyphs.up
    if placed.width < 3:
        return mark.ljust(placed.width)
    named = _aligned(column.label, column.kind, placed.width - 2, glyphs)
    if column.kind is Kind.NUMBER:
        bare = named.lstrip(" ")
        return " " * (len(named) - len(bare)) + f"{mark} {bare}"
    bare = named.rstrip(" ")
    return f"{bare} {mark}" + " " * (len(named) - len(bare))


def _aligned(label: str, kind: Kind, width: int, glyphs: Glyphs) -> str:
    text = fitted(label, width, glyphs)
    bare = text.rstrip(" ")
    return " " * (len(text) - len(bare)) + bare if kind is Kind.NUMBER else text


def _line(layout: Layout, gutter: str, drawn: Sequence[tuple[Placed, str, Role]], glyphs: Glyphs) -> Line:
    """Return pieces with the gaps between them, to the end of the line."""
    x = min(len(gutter), layout.width)
    line: Line = [(gutter[:x], Role.MUTED)]
    for placed, text, role in drawn:
        ruled = layout.frozen and placed.x == layout.left
        gap = f" {glyphs.upright} " if ruled else ""
        line.append((gap.rjust(placed.x - x), Role.MUTED))
        line.append((text, role))
        x = placed.x + placed.width
    line.append((" " * max(layout.width - x, 0), Role.CELL))
    return line
