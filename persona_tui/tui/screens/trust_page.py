"""What the Trust screen shows of each check: figures first, each with its sentence, then the numbers."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from textual.content import Content

from persona_tui.engine.analytics.fairness_phrases import (
    SURELY,
    TOGETHER,
    fairness_sentences,
    left_out_sentence,
)
from persona_tui.engine.analytics.numbers import count, percent, points
from persona_tui.engine.analytics.trust_phrases import trust_line
from persona_tui.engine.errors import PersonaError
from persona_tui.engine.evaluation.level import Level
from persona_tui.engine.params import format_names
from persona_tui.tui.screens.faults import told
from persona_tui.tui.screens.flow_page import plain
from persona_tui.tui.widgets.interval_bars import IntervalRow, Intervals
from persona_tui.tui.widgets.numbers import shown, shown_interval
from persona_tui.tui.widgets.text_table import TextTable

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.backtest import Backtest
    from persona_tui.engine.evaluation.rolling import Rolling
    from persona_tui.study.drift import DriftFound
    from persona_tui.study.fairness import Fairness
    from persona_tui.study.ledger import Ledger
    from persona_tui.tui.checks import TriedExperiment

STYLES: Final = {
    Level.GREEN: "$text-success",
    Level.AMBER: "$text-warning",
    Level.RED: "$text-error",
}
_FILL: Final = {Level.GREEN: "$success", Level.AMBER: "$warning", Level.RED: "$error"}
_PERIODS_SHOWN: Final = 10
_ROWS_SHOWN: Final = 10


def backtest_answer(found: Backtest) -> Content:
    """Return the verdict, and what may stand behind it."""
    verdict = found.verdict
    lines = [Content.styled(plain(trust_line(verdict)), STYLES[verdict.level])]
    lines += [Content(f"• {plain(each)}") for each in verdict.causes if verdict.reasons]
    return Content("\n").join(lines)


def calibration(found: Backtest) -> Intervals:
    """Return what came of journeys that were given much the same chance."""
    rows = []
    for each in found.outcomes.bins:
        held = each.interval[0] <= each.predicted <= each.interval[1]
        rows.append(
            IntervalRow(
                label=f"foretold {shown(each.predicted, 'percent')}",
                value=each.observed,
                low=each.interval[0],
                high=each.interval[1],
                n=each.n,
                style="$success" if held else "$warning",
            )
        )
    return Intervals(
        rows=tuple(rows),
        title=f"Calibration: who completed, by the chance foretold after {found.outcomes.first} events",
        n_title="journeys",
        mark="point",
    )


def periods(found: Rolling) -> Intervals:
    """Return what came in each period, in the interval that was foretold for it."""
    forecasts = found.of("completion rate")[-_PERIODS_SHOWN:]
    return Intervals(
        rows=tuple(
            IntervalRow(
                label=f"{datetime.fromtimestamp(each.begins / 1e6, UTC):%Y-%m-%d}",
                value=each.observed,
                low=each.wide[0],
                high=each.wide[1],
                n=each.n,
                style="$success" if each.is_inside_wide else "$warning",
            )
            for each in forecasts
        ),
        title=f"Completion rate of each {found.period} that came, in the interval foretold before",
        n_title="journeys",
        mark="point",
    )


def checks(found: Backtest) -> Content:
    """Return every check with its verdict."""
    lines = [
        Content.assemble((f"{each.level.word:<6}", STYLES[each.level]), plain(each.sentence))
        for each in found.verdict.judgements
    ]
    return Content("\n").join(lines)


def likeness(found: Backtest) -> TextTable:
    """Return how far simulated journeys are from those held out."""
    return TextTable(
        heads=("points apart", "simulated", "two halves of the real", "95 % of halves"),
        rows=tuple(
            (
                each.name,
                f"{100 * each.distance:.1f}",
                f"{100 * each.floor:.1f}",
                " to ".join(f"{100 * end:.1f}" for end in each.floor_interval),
            )
            for each in found.likeness
        ),
    )


def drift_answer(found: DriftFound) -> Content:
    """Return the verdict on drift, and why."""
    from persona_tui.study.drift_words import ANSWERS  # noqa: PLC0415 - 0.4 s, loaded where drift is measured

    level = found.drift.level
    lines = [
        Content.styled(plain(ANSWERS[level]), STYLES[level]),
        Content.styled(plain(f"{found.after} against {found.before}"), "$text-muted"),
    ]
    lines += [Content(f"• {plain(each)}") for each in (*found.reasons, *found.notes)]
    return Content("\n").join(lines)


def options_of(name: str, found: DriftFound | Fairness) -> str:
    """Return the options that name what a check was about."""
    if name == "fairness":
        by = [each for each in found.by if TOGETHER not in each]  # type: ignore[union-attr]
        return f"--group {shlex.quote(format_names(by))}"
    texts = (found.before, found.after)  # type: ignore[union-attr]
    days = [re.search(r", (\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d)$", each) for each in texts]
    options = zip(("--before", "--after"), days, strict=True)
    return " ".join(f"{flag} {each[1]}..{each[2]}" for flag, each in options if each)


def divergence(found: DriftFound) -> Intervals:
    """Return how much moved, as a multiple of what the earlier log's own variation exceeds once in 20."""
    from persona_tui.study.drift_words import row_name  # noqa: PLC0415 - as above

    rated = [(abs(each.effect) / each.usual, each) for each in found.drift.rows if each.usual > 0]
    rated.sort(key=lambda pair: -pair[0])
    return Intervals(
        rows=tuple(
            IntervalRow(label=row_name(each), value=ratio, style=_FILL[each.level])
            for ratio, each in rated[:_ROWS_SHOWN]
        ),
        kind="number",
        title="What moved, in multiples of the usual variation (1: exceeded once in 20 times)",
    )


