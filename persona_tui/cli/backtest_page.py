"""What ``persona-tui backtest`` prints: the verdict, why, and the numbers behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import MINUS, count, percent, percent_interval
from persona_tui.engine.analytics.wording import duration

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.backtest import Backtest
    from persona_tui.engine.evaluation.outlooks import OutcomeCheck
    from persona_tui.engine.evaluation.rolling import PeriodForecast, Rolling
    from persona_tui.study.backtest import CheckedLog

_PERIODS_SHOWN = 14


def print_backtest(checked: CheckedLog) -> None:
    """Print how far the forecasts of a log can be trusted, and why."""
    page, found = Page(), checked.found
    page.heading(f"{checked.source}: {found.verdict.level.word.upper()}")
    page.sentence(_what(checked))
    page.table(
        ("check", "verdict"), [(each.about, each.level.word) for each in found.verdict.judgements], left=2
    )
    if found.verdict.reasons:
        page.heading("Why not green")
        for reason in found.verdict.reasons:
            page.sentence(reason, bullet=True)
    _likeness(page, found)
    _outcomes(page, found.outcomes)
    for each in found.periods:
        _periods(page, each)
    _open_ends(page, found)
    page.print()


def _what(checked: CheckedLog) -> str:
    found = checked.found
    left_out = (
        f" {count(found.n_too_late)} began too late for that and are left out." if found.n_too_late else ""
    )
    return (
        f"{count(found.n_journeys)} journeys of {count(found.n_users)} users, each followed for "
        f"{duration(found.followed_seconds)} after its first event: {percent(found.late_completions)} of the "
        f"completions ({' or '.join(checked.completion)}) come later and count as none.{left_out} "
        f"{found.n_clusters} personas were fitted {found.n_folds} times, each without a fifth of the users."
    )


def _likeness(page: Page, found: Backtest) -> None:
    page.heading("Simulated journeys beside those of users held out")
    page.table(
        ("points apart", "simulated", "two halves of the real ones", "95 % of halves"),
        [
            (
                each.name,
                f"{100 * each.distance:.1f}",
                f"{100 * each.floor:.1f}",
                " to ".join(f"{100 * end:.1f}" for end in each.floor_interval),
            )
            for each in found.likeness
        ],
    )


def _outcomes(page: Page, found: OutcomeCheck) -> None:
    page.heading(f"Who completes, foretold from the first {found.first} events")
    page.sentence(
        f"{count(found.n_journeys)} journeys went on so far; {count(found.n_converted)} of them completed. "
        "Log-loss: lower is better."
    )
    rows = [
        (
            each.name,
            f"{each.value:.4f}",
            "" if not place else f"{each.excess:+.4f} ± {each.excess_error:.4f}".replace("-", MINUS),
        )
        for place, each in enumerate(found.losses)
    ]
    page.table(("foretold by", "log-loss", "personas less this"), rows)
    if found.by_persona:
        page.table(
            ("persona", "held out", "foretold", "95 % interval", "came", ""),
            [
                (
                    each.name,
                    count(each.n),
                    percent(each.predicted),
                    percent_interval(*each.interval),
                    percent(each.observed),
                    _inside(each.is_inside),
                )
                for each in sorted(found.by_persona, key=lambda each: (each.name, each.fold))
            ],
        )
    page.heading("Calibration: journeys that were given much the same chance")
    page.table(
        ("foretold", "journeys", "came", "95 % interval"),
        [
            (percent(each.predicted), count(each.n), percent(each.observed), percent_interval(*each.interval))
            for each in found.bins
        ],
    )


def _periods(page: Page, found: Rolling) -> None:
    forecasts = found.of("completion rate")
    if not forecasts:
        return
    page.heading(f"Completion rate of each {found.period}, foretold from those before")
    page.table(
        ("begins", "journeys", "foretold", "if alike", f"{found.period}s differ", "came", ""),
        [_period(each) for each in forecasts[-_PERIODS_SHOWN:]],
    )
    lengths = found.of("events per journey")
    page.sentence(
        f"{_held(forecasts)}. Events per journey: {_held(lengths)}. Fitted {found.n_fits} times."
        + (
            f" The last {_PERIODS_SHOWN} are shown; --json has all."
            if len(forecasts) > _PERIODS_SHOWN
            else ""
        )
    )


def _held(forecasts: tuple[PeriodForecast, ...]) -> str:
    narrow, wide = (
        sum(held) for held in zip(*((f.is_inside, f.is_inside_wide) for f in forecasts), strict=True)
    )
    n = len(forecasts)
    return f"{narrow} of {n} within if periods are alike, {wide} of {n} if they differ as they did"


def _period(each: PeriodForecast) -> tuple[str, ...]:
    return (
        f"{datetime.fromtimestamp(each.begins / 1e6, UTC):%Y-%m-%d}",
        count(each.n),
        percent(each.predicted),
        percent_interval(*each.interval),
        percent_interval(*each.wide),
        percent(each.observed),
        _inside(each.is_inside_wide),
    )


def _open_ends(page: Page, found: Backtest) -> None:
    if not found.open_ends:
        return
    page.heading("The log cut early: what became of the journeys that had begun")
    page.table(
        ("cut", "journeys", "open", "completed by then", "foretold", "95 % interval", "came"),
        [
            (
                f"{datetime.fromtimestamp(each.cut / 1e6, UTC):%Y-%m-%d}",
                count(each.n),
                count(each.n_open),
                percent(each.so_far),
                percent(each.predicted),
                percent_interval(*each.interval),
                percent(each.observed),
            )
            for each in found.open_ends
        ],
    )


def _inside(held: bool) -> str:
    return "inside" if held else "outside"
