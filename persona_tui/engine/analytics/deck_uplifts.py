"""The slides that say whom a change helps and whom it hurts: personas, and groups of users."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
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
from persona_tui.engine.analytics.deck_titles import COMPLETION, groups_title, uplift_title
from persona_tui.engine.analytics.numbers import interval_text, percent, points_number
from persona_tui.engine.analytics.scales import Scale, nice_scale

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report
    from persona_tui.engine.simulation.comparison import Comparison
    from persona_tui.engine.simulation.experiments import Experiment
    from persona_tui.engine.statistics import Estimate

UPLIFTS_A_SLIDE: Final = 8
_TITLE_SIZE = 12

MOST_GROUPS: Final = 24
"""Groups that are told, the largest; the others are in the tables of the report."""


def add_uplifts(deck: Deck, report: Report) -> None:
    """Add which personas the change helps and which it hurts."""
    experiment = report.lead.experiment
    numbers = [card.id for card in report.personas if not card.excluded]
    parts = pages(tuple(zip(map(str, numbers), experiment.personas, strict=True)), UPLIFTS_A_SLIDE)
    total = _together(experiment)
    scale = uplift_scale((total, *experiment.personas))
    for number, part in enumerate(parts, start=1):
        title = numbered(uplift_title(experiment.personas), number, len(parts))
        slide = add_slide(deck, report, "Uplift by persona", title)
        _draw_uplifts(slide, [("", total), *part], scale, "Persona")
        add_caption(
            slide,
            "Uplift: completion in treatment minus control, in points. Whiskers: 95 % interval; where it "
            "holds zero, the log cannot tell which way it goes.",
        )
        write_notes(
            slide,
            "Bars to the left of zero: the persona completes less with the change. The whisker is the 95 % "
            f"interval of what the log leaves open; the first row is {total.name.lower()} together.",
            *(f"{place}: {in_full(persona.name)}" for place, persona in part),
        )


def add_groups(deck: Deck, report: Report) -> None:
    """Add how evenly the change works for groups of users, if attributes tell any apart."""
    experiment = report.lead.experiment
    known = [each for each in experiment.groups if not math.isnan(each.uplifts[COMPLETION].value)]
    largest = sorted(known, key=lambda each: -each.share)[:MOST_GROUPS]
    groups = [each for each in known if each in largest]
    more = (
        f" {len(known) - len(groups)} smaller groups are in the tables." if len(known) > len(groups) else ""
    )
    parts = pages(groups, UPLIFTS_A_SLIDE)
    total = _together(experiment)
    scale = uplift_scale((total, *groups))
    for number, part in enumerate(parts, start=1):
        title = numbered(groups_title(groups), number, len(parts))
        slide = add_slide(deck, report, "Uplift by group", title)
        _draw_uplifts(slide, [("", total), *(("", group) for group in part)], scale, "Group")
        add_caption(
            slide,
            "Groups of one attribute part all users; chains are each group's own. Among many groups some "
            f"stand out by chance alone.{more}",
        )
        write_notes(
            slide,
            "Whether the change works alike for all. A group whose interval lies apart from that of all "
            "users is worth a closer look, not yet a finding.",
            *(in_full(group.name) for group in part),
        )


def _together(experiment: Experiment) -> Comparison:
    return replace(experiment.total, name="All not excluded" if experiment.without else "All users")


def uplift_scale(comparisons: Sequence[Comparison]) -> Scale:
    """Return an axis that holds the uplifts of completion with their intervals, in points."""
    return nice_scale([100 * end for each in comparisons for end in _ends(each)])


def _columns(whom: str) -> tuple[Column, ...]:
    return (
        Column(title="#", width=0.42),
        Column(title=whom, width=2.75, bold=True),
        Column(title="Share", width=0.85, align="right"),
        Column(title="Control", width=0.9, align="right"),
        Column(title="Treatment", width=1.0, align="right", color=TREATMENT),
        Column(title="Uplift", width=0.85, align="right", bold=True),
        Column(title=INTERVAL, width=1.4, align="right"),
    )


def _draw_uplifts(slide: Slide, rows: Sequence[tuple[str, Comparison]], scale: Scale, whom: str) -> None:
    columns, cells = _columns(whom), [_uplift_cells(*row) for row in rows]
    if not any(place for place, _ in rows):
        columns, cells = columns[1:], [row[1:] for row in cells]
    body = add_table(
        slide,
        (BODY.left, BODY.top),
        columns,
        cells,
        row_heights=row_heights(len(rows), BODY.height - AXIS_HEIGHT, tallest=0.7),
        name="Uplift values",
        description=f"Completion by {whom.lower()} in both arms, the uplift and its 95 % interval.",
        strong_row=0,
    )
    add_uplift_bars(
        slide,
        beside(body),
        [(comparison.name, comparison.uplifts[COMPLETION]) for _, comparison in rows],
        scale,
        name=f"Uplift by {whom.lower()}",
    )


def add_uplift_bars(
    slide: Slide, chart: Box, uplifts: Sequence[tuple[str, Estimate]], scale: Scale, *, name: str
) -> None:
    """Add bars of uplifts in points with their intervals, level with the rows of a table, and a heading."""
    header = Box(chart.left, chart.top - HEADER_HEIGHT, chart.width, HEADER_HEIGHT)
    title = Run("Uplift in completion, points", Style(_TITLE_SIZE, QUIET, bold=True))
    add_runs(slide, header, [title], name="Chart title", align="center")
    found = [uplift for _, uplift in uplifts]
    points = Series(
        name="Uplift, points",
        values=tuple(_in_points(uplift.value) for uplift in found),
        color=BAR,
        intervals=tuple((_in_points(uplift.total[0]), _in_points(uplift.total[1])) for uplift in found),
    )
    add_row_chart(
        slide,
        chart,
        [whom for whom, _ in uplifts],
        [points],
        scale,
        number_format=POINTS_FORMAT,
        axis_format=AXIS_POINTS_FORMAT,
        name=name,
        description="Bars of the uplift, whiskers for the 95 % interval, level with the rows of the table: "
        + ", ".join(f"{whom[:40]} {points_number(uplift.value)}" for whom, uplift in uplifts),
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
