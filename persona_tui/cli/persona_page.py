"""What ``persona-tui personas`` prints: how many, who they are, and what the study settled about them."""

from __future__ import annotations

from persona_tui.cli.movement_page import print_movement
from persona_tui.cli.output import Page, shortened
from persona_tui.engine.analytics.numbers import MINUS, count, percent, percent_interval
from persona_tui.engine.analytics.wording import UNIT_WORDS
from persona_tui.engine.modeling.selection import Selection
from persona_tui.study.kept_personas import KeptPersona
from persona_tui.study.personas import SURE, DescribedPersonas


def print_personas(described: DescribedPersonas) -> None:
    """Print the personas of a log."""
    page = Page()
    _print_number(page, described)
    _print_cards(page, described)
    _print_settled(page, described)
    print_movement(page, described.remembered)
    page.print()


def _print_number(page: Page, described: DescribedPersonas) -> None:
    selection, n_clusters = described.selection, described.segmentation.n_clusters
    page.heading("How many personas")
    if selection is None:
        page.sentence(_given_number(described))
        return
    if n_clusters == 1:
        page.sentence(f"One persona: no structure. On the ladder, {selection.reason}.")
    else:
        page.sentence(f"{n_clusters} personas: {selection.reason}.")
    _print_ladder(page, selection)


def _given_number(described: DescribedPersonas) -> str:
    n_users = described.prepared.sequences.n_users
    if n_users == 1:
        return "One persona: there is one user, so nobody can be held out."
    asked = _personas(described.segmentation.n_clusters)
    return f"{asked}, as asked for; --clusters auto says how many foretell users held out best."


def _personas(number: int) -> str:
    return f"{number} persona" if number == 1 else f"{number} personas"


def _print_ladder(page: Page, selection: Selection) -> None:
    page.table(
        ("", "bits per event", "saved against one", "standard error", ""),
        [
            (
                _personas(rung.n_clusters),
                f"{rung.bits_per_event:.4f}",
                "" if rung.n_clusters == 1 else _bits(rung.gain),
                "" if rung.n_clusters == 1 else f"{rung.gain_error:.4f}",
                "recommended" if rung.n_clusters == selection.n_clusters else "",
            )
            for rung in selection.ladder
        ],
    )


def _bits(number: float) -> str:
    """Return bits per event with a real minus sign, and none before zero."""
    size = f"{abs(number):.4f}"
    return f"{MINUS}{size}" if number < 0 and float(size) else size


def _print_cards(page: Page, described: DescribedPersonas) -> None:
    units = UNIT_WORDS[described.settings.unit]
    page.heading(f"Personas (conversion is the observed share of their {units})")
    page.table(
        ("persona", "signature events", "users", "share", "conversion", "95 % interval"),
        [
            (
                f"{card.id}. {card.name}",
                ", ".join(shortened(event) for event in card.signature_events),
                count(card.users),
                percent(card.share),
                percent(card.conversion),
                percent_interval(*card.conversion_interval),
            )
            for card in described.cards
        ],
        left=2,
    )
    if len(described.cards) > 1:
        page.sentence(
            f"Memberships are soft: {percent(described.sure_share)} of users belong to one persona with "
            f"{SURE} or more; --csv FILE writes those of every user."
        )


def _print_settled(page: Page, described: DescribedPersonas) -> None:
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
    named = f"found as '{settled.generated}'" if settled.name else ""
    if settled.place is None:
        return named
    pinned = "pinned" if settled.place == number else f"pinned at {settled.place}, more than there are"
    return f"{named}, {pinned}" if named else pinned
