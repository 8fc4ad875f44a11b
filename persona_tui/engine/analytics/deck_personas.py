"""The slides that say who the users are: all personas beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics.cards import name_in_table
from persona_tui.engine.analytics.deck_charts import PERCENT_FORMAT, Series, add_row_chart
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
from persona_tui.engine.analytics.deck_portraits import MOST_PORTRAITS
from persona_tui.engine.analytics.deck_shapes import BAR
from persona_tui.engine.analytics.deck_tables import Column, add_table, row_heights
from persona_tui.engine.analytics.deck_titles import personas_title
from persona_tui.engine.analytics.numbers import UNKNOWN, count, percent, percent_interval
from persona_tui.engine.analytics.scales import Scale, nice_scale

if TYPE_CHECKING:
    from persona_tui.engine.analytics.cards import PersonaCard
    from persona_tui.engine.analytics.reporting import Report

PERSONAS_A_SLIDE: Final = 8

_PERSONA_COLUMNS = (
    Column(title="#", width=0.42),
    Column(title="Persona", width=2.75, bold=True),
    Column(title="Users", width=0.95, align="right"),
    Column(title="Conversion", width=1.1, align="right"),
    Column(title=INTERVAL, width=1.5, align="right"),
    Column(title="Signature events", width=2.85, lead=0.25),
    Column(title="Share", width=0.85, align="right"),
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
        more = len(report.profiles) - MOST_PORTRAITS
        add_caption(
            slide,
            "Conversion as observed in the log, with its 95 % interval. Signature events: what a persona "
            "does more than the others. Share: of journeys."
            + (f" The {MOST_PORTRAITS} largest have a slide each." if more > 0 else ""),
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
        row_heights=row_heights(len(cards), BODY.height, tallest=0.7),
        name="Personas",
        description=f"Personas {cards[0].id} to {cards[-1].id}: users, conversion, signature events, share.",
    )
    add_row_chart(
        slide,
        beside(body),
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
