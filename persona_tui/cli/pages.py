"""What each verb prints: pages put together from the parts of ``scenario_page``."""

from __future__ import annotations

from pathlib import Path

from persona_tui.cli.output import Page
from persona_tui.cli.scenario_page import (
    print_arms_funnel,
    print_conversion_times,
    print_insights,
    print_outcome,
    print_parts,
    print_ranking,
)
from persona_tui.engine.analytics.numbers import (
    NARROW_SPACE,
    chance,
    count,
    interval_text,
    percent,
    points,
)
from persona_tui.engine.analytics.reporting import Report, ScenarioReport
from persona_tui.engine.analytics.trust_phrases import trust_line
from persona_tui.engine.analytics.wording import UNIT_WORDS
from persona_tui.engine.simulation.allocation import Allocation


def print_preview(report: Report) -> None:
    """Print what every scenario does, for whom, and why."""
    page = Page()
    if len(report.scenarios) > 1:
        print_ranking(page, report)
    for scenario in report.scenarios:
        _print_question(page, report, scenario)
        print_outcome(page, scenario.experiment)
        print_parts(page, scenario.experiment)
        print_arms_funnel(page, scenario)
        print_conversion_times(page, scenario)
        _print_list(page, "What changes", scenario.changes)
        page.heading("Why, and what next")
        print_insights(page, scenario)
        _print_list(page, "Mind", scenario.experiment.caveats)
    if report.allocation is not None:
        _print_allocation(page, report.allocation)
    page.print()


def print_comparison(report: Report) -> None:
    """Print the ranking of the scenarios, and which beats which."""
    page = Page()
    print_ranking(page, report)
    others = [each.name for each in report.ranking]
    n_draws = report.lead.experiment.n_draws
    page.heading("Chance, in %, that the scenario of the row completes more than that of the column")
    page.table(
        ("scenario", *(str(place) for place in range(1, len(others) + 1)), "control"),
        [
            (
                f"{place}. {ranked.name}",
                *(
                    "" if other == ranked.name else _bare(chance(ranked.beats[other], n_draws))
                    for other in (*others, "control")
                ),
            )
            for place, ranked in enumerate(report.ranking, start=1)
        ],
    )
    page.print()


def _bare(share: str) -> str:
    """Return a share without its sign, which the heading has, so that more columns fit."""
    return share.removesuffix("%").replace(NARROW_SPACE, "")


def print_plans(report: Report) -> None:
    """Print what a real test of every scenario takes."""
    page = Page()
    for scenario in report.scenarios:
        _print_question(page, report, scenario)
        _print_list(page, "The real test", scenario.plan.sentences())
    page.print()


def print_simulation(report: Report, folder: Path) -> None:
    """Print what synthetic users did in both arms of every scenario, and where the run is kept."""
    page = Page()
    for scenario in report.scenarios:
        experiment = scenario.experiment
        _print_question(page, report, scenario)
        print_outcome(page, experiment)
        print_parts(page, experiment)
        estimate = experiment.total.uplifts["completion_rate"]
        if estimate.simulation_error is not None:
            page.sentence(
                f"{count(experiment.n_personas)} synthetic {UNIT_WORDS[report.unit]} per arm "
                f"({experiment.solver}): more of them shrink the simulation error of "
                f"{100 * estimate.simulation_error:.2f} points only, not the interval "
                f"{interval_text(*estimate.total)} that the log and the stated ranges leave open."
            )
    page.heading(f"Run in {folder}")
    page.print()


def _print_question(page: Page, report: Report, scenario: ScenarioReport) -> None:
    named = f"{scenario.name}. " if len(report.scenarios) > 1 else ""
    page.heading(named + scenario.question)
    page.sentence(scenario.decision)
    page.sentence(trust_line(report.trust))


def _print_list(page: Page, heading: str, sentences: tuple[str, ...]) -> None:
    if not sentences:
        return
    page.heading(heading)
    for sentence in sentences:
        page.sentence(sentence, bullet=True)


def _print_allocation(page: Page, allocation: Allocation) -> None:
    page.heading(f"Where {points(allocation.budget).lstrip('+')} of saved leaving are worth most")
    page.sentence(
        f"Completion would rise from {percent(allocation.conversion_before)} to "
        f"{percent(allocation.conversion)}: {points(allocation.gain)}; "
        f"{points(allocation.gain_over_even)} more than spread evenly, {points(allocation.gain_over_single)} "
        f"more than all at {allocation.single_state}."
    )
    page.table(
        ("step", "leaving today", "saved", "as reward", "seen to go on"),
        [
            (
                step.state,
                percent(step.leaving_rate),
                points(step.reduction).lstrip("+"),
                percent(step.saved_share),
                count(round(step.support)),
            )
            for step in allocation.steps
        ],
    )
