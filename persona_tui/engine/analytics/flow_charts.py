"""Flows in Plotly's schema: states as boxes and moves as curved bands that tell what they are.

Drawn as filled outlines, as Plotly's own Sankey lets bands of one state cross where states are given places.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from persona_tui.engine.analytics.chart_labels import label
from persona_tui.engine.analytics.figures import FlowFigure, FlowPanel, FlowPlaces
from persona_tui.engine.analytics.flow_bands import Band, stacked_bands
from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.step_flow import FlowNode, StepFlow, key_of

_PANEL: Final = 450
"""Pixels."""
_HEAD: Final = 0.08
"""Of the height of a flow, above it, for its name."""
_NODE: Final = 0.07
"""Of the distance of two columns."""
_LONGEST: Final = 20
"""Signs of a name beside its state."""
_BEYOND: Final = 0.25
"""Of a column, which the names of the last states do not need."""
_BEND: Final = np.linspace(0, 1, 17)


def flow_traces(figure: FlowFigure) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the traces of some flows, the first above, and what their layout has beside the usual."""
    placed = figure.placed()
    part = 1 / len(figure.panels)
    data: list[dict[str, Any]] = []
    titles, axes = [], {}
    for place, panel in enumerate(figure.panels):
        number = "" if place == 0 else str(place + 1)
        low, high = 1 - (place + 1) * part, 1 - place * part - _HEAD * part
        axes[f"yaxis{number}"] = {
            "domain": [round(low, 6), round(high, 6)],
            "range": [placed.n_rows, 0],
            "visible": False,
        }
        titles.append(_title(panel.name, high))
        data += [{**trace, "yaxis": f"y{number}"} for trace in _traces(panel, placed)]
    layout = {
        "annotations": titles,
        "height": _PANEL * len(figure.panels),
        "xaxis": {"range": [0, placed.n_columns - _BEYOND], "visible": False},
        "showlegend": False,
        "hovermode": "closest",
        **axes,
    }
    return data, layout


def _title(name: str, at: float) -> dict[str, Any]:
    return {
        "text": f"<b>{label(name)}</b>",
        "x": 0,
        "y": round(at, 6),
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }


def _traces(panel: FlowPanel, placed: FlowPlaces) -> list[dict[str, Any]]:
    """Return the bands of a flow, its states above them, and the names above both."""
    flow = panel.flow
    columns, middles = zip(*(placed.places[key_of(node)] for node in flow.nodes), strict=True)
    heights = [node.volume * placed.scale for node in flow.nodes]
    tops = [middle - height / 2 for middle, height in zip(middles, heights, strict=True)]
    bands = stacked_bands(flow, tops, placed.scale)
    states = zip(flow.nodes, columns, tops, heights, strict=True)
    names = {
        "type": "scatter",
        "mode": "text",
        "x": [column + _NODE for column in columns],
        "y": list(middles),
        "text": [f" {label(node.name, _LONGEST)}" for node in flow.nodes],
        "textposition": "middle right",
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
    return [
        *(_band(flow, band, columns) for band in bands),
        *(_state(panel, *state) for state in states),
        names,
    ]


def _band(flow: StepFlow, band: Band, columns: tuple[int, ...]) -> dict[str, Any]:
    source, target = flow.nodes[band.link.source], flow.nodes[band.link.target]
    left, right = columns[band.link.source] + _NODE, columns[band.link.target]
    across = left + (right - left) * _BEND
    edge = band.leaves + (band.enters - band.leaves) * _BEND**2 * (3 - 2 * _BEND)
    told = f"{label(source.name)} to {label(target.name)}: {_share(band.link.volume, flow)}"
    return _filled(
        np.concatenate([across, across[::-1]]),
        np.concatenate([edge, edge[::-1] + band.height]),
        f"var(--{'lost' if target.left else 'band'})",
        told,
    )


def _state(panel: FlowPanel, node: FlowNode, column: int, top: float, height: float) -> dict[str, Any]:
    tone = "harm" if node.left else "good" if node.completes else panel.tone
    x = np.array([0, 1, 1, 0]) * _NODE + column
    y = np.array([0, 0, 1, 1]) * height + top
    return _filled(x, y, f"var(--{tone})", f"{label(node.name)}: {_share(node.volume, panel.flow)}")


def _share(volume: float, flow: StepFlow) -> str:
    return f"{percent(min(volume / flow.total, 1.0))} of {flow.unit}"


def _filled(x: Any, y: Any, color: str, told: str) -> dict[str, Any]:  # noqa: ANN401 - arrays
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.round(x, 4).tolist(),
        "y": np.round(y, 3).tolist(),
        "fill": "toself",
        "fillcolor": color,
        "line": {"width": 0},
        "hoveron": "fills",
        "hoverinfo": "text",
        "text": told,
    }
