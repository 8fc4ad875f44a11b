"""What is printed of a scenario, whoever asks: its outcome, for whom, why, and how several compare."""

from __future__ import annotations

from collections.abc import Sequence

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import (
    chance,
    count,
    interval_text,
    percent,
    points,
    points_number,
    signed,
)
from persona_tui.engine.analytics.reporting import Report, ScenarioReport
from persona_tui.engine.analytics.scenario_phrases import (
    harm_words,
    layers,
    metric_cells,
    plain_number,
    shown_metrics,
    writers,
)
from persona_tui.engine.analytics.wording import (
    METRIC_WORDS,
    SHARES,
    duration,
    models_left_out,
)
from persona_tui.engine.simulation.comparison import ROUNDING, Comparison
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.insights import Insights
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.text import shortened

_MOST_ROWS = 8
_BAR_CELLS = 28
_DECIMALS = 9
"""What is beyond them is rounding."""


def print_outcome(page: Page, experiment: Experiment) -> None:
    """Add what the change does, in total."""
    page.table(
        ("", "control", "treatment", "uplift", "95 % interval"),
        [metric_cells(experiment.total, metric) for metric in shown_metrics(experiment)],
    )
    estimate = experiment.total.uplifts["completion_rate"]
    falls = harm_words(experiment.total, experiment)
    page.sentence(
        f"Uplifts of shares are in points. Chance that completion falls: {falls}.{layers(estimate)}"
    )
    if left_out := models_left_out(experiment):
        page.sentence(left_out)
    if experiment.solver != "exact":
        _print_simulated(page, experiment)


def _print_simulated(page: Page, experiment: Experiment) -> None:
    total = experiment.total
    page.table(
        ("simulated beside it", "control", "treatment", "uplift ± error"),
        [
            _simulated_row(total, metric)
            for metric in shown_metrics(experiment)
            if metric in total.simulated_uplifts
        ],
    )


def _simulated_row(total: Comparison, metric: str) -> tuple[str, ...]:
    value, difference = writers(metric)
    error = total.uplifts[metric].simulation_error
    told = f"{100 * error:.2f}" if error is not None and metric in SHARES else f"{error or 0:.2f}"
    return (
        METRIC_WORDS[metric],
        *(value(total.simulated_arms[arm][metric]) for arm in ARMS),
        difference(total.simulated_uplifts[metric]) + ("" if error is None else f" ± {told}"),
    )


def print_parts(page: Page, experiment: Experiment) -> None:
    """Add for whom: completion by persona, and by the groups whose uplift differs from that of all."""
    _print_completion(page, experiment, "completion of", experiment.personas)
    all_users = experiment.total.uplifts["completion_rate"].value
    away = {each.name: abs(each.uplifts["completion_rate"].value - all_users) for each in experiment.groups}
    groups = sorted(
        (each for each in experiment.groups if away[each.name] > ROUNDING), key=lambda each: -away[each.name]
    )
    shown = groups[:_MOST_ROWS]
    title = f"completion where ({len(shown)} of {len(experiment.groups)} groups)"
    _print_completion(page, experiment, title, shown)
    if experiment.groups and not groups:
        page.sentence("The uplift is the same in every group of users.")


def _print_completion(page: Page, experiment: Experiment, heading: str, parts: Sequence[Comparison]) -> None:
    page.table(
        (heading, "share", "control", "treatment", "uplift", "95 % interval", "falls"),
        [
            (
                part.name,
                percent(part.share),
                *(percent(part.arms[arm]["completion_rate"]) for arm in ARMS),
                points_number(part.uplifts["completion_rate"].value),
                interval_text(*part.uplifts["completion_rate"].total),
                harm_words(part, experiment),
            )
            for part in parts
        ],
    )


def print_arms_funnel(page: Page, scenario: ScenarioReport) -> None:
    """Add the funnel of both arms, drawn."""
    rows: list[tuple[str, ...]] = []
    for step in scenario.funnel_arms:
        change = points_number(step.treatment - step.control)
        rows += [
            (step.step, "control", _bar(step.control), percent(step.control), ""),
            ("", "treatment", _bar(step.treatment), percent(step.treatment), change),
        ]
    page.table(("funnel", "", "", "reached by", "uplift"), rows, left=3)


def _bar(share: float) -> str:
    """Return a bar of eighths of a cell; a share above zero is never drawn as nothing."""
    eighths = max(round(8 * share * _BAR_CELLS), 1 if share > 0 else 0)
    full, rest = divmod(eighths, 8)
    part: str = ("", *"▏▎▍▌▋▊▉")[rest]
    return "█" * full + part


