"""Two runs, or two periods of a log, as a page that the terminal and files lay out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from persona_tui.engine.analytics.numbers import (
    UNKNOWN,
    count,
    interval_text,
    percent,
    points_number,
    signed,
)
from persona_tui.engine.analytics.page import Block, CellTable, Heading, Listing, Paragraph

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.period_change import Changed, Period
    from persona_tui.study.period_diff import PeriodDiff
    from persona_tui.study.run_diff import RunDiff, UpliftPair

_EVENTS_SHOWN: Final = 8
_CHANGED: Final = 0.05
"""False discovery rate up to which an event counts as changed."""


def period_page(diff: PeriodDiff) -> tuple[Block, ...]:
    """Return what changed from one period to another as a page."""
    return tuple(_period_blocks(diff))


def _period_blocks(diff: PeriodDiff) -> Iterator[Block]:
    found = diff.found
    yield Heading(text=f"{diff.source}: {_days(diff.before)} against {_days(diff.after)}", level=1)
    yield Paragraph(
        text=f"{count(found.n_before)} users were active before, {count(found.n_after)} after, "
        f"{count(found.n_both)} in both; completion is {' or '.join(diff.completion)}. "
        "Every user counts by what was done within the period."
    )
    yield Heading(text="What changed")
    yield Paragraph(text=_answer(diff))
    yield _changes("", found.metrics)
    yield Heading(text="Why: users of other personas came, or the same ones did otherwise")
    yield CellTable(
        heads=("part of the change in completion, points", "change", "95 % interval"),
        rows=tuple(
            (each.name, points_number(each.value), interval_text(*each.interval))
            for each in (found.mix, found.behaviour)
        ),
    )
    yield Heading(text="For whom")
    yield _changes("share of active users", [each.share for each in found.personas])
    yield _changes("of whom complete", [each.completion for each in found.personas])
    yield Heading(text="Funnel: users who reach each step after all steps before it")
    yield _changes("step", found.funnel)
    yield from _events(diff)


def _changes(name: str, changes: Sequence[Changed]) -> CellTable:
    heads = (name, "before", "after", "change", "95 % interval")
    return CellTable(heads=heads, rows=tuple(map(_cells, changes)))


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


def _events(diff: PeriodDiff) -> Iterator[Block]:
    changed = [each.change for each in diff.found.events if each.false_discovery <= _CHANGED]
    yield Heading(text="Events that other shares of the users show")
    yield Paragraph(
        text=f"{len(changed)} of {count(len(diff.found.events))} event types"
        + (f"; of these a share of {percent(_CHANGED)} is expected to be chance." if changed else ".")
    )
    if changed:
        yield _changes("event", changed[:_EVENTS_SHOWN])
    if len(changed) > _EVENTS_SHOWN:
        yield Paragraph(text=f"And {count(len(changed) - _EVENTS_SHOWN)} more: --json lists all.")


def _cells(each: Changed) -> tuple[str, ...]:
    if each.scale == "share":
        shown = tuple(UNKNOWN if part is None else percent(part) for part in (each.before, each.after))
        return (each.name, *shown, points_number(each.value), interval_text(*each.interval))
    shown = tuple(UNKNOWN if part is None else f"{part:.2f}" for part in (each.before, each.after))
    low, high = each.interval
    return (each.name, *shown, signed(each.value), f"{signed(low)} to {signed(high)}")


def run_page(diff: RunDiff) -> tuple[Block, ...]:
    """Return two runs side by side as a page."""
    return tuple(_run_blocks(diff))


def _run_blocks(diff: RunDiff) -> Iterator[Block]:
    yield Heading(text=f"{diff.first} beside {diff.second}", level=1)
    if diff.obstacles:
        yield Paragraph(text="Their numbers are not of one kind, so that no difference is told:")
        yield Listing(sentences=diff.obstacles)
    else:
        yield Paragraph(
            text="Both are of the same data: their intervals are not independent. How surely one change "
            "beats another is told where both are scenarios of one study: persona-tui compare."
        )
    yield Heading(text="What they found of completion")
    yield CellTable(
        heads=("scenario", "first", "95 % interval", "second", "95 % interval", "change"),
        rows=tuple(_uplift(each) for each in diff.uplifts if each.metric == "completion_rate"),
    )
    if decisions := tuple(_decisions(diff)):
        yield Listing(sentences=decisions)
    if diff.settings:
        yield Heading(text="What they were worked out with differently")
        yield CellTable(heads=("setting", "first", "second"), rows=diff.settings, texts=(0, 1, 2))


def _decisions(diff: RunDiff) -> Iterator[str]:
    for name, first, second in diff.decisions:
        if first != second:
            told = (("first", first), ("second", second)) if first and second else (("", first or second),)
            yield from (f"{name}{which and ', '}{which}: {decision}" for which, decision in told)


def _uplift(each: UpliftPair) -> tuple[str, ...]:
    cells = [each.scenario]
    for value, ends in ((each.first, each.first_interval), (each.second, each.second_interval)):
        cells.append(UNKNOWN if value is None else points_number(value))
        cells.append(UNKNOWN if ends is None else interval_text(*ends))
    return (*cells, UNKNOWN if each.change is None else points_number(each.change))
