"""The slides that show numbers beside a chart: personas, the funnel, and the uplift of each persona."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics.cards import name_in_table
from persona_tui.engine.analytics.deck_charts import (
    AXIS_HEIGHT,
    AXIS_PERCENT_FORMAT,
    AXIS_POINTS_FORMAT,
    PERCENT_FORMAT,
    POINTS_FORMAT,
    Scale,
    Series,
    add_column_chart,
    add_row_chart,
    nice_scale,
)
from persona_tui.engine.analytics.deck_page import (
    BODY,
    ROOM,
    add_caption,
    add_slide,
    in_full,
    numbered,
    pages,
    write_notes,
)
from persona_tui.engine.analytics.deck_shapes import (
    BAR,
    CONTROL,
    QUIET,
    TREATMENT,
    Box,
    Run,
    Style,
    add_runs,
)
from persona_tui.engine.analytics.deck_tables import Column, add_table
from persona_tui.engine.analytics.deck_text import text_width
from persona_tui.engine.analytics.deck_titles import COMPLETION, funnel_title, personas_title, uplift_title
from persona_tui.engine.analytics.numbers import (
    NARROW_SPACE,
    UNKNOWN,
    count,
    interval_text,
    percent,
    percent_interval,
    points_number,
)
from persona_tui.engine.analytics.wording import UNIT_WORDS
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from persona_tui.engine.analytics.cards import PersonaCard
    from persona_tui.engine.analytics.reporting import FunnelArms, Report
    from persona_tui.engine.data.funnel import FunnelStep
    from persona_tui.engine.simulation.comparison import Comparison

    FunnelRows: TypeAlias = Sequence[tuple[FunnelStep, FunnelArms]]

PERSONAS_A_SLIDE: Final = 8
STEPS_A_SLIDE: Final = 20
COLUMN_STEPS: Final = 10
"""A funnel of more steps is drawn as bars, whose names have more room."""

_HEADER_HEIGHT = 0.42
_LEGEND_SIZE = 12
_COLUMNS_WIDTH = 6.5
_GAP = 0.1

INTERVAL = f"95{NARROW_SPACE}% interval"

_PERSONA_COLUMNS = (
    Column(title="#", width=0.42),
    Column(title="Persona", width=2.75, bold=True),
    Column(title="Users", width=0.95, align="right"),
    Column(title="Conversion", width=1.1, align="right"),
    Column(title=INTERVAL, width=1.5, align="right"),
    Column(title="Signature events", width=2.85, lead=0.25),
    Column(title="Share", width=0.85, align="right"),
)
_UPLIFT_COLUMNS = (
    Column(title="#", width=0.42),
    Column(title="Persona", width=2.75, bold=True),
    Column(title="Share", width=0.85, align="right"),
    Column(title="Control", width=0.9, align="right"),
    Column(title="Treatment", width=1.0, align="right", color=TREATMENT),
    Column(title="Uplift", width=0.85, align="right", bold=True),
    Column(title=INTERVAL, width=1.4, align="right"),
)


def add_personas(deck: Deck, report: Report) -> None:
    """Add who the users are."""
    parts = pages(report.personas, PERSONAS_A_SLIDE)
    scale = nice_scale([card.share for card in report.personas])
    for number, cards in enumerate(parts, start=1):
        slide = add_slide(
            deck, report, "Personas", numbered(personas_title(report.personas), number, len(parts))
        )
        _draw_personas(slide, cards, scale)
        add_caption(
            slide,
            "Conversion as observed in the log, with its 95 % interval. Signature events: what a persona "
            "does more than the others. Share: of journeys.",
        )
        write_notes(
            slide,
            "Each row is a group of users who move through the product alike. Users counts those for whom "
            "the persona is the likeliest; share is of all journeys, memberships counted in parts.",
            *(f"{card.id}: {_card_in_full(card)}" for card in cards),
        )


def _draw_personas(slide: Slide, cards: Sequence[PersonaCard], scale: Scale) -> None:
    body = add_table(
        slide,
        (BODY.left, BODY.top),
        _PERSONA_COLUMNS,
        [_persona_cells(card) for card in cards],
        row_heights=_row_heights(len(cards), BODY.height, tallest=0.7),
        name="Personas",
        description=f"Personas {cards[0].id} to {cards[-1].id}: users, conversion, signature events, share.",
    )
    add_row_chart(
        slide,
        _beside(body),
        [name_in_table(card) for card in cards],
        [Series(name="Share of journeys", values=tuple(card.share for card in cards), color=BAR)],
        scale,
        number_format=PERCENT_FORMAT,
        name="Share of journeys",
        description="Bars of the share of journeys, level with the rows of the table: "
        + ", ".join(f"persona {card.id} {percent(card.share)}" for card in cards),
    )


def _persona_cells(card: PersonaCard) -> list[str]:
    return [
        str(card.id),
        name_in_table(card),
        count(card.users),
        percent(card.conversion),
        percent_interval(*card.conversion_interval),
        ", ".join(card.signature_events) or UNKNOWN,
        percent(card.share),
    ]


def _card_in_full(card: PersonaCard) -> str:
    events = ", ".join(map(in_full, card.signature_events)) or "no signature events"
    return f"{in_full(name_in_table(card))} ({events})"


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
    heights = _row_heights(len(rows), BODY.height, tallest=0.55)
    _add_funnel_table(slide, BODY.left + ROOM - width, width, rows, heights)


def _draw_bars(slide: Slide, rows: FunnelRows, scale: Scale) -> None:
    heights = _row_heights(len(rows), BODY.height - AXIS_HEIGHT, tallest=0.55)
    body = _add_funnel_table(slide, BODY.left, 7.6, rows, heights)
    chart = _beside(body)
    _add_legend(slide, Box(chart.left, BODY.top, chart.width, _HEADER_HEIGHT))
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
        Column(title="Observed", width=0.98, align="right"),
        Column(title="Control", width=0.9, align="right"),
        Column(title="Treatment", width=1.05, align="right", color=TREATMENT),
        Column(title="Uplift", width=0.75, align="right", bold=True),
    )
    step_width = width - sum(column.width for column in numbers)
    return add_table(
        slide,
        (left, BODY.top),
        (Column(title="Step", width=step_width), *numbers),
        [_step_cells(step, arm) for step, arm in rows],
        row_heights=heights,
        name="Funnel values",
        description="Share that reaches each step: observed, control, treatment, and the uplift in points.",
    )


def _step_cells(step: FunnelStep, arm: FunnelArms) -> list[str]:
    uplift = points_number(arm.treatment - arm.control)
    return [arm.step, percent(step.rate), percent(arm.control), percent(arm.treatment), uplift]


def _add_legend(slide: Slide, box: Box) -> None:
    runs = [
        Run("■ ", Style(_LEGEND_SIZE, CONTROL)),
        Run("Control    ", Style(_LEGEND_SIZE, QUIET)),
        Run("■ ", Style(_LEGEND_SIZE, TREATMENT)),
        Run("Treatment", Style(_LEGEND_SIZE, QUIET)),
    ]
    add_runs(slide, box, runs, name="Legend", align="center")


def add_uplifts(deck: Deck, report: Report) -> None:
    """Add whom the change helps and whom it hurts."""
    experiment = report.lead.experiment
    numbers = [card.id for card in report.personas if not card.excluded]
    parts = pages(tuple(zip(numbers, experiment.personas, strict=True)), PERSONAS_A_SLIDE)
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
        row_heights=_row_heights(len(rows), BODY.height - AXIS_HEIGHT, tallest=0.7),
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
    chart = _beside(body)
    header = Box(chart.left, BODY.top, chart.width, _HEADER_HEIGHT)
    title = Run("Uplift in completion, points", Style(_LEGEND_SIZE, QUIET, bold=True))
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


def _row_heights(n_rows: int, height: float, *, tallest: float) -> list[float]:
    """Return the heights of a header and of equal rows that fit below it."""
    return [_HEADER_HEIGHT, *[min(tallest, (height - _HEADER_HEIGHT) / n_rows)] * n_rows]


def _beside(body: Box) -> Box:
    """Return the place to the right of a table, level with its rows."""
    left = body.left + body.width + _GAP
    return Box(left, body.top, BODY.left + ROOM - left, body.height)
