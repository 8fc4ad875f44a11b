"""Flows as marks of a picture: states as boxes, moves as curved bands, each as thick as its share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from persona_tui.engine.analytics.figures import FlowFigure, FlowPanel
from persona_tui.engine.analytics.flow_bands import stacked_bands
from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.step_flow import FlowNode, StepFlow, key_of
from persona_tui.engine.analytics.svg import Canvas, short_name, width_of
from persona_tui.engine.analytics.svg_rows import MARGIN

_ROW, _NODE = 10, 12
"""Pixels: the height of a row, the width of a state."""
_LABEL, _HEAD = 13, 15
"""Sizes of letters."""
_PAD, _BELOW = 6, 18
_TWO_LINES: Final = 26
"""Pixels of a state that has room for its name above its share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where a state is drawn, in pixels."""

    left: float
    top: float
    height: float


def draw_flows(canvas: Canvas, figure: FlowFigure, top: float) -> float:
    """Draw flows below a height, the first above, on one scale; return where they end."""
    placed = figure.placed()
    pitch = (canvas.width - 2 * MARGIN) / max(placed.n_columns, 1)
    scale = placed.scale * _ROW
    for panel in figure.panels:
        if panel.name:
            canvas.box(MARGIN, top + 4, 14, 11, panel.tone)
            canvas.text(MARGIN + 20, top + 15, panel.name, _HEAD)
            top += 28
        spots = []
        for node in panel.flow.nodes:
            column, middle = placed.places[key_of(node)]
            height = node.volume * scale
            left = MARGIN + column * pitch
            spots.append(_Spot(left=left, top=top + middle * _ROW - height / 2, height=height))
        _bands(canvas, panel.flow, spots, scale)
        for node, spot in zip(panel.flow.nodes, spots, strict=True):
            _state(canvas, panel, node, spot, pitch - _NODE - 2 * _PAD)
        top = max(spot.top + spot.height for spot in spots) + _BELOW
    return top


def _bands(canvas: Canvas, flow: StepFlow, spots: Sequence[_Spot], scale: float) -> None:
    """Draw the moves."""
    for band in stacked_bands(flow, [spot.top for spot in spots], scale):
        start = (spots[band.link.source].left + _NODE, band.leaves)
        end = (spots[band.link.target].left, band.enters)
        tone = "harm" if flow.nodes[band.link.target].left else "quiet"
        canvas.band(start, end, max(band.height, 0.5), tone)


def _state(canvas: Canvas, panel: FlowPanel, node: FlowNode, spot: _Spot, room: float) -> None:
    """Draw a state, with its name and share to the right of it."""
    tone = "harm" if node.left else "good" if node.completes else panel.tone
    canvas.box(spot.left, spot.top, _NODE, max(spot.height, 1.5), tone)
    share = percent(min(node.volume / panel.flow.total, 1.0))
    x, middle = spot.left + _NODE + 4, spot.top + spot.height / 2 + 4.5
    whole = f"{node.name} {share}"
    if spot.height >= _TWO_LINES:
        canvas.text(x, middle - 8, short_name(node.name, room, _LABEL), _LABEL, whole=whole, halo=True)
        canvas.text(x, middle + 8, share, _LABEL, halo=True)
    else:
        name = short_name(node.name, max(room - width_of(f" {share}", _LABEL), _LABEL), _LABEL)
        canvas.text(x, middle, f"{name} {share}", _LABEL, whole=whole, halo=True)
