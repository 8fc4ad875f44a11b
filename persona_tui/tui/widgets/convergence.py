"""Running conversion of the arms of a simulation, with its Monte-Carlo band, beside the exact value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from textual.content import Content

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure, fitted
from persona_tui.tui.widgets.numbers import shown, shown_interval

_PREFERRED_ROWS: Final = 16
_NARROWEST: Final = 36
_FEWEST_ROWS: Final = 6
"""Of the chart; without them there are the words alone."""
_SETTLED: Final = 0.1
"""The axis fits what comes after this part of the run; what is wilder before is cut at its edge."""
_MARKERS: Final = {"braille": ("braille", "braille"), "eighths": ("hd", "hd"), "halves": ("●", "▲")}
_PLAIN_MARKERS: Final = ("o", "x")
_ASCII: Final = str.maketrans({"│": "|", "─": "-", "└": "+", "┤": "+", "┬": "+", "┼": "+"})
_COLOUR: Final = re.compile(r"\x1b\[([\d;]*)m")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningArm:
    """The conversion of one arm after each number of synthetic users.

    Parameters
    ----------
    name : str
    values, low, high : tuple of float
        As long as the numbers of users: share converted, and its Monte-Carlo band.
    exact : float or None
        What it converges to, where that is known.
    style : str
    """

    name: str
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    exact: float | None = None
    style: str = "$primary"

    @classmethod
    def counted(
        cls,
        name: str,
        converted: Sequence[float],
        n: Sequence[int],
        *,
        exact: float | None = None,
        style: str = "$primary",
    ) -> RunningArm:
        """Return an arm of which so many have converted among so many, both so far, with 95 % bands."""
        from persona_tui.engine.statistics import wilson_interval  # noqa: PLC0415 - 0.1 s, loads numpy

        values = tuple(part / whole for part, whole in zip(converted, n, strict=True))
        ends = [wilson_interval(value, whole) for value, whole in zip(values, n, strict=True)]
        low, high = tuple(low for low, _ in ends), tuple(high for _, high in ends)
        return cls(name=name, values=values, low=low, high=high, exact=exact, style=style)


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """What a convergence chart shows.

    Parameters
    ----------
    n : tuple of int
        Synthetic users so far, increasing.
    arms : tuple of RunningArm

    Examples
    --------
    After each block of a run: ``Convergence(n=n, arms=(RunningArm.counted("control", converted, n),
    RunningArm.counted("treatment", others, n, style="$accent")))``.
    """

    n: tuple[int, ...]
    arms: tuple[RunningArm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One thing that is drawn: points, how they are marked and in what style."""

    x: Sequence[float]
    y: Sequence[float]
    marker: str
    style: str
    joined: bool


class ConvergenceChart(Figure[Convergence]):
    """A convergence chart that fills the height it is given."""

    DEFAULT_CSS = "ConvergenceChart { height: 1fr; min-height: 6; }"

    def draw(self, data: Convergence, width: int, glyphs: Glyphs) -> list[Content]:
        """Return the chart at the height of the widget."""
        return draw_convergence(data, width, self.size.height or _PREFERRED_ROWS, glyphs)


def draw_convergence(data: Convergence, width: int, height: int, glyphs: Glyphs) -> list[Content]:
    """Return the chart and each arm in words, or the words alone, in so many lines at most."""
    if not data.n or not data.arms:
        return [Content.styled(fitted("No synthetic users yet.", width, glyphs), "$text-muted")][:height]
    words = [
        Content.styled(line, arm.style) for arm in data.arms for line in _words(data, arm, width, glyphs)
    ]
    rows = height - len(words) - 1
    if width < _NARROWEST or rows < _FEWEST_ROWS:
        return words[:height]
    band = "." if glyphs.name == "ascii" else "·"
    what = "Converted, by synthetic users so far" if width >= 60 else "Converted"
    head = f"{what}; {band} 95 % band; {glyphs.rule * 2} exact"
    heading = Content.styled(fitted(head, width, glyphs), "$text-muted")
    return [heading, *_chart(data, width, rows, glyphs), *words]


def _words(data: Convergence, arm: RunningArm, width: int, glyphs: Glyphs) -> list[str]:
    """Return where an arm stands, in as few lines as have room."""
    value, low, high = arm.values[-1], arm.low[-1], arm.high[-1]
    stands = f"{printable(arm.name)}: {shown(value, 'percent')} ({shown_interval(low, high, 'percent')})"
    facts = [f"n = {shown(data.n[-1], 'count')}"]
    if arm.exact is not None:
        where = "in" if low <= arm.exact <= high else "outside"
        facts.append(f"exact {shown(arm.exact, 'percent')}, {where} the band")
    told = "; ".join(facts)
    for lines in ([f"{stands}; {told}"], [stands, told]):
        if all(Content(line).cell_length <= width for line in lines):
            return [fitted(line, width, glyphs) for line in lines]
    return [fitted(line, width, glyphs) for line in (stands, *facts)]


