"""The page that answers first: how many personas, who they are, whether chains describe them."""

from __future__ import annotations

from typing import Final

from persona_tui.cli.output import Page
from persona_tui.cli.persona_pages.how_many import print_number
from persona_tui.engine.analytics.cards import name_in_table
from persona_tui.engine.analytics.numbers import count, percent, percent_interval
from persona_tui.engine.analytics.persona_phrases import (
    early_words,
    journey,
)
from persona_tui.engine.analytics.persona_sentences import averages, differences
from persona_tui.engine.analytics.profiles import PersonaProfile
from persona_tui.engine.analytics.wording import UNIT_WORDS
from persona_tui.study.kept_personas import KeptPersona
from persona_tui.study.personas import SURE, DescribedPersonas

TOO_FEW_TO_TELL: Final = "There are too few users to hold some out, so nobody can tell."


def print_overview(page: Page, described: DescribedPersonas) -> None:
    """Add how many personas there are, a table of them, and each in a few lines."""
    print_number(page, described)
    _print_cards(page, described)
    for profile in described.profiles:
        _print_profile(page, described, profile)
    _print_memory(page, described)


def _print_cards(page: Page, described: DescribedPersonas) -> None:
    units = UNIT_WORDS[described.settings.unit]
    page.heading(f"Personas (share of all {units}; conversion is the observed share of their {units})")
    page.table(
        ("persona", "users", "share", "95 % interval", "conversion", "95 % interval"),
        [
            (
                f"{card.id}. {name_in_table(card)}",
                count(card.users),
                percent(card.share),
                percent_interval(*card.share_interval),
                percent(card.conversion),
                percent_interval(*card.conversion_interval),
            )
            for card in described.cards
        ],
    )
    if described.without:
        page.sentence(f"Predictions are {described.without}.")
    if len(described.cards) > 1:
        page.sentence(
            f"Memberships are soft: {percent(described.sure_share)} of users belong to one persona with "
            f"{SURE} or more; --csv FILE writes those of every user. Conversion is descriptive: membership "
            "saw the outcome. Told early, it is what the first three events alone let foresee."
        )


def _print_profile(page: Page, described: DescribedPersonas, profile: PersonaProfile) -> None:
    """Add what sets a persona apart; of the only one, what its journeys are."""
    units = UNIT_WORDS[described.settings.unit]
    page.heading(f"{profile.card.id}. {profile.card.name}")
    if len(described.cards) == 1:
        page.sentence(f"On average: {averages(profile)}.", bullet=True)
    else:
        page.sentence(f"Told early: {early_words(profile.early_conversion, units)}.", bullet=True)
        for sentence in differences(profile):
            page.sentence(sentence, bullet=True)
    page.sentence(f"Typical journey: {journey(profile.typical_journey)}.", bullet=True)


def _print_memory(page: Page, described: DescribedPersonas) -> None:
    page.heading("Is one event memory enough")
    order = described.order
    if order is None:
        page.sentence(TOO_FEW_TO_TELL)
        return
    warnings = [
        warning
        for check, card in zip(order.personas, described.cards, strict=True)
        if (warning := check.warning(f"{card.id}. {card.name}"))
    ]
    for warning in warnings:
        page.sentence(warning, bullet=True)
    if not warnings:
        page.sentence(
            "Yes, in every persona: the one before it saves less than 1 % of the bits per event of users "
            "held out, less than 0.01 bits, or no more than noise."
        )
    if len(described.cards) > 1:
        page.sentence("--persona N shows one in full, --compare N --compare M two side by side.")


def print_settled(page: Page, described: DescribedPersonas) -> None:
    """Add what the study settled about personas, and which of these are not there."""
    told = [
        f"{card.id}. {card.name}: {words}"
        for card, each in zip(described.cards, described.settled, strict=True)
        if (words := _settled_words(each, card.id))
    ]
    if told:
        page.heading("Settled in this study")
        for sentence in told:
            page.sentence(sentence, bullet=True)
    if described.lost:
        page.heading("Mind")
        for each in described.lost:
            page.sentence(each.lost_sentence(), bullet=True)


def _settled_words(settled: KeptPersona, number: int) -> str:
    words = [f"found as '{settled.generated}'"] if settled.name else []
    if settled.place is not None:
        words.append(
            "pinned" if settled.place == number else f"pinned at {settled.place}, more than there are"
        )
    if settled.excluded:
        words.append("excluded, so that predictions are without its users")
    return ", ".join(words)
