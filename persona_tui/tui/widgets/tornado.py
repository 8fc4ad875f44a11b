"""What moves a result most: each parameter between the ends of its range, the widest swing first."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure
from persona_tui.tui.widgets.measures import Scale, find_scale, in_glyphs
from persona_tui.tui.widgets.numbers import Kind, shown
from persona_tui.tui.widgets.rows import (
    MUTED,
    Cells,
    axis_lines,
    deal_width,
    label_content,
    nothing,
    within,
)

LOW_STYLE, HIGH_STYLE = "$secondary", "$accent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """What one parameter does to the result.

    Parameters
    ----------
    label : str
        The parameter, from the study.
    ends : (float, float) or None
        Its low and high value; None where it is no parameter, such as the data.
    results : (float, float)
        At those values.
    is_assumed : bool
        Whether nobody stated the range.

    Examples
    --------
    A driver of a report: ``Swing(label=each.name, ends=each.values, results=each.uplifts,
    is_assumed=each.assumed)``, in ``Swings(base=drivers.uplift, swings=...)``.
    """

    label: str
    ends: tuple[float, float] | None
    results: tuple[float, float]
    is_assumed: bool = False


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
        Of the results.
    title : str
    """

    base: float
    swings: tuple[Swing, ...]
    kind: Kind = "points"
    title: str = ""


class Tornado(Figure[Swings]):
    """Bars around the result as described, with the results at both ends in numbers."""

    def draw(self, data: Swings, width: int, glyphs: Glyphs) -> list[Content]:
        """Return a line of titles, a line a parameter, the axis, and what the marks mean."""
        if not data.swings:
            return nothing(data.title, width, glyphs, "Nothing was left open.")
        ends = [data.base, *(result for swing in data.swings for result in swing.results)]
        swings = sorted(data.swings, key=lambda swing: _width(swing, data.base), reverse=True)
        labels = [swing.label + ("*" if swing.is_assumed else "") for swing in swings]
        table = [_numbers(swing, data, glyphs) for swing in swings]
        titles = ("swing", "at low end", "at high end")
        layout = deal_width(labels, [*zip(titles, *table, strict=True)], width)
        scale = find_scale(data.kind, ends, max(layout.plot, 1), with_origin=False)
        lines = layout.titles(data.title, titles, glyphs)
        for label, swing, numbers in zip(labels, swings, table, strict=True):
            plot = _plot(swing, data.base, scale, glyphs) if layout.plot else Content("")
            styled = [(text, "" if place == 0 else MUTED) for place, text in enumerate(numbers)]
            lines.append(layout.line(label_content(label, layout.label, glyphs), plot, styled))
        if layout.plot >= 2:
            indent = Content(" " * layout.label)
            lines += [layout.line(indent, line, []) for line in axis_lines(scale, glyphs)]
        return within([*lines, *_legend(data, width, glyphs)], width)


def _width(swing: Swing, base: float) -> float:
    """Return from the least to the largest of both results and the one as described."""
    every = (*swing.results, base)
    return max(every) - min(every)


def _numbers(swing: Swing, data: Swings, glyphs: Glyphs) -> tuple[str, ...]:
    """Return the swing, and the result at each end of the range."""
    ends = ("", "") if swing.ends is None else tuple(f"{end:g}: " for end in swing.ends)
    results = (f"{end}{shown(result, data.kind)}" for end, result in zip(ends, swing.results, strict=True))
    swung = shown(_width(swing, data.base), data.kind).lstrip("+")
    return tuple(in_glyphs(text, glyphs) for text in (swung, *results))


def _marks(glyphs: Glyphs) -> tuple[str, str]:
    """Return what fills the bars of the low and of the high end."""
    return glyphs.shades[2], glyphs.shades[-1]


def _plot(swing: Swing, base: float, scale: Scale, glyphs: Glyphs) -> Content:
    """Return a bar from the result as described to that at each end, the shorter over the longer."""
    cells = Cells(scale.width)
    centre = scale.cell(base)
    bars = zip(swing.results, _marks(glyphs), (LOW_STYLE, HIGH_STYLE), strict=True)
    for result, mark, style in sorted(bars, key=lambda bar: abs(bar[0] - base), reverse=True):
        end = scale.cell(result)
        cells.put(min(centre, end), mark * (abs(end - centre) + 1), style)
    cells.put(centre, glyphs.upright)
    return cells.content()


def _legend(data: Swings, width: int, glyphs: Glyphs) -> list[Content]:
    """Return what the marks mean, in one line where it has room; and in another what the asterisk does."""
    low, high = _marks(glyphs)
    unit = " points" if data.kind == "points" else ""
    told = in_glyphs(f" as set: {shown(data.base, data.kind)}{unit}", glyphs)
    marks = Content.assemble(
        (low, LOW_STYLE), (" low end  ", MUTED), (high, HIGH_STYLE), (" high end", MUTED)
    )
    base = Content.assemble(glyphs.upright, (told, MUTED))
    together = Content.assemble(marks, "  ", base)
    lines = [together] if together.cell_length <= width else [marks, base]
    assumed = Content.assemble(("* no range stated: half either way", MUTED))
    return [*lines, assumed] if any(swing.is_assumed for swing in data.swings) else lines
