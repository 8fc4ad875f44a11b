"""The summary of a finished run, in tables."""

from __future__ import annotations

from persona_tui.cli.output import Page
from persona_tui.cli.scenario_page import print_outcome, print_parts, print_ranking
from persona_tui.engine.analytics.cards import name_in_table
from persona_tui.engine.analytics.numbers import count, percent, percent_interval
from persona_tui.engine.analytics.reporting import Report
from persona_tui.engine.analytics.wording import UNIT_WORDS
from persona_tui.engine.data.funnel import shares_of_step_before
from persona_tui.engine.text import shortened
from persona_tui.study.runs import FinishedRun


def print_summary(finished: FinishedRun) -> None:
    """Print what a run found and where its files are."""
    report, page = finished.result.report, Page()
    _print_log(page, report)
    _print_personas(page, finished)
    if len(report.scenarios) > 1:
        print_ranking(page, report)
    page.heading(report.lead.question)
    page.sentence(report.lead.decision)
    print_outcome(page, report.lead.experiment)
    print_parts(page, report.lead.experiment)
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
        f"{count(log.sessions)} sessions, {log.first:%Y-%m-%d} to {log.last:%Y-%m-%d} (UTC); "
        f"{count(log.rejected)} rows rejected, {count(log.duplicates)} duplicates dropped."
    )
    without = report.lead.experiment.without
    who = f"{units} {without}" if without else units
    page.heading(f"Funnel (share of {who}; observed, then predicted for both arms)")
    page.table(
        ("step", "reached", "rate", "in order", "of previous", "control", "treatment"),
        [
            (
                step.step,
                count(step.reached),
                percent(step.rate),
                percent(step.rate_in_order),
                percent(share),
                percent(arms.control),
                percent(arms.treatment),
            )
            for step, share, arms in zip(
                report.funnel, shares_of_step_before(report.funnel), report.lead.funnel_arms, strict=True
            )
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
                name_in_table(card),
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
