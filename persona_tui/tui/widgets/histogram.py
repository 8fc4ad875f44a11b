"""Counts over time, as columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs, column
from persona_tui.tui.widgets.figure import Figure, fitted, widest
from persona_tui.tui.widgets.numbers import shown
from persona_tui.tui.widgets.rows import MUTED, Cells, label_content, nothing, within

_LEAST_COLUMNS = 12
"""Cells that columns keep before anything stands beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a histogram shows.

    Parameters
    ----------
    counts : tuple of int
        Of bins of equal length, in time.
    labels : tuple of str
        When each bin begins.
    title : str
        Above the columns, beside the highest count and when it was.
    unit : str
        What is counted and for how long, such as "events a day".
    height : int
        Rows of columns; with 1 all stands on one line.
    style : str
    """

    counts: tuple[int, ...]
    labels: tuple[str, ...]
    title: str = ""
    unit: str = "events"
    height: int = 6
    style: str = "$primary"


class Histogram(Figure[Counts]):
    """Columns of counts over time, spread over the width there is."""

    def draw(self, data: Counts, width: int, glyphs: Glyphs) -> list[Content]:
        """Return the title with the highest count, the columns, and the times below them."""
        if not data.counts:
            return nothing(data.title, width, glyphs)
        return within((_one_line if data.height <= 1 else _many_lines)(data, width, glyphs), width)


def spread(values: Sequence[float], n: int) -> list[float]:
    """Return ``n`` values over the same time: of each cell the mean of what lies in it of the bins.

    Examples
    --------
    >>> spread([1, 3, 5, 7], 2), spread([1, 3], 4), spread([3, 0, 3], 2)
    ([2.0, 6.0], [1.0, 1.0, 3.0, 3.0], [2.0, 2.0])
    """
    size = len(values)
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)

    def sum_to(place: float) -> float:
        whole = min(math.floor(place + 1e-9), size)
        return sums[whole] + (max(place - whole, 0) * values[whole] if whole < size else 0)

    ends = [sum_to(cell * size / n) for cell in range(n + 1)]
    return [(ends[cell + 1] - ends[cell]) * n / size for cell in range(n)]


def _one_line(data: Counts, width: int, glyphs: Glyphs) -> list[Content]:
    """Return title, first time, columns, last time and highest count on one line, as far as they fit."""
    parts = [data.title, data.labels[0], data.labels[-1], f"highest {_highest(data)}"]
    rooms = [widest([part]) + 1 if part else 0 for part in parts]
    for part in (0, 3, 1, 2):
        if width - sum(rooms) < _LEAST_COLUMNS:
            rooms[part] = 0
    title, first, last, highest = (
        fitted(part, room - 1, glyphs) if room else "" for part, room in zip(parts, rooms, strict=True)
    )
    columns = _rows(data, max(width - sum(rooms), 1), 1, glyphs)[0]
    return [
        Content.assemble(
            (f"{title} " if title else "", "bold"),
            (f"{first} " if first else "", MUTED),
            (columns, data.style),
            (f" {last}" if last else "", MUTED),
            f" {highest}" if highest else "",
        )
    ]


def _many_lines(data: Counts, width: int, glyphs: Glyphs) -> list[Content]:
    """Return columns above an axis of times, with the highest count at their left."""
    highest = _highest(data)
    left = len(highest) + 1
    if width - left - 1 < _LEAST_COLUMNS:
        left = 0
    room = max(width - left - (1 if left else 0), 1)
    lines = [_title_line(data, width, glyphs)] if data.title else []
    rows = _rows(data, room, data.height, glyphs)
    for place, row in enumerate(rows):
        beside = highest if place == 0 else ""
        axis = f"{beside:>{left - 1}} {glyphs.upright}" if left else ""
        lines.append(Content.assemble((axis, MUTED), (row, data.style)))
    corner = f"{0:>{left - 1}} {glyphs.corner}" if left else ""
    ticks, times = _time_axis(data, room, glyphs)
    lines.append(Content.assemble((corner, MUTED), ticks))
    lines.append(Content.assemble(" " * (width - room), times))
    return lines


def _highest(data: Counts) -> str:
    return shown(max(data.counts), "count")


def _title_line(data: Counts, width: int, glyphs: Glyphs) -> Content:
    """Return the title, and to its right how high the highest is and when."""
    when = printable(data.labels[data.counts.index(max(data.counts))])
    tellings = [f"highest: {_highest(data)} {data.unit}, {when}", f"highest: {_highest(data)}", ""]
    title = widest([data.title])
    told = next(told for told in tellings if not told or title + 2 + cell_len(told) <= width)
    room = width - cell_len(told)
    return Content.assemble(label_content(data.title, room, glyphs, "bold"), (told, MUTED))


def _rows(data: Counts, width: int, height: int, glyphs: Glyphs) -> list[str]:
    """Return rows of columns, from the top; the highest count fills them, what is not zero shows."""
    highest = max(data.counts)
    shares = [value / highest if highest else 0.0 for value in spread(data.counts, width)]
    finest = len(glyphs.levels) - 1
    levels = [max(round(share * height * finest), 1 if share > 0 else 0) for share in shares]
    return [
        "".join(column((level - row * finest) / finest, glyphs) for level in levels)
        for row in range(height - 1, -1, -1)
    ]


def _time_axis(data: Counts, width: int, glyphs: Glyphs) -> tuple[Content, Content]:
    """Return a line with ticks, and the times of first and last bin and of as many between as fit."""
    line, times = Cells(width), Cells(width)
    line.put(0, glyphs.rule * width, MUTED)
    n = len(data.counts)
    longest = widest(data.labels)
    n_ticks = max(min(width // (2 * longest + 4), n - 1), 1)
    for tick in [0, n_ticks, *range(1, n_ticks)]:
        place = round(tick * (n - 1) / n_ticks)
        cell = min(int((place + 0.5) * width / n), width - 1)
        label = printable(data.labels[place])
        if times.put_apart(cell, label, MUTED):
            line.put(cell, glyphs.tee, MUTED)
    return line.content(), times.content()
