"""Estimates with their intervals, one a row, over one axis: shares, rates, or differences around zero."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from textual.content import Content

from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure, fitted, widest
from persona_tui.tui.widgets.numbers import Kind, shown, shown_interval

_LEAST_PLOT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """One estimate.

    Parameters
    ----------
    label : str
        From the data.
    value : float
    low, high : float, optional
        Of its interval.
    note : str
        Such as ``n 1,234``.
    style : str
        Of its mark.
    """

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    style: str = "$primary"

    @property
    def ends(self) -> tuple[float, float]:
        """Return the interval, or the value twice."""
        return (
            self.value if self.low is None else self.low,
            self.value if self.high is None else self.high,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """What interval bars show.

    Parameters
    ----------
    rows : tuple of IntervalRow
    kind : str
        Of the numbers.
    around_zero : bool
        Whether values are differences: the axis then has its zero inside, and signs are told by arrows too.
    """

    rows: tuple[IntervalRow, ...]
    kind: Kind = "percent"
    around_zero: bool = False

    def span(self) -> tuple[float, float]:
        """Return the ends of the axis."""
        ends = [end for row in self.rows for end in row.ends if isfinite(end)]
        low, high = min(*ends, 0.0, 0.0), max(*ends, 0.0, 0.0)
        if self.around_zero:
            far = max(-low, high)
            low, high = -far, far
        return (low, high) if high > low else (low, low + 1.0)


class IntervalBars(Figure[Intervals]):
    """Interval bars."""

    def draw(self, data: Intervals, width: int, glyphs: Glyphs) -> list[Content]:
        """Return a line a row, then the axis."""
        if not data.rows:
            return [Content("")]
        numbers = [_numbers(row, data) for row in data.rows]
        right = max(map(len, numbers))
        notes = max(len(row.note) for row in data.rows)
        for note_cells in (notes + 2 if notes else 0, 0):  # notes give way before the marks do
            room = width - right - note_cells - 3
            label = min(widest(row.label for row in data.rows), max(room - _LEAST_PLOT, room // 3, 1))
            plot = room - label
            if plot >= _LEAST_PLOT:
                break
        else:
            return _without_plot(data, numbers, width, glyphs)
        notes = notes if note_cells else 0
        lines = []
        for row, told in zip(data.rows, numbers, strict=True):
            marks = _marks(row, data, plot, glyphs)
            note = f"  {row.note:>{notes}}" if notes else ""
            lines.append(
                Content.assemble(
                    f"{fitted(row.label, label, glyphs)} ",
                    (marks, row.style),
                    f"  {told:>{right}}",
                    (note, "$text-muted"),
                )
            )
        return [*lines, Content.styled(" " * (label + 1) + _axis(data, plot, glyphs), "$text-muted")]


def _numbers(row: IntervalRow, data: Intervals) -> str:
    told = shown(row.value, data.kind)
    if row.low is None or row.high is None:
        return told
    return f"{told}  {shown_interval(row.low, row.high, data.kind)}"


def _without_plot(data: Intervals, numbers: list[str], width: int, glyphs: Glyphs) -> list[Content]:
    """Return the numbers alone, where there is no room for marks."""
    right = min(max(map(len, numbers)), width)
    label = max(width - right - 1, 0)
    return [
        Content(
            f"{fitted(row.label, label, glyphs)} {told[:right]:>{right}}"[:width] if label else told[:width]
        )
        for row, told in zip(data.rows, numbers, strict=True)
    ]


def _place(value: float, span: tuple[float, float], plot: int) -> int:
    low, high = span
    return min(max(round((value - low) / (high - low) * (plot - 1)), 0), plot - 1)


def _marks(row: IntervalRow, data: Intervals, plot: int, glyphs: Glyphs) -> str:
    span = data.span()
    cells = [" "] * plot
    if data.around_zero:
        cells[_place(0.0, span, plot)] = glyphs.upright
    if not all(map(isfinite, (row.value, *row.ends))):
        return "".join(cells)
    low, high = (_place(end, span, plot) for end in row.ends)
    for cell in range(low, high + 1):
        cells[cell] = glyphs.whisker
    if high > low:
        cells[low], cells[high] = glyphs.whisker_left, glyphs.whisker_right
    point = glyphs.point
    if data.around_zero:
        clear = row.low is not None and row.high is not None and (row.low > 0 or row.high < 0)
        point = (glyphs.up if row.value > 0 else glyphs.down) if clear else glyphs.point
    cells[_place(row.value, span, plot)] = point
    return "".join(cells)


def _axis(data: Intervals, plot: int, glyphs: Glyphs) -> str:
    """Return the ends of the axis, and its zero where that is inside."""
    low, high = data.span()
    first, last = shown(low, data.kind), shown(high, data.kind)
    between = plot - len(first) - len(last)
    if between < 1:
        return last.rjust(plot)[-plot:]
    middle = glyphs.rule * between
    zero = _place(0.0, (low, high), plot)
    at = zero - len(first)
    if data.around_zero and 0 < at < between - 1:
        middle = f"{middle[:at]}0{middle[at + 1 :]}"
    return f"{first}{middle}{last}"
