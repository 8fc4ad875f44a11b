"""Bars and ranges as marks of a picture: names to the left, numbers to the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from persona_tui.engine.analytics.figures import BarFigure, BarRow, RangeFigure, RangeRow
from persona_tui.engine.analytics.numbers import MINUS, NARROW_SPACE
from persona_tui.engine.analytics.scales import Scale, nice_scale
from persona_tui.engine.analytics.svg import LEADING, Canvas, lines_of, short_name, widest, width_of

MARGIN: Final = 24
_NAME, _NUMBER, _AXIS = 14, 13, 12
"""Sizes of letters."""
_THICK, _BETWEEN, _RANGE_ROW = 17, 14, 38
_NAMES: Final = 0.3
"""The most of the width that names take."""
_GAP: Final = 12
_SHARES: Final = Scale(0.0, 1.0, 0.2)


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where the marks are, and the axis below them."""

    left: float
    right: float
    scale: Scale

    def x(self, value: float) -> float:
        """Return where a value is."""
        part = (value - self.scale.low) / (self.scale.high - self.scale.low)
        return self.left + part * (self.right - self.left)


def draw_bars(canvas: Canvas, figure: BarFigure, top: float) -> float:
    """Draw bars below a height, and return where they end."""
    top = _legend(canvas, figure, top)
    bars = [bar for row in figure.rows for bar in row.bars]
    values = [bar.value for bar in bars if bar.value is not None]
    room = widest([bar.text for bar in bars], _NUMBER) + _GAP
    notes = widest([row.note for row in figure.rows], _NUMBER)
    right = canvas.width - MARGIN - room - (notes + _GAP if notes else 0)
    plot = _Plot(
        _names_end(canvas, [row.name for row in figure.rows]) + _GAP,
        right,
        _SHARES if figure.shares else nice_scale(values),
    )
    height = len(figure.series) * _THICK
    tops = [top + place * (height + _BETWEEN) for place in range(len(figure.rows))]
    bottom = tops[-1] + height + _BETWEEN / 2
    _grid(canvas, plot, top - _BETWEEN / 2, bottom, _share if figure.shares else _plain)
    for row, start in zip(figure.rows, tops, strict=True):
        _bar_row(canvas, figure, row, plot, start)
    canvas.line((plot.left, top - _BETWEEN / 2), (plot.left, bottom), "quiet")
    return _axis_title(canvas, plot, bottom, figure.axis)


def _legend(canvas: Canvas, figure: BarFigure, top: float) -> float:
    if len(figure.series) < 2:
        return top + _BETWEEN / 2
    left = float(MARGIN)
    for name, tone in figure.series:
        canvas.box(left, top + 3, 14, 11, tone)
        canvas.text(left + 20, top + 13, name, _NUMBER)
        left += 20 + width_of(name, _NUMBER) + 2 * _GAP
    return top + 24 + _BETWEEN / 2


def _bar_row(canvas: Canvas, figure: BarFigure, row: BarRow, plot: _Plot, top: float) -> None:
    height = len(row.bars) * _THICK
    _name(canvas, row.name, plot.left - _GAP, top + height / 2)
    for place, (bar, (_, tone)) in enumerate(zip(row.bars, figure.series, strict=True)):
        at = top + place * _THICK
        end = plot.x(min(max(bar.value or 0.0, plot.scale.low), plot.scale.high))
        if bar.value:
            canvas.box(plot.left, at + 1, max(end - plot.left, 1.0), _THICK - 2, tone)
        canvas.text(max(end, plot.left) + 6, at + _THICK / 2 + 4.5, bar.text, _NUMBER)
    if row.note:
        canvas.text(
            canvas.width - MARGIN, top + height / 2 + 4.5, row.note, _NUMBER, tone="quiet", anchor="end"
        )


def draw_ranges(canvas: Canvas, figure: RangeFigure, top: float) -> float:
    """Draw ranges below a height, and return where they end."""
    rights = _columns(canvas, figure)
    _heads(canvas, figure, rights, top)
    top += LEADING * _NUMBER + (LEADING * _NUMBER if figure.at is not None else 0) + 6
    ends = widest([end for row in figure.rows for end in row.ends], _NUMBER)
    side = ends + 6 if ends else 8
    first = rights[0][0] if rights else canvas.width - MARGIN
    values = [value for row in figure.rows for value in (row.low, row.high)]
    at = [] if figure.at is None else [figure.at]
    left = _names_end(canvas, [row.name for row in figure.rows]) + _GAP
    plot = _Plot(left + side, first - _GAP - side, nice_scale([*values, *at]))
    bottom = top + len(figure.rows) * _RANGE_ROW
    _grid(canvas, plot, top, bottom, _signed)
    canvas.line((plot.x(0.0), top), (plot.x(0.0), bottom), "text")
    _mark(canvas, plot, figure, top, bottom)
    for place, row in enumerate(figure.rows):
        middle = top + (place + 0.5) * _RANGE_ROW
        _name(canvas, row.name, left - _GAP, middle)
        _range(canvas, row, plot, middle)
        for cell, (_, right) in zip(row.cells, rights, strict=True):
            canvas.text(right, middle + 4.5, cell, _NUMBER, anchor="end")
    return _axis_title(canvas, plot, bottom, figure.axis)


