"""What reports say of drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persona_tui.engine.analytics.numbers import interval_text, percent, points, points_number
from persona_tui.engine.analytics.sections import Section
from persona_tui.study.drift_words import ANSWERS, row_name

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.drift_rows import DriftRow
    from persona_tui.study.drift import DriftFound


def section_of(found: DriftFound, before: str, after: str) -> Section:
    """Return what reports say of drift.

    Parameters
    ----------
    found : DriftFound
    before, after : str
        Names of the logs, or of the periods of one, without their folders.
    """
    drift = found.drift
    split = (
        f"Completion {points(drift.completion.value)} ({interval_text(*drift.completion.interval)}): "
        f"{points_number(drift.mix.value)} since other users came, {points_number(drift.behaviour.value)} "
        "since users of the same personas did otherwise."
    )
    return Section(
        title="Drift",
        sentences=(ANSWERS[drift.level], f"{after} against {before}.", split, *found.reasons),
        heads=("what", "before", "after", "effect", "usual", "false finds", "verdict"),
        rows=tuple(_cells(each) for each in drift.rows),
    )


def _cells(row: DriftRow) -> tuple[str, ...]:
    found = percent(row.false_discovery)
    if row.is_rate and row.before is not None and row.after is not None:
        shown = (percent(row.before), percent(row.after), points_number(row.effect))
        return (row_name(row), *shown, f"±{100 * row.usual:.1f}", found, row.level.word)
    return (row_name(row), "", "", f"{row.effect:.2f}", f"{row.usual:.2f}", found, row.level.word)
