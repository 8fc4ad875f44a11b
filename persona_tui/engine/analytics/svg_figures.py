"""Figures as SVG pictures: a title, the marks, and what must be known to read them."""

from __future__ import annotations

from typing import Final

from persona_tui.engine.analytics.figures import BarFigure, Figure, FlowFigure, RangeFigure
from persona_tui.engine.analytics.svg import Canvas
from persona_tui.engine.analytics.svg_flow import draw_flows
from persona_tui.engine.analytics.svg_rows import MARGIN, draw_bars, draw_ranges
from persona_tui.engine.errors import ExportError

WIDTHS: Final = (560, 4000)
"""The narrowest and the widest picture, in pixels."""
WIDTH: Final = 960
_A_STEP: Final = 150
"""Pixels of a picture and of a step of a flow, unless another width is asked for."""
_TITLE, _ABOUT, _NOTE = 20, 14, 12
"""Sizes of letters."""


def to_svg(figure: Figure, width: int | None) -> str:
    """Return a figure as an SVG picture of a width in pixels, or of its own; its height is what it takes.

    Raises
    ------
    ExportError
        If the width is out of bounds.
    """
    width = own_width(figure) if width is None else width
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        raise ExportError(f"width == {width}, must be {WIDTHS[0]} to {WIDTHS[1]} pixels.")
    canvas = Canvas(width)
    room = width - 2 * MARGIN
    top = canvas.block(MARGIN - 4, figure.title, MARGIN, room, _TITLE, tone="text", most=2)
    top = canvas.block(top, figure.about, MARGIN, room, _ABOUT, tone="quiet", most=2) + 8
    match figure:
        case BarFigure():
            top = draw_bars(canvas, figure, top)
        case RangeFigure():
            top = draw_ranges(canvas, figure, top)
        case FlowFigure():
            top = draw_flows(canvas, figure, top)
    if figure.note:
        top = canvas.block(top + 8, figure.note.strip(), MARGIN, room, _NOTE, tone="quiet", most=4)
    return canvas.done(round(top) + MARGIN, figure.title, figure.note.strip())


def own_width(figure: Figure) -> int:
    """Return the width at which names are legible."""
    if not isinstance(figure, FlowFigure):
        return WIDTH
    steps = max((node.step + 1 for panel in figure.panels for node in panel.flow.nodes), default=1)
    return min(max(WIDTH, steps * _A_STEP + 2 * MARGIN), WIDTHS[1])
