"""Slides on several scenarios, and on what drives the leading one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics.deck_charts import (
    AXIS_HEIGHT,
    AXIS_POINTS_FORMAT,
    POINTS_FORMAT,
    Series,
    add_row_chart,
)
from persona_tui.engine.analytics.deck_page import (
    BODY,
    INTERVAL,
    ROOM,
    add_caption,
    add_slide,
    beside,
    in_full,
    numbered,
    pages,
    write_notes,
)
from persona_tui.engine.analytics.deck_shapes import (
    ACCENT,
    BAR,
    QUIET,
    Box,
    Run,
    Style,
    add_bullets,
    add_runs,
    flow_bullets,
)
from persona_tui.engine.analytics.deck_tables import HEADER_HEIGHT, Column, add_table, row_heights
from persona_tui.engine.analytics.deck_titles import COMPLETION
from persona_tui.engine.analytics.deck_uplifts import add_uplift_bars, uplift_scale
from persona_tui.engine.analytics.numbers import chance, interval_text, percent, points, points_number
from persona_tui.engine.analytics.scales import nice_scale
from persona_tui.engine.analytics.wording import decision

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report, ScenarioReport
    from persona_tui.engine.simulation.ranking import RankedScenario
    from persona_tui.engine.simulation.sensitivity import Driver

SCENARIOS_A_SLIDE: Final = 9
MOST_DRIVERS: Final = 6
_DRIVERS_HEIGHT = 2.95
_LEGEND_SIZE = 12
_BULLET_SIZE = 15
_SCENARIO_COLUMNS = (
    Column(title="Scenario", width=3.1, bold=True),
    Column(title="Completion", width=1.2, align="right"),
    Column(title="Uplift", width=0.85, align="right", bold=True),
    Column(title=INTERVAL, width=1.45, align="right"),
    Column(title="Falls", width=0.95, align="right"),
    Column(title="Is best", width=0.95, align="right"),
)
_DRIVER_COLUMNS = (
    Column(title="What moves the uplift", width=3.4, bold=True),
    Column(title="From", width=0.9, align="right"),
    Column(title="To", width=0.9, align="right"),
    Column(title="Uplift there, points", width=2.0, align="right"),
)


def add_scenarios(deck: Deck, report: Report) -> None:
    """Add how the scenarios compare; nothing where there is only one."""
    if len(report.scenarios) < 2:
        return
    by_name = {each.name: each for each in report.scenarios}
    parts = pages(report.ranking, SCENARIOS_A_SLIDE)
    scale = uplift_scale([each.experiment.total for each in report.scenarios])
    best = report.ranking[0]
    message = (
        f"“{best.name}” does best: {points(best.uplift)} of completion"
        if best.uplift > 0
        else "No scenario raises completion"
    )
    for number, part in enumerate(parts, start=1):
        slide = add_slide(deck, report, "Scenarios", numbered(message, number, len(parts)))
        body = add_table(
            slide,
            (BODY.left, BODY.top),
            _SCENARIO_COLUMNS,
            [_scenario_cells(ranked, by_name[ranked.name]) for ranked in part],
            row_heights=row_heights(len(part), BODY.height - AXIS_HEIGHT, tallest=0.7),
            name="Scenarios",
            description="Completion under each scenario, its uplift, and how surely it is best.",
        )
        uplifts = [(each.name, by_name[each.name].experiment.total.uplifts[COMPLETION]) for each in part]
        add_uplift_bars(slide, beside(body), uplifts, scale, name="Uplift by scenario")
        add_caption(
            slide,
            "All against the same control, on the same draws. Falls: chance that completion falls. Is best: "
            "chance that no other, nor doing nothing, completes more.",
        )
        write_notes(
            slide,
            "Scenarios from the largest uplift of completion to the smallest.",
            *(f"{in_full(each.name)}: {decision(by_name[each.name].experiment)}" for each in part),
        )


def _scenario_cells(ranked: RankedScenario, scenario: ScenarioReport) -> list[str]:
    total, n_draws = scenario.experiment.total, scenario.experiment.n_draws
    return [
        ranked.name,
        percent(total.arms["treatment"][COMPLETION]),
        points_number(ranked.uplift),
        interval_text(*total.uplifts[COMPLETION].total),
        chance(total.harm, n_draws),
        chance(ranked.best, n_draws),
    ]


def add_drivers(deck: Deck, report: Report) -> None:
    """Add what moves the uplift of the leading scenario, and where it would turn."""
    insights = report.lead.insights
    drivers = insights.drivers.drivers[:MOST_DRIVERS]
    if not drivers:
        return
    slide = add_slide(deck, report, "Drivers", f"What moves the uplift most is {drivers[0].name}")
    body = add_table(
        slide,
        (BODY.left, BODY.top),
        _DRIVER_COLUMNS,
        [
            (
                driver.name,
                *(("", "") if driver.values is None else (f"{value:g}" for value in driver.values)),
                interval_text(*sorted(driver.uplifts)),
            )
            for driver in drivers
        ],
        row_heights=row_heights(len(drivers), _DRIVERS_HEIGHT, tallest=0.7),
        name="Drivers",
        description="The range of each source of doubt, and the uplift at its ends.",
    )
    _add_tornado(slide, beside(body), drivers, insights.drivers.uplift)
    told = [f"{each.name}: {each.found.describe()}" for each in insights.break_even]
    told += [
        f"One point less leaving at {step.state} is worth {points(step.leverage / 100)}."
        for step in insights.leverage[:3]
    ]
    top = body.bottom + AXIS_HEIGHT + 0.2
    room = Box(BODY.left, top, ROOM, BODY.bottom - top)
    (shown, *_) = flow_bullets(told, room.width, room.height, _BULLET_SIZE) or [[]]
    if shown:
        add_bullets(slide, room, shown, Style(_BULLET_SIZE), name="Break-even and leverage")
    add_caption(
        slide,
        "One number at a time, within its stated range, else half of it either way; “data” is the interval "
        "that the log leaves open. Bars begin at the uplift as predicted.",
    )
    write_notes(slide, "The widest range is the number to find out more about first.", *map(in_full, told))


def _add_tornado(slide: Slide, chart: Box, drivers: Sequence[Driver], uplift: float) -> None:
    """Add bars from the uplift to what it would be at the ends of each range, level with their table."""
    header = Box(chart.left, BODY.top, chart.width, HEADER_HEIGHT)
    runs = [
        Run("Uplift, points:  ", Style(_LEGEND_SIZE, QUIET, bold=True)),
        *(
            run
            for color, name in ((BAR, "at From   "), (ACCENT, "at To"))
            for run in (Run("■ ", Style(_LEGEND_SIZE, color)), Run(name, Style(_LEGEND_SIZE, QUIET)))
        ),
    ]
    add_runs(slide, header, runs, name="Legend", align="center")
    ends = [[round(100 * driver.uplifts[end], 9) for driver in drivers] for end in (0, 1)]
    add_row_chart(
        slide,
        chart,
        [driver.name for driver in drivers],
        [
            Series(name=name, values=tuple(values), color=color)
            for name, values, color in zip(("At From", "At To"), ends, (BAR, ACCENT), strict=True)
        ],
        nice_scale([*ends[0], *ends[1], 100 * uplift]),
        number_format=POINTS_FORMAT,
        axis_format=AXIS_POINTS_FORMAT,
        origin=round(100 * uplift, 9),
        name="Tornado",
        description="Bars of the uplift at both ends of each range, from the uplift as predicted: "
        + ", ".join(f"{driver.name[:40]} {interval_text(*sorted(driver.uplifts))}" for driver in drivers),
    )