def print_conversion_times(page: Page, scenario: ScenarioReport) -> None:
    """Add within what time those who convert have done so."""
    times = scenario.conversion_times
    page.table(
        ("of those who convert, have within", "control", "treatment"),
        [
            (f"{share.removeprefix('p')} %", *(duration(times[arm][share]) for arm in ARMS))
            for share in times["control"]
        ],
    )


def print_insights(page: Page, scenario: ScenarioReport) -> None:
    """Add why: what drives the uplift, where it would turn, and which steps are worth most."""
    insights = scenario.insights
    page.table(
        ("what moves the uplift", "from", "to", "uplift there"),
        [
            (
                driver.name + (" (assumed range)" if driver.assumed else ""),
                *(("", "") if driver.values is None else (f"{value:g}" for value in driver.values)),
                interval_text(*sorted(driver.uplifts)),
            )
            for driver in insights.drivers.drivers[:3]
        ],
    )
    for each in insights.break_even:
        page.sentence(f"{each.name}: {each.found.describe()}", bullet=True)
    _print_leverage(page, insights)
    _print_drop_off(page, insights)


def _print_leverage(page: Page, insights: Insights) -> None:
    shown = insights.leverage[:_MOST_ROWS]
    page.table(
        (
            f"one point less leaving at{_of(shown, insights.leverage)}",
            "visits a journey",
            "leaving",
            "is worth",
        ),
        [
            (step.state, plain_number(step.visits), percent(step.leaving_rate), points(step.leverage / 100))
            for step in shown
        ],
    )


def _print_drop_off(page: Page, insights: Insights) -> None:
    """Add where people leave: what the change moves most, then where most leave."""
    left = sorted(
        (each for each in insights.drop_off if any(each.leaving)),
        key=lambda each: (-round(abs(each.uplift), _DECIMALS), -max(each.leaving)),
    )
    shown = left[:_MOST_ROWS]
    page.table(
        (f"leavings a journey at{_of(shown, left)}", "control", "treatment", "change"),
        [(each.state, *(plain_number(rate) for rate in each.leaving), signed(each.uplift)) for each in shown],
    )


def _of(shown: Sequence[object], everything: Sequence[object]) -> str:
    """Return how many rows of a table are shown, empty where all are."""
    return f" ({len(shown)} of {len(everything)})" if len(shown) < len(everything) else ""


def print_ranking(page: Page, report: Report) -> None:
    """Add how the scenarios compare, the best first."""
    by_name = {each.name: each for each in report.scenarios}
    n_draws = report.lead.experiment.n_draws
    several = len(report.ranking) > 1
    page.heading(f"{count(len(report.ranking))} scenarios, the best first" if several else "One scenario")
    if without := report.lead.experiment.without:
        page.sentence(f"All numbers are {without}.")
    page.table(
        ("scenario", "completion", "uplift", "95 % interval", "falls", "is best"),
        [
            (
                ranked.name,
                percent(by_name[ranked.name].experiment.total.arms["treatment"]["completion_rate"]),
                points_number(ranked.uplift),
                interval_text(*by_name[ranked.name].experiment.total.uplifts["completion_rate"].total),
                harm_words(by_name[ranked.name].experiment.total, by_name[ranked.name].experiment),
                chance(ranked.best, n_draws),
            )
            for ranked in report.ranking
        ],
    )
    _print_doses(page, report.scenarios)


def _print_doses(page: Page, scenarios: Sequence[ScenarioReport]) -> None:
    groups: dict[tuple[str, str], list[tuple[float, ScenarioReport]]] = {}
    for scenario in scenarios:
        if scenario.dose is not None:
            key = (scenario.dose.group, scenario.dose.parameter)
            groups.setdefault(key, []).append((scenario.dose.value, scenario))
    for (group, parameter), members in groups.items():
        page.table(
            (f"{shortened(group)}: {parameter}", "completion", "uplift", "95 % interval", ""),
            [
                (
                    f"{value:g}",
                    percent(scenario.experiment.total.arms["treatment"]["completion_rate"]),
                    points_number(scenario.experiment.total.uplifts["completion_rate"].value),
                    interval_text(*scenario.experiment.total.uplifts["completion_rate"].total),
                    _bar(scenario.experiment.total.arms["treatment"]["completion_rate"]),
                )
                for value, scenario in sorted(members, key=lambda each: each[0])
            ],
        )
