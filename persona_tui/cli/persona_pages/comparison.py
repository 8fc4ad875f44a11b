"""Two personas side by side: moves, funnel, outcomes and traits."""

from __future__ import annotations

from typing import Final

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import interval_text, percent, points_number
from persona_tui.engine.analytics.persona_phrases import (
    move_words,
    number,
    q_words,
    span,
    trait_label,
    trait_mean,
)
from persona_tui.engine.analytics.wording import METRIC_WORDS
from persona_tui.engine.simulation.persona_differences import MIN_DEPARTURES, Difference
from persona_tui.study.personas import PersonaComparison

_MOST_MOVES: Final = 10
_OUTCOMES: Final = ("completion_rate", "drop_off_rate")


def print_comparison(page: Page, comparison: PersonaComparison) -> None:
    """Add what sets two personas apart, the moves that do it most first."""
    first, second = (each.card for each in comparison.profiles)
    differences = comparison.differences
    page.heading(f"{first.id}. {first.name} against {second.id}. {second.name}")
    page.sentence(
        f"One move tells {differences.distance:.2f} bits of which of the two made it: 0 is the same chain, 1 "
        "no move in common. Differences are first minus second, in percentage points."
    )
    _print_moves(page, comparison)
    _print_outcomes(page, comparison)
    _print_traits(page, comparison)


def _columns(comparison: PersonaComparison, label: str) -> tuple[str, ...]:
    first, second = (str(each.card.id) for each in comparison.profiles)
    return label, first, second


def _print_moves(page: Page, comparison: PersonaComparison) -> None:
    differences = comparison.differences
    page.heading("Moves that set them apart (chance of the move where a persona stands there)")
    page.table(
        (*_columns(comparison, "move"), "difference", "95 % interval", "q", "bits"),
        [
            (
                move_words(move),
                *_side_by_side(move.chance),
                q_words(move.q_value),
                f"{move.bits:.3f}",
            )
            for move in differences.moves[:_MOST_MOVES]
        ],
    )
    page.sentence(
        f"q controlled by Benjamini–Hochberg over {differences.n_tested:,} moves out of steps that both were "
        f"seen to leave {MIN_DEPARTURES:.0f} times or more. Personas were made to differ: a small q says "
        "where, not that they exist."
    )


def _side_by_side(difference: Difference) -> tuple[str, str, str, str]:
    return (
        percent(difference.first),
        percent(difference.second),
        points_number(difference.difference),
        interval_text(*difference.interval),
    )


def _print_outcomes(page: Page, comparison: PersonaComparison) -> None:
    differences = comparison.differences
    columns = (*_columns(comparison, "share of journeys"), "difference", "95 % interval")
    page.heading("Funnel, by their chains (share of journeys that show each step after all before it)")
    page.table(columns, [(step, *_side_by_side(each)) for step, each in differences.funnel.items()])
    page.heading("How journeys end, by their chains")
    page.table(
        columns,
        [(METRIC_WORDS[name], *_side_by_side(differences.outcomes[name])) for name in _OUTCOMES],
    )
    length = differences.outcomes["avg_length"]
    page.sentence(
        f"Events per journey: {number(length.first)} against {number(length.second)}, a difference of "
        f"{number(length.difference)} ({span(length.interval)})."
    )


def _print_traits(page: Page, comparison: PersonaComparison) -> None:
    page.heading("Traits (means)")
    page.table(
        _columns(comparison, "trait"),
        [
            (
                trait_label(trait),
                trait_mean(trait, trait.mean),
                trait_mean(other, other.mean),
            )
            for trait, other in zip(*(each.traits for each in comparison.profiles), strict=True)
        ],
    )
