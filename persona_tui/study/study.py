"""The whole job on one log: load, find personas, simulate, report. Every face calls these functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from persona_tui import __version__
from persona_tui.engine.analytics.profiles import describe_personas
from persona_tui.engine.analytics.reporting import (
    DosePoint,
    Report,
    ScenarioReport,
    build_report,
    report_scenario,
)
from persona_tui.engine.data.funnel import FunnelStep, count_funnel
from persona_tui.engine.modeling.mixture import check_n_clusters
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.allocation import Allocation, allocate
from persona_tui.engine.simulation.blocks import BlockStore
from persona_tui.engine.simulation.comparison import reach_intervals
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.insights import plan_real_test
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.population import population_counts, population_weights
from persona_tui.engine.simulation.simulated import Solver
from persona_tui.study.fit import Fit, fit_personas, run_scenario
from persona_tui.study.kept_backtest import kept_backtest
from persona_tui.study.kept_sections import kept_sections
from persona_tui.study.log import PreparedLog, prepare_log
from persona_tui.study.options import Settings
from persona_tui.study.results import result_document
from persona_tui.study.scenarios import ScenarioSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyResult:
    """All that one run of the whole job found.

    Parameters
    ----------
    prepared : PreparedLog
    fit : Fit
    report : Report
    document : dict
        The content of ``result.json``.
    """

    prepared: PreparedLog
    fit: Fit
    report: Report
    document: dict[str, Any]


def check_settings(settings: Settings, prepared: PreparedLog) -> None:
    """Refuse settings that do not fit the log before any long work begins.

    Raises
    ------
    ModelingError
        If there are fewer users than personas.
    SimulationError, UnknownNameError
        If a scenario does not fit the flow.
    """
    n_clusters = settings.n_clusters()
    if n_clusters != "auto":
        check_n_clusters(n_clusters, prepared.sequences.n_users)
    pooled = ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.pooled(prepared.sequences), prepared.counts
    )
    for scenario in settings.effective_scenarios():
        scenario.read_modification().check_before_personas(pooled.flow)


def forecast(settings: Settings, *, on_progress: ProgressCallback = ignore_progress) -> StudyResult:
    """Do the whole job exactly: simulate nobody, write nothing but what was learned from the log.

    Parameters
    ----------
    settings : Settings
    on_progress : callable

    Raises
    ------
    DataError, ModelingError, SimulationError, UnknownNameError
        If the source or the settings are wrong.
    """
    settings.effective_scenarios()
    prepared = prepare_log(settings, on_progress=on_progress)
    check_settings(settings, prepared)
    return run_study(settings, prepared, solver="exact", on_progress=on_progress)


def run_study(
    settings: Settings,
    prepared: PreparedLog,
    *,
    solver: Solver | None = None,
    store: BlockStore | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> StudyResult:
    """Find personas, simulate every scenario and build the report.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        Of the same settings.
    solver : {"auto", "paths", "cohort", "exact"}, optional
        Another one than the settings say; ``exact`` simulates nobody.
    store : BlockStore, optional
        Where finished blocks are kept, and taken from.
    on_progress : callable

    Raises
    ------
    ModelingError, SimulationError, UnknownNameError
        If the settings do not fit the log.
    """
    fit = fit_personas(settings, prepared, store=store, on_progress=on_progress)
    return report_fit(settings, prepared, fit, solver=solver, store=store, on_progress=on_progress)


def report_fit(
    settings: Settings,
    prepared: PreparedLog,
    fit: Fit,
    *,
    solver: Solver | None = None,
    store: BlockStore | None = None,
    recall: Callable[[str, Experiment], Experiment] = lambda _scenario, found: found,
    on_progress: ProgressCallback = ignore_progress,
) -> StudyResult:
    """Simulate every scenario on personas that are known, and build the report; see ``run_study``.

    Parameters
    ----------
    settings, prepared, fit, solver, store, on_progress
        As of ``run_study``.
    recall : callable
        Gets the name of a scenario and what was found, and returns it with what is known of it besides.
    """
    asked = settings.effective_scenarios()
    scenarios: list[ScenarioReport] = []
    for number, scenario in enumerate(asked):
        on_progress(Progress(stage="scenarios", done=number, total=len(asked)))
        experiment = run_scenario(
            settings, fit, scenario, solver=solver, store=store, on_progress=on_progress
        )
        scenarios.append(_report(settings, prepared, fit, scenario, recall(scenario.name, experiment)))
    return _result(settings, prepared, fit, tuple(scenarios))


def _result(
    settings: Settings, prepared: PreparedLog, fit: Fit, scenarios: tuple[ScenarioReport, ...]
) -> StudyResult:
    resolved = _resolved(settings, prepared, fit, scenarios)
    report = build_report(
        log=prepared.facts,
        funnel=_observed_funnel(settings, prepared, fit),
        profiles=describe_personas(
            fit.learned.simulator, fit.segmentation, fit.learned.draws, fit.learned.placed.excluded
        ),
        simulator=fit.simulator,
        scenarios=scenarios,
        recipe=_recipe(settings, prepared, resolved),
        quality=tuple(prepared.log.quality.table()),
        backtest=kept_backtest(settings, prepared),
        sections=kept_sections(settings, prepared),
        allocation=_allocation(settings, fit),
        title=settings.report_title,
        lead=settings.lead,
    )
    return StudyResult(
        prepared=prepared,
        fit=fit,
        report=report,
        document=result_document(report, seed=settings.seed, settings=resolved),
    )


def _report(
    settings: Settings,
    prepared: PreparedLog,
    fit: Fit,
    scenario: ScenarioSettings,
    experiment: Experiment,
) -> ScenarioReport:
    steps = [step.step for step in prepared.funnel]
    return report_scenario(
        scenario.name,
        experiment,
        steps=steps,
        dwell=fit.dwell,
        plan=plan_real_test(
            experiment,
            fit.arrivals,
            population_counts(fit.simulator),
            weeks=settings.weeks,
            power=settings.power,
            level=settings.level,
            exposed=settings.exposed,
        ),
        reach_uplifts=reach_intervals(
            fit.baseline, experiment.modification, steps, normalise_seed(settings.seed)
        ),
        dose=_dose_point(scenario),
    )


def _observed_funnel(settings: Settings, prepared: PreparedLog, fit: Fit) -> tuple[FunnelStep, ...]:
    """Return the funnel of those that predictions speak of, as observed."""
    weights = population_weights(fit.simulator)
    if weights is None:
        return prepared.funnel
    steps = [step.step for step in prepared.funnel]
    return count_funnel(prepared.sequences, steps, settings.unit, weights[prepared.counts.row_of_user])


def _allocation(settings: Settings, fit: Fit) -> Allocation | None:
    if settings.budget is None:
        return None
    simulator = fit.simulator
    return allocate(simulator.flow, simulator.shares, settings.budget, max_length=settings.max_length)


def _dose_point(scenario: ScenarioSettings) -> DosePoint | None:
    dose = scenario.dose
    return None if dose is None else DosePoint(group=dose.group, parameter=dose.parameter, value=dose.value)


def _resolved(
    settings: Settings, prepared: PreparedLog, fit: Fit, scenarios: tuple[ScenarioReport, ...]
) -> dict[str, Any]:
    """Return what the numbers depend on, worked out; the modification is that of the leading scenario."""
    lead = settings.lead_scenario().name
    experiments = {each.name: each.experiment for each in scenarios}
    effects = {
        name: [str(effect) for effect in each.modification.compile()] for name, each in experiments.items()
    }
    return {
        "columns": prepared.log.columns,
        "timezone": settings.timezone,
        "dates": settings.dates,
        **_prepared(settings, prepared),
        "funnel": [step.step for step in prepared.funnel],
        "completion": sorted(prepared.completion),
        "drop": sorted(prepared.drop),
        "unit": settings.unit,
        "clusters": fit.segmentation.n_clusters,
        "scenarios": effects,
        "lead": lead,
        "modification": effects[lead],
        "description": experiments[lead].modification.description,
        "solver": experiments[lead].solver,
        "n_personas": experiments[lead].n_personas,
        "max_length": settings.max_length,
        "walk_length": max(each.walk_length or 0 for each in experiments.values()) or None,
        "value": settings.value or None,
        **{name: getattr(settings, name) for name in ("power", "level", "exposed", "weeks", "budget")},
        "n_draws": fit.baseline.draws.n_draws,
        **({"excluded": [name for _, name in excluded]} if (excluded := fit.simulator.excluded) else {}),
    }


def _prepared(settings: Settings, prepared: PreparedLog) -> dict[str, Any]:
    """Return the preparation, and what the tables held that it joined; nothing where there is none."""
    if not settings.prepare:
        return {}
    joined = prepared.log.recipe["joined"]
    return {"preparation": list(settings.prepare_shown()), **({"joined": joined} if joined else {})}


def _recipe(settings: Settings, prepared: PreparedLog, resolved: dict[str, Any]) -> dict[str, str]:
    """Return the recipe as a deck lists it: several scenarios have a line each."""
    changes = {"modification": "; ".join(resolved["modification"])}
    if len(resolved["scenarios"]) > 1:
        each = enumerate(resolved["scenarios"].items(), start=1)
        changes = {f"scenario {number}": f"{name} = {'; '.join(effects)}" for number, (name, effects) in each}
        changes["lead"] = resolved["lead"]
    hidden = {"columns", "description", "scenarios", "modification", "lead"}
    shown = {key: value for key, value in resolved.items() if key not in hidden and value is not None}
    return {
        "source": settings.source_name(),
        "fingerprint": prepared.facts.fingerprint[:16],
        "seed": str(settings.seed),
        "version": __version__,
        **changes,
        **{key: ", ".join(value) if isinstance(value, list) else str(value) for key, value in shown.items()},
    }
