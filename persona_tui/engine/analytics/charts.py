"""Figures in Plotly's schema: plain data, drawn by whoever shows them.

Colours are names of the page's palette (``var(--control)``), so that a figure follows its theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from persona_tui.engine.analytics.chart_labels import label
from persona_tui.engine.analytics.figures import (
    BarFigure,
    Figure,
    FlowFigure,
    RangeFigure,
    RangeRow,
)
from persona_tui.engine.analytics.flow_charts import flow_traces

PlotlyFigure: TypeAlias = "dict[str, Any]"
"""``data`` and ``layout``."""
_PER_ROW, _LEAST = 34, 180


def plotly_figure(figure: Figure) -> PlotlyFigure:
    """Return a figure as Plotly draws it."""
    match figure:
        case BarFigure():
            return _bars(figure)
        case RangeFigure():
            return _ranges(figure)
        case FlowFigure():
            return _flows(figure)


def _bars(figure: BarFigure) -> PlotlyFigure:
    names = [row.name for row in figure.rows]
    factor = 100 if figure.shares else 1
    data = []
    for place, (name, tone) in enumerate(figure.series):
        bars = [row.bars[place] for row in figure.rows]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": name,
                "y": list(range(len(names))),
                "customdata": list(map(label, names)),
                "x": [None if each.value is None else factor * each.value for each in bars],
                "text": [each.text for each in bars],
                "textposition": "auto",
                "hovertemplate": "%{customdata}<br>" + name + ": %{text}<extra></extra>",
                "marker": {"color": f"var(--{tone})"},
            }
        )
    axis = _axis(f"{figure.axis}, %", [0, 100]) if figure.shares else _axis(figure.axis)
    axes = {"yaxis": _names(names), "xaxis": axis}
    rows = len(figure.series) * len(names)
    return {"data": data, "layout": _layout(rows, barmode="group", **axes)}


def _ranges(figure: RangeFigure) -> PlotlyFigure:
    rows = figure.rows
    is_dots = all(row.value is not None for row in rows)
    data = [_dots(rows) if is_dots else _spans(rows)]
    data[0] |= {
        "y": list(range(len(rows))),
        "customdata": ["<br>".join(_told(figure, row)) for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    line = {"zeroline": True, "zerolinecolor": "var(--text)", "zerolinewidth": 1}
    axes = {
        "yaxis": _names([row.name for row in rows]),
        "xaxis": {**_axis(figure.axis), "rangemode": "tozero", **line},
    }
    words = [each for place, row in enumerate(rows) for each in _ends(row, place)]
    lines = []
    if figure.at is not None:
        lines.append(_line(figure.at))
        above = {"x": figure.at, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
        words.append({"text": figure.at_text, **above})
    layout = _layout(len(rows), showlegend=False, shapes=lines, annotations=words, **axes)
    return {"data": data, "layout": layout}


def _told(figure: RangeFigure, row: RangeRow) -> list[str]:
    return [label(row.name), *(f"{head}: {cell}" for head, cell in zip(figure.heads, row.cells, strict=True))]


def _dots(rows: tuple[RangeRow, ...]) -> dict[str, Any]:
    values = [row.value or 0.0 for row in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": values,
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [row.high - value for row, value in zip(rows, values, strict=True)],
            "arrayminus": [value - row.low for row, value in zip(rows, values, strict=True)],
            "color": "var(--treatment)",
            "thickness": 2,
            "width": 6,
        },
        "marker": {"color": "var(--treatment)", "size": 10},
    }


def _spans(rows: tuple[RangeRow, ...]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "base": [row.low for row in rows],
        "x": [row.high - row.low for row in rows],
        "marker": {"color": "var(--control)"},
    }


def _ends(row: RangeRow, place: int) -> list[dict[str, Any]]:
    """Return what is written at the ends of a range."""
    sides = ((row.low, row.ends[0], "right", -4), (row.high, row.ends[1], "left", 4))
    return [
        {"text": label(text), "x": x, "y": place, "xanchor": anchor, "xshift": shift, "showarrow": False}
        for x, text, anchor, shift in sides
        if text
    ]


def _line(at: float) -> dict[str, Any]:
    """Return a line through all rows."""
    drawn = {"color": "var(--treatment)", "width": 2, "dash": "dot"}
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": drawn}


def _flows(figure: FlowFigure) -> PlotlyFigure:
    """Return the flows, the first above."""
    data, layout = flow_traces(figure)
    return {"data": data, "layout": {**_layout(0), **layout}}


def _names(names: Sequence[str]) -> dict[str, Any]:
    """Return an axis of names, two of which may look the same."""
    return {
        "autorange": "reversed",
        "automargin": True,
        "tickvals": list(range(len(names))),
        "ticktext": list(map(label, names)),
        "ticks": "outside",
        "ticklen": 6,
        "tickcolor": "rgba(0,0,0,0)",
        "zeroline": False,
        "showgrid": False,
    }


def _axis(title: str, extent: list[float] | None = None) -> dict[str, Any]:
    axis: dict[str, Any] = {"title": {"text": title}, "gridcolor": "var(--rule)", "automargin": True}
    return {**axis, "range": extent} if extent else axis


def _layout(rows: int, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - of Plotly's schema
    return {
        "height": max(_PER_ROW * rows + 90, _LEAST),
        "margin": {"l": 10, "r": 20, "t": 40, "b": 50},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "var(--text)", "size": 13},
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom"},
        "hoverlabel": {"bgcolor": "var(--ground)", "font": {"color": "var(--text)"}},
        **others,
    }
