"""What each assumption does to a result: its low and high value around the result as described."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure, fitted, widest
from persona_tui.tui.widgets.numbers import Kind, shown

_LEAST_PLOT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """One source of doubt.

    Parameters
    ----------
    name : str
        From the study.
    low, high : float
        The result at the low and at the high value of it.
    values : str
        These values in words; empty where there are none.
    """

    name: str
    low: float
    high: float
    values: str = ""

    def width(self, base: float) -> float:
        """Return from the least to the largest of both results and the one as described."""
        return max(self.low, self.high, base) - min(self.low, self.high, base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swings:
    """What a tornado shows.

    Parameters
    ----------
    base : float
        The result as described.
    swings : tuple of Swing
        In any order.
    kind : str
        Of the result.
    """

    base: float
    swings: tuple[Swing, ...]
    kind: Kind = "points"


class Tornado(Figure[Swings]):
    """A tornado: the widest swing first, the side of the low value told apart from that of the high one."""

    def draw(self, data: Swings, width: int, glyphs: Glyphs) -> list[Content]:
        """Return a line a source of doubt, then the result as described under its place."""
        swings = sorted(data.swings, key=lambda each: -each.width(data.base))
        if not swings:
            return [Content.styled(fitted("Nothing was left open.", width, glyphs), "$text-muted")]
        numbers = [f"{shown(each.low, data.kind)} to {shown(each.high, data.kind)}" for each in swings]
        right = max(map(len, numbers))
        told = max(len(each.values) for each in swings)
        for cells in (told + 2 if told else 0, 0):
            room = width - right - cells - 3
            label = min(widest(each.name for each in swings), max(room - _LEAST_PLOT, room // 3, 1))
            if room - label >= _LEAST_PLOT:
                break
        plot = room - label
        if plot < _LEAST_PLOT:
            return _without_plot(swings, numbers, width, glyphs)
        ends = [data.base, *(end for each in swings for end in (each.low, each.high))]
        span = (min(ends), max(*ends, min(ends) + 1e-9))
        lines = [
            Content.assemble(
                f"{fitted(each.name, label, glyphs)} ",
                *_marks(each, data.base, span, plot, glyphs),
                f"  {number:>{right}}",
                (f"  {each.values:>{told}}" if cells else "", "$text-muted"),
            )
            for each, number in zip(swings, numbers, strict=True)
        ]
        return [*lines, _foot(data, span, label, plot, width)]


def _place(value: float, span: tuple[float, float], plot: int) -> int:
    return min(max(round((value - span[0]) / (span[1] - span[0]) * (plot - 1)), 0), plot - 1)


def _marks(
    swing: Swing, base: float, span: tuple[float, float], plot: int, glyphs: Glyphs
) -> list[tuple[str, str]]:
    """Return the bar in parts: towards the low value in shade, towards the high one full."""
    middle, low, high = (_place(value, span, plot) for value in (base, swing.low, swing.high))
    cells = [" "] * plot
    for end, mark in ((low, glyphs.shades[2]), (high, glyphs.shades[-1])):
        for cell in range(min(middle, end), max(middle, end) + 1):
            cells[cell] = mark
    cells[middle] = glyphs.upright
    text = "".join(cells)
    return [(text[:middle], "$primary"), (text[middle], "bold"), (text[middle + 1 :], "$primary")]


def _foot(data: Swings, span: tuple[float, float], label: int, plot: int, width: int) -> Content:
    """Return the result as described under its place, and what the marks mean where there is room."""
    base = shown(data.base, data.kind)
    at = min(max(_place(data.base, span, plot) - len(base) // 2, 0), max(plot - len(base), 0))
    return Content.styled(" " * (label + 1 + at) + base, "$text-muted").truncate(width)


def _without_plot(swings: list[Swing], numbers: list[str], width: int, glyphs: Glyphs) -> list[Content]:
    right = min(max(map(len, numbers)), width)
    label = max(width - right - 1, 0)
    return [
        Content(f"{fitted(each.name, label, glyphs)} {told:>{right}}" if label else told[:width])
        for each, told in zip(swings, numbers, strict=True)
    ]
