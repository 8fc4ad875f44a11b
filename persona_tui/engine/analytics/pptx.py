"""A report as a deck: one function a slide, in the order in which they are shown.

To add a slide, write a function that takes the deck and the report, and name it in ``_SLIDES``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pptx.enum.dml import MSO_THEME_COLOR as THEME
from pptx.enum.text import MSO_ANCHOR
from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics import deck_titles as titles
from persona_tui.engine.analytics.deck_file import HEIGHT, WIDTH, empty_deck, save_deck
from persona_tui.engine.analytics.deck_flow import add_flow
from persona_tui.engine.analytics.deck_funnel import add_funnel
from persona_tui.engine.analytics.deck_page import (
    BODY,
    MARGIN,
    ROOM,
    add_slide,
    in_full,
    numbered,
    write_notes,
)
from persona_tui.engine.analytics.deck_personas import add_personas
from persona_tui.engine.analytics.deck_scenarios import add_drivers, add_plan, add_scenarios
from persona_tui.engine.analytics.deck_shapes import (
    ACCENT,
    CONTROL,
    INK,
    QUIET,
    TILE_PADDING,
    TREATMENT,
    Box,
    Run,
    Style,
    add_bullets,
    add_panel,
    add_text,
    add_tile,
    fill_text,
    flow_bullets,
)
from persona_tui.engine.analytics.deck_tables import Column, add_table
from persona_tui.engine.analytics.deck_text import LINE_HEIGHT, fit, shorten, wrap
from persona_tui.engine.analytics.deck_uplifts import add_uplifts
from persona_tui.engine.analytics.numbers import chance, count, interval_text, percent, points, relative
from persona_tui.engine.analytics.wording import UNIT_WORDS, models_left_out
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report
    from persona_tui.engine.simulation.comparison import Comparison

_FIGURE_SIZES = (28, 26, 24, 22, 20, 18)
_BULLET_SIZE = 15
_HEADING_HEIGHT = 0.4
_RECIPE_SIZE = 12
_RECIPE_COLUMNS = (Column(title="Setting", width=2.6, bold=True), Column(title="Value", width=ROOM - 2.6))
_RECIPE_LINES = 4
_HEADER_HEIGHT = 0.42
_RECIPE_HEIGHT = 5.0 - _HEADER_HEIGHT


def write_deck(report: Report, path: Path) -> Path:
    """Write a report as a deck of native, editable slides.

    Parameters
    ----------
    report : Report
    path : Path
        Its folder exists; a file that is there is replaced.

    Returns
    -------
    Path

    Raises
    ------
    ExportError
        If the file cannot be written; then nothing is left of it.

    Notes
    -----
    The same report gives the same bytes. Text from the log is never interpreted: a name
    that a slide cannot hold is cut, and stands in full in the speaker notes.
    """
    deck = _filled(report)
    properties = deck.core_properties
    properties.title = printable(report.title)[:255]
    properties.author = properties.last_modified_by = "persona_tui"
    properties.created = properties.modified = report.log.last
    save_deck(deck, path)
    return path


def outline(report: Report) -> tuple[str, ...]:
    """Return the title of every slide of a report's deck, in order."""
    titles_of = (slide.shapes.title for slide in _filled(report).slides)
    return tuple("" if title is None else title.text_frame.text for title in titles_of)


def _filled(report: Report) -> Deck:
    deck = empty_deck()
    for add_slides in _SLIDES:
        add_slides(deck, report)
    return deck


def _add_title(deck: Deck, report: Report) -> None:
    slide = deck.slides.add_slide(deck.slide_layouts.get_by_name("Title Slide"))
    add_panel(slide, Box(0, 0, 0.28, HEIGHT), ACCENT, name="Edge")
    left, width = 1.1, WIDTH - 1.1 - MARGIN
    fill_text(
        slide.shapes.title,
        Box(left, 1.35, width, 1.75),
        report.title,
        Style(40, ACCENT, bold=True),
        sizes=(40, 36, 32, 28, 24, 20),
        anchor=MSO_ANCHOR.BOTTOM,
    )
    answer = Box(left, 3.4, width - 1.2, 1.5)
    fill_text(slide.placeholders[1], answer, report.lead.decision, Style(22), sizes=(22, 20, 18, 16))
    add_text(slide, Box(left, 5.75, width, 0.3), titles.log_facts(report), Style(14, QUIET), name="Log")
    add_text(slide, Box(left, 6.1, width, 0.3), titles.origin(report), Style(14, QUIET), name="Recipe")
    write_notes(
        slide,
        f"The question: {report.title}",
        f"The answer: {report.lead.decision}",
        "The last lines say which log was read and what makes the same numbers again.",
    )


