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
from persona_tui.engine.analytics.deck_shapes import Box, Style, add_bullets, flow_bullets
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
_SIZE = 13
_FIRST_WIDTH = 3.4
_SECTION_HEIGHT = 3.4
_SENTENCES = Box(BODY.left, BODY.top, ROOM, 1.5)


def add_sections(deck: Deck, report: Report) -> None:
    """Add what drift and fairness came to, where they were looked at."""
    for section in report.sections:
        rest = (ROOM - _FIRST_WIDTH) / max(len(section.heads) - 1, 1)
        columns = (
            Column(title=section.heads[0], width=_FIRST_WIDTH, bold=True),
            *(Column(title=head, width=rest, align="right") for head in section.heads[1:]),
        )
        table = Paragraphs(columns=columns, rows=section.rows, size=11, most_lines=2)
        for number, rows in enumerate(parts := table.pages(_SECTION_HEIGHT) or [[]], start=1):
            title = numbered(section.sentences[0].rstrip("."), number, len(parts))
            slide = add_slide(deck, report, section.title, title)
            told = flow_bullets(section.sentences[1:], _SENTENCES.width, _SENTENCES.height, _SIZE)
            if told and told[0]:
                add_bullets(slide, _SENTENCES, told[0], Style(_SIZE), name="Sentences")
            if rows:
                add_paragraphs(
                    slide,
                    (BODY.left, _SENTENCES.top + _SENTENCES.height + 0.1),
                    table,
                    rows,
                    name=section.title,
                    description=section.sentences[0],
                )
            write_notes(slide, *map(in_full, section.sentences))


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