def split(found: DriftFound) -> Intervals:
    """Return what drift did to completion."""
    parts = (
        ("completion", found.drift.completion),
        ("other users came", found.drift.mix),
        ("the same did otherwise", found.drift.behaviour),
    )
    rows = (
        IntervalRow(label=name, value=part.value, low=part.interval[0], high=part.interval[1])
        for name, part in parts
    )
    return Intervals(rows=tuple(rows), kind="points", title="What it did to completion")


def drift_rows(found: DriftFound) -> TextTable:
    """Return all that was compared."""
    from persona_tui.study.drift_words import row_name  # noqa: PLC0415 - as above

    return TextTable(
        heads=("what", "before", "after", "effect", "usual", "false finds", "verdict"),
        rows=tuple(
            (
                row_name(each),
                "" if each.before is None else shown(each.before, "percent"),
                "" if each.after is None else shown(each.after, "percent"),
                shown(each.effect, "points") if each.is_rate else f"{each.effect:.2f}",
                f"{100 * each.usual:.1f}" if each.is_rate else f"{each.usual:.2f}",
                shown(each.false_discovery, "percent"),
                each.level.word,
            )
            for each in found.drift.rows
        ),
        styles=tuple(STYLES[each.level] if each.level else "" for each in found.drift.rows),
        spare=(5, 1, 2),
    )


def fairness_answer(found: Fairness) -> Content:
    """Return what is to be known of groups, what matters most first."""
    told = fairness_sentences(found.representation, found.rates, found.uplifts)
    badly = bool(found.badly_represented)
    hurt = any(each.hurt and each.total > 0 for each in found.uplifts)
    style = STYLES[Level.AMBER if badly or hurt else Level.GREEN]
    lines = [Content.styled(plain(told[0]), style), *(Content(f"• {plain(each)}") for each in told[1:])]
    lines += [Content(f"• {plain(left_out_sentence(each))}") for each in found.rates if each.n_left_out]
    return Content("\n").join(lines)


def group_uplifts(found: Fairness) -> Intervals:
    """Return what the first scenario is predicted to do to groups, those most likely to fall first."""
    if not found.uplifts:
        return Intervals(rows=(), kind="points")
    told = found.uplifts[0]
    rows = [
        IntervalRow(label="all", value=told.total, low=told.total_interval[0], high=told.total_interval[1])
    ]
    rows += [
        IntervalRow(
            label=f"{each.by}={each.name}",
            value=each.uplift,
            low=each.interval[0],
            high=each.interval[1],
            style=_side(*each.interval),
        )
        for each in told.groups[:_ROWS_SHOWN]
    ]
    return Intervals(
        rows=tuple(rows), kind="points", title=f"{told.scenario}: predicted uplift of completion"
    )


def group_rates(found: Fairness) -> Intervals:
    """Return how many of each group complete."""
    rows = [
        IntervalRow(
            label=f"{rates.by}={each.name}",
            value=each.rate,
            low=each.interval[0],
            high=each.interval[1],
            n=each.n_users,
            style="$warning" if each.false_discovery <= SURELY else "$primary",
        )
        for rates in found.rates
        for each in rates.groups
    ]
    return Intervals(rows=tuple(rows), title="Who completes, as observed", n_title="users", mark="point")


