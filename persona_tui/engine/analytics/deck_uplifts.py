"""The slide that says whom a change helps and whom it hurts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics.deck_charts import (
    AXIS_HEIGHT,
    AXIS_POINTS_FORMAT,
    POINTS_FORMAT,
    Scale,
    Series,
    add_row_chart,
    nice_scale,
)
from persona_tui.engine.analytics.deck_page import (
    BODY,
    INTERVAL,
    add_caption,
    add_slide,
    beside,
    in_full,
    numbered,
    pages,
    write_notes,
)
from persona_tui.engine.analytics.deck_shapes import BAR, QUIET, TREATMENT, Box, Run, Style, add_runs
from persona_tui.engine.analytics.deck_tables import HEADER_HEIGHT, Column, add_table, row_heights
from persona_tui.engine.analytics.deck_titles import COMPLETION, uplift_title
from persona_tui.engine.analytics.numbers import interval_text, percent, points_number

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report
    from persona_tui.engine.simulation.comparison import Comparison

UPLIFTS_A_SLIDE: Final = 8
_TITLE_SIZE = 12

_UPLIFT_COLUMNS = (
    Column(title="#", width=0.42),
    Column(title="Persona", width=2.75, bold=True),
    Column(title="Share", width=0.85, align="right"),
    Column(title="Control", width=0.9, align="right"),
    Column(title="Treatment", width=1.0, align="right", color=TREATMENT),
    Column(title="Uplift", width=0.85, align="right", bold=True),
    Column(title=INTERVAL, width=1.4, align="right"),
)


def add_uplifts(deck: Deck, report: Report) -> None:
    """Add whom the change helps and whom it hurts."""
    experiment = report.lead.experiment
    numbers = [card.id for card in report.personas if not card.excluded]
    parts = pages(tuple(zip(numbers, experiment.personas, strict=True)), UPLIFTS_A_SLIDE)
    together = "All not excluded" if experiment.without else "All users"
    total = replace(experiment.total, name=together)
    scale = nice_scale([100 * end for each in (total, *experiment.personas) for end in _ends(each)])
    for number, part in enumerate(parts, start=1):
        title = numbered(uplift_title(experiment.personas), number, len(parts))
        slide = add_slide(deck, report, "Uplift by persona", title)
        rows = [("", total), *((str(place), persona) for place, persona in part)]
        _draw_uplifts(slide, rows, scale)
        add_caption(
            slide,
            "Uplift: completion in treatment minus control, in points. Whiskers: 95 % interval; where it "
            "holds zero, the log cannot tell which way it goes.",
        )
        write_notes(
            slide,
            "Bars to the left of zero: the persona completes less with the change. The whisker is the 95 % "
            f"interval of what the log leaves open; the first row is {together.lower()} together.",
            *(f"{place}: {in_full(persona.name)}" for place, persona in part),
        )


def _draw_uplifts(slide: Slide, rows: Sequence[tuple[str, Comparison]], scale: Scale) -> None:
    body = add_table(
        slide,
        (BODY.left, BODY.top),
        _UPLIFT_COLUMNS,
        [_uplift_cells(*row) for row in rows],
        row_heights=row_heights(len(rows), BODY.height - AXIS_HEIGHT, tallest=0.7),
        name="Uplift values",
        description="Completion of each persona in control and treatment, its uplift and the 95 % interval.",
        strong_row=0,
    )
    uplifts = [comparison.uplifts[COMPLETION] for _, comparison in rows]
    points = Series(
        name="Uplift, points",
        values=tuple(_in_points(uplift.value) for uplift in uplifts),
        color=BAR,
        intervals=tuple((_in_points(uplift.total[0]), _in_points(uplift.total[1])) for uplift in uplifts),
    )
    chart = beside(body)
    header = Box(chart.left, BODY.top, chart.width, HEADER_HEIGHT)
    title = Run("Uplift in completion, points", Style(_TITLE_SIZE, QUIET, bold=True))
    add_runs(slide, header, [title], name="Chart title", align="center")
    add_row_chart(
        slide,
        chart,
        [comparison.name for _, comparison in rows],
        [points],
        scale,
        number_format=POINTS_FORMAT,
        axis_format=AXIS_POINTS_FORMAT,
        name="Uplift by persona",
        description="Bars of the uplift, whiskers for the 95 % interval, level with the rows of the table: "
        + ", ".join(f"{place or 'all'} {points_number(c.uplifts[COMPLETION].value)}" for place, c in rows),
    )


def _uplift_cells(place: str, comparison: Comparison) -> list[str]:
    uplift = comparison.uplifts[COMPLETION]
    return [
        place,
        comparison.name,
        percent(comparison.share),
        percent(comparison.arms["control"][COMPLETION]),
        percent(comparison.arms["treatment"][COMPLETION]),
        points_number(uplift.value),
        interval_text(*uplift.total),
    ]


def _in_points(share: float) -> float:
    return round(100 * share, 9)


def _ends(comparison: Comparison) -> tuple[float, float, float]:
    uplift = comparison.uplifts[COMPLETION]
    return (uplift.value, *uplift.total)
