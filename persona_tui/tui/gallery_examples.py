"""The figures of the gallery, with the data of a study.

To add one, write a function from what was learned, and the cells there are, to the data of a figure and name
it in ``EXAMPLES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from persona_tui.tui.widgets.convergence import Convergence, ConvergenceChart, RunningArm
from persona_tui.tui.widgets.figure import Figure
from persona_tui.tui.widgets.flow_diagram import FlowDiagram
from persona_tui.tui.widgets.funnel_bars import ARM_STYLES, Funnel, FunnelArm, FunnelBars
from persona_tui.tui.widgets.heat_map import HeatMap
from persona_tui.tui.widgets.histogram import Counts, Histogram
from persona_tui.tui.widgets.interval_bars import IntervalBars, IntervalRow, Intervals
from persona_tui.tui.widgets.sparkline import Spark, Sparkline
from persona_tui.tui.widgets.text_table import Table
from persona_tui.tui.widgets.timeline import Timeline, Timelines
from persona_tui.tui.widgets.tornado import Swing, Swings, Tornado

if TYPE_CHECKING:
    from persona_tui.engine.progress import ProgressCallback
    from persona_tui.engine.simulation.comparison import Comparison
    from persona_tui.study.inspection import Inspection
    from persona_tui.study.options import Settings
    from persona_tui.study.personas import DescribedPersonas
    from persona_tui.study.study import StudyResult

_COMPLETION: Final = "completion_rate"
_BLOCKS: Final = 16
_BLOCK: Final = 1_000
_ARM: Final = 1_000
"""Users of an arm of whom the predicted funnel tells."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """What the figures are made from: a log, its personas, changes of its flow, and a running simulation."""

    inspection: Inspection
    personas: DescribedPersonas
    study: StudyResult
    running: Convergence


def learn(settings: Settings, on_progress: ProgressCallback | None = None) -> Findings:
    """Do the whole job of a study, exactly, and simulate its first scenario in blocks."""
    from persona_tui.engine.progress import ignore_progress  # noqa: PLC0415 - with the study
    from persona_tui.study.inspection import inspect_log  # noqa: PLC0415 - 0.4 s, loads polars
    from persona_tui.study.personas import describe_personas  # noqa: PLC0415 - 0.8 s, loads scipy
    from persona_tui.study.study import run_study  # noqa: PLC0415 - with it

    report = on_progress or ignore_progress
    personas = describe_personas(settings, on_progress=report)
    prepared = personas.prepared
    study = run_study(settings, prepared, solver="exact", on_progress=report)
    return Findings(
        inspection=inspect_log(settings, prepared.log),
        personas=personas,
        study=study,
        running=_running(personas, study),
    )


def _running(personas: DescribedPersonas, study: StudyResult) -> Convergence:
    """Return block after block of synthetic users, each simulated with a seed of its own."""
    from numpy.random import SeedSequence  # noqa: PLC0415 - 0.1 s

    from persona_tui.engine.simulation.experiments import run_ab_experiment  # noqa: PLC0415 - 0.4 s
    from persona_tui.engine.simulation.uncertainty import draw_flows  # noqa: PLC0415 - with it

    first, simulator = study.report.scenarios[0].experiment, personas.learned.simulator
    draws = draw_flows(simulator, 2, SeedSequence(0))  # intervals are not shown
    blocks = [
        run_ab_experiment(
            simulator, _BLOCK, first.modification, random_state=seed, solver="cohort", draws=draws
        ).total.simulated_arms
        for seed in range(_BLOCKS)
    ]
    n = tuple(_BLOCK * (block + 1) for block in range(_BLOCKS))
    arms = tuple(
        RunningArm.counted(
            name,
            tuple(accumulate(_BLOCK * each[name][_COMPLETION] for each in blocks)),
            n,
            exact=first.total.arms[name][_COMPLETION],
            style=style,
        )
        for name, style in zip(("control", "treatment"), ARM_STYLES, strict=True)
    )
    return Convergence(n=n, arms=arms)


def _over_time(found: Findings, _width: int) -> Counts:
    from persona_tui.tui.screens.data_facts import events_over_time  # noqa: PLC0415 - of a screen

    return replace(events_over_time(found.inspection), title="Events over time", height=6)


def _in_a_row(found: Findings, width: int) -> Counts:
    return replace(_over_time(found, width), title="Events", height=1)


def _spark(found: Findings, _width: int) -> Spark:
    return Spark(values=tuple(map(float, found.inspection.histogram.counts)), label="events per day")


def _observed(found: Findings, _width: int) -> Funnel:
    """Return the funnel as it was observed, with the intervals of its rates."""
    from persona_tui.engine.statistics import wilson_interval  # noqa: PLC0415 - 0.1 s, loads numpy

    steps, users = found.study.prepared.funnel, found.inspection.n_users
    arm = FunnelArm(
        reached=tuple(float(each.reached) for each in steps),
        total=users,
        intervals=tuple(wilson_interval(each.rate, users) for each in steps),
    )
    return Funnel(steps=tuple(each.step for each in steps), arms=(arm,), title="Funnel as observed")


def _predicted(found: Findings, _width: int) -> Funnel:
    from persona_tui.tui.screens.flow_page import funnel  # noqa: PLC0415 - of a screen

    scenario = found.study.report.scenarios[0]
    return funnel(scenario.experiment, scenario.funnel_arms, f"Funnel as predicted: {scenario.name}")


def _conversions(found: Findings, _width: int) -> Intervals:
    rows = (
        IntervalRow(
            label=each.name,
            value=each.conversion,
            low=each.conversion_interval[0],
            high=each.conversion_interval[1],
            n=each.users,
        )
        for each in found.personas.cards
    )
    return Intervals(rows=tuple(rows), title="Conversion by persona", n_title="users")


def _uplifts(found: Findings, _width: int) -> Intervals:
    """Return by how much completion rises, over all and for each persona."""
    lead = found.study.report.lead
    users = (found.inspection.n_users, *(each.users for each in found.personas.cards))
    every = zip((lead.experiment.total, *lead.experiment.personas), users, strict=True)
    rows = tuple(_uplift_row(one, n) for one, n in every)
    return Intervals(rows=rows, kind="points", title=f"Uplift of completion: {lead.name}", n_title="users")


def _segments(found: Findings, _width: int) -> Intervals:
    """Return by how much completion changes for users with each value of an attribute."""
    scenario = found.study.report.scenarios[0]
    rows = tuple(_uplift_row(one, None) for one in scenario.experiment.groups)
    title = f"Uplift by attribute: {scenario.name}"
    return Intervals(rows=rows, kind="points", title=title, mark="point")


def _uplift_row(one: Comparison, n: int | None) -> IntervalRow:
    uplift = one.uplifts[_COMPLETION]
    low, high = uplift.total
    style = "$success" if low > 0 else "$error" if high < 0 else ARM_STYLES[1]
    return IntervalRow(label=one.name, value=uplift.value, low=low, high=high, n=n, style=style)


def _traits(found: Findings, _width: int) -> Intervals | None:
    from persona_tui.tui.screens import personas_page  # noqa: PLC0415 - 0.2 s, loads numpy

    traits = personas_page.traits(found.personas.profiles[0])
    return replace(traits, title=f"Traits: {found.personas.cards[0].name}") if traits else None


def _lifts(found: Findings, _width: int) -> Intervals:
    """Return how much commoner values of attributes are in the first persona."""
    profile = found.personas.profiles[0]
    rows = (
        IntervalRow(
            label=f"{each.attribute}={each.value}",
            value=each.lift,
            low=each.interval[0],
            high=each.interval[1],
            n=round(each.n_users),
        )
        for each in profile.attributes.lifts
    )
    title = f"Attributes: {profile.card.name}"
    return Intervals(rows=tuple(rows), kind="lift", title=title, n_title="users", mark="point")


def _flow(found: Findings, width: int) -> Any:  # noqa: ANN401 - the data of a figure
    from persona_tui.tui.screens import personas_page  # noqa: PLC0415 - 0.2 s, loads numpy

    return personas_page.flow(found.personas, 0, width)


def _moves(found: Findings, _width: int) -> Any:  # noqa: ANN401 - the data of a figure
    from persona_tui.tui.screens import personas_page  # noqa: PLC0415 - 0.2 s, loads numpy

    return personas_page.moves(found.personas, 0)


def _signature(found: Findings, _width: int) -> Any:  # noqa: ANN401 - the data of a figure
    from persona_tui.tui.screens import personas_page  # noqa: PLC0415 - 0.2 s, loads numpy

    return personas_page.signature(found.personas.profiles[0])


def _users(found: Findings, _width: int) -> Timelines:
    from persona_tui.tui.screens import personas_page  # noqa: PLC0415 - 0.2 s, loads numpy

    return personas_page.timelines(found.personas, found.personas.profiles[0])


def _drivers(found: Findings, _width: int) -> Swings:
    """Return what moves the uplift of the scenario that most can move."""
    scenario = max(found.study.report.scenarios, key=lambda each: len(each.insights.drivers.drivers))
    told = scenario.insights.drivers
    swings = (
        Swing(label=each.name, ends=each.values, results=each.uplifts, is_assumed=each.assumed)
        for each in told.drivers
    )
    return Swings(base=told.uplift, swings=tuple(swings), title=f"What moves the uplift: {scenario.name}")


Maker = Callable[[Findings, int], Any]
EXAMPLES: Final[Mapping[str, tuple[type[Figure[Any]], Maker]]] = {
    "Histogram": (Histogram, _over_time),
    "Histogram on one line": (Histogram, _in_a_row),
    "Sparkline": (Sparkline, _spark),
    "Funnel": (FunnelBars, _observed),
    "Funnel of two arms": (FunnelBars, _predicted),
    "Interval bars": (IntervalBars, _conversions),
    "Interval bars of uplifts": (IntervalBars, _uplifts),
    "Intervals as points": (IntervalBars, _segments),
    "Interval bars of effects": (IntervalBars, _traits),
    "Lifts on an axis of ratios": (IntervalBars, _lifts),
    "Flow diagram": (FlowDiagram, _flow),
    "Heat map": (HeatMap, _moves),
    "Tornado": (Tornado, _drivers),
    "Convergence chart": (ConvergenceChart, lambda found, _width: found.running),
    "Timelines of users": (Timeline, _users),
    "Table": (Table, _signature),
}
