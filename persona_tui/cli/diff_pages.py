"""What ``persona-tui diff`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import (
    UNKNOWN,
    count,
    interval_text,
    percent,
    points_number,
    signed,
)

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.period_change import Changed, Period
    from persona_tui.study.period_diff import PeriodDiff
    from persona_tui.study.run_diff import RunDiff, UpliftPair

_EVENTS_SHOWN: Final = 8
_CHANGED: Final = 0.05
"""False discovery rate up to which an event counts as changed."""


def print_period_diff(diff: PeriodDiff) -> None:
    """Print what changed from one period to another."""
    page, found = Page(), diff.found
    page.heading(f"{diff.source}: {_days(diff.before)} against {_days(diff.after)}")
    page.sentence(
        f"{count(found.n_before)} users were active before, {count(found.n_after)} after, "
        f"{count(found.n_both)} in both; completion is {' or '.join(diff.completion)}. "
        "Every user counts by what was done within the period."
    )
    page.heading("What changed")
    page.sentence(_answer(diff))
    heads = ("before", "after", "change", "95 % interval")
    page.table(("", *heads), [_cells(each) for each in found.metrics])
    page.heading("Why: users of other personas came, or the same ones did otherwise")
    parts = (found.mix, found.behaviour)
    page.table(
        ("part of the change in completion, points", "change", "95 % interval"),
        [(each.name, points_number(each.value), interval_text(*each.interval)) for each in parts],
    )
    page.heading("For whom")
    page.table(("share of active users", *heads), [_cells(each.share) for each in found.personas])
    page.table(("of whom complete", *heads), [_cells(each.completion) for each in found.personas])
    page.heading("Funnel: users who reach each step after all steps before it")
    page.table(("step", *heads), [_cells(each) for each in found.funnel])
    _events(page, diff)
    page.print()


def _days(period: Period) -> str:
    """Return the first and the last day, or the moments where it does not begin and end with days."""
    last = period.ends - timedelta(days=1)
    if _is_midnight(period.begins) and _is_midnight(period.ends):
        return f"{period.begins:%Y-%m-%d} to {last:%Y-%m-%d}"
    return f"{period.begins:%Y-%m-%d %H:%M} to {period.ends:%Y-%m-%d %H:%M}"


def _is_midnight(moment: datetime) -> bool:
    return f"{moment:%H%M%S%f}".strip("0") == ""


def _answer(diff: PeriodDiff) -> str:
    main = diff.found.metrics[0]
    told = f"{points_number(main.value)} points, 95 % interval {interval_text(*main.interval)}."
    if main.interval[0] > 0 or main.interval[1] < 0:
        return f"{'More' if main.value > 0 else 'Fewer'} of the active users complete: {told}"
    return f"Whether more or fewer of the active users complete is open: {told}"


def _events(page: Page, diff: PeriodDiff) -> None:
    changed = [each.change for each in diff.found.events if each.false_discovery <= _CHANGED]
    page.heading("Events that other shares of the users show")
    page.sentence(
        f"{len(changed)} of {count(len(diff.found.events))} event types"
        + (f"; of these a share of {percent(_CHANGED)} is expected to be chance." if changed else ".")
    )
    page.table(
        ("event", "before", "after", "change", "95 % interval"),
        [_cells(each) for each in changed[:_EVENTS_SHOWN]],
    )
    if len(changed) > _EVENTS_SHOWN:
        page.sentence(f"And {count(len(changed) - _EVENTS_SHOWN)} more: --json lists all.")


def _cells(each: Changed) -> tuple[str, ...]:
    if each.scale == "share":
        shown = tuple(UNKNOWN if part is None else percent(part) for part in (each.before, each.after))
        return (each.name, *shown, points_number(each.value), interval_text(*each.interval))
    shown = tuple(UNKNOWN if part is None else f"{part:.2f}" for part in (each.before, each.after))
    low, high = each.interval
    return (each.name, *shown, signed(each.value), f"{signed(low)} to {signed(high)}")


def print_run_diff(diff: RunDiff) -> None:
    """Print two runs side by side."""
    page = Page()
    page.heading(f"{diff.first} beside {diff.second}")
    if diff.obstacles:
        page.sentence("Their numbers are not of one kind, so that no difference is told:")
        for each in diff.obstacles:
            page.sentence(each, bullet=True)
    else:
        page.sentence(
            "Both are of the same data: their intervals are not independent. How surely one change beats "
            "another is told where both are scenarios of one study: persona-tui compare."
        )
    page.heading("What they found of completion")
    page.table(
        ("scenario", "first", "95 % interval", "second", "95 % interval", "change"),
        [_uplift(each) for each in diff.uplifts if each.metric == "completion_rate"],
    )
    for name, first, second in diff.decisions:
        if first != second:
            told = (("first", first), ("second", second)) if first and second else (("", first or second),)
            for which, decision in told:
                page.sentence(f"{name}{which and ', '}{which}: {decision}", bullet=True)
    if diff.settings:
        page.heading("What they were worked out with differently")
        page.table(("setting", "first", "second"), diff.settings, left=3)
    page.print()


def _uplift(each: UpliftPair) -> Sequence[str]:
    cells = [each.scenario]
    for value, ends in ((each.first, each.first_interval), (each.second, each.second_interval)):
        cells.append(UNKNOWN if value is None else points_number(value))
        cells.append(UNKNOWN if ends is None else interval_text(*ends))
    return [*cells, UNKNOWN if each.change is None else points_number(each.change)]
