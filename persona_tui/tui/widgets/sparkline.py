"""A row of small columns: how something changes, at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from textual.content import Content

from persona_tui.tui.glyphs import Glyphs, column
from persona_tui.tui.widgets.figure import Figure, fitted, widest


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """What a sparkline shows.

    Parameters
    ----------
    values : tuple of float
        None below zero.
    label : str
        Before it; from the data.
    style : str
    """

    values: tuple[float, ...]
    label: str = ""
    style: str = "$primary"


class Sparkline(Figure[Spark]):
    """A sparkline of one line."""

    def draw(self, data: Spark, width: int, glyphs: Glyphs) -> list[Content]:
        """Return the label and the columns; values that have no cell of their own are averaged."""
        room = min(widest([data.label]) + 1, width // 3) if data.label else 0
        label = fitted(data.label, room - 1, glyphs) + " " if room > 1 else ""
        cells = resampled(data.values, max(width - max(room, 0), 0) if label else width)
        highest = max(cells, default=0)
        drawn = "".join(column(value / highest if highest else 0, glyphs) for value in cells)
        return [Content.assemble(label, (drawn, data.style))]


def resampled(values: Sequence[float], n: int) -> list[float]:
    """Return at most ``n`` values: means of neighbours where there are more.

    Examples
    --------
    >>> resampled([1, 3, 5, 7], 2), resampled([1, 3], 5)
    ([2.0, 6.0], [1.0, 3.0])
    """
    size = len(values)
    if size <= n:
        return [float(value) for value in values]
    ends = [round(cell * size / n) for cell in range(n + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(ends)]
