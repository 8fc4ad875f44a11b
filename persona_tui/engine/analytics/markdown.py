"""A report as Markdown: the sentences and numbers of every other face, in tables that any viewer draws."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from persona_tui.engine.analytics.cards import name_in_table
from persona_tui.engine.analytics.numbers import (
    chance,
    count,
    interval_text,
    percent,
    percent_interval,
    points,
    points_number,
    signed,
)
from persona_tui.engine.analytics.reporting import Report, ScenarioReport
from persona_tui.engine.analytics.scenario_phrases import harm_words, layers, metric_cells, shown_metrics
from persona_tui.engine.analytics.wording import UNIT_WORDS, duration, models_left_out
from persona_tui.engine.files import write_text
from persona_tui.engine.text import printable

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~&$])")
"""Characters that Markdown, or HTML in it, may act on."""
_ROWS: Final = 8
_ARMS: Final = ("control", "treatment")


def write_markdown(report: Report, path: Path) -> Path:
    """Write a report as Markdown; the file appears whole or not at all.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    write_text(path, to_markdown(report))
    return path


def to_markdown(report: Report) -> str:
    """Return a report as Markdown; text from the data is shown literally.

    Parameters
    ----------
    report : Report
    """
    lead = report.lead
    parts = [
        f"# {escaped(report.title)}",
        f"**{escaped(lead.decision)}**",
        _log(report),
        "## Personas",
        _personas(report),
    ]
    if len(report.scenarios) > 1:
        parts += ["## Scenarios, the best first", _ranking(report)]
    for scenario in report.scenarios:
        parts += _scenario(report, scenario)
    parts += ["## What the numbers rest on", _bullets(report.assumptions)]
    parts += ["## To make the same numbers again", _recipe(report)]
    return "\n\n".join(filter(None, parts)) + "\n"


def escaped(text: str) -> str:
    r"""Return a text that Markdown shows as it is, on one line.

    Examples
    --------
    >>> print(escaped("a|b *c* <script>"))
    a\|b \*c\* \<script\>
    """
    return _SPECIAL.sub(r"\\\1", " ".join(printable(text).split()))


def _log(report: Report) -> str:
    log, without = report.log, report.lead.experiment.without
    left_out = escaped(f" Predictions are {without}.") if without else ""
    return (
        f"{count(log.users)} users, {count(log.sessions)} sessions, {count(log.events)} events, "
        f"{log.first:%Y-%m-%d} to {log.last:%Y-%m-%d} (UTC). "
        f"Rates are shares of {UNIT_WORDS[report.unit]}; intervals are 95 %.{left_out}"
    )


def _personas(report: Report) -> str:
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


def _ranking(report: Report) -> str:
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


def _scenario(report: Report, scenario: ScenarioReport) -> list[str]:
    experiment = scenario.experiment
    estimate = experiment.total.uplifts["completion_rate"]
    falls = f"Chance that completion falls: {harm_words(experiment.total, experiment)}."
    name = f"{scenario.name}: " if len(report.scenarios) > 1 else ""
    return [
        f"## {escaped(name + scenario.question)}",
        escaped(scenario.decision) if len(report.scenarios) > 1 else "",
        _table(
            ("", "control", "treatment", "uplift", "95 % interval"),
            (metric_cells(experiment.total, metric) for metric in shown_metrics(experiment)),
        ),
        _simulated(report, scenario),
        escaped(f"{falls}{layers(estimate)} {models_left_out(experiment)}".strip()),
        "### For whom",
        _for_whom(scenario),
        "### Funnel",
        _funnel(scenario),
        "### Why",
        _why(scenario),
        "### The real test",
        _bullets(scenario.plan.sentences()),
        *(["### Mind", _bullets(experiment.caveats)] if experiment.caveats else []),
    ]


def _simulated(report: Report, scenario: ScenarioReport) -> str:
    """Return what a simulation gave beside the exact values, empty where nobody was simulated."""
    experiment = scenario.experiment
    error = experiment.total.uplifts["completion_rate"].simulation_error
    found = experiment.total.simulated_uplifts.get("completion_rate")
    if error is None or found is None:
        return ""
    return escaped(
        f"{count(experiment.n_personas)} synthetic {UNIT_WORDS[report.unit]} per arm give "
        f"{points(found)}, standard error {points(error).lstrip('+')}; the values above are exact."
    )


def _for_whom(scenario: ScenarioReport) -> str:
    experiment = scenario.experiment
    return _table(
        ("completion of", "share", "control", "treatment", "uplift", "95 % interval", "falls"),
        (
            (
                part.name,
                percent(part.share),
                *(percent(part.arms[arm]["completion_rate"]) for arm in _ARMS),
                points_number(part.uplifts["completion_rate"].value),
                interval_text(*part.uplifts["completion_rate"].total),
                harm_words(part, experiment),
            )
            for part in (*experiment.personas, *experiment.groups)
        ),
    )


def _funnel(scenario: ScenarioReport) -> str:
    return _table(
        ("reached by", "control", "treatment", "uplift"),
        (
            (
                each.step,
                percent(each.control),
                percent(each.treatment),
                points_number(each.treatment - each.control),
            )
            for each in scenario.funnel_arms
        ),
    )


def _why(scenario: ScenarioReport) -> str:
    insights, times = scenario.insights, scenario.conversion_times
    drivers = _table(
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
    turns = _bullets(f"{each.name}: {each.found.describe()}" for each in insights.break_even)
    leaving = sorted(insights.drop_off, key=lambda each: (-round(abs(each.uplift), 9), -max(each.leaving)))
    left = _table(
        ("leavings a journey at", "control", "treatment", "change"),
        (
            (each.state, *(f"{rate:.2f}" for rate in each.leaving), signed(each.uplift))
            for each in leaving[:_ROWS]
        ),
    )
    taken = _table(
        ("of those who convert, have within", *_ARMS),
        (
            (f"{share.removeprefix('p')} %", *(duration(times[arm][share]) for arm in _ARMS))
            for share in times.get("control", {})
        ),
    )
    return "\n\n".join(filter(None, (drivers, turns, left, taken)))


def _recipe(report: Report) -> str:
    return _table(("setting", "value"), report.recipe.items(), texts=(0, 1))


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(each)}" for each in sentences)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, texts: Sequence[int] = (0,)) -> str:
    """Return a table, empty where it has no rows; columns that hold no texts stand to the right."""
    lines = [[escaped(cell) for cell in row] for row in rows]
    if not lines:
        return ""
    rule = ["---" if place in texts else "---:" for place in range(len(heads))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (map(escaped, heads), rule, *lines))
