"""The slides that a deck opens with: the question and its answer, how to read it, and the key figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from pptx.enum.dml import MSO_THEME_COLOR as THEME
from pptx.enum.text import MSO_ANCHOR
from pptx.presentation import Presentation as Deck

from persona_tui.engine.analytics import deck_titles as titles
from persona_tui.engine.analytics.deck_file import HEIGHT, WIDTH
from persona_tui.engine.analytics.deck_layouts import TEXTS, title_layout
from persona_tui.engine.analytics.deck_page import BODY, MARGIN, ROOM, add_slide, write_notes
from persona_tui.engine.analytics.deck_shapes import (
    ACCENT,
    CONTROL,
    INK,
    QUIET,
    TREATMENT,
    Box,
    Run,
    Style,
    add_bullets,
    add_panel,
    add_text,
    add_tiles,
    fill_text,
)
from persona_tui.engine.analytics.deck_tables import Column, Paragraphs, add_paragraphs
from persona_tui.engine.analytics.definitions import DEFINITIONS
from persona_tui.engine.analytics.numbers import chance, count, interval_text, percent, points, relative
from persona_tui.engine.analytics.wording import UNIT_WORDS, models_left_out

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report
    from persona_tui.engine.simulation.comparison import Comparison

_FIGURE_SIZE = 28
_WORDS: Final = {
    "Completion": "completion",
    "Drop-off": "drop-off",
    "Control": "control",
    "Treatment": "treatment",
    "Uplift": "uplift",
    "95 % interval": "95 % interval",
    "Chance that it hurts": "falls",
    "Share": "share",
    "Conversion": "converts",
}
"""Of the definitions, those that the slides use; the notes of each slide say the rest."""


def add_title(deck: Deck, report: Report) -> None:
    """Add the question and the answer."""
    slide = deck.slides.add_slide(title_layout(deck))
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
    below = next(each for each in slide.placeholders if each.placeholder_format.type in TEXTS)
    fill_text(below, answer, report.lead.decision, Style(22), sizes=(22, 20, 18, 16))
    add_text(slide, Box(left, 5.75, width, 0.3), titles.log_facts(report), Style(14, QUIET), name="Log")
    add_text(slide, Box(left, 6.1, width, 0.3), titles.origin(report), Style(14, QUIET), name="Recipe")
    write_notes(
        slide,
        f"The question: {report.title}",
        f"The answer: {report.lead.decision}",
        "The last lines say which log was read and what makes the same numbers again.",
    )


def add_reading(deck: Deck, report: Report) -> None:
    """Add what the words of the deck mean."""
    slide = add_slide(
        deck,
        report,
        "How to read it",
        "Values are exact for the fitted personas; intervals say what the log leaves open",
    )
    words = Paragraphs(
        columns=(Column(title="Word", width=2.6, bold=True), Column(title="Meaning", width=ROOM - 2.6)),
        rows=tuple((shown, DEFINITIONS[word]) for shown, word in _WORDS.items()),
        size=16,
        most_lines=2,
    )
    (rows, *_) = words.pages(BODY.height)
    add_paragraphs(
        slide,
        (BODY.left, BODY.top),
        words,
        rows,
        name="Words",
        description="The words of this deck and what each means.",
    )
    write_notes(
        slide,
        "These words are used with the same meaning on every slide.",
        *(f"{shown}: {DEFINITIONS[word]}" for shown, word in _WORDS.items()),
    )


def add_decision(deck: Deck, report: Report) -> None:
    """Add the answer with its key figures."""
    slide = add_slide(
        deck,
        report,
        "Decision",
        report.lead.decision,
        title_box=Box(MARGIN, 0.72, ROOM, 1.7),
        sizes=(30, 28, 26, 24, 22, 20),
    )
    add_tiles(slide, Box(MARGIN, 2.7, ROOM, 1.75), _key_figures(report))
    add_bullets(slide, Box(MARGIN, 4.95, ROOM, 1.5), _reading(report), Style(15), name="How to read it")
    write_notes(slide, *_sources_of_doubt(report))


def _key_figures(report: Report) -> list[tuple[str, list[Run], str]]:
    """Return what each figure is, the number in its colours, and its doubt or scale."""
    total, harm, n_draws = (
        report.lead.experiment.total,
        report.lead.experiment.harm,
        report.lead.experiment.n_draws,
    )
    uplift, drop_off = total.uplifts[titles.COMPLETION], total.uplifts[titles.DROP_OFF]
    ratio = "" if uplift.relative is None else f"; {relative(uplift.relative)} of control"
    return [
        ("Completion", _both_arms(total, titles.COMPLETION), "control → treatment"),
        (
            "Uplift in completion",
            [_figure(points(uplift.value))],
            f"95 % interval {interval_text(*uplift.total)}{ratio}",
        ),
        (
            "Chance that it hurts",
            [_figure(chance(harm, n_draws))],
            f"{count(round(harm * n_draws))} of {count(n_draws)} draws have an uplift below zero",
        ),
        (
            "Drop-off",
            _both_arms(total, titles.DROP_OFF),
            f"{points(drop_off.value)}; 95 % interval {interval_text(*drop_off.total)}",
        ),
    ]


def _both_arms(total: Comparison, metric: str) -> list[Run]:
    before, after = (percent(total.arms[arm][metric]) for arm in ("control", "treatment"))
    return [_figure(before, CONTROL), _figure(" → ", QUIET), _figure(after, TREATMENT)]


def _figure(text: str, color: THEME = INK) -> Run:
    return Run(text, Style(_FIGURE_SIZE, color, bold=True))


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
