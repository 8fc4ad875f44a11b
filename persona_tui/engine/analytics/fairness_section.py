"""What reports say of groups of users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from persona_tui.engine.analytics.fairness_phrases import fairness_sentences, left_out_sentence
from persona_tui.engine.analytics.numbers import (
    count,
    interval_text,
    percent,
    percent_interval,
    points_number,
)
from persona_tui.engine.analytics.sections import Section
from persona_tui.engine.evaluation.group_rates import GroupRates

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.representation import Represented


def section_of(representation: Sequence[Represented], rates: Sequence[GroupRates]) -> Section:
    """Return what reports say of groups; what changes do to them stands there already.

    Parameters
    ----------
    representation : sequence of Represented
    rates : sequence of GroupRates
    """
    told = fairness_sentences(representation, rates, ())
    left_out = (left_out_sentence(each) for each in rates if each.n_left_out)
    return Section(
        title="Groups of users",
        sentences=(*told, *left_out),
        heads=("group", "users", "completes", "95 % interval", "to the others", "95 % interval", "drawn"),
        rows=tuple(
            (
                f"{by.by}={each.name}",
                count(each.n_users),
                percent(each.rate),
                percent_interval(*each.interval),
                points_number(each.difference),
                interval_text(*each.difference_interval),
                percent(each.drawn),
            )
            for by in rates
            for each in by.groups
        ),
    )
