"""One persona in full: every number that is told of it, with its interval and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from persona_tui.cli.output import Page
from persona_tui.cli.persona_pages.overview import TOO_FEW_TO_TELL
from persona_tui.engine.analytics.numbers import UNKNOWN, count, percent, percent_interval, signed
from persona_tui.engine.analytics.persona_phrases import (
    bits,
    early_words,
    journey,
    lift_size,
    number,
    q_words,
    span,
    times,
    trait_label,
    trait_mean,
)
from persona_tui.engine.analytics.profiles import PersonaProfile
from persona_tui.engine.analytics.wording import UNIT_WORDS
from persona_tui.engine.modeling.dwell_checks import warn_of_dwell
from persona_tui.engine.modeling.order_checks import OrderCheck
from persona_tui.engine.modeling.paths import RateLift
from persona_tui.engine.modeling.state_memory import HistoryEffect, StateMemory
from persona_tui.engine.modeling.typical_users import ExampleUser
from persona_tui.engine.text import shortened
from persona_tui.study.personas import DescribedPersonas

_WORTH_TELLING: Final = 0.05
_MOST_STATES: Final = 5
_LEAST_PART: Final = 0.01
"""Of the gain of second order, that a state must make to be told."""


def print_persona(page: Page, described: DescribedPersonas, wanted: str) -> None:
    """Add one persona in full."""
    position = described.position(wanted)
    profile = described.profiles[position]
    _print_size(page, described, profile)
    _print_traits(page, profile)
    _print_attributes(page, profile)
    if len(described.cards) > 1:
        _print_signature(page, profile.signature)
        _print_paths(page, profile.paths)
    page.heading("Journeys")
    page.sentence(f"Typical: {journey(profile.typical_journey)}.")
    _print_users(page, "Typical users", profile.typical_users, position)
    _print_users(page, "Users nearest its border", profile.borderline_users, position)
    _print_memory(page, described, position)


def _print_size(page: Page, described: DescribedPersonas, profile: PersonaProfile) -> None:
    card, early, units = profile.card, profile.early_conversion, UNIT_WORDS[described.settings.unit]
    rows = [("share of users", profile.user_share, profile.user_share_interval, card.users)]
    if units != UNIT_WORDS["user"]:
        rows.append((f"share of {units}", card.share, card.share_interval, card.users))
    rows.append((f"conversion, share of its {units}", card.conversion, card.conversion_interval, card.users))
    if early.value is not None:
        rows.append(("conversion told early", early.value, early.interval, early.n_users))
    page.heading(f"{card.id}. {card.name}")
    page.table(
        ("", "value", "95 % interval", "users"),
        [(what, percent(value), percent_interval(*ends), count(n)) for what, value, ends, n in rows],
    )
    if len(described.cards) > 1:
        page.sentence(
            "Conversion is observed, and descriptive: membership saw the outcome. Told early: "
            f"{early_words(early, units)}."
        )


def _print_traits(page: Page, profile: PersonaProfile) -> None:
    if all(each.others_mean is None for each in profile.traits):
        page.heading("Traits")
        page.table(
            ("trait", "mean"), [(trait_label(each), trait_mean(each, each.mean)) for each in profile.traits]
        )
        return
    page.heading("Traits (means; effect in standard deviations, against the other users)")
    page.table(
        ("trait", "mean", "others", "effect", "95 % interval", "size"),
        [
            (
                trait_label(each),
                trait_mean(each, each.mean),
                trait_mean(each, each.others_mean),
                UNKNOWN if each.effect is None else signed(each.effect),
                UNKNOWN if each.interval is None else " to ".join(map(signed, each.interval)),
                each.magnitude or UNKNOWN,
            )
            for each in profile.traits
        ],
    )


def _print_attributes(page: Page, profile: PersonaProfile) -> None:
    attributes = profile.attributes
    page.heading("Attributes (lift: its share of users over that of all)")
    notable = [each for each in attributes.lifts if each.notable]
    page.table(
        ("value", "share", "lift", "95 % interval", "q", "users"),
        [
            (
                f"{shortened(each.attribute)}={shortened(each.value)}",
                percent(each.share),
                times(each.lift),
                span(each.interval),
                q_words(each.q_value),
                count(round(each.n_users)),
            )
            for each in notable
        ],
    )
    if attributes.lifts and not notable:
        page.sentence(
            "No value is more or less frequent than among all users, at a false discovery rate of 5 %."
        )
    page.sentence(attributes.statement)
    for name, reason in attributes.left_out.items():
        page.sentence(f"{shortened(name)} {shortened(reason)}, so it makes no groups.", bullet=True)


def _print_signature(page: Page, signature: Sequence[RateLift]) -> None:
    if not signature:
        return
    page.heading("Events it does more than the others (times per journey)")
    page.table(
        ("event", "its journeys", "others'", "lift", "95 % interval", "times"),
        [
            (
                journey(each.events),
                number(each.rate),
                number(each.others_rate),
                times(each.lift),
                span(each.interval),
                count(round(each.n)),
            )
            for each in signature
        ],
    )


def _print_paths(page: Page, paths: Sequence[RateLift]) -> None:
    if not paths:
        return
    page.heading("Paths that more of its journeys hold")
    for each in paths:
        page.sentence(
            f"{journey(each.events)}: {percent(each.rate)} of its journeys (about {each.n:,.0f}), "
            f"{percent(each.others_rate)} of the others': {lift_size(each)}.",
            bullet=True,
        )


def _print_users(page: Page, heading: str, users: Sequence[ExampleUser], position: int) -> None:
    if not users:
        return
    page.heading(heading)
    for each in users:
        cut = f" → … ({each.n_events} events)" if each.n_events > len(each.path) else ""
        page.sentence(
            f"{shortened(each.user_id)}, membership {_membership(each, position)}: {journey(each.path)}{cut}",
            bullet=True,
        )


def _membership(user: ExampleUser, position: int) -> str:
    """Return how surely a user belongs to a persona, and to which other it might."""
    mine = percent(user.memberships[position])
    others = [(share, place) for place, share in enumerate(user.memberships) if place != position]
    if not others:
        return mine
    share, place = max(others)
    return mine if share < _WORTH_TELLING else f"{mine} ({percent(share)} persona {place + 1})"


def _print_memory(page: Page, described: DescribedPersonas, position: int) -> None:
    page.heading("Is one event memory enough")
    name = described.cards[position].name
    if described.order is None:
        page.sentence(TOO_FEW_TO_TELL)
    else:
        _print_order(page, described.order.personas[position], name)
    for checks in (described.runs, described.waits):
        warning = warn_of_dwell([each for each in checks if each.persona == position], name)
        if warning:
            page.sentence(warning)
    if any(each.persona == position and each.departs for each in described.waits):
        page.sentence("What-ifs draw times from those of the log, so they keep these.")


def _print_order(page: Page, check: OrderCheck, name: str) -> None:
    order_0, order_1, order_2 = check.bits_per_event
    page.sentence(
        f"Bits per event of users held out: {order_0:.4f} without memory, {order_1:.4f} with one event, "
        f"{order_2:.4f} with two, which saves {bits(check.gain)} ± {check.gain_error:.4f} "
        "(one standard error)."
    )
    warning = check.warning(name)
    page.sentence(warning or "One event is memory enough.")
    if warning is None:
        return
    for state in check.states[:_MOST_STATES]:
        if state.bits_per_event < _LEAST_PART * check.gain:
            break
        for past in state.histories[:1]:
            page.sentence(_history_words(state, past), bullet=True)


def _history_words(state: StateMemory, past: HistoryEffect) -> str:
    """Return what most changes the moves out of a state."""
    origin = "as the first event" if past.before is None else f"coming from '{shortened(past.before)}'"
    onward = "leave" if past.target is None else f"go on to '{shortened(past.target)}'"
    return (
        f"At '{shortened(state.state)}', which saves {bits(state.bits_per_event)} ± "
        f"{state.standard_error:.4f} bits per event: {origin}, {percent(past.share)} of "
        f"about {past.n_moves:,.0f} moves {onward}, otherwise {percent(past.share_otherwise)}."
    )
