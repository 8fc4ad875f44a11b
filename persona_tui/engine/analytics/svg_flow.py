"""Flows as marks of a picture: states as boxes, moves as curved bands, each as thick as its share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from persona_tui.engine.analytics.figures import FLOW_ROWS, FlowFigure, FlowPanel
from persona_tui.engine.analytics.flow_layout import Layout, Placed
from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.step_flow import FlowNode, StepFlow
from persona_tui.engine.analytics.svg import Canvas, short_name, width_of
from persona_tui.engine.analytics.svg_rows import MARGIN

_ROW, _NODE = 10, 12
"""Pixels: the height of a row, the width of a state."""
_LABEL, _HEAD = 13, 15
"""Sizes of letters."""
_PAD: Final = 6
_TWO_LINES: Final = 26
"""Pixels of a state that has room for its name above its share."""


def draw_flows(canvas: Canvas, figure: FlowFigure, top: float) -> float:
    """Draw flows below a height, the first above, on one scale; return where they end."""
    layouts = figure.placed()
    scale = _ROW * min(layout.scale for layout in layouts)
    for panel, layout in zip(figure.panels, layouts, strict=True):
        if panel.name:
            canvas.box(MARGIN, top + 4, 14, 11, panel.tone)
            canvas.text(MARGIN + 20, top + 15, panel.name, _HEAD)
            top += 28
        _flow(canvas, panel, layout, scale, top)
        top += _lowest(layout) * _ROW + 2 * _PAD
    return top


def _lowest(layout: Layout[StepFlow]) -> int:
    return max((each.top + each.height for column in layout.columns for each in column), default=FLOW_ROWS)


def _flow(canvas: Canvas, panel: FlowPanel, layout: Layout[StepFlow], scale: float, top: float) -> None:
    pitch = (canvas.width - 2 * MARGIN) / max(len(layout.columns), 1)
    lefts = [MARGIN + place * pitch for place in range(len(layout.columns))]
    tops = [[top + _top(each, scale) for each in column] for column in layout.columns]
    for gap in range(len(layout.bands)):
        _bands(canvas, layout, gap, scale, (lefts, tops))
    for left, column, places in zip(lefts, layout.columns, tops, strict=True):
        for each, y in zip(column, places, strict=True):
            if not each.passes:
                node, height = layout.flow.nodes[each.node], each.volume * scale
                room = pitch - _NODE - 2 * _PAD
                _state(canvas, panel, node, left=left, top=y, height=height, room=room)


def _bands(
    canvas: Canvas,
    layout: Layout[StepFlow],
    gap: int,
    scale: float,
    corners: tuple[Sequence[float], Sequence[Sequence[float]]],
) -> None:
    """Draw the moves between two steps; at both ends they stand in the order of the other end."""
    lefts, tops = corners
    sources, targets = layout.columns[gap], layout.columns[gap + 1]
    leaving, entering = list(tops[gap]), list(tops[gap + 1])
    ends: dict[tuple[int, int], float] = {}
    for link in sorted(layout.bands[gap], key=lambda link: (link.target, link.source)):
        ends[link.source, link.target] = entering[link.target]
        entering[link.target] += link.volume * scale
    for link in layout.bands[gap]:
        start = lefts[gap] + (0 if sources[link.source].passes else _NODE)
        end = lefts[gap + 1] + (_NODE if targets[link.target].passes else 0)
        thick = link.volume * scale
        tone = "harm" if layout.flow.nodes[targets[link.target].node].left else "quiet"
        here = (start, leaving[link.source])
        canvas.band(here, (end, ends[link.source, link.target]), max(thick, 0.5), tone)
        leaving[link.source] += thick


def _top(place: Placed, scale: float) -> float:
    """Return where a state begins whose exact height stands in the middle of its rows."""
    return place.top * _ROW + (place.height * _ROW - place.volume * scale) / 2


def _state(
    canvas: Canvas, panel: FlowPanel, node: FlowNode, *, left: float, top: float, height: float, room: float
) -> None:
    """Draw a state, with its name and share to the right of it."""
    tone = "harm" if node.left else "good" if node.completes else panel.tone
    canvas.box(left, top, _NODE, max(height, 1.5), tone)
    share = percent(min(node.volume / panel.flow.total, 1.0))
    x, middle, whole = left + _NODE + 4, top + height / 2 + 4.5, f"{node.name} {share}"
    if height >= _TWO_LINES:
        name = short_name(node.name, room, _LABEL)
        canvas.text(x, middle - 8, name, _LABEL, whole=whole, halo=True)
        canvas.text(x, middle + 8, share, _LABEL, halo=True)
    else:
        name = short_name(node.name, max(room - width_of(f" {share}", _LABEL), _LABEL), _LABEL)
        canvas.text(x, middle, f"{name} {share}", _LABEL, whole=whole, halo=True)
