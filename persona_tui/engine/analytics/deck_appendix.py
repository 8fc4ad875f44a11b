"""The slides that a deck ends with: what the numbers rest on, and what makes them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics import deck_titles as titles
from persona_tui.engine.analytics.deck_page import (
    BODY,
    ROOM,
    add_caption,
    add_slide,
    in_full,
    numbered,
    write_notes,
)
from persona_tui.engine.analytics.deck_shapes import (
    ACCENT,
    INK,
    Box,
    Run,
    Style,
    add_bullets,
    add_text,
    add_tiles,
    flow_bullets,
)
from persona_tui.engine.analytics.deck_tables import Column, Paragraphs, add_paragraphs
from persona_tui.engine.analytics.numbers import count

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report
    from persona_tui.engine.data.quality import LogFacts

_BULLET_SIZE = 15
_HEADING_HEIGHT = 0.4
_RECIPE_COLUMNS = (Column(title="Setting", width=2.6, bold=True), Column(title="Value", width=ROOM - 2.6))
_RECIPE_HEIGHT = 5.0
_FINDINGS_TOP = BODY.top + 1.6
_NOTHING_FOUND = "Nothing was dropped or repaired while the log was read, and nothing in it is odd."
_FINDING_COLUMNS = (
    Column(title="What was found", width=ROOM - 5.0, bold=True),
    Column(title="How many", width=2.2, align="right"),
    Column(title="Share", width=1.3, align="right"),
    Column(title="Done", width=1.5, lead=0.25),
)


def add_assumptions(deck: Deck, report: Report) -> None:
    """Add what the numbers rest on, and what this result is to be read with."""
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


def add_quality(deck: Deck, report: Report) -> None:
    """Add what the log holds, and what was dropped, repaired or is odd in it."""
    findings = Paragraphs(
        columns=_FINDING_COLUMNS,
        rows=tuple((each.reason, each.count, each.share, each.done) for each in report.quality),
        size=13,
        most_lines=3,
    )
    parts = findings.pages(BODY.bottom - _FINDINGS_TOP) or [[]]
    for number, rows in enumerate(parts, start=1):
        title = numbered(titles.quality_title(report.log), number, len(parts))
        slide = add_slide(deck, report, "Data quality", title)
        add_tiles(slide, Box(BODY.left, BODY.top, ROOM, 1.4), _log_figures(report.log))
        if not rows:
            told = Box(BODY.left, _FINDINGS_TOP, ROOM, 0.4)
            add_text(slide, told, _NOTHING_FOUND, Style(_BULLET_SIZE), name="Findings")
        else:
            add_paragraphs(
                slide,
                (BODY.left, _FINDINGS_TOP),
                findings,
                rows,
                name="Findings",
                description="What was found while the log was read, how often, and what was done about it.",
            )
            add_caption(slide, "Dropped rows are in no number; repaired and kept ones are in all of them.")
        write_notes(
            slide,
            "What the log holds, and what was found while it was read; the quality report of the log names "
            "the lines.",
            *(f"{in_full(reason)}: {amount} ({share}), {done}" for reason, amount, share, done in rows),
        )


def _log_figures(log: LogFacts) -> list[tuple[str, list[Run], str]]:
    def figure(label: str, number: int, note: str) -> tuple[str, list[Run], str]:
        return label, [Run(count(number), Style(22, INK, bold=True))], note

    return [
        figure("Events", log.events, f"of {count(log.event_types)} types"),
        figure("Users", log.users, f"in {count(log.sessions)} sessions"),
        figure("Rows left out", log.rejected + log.duplicates, f"{count(log.duplicates)} of them copies"),
        figure("Open at the end", log.censored_users, "users who may come back"),
    ]


def add_recipe(deck: Deck, report: Report) -> None:
    """Add what makes the same numbers again."""
    settings = Paragraphs(columns=_RECIPE_COLUMNS, rows=tuple(report.recipe.items()), size=12, most_lines=4)
    parts = settings.pages(_RECIPE_HEIGHT)
    for number, rows in enumerate(parts, start=1):
        message = "The same log, settings, seed and version give these numbers again"
        slide = add_slide(deck, report, "Recipe", numbered(message, number, len(parts)))
        add_paragraphs(
            slide,
            (BODY.left, BODY.top),
            settings,
            rows,
            name="Recipe",
            description="Settings that make the numbers of this deck again, and their values.",
        )
        write_notes(slide, *(f"{name}: {in_full(report.recipe[name])}" for name, _ in rows))
