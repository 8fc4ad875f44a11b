"""Flows as marks of a picture: states as boxes, moves as curved bands, each as thick as its share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from persona_tui.engine.analytics.figures import FLOW_ROWS, FlowFigure, FlowPanel
from persona_tui.engine.analytics.flow_layout import Layout, Placed
from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.step_flow import StepFlow
from persona_tui.engine.analytics.svg import Canvas, short_name, width_of
from persona_tui.engine.analytics.svg_rows import MARGIN

_ROW, _NODE = 10, 12
"""Pixels: the height of a row, the width of a state."""
_LABEL, _HEAD = 13, 15
"""Sizes of letters."""
_PAD: Final = 6
_TWO_LINES: Final = 26
"""Pixels of a state that has room for its name above its share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Where a flow is drawn: pixels of a unit of volume, of a step, and of every place."""

    layout: Layout[StepFlow]
    scale: float
    pitch: float
    tops: tuple[tuple[float, ...], ...]

    def left(self, column: int) -> float:
        """Return where the states of a step begin."""
        return MARGIN + column * self.pitch


def draw_flows(canvas: Canvas, figure: FlowFigure, top: float) -> float:
    """Draw flows below a height, the first above, on one scale; return where they end."""
    layouts = figure.placed()
    scale = _ROW * min(layout.scale for layout in layouts)
    pitch = (canvas.width - 2 * MARGIN) / max(len(layout.columns) for layout in layouts)
    for panel, layout in zip(figure.panels, layouts, strict=True):
        if panel.name:
            canvas.box(MARGIN, top + 4, 14, 11, panel.tone)
            canvas.text(MARGIN + 20, top + 15, panel.name, _HEAD)
            top += 28
        tops = tuple(tuple(top + _top(each, scale) for each in column) for column in layout.columns)
        plan = _Plan(layout=layout, scale=scale, pitch=pitch, tops=tops)
        for gap in range(len(layout.bands)):
            _bands(canvas, plan, gap)
        for column in range(len(layout.columns)):
            _states(canvas, plan, panel, column)
        top += _lowest(layout) * _ROW + 2 * _PAD
    return top


def _lowest(layout: Layout[StepFlow]) -> int:
    return max((each.top + each.height for column in layout.columns for each in column), default=FLOW_ROWS)


def _bands(canvas: Canvas, plan: _Plan, gap: int) -> None:
    """Draw the moves between two steps; at both ends they stand in the order of the other end."""
    sources, targets = plan.layout.columns[gap : gap + 2]
    leaving, entering = map(list, plan.tops[gap : gap + 2])
    links = plan.layout.bands[gap]
    ends: dict[tuple[int, int], float] = {}
    for link in sorted(links, key=lambda link: (link.target, link.source)):
        ends[link.source, link.target] = entering[link.target]
        entering[link.target] += link.volume * plan.scale
    for link in links:
        start = plan.left(gap) + (0 if sources[link.source].passes else _NODE)
        end = plan.left(gap + 1) + (_NODE if targets[link.target].passes else 0)
        thick = link.volume * plan.scale
        tone = "harm" if plan.layout.flow.nodes[targets[link.target].node].left else "quiet"
        here = (start, leaving[link.source])
        canvas.band(here, (end, ends[link.source, link.target]), max(thick, 0.5), tone)
        leaving[link.source] += thick


def _top(place: Placed, scale: float) -> float:
    """Return where a state begins whose exact height stands in the middle of its rows."""
    return place.top * _ROW + (place.height * _ROW - place.volume * scale) / 2


def _states(canvas: Canvas, plan: _Plan, panel: FlowPanel, column: int) -> None:
    """Draw the states of a step, each with its name and share to the right of it."""
    room = plan.pitch - _NODE - 2 * _PAD
    for place, top in zip(plan.layout.columns[column], plan.tops[column], strict=True):
        if place.passes:
            continue
        node, height = plan.layout.flow.nodes[place.node], place.volume * plan.scale
        tone = "harm" if node.left else "good" if node.completes else panel.tone
        canvas.box(plan.left(column), top, _NODE, max(height, 1.5), tone)
        share = percent(min(node.volume / panel.flow.total, 1.0))
        x, middle, whole = plan.left(column) + _NODE + 4, top + height / 2 + 4.5, f"{node.name} {share}"
        if height >= _TWO_LINES:
            canvas.text(x, middle - 8, short_name(node.name, room, _LABEL), _LABEL, whole=whole, halo=True)
            canvas.text(x, middle + 8, share, _LABEL, halo=True)
        else:
            name = short_name(node.name, max(room - width_of(f" {share}", _LABEL), _LABEL), _LABEL)
            canvas.text(x, middle, f"{name} {share}", _LABEL, whole=whole, halo=True)
