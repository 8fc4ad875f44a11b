"""The slides that say how far journeys come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics.deck_charts import (
    AXIS_HEIGHT,
    AXIS_PERCENT_FORMAT,
    PERCENT_FORMAT,
    Series,
    add_column_chart,
    add_row_chart,
)
from persona_tui.engine.analytics.deck_page import (
    BODY,
    INTERVAL,
    ROOM,
    add_arm_legend,
    add_caption,
    add_slide,
    beside,
    in_full,
    numbered,
    pages,
    write_notes,
)
from persona_tui.engine.analytics.deck_shapes import CONTROL, TREATMENT, Box
from persona_tui.engine.analytics.deck_tables import HEADER_HEIGHT, Column, add_table, row_heights
from persona_tui.engine.analytics.deck_text import text_width
from persona_tui.engine.analytics.deck_titles import funnel_title
from persona_tui.engine.analytics.numbers import UNKNOWN, interval_text, percent, points_number
from persona_tui.engine.analytics.scales import Scale, nice_scale
from persona_tui.engine.analytics.wording import UNIT_WORDS
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import FunnelArms, Report
    from persona_tui.engine.data.funnel import FunnelStep

    FunnelRows: TypeAlias = Sequence[tuple[FunnelStep, FunnelArms]]

STEPS_A_SLIDE: Final = 20
COLUMN_STEPS: Final = 10
"""A funnel of more steps is drawn as bars, whose names have more room."""

_COLUMNS_WIDTH = 5.2
_BESIDE_BARS = 8.3


def add_funnel(deck: Deck, report: Report) -> None:
    """Add how far journeys come in both arms."""
    rows = tuple(zip(report.funnel, report.lead.funnel_arms, strict=True))
    parts = pages(rows, STEPS_A_SLIDE)
    draw = _draw_columns if _fits_columns(report.lead.funnel_arms) else _draw_bars
    scale = nice_scale([rate for arm in report.lead.funnel_arms for rate in (arm.control, arm.treatment)])
    for number, part in enumerate(parts, start=1):
        title = numbered(funnel_title(report.lead.funnel_arms), number, len(parts))
        slide = add_slide(deck, report, "Funnel: control against treatment", title)
        draw(slide, part, scale)
        add_caption(
            slide,
            f"Control and treatment: predicted share of {UNIT_WORDS[report.unit]} that reach a step. "
            "Observed: their share in the log. Uplift: treatment minus control, in points.",
        )
        write_notes(
            slide,
            "Each step shows the chance to reach it without the change (control) and with it (treatment).",
            "Observed stands beside control as a check; journeys still open when the log ends make it lower.",
            "Steps: " + ", ".join(in_full(arm.step) for _, arm in part),
        )


def _fits_columns(arms: Sequence[FunnelArms]) -> bool:
    room = 0.9 * _COLUMNS_WIDTH / max(len(arms), 1)
    return len(arms) <= COLUMN_STEPS and all(text_width(printable(arm.step), 11) <= room for arm in arms)


def _draw_columns(slide: Slide, rows: FunnelRows, scale: Scale) -> None:
    chart = Box(BODY.left, BODY.top, _COLUMNS_WIDTH, BODY.height)
    steps = [arm.step for _, arm in rows]
    add_column_chart(slide, chart, steps, _arm_series(rows), scale, name="Funnel", description=_told(rows))
    width = ROOM - chart.width - 0.3
    heights = row_heights(len(rows), BODY.height, tallest=0.7)
    _add_funnel_table(slide, BODY.left + ROOM - width, width, rows, heights)


def _draw_bars(slide: Slide, rows: FunnelRows, scale: Scale) -> None:
    heights = row_heights(len(rows), BODY.height - AXIS_HEIGHT, tallest=0.7)
    body = _add_funnel_table(slide, BODY.left, _BESIDE_BARS, rows, heights)
    chart = beside(body)
    add_arm_legend(slide, Box(chart.left, BODY.top, chart.width, HEADER_HEIGHT))
    add_row_chart(
        slide,
        chart,
        [arm.step for _, arm in rows],
        _arm_series(rows),
        scale,
        number_format=PERCENT_FORMAT,
        axis_format=AXIS_PERCENT_FORMAT,
        name="Funnel",
        description=_told(rows),
    )


def _arm_series(rows: FunnelRows) -> tuple[Series, Series]:
    return (
        Series(name="Control", values=tuple(arm.control for _, arm in rows), color=CONTROL),
        Series(name="Treatment", values=tuple(arm.treatment for _, arm in rows), color=TREATMENT),
    )


def _told(rows: FunnelRows) -> str:
    steps = ", ".join(
        f"{arm.step[:40]} {percent(arm.control)} and {percent(arm.treatment)}" for _, arm in rows
    )
    return f"Share that reaches each step in control and treatment: {steps}."


def _add_funnel_table(
    slide: Slide, left: float, width: float, rows: FunnelRows, heights: Sequence[float]
) -> Box:
    numbers = (
        Column(title="Observed", width=0.95, align="right"),
        Column(title="Control", width=0.85, align="right"),
        Column(title="Treatment", width=1.0, align="right", color=TREATMENT),
        Column(title="Uplift", width=0.75, align="right", bold=True),
        Column(title=INTERVAL, width=1.38, align="right"),
    )
    step_width = width - sum(column.width for column in numbers)
    return add_table(
        slide,
        (left, BODY.top),
        (Column(title="Step", width=step_width), *numbers),
        [_step_cells(step, arm) for step, arm in rows],
        row_heights=heights,
        name="Funnel values",
        description="Share that reaches each step: observed, control, treatment, and the uplift in points "
        "with its 95 % interval.",
    )


def _step_cells(step: FunnelStep, arm: FunnelArms) -> list[str]:
    ends = arm.uplift_interval
    return [
        arm.step,
        percent(step.rate),
        percent(arm.control),
        percent(arm.treatment),
        points_number(arm.treatment - arm.control),
        UNKNOWN if ends is None else interval_text(*ends),
    ]
