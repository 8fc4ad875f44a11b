"""The slides that say how far the forecasts can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pptx.presentation import Presentation as Deck

from persona_tui.engine.analytics.deck_page import (
    BODY,
    ROOM,
    add_caption,
    add_slide,
    in_full,
    numbered,
    write_notes,
)
from persona_tui.engine.analytics.deck_tables import Column, Paragraphs, add_paragraphs
from persona_tui.engine.analytics.deck_titles import trust_title
from persona_tui.engine.analytics.trust_phrases import trust_line

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report

_COLUMNS = (
    Column(title="Check", width=3.0, bold=True),
    Column(title="Verdict", width=1.0),
    Column(title="What was found", width=ROOM - 4.0),
)
_HEIGHT = 5.0


def add_trust(deck: Deck, report: Report) -> None:
    """Add how forecasts held against what they had not seen, where that was tried."""
    found = report.trust
    if found is None:
        return
    rows = [(each.about, each.level.word, each.sentence) for each in found.judgements]
    rows += [("what may stand behind it", "", cause) for cause in found.causes if found.reasons]
    table = Paragraphs(columns=_COLUMNS, rows=tuple(rows), size=12, most_lines=4)
    parts = table.pages(_HEIGHT)
    for number, shown in enumerate(parts, start=1):
        slide = add_slide(deck, report, "Trust", numbered(trust_title(found), number, len(parts)))
        add_paragraphs(
            slide,
            (BODY.left, BODY.top),
            table,
            shown,
            name="Checks",
            description="What forecasts were held against, and whether they kept what they promise.",
        )
        add_caption(slide, "Personas were fitted again without some users, weeks or the end of the log.")
        write_notes(slide, trust_line(found), *(f"{about}: {in_full(told)}" for about, _, told in shown))