def _columns(canvas: Canvas, figure: RangeFigure) -> list[tuple[float, float]]:
    """Return where the column of each head begins and ends."""
    right, columns = float(canvas.width - MARGIN), []
    for place in reversed(range(len(figure.heads))):
        texts = [figure.heads[place], *(row.cells[place] for row in figure.rows)]
        left = right - widest(texts, _NUMBER)
        columns.append((left, right))
        right = left - _GAP
    return columns[::-1]


def _heads(canvas: Canvas, figure: RangeFigure, columns: Sequence[tuple[float, float]], top: float) -> None:
    for head, (_, right) in zip(figure.heads, columns, strict=True):
        canvas.text(right, top + _NUMBER, head, _NUMBER, tone="quiet", anchor="end")


def _mark(canvas: Canvas, plot: _Plot, figure: RangeFigure, top: float, bottom: float) -> None:
    if figure.at is None:
        return
    x = plot.x(figure.at)
    canvas.line((x, top), (x, bottom), "treatment", 2, "4 3")
    half = width_of(figure.at_text, _NUMBER) / 2
    middle = min(max(x, MARGIN + half), canvas.width - MARGIN - half)
    canvas.text(middle, top - 6, figure.at_text, _NUMBER, tone="treatment", anchor="middle")


def _range(canvas: Canvas, row: RangeRow, plot: _Plot, middle: float) -> None:
    low, high = plot.x(row.low), plot.x(row.high)
    if row.value is None:
        canvas.box(low, middle - 9, max(high - low, 1.0), 18, "control")
    else:
        canvas.line((low, middle), (high, middle), "treatment", 2)
        for end in (low, high):
            canvas.line((end, middle - 6), (end, middle + 6), "treatment", 2)
        canvas.dot(plot.x(row.value), middle, 5, "treatment")
    if any(row.ends):
        canvas.text(low - 5, middle + 4.5, row.ends[0], _NUMBER, anchor="end")
        canvas.text(high + 5, middle + 4.5, row.ends[1], _NUMBER)


def _names_end(canvas: Canvas, names: Sequence[str]) -> float:
    """Return how far names reach from the left; longer ones take two lines, or are shortened."""
    return MARGIN + min(widest(names, _NAME) + 1, _NAMES * canvas.width)


def _name(canvas: Canvas, name: str, right: float, middle: float) -> None:
    room = right - MARGIN
    lines = lines_of(short_name(name, 1.7 * room, _NAME), room, _NAME, 2)
    baseline = middle + 5 - (len(lines) - 1) * LEADING * _NAME / 2
    for place, line in enumerate(lines):
        canvas.text(right, baseline + place * LEADING * _NAME, line, _NAME, anchor="end", whole=name)


def _grid(canvas: Canvas, plot: _Plot, top: float, bottom: float, written: Callable[[float], str]) -> None:
    ticks = plot.scale.ticks()
    room = (plot.right - plot.left) / max(len(ticks) - 1, 1)
    every = 1 if widest([written(tick) for tick in ticks], _AXIS) + 6 <= room else 2
    for place, tick in enumerate(ticks):
        canvas.line((plot.x(tick), top), (plot.x(tick), bottom), "rule")
        if place % every == 0:
            canvas.text(plot.x(tick), bottom + 16, written(tick), _AXIS, tone="quiet", anchor="middle")


def _axis_title(canvas: Canvas, plot: _Plot, bottom: float, title: str) -> float:
    width = canvas.width - MARGIN - plot.left
    return canvas.block(bottom + 22, title, plot.left, width, _AXIS, tone="quiet", most=2)


def _share(tick: float) -> str:
    return f"{100 * tick:g}{NARROW_SPACE}%"


def _plain(tick: float) -> str:
    return f"{tick:g}"


def _signed(tick: float) -> str:
    return f"{tick:+g}".replace("-", MINUS) if tick else "0"
