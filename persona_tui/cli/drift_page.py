"""What ``persona-tui drift`` prints: the verdict and its reasons, what was compared, what completion lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import UNKNOWN, count, interval_text, percent, points_number
from persona_tui.engine.text import shortened
from persona_tui.study.drift_words import ANSWERS, row_name, windows_sentence

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.drift_rows import DriftRow
    from persona_tui.study.drift import DriftFound


def print_drift(found: DriftFound) -> None:
    """Print what moved from the log that personas were learned from to a newer one."""
    page, drift = Page(), found.drift
    page.heading(
        f"{found.after} ({count(drift.n_after)} users) against {found.before} ({count(drift.n_before)} users)"
    )
    page.sentence(ANSWERS[drift.level])
    for sentence in (*found.reasons, *found.notes):
        page.sentence(sentence, bullet=True)
    page.heading("What was compared")
    page.table(
        ("what", "most moved", "before", "after", "effect", "usual", "false finds", "verdict"),
        [_cells(each) for each in drift.rows],
        left=2,
    )
    page.sentence(
        "Of one share the effect is its change in points; of several, of which the one that moved most is "
        "shown, their Jensen-Shannon distance, from 0 to 1 (0.13 is moderate, 0.21 large). Usual: what the "
        "earlier log's own variation and chance exceed once in 20 times. False finds: the share of false "
        "findings among rows that are at least as sure. Rare kinds are one, (other)."
    )
    page.sentence(windows_sentence(drift))
    page.heading(f"What it did to completion ({' or '.join(found.completion)}), in points")
    parts = (
        ("change", drift.completion),
        ("other users came", drift.mix),
        ("users of the same personas did otherwise", drift.behaviour),
    )
    page.table(
        ("part", "points", "95 % interval"),
        [(name, points_number(each.value), interval_text(*each.interval)) for name, each in parts],
    )
    page.print()


def _cells(row: DriftRow) -> tuple[str, ...]:
    rate = f"{100 * row.false_discovery:.1f} %"
    if row.is_rate and row.before is not None and row.after is not None:
        shown = (percent(row.before), percent(row.after), points_number(row.effect))
        return (row_name(row), "", *shown, f"±{100 * row.usual:.1f}", rate, row.level.word)
    first = row.moved[0] if row.moved else None
    shares = (UNKNOWN, UNKNOWN) if first is None else (percent(first.before), percent(first.after))
    kind = "" if first is None else shortened(first.name)
    effects = (f"{row.effect:.2f}", f"{row.usual:.2f}")
    return (shortened(row_name(row)), kind, *shares, *effects, rate, row.level.word)
