"""The summary of a finished run, in tables."""

from __future__ import annotations

from persona_tui.cli.output import Page, shortened
from persona_tui.engine.analytics.numbers import (
    chance,
    count,
    interval_text,
    percent,
    percent_interval,
    points_number,
    signed,
)
from persona_tui.engine.analytics.reporting import Report
from persona_tui.engine.analytics.wording import NOTICED_TRUNCATION, UNIT_WORDS
from persona_tui.engine.simulation.comparison import Comparison
from persona_tui.study.runs import FinishedRun

METRIC_WORDS = {
    "completion_rate": "completion",
    "drop_off_rate": "drop-off",
    "truncated_rate": "cut off",
    "avg_length": "events",
}


def print_summary(finished: FinishedRun) -> None:
    """Print what a run found and where its files are."""
    report, page = finished.result.report, Page()
    _print_log(page, report)
    _print_personas(page, finished)
    page.heading(report.lead.question)
    page.sentence(report.lead.decision)
    _print_experiment(page, report)
    page.heading("What this rests on")
    for sentence in (*report.assumptions, *report.lead.experiment.caveats):
        page.sentence(sentence, bullet=True)
    page.heading(f"Files in {finished.study}")
    for file in finished.files:
        page.sentence(file.name, bullet=True)
    page.print()


def _print_log(page: Page, report: Report) -> None:
    log, units = report.log, UNIT_WORDS[report.unit]
    page.heading("Log")
    page.sentence(
        f"{count(log.events)} events of {count(log.event_types)} types, {count(log.users)} users, "
        f"{count(log.sessions)} sessions, {log.first:%Y-%m-%d} to {log.last:%Y-%m-%d}; "
        f"{count(log.rejected)} rows rejected, {count(log.duplicates)} duplicates dropped."
    )
    page.heading(f"Funnel (share of {units}; observed, then predicted for both arms)")
    page.table(
        ("step", "reached", "rate", "of previous", "in order", "control", "treatment"),
        [
            (
                step.step,
                count(step.reached),
                percent(step.rate),
                percent(step.rate_of_previous),
                percent(step.rate_in_order),
                percent(arms.control),
                percent(arms.treatment),
            )
            for step, arms in zip(report.funnel, report.lead.funnel_arms, strict=True)
        ],
    )


def _print_personas(page: Page, finished: FinishedRun) -> None:
    report = finished.result.report
    selection = finished.result.fit.segmentation.selection
    page.heading("Personas")
    if selection is not None:
        page.sentence(f"{selection.n_clusters} found: {selection.reason}.")
    page.table(
        ("persona", "signature events", "users", "share", "conversion", "95 % interval"),
        [
            (
                card.name,
                ", ".join(shortened(event) for event in card.signature_events),
                count(card.users),
                percent(card.share),
                percent(card.conversion),
                percent_interval(*card.conversion_interval),
            )
            for card in report.personas
        ],
        left=2,
    )


def _print_experiment(page: Page, report: Report) -> None:
    experiment = report.lead.experiment
    truncated = max(arm["truncated_rate"] for arm in experiment.total.arms.values())
    page.table(
        ("", "control", "treatment", "uplift", "95 % interval", "simulated ± error"),
        [
            _metric_row(experiment.total, metric, word)
            for metric, word in METRIC_WORDS.items()
            if metric != "truncated_rate" or truncated >= NOTICED_TRUNCATION
        ],
    )
    page.sentence(
        f"Uplifts are in points. Chance that completion falls: {chance(experiment.harm, experiment.n_draws)}."
    )
    page.table(
        ("completion of", "share", "control", "treatment", "uplift", "95 % interval"),
        [_persona_row(persona) for persona in experiment.personas],
    )


def _metric_row(total: Comparison, metric: str, word: str) -> tuple[str, ...]:
    estimate = total.uplifts[metric]
    values = (total.arms["control"][metric], total.arms["treatment"][metric])
    simulated, error = total.simulated_uplifts[metric], estimate.simulation_error or 0.0
    low, high = estimate.total
    if metric == "avg_length":
        numbers = (*(f"{value:.2f}" for value in values), signed(estimate.value))
        return (
            word,
            *numbers,
            f"{signed(low)} to {signed(high)}",
            f"{signed(simulated)} ± {error:.2f}",
        )
    return (
        word,
        *(percent(value) for value in values),
        points_number(estimate.value),
        interval_text(low, high),
        f"{points_number(simulated)} ± {100 * error:.2f}",
    )


def _persona_row(persona: Comparison) -> tuple[str, ...]:
    uplift = persona.uplifts["completion_rate"]
    return (
        persona.name,
        percent(persona.share),
        percent(persona.arms["control"]["completion_rate"]),
        percent(persona.arms["treatment"]["completion_rate"]),
        points_number(uplift.value),
        interval_text(*uplift.total),
    )
