"""A slide for each of the largest personas: how large it is, how it converts, and what sets it apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics.cards import name_in_table
from persona_tui.engine.analytics.deck_charts import (
    AXIS_EFFECT_FORMAT,
    EFFECT_FORMAT,
    Series,
    add_row_chart,
)
from persona_tui.engine.analytics.deck_page import BODY, ROOM, add_caption, add_slide, in_full, write_notes
from persona_tui.engine.analytics.deck_shapes import (
    ACCENT,
    BAR,
    INK,
    QUIET,
    Box,
    Run,
    Style,
    add_bullets,
    add_runs,
    add_text,
    add_tiles,
    flow_bullets,
)
from persona_tui.engine.analytics.deck_tables import HEADER_HEIGHT, Column, add_table
from persona_tui.engine.analytics.deck_titles import COMPLETION, persona_title
from persona_tui.engine.analytics.numbers import (
    count,
    interval_text,
    percent,
    percent_interval,
    points,
    signed,
)
from persona_tui.engine.analytics.persona_phrases import early_words, trait_label, trait_mean
from persona_tui.engine.analytics.persona_sentences import averages, differences
from persona_tui.engine.analytics.scales import Scale, nice_scale
from persona_tui.engine.analytics.wording import UNIT_WORDS

if TYPE_CHECKING:
    from persona_tui.engine.analytics.profiles import PersonaProfile
    from persona_tui.engine.analytics.reporting import Report
    from persona_tui.engine.modeling.behaviour import BehaviouralTrait
    from persona_tui.engine.simulation.comparison import Comparison

MOST_PORTRAITS: Final = 12
"""Personas that have a slide of their own, the largest; the others are in the table of all."""

_TILES = Box(BODY.left, BODY.top, ROOM, 1.35)
_BELOW = _TILES.bottom + 0.2
_JOURNEY = Box(BODY.left, 5.85, 5.9, 0.65)
_LIST = Box(BODY.left, _BELOW, 5.9, _JOURNEY.top - _BELOW - 0.1)
_TRAITS_LEFT = BODY.left + 6.3
_TRAIT_COLUMNS = (
    Column(title="Trait", width=2.1),
    Column(title="This", width=0.75, align="right", bold=True),
    Column(title="Others", width=0.75, align="right"),
)
_TRAIT_ROW = 0.25
_TRAIT_SIZES = (11, 10, 9, 8)
_LIST_SIZE = 12


def add_portraits(deck: Deck, report: Report) -> None:
    """Add a slide for each of the largest personas."""
    profiles = largest(report.profiles)
    uplifts = _by_number(report)
    scale = nice_scale([end for each in profiles for trait in each.traits for end in _ends(trait)])
    for profile in profiles:
        slide = add_slide(deck, report, f"Persona {profile.card.id}", persona_title(profile.card))
        add_tiles(slide, _TILES, _figures(profile, uplifts.get(profile.card.id)))
        _add_differences(slide, profile)
        _add_traits(slide, profile, scale)
        add_caption(
            slide,
            "Conversion is observed, and descriptive: membership saw the outcome. Bars: distance from the "
            "other users in standard deviations, with the 95 % interval.",
        )
        write_notes(slide, *_told(report, profile))


def largest(profiles: Sequence[PersonaProfile]) -> list[PersonaProfile]:
    """Return the personas that have a slide of their own, in their order."""
    ranked = sorted(profiles, key=lambda each: -each.card.share)[:MOST_PORTRAITS]
    kept = {each.card.id for each in ranked}
    return [each for each in profiles if each.card.id in kept]


def _by_number(report: Report) -> dict[int, Comparison]:
    numbers = [card.id for card in report.personas if not card.excluded]
    return dict(zip(numbers, report.lead.experiment.personas, strict=True))


def _figures(profile: PersonaProfile, comparison: Comparison | None) -> list[tuple[str, Sequence[Run], str]]:
    """Return what each figure is, the number, and its interval or scale."""
    card = profile.card

    def number(text: str) -> list[Run]:
        return [Run(text, Style(22, INK, bold=True))]

    figures: list[tuple[str, Sequence[Run], str]] = [
        (
            "Share of journeys",
            number(percent(card.share)),
            f"95 % interval {percent_interval(*card.share_interval)}",
        ),
        (
            "Conversion",
            number(percent(card.conversion)),
            f"95 % interval {percent_interval(*card.conversion_interval)}",
        ),
        ("Users", number(count(card.users)), "memberships summed"),
    ]
    if comparison is not None:
        uplift = comparison.uplifts[COMPLETION]
        told = f"95 % interval {interval_text(*uplift.total)}"
        figures.append(("Uplift of the change", number(points(uplift.value)), told))
    return figures


def _add_differences(slide: Slide, profile: PersonaProfile) -> None:
    (shown, *_) = flow_bullets(_sentences(profile), _LIST.width, _LIST.height, _LIST_SIZE)
    add_bullets(slide, _LIST, shown, Style(_LIST_SIZE), name="What sets it apart")
    heading = Box(_JOURNEY.left, _JOURNEY.top, _JOURNEY.width, 0.22)
    add_text(slide, heading, "Typical journey", Style(_LIST_SIZE, ACCENT, bold=True), name="Journey: heading")
    rest = Box(_JOURNEY.left, _JOURNEY.top + 0.24, _JOURNEY.width, _JOURNEY.height - 0.24)
    told = " → ".join(profile.typical_journey) or "none stands out"
    add_text(slide, rest, told, Style(_LIST_SIZE), sizes=(_LIST_SIZE, 11, 10), name="Journey")


def _sentences(profile: PersonaProfile) -> list[str]:
    if all(trait.effect is None for trait in profile.traits):
        return [f"On average: {averages(profile)}."]
    return differences(profile)


def _add_traits(slide: Slide, profile: PersonaProfile, scale: Scale) -> None:
    """Add the traits as a table, with bars beside it for how far they are from the others'."""
    traits = profile.traits
    body = add_table(
        slide,
        (_TRAITS_LEFT, _BELOW),
        _TRAIT_COLUMNS,
        [
            (trait_label(each), trait_mean(each, each.mean), trait_mean(each, each.others_mean))
            for each in traits
        ],
        row_heights=[HEADER_HEIGHT, *[_TRAIT_ROW] * len(traits)],
        sizes=_TRAIT_SIZES,
        name="Traits",
        description=f"Traits of persona {profile.card.id}, and of the other users.",
    )
    if any(each.effect is not None for each in traits):
        left = body.left + body.width + 0.1
        _add_distances(slide, Box(left, body.top, BODY.left + ROOM - left, body.height), profile, scale)