def _chart(data: Convergence, width: int, rows: int, glyphs: Glyphs) -> list[Content]:
    """Return the chart with each arm named at the right, at the height where it ends."""
    low, high = _range(data)
    margin = min(max(Content(printable(arm.name)).cell_length for arm in data.arms) + 1, width // 4)
    lines = _lines(data, width - margin, (low, high), glyphs)
    drawn = _plotted(lines, data.n[-1], (low, high), (width - margin, rows), glyphs)
    names = [Content(" " * margin)] * len(drawn)
    free = set(range(rows - 2))
    for arm in data.arms:
        level = round((high - arm.values[-1]) / (high - low) * (rows - 3))
        row = min(free, key=lambda row: abs(row - level), default=None)
        if row is not None:
            free.discard(row)
            names[row] = Content.styled(" " + fitted(arm.name, margin - 1, glyphs), arm.style)
    return [line + name for line, name in zip(drawn, names, strict=True)]


def _range(data: Convergence) -> tuple[float, float]:
    """Return the ends of the axis: what is drawn once the run has settled."""
    first = int(len(data.n) * _SETTLED)
    seen = [value for arm in data.arms for line in (arm.values, arm.low, arm.high) for value in line[first:]]
    seen += [arm.exact for arm in data.arms if arm.exact is not None]
    low, high = max(min(seen), 0.0), min(max(seen), 1.0)
    if high - low < 1e-4:
        low, high = max(low - 0.005, 0.0), min(high + 0.005, 1.0)
    return low, high


def _lines(data: Convergence, width: int, ends: tuple[float, float], glyphs: Glyphs) -> list[_Line]:
    """Return bands, then exact values, then the running values on top."""
    low, high = ends
    last = len(data.n) - 1
    sparse = sorted({round(last * at / (width // 2)) for at in range(width // 2 + 1)})
    dense = sorted({round(last * at / (width * 2)) for at in range(width * 2 + 1)})
    dot = "." if glyphs.name == "ascii" else "·"
    lines = []
    for arm in data.arms:
        for edge in (arm.low, arm.high):
            kept = [at for at in sparse if low <= edge[at] <= high]
            x, y = [data.n[at] for at in kept], [edge[at] for at in kept]
            lines.append(_Line(x=x, y=y, marker=dot, style=f"{arm.style} dim", joined=False))
    for arm in data.arms:
        if arm.exact is not None:
            x, y = [0, data.n[-1]], [arm.exact, arm.exact]
            lines.append(_Line(x=x, y=y, marker=glyphs.rule, style=arm.style, joined=True))
    for number, arm in enumerate(data.arms):
        marker = _MARKERS.get(glyphs.name, _PLAIN_MARKERS)[number % 2]
        y = [min(max(arm.values[at], low), high) for at in dense]
        lines.append(_Line(x=[data.n[at] for at in dense], y=y, marker=marker, style=arm.style, joined=True))
    return lines


def _plotted(
    lines: Sequence[_Line], last: int, ends: tuple[float, float], size: tuple[int, int], glyphs: Glyphs
) -> list[Content]:
    """Return the lines as plotext draws them; its one figure is cleared before and after."""
    import plotext  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.06 s, only this chart needs it

    low, high = ends
    width, rows = size
    n_levels = max(min(rows // 3, 6), 2)
    levels = [low + (high - low) * at / (n_levels - 1) for at in range(n_levels)]
    decimals = 1 if high - low > 0.004 * n_levels else 2
    middle = [last / 2] if width > 50 else []
    users = [0, *middle, last]
    plotext.clear_figure()
    try:
        plotext.theme("clear")
        plotext.limit_size(False, False)
        plotext.plot_size(width, rows)
        plotext.xaxes(True, False)
        plotext.yaxes(True, False)
        plotext.xlim(0, last)
        plotext.ylim(low, high)
        plotext.yticks(levels, [f"{100 * level:.{decimals}f} %" for level in levels])
        plotext.xticks(users, [shown(n, "count") for n in users])
        for colour, line in enumerate(lines, start=1):
            if line.x:
                draw = plotext.plot if line.joined else plotext.scatter
                draw(line.x, line.y, marker=line.marker, color=colour)
        drawn = plotext.build()
    finally:
        plotext.clear_figure()
    styles = {f"38;5;{colour}": line.style for colour, line in enumerate(lines, start=1)}
    plain = drawn.translate(_ASCII) if glyphs.name == "ascii" else drawn
    return [_restyled(line, width, styles) for line in plain.splitlines()[:rows]]


def _restyled(line: str, width: int, styles: dict[str, str]) -> Content:
    """Return a line of plotext in styles of the theme, in exactly so many cells."""
    content = Content.assemble(*_pieces(line, styles))
    return content.truncate(width, pad=True)


def _pieces(line: str, styles: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield text and style between the colour codes of a line."""
    style, at = "$text-muted", 0
    for code in _COLOUR.finditer(line):
        if code.start() > at:
            yield line[at : code.start()], style
        style, at = styles.get(code[1], "$text-muted"), code.end()
    if line[at:]:
        yield line[at:], style
