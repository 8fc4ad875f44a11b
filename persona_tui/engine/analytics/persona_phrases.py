"""Words and numbers about personas that every face uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from persona_tui.engine.analytics.numbers import MINUS, UNKNOWN, percent, percent_interval
from persona_tui.engine.analytics.wording import UNIT_WORDS
from persona_tui.engine.modeling.behaviour import BehaviouralTrait
from persona_tui.engine.modeling.enrichment import AttributeLift
from persona_tui.engine.modeling.paths import RateLift
from persona_tui.engine.modeling.typical_users import EarlyConversion
from persona_tui.engine.simulation.persona_differences import LEAVES, START, MoveDifference
from persona_tui.engine.statistics import Interval
from persona_tui.engine.text import LONGEST_NAME, shortened

_MORE_AND_LESS: Final = {
    "pace": ("slower", "faster"),
    "depth": ("longer journeys", "shorter journeys"),
    "exploration": ("more varied", "less varied"),
    "back_steps": ("more back-steps", "fewer back-steps"),
    "returns": ("return more often", "return less often"),
    "night": ("more at night", "less at night"),
    "morning": ("more in the morning", "less in the morning"),
    "afternoon": ("more in the afternoon", "less in the afternoon"),
    "evening": ("more in the evening", "less in the evening"),
}
_TELLING: Final = ("medium", "large")
_LEAST_Q: Final = 0.001
_VAGUE: Final = 10.0
"""Ends of an interval this many times apart leave its middle without a meaning."""


def bits(number: float) -> str:
    """Return bits per event with a real minus sign, and none before zero."""
    size = f"{abs(number):.4f}"
    return f"{MINUS}{size}" if number < 0 and float(size) else size


def number(value: float | None) -> str:
    """Return a plain number with three digits that matter."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    shown = f"{size:,.0f}" if size >= 100 else f"{size:.1f}" if size >= 10 else f"{size:.2f}"
    return f"{MINUS}{shown}" if value < 0 and float(shown.replace(",", "")) else shown


def span(ends: Interval) -> str:
    """Return both ends of an interval of plain numbers."""
    return f"{number(ends[0])} to {number(ends[1])}"


def times(lift: float) -> str:
    """Return a lift."""
    return f"{number(lift)}×"


def q_words(q_value: float | None) -> str:
    """Return a false discovery rate."""
    if q_value is None:
        return UNKNOWN
    return f"< {_LEAST_Q}" if q_value < _LEAST_Q else f"{q_value:.3f}"


def journey(events: Sequence[str]) -> str:
    """Return events in their order; none is longer than a table can hold."""
    return " → ".join(shortened(event) for event in events)


def move_words(move: MoveDifference) -> str:
    """Return a move; where both names are too long for a table, the ends of both give way."""
    ends = [shortened(each) for each in (move.source or START, move.target or LEAVES)]
    if len(" → ".join(ends)) > LONGEST_NAME:
        room = (LONGEST_NAME - 3) // 2
        ends = [each if len(each) <= room else f"{each[: room - 1]}…" for each in ends]
    return " → ".join(ends)


def trait_mean(trait: BehaviouralTrait, value: float | None) -> str:
    """Return a mean of a trait: a share as a percentage, else a number in the trait's unit."""
    return percent(value) if value is not None and trait.unit.startswith("share") else number(value)


def trait_words(trait: BehaviouralTrait) -> str:
    """Return in words which way a persona differs."""
    more, less = _MORE_AND_LESS[trait.name]
    return more if (trait.effect or 0.0) > 0 else less


def trait_label(trait: BehaviouralTrait) -> str:
    """Return what a trait is measured as; shares are shown as percentages, which says that they are."""
    return trait.unit.removeprefix("share of ")


def trait_means(trait: BehaviouralTrait) -> str:
    """Return the means of a persona and of the others; what a share is of, the words beside it say."""
    means = f"{trait_mean(trait, trait.mean)}, others {trait_mean(trait, trait.others_mean)}"
    return means if trait.unit.startswith("share") else f"{means} {trait.unit}"


def telling_traits(traits: Iterable[BehaviouralTrait]) -> list[BehaviouralTrait]:
    """Return the traits of medium or large effect whose interval leaves out zero, the largest first."""
    telling = [
        each
        for each in traits
        if each.magnitude in _TELLING and each.interval is not None and not _holds(0.0, each.interval)
    ]
    return sorted(telling, key=lambda each: -abs(each.effect or 0.0))


def telling_lifts(lifts: Iterable[RateLift]) -> list[RateLift]:
    """Return the lifts whose interval leaves out one, which is no difference."""
    return [each for each in lifts if not _holds(1.0, each.interval)]


def _holds(value: float, ends: Interval) -> bool:
    return ends[0] <= value <= ends[1]


def lift_words(lift: RateLift) -> str:
    """Return events or a path with how much more often a persona has them."""
    return f"{journey(lift.events)} {lift_size(lift)}"


def lift_size(lift: RateLift) -> str:
    """Return a lift with its interval; its lower end alone where the others hardly ever do it."""
    low, high = lift.interval
    if low > 1 and high > _VAGUE * low:
        return f"at least {times(low)}"
    return f"{times(lift.lift)} ({span(lift.interval)})"


def attribute_words(lift: AttributeLift) -> str:
    """Return a value of an attribute with how much more often a persona's users have it."""
    value = f"{shortened(lift.attribute)}={shortened(lift.value)}"
    return f"{value} {times(lift.lift)} ({span(lift.interval)}, q {q_words(lift.q_value)})"


def early_words(early: EarlyConversion, units: str) -> str:
    """Return the conversion of the users whom their first events alone assign to a persona."""
    if early.value is None:
        return "nobody is put here by the first three events alone, so nothing can be foreseen"
    users = "1 user" if early.n_users == 1 else f"{early.n_users:,} users"
    if units != UNIT_WORDS["user"]:
        users = f"the {units} of {users}"
    return (
        f"of {users} put here by the first three events alone, {percent(early.value)} "
        f"({percent_interval(*early.interval)}) convert"
    )
