"""What ``persona-tui experiment`` prints: first whether the lot was fair, then what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import (
    UNKNOWN,
    count,
    interval_text,
    percent,
    points_number,
    relative,
    signed,
)

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.readout import Difference, ReadOut
    from persona_tui.engine.statistics import Interval
    from persona_tui.study.experiment import Comparison, RealExperiment

_EVENTS_SHOWN = 12


def print_experiment(found: RealExperiment) -> None:
    """Print what a real experiment found."""
    page = Page()
    counted = zip(found.arms.names, found.arms.n_users(), strict=True)
    page.heading(f"{found.source}: {', '.join(f'{name} {count(n)} users' for name, n in counted)}")
    page.sentence(f"Arms are the values of '{found.variant}'; completion is {' or '.join(found.completion)}.")
    page.heading("Was the lot fair? " + ("No" if found.is_broken else "Nothing speaks against it"))
    for check in found.checks:
        page.sentence(f"{'BROKEN: ' if check.is_broken else ''}{check.sentence}", bullet=True)
    if found.arms.n_outside:
        page.sentence(f"{count(found.arms.n_outside)} users are in no arm and left out.", bullet=True)
    if found.is_broken:
        page.sentence(
            "The differences below are between groups that differ in more than the change: do not read them "
            "as its effect. Find out how users were assigned before anything is decided."
        )
    for each in found.comparisons:
        _comparison(page, found, each)
    _vocabulary(page, found)
    page.print()


def _comparison(page: Page, found: RealExperiment, each: Comparison) -> None:
    control = found.arms.names[0]
    page.heading(f"{each.treatment} against {control}")
    page.sentence(_answer(each, found))
    heads = ("metric", control, each.treatment, "difference", "95 % interval", "watched all the time")
    page.table((*heads, "relative"), [_cells(metric, metric.plain) for metric in each.metrics])
    adjusted = [(metric, metric.adjusted) for metric in each.metrics if metric.adjusted]
    if adjusted:
        page.heading("The same, less what the users did before (CUPED)")
        rows = [(*_cells(metric, mine)[:-1], _cut(metric)) for metric, mine in adjusted]
        page.table((*heads, "variance cut"), rows)
    page.heading("Funnel: users who reach each step after all steps before it")
    page.table(
        ("step", control, each.treatment, "difference", "95 % interval"),
        [_cells(step, step.plain)[:5] for step in each.funnel],
    )


def _cut(metric: ReadOut) -> str:
    return UNKNOWN if metric.variance_cut is None else percent(max(metric.variance_cut, 0.0))


def _answer(each: Comparison, found: RealExperiment) -> str:
    """Return what may be said of the first metric."""
    main = each.metrics[0]
    best = main.best
    if best.interval is None or best.always_valid is None:
        return f"Of {main.metric} nothing can be said: no user differs from another."
    low, high = best.interval
    told = (
        f"{points_number(best.value)} points, 95 % interval {interval_text(low, high)}; if the test was "
        f"watched and ended for what it showed, {interval_text(*best.always_valid)}."
        + (" Few users did, or few did not: intervals are rough." if main.is_rough else "")
    )
    if found.is_broken:
        return f"{main.metric}: {told} Not an effect of the change, see above."
    if low > 0 or high < 0:
        return f"{each.treatment}: {'more' if low > 0 else 'fewer'} users complete, {told}"
    return f"Whether {each.treatment} makes more or fewer users complete is open: {told}"


def _cells(metric: ReadOut, difference: Difference) -> tuple[str, ...]:
    arms = (difference.control, difference.treatment)
    ends = (difference.interval, difference.always_valid)
    if metric.scale == "share":
        shown = (*map(percent, arms), points_number(difference.value), *map(_points, ends))
    else:
        shown = (*(f"{each:.2f}" for each in arms), signed(difference.value), *map(_numbers, ends))
    return (metric.metric, *shown, relative(difference.relative))


def _points(ends: Interval | None) -> str:
    return UNKNOWN if ends is None else interval_text(*ends)


def _numbers(ends: Interval | None) -> str:
    return UNKNOWN if ends is None else f"{signed(ends[0])} to {signed(ends[1])}"


def _vocabulary(page: Page, found: RealExperiment) -> None:
    if not found.other_events:
        return
    page.heading("Events that not all arms have")
    page.table(("event", "only in"), found.other_events[:_EVENTS_SHOWN], left=2)
    more = len(found.other_events) - _EVENTS_SHOWN
    if more > 0:
        page.sentence(f"And {count(more)} more: --json lists all.")
