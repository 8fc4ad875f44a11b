"""How groups of users fare, in sentences: the same in every face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from persona_tui.engine.analytics.numbers import count, interval_text, percent, points
from persona_tui.engine.evaluation.group_rates import FOUR_FIFTHS, GroupRates
from persona_tui.engine.statistics import Interval

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.representation import Represented

TOGETHER: Final = " × "
"""Between the attributes, and the values, of an intersection."""
SURELY: Final = 0.05
"""Rate of false discoveries up to which a group is said to differ."""
_NAMED: Final = 4


class PredictedForGroup(Protocol):
    """What a change is predicted to do to a group."""

    @property
    def by(self) -> str:
        """Return the attribute."""

    @property
    def name(self) -> str:
        """Return its value."""

    @property
    def uplift(self) -> float:
        """Return the uplift of completion."""

    @property
    def interval(self) -> Interval:
        """Return its 95 % interval."""


class PredictedForAll(Protocol):
    """What a scenario is predicted to do to all, and whom it hurts."""

    @property
    def scenario(self) -> str:
        """Return its name."""

    @property
    def total(self) -> float:
        """Return the uplift of all."""

    @property
    def total_interval(self) -> Interval:
        """Return its 95 % interval."""

    @property
    def hurt(self) -> Sequence[PredictedForGroup]:
        """Return the groups whose completion surely falls."""


def fairness_sentences(
    representation: Sequence[Represented], rates: Sequence[GroupRates], uplifts: Sequence[PredictedForAll]
) -> tuple[str, ...]:
    """Return what is to be known of groups, what matters most first.

    Parameters
    ----------
    representation : sequence of Represented
    rates : sequence of GroupRates
    uplifts : sequence
        Of each scenario.
    """
    return (
        *(_hurt(each) for each in uplifts),
        _represented(representation),
        *(_rates(each) for each in rates),
    )


def left_out_sentence(rates: GroupRates) -> str:
    """Return what is not told of, and why."""
    some = "group is" if rates.n_left_out == 1 else "groups are"
    return (
        f"{count(rates.n_left_out)} {some} too small to be told of ({count(rates.n_users_left_out)} users; "
        "fewer than 30 each)."
    )


def _hurt(found: PredictedForAll) -> str:
    total = f"all together {points(found.total)}"
    if not found.hurt:
        return f"{found.scenario}: no group's completion surely falls; {total}."
    worst = min(found.hurt, key=lambda each: each.uplift)
    if found.total_interval[1] < 0:
        return f"{found.scenario}: completion falls, {total}, the most for {_told(worst)}."
    named = ", ".join(_told(each) for each in found.hurt[:_NAMED])
    more = len(found.hurt) - _NAMED
    rest = f" and {count(more)} more" if more > 0 else ""
    although = "although the total improves" if found.total > 0 else "although the total does not surely"
    return f"{found.scenario}: completion surely falls for {named}{rest}, {although}: {total}."


def _told(group: PredictedForGroup) -> str:
    return f"{group.by}={group.name} {points(group.uplift)} ({interval_text(*group.interval)})"


def _represented(found: Sequence[Represented]) -> str:
    if not found:
        return "No group is large enough to be told of."
    badly = [each for each in found if not each.is_represented]
    if not badly:
        return f"All {count(len(found))} groups are represented by the personas, as far as the log can tell."
    named = ", ".join(f"{each.name} ({each.gap:.2f} bits per event)" for each in badly[:_NAMED])
    more = len(badly) - _NAMED
    rest = f" and {count(more)} more" if more > 0 else ""
    return (
        f"Not represented by the personas: {named}{rest}. What is predicted of these groups is that of "
        "others; more personas (--clusters) may help."
    )


def _rates(rates: GroupRates) -> str:
    differ = [each for each in rates.groups if each.false_discovery <= SURELY]
    if len(rates.groups) < 2:
        return f"By {rates.by}: fewer than two groups are large enough to be compared."
    lowest = min(rates.groups, key=lambda each: each.rate)
    highest = max(rates.groups, key=lambda each: each.rate)
    spread = (
        f"from {percent(lowest.rate)} ({lowest.name}) to {percent(highest.rate)} ({highest.name}), a ratio "
        f"of {rates.lowest_to_highest:.2f}"
    )
    side = "below" if rates.lowest_to_highest < FOUR_FIFTHS else "above"
    line = f"{side} four fifths, a line often drawn and no verdict"
    told = f"{count(len(differ))} of {count(len(rates.groups))} groups surely differ from the others"
    if not differ:
        told = "no group surely differs from the others"
    return f"By {rates.by}: {spread} ({line}); {told}."
