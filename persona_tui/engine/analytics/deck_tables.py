"""Tables in house style: rows of a known height, numbers that are never cut, names that are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pptx.enum.dml import MSO_THEME_COLOR as THEME
from pptx.enum.text import MSO_ANCHOR
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.table import Table, _Cell
from pptx.util import Inches

from persona_tui.engine.analytics.deck_shapes import (
    INK,
    QUIET,
    RULE,
    Box,
    Run,
    Style,
    describe,
    line_xml,
    to_emu,
    write_runs,
)
from persona_tui.engine.analytics.deck_text import LINE_HEIGHT, n_lines, shorten, text_width, wrap

CELL_PADDING = 0.07
HEADER_HEIGHT = 0.42
SIZES = (14, 13, 12, 11, 10, 9, 8)

_EDGE = 0.04
_ROW_SPACE = 0.1
_LINES = 2
_NO_TABLE_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    title : str
    width : float
        Inches.
    align : {"left", "right"}
        Right for numbers, which stay on one line.
    color : theme colour
        Of the title, where it stands for an arm.
    bold : bool
        Whether it is the one to look at.
    lead : float
        Inches of space before the text.
    """

    title: str
    width: float
    align: str = "left"
    color: THEME = QUIET
    bold: bool = False
    lead: float = CELL_PADDING

    @property
    def room(self) -> float:
        """Return the width that text can take."""
        return self.width - self.lead - CELL_PADDING


def add_table(
    slide: Slide,
    corner: tuple[float, float],
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    row_heights: Sequence[float],
    name: str,
    description: str,
    sizes: Sequence[float] = SIZES,
    most_lines: int = _LINES,
    strong_row: int | None = None,
) -> Box:
    """Add a table with a thin rule under each row; return where its body is.

    Parameters
    ----------
    corner : (float, float)
        Left and top.
    row_heights : sequence of float
        Of the header, then of each row.
    description : str
        What it shows, for those who hear the slide.
    sizes : sequence of float
        Falling; the first at which all numbers fit is taken.
    most_lines : int
        Of text in a cell, if its row holds them.
    strong_row : int, optional
        The row that sums the others up.
    """
    width = sum(column.width for column in columns)
    box = Box(*corner, width, sum(row_heights))
    frame = slide.shapes.add_table(len(rows) + 1, len(columns), *to_emu(box))
    frame.name = name
    describe(frame, description)
    table = frame.table
    _lay_out(table, columns, row_heights)
    size = _fitting_size(columns, rows, min(row_heights), sizes)
    _write_titles(table, columns, size)
    for place, (texts, height) in enumerate(zip(rows, row_heights[1:], strict=True)):
        lines = min(n_lines(height - 2 * _EDGE, size), most_lines)
        for column, text, cell in zip(columns, texts, table.rows[place + 1].cells, strict=True):
            style = Style(size, INK, bold=column.bold or place == strong_row)
            _write_cell(cell, text, column, style, lines=lines)
    return Box(box.left, box.top + row_heights[0], width, box.height - row_heights[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraphs:
    """A table of texts, whose rows are as high as what they say.

    Parameters
    ----------
    columns : tuple of Column
    rows : tuple of tuple of str
    size : float
    most_lines : int
        Of a cell, which is cut where it takes more.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    size: float
    most_lines: int

    def height(self, row: Sequence[str]) -> float:
        """Return how high a row is."""
        taken = max(self._n_lines(text, column) for text, column in zip(row, self.columns, strict=True))
        return taken * self.size * LINE_HEIGHT / 72 + _ROW_SPACE

    def _n_lines(self, text: str, column: Column) -> int:
        shown = shorten(text, column.room, self.size, bold=column.bold, lines=self.most_lines)
        return len(wrap(shown, column.room, self.size, bold=column.bold))

    def pages(self, height: float) -> list[list[tuple[str, ...]]]:
        """Return the rows on as few, as equal pages as there can be, each with room for a header."""
        heights = [self.height(row) for row in self.rows]
        parts = _flow(self.rows, heights, height - HEADER_HEIGHT)
        equal = sum(heights) / max(len(parts), 1) + max(heights, default=0.0)
        evened = _flow(self.rows, heights, min(equal, height - HEADER_HEIGHT))
        return evened if len(evened) == len(parts) else parts


def _flow(
    rows: Sequence[tuple[str, ...]], heights: Sequence[float], room: float
) -> list[list[tuple[str, ...]]]:
    parts: list[list[tuple[str, ...]]] = []
    left = 0.0
    for row, height in zip(rows, heights, strict=True):
        if height > left:
            parts.append([])
            left = room
        parts[-1].append(row)
        left -= height
    return parts


def add_paragraphs(
    slide: Slide,
    corner: tuple[float, float],
    table: Paragraphs,
    rows: Sequence[Sequence[str]],
    *,
    name: str,
    description: str,
) -> Box:
    """Add some rows of a table of texts; return where its body is."""
    return add_table(
        slide,
        corner,
        table.columns,
        rows,
        row_heights=[HEADER_HEIGHT, *(table.height(row) for row in rows)],
        sizes=[table.size],
        most_lines=table.most_lines,
        name=name,
        description=description,
    )


def row_heights(n_rows: int, height: float, *, tallest: float) -> list[float]:
    """Return the heights of a header and of equal rows that fit below it."""
    return [HEADER_HEIGHT, *[min(tallest, (height - HEADER_HEIGHT) / n_rows)] * n_rows]


def _write_titles(table: Table, columns: Sequence[Column], size: float) -> None:
    for column, cell in zip(columns, table.rows[0].cells, strict=True):
        _write_cell(cell, column.title, column, Style(size, column.color, bold=True), lines=1)


def _lay_out(table: Table, columns: Sequence[Column], row_heights: Sequence[float]) -> None:
    table._tbl.find(".//" + qn("a:tableStyleId")).text = _NO_TABLE_STYLE
    table.horz_banding = False
    for place, column in enumerate(columns):
        table.columns[place].width = Inches(column.width)
    for place, height in enumerate(row_heights):
        table.rows[place].height = Inches(height)


def _fitting_size(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], lowest_row: float, sizes: Sequence[float]
) -> float:
    """Return the largest size at which titles and numbers take one line, and a line fits its row."""
    numbers = [place for place, column in enumerate(columns) if column.align == "right"]
    texts = [(column.title, column.room) for column in columns]
    texts += [(row[place], columns[place].room) for row in rows for place in numbers]
    for size in sizes:
        fits_row = size * LINE_HEIGHT / 72 <= lowest_row
        if fits_row and all(text_width(text, size, bold=True) <= room for text, room in texts):
            return size
    return sizes[-1]


def _write_cell(cell: _Cell, text: str, column: Column, style: Style, *, lines: int) -> None:
    cell.margin_left, cell.margin_right = Inches(column.lead), Inches(CELL_PADDING)
    cell.margin_top = cell.margin_bottom = Inches(0)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    shown = shorten(text, column.room, style.size, bold=style.bold, lines=lines)
    write_runs(cell.text_frame.paragraphs[0], [Run(shown, style)], column.align)
    cell.fill.background()  # type: ignore[no-untyped-call]
    rule = RULE if style.color == INK else INK
    cell._tc.get_or_add_tcPr().insert(0, parse_xml(line_xml("a:lnB", rule, 0.75)))
