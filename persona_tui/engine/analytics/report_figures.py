"""The figures of a report: what each says of a scenario, in the words and numbers of the tables.

To add one, write a function from a scenario to a figure and name it in ``FIGURES``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from persona_tui.engine.analytics.figures import (
    Bar,
    BarFigure,
    BarRow,
    Figure,
    FlowFigure,
    FlowPanel,
    RangeFigure,
    RangeRow,
    Tone,
)
from persona_tui.engine.analytics.numbers import interval_text, percent, points, points_number, signed
from persona_tui.engine.analytics.reporting import FunnelArms, Report, ScenarioReport
from persona_tui.engine.analytics.step_flow import FLOW_NOTE, with_leaving
from persona_tui.engine.simulation.comparison import Comparison
from persona_tui.engine.simulation.leverage import StateDropOff
from persona_tui.engine.simulation.sensitivity import Driver

MOST_ROWS: Final = 80
"""Rows of a figure; what is beyond them is in the tables, and the figure says so."""
_ARMS: Final[tuple[tuple[str, Tone], ...]] = (("control", "control"), ("treatment", "treatment"))


def uplifts_figure(scenario: ScenarioReport) -> RangeFigure:
    """Return the uplift of completion of everyone and of each persona, with intervals."""
    parts = (scenario.experiment.total, *scenario.experiment.personas)
    return RangeFigure(
        title="Uplift of completion by persona",
        rows=tuple(_uplift(each) for each in parts[:MOST_ROWS]),
        axis="uplift in percentage points",
        heads=("share", "uplift", "95 % interval"),
        about=scenario.question,
        note=_beyond(parts, "personas"),
    )


def _uplift(part: Comparison) -> RangeRow:
    estimate = part.uplifts["completion_rate"]
    low, high = estimate.total
    return RangeRow(
        name=part.name,
        low=100 * low,
        high=100 * high,
        value=100 * estimate.value,
        cells=(percent(part.share), points_number(estimate.value), interval_text(low, high)),
    )


def funnel_figure(scenario: ScenarioReport) -> BarFigure:
    """Return both arms beside each other at every step, the first step above."""
    steps = scenario.funnel_arms
    return BarFigure(
        title="Journeys that reach each step",
        series=_ARMS,
        rows=tuple(_reached(each) for each in steps[:MOST_ROWS]),
        axis="share of journeys, in any order",
        about=scenario.question,
        note=_beyond(steps, "steps"),
    )


def _reached(step: FunnelArms) -> BarRow:
    rates = (step.control, step.treatment)
    return BarRow(
        name=step.step,
        bars=tuple(Bar(rate, percent(rate)) for rate in rates),
        note=points(step.treatment - step.control),
    )


def flow_figure(scenario: ScenarioReport) -> FlowFigure:
    """Return the first steps of journeys in both arms; who leaves is drawn, small flows are folded."""
    return FlowFigure(
        title="The first steps of journeys, before and after",
        panels=tuple(
            FlowPanel(name=arm, tone=tone, flow=with_leaving(scenario.flows[arm])) for arm, tone in _ARMS
        ),
        about=scenario.question,
        note=FLOW_NOTE,
    )


def drivers_figure(scenario: ScenarioReport) -> RangeFigure:
    """Return what moves the uplift most, the widest range first."""
    tornado = scenario.insights.drivers
    return RangeFigure(
        title="What moves the uplift",
        rows=tuple(_driver(each) for each in tornado.drivers[:MOST_ROWS]),
        axis="uplift of completion in percentage points, if this alone is other",
        heads=("uplift there",),
        at=100 * tornado.uplift,
        at_text=f"as stated: {points(tornado.uplift)}",
        about=scenario.question,
        note=_beyond(tornado.drivers, "drivers"),
    )


def _driver(driver: Driver) -> RangeRow:
    low, high = sorted(driver.uplifts)
    values = () if driver.values is None else tuple(f"{value:g}" for value in driver.values)
    rising = driver.uplifts[0] <= driver.uplifts[1]
    return RangeRow(
        name=driver.name + (" (assumed range)" if driver.assumed else ""),
        low=100 * low,
        high=100 * high,
        ends=("", "") if not values else (values[not rising], values[rising]),
        cells=(interval_text(low, high),),
    )


def leaving_figure(scenario: ScenarioReport) -> BarFigure:
    """Return where journeys leave in both arms, the largest change first."""
    leaving = [each for each in leaving_most(scenario) if max(each.leaving) >= _LEAST_LEFT]
    return BarFigure(
        title="Where people leave",
        series=_ARMS,
        rows=tuple(_left(each) for each in leaving[:_MOST_LEFT]),
        axis="leavings a journey; who comes back can leave more than once",
        shares=False,
        about=scenario.question,
        note="The largest changes first." + _beyond(leaving, "steps", _MOST_LEFT),
    )


_MOST_LEFT: Final = 12
_LEAST_LEFT: Final = 0.005
"""Leavings a journey that are not written as 0.00."""


def leaving_most(scenario: ScenarioReport) -> list[StateDropOff]:
    """Return where journeys leave, the largest change first; events of giving up are no such places."""
    left = [each for each in scenario.insights.drop_off if not each.drops]
    return sorted(left, key=lambda each: (-round(abs(each.uplift), 9), -max(each.leaving)))


def _left(state: StateDropOff) -> BarRow:
    return BarRow(
        name=state.state,
        bars=tuple(Bar(rate, f"{rate:.2f}") for rate in state.leaving),
        note=signed(state.uplift),
    )


def _beyond(rows: Iterable[object], what: str, most: int = MOST_ROWS) -> str:
    n_more = len(tuple(rows)) - most
    return f" Of {what}, {n_more} more {'is' if n_more == 1 else 'are'} not drawn." if n_more > 0 else ""


FIGURES: Final[dict[str, Callable[[ScenarioReport], Figure]]] = {
    "uplifts": uplifts_figure,
    "funnel": funnel_figure,
    "flow": flow_figure,
    "drivers": drivers_figure,
    "leaving": leaving_figure,
}
"""By the name of the file that a figure is written into."""


def figures_of(report: Report) -> Iterator[tuple[str, Figure]]:
    """Yield every figure that says something, with a name for its file.

    Parameters
    ----------
    report : Report

    Notes
    -----
    The scenario that leads has plain names; those of others end in their number in the study.
    """
    for number, scenario in enumerate(report.scenarios, start=1):
        ending = "" if scenario is report.lead else f"_{number}"
        for kind, build in FIGURES.items():
            if says_something(figure := build(scenario)):
                yield f"{kind}{ending}", figure


def says_something(figure: Figure) -> bool:
    """Return whether a figure has anything to draw."""
    if isinstance(figure, FlowFigure):
        return any(panel.flow.nodes for panel in figure.panels)
    return bool(figure.rows)
