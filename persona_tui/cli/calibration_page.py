"""What ``persona-tui calibrate`` and ``persona-tui ledger`` print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import (
    MINUS,
    UNKNOWN,
    count,
    interval_text,
    percent,
    points,
    points_number,
)
from persona_tui.engine.analytics.wording import duration

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.calibration import Calibration, StepEffect
    from persona_tui.study.calibration import CalibratedExperiment
    from persona_tui.study.ledger import Ledger, LedgerEntry

_REROUTED_SHOWN = 6


def print_calibration(calibrated: CalibratedExperiment) -> None:
    """Print what the changes of a real experiment did at each step."""
    page = Page()
    counted = zip(calibrated.arms.names, calibrated.arms.n_users(), strict=True)
    page.heading(f"{calibrated.source}: {', '.join(f'{name} {count(n)} users' for name, n in counted)}")
    page.heading("Was the lot fair? " + ("No" if calibrated.is_broken else "Nothing speaks against it"))
    for check in calibrated.checks:
        page.sentence(f"{'BROKEN: ' if check.is_broken else ''}{check.sentence}", bullet=True)
    if calibrated.is_broken:
        page.sentence("What follows is between groups that differ in more than the change: no effects of it.")
    for found in calibrated.found:
        _calibration(page, calibrated, found)
    page.print()


def _calibration(page: Page, calibrated: CalibratedExperiment, found: Calibration) -> None:
    control = calibrated.arms.names[0]
    page.heading(f"{found.treatment} against {control}: leaving at each step")
    late = f" {count(found.n_too_late)} began too late for that." if found.n_too_late else ""
    page.sentence(
        f"{count(sum(found.n_users))} users, each followed for {duration(found.followed_seconds)} from entry "
        f"on.{late} {count(found.n_clusters)} personas share each effect. Friction takes a share of those "
        "who would stay, a reward keeps a share of those who would leave."
    )
    rows = [_row(each) for each in (*found.steps, found.overall)]
    page.table(("step", "visits", f"leave: {control}", found.treatment, "effect", "95 % interval"), rows)
    for each in found.steps:
        if each.why_not:
            page.sentence(f"{each.step}: not told, {each.why_not}.", bullet=True)
    _explained(page, found)
    _rerouted(page, found, control)
    for event, arm in found.only_in:
        page.sentence(
            f"Only in {arm}: '{event}'. It was taken out, so that leaving there counts at the step before; "
            "a new step is told by insert_steps.",
            bullet=True,
        )
    texts = found.as_modification()
    if texts:
        page.heading("To replay it on another flow")
        for text in texts:
            page.sentence(f'--modification "{text}"', bullet=True)
    else:
        page.sentence("No step has an effect whose interval leaves out none: there is nothing to replay.")


def _row(each: StepEffect) -> tuple[str, ...]:
    name = each.step or "one effect at all steps"
    visits = f"{count(each.visits[0])} / {count(each.visits[1])}"
    rates = tuple(percent(rate) for rate in each.leaving)
    if each.kind is None or each.interval is None:
        return (name, visits, *rates, UNKNOWN, UNKNOWN)
    numbers = (each.interval[0], each.factor, each.interval[1])
    low, factor, high = (f"{number:.3f}".replace("-", MINUS) for number in numbers)
    told = f"{each.kind} {factor}" + ("" if each.is_settled else ", or none")
    return (name, visits, *rates, told, f"{low} to {high}")


def _explained(page: Page, found: Calibration) -> None:
    told = found.explained
    page.sentence(
        f"Completion within that time: {points(told.observed)} ({interval_text(*told.observed_interval)}); "
        f"these effects alone make {points(told.by_leaving)} ({interval_text(*told.by_leaving_interval)}) of "
        f"it, and leave {interval_text(*told.rest_interval)} to where people go and to chance."
    )


def _rerouted(page: Page, found: Calibration, control: str) -> None:
    if not found.rerouted:
        return
    page.heading("The change also sent people elsewhere, which no friction or reward replays")
    page.table(
        ("step", f"moves on: {control}", found.treatment, "go elsewhere", "most toward", "more often"),
        [
            (
                each.step,
                *(count(n) for n in each.moves),
                percent(each.distance),
                each.toward,
                points(each.change),
            )
            for each in found.rerouted[:_REROUTED_SHOWN]
        ],
    )
    more = len(found.rerouted) - _REROUTED_SHOWN
    if more > 0:
        page.sentence(f"And {count(more)} more: --json lists all.")


def print_entry(entry: LedgerEntry, *, is_new: bool) -> None:
    """Print what a run foretold beside what was found."""
    page = Page()
    page.heading("Foretold and found" if is_new else "Foretold and found, in the ledger already")
    page.sentence(
        f"{entry.scenario} ({entry.run}): foretold {points(entry.predicted)} "
        f"({interval_text(*entry.predicted_interval)}), found {points(entry.observed)} "
        f"({interval_text(*entry.observed_interval)}). {_agreement(entry)}"
    )
    page.print()


def _agreement(entry: LedgerEntry) -> str:
    if entry.was_broken:
        return "The lot was not fair, so this is no test of the prediction."
    ends = interval_text(*entry.gap_interval)
    if entry.agrees:
        return f"Both may be the same number: the gap is {points_number(entry.gap)} ({ends})."
    side = "less" if entry.gap < 0 else "more"
    return f"The prediction was wrong: {side} came than foretold, by {points_number(entry.gap)} ({ends})."


def print_ledger(ledger: Ledger) -> None:
    """Print what was foretold beside what was then found."""
    page = Page()
    fair = ledger.fair
    page.heading(f"{ledger.study}: {count(len(ledger.entries))} tried")
    if not ledger.entries:
        page.sentence("Nothing was entered yet: persona-tui calibrate LOG --predicted RUN enters a line.")
        page.print()
        return
    page.table(
        ("entered", "scenario", "foretold", "95 % interval", "found", "95 % interval", ""),
        [
            (
                each.entered[:10],
                each.scenario,
                points_number(each.predicted),
                interval_text(*each.predicted_interval),
                points_number(each.observed),
                interval_text(*each.observed_interval),
                "lot not fair" if each.was_broken else "agrees" if each.agrees else "differs",
            )
            for each in ledger.entries
        ],
        left=2,
    )
    page.sentence(f"{sum(each.agrees for each in fair)} of {len(fair)} whose lot was fair agree.")
    if ledger.slope is not None and ledger.slope_interval is not None:
        low, high = ledger.slope_interval
        page.sentence(
            f"For each point foretold, {ledger.slope:.2f} came (95 % interval {low:.2f} to {high:.2f})."
        )
    page.print()
