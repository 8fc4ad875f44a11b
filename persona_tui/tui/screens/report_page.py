"""What the Report screen says: tables made from a report, its files and the plan of the real test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from textual.content import Content

from persona_tui.engine.analytics.numbers import chance
from persona_tui.engine.analytics.scenario_phrases import harm_words, layers
from persona_tui.engine.analytics.wording import models_left_out
from persona_tui.tui.screens.flow_page import plain
from persona_tui.tui.screens.simulate_page import began
from persona_tui.tui.widgets.interval_bars import IntervalRow, Intervals
from persona_tui.tui.widgets.numbers import shown
from persona_tui.tui.widgets.text_table import TextTable

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report, ScenarioReport
    from persona_tui.study.exports import ExportedFile
    from persona_tui.study.run_results import RunResult

NO_RUNS: Final = "No run of this study is finished yet: on the Simulate screen (4) s starts one."
_UNITS: Final = ((2**20, "MB"), (2**10, "kB"))


def decision(report: Report, scenario: ScenarioReport) -> Content:
    """Return the question of a scenario, its answer, and how sure it is."""
    experiment = scenario.experiment
    low, high = experiment.total.uplifts["completion_rate"].total
    style = "$text-success" if low > 0 else "$text-error" if high < 0 else "$text-warning"
    name = f"{scenario.name}: " if len(report.scenarios) > 1 else ""
    falls = plain(harm_words(experiment.total, experiment))
    return Content.assemble(
        (plain(name + scenario.question), "bold"),
        "\n",
        (plain(scenario.decision), style),
        f" Chance that completion falls: {falls}.",
    )


def doubts(scenario: ScenarioReport) -> str:
    """Return what the interval holds and what stands beside it."""
    experiment = scenario.experiment
    told = layers(experiment.total.uplifts["completion_rate"]).strip()
    return plain(" ".join(filter(None, (told, models_left_out(experiment)))))


def ranking(report: Report) -> TextTable:
    """Return all scenarios side by side, the best first."""
    by_name = {each.name: each.experiment for each in report.scenarios}
    n_draws = report.lead.experiment.n_draws
    return TextTable(
        heads=("scenario", "completion", "uplift", "95 % interval", "falls", "is best"),
        rows=tuple(
            (
                each.name,
                shown(by_name[each.name].total.arms["treatment"]["completion_rate"], "percent"),
                shown(each.uplift, "points"),
                _interval(by_name[each.name].total.uplifts["completion_rate"].total),
                plain(harm_words(by_name[each.name].total, by_name[each.name])),
                plain(chance(each.best, n_draws)),
            )
            for each in report.ranking
        ),
        spare=(1,),
    )


def _interval(ends: tuple[float, float]) -> str:
    return " to ".join(shown(end, "points") for end in ends)


def side_by_side(report: Report) -> Intervals:
    """Return the uplift of completion of every scenario, the best first."""
    by_name = {each.name: each.experiment for each in report.scenarios}
    rows = []
    for each in report.ranking:
        low, high = by_name[each.name].total.uplifts["completion_rate"].total
        style = "$success" if low > 0 else "$error" if high < 0 else "$warning"
        rows.append(IntervalRow(label=each.name, value=each.uplift, low=low, high=high, style=style))
    return Intervals(rows=tuple(rows), kind="points", title="Uplift of completion")


def beats(report: Report) -> TextTable:
    """Return the chance that the scenario of a row completes more than that of a column."""
    names = [each.name for each in report.ranking]
    n_draws = report.lead.experiment.n_draws
    return TextTable(
        heads=("completes more than", *(str(place) for place in range(1, len(names) + 1)), "control"),
        rows=tuple(
            (
                f"{place} {each.name}",
                *(
                    "" if other == each.name else plain(chance(each.beats[other], n_draws))
                    for other in (*names, "control")
                ),
            )
            for place, each in enumerate(report.ranking, start=1)
        ),
    )


def run_uplifts(results: Sequence[RunResult], report: Report) -> Intervals:
    """Return the uplift of completion that each finished run found, numbered as in the table beneath."""
    rows = []
    for place, each in enumerate(results, start=1):
        low, high = each.interval
        compares = each.compares_with(report.log.fingerprint, report.unit)
        style = "$success" if low > 0 else "$error" if high < 0 else "$warning"
        rows.append(
            IntervalRow(
                label=f"{place} {each.scenario}",
                value=each.uplift,
                low=low,
                high=high,
                note="" if compares else "other data",
                style=style if compares else "$text-muted",
            )
        )
    return Intervals(rows=tuple(rows), kind="points", title="Uplift of completion in finished runs")


def run_table(results: Sequence[RunResult], now: datetime) -> TextTable:
    """Return what the finished runs found, the newest first: with how many users, and how long ago."""
    return TextTable(
        heads=("", "scenario", "uplift", "95 % interval", "per arm", "age", "began (UTC)"),
        rows=tuple(
            (
                str(place),
                each.scenario,
                shown(each.uplift, "points"),
                _interval(each.interval),
                shown(each.n_personas, "count"),
                age((now - each.ended).total_seconds()),
                began(each.run),
            )
            for place, each in enumerate(results, start=1)
        ),
        left=2,
    )


def age(seconds: float) -> str:
    """Return how long ago something was, in the largest unit that fits.

    Examples
    --------
    >>> [age(each) for each in (3, 150, 7_300, 200_000)]
    ['now', '2 min', '2 h', '2 d']
    """
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "now"


def run_decisions(results: Sequence[RunResult], report: Report) -> str:
    """Return the decision of each finished run, and how many cannot be compared with the report in view."""
    if not results:
        return NO_RUNS
    others = sum(not each.compares_with(report.log.fingerprint, report.unit) for each in results)
    told = [f"{place}. {plain(each.decision)}" for place, each in enumerate(results, start=1)]
    if others:
        told.append(f"{others} of other data or unit than the report in view: not to be compared.")
    return "\n".join(told)


def real_test(scenario: ScenarioReport) -> str:
    """Return what a real test takes, and whom its users and weeks are without."""
    without = scenario.experiment.without
    who = (f"Users and weeks are {without}.",) if without else ()
    return bullets((*who, *scenario.plan.sentences()))


def bullets(sentences: tuple[str, ...]) -> str:
    """Return sentences as a list."""
    return "\n".join(f"- {plain(each)}" for each in sentences)


def outline(titles: tuple[str, ...]) -> str:
    """Return the titles of slides, numbered."""
    return "\n".join(f"{place:>3}  {plain(each)}" for place, each in enumerate(titles, start=1))


def files(listed: tuple[ExportedFile, ...]) -> TextTable:
    """Return the files that were exported, the newest first."""
    return TextTable(
        heads=("file", "size", "written (UTC)"),
        rows=tuple((each.path.name, _size(each.size), f"{each.written:%Y-%m-%d %H:%M}") for each in listed),
    )


def _size(n_bytes: int) -> str:
    for unit, name in _UNITS:
        if n_bytes >= unit:
            return f"{n_bytes / unit:,.1f} {name}"
    return f"{n_bytes} B"