def _add_decision(deck: Deck, report: Report) -> None:
    slide = add_slide(
        deck,
        report,
        "Decision",
        report.lead.decision,
        title_box=Box(MARGIN, 0.72, ROOM, 1.7),
        sizes=(30, 28, 26, 24, 22, 20),
    )
    figures = _key_figures(report)
    gap = 0.25
    width = (ROOM - gap * (len(figures) - 1)) / len(figures)
    numbers = ["".join(text for text, _ in value) for _, value, _ in figures]
    room = width - 2 * TILE_PADDING
    size = min(fit(number, room, 0.5, _FIGURE_SIZES, bold=True).size for number in numbers)
    for place, (label, value, note) in enumerate(figures):
        runs = [Run(text, Style(size, color, bold=True)) for text, color in value]
        add_tile(slide, Box(MARGIN + place * (width + gap), 2.7, width, 1.75), label, runs, note)
    add_bullets(slide, Box(MARGIN, 4.95, ROOM, 1.5), _reading(report), Style(15), name="How to read it")
    write_notes(slide, *_sources_of_doubt(report))


def _key_figures(report: Report) -> tuple[tuple[str, list[tuple[str, THEME]], str], ...]:
    """Return what each figure is, the number in its colours, and its doubt or scale."""
    total, harm, n_draws = (
        report.lead.experiment.total,
        report.lead.experiment.harm,
        report.lead.experiment.n_draws,
    )
    uplift, drop_off = total.uplifts[titles.COMPLETION], total.uplifts[titles.DROP_OFF]
    ratio = "" if uplift.relative is None else f"; {relative(uplift.relative)} of control"
    return (
        ("Completion", _both_arms(total, titles.COMPLETION), "control → treatment"),
        (
            "Uplift in completion",
            [(points(uplift.value), INK)],
            f"95 % interval {interval_text(*uplift.total)}{ratio}",
        ),
        (
            "Chance that it hurts",
            [(chance(harm, n_draws), INK)],
            f"{count(round(harm * n_draws))} of {count(n_draws)} draws have an uplift below zero",
        ),
        (
            "Drop-off",
            _both_arms(total, titles.DROP_OFF),
            f"{points(drop_off.value)}; 95 % interval {interval_text(*drop_off.total)}",
        ),
    )


def _both_arms(total: Comparison, metric: str) -> list[tuple[str, THEME]]:
    before, after = (percent(total.arms[arm][metric]) for arm in ("control", "treatment"))
    return [(before, CONTROL), (" → ", QUIET), (after, TREATMENT)]


def _reading(report: Report) -> list[str]:
    experiment = report.lead.experiment
    uplift = experiment.total.uplifts[titles.COMPLETION]
    simulated = experiment.total.simulated_uplifts.get(titles.COMPLETION)
    told = [
        f"The interval is what the {count(report.log.users)} users of the log"
        f"{'' if uplift.assumption is None else ' and the ranges of the change'} leave open; it does not say "
        "whether people react to the change as described.",
    ]
    if simulated is not None and uplift.simulation_error is not None and not math.isnan(simulated):
        told.append(
            "The values are exact for the fitted personas. A simulation of "
            f"{count(experiment.n_personas)} synthetic {UNIT_WORDS[report.unit]} per arm gives "
            f"{points(simulated)}, standard error {points(uplift.simulation_error).lstrip('+')}."
        )
    if uplift.model is not None:
        told.append(
            f"With other models of the same log the uplift would be {interval_text(*uplift.model)} points."
        )
    return told


