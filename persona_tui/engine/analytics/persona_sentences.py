"""What sets a persona apart, in sentences that every face says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.persona_phrases import (
    attribute_words,
    journey,
    lift_words,
    telling_lifts,
    telling_traits,
    trait_mean,
    trait_means,
    trait_words,
)

if TYPE_CHECKING:
    from persona_tui.engine.analytics.profiles import PersonaProfile

_MOST_TOLD: Final = 3


def averages(profile: PersonaProfile) -> str:
    """Return the traits that are no shares, in their units."""
    return ", ".join(
        f"{trait_mean(each, each.mean)} {each.unit}"
        for each in profile.traits
        if each.mean is not None and not each.unit.startswith("share")
    )


def differences(profile: PersonaProfile) -> list[str]:
    """Return what sets a persona apart from the others, a sentence each."""
    told = [f"Traits: {_traits(profile)}."]
    notable = [each for each in profile.attributes.lifts if each.notable]
    if notable:
        words = ", ".join(attribute_words(each) for each in notable[:_MOST_TOLD])
        told.append(f"Attributes: {words}{_more(len(notable))}.")
    signature, paths = telling_lifts(profile.signature), telling_lifts(profile.paths)
    if signature:
        words = ", ".join(lift_words(each) for each in signature[:_MOST_TOLD])
        told.append(f"Does more: {words}{_more(len(signature))}.")
    if paths:
        path = paths[0]
        told.append(
            f"Path: {journey(path.events)} in {percent(path.rate)} of its journeys, "
            f"{percent(path.others_rate)} of the others'{_more(len(paths), 1)}."
        )
    return told


def _traits(profile: PersonaProfile) -> str:
    telling = telling_traits(profile.traits)
    if not telling:
        return "none differs clearly, and by half a standard deviation or more, from the other users'"
    words = ", ".join(
        f"{trait_words(each)} ({each.magnitude}: {trait_means(each)})" for each in telling[:_MOST_TOLD]
    )
    return f"{words}{_more(len(telling))}"


def _more(n_all: int, n_told: int = _MOST_TOLD) -> str:
    return f", and {n_all - n_told} more" if n_all > n_told else ""
