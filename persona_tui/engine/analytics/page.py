"""A report as one page: headings, sentences, tables and charts, in the order in which they are read.

Markdown and HTML lay it out; every cell is a text already, the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from persona_tui.engine.analytics.cards import name_in_table
from persona_tui.engine.analytics.figures import BarFigure, Figure, FlowFigure, RangeFigure
from persona_tui.engine.analytics.numbers import (
    UNKNOWN,
    chance,
    count,
    interval_text,
    percent,
    percent_interval,
    points,
    points_number,
    signed,
)
from persona_tui.engine.analytics.report_figures import (
    drivers_figure,
    flow_figure,
    funnel_figure,
    leaving_figure,
    leaving_most,
    says_something,
    uplifts_figure,
)
from persona_tui.engine.analytics.reporting import Report, ScenarioReport
from persona_tui.engine.analytics.scenario_phrases import harm_words, layers, metric_cells, shown_metrics
from persona_tui.engine.analytics.trust_phrases import trust_line
from persona_tui.engine.analytics.wording import UNIT_WORDS, duration, models_left_out
from persona_tui.engine.simulation.simulated import ARMS

_ROWS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A title; 1 is that of the page."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Some sentences; those that answer the question stand out."""

    text: str
    stands_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Sentences that each stand alone."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTable:
    """A table of texts.

    Parameters
    ----------
    heads : tuple of str
    rows : tuple of tuple of str
    texts : tuple of int
        Columns that hold texts; the others hold numbers, and stand to the right.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chart:
    """What can be drawn of a scenario; the numbers are in the table that follows."""

    figure: Figure


Block: TypeAlias = "Heading | Paragraph | Listing | CellTable | Chart"


def page_of(report: Report) -> tuple[Block, ...]:
    """Return a report as a page; blocks that would be empty are left out.

    Parameters
    ----------
    report : Report
    """
    return tuple(each for each in _blocks(report) if _says_something(each))


def _blocks(report: Report) -> Iterator[Block]:
    yield Heading(text=report.title, level=1)
    yield Paragraph(text=report.lead.decision, stands_out=True)
    yield Paragraph(text=_log(report))
    yield Heading(text="Personas")
    yield _personas(report)
    if len(report.scenarios) > 1:
        yield Heading(text="Scenarios, the best first")
        yield _ranking(report)
    for scenario in report.scenarios:
        yield from _scenario(report, scenario)
    yield Heading(text="How far this can be trusted")
    yield from _trust(report)
    for section in report.sections:
        yield Heading(text=section.title)
        yield Listing(sentences=section.sentences)
        yield _table(section.heads, section.rows)
    yield Heading(text="What the numbers rest on")
    yield Listing(sentences=report.assumptions)
    yield Heading(text="To make the same numbers again")
    yield _table(("setting", "set to"), report.recipe.items(), texts=(0, 1))


def _trust(report: Report) -> Iterator[Block]:
    yield Paragraph(text=trust_line(report.trust))
    if report.trust is None:
        return
    yield _table(
        ("check", "verdict", "what was found"),
        ((each.about, each.level.word, each.sentence) for each in report.trust.judgements),
        texts=(0, 1, 2),
    )
    yield Listing(sentences=report.trust.causes)


def _says_something(block: Block) -> bool:
    match block:
        case Heading(text=text) | Paragraph(text=text):
            return bool(text)
        case Listing(sentences=sentences):
            return bool(sentences)
        case CellTable(rows=rows):
            return bool(rows)
        case Chart(figure=figure):
            return says_something(figure)


def _table(
    heads: tuple[str, ...], rows: Iterable[Iterable[str]], *, texts: tuple[int, ...] = (0,)
) -> CellTable:
    return CellTable(heads=heads, rows=tuple(tuple(row) for row in rows), texts=texts)


def _log(report: Report) -> str:
    log, without = report.log, report.lead.experiment.without
    left_out = f" Predictions are {without}." if without else ""
    return (
        f"{count(log.users)} users, {count(log.sessions)} sessions, {count(log.events)} events, "
        f"{log.first:%Y-%m-%d} to {log.last:%Y-%m-%d} (UTC). "
        f"Rates are shares of {UNIT_WORDS[report.unit]}; intervals are 95 %.{left_out}"
    )


def _personas(report: Report) -> CellTable:
    return _table(
        ("persona", "share", "converts", "95 % interval", "does more than others"),
        (
            (
                f"{card.id} {name_in_table(card)}",
                percent(card.share),
                percent(card.conversion),
                percent_interval(*card.conversion_interval),
                ", ".join(card.signature_events),
            )
            for card in report.personas
        ),
        texts=(0, 4),
    )


def _ranking(report: Report) -> CellTable:
    by_name = {each.name: each.experiment for each in report.scenarios}
    n_draws = report.lead.experiment.n_draws
    return _table(
        ("scenario", "completion", "uplift", "95 % interval", "falls", "is best"),
        (
            (
                each.name,
                percent(by_name[each.name].total.arms["treatment"]["completion_rate"]),
                points_number(each.uplift),
                interval_text(*by_name[each.name].total.uplifts["completion_rate"].total),
                harm_words(by_name[each.name].total, by_name[each.name]),
                chance(each.best, n_draws),
            )
            for each in report.ranking
        ),
    )


def _scenario(report: Report, scenario: ScenarioReport) -> Iterator[Block]:
    experiment = scenario.experiment
    estimate = experiment.total.uplifts["completion_rate"]
    several = len(report.scenarios) > 1
    yield Heading(text=(f"{scenario.name}: " if several else "") + scenario.question)
    yield Paragraph(text=scenario.decision if several else "")
    metrics = shown_metrics(experiment)
    yield _table(
        ("", "control", "treatment", "uplift", "95 % interval"),
        (metric_cells(experiment.total, metric) for metric in metrics),
    )
    yield Paragraph(text=_simulated(report, scenario))
    falls = f"Chance that completion falls: {harm_words(experiment.total, experiment)}."
    yield Paragraph(text=f"{falls}{layers(estimate)} {models_left_out(experiment)}".strip())
    yield Heading(text="For whom", level=3)
    yield Chart(figure=uplifts_figure(scenario))
    yield _for_whom(scenario)
    yield Heading(text="Funnel", level=3)
    yield Chart(figure=funnel_figure(scenario))
    yield _funnel(scenario)
    yield Chart(figure=flow_figure(scenario))
    yield Heading(text="Why", level=3)
    yield from _why(scenario)
    yield Heading(text="The real test", level=3)
    yield Listing(sentences=tuple(scenario.plan.sentences()))
    if experiment.caveats:
        yield Heading(text="Mind", level=3)
        yield Listing(sentences=tuple(experiment.caveats))


def _simulated(report: Report, scenario: ScenarioReport) -> str:
    """Return what a simulation gave beside the exact values, empty where nobody was simulated."""
    experiment = scenario.experiment
    error = experiment.total.uplifts["completion_rate"].simulation_error
    found = experiment.total.simulated_uplifts.get("completion_rate")
    if error is None or found is None:
        return ""
    return (
        f"{count(experiment.n_personas)} synthetic {UNIT_WORDS[report.unit]} per arm give "
        f"{points(found)}, standard error {points(error).lstrip('+')}; the values above are exact."
    )


def _for_whom(scenario: ScenarioReport) -> CellTable:
    experiment = scenario.experiment
    return _table(
        ("completion of", "share", "control", "treatment", "uplift", "95 % interval", "falls"),
        (
            (
                part.name,
                percent(part.share),
                *(percent(part.arms[arm]["completion_rate"]) for arm in ARMS),
                points_number(part.uplifts["completion_rate"].value),
                interval_text(*part.uplifts["completion_rate"].total),
                harm_words(part, experiment),
            )
            for part in (*experiment.personas, *experiment.groups)
        ),
    )


def _funnel(scenario: ScenarioReport) -> CellTable:
    return _table(
        ("reached by", "control", "treatment", "uplift", "95 % interval"),
        (
            (
                each.step,
                percent(each.control),
                percent(each.treatment),
                points_number(each.treatment - each.control),
                UNKNOWN if each.uplift_interval is None else interval_text(*each.uplift_interval),
            )
            for each in scenario.funnel_arms
        ),
    )


def _why(scenario: ScenarioReport) -> Iterator[Block]:
    insights, times = scenario.insights, scenario.conversion_times
    yield Chart(figure=drivers_figure(scenario))
    yield _table(
        ("what moves the uplift", "from", "to", "uplift there"),
        (
            (
                driver.name + (" (assumed range)" if driver.assumed else ""),
                *(("", "") if driver.values is None else (f"{value:g}" for value in driver.values)),
                interval_text(*sorted(driver.uplifts)),
            )
            for driver in insights.drivers.drivers[:3]
        ),
    )
    yield Listing(sentences=tuple(f"{each.name}: {each.found.describe()}" for each in insights.break_even))
    yield Chart(figure=leaving_figure(scenario))
    yield _table(
        ("leavings a journey at", "control", "treatment", "change"),
        (
            (each.state, *(f"{rate:.2f}" for rate in each.leaving), signed(each.uplift))
            for each in leaving_most(scenario)[:_ROWS]
            if round(max(each.leaving), 2)
        ),
    )
    yield _table(
        ("of those who convert, have within", *ARMS),
        (
            (f"{share.removeprefix('p')} %", *(duration(times[arm][share]) for arm in ARMS))
            for share in times.get("control", {})
        ),
    )


def table_of(figure: Figure) -> CellTable:
    """Return the numbers of a figure, as it writes them."""
    match figure:
        case BarFigure():
            heads = ("", *(name for name, _ in figure.series), "note")
            return _table(
                heads, ((row.name, *(bar.text for bar in row.bars), row.note) for row in figure.rows)
            )
        case RangeFigure():
            return _table(("", *figure.heads), ((row.name, *row.cells) for row in figure.rows))
        case FlowFigure(panels=panels):
            several = len(panels) > 1
            rows = (
                (
                    *((panel.name,) if several else ()),
                    str(node.step + 1),
                    node.name,
                    percent(min(node.volume / panel.flow.total, 1.0)),
                )
                for panel in panels
                for node in panel.flow.nodes
            )
            heads = (*(("flow",) if several else ()), "step", "state", "share")
            return _table(heads, rows, texts=(0, 2) if several else (1,))
