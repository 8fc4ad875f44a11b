"""Counts over time as columns, with the highest and both ends told."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure
from persona_tui.tui.widgets.numbers import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a histogram shows.

    Parameters
    ----------
    counts : tuple of float
    first, last : str
        Of the axis.
    step : str
        What one count is of, such as ``day``.
    unit : str
        What is counted.
    height : int
        Lines of the columns.
    """

    counts: tuple[float, ...]
    first: str
    last: str
    step: str
    unit: str = "events"
    height: int = 4


class Histogram(Figure[Columns]):
    """A histogram."""

    def draw(self, data: Columns, width: int, glyphs: Glyphs) -> list[Content]:
        """Return the columns from the top, then the axis; where there is room each count is several cells."""
        if not data.counts or width < 1:
            return [Content("")]
        cells, merged = _cells(data.counts, width)
        highest = max(cells)
        levels = len(glyphs.levels) - 1
        filled = [max(round(count / highest * levels * data.height), 1) if count else 0 for count in cells]
        lines = []
        for row in range(data.height - 1, -1, -1):
            text = "".join(glyphs.levels[min(max(each - row * levels, 0), levels)] for each in filled)
            lines.append(Content.styled(text, "$primary"))
        step = data.step if merged == 1 else f"{merged} x {data.step}"
        return [*lines, _axis(data, f"at most {shown(highest, 'count')} {data.unit} a {step}", width, glyphs)]


def _cells(counts: tuple[float, ...], width: int) -> tuple[list[float], int]:
    """Return a count a cell, neighbours added where there are more than cells, and how many were added."""
    merged = -(-len(counts) // width)
    added = [sum(counts[begin : begin + merged]) for begin in range(0, len(counts), merged)]
    return [added[cell * len(added) // width] for cell in range(width)], merged


def _axis(data: Columns, told: str, width: int, glyphs: Glyphs) -> Content:
    between = width - len(data.first) - len(data.last)
    if between < len(told) + 4:
        return Content.styled(f"{data.first}{glyphs.rule}{data.last}: {told}"[:width], "$text-muted")
    left = (between - len(told) - 2) // 2
    right = between - len(told) - 2 - left
    axis = f"{data.first}{glyphs.rule * left} {told} {glyphs.rule * right}{data.last}"
    return Content.styled(axis, "$text-muted")
