"""Values with their intervals, one row each on a shared axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from textual.content import Content

from persona_tui.tui.glyphs import Glyphs, bar
from persona_tui.tui.widgets.figure import Figure, fitted, widest
from persona_tui.tui.widgets.measures import MEASURES, Scale, find_scale, in_glyphs
from persona_tui.tui.widgets.numbers import Kind, in_cells, shown, shown_interval
from persona_tui.tui.widgets.rows import (
    MUTED,
    Cells,
    Layout,
    axis_lines,
    deal_width,
    label_content,
    nothing,
    within,
)

_UNITS: Final = {"points": "points", "signed": "SD"}
_WITH_INTERVAL: Final = 2
"""Columns of numbers that stay where any bar can: the value and its interval."""
_SMALLEST_PLOT: Final = 5
"""Above values that do not say their unit themselves; effects are in standard deviations."""

Mark: TypeAlias = Literal["bar", "point"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """One estimate.

    Parameters
    ----------
    label : str
        From the data.
    value : float
        NaN where there is none.
    low, high : float, optional
        Of its 95 % interval; None where none was worked out.
    n : int, optional
        How many it rests on.
    note : str
        What else is told of it, where there is room.
    style : str
        Of its mark.

    Examples
    --------
    Uplift of a persona: ``IntervalRow(label=one.name, value=uplift.value, low=uplift.total[0],
    high=uplift.total[1], n=card.users)``, in ``Intervals(rows=..., kind="points")``.
    """

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    note: str = ""
    style: str = "$primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """What interval bars show.

    Parameters
    ----------
    rows : tuple of IntervalRow
    kind : str
        Of the numbers. Differences (``points``, ``signed``) lie on both sides of zero, ``lift`` of one and
        on an axis of ratios; values there say by an arrow on which side their whole interval lies.
    title : str
        What is measured, above the bars.
    n_title : str
        What ``n`` counts, above its column.
    mark : {"bar", "point"}
        Bars begin at zero; points have an axis as short as the data lets it be.
    """

    rows: tuple[IntervalRow, ...]
    kind: Kind = "percent"
    title: str = ""
    n_title: str = "n"
    mark: Mark = "bar"


class IntervalBars(Figure[Intervals]):
    """Bars with whiskers, their values, intervals and counts in numbers."""

    def draw(self, data: Intervals, width: int, glyphs: Glyphs) -> list[Content]:
        """Return a line of titles, one line a row, and the axis; numbers go before the bars do."""
        if not data.rows:
            return nothing(data.title, width, glyphs)
        table = _table(data, glyphs)
        titles = _titles(data, table)
        labels, numbers = [row.label for row in data.rows], [*zip(titles, *table, strict=True)]
        layout = deal_width(labels, numbers, width, needed=_WITH_INTERVAL, smallest_plot=_SMALLEST_PLOT)
        with_origin = data.mark == "bar" or MEASURES[data.kind].is_two_sided
        scale = find_scale(data.kind, _ends(data), max(layout.plot, 1), with_origin=with_origin)
        lines = layout.titles(data.title, titles, glyphs)
        lines += [
            interval_line(row, numbers, layout, scale, glyphs, mark=data.mark)
            for row, numbers in zip(data.rows, table, strict=True)
        ]
        if layout.plot >= 2:
            indent = Content(" " * layout.label)
            lines += [layout.line(indent, line, []) for line in axis_lines(scale, glyphs)]
        return within(lines, width)


def interval_line(
    row: IntervalRow,
    numbers: Sequence[str],
    layout: Layout,
    scale: Scale,
    glyphs: Glyphs,
    *,
    mark: Mark = "bar",
) -> Content:
    """Return a row: its label, its bar or point with whiskers, its numbers."""
    plot = _plot(row, scale, mark, glyphs) if layout.plot else Content("")
    styled = [(text, "" if place == 0 else MUTED) for place, text in enumerate(numbers)]
    return layout.line(label_content(row.label, layout.label, glyphs), plot, styled)


def _plot(row: IntervalRow, scale: Scale, mark: Mark, glyphs: Glyphs) -> Content:
    """Return a bar from the origin to where doubt begins, the whisker, and the estimate on it."""
    cells = Cells(scale.width)
    origin = scale.cell(scale.measure.origin)
    if scale.measure.is_two_sided:
        cells.put(origin, glyphs.upright, MUTED)
    if not math.isfinite(row.value):
        return cells.content()
    value = scale.cell(row.value)
    if row.low is None or row.high is None:
        if mark == "bar":
            _put_bar(cells, row, scale, glyphs)
        else:
            cells.put(value, glyphs.point, row.style)
        return cells.content()
    low, high = scale.cell(row.low), scale.cell(row.high)
    if mark == "bar":
        solid = glyphs.steps[-1]
        cells.put(origin, solid * (low - origin), row.style)
        cells.put(high + 1, solid * (origin - high), row.style)
    cells.put(low, glyphs.whisker * (high - low + 1), row.style)
    if high > low:
        cells.put(low, glyphs.whisker_left, row.style)
        cells.put(high, glyphs.whisker_right, row.style)
    cells.put(value, glyphs.point, row.style)
    return cells.content()


def _table(data: Intervals, glyphs: Glyphs) -> list[tuple[str, str, str, str]]:
    """Return value, interval, count and note of each row in words, notes from their left."""
    notes = [in_glyphs(in_cells(row.note), glyphs) for row in data.rows]
    return [
        (
            in_glyphs(_value(row, data.kind, glyphs), glyphs),
            "" if row.low is None or row.high is None else _interval(row.low, row.high, data.kind, glyphs),
            "" if row.n is None else shown(row.n, "count"),
            fitted(note, widest(notes), glyphs),
        )
        for row, note in zip(data.rows, notes, strict=True)
    ]


def _interval(low: float, high: float, kind: Kind, glyphs: Glyphs) -> str:
    return in_glyphs(shown_interval(low, high, kind), glyphs)


def _value(row: IntervalRow, kind: Kind, glyphs: Glyphs) -> str:
    """Return the value; on two sides an arrow says on which the whole interval lies."""
    told, measure = shown(row.value, kind), MEASURES[kind]
    if not measure.is_two_sided:
        return told
    low, high = (row.value if end is None else end for end in (row.low, row.high))
    arrow = glyphs.up if low > measure.origin else glyphs.down if high < measure.origin else " "
    return f"{arrow} {told}"


def _titles(data: Intervals, table: Sequence[Sequence[str]]) -> tuple[str, str, str, str]:
    """Return what stands above the numbers; nothing above a column that is empty."""
    interval = "95 % interval" if any(row[1] for row in table) else ""
    return _UNITS.get(data.kind, ""), interval, data.n_title if any(row[2] for row in table) else "", ""


def _ends(data: Intervals) -> Iterator[float]:
    """Return every number that the axis must hold."""
    for row in data.rows:
        yield row.value
        yield from (end for end in (row.low, row.high) if end is not None)


def _put_bar(cells: Cells, row: IntervalRow, scale: Scale, glyphs: Glyphs) -> None:
    """Draw a bar without an interval, to the fraction of a cell where it goes to the right."""
    measure = scale.measure
    origin, value = scale.cell(measure.origin), scale.cell(row.value)
    if value < origin:
        cells.put(value, glyphs.steps[-1] * (origin - value), row.style)
        return
    room = scale.width - origin
    length = (measure.place(row.value) - measure.place(measure.origin)) / (scale.high - scale.low)
    cells.put(origin, bar(length * scale.width / room, room, glyphs).rstrip(), row.style)
