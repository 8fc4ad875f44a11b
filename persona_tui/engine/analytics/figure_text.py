"""Figures as pictures of characters."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from persona_tui.engine.analytics.figures import (
    BarFigure,
    BarRow,
    Figure,
    FlowFigure,
    FlowPanel,
    RangeFigure,
    RangeRow,
)
from persona_tui.engine.analytics.numbers import MINUS, NARROW_SPACE, UNKNOWN, count, percent
from persona_tui.engine.analytics.step_flow import FlowNode
from persona_tui.engine.text import printable

NARROWEST: Final = 60
"""Characters below which a text chart does not shrink."""
_ASCII: Final = {
    NARROW_SPACE: " ",
    MINUS: "-",
    UNKNOWN: "-",
    "→": "->",
    "…": "..",
    "█": "#",
    "▏": ".",
    "●": "o",
    "├": "|",
    "┤": "|",
    "─": "-",
    "│": "|",
}


def figure_text(figure: Figure, width: int, *, ascii_only: bool) -> str:
    """Return a figure in lines of at most ``width`` characters, but not below ``NARROWEST``."""
    width = max(width, NARROWEST)
    match figure:
        case BarFigure():
            lines = _bars(figure, width)
        case RangeFigure():
            lines = _ranges(figure, width)
        case FlowFigure():
            lines = _flows(figure, width)
    note = printable(figure.note.strip())
    shown = [_head(figure), *lines, *textwrap.wrap(note, width)]
    return "\n".join(_line(line, width, ascii_only=ascii_only) for line in shown)


def _head(figure: Figure) -> str:
    """Return the title, and what the bars are where more is told."""
    drawn = f"; bars: {figure.series[0][0]}" if isinstance(figure, BarFigure) and figure.series[1:] else ""
    return printable(figure.title) + drawn


def _bars(figure: BarFigure, width: int) -> Iterator[str]:
    lengths = [bar.value for row in figure.rows for bar in row.bars if bar.value is not None]
    longest = 1.0 if figure.shares else max(lengths, default=0.0) or 1.0
    for row in figure.rows:
        first, *others = row.bars
        length = None if first.value is None else first.value / longest
        yield _bar(row.name, length, (row.count, first.text), _said(figure, row, len(others)), width)


def _said(figure: BarFigure, row: BarRow, n_others: int) -> str:
    """Return the other bars of a row, and its note."""
    named = zip(figure.series[1:], row.bars[1:], strict=True)
    words = [f"{name} {bar.text}" for (name, _), bar in named] if n_others else []
    return ", ".join([*words, *([row.note] if row.note else [])])


def _ranges(figure: RangeFigure, width: int) -> Iterator[str]:
    ends = [end for row in figure.rows for end in (row.low, row.high)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    n_cells = width // 3
    widths = [
        max(map(len, [head, *(row.cells[place] for row in figure.rows)]))
        for place, head in enumerate(figure.heads)
    ]
    yield f"{'':<{width // 4 + n_cells + 2}}" + _cells(figure.heads, widths)
    for row in figure.rows:
        drawn = _range(row, low, (high - low) or 1.0, n_cells)
        yield f"{_clip(printable(row.name), width // 4):<{width // 4}}  {drawn}{_cells(row.cells, widths)}"


def _cells(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"  {cell:>{room}}" for cell, room in zip(cells, widths, strict=True))


def _range(row: RangeRow, low: float, length: float, n_cells: int) -> str:
    def place(value: float) -> int:
        return min(int((value - low) / length * n_cells), n_cells - 1)

    cells = [" "] * n_cells
    cells[place(0.0)] = "│"
    for each in range(place(row.low), place(row.high) + 1):
        cells[each] = "─"
    cells[place(row.low)], cells[place(row.high)] = "├", "┤"
    if row.value is not None:
        cells[place(row.value)] = "●"
    return "".join(cells)


def _flows(figure: FlowFigure, width: int) -> Iterator[str]:
    for panel in figure.panels:
        if len(figure.panels) > 1:
            yield panel.name
        yield from _flow(panel, width)


def _flow(panel: FlowPanel, width: int) -> Iterator[str]:
    """Yield the states of each step, the largest first, each with the commonest way on."""
    flow = panel.flow
    onward: dict[int, tuple[float, str]] = {}
    for link in flow.links:
        way = (link.volume, flow.nodes[link.target].name)
        onward[link.source] = max(onward.get(link.source, way), way, key=lambda each: each[0])
    for step in sorted({node.step for node in flow.nodes}):
        yield f"step {step + 1}"
        column = [(place, node) for place, node in enumerate(flow.nodes) if node.step == step]
        for place, node in sorted(column, key=lambda each: -each[1].volume):
            share = node.volume / flow.total
            number = count(round(node.volume)) if flow.total > 1 else ""
            told = (number, percent(min(share, 1.0)))
            yield _bar(node.name, share, told, _way_on(node, onward.get(place)), width)


def _way_on(node: FlowNode, way: tuple[float, str] | None) -> str:
    if way is None:
        return "completes" if node.completes else ""
    return f"→ {percent(min(way[0] / node.volume, 1.0))} {way[1]}"


def _bar(label: str, share: float | None, numbers: tuple[str, str], note: str, width: int) -> str:
    """Return a line of label, bar, numbers and note; a share above zero is never drawn as nothing."""
    room, cells = width // 4, width // 8
    n_full = min(round((share or 0.0) * cells), cells)
    drawn = "█" * n_full or ("▏" if share else "")
    told = "".join(f" {each:>{column}}" for each, column in zip(numbers, (9, 8), strict=True) if each)
    return f"{_clip(printable(label), room):<{room}}  {drawn:<{cells}}{told}  {printable(note)}"


def _clip(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 2] + " …"


def _line(text: str, width: int, *, ascii_only: bool) -> str:
    if ascii_only:
        for sign, plain in _ASCII.items():
            text = text.replace(sign, plain)
        text = text.encode("ascii", "backslashreplace").decode()
        return text.rstrip() if len(text) <= width else text[: width - 2].rstrip() + ".."
    return text.rstrip() if len(text) <= width else text[: width - 1].rstrip() + "…"