def _add_distances(slide: Slide, chart: Box, profile: PersonaProfile, scale: Scale) -> None:
    """Add bars for how far the traits are from those of the other users, level with their table."""
    header = Box(chart.left, chart.top - HEADER_HEIGHT, chart.width, HEADER_HEIGHT)
    title = Run("Standard deviations", Style(11, QUIET, bold=True))
    add_runs(slide, header, [title], name="Chart title", align="center")
    traits = profile.traits
    ends = [_ends(each) for each in traits]
    bars = Series(
        name="Standard deviations",
        values=tuple(value for _, value, _ in ends),
        color=BAR,
        intervals=tuple((low, high) for low, _, high in ends),
    )
    add_row_chart(
        slide,
        chart,
        [trait_label(each) for each in traits],
        [bars],
        scale,
        number_format=EFFECT_FORMAT,
        axis_format=AXIS_EFFECT_FORMAT,
        name="Distance from the others",
        description="Bars of how far each trait is from that of the others, in standard deviations: "
        + ", ".join(
            f"{trait_label(each)} {signed(each.effect)}" for each in traits if each.effect is not None
        ),
    )


def _ends(trait: BehaviouralTrait) -> tuple[float, float, float]:
    """Return the lower end, the value and the upper end of an effect; zeros where there is none."""
    effect = trait.effect or 0.0
    low, high = trait.interval or (effect, effect)
    return round(low, 6), round(effect, 6), round(high, 6)


def _told(report: Report, profile: PersonaProfile) -> list[str]:
    told = [f"{in_full(name_in_table(profile.card))}."]
    if len(report.profiles) > 1:
        told.append(f"Told early: {early_words(profile.early_conversion, UNIT_WORDS[report.unit])}.")
    told += map(in_full, _sentences(profile))
    return [*told, f"Typical journey: {in_full(' → '.join(profile.typical_journey))}."]
