"""The slide that says where people leave, with the change and without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics.deck_charts import (
    AXIS_HEIGHT,
    AXIS_RATE_FORMAT,
    RATE_FORMAT,
    Series,
    add_row_chart,
)
from persona_tui.engine.analytics.deck_page import (
    BODY,
    add_arm_legend,
    add_caption,
    add_slide,
    beside,
    in_full,
    write_notes,
)
from persona_tui.engine.analytics.deck_shapes import CONTROL, TREATMENT, Box
from persona_tui.engine.analytics.deck_tables import HEADER_HEIGHT, Column, add_table, row_heights
from persona_tui.engine.analytics.deck_titles import leaving_title
from persona_tui.engine.analytics.numbers import points_number
from persona_tui.engine.analytics.scales import nice_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from persona_tui.engine.analytics.reporting import Report
    from persona_tui.engine.simulation.leverage import StateDropOff

MOST_STATES: Final = 10
_SHOWN: Final = 0.0005
"""Leavings a journey below which a state is not told: they would read as none."""
_COLUMNS = (
    Column(title="Left at", width=3.0),
    Column(title="Control", width=1.1, align="right"),
    Column(title="Treatment", width=1.2, align="right", color=TREATMENT),
    Column(title="Change", width=1.0, align="right", bold=True),
)


def add_leaving(deck: Deck, report: Report) -> None:
    """Add how often journeys are left at each state in both arms, the most often first."""
    known = report.lead.insights.drop_off
    left = [each for each in known if max(each.leaving) >= _SHOWN and not each.drops]
    if not left:
        return
    ranked = sorted(left, key=lambda each: (-max(each.leaving), each.state))
    shown, more = ranked[:MOST_STATES], ranked[MOST_STATES:]
    slide = add_slide(deck, report, "Where people leave", leaving_title(ranked))
    _draw(slide, shown)
    rest = f" {len(more)} more states, each {_rate(max(more[0].leaving))} at most." if more else ""
    add_caption(
        slide,
        "Leavings of 100 journeys; who comes back may leave again. What a drop event ends is left at the "
        f"state before it.{rest}",
    )
    write_notes(
        slide,
        "A journey is left when it moves to the end or to an event that drops it; values are exact for the "
        "fitted chains.",
        *(f"{in_full(each.state)}: {_rate(each.leaving[0])} and {_rate(each.leaving[1])}" for each in ranked),
    )


def _draw(slide: Slide, shown: Sequence[StateDropOff]) -> None:
    """Add a table of the leavings at some states, and bars beside its rows."""
    body = add_table(
        slide,
        (BODY.left, BODY.top),
        _COLUMNS,
        [(each.state, *map(_rate, each.leaving), points_number(each.uplift)) for each in shown],
        row_heights=row_heights(len(shown), BODY.height - AXIS_HEIGHT, tallest=0.7),
        name="Leavings",
        description="How often 100 journeys are left at each state in control and treatment, and the change.",
    )
    chart = beside(body)
    add_arm_legend(slide, Box(chart.left, BODY.top, chart.width, HEADER_HEIGHT))
    add_row_chart(
        slide,
        chart,
        [each.state for each in shown],
        _arms(shown),
        nice_scale([100 * rate for each in shown for rate in each.leaving]),
        number_format=RATE_FORMAT,
        axis_format=AXIS_RATE_FORMAT,
        name="Where people leave",
        description="Bars of the leavings of 100 journeys in control and treatment: "
        + ", ".join(f"{each.state[:40]} {' and '.join(map(_rate, each.leaving))}" for each in shown),
    )


def _arms(shown: Sequence[StateDropOff]) -> tuple[Series, Series]:
    control, treatment = (tuple(100 * each.leaving[arm] for each in shown) for arm in (0, 1))
    return (
        Series(name="Control", values=control, color=CONTROL),
        Series(name="Treatment", values=treatment, color=TREATMENT),
    )


def _rate(rate: float) -> str:
    return f"{100 * rate:.1f}"