def represented(found: Fairness) -> TextTable:
    """Return how well the personas foretell each group."""
    return TextTable(
        heads=("group", "users", "bits, all alike", "counted more", "saved", ""),
        rows=tuple(
            (
                each.name,
                count(each.n_users),
                f"{each.bits:.3f}",
                f"{each.own_bits:.3f}",
                f"{each.gap:+.3f}",
                "" if each.is_represented else "not represented",
            )
            for each in found.representation
        ),
        styles=tuple("" if each.is_represented else STYLES[Level.AMBER] for each in found.representation),
        spare=(2, 3),
    )


def experiment_answer(tried: TriedExperiment) -> Content:
    """Return whether the lot was fair, which comes before any effect."""
    read = tried.read
    users = ", ".join(
        f"{name} {count(n)}" for name, n in zip(read.arms.names, read.arms.n_users(), strict=True)
    )
    fair = (
        "The lot was not fair: what follows is no effect of the change."
        if read.is_broken
        else ("Nothing speaks against a fair lot.")
    )
    style = STYLES[Level.RED if read.is_broken else Level.GREEN]
    lines = [Content.styled(plain(f"{fair} Users: {users}."), style)]
    lines += [
        Content(f"• {'BROKEN: ' if each.is_broken else ''}{plain(each.sentence)}") for each in read.checks
    ]
    return Content("\n").join(lines)


def differences(tried: TriedExperiment) -> Intervals:
    """Return the differences that are shares, of every treatment."""
    several = len(tried.read.comparisons) > 1
    rows = []
    for each in tried.read.comparisons:
        for metric in (*each.metrics, *each.funnel):
            best = metric.best
            if metric.scale != "share" or best.interval is None:
                continue
            name = f"{each.treatment}: {metric.metric}" if several else metric.metric
            low, high = best.interval
            rows.append(IntervalRow(label=name, value=best.value, low=low, high=high, style=_side(low, high)))
    return Intervals(rows=tuple(rows), kind="points", title="Treatment minus control, with 95 % intervals")


def effects(tried: TriedExperiment) -> Intervals:
    """Return what the change did to leaving at each step."""
    rows: list[IntervalRow] = []
    if isinstance(tried.calibrated, PersonaError):
        return Intervals(rows=(), kind="points")
    several = len(tried.calibrated.found) > 1
    for found in tried.calibrated.found:
        for each in found.steps:
            if each.kind is None or each.interval is None:
                continue
            sign = 1 if each.kind == "friction" else -1
            low, high = sorted(sign * end for end in each.interval)
            rows.append(
                IntervalRow(
                    label=f"{found.treatment}: {each.step}" if several else each.step,
                    value=sign * each.factor,
                    low=low,
                    high=high,
                    note=each.kind if each.is_settled else f"{each.kind} or none",
                    style=_side(-high, -low),
                )
            )
    return Intervals(
        rows=tuple(rows),
        kind="points",
        title="Of 100 who would stay lost (+), of 100 who would leave kept (-)",
    )


def explained(tried: TriedExperiment) -> Content:
    """Return how much of the difference the effects explain, and what replays them."""
    if isinstance(tried.calibrated, PersonaError):
        return told(tried.calibrated, shown_before=False)
    lines = []
    for found in tried.calibrated.found:
        parts = found.explained
        lines.append(
            f"{found.treatment}: completion {points(parts.observed)} within the time followed; effects on "
            f"leaving alone make {points(parts.by_leaving)} of it."
        )
        lines += [
            f"• also sent elsewhere at {each.step}: {percent(each.distance)}, most toward {each.toward}"
            for each in found.rerouted
        ]
        lines += [f"• --modification {text}" for text in found.as_modification()]
    return Content("\n").join([Content(plain(line)) for line in lines])


def ledger(found: Ledger | None) -> TextTable:
    """Return what was foretold beside what was found."""
    entries = () if found is None else found.entries
    return TextTable(
        heads=("scenario", "foretold", "95 % interval", "found", "95 % interval", ""),
        rows=tuple(
            (
                each.scenario,
                shown(each.predicted, "points"),
                shown_interval(*each.predicted_interval, "points"),
                shown(each.observed, "points"),
                shown_interval(*each.observed_interval, "points"),
                "lot not fair" if each.was_broken else "agrees" if each.agrees else "differs",
            )
            for each in entries
        ),
        spare=(2, 4),
    )


def _side(low: float, high: float) -> str:
    return "$success" if low > 0 else "$error" if high < 0 else "$warning"
