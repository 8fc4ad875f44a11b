"""Charts of a report as figures of Plotly's schema: plain data, drawn by whoever shows them.

Colours are names of the page's palette (``var(--control)``), so that a figure follows its theme.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from persona_tui.engine.analytics.flow_layout import laid_out
from persona_tui.engine.analytics.numbers import interval_text, percent, points_number
from persona_tui.engine.analytics.page import ChartKind
from persona_tui.engine.analytics.reporting import ScenarioReport
from persona_tui.engine.analytics.step_flow import LEAVES, StepFlow, with_leaving
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.text import printable, shortened

Figure: TypeAlias = "dict[str, Any]"
"""``data`` and ``layout``."""
PALETTES: Final = {
    "light": {
        "text": "#1f2933",
        "quiet": "#5b6673",
        "ground": "#ffffff",
        "panel": "#f3f5f7",
        "rule": "#d5dae0",
        "control": "#7c8896",
        "treatment": "#c2410c",
        "good": "#2f7d4f",
        "harm": "#b3261e",
        "band": "rgba(91, 102, 115, 0.28)",
        "lost": "rgba(179, 38, 30, 0.28)",
        "link": "#1b4f8a",
    },
    "dark": {
        "text": "#e6e9ed",
        "quiet": "#a3adb8",
        "ground": "#14181d",
        "panel": "#1d232a",
        "rule": "#38424d",
        "control": "#93a1b0",
        "treatment": "#f08a4b",
        "good": "#6cc08b",
        "harm": "#f2857c",
        "band": "rgba(163, 173, 184, 0.3)",
        "lost": "rgba(242, 133, 124, 0.3)",
        "link": "#8ab8ee",
    },
}
"""Colours by the names that figures and the page call them by."""
_PER_ROW, _LEAST = 34, 180
"""Pixels."""
_FLOW_HEIGHT: Final = 900
_ROWS: Final = 40


def label(text: str) -> str:
    """Return a text of the data as a figure shows it: short, and nothing in it is markup.

    Examples
    --------
    >>> label("<b>buy</b>")
    '&lt;b&gt;buy&lt;/b&gt;'
    """
    return html.escape(shortened(printable(text)), quote=False)


def funnel_figure(scenario: ScenarioReport) -> Figure:
    """Return both arms beside each other at every step, the first step above."""
    steps = [label(each.step) for each in scenario.funnel_arms]
    data = []
    for arm in ARMS:
        reached = [getattr(each, arm) for each in scenario.funnel_arms]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": arm,
                "y": steps,
                "x": [100 * each for each in reached],
                "text": [percent(each) for each in reached],
                "textposition": "auto",
                "hovertemplate": "%{y}<br>" + arm + ": %{text}<extra></extra>",
                "marker": {"color": f"var(--{arm})"},
            }
        )
    axes = {"yaxis": {"autorange": "reversed", "automargin": True}, "xaxis": _axis("% of journeys", [0, 100])}
    return {"data": data, "layout": _layout(2 * len(steps), barmode="group", **axes)}


def uplifts_figure(scenario: ScenarioReport) -> Figure:
    """Return the uplift of completion of everyone and of each persona, with intervals."""
    parts = (scenario.experiment.total, *scenario.experiment.personas)
    found = [each.uplifts["completion_rate"] for each in parts]
    values = [100 * each.value for each in found]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "y": [label(each.name) for each in parts],
        "x": values,
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [100 * each.total[1] - x for each, x in zip(found, values, strict=True)],
            "arrayminus": [x - 100 * each.total[0] for each, x in zip(found, values, strict=True)],
            "color": "var(--treatment)",
            "thickness": 2,
            "width": 6,
        },
        "text": [f"{points_number(each.value)} ({interval_text(*each.total)})" for each in found],
        "hovertemplate": "%{y}<br>%{text} points<extra></extra>",
        "marker": {"color": "var(--treatment)", "size": 10},
    }
    line = {"zeroline": True, "zerolinecolor": "var(--text)", "zerolinewidth": 1}
    axis = {**_axis("points"), "rangemode": "tozero", **line}
    rows = {"yaxis": {"autorange": "reversed", "automargin": True}, "xaxis": axis}
    return {"data": [trace], "layout": _layout(len(parts), showlegend=False, **rows)}


def flow_figure(scenario: ScenarioReport) -> Figure:
    """Return the first steps of journeys in both arms; who leaves is drawn, small flows are folded."""
    domains = ((0.54, 0.96), (0.0, 0.42))
    data = [
        _sankey(with_leaving(scenario.flows[arm]), arm, domain)
        for arm, domain in zip(ARMS, domains, strict=True)
    ]
    on_paper = {"x": 0, "xref": "paper", "yref": "paper", "yanchor": "bottom", "showarrow": False}
    titles = [
        {"text": f"<b>{arm}</b>", "y": top + 0.015, **on_paper}
        for arm, (_, top) in zip(ARMS, domains, strict=True)
    ]
    return {"data": data, "layout": {**_layout(0, annotations=titles), "height": _FLOW_HEIGHT}}


def _sankey(given: StepFlow, arm: str, domain: tuple[float, float]) -> dict[str, Any]:
    placed = laid_out(given, _ROWS)
    assert placed is not None, "there is room for more states than a step is left with"
    flow, last = placed.flow, max(len(placed.columns) - 1, 1)
    middles = {
        each.node: (column / last, (each.top + each.height / 2) / _ROWS)
        for column, places in enumerate(placed.columns)
        for each in places
        if not each.passes
    }
    is_lost = [node.name == LEAVES for node in flow.nodes]
    tones = [f"var(--{'good' if node.completes else arm})" for node in flow.nodes]
    return {
        "type": "sankey",
        "arrangement": "fixed",
        "domain": {"y": list(domain)},
        "valueformat": ".1%",
        "node": {
            "label": [label(node.name) for node in flow.nodes],
            "color": ["var(--harm)" if lost else tone for tone, lost in zip(tones, is_lost, strict=True)],
            "x": [_within(middles[place][0]) for place in range(len(flow.nodes))],
            "y": [_within(middles[place][1]) for place in range(len(flow.nodes))],
            "pad": 10,
            "thickness": 12,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value} of journeys<extra></extra>",
        },
        "link": {
            "source": [each.source for each in flow.links],
            "target": [each.target for each in flow.links],
            "value": [each.volume for each in flow.links],
            "color": ["var(--lost)" if is_lost[each.target] else "var(--band)" for each in flow.links],
            "hovertemplate": "%{source.label} to %{target.label}: %{value} of journeys<extra></extra>",
        },
    }


def _within(place: float) -> float:
    """Return a place that Plotly takes for one: it passes over both ends."""
    return min(max(place, 0.001), 0.999)


def _axis(title: str, extent: list[float] | None = None) -> dict[str, Any]:
    axis: dict[str, Any] = {"title": {"text": title}, "gridcolor": "var(--rule)", "automargin": True}
    return {**axis, "range": extent} if extent else axis


def _layout(rows: int, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - of Plotly's schema
    return {
        "height": max(_PER_ROW * rows + 90, _LEAST),
        "margin": {"l": 10, "r": 20, "t": 30, "b": 50},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "var(--text)", "size": 13},
        "legend": {"orientation": "h", "y": 1.08},
        "hoverlabel": {"bgcolor": "var(--ground)", "font": {"color": "var(--text)"}},
        **others,
    }


FIGURES: Final[dict[ChartKind, Callable[[ScenarioReport], Figure]]] = {
    "funnel": funnel_figure,
    "uplifts": uplifts_figure,
    "flow": flow_figure,
}


def draw(kind: ChartKind, scenario: ScenarioReport, palette: Literal["light", "dark"] = "light") -> Any:  # noqa: ANN401 - Plotly's
    """Return a chart of a scenario as a figure that notebooks show.

    Parameters
    ----------
    kind : {"funnel", "uplifts", "flow"}
    scenario : ScenarioReport
    palette : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s

    return go.Figure(_coloured(FIGURES[kind](scenario), PALETTES[palette]))


def _coloured(value: Any, palette: Mapping[str, str]) -> Any:  # noqa: ANN401 - of JSON
    if isinstance(value, dict):
        return {key: _coloured(each, palette) for key, each in value.items()}
    if isinstance(value, list):
        return [_coloured(each, palette) for each in value]
    if isinstance(value, str) and value.startswith("var(--"):
        return palette[value.removeprefix("var(--").removesuffix(")")]
    return value