def _sources_of_doubt(report: Report) -> list[str]:
    uplift = report.lead.experiment.total.uplifts[titles.COMPLETION]
    intervals = {
        "how well the log pins the personas": uplift.data,
        "other models: one chain for all, a persona more or less, second order": uplift.model,
        "the ranges assumed for the change": uplift.assumption,
        "log and assumed ranges together": uplift.total,
    }
    return [
        "Uplift is treatment minus control, in percentage points.",
        *(f"Interval from {why}: {interval_text(*ends)} points." for why, ends in intervals.items() if ends),
        *filter(None, [models_left_out(report.lead.experiment)]),
        "The chance that it hurts is the share of draws in which completion falls.",
    ]


def _add_assumptions(deck: Deck, report: Report) -> None:
    caveats, assumptions = report.lead.experiment.caveats, report.assumptions
    if not caveats and not assumptions:
        return
    gap = 0.5
    side = ROOM * 0.36 if caveats else 0.0
    main = ROOM - side - gap if caveats else ROOM * 0.8
    height = BODY.height - _HEADING_HEIGHT
    columns = [
        ("Assumptions", BODY.left, main, flow_bullets(assumptions, main, height, _BULLET_SIZE)),
        ("Caveats", BODY.left + main + gap, side, flow_bullets(caveats, side, height, _BULLET_SIZE)),
    ]
    n_pages = max(len(parts) for _, _, _, parts in columns)
    message = titles.assumptions_title(len(caveats), len(assumptions))
    for page in range(n_pages):
        slide = add_slide(deck, report, "Assumptions and caveats", numbered(message, page + 1, n_pages))
        for heading, left, width, parts in columns:
            if page < len(parts) and parts[page]:
                _add_list(slide, Box(left, BODY.top, width, BODY.height), heading, parts[page])
        write_notes(
            slide,
            "Assumptions hold for every result of this kind; caveats were raised by this one.",
            *(
                in_full(text)
                for _, _, _, parts in columns
                for listed in parts[page : page + 1]
                for text in listed
            ),
        )


def _add_list(slide: Slide, box: Box, heading: str, items: list[str]) -> None:
    style = Style(_BULLET_SIZE, ACCENT, bold=True)
    add_text(slide, Box(box.left, box.top, box.width, _HEADING_HEIGHT), heading, style, name=heading)
    rest = Box(box.left, box.top + _HEADING_HEIGHT, box.width, box.height - _HEADING_HEIGHT)
    add_bullets(slide, rest, items, Style(_BULLET_SIZE), name=f"{heading}: list")


def _add_recipe(deck: Deck, report: Report) -> None:
    parts = _flow_recipe(report.recipe)
    for number, rows in enumerate(parts, start=1):
        message = "The same log, settings, seed and version give these numbers again"
        slide = add_slide(deck, report, "Recipe", numbered(message, number, len(parts)))
        add_table(
            slide,
            (BODY.left, BODY.top),
            _RECIPE_COLUMNS,
            [(name, value) for name, value, _ in rows],
            row_heights=[_HEADER_HEIGHT, *(height for _, _, height in rows)],
            sizes=[_RECIPE_SIZE],
            most_lines=_RECIPE_LINES,
            name="Recipe",
            description="Settings that make the numbers of this deck again, and their values.",
        )
        write_notes(slide, *(f"{name}: {in_full(report.recipe[name])}" for name, _, _ in rows))


def _flow_recipe(recipe: dict[str, str]) -> list[list[tuple[str, str, float]]]:
    """Return the settings page by page, each with its value and the height of its row."""
    width = _RECIPE_COLUMNS[1].room
    parts: list[list[tuple[str, str, float]]] = []
    room = 0.0
    for name, value in recipe.items():
        shown = shorten(value, width, _RECIPE_SIZE, lines=_RECIPE_LINES)
        n_lines = len(wrap(shown, width, _RECIPE_SIZE))
        height = n_lines * _RECIPE_SIZE * LINE_HEIGHT / 72 + 0.1
        if height > room:
            parts.append([])
            room = _RECIPE_HEIGHT
        parts[-1].append((name, shown, height))
        room -= height
    return parts


_SLIDES: Final[tuple[Callable[[Deck, Report], None], ...]] = (
    _add_title,
    _add_decision,
    add_personas,
    add_flow,
    add_funnel,
    add_uplifts,
    add_scenarios,
    add_drivers,
    add_plan,
    _add_assumptions,
    _add_recipe,
)
