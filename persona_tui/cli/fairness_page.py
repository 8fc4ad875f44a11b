"""What ``persona-tui fairness`` prints: whom a change hurts, who converts less, who is not represented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.fairness_phrases import fairness_sentences, left_out_sentence
from persona_tui.engine.analytics.numbers import (
    chance,
    count,
    interval_text,
    percent,
    percent_interval,
    points_number,
)
from persona_tui.engine.analytics.wording import duration

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.group_rates import GroupRates
    from persona_tui.study.fairness import Fairness, ScenarioUplifts

_GROUPS_SHOWN = 15


def print_fairness(found: Fairness) -> None:
    """Print how groups of users fare."""
    page = Page()
    late = f"; {count(found.n_too_late)} journeys that began too late for that are left out" * bool(
        found.n_too_late
    )
    page.heading(f"{found.source}: by {', '.join(found.by)}")
    page.sentence(
        f"{percent(found.rate)} of all complete ({' or '.join(found.completion)}) within "
        f"{duration(found.followed_seconds)} of their first event{late}. {found.n_clusters} personas; "
        "intervals are 95 %."
    )
    for sentence in fairness_sentences(found.representation, found.rates, found.uplifts):
        page.sentence(sentence, bullet=True)
    for each in found.uplifts:
        _uplifts(page, each)
    for rates in found.rates:
        _rates(page, rates)
    page.heading("Do the personas represent each group? Bits an event costs, users held out")
    page.table(
        ("group", "users", "all alike", "counted more", "saved", "95 % interval", ""),
        [
            (
                each.name,
                count(each.n_users),
                f"{each.bits:.3f}",
                f"{each.own_bits:.3f}",
                f"{each.gap:+.3f}".replace("-", "−"),
                " to ".join(f"{end:+.3f}" for end in each.interval).replace("-", "−"),
                "" if each.is_represented else "not represented",
            )
            for each in found.representation
        ],
    )
    page.sentence(
        "Counted more: personas fitted so that the group counts as much as all others together; where they "
        "save bits, the group does something that the personas of all do not know."
    )
    page.print()


def _rates(page: Page, rates: GroupRates) -> None:
    page.heading(f"Completion by {rates.by}")
    page.table(
        (
            "group",
            "users",
            "completes",
            "95 % interval",
            "to the others",
            "95 % interval",
            "drawn",
        ),
        [
            (
                each.name,
                count(each.n_users),
                percent(each.rate),
                percent_interval(*each.interval),
                points_number(each.difference),
                interval_text(*each.difference_interval),
                percent(each.drawn),
            )
            for each in rates.groups[:_GROUPS_SHOWN]
        ],
    )
    more = len(rates.groups) - _GROUPS_SHOWN
    told = [f"And {count(more)} more: --json lists all."] if more > 0 else []
    told += [left_out_sentence(rates)] if rates.n_left_out else []
    told.append(
        "Drawn: toward the mean of the groups, the less surely known the more. "
        f"Groups differ by {100 * rates.between:.1f} points beyond chance."
    )
    page.sentence(" ".join(told))


def _uplifts(page: Page, found: ScenarioUplifts) -> None:
    page.heading(f"{found.scenario}: predicted uplift of completion, in points")
    shown = found.groups[:_GROUPS_SHOWN]
    page.table(
        ("group", "share", "control", "uplift", "95 % interval", "falls"),
        [
            ("all", "", "", points_number(found.total), interval_text(*found.total_interval), ""),
            *(
                (
                    f"{each.by}={each.name}",
                    percent(each.share),
                    percent(each.control),
                    points_number(each.uplift),
                    interval_text(*each.interval),
                    chance(each.harm, found.n_draws),
                )
                for each in shown
            ),
        ],
    )
    more = len(found.groups) - len(shown)
    if more > 0:
        page.sentence(f"The most likely to fall are shown; {count(more)} more: --json lists all.")
