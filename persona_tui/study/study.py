"""The whole job on one log: load, find personas, simulate, report. Every face calls these functions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persona_tui import __version__
from persona_tui.engine.analytics.reporting import Report, build_persona_cards, build_report
from persona_tui.engine.data.etl import EventLog, load_event_log
from persona_tui.engine.data.funnel import FunnelStep, count_funnel, detect_drop_events, detect_funnel
from persona_tui.engine.data.quality import LogFacts
from persona_tui.engine.data.schema import FRICTION_DROP
from persona_tui.engine.data.sequences import Sequences, encode_sequences
from persona_tui.engine.errors import DataError
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.mixture import check_n_clusters
from persona_tui.engine.modeling.segmentation import SegmentationResult, find_personas
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.effects import parse_effect
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import Experiment, run_ab_experiment
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import DEFAULT_N_DRAWS, draw_flows
from persona_tui.study.options import Settings
from persona_tui.study.resources import available_workers
from persona_tui.study.results import result_document

MAX_EVENT_TYPES = 500
"""Chains are dense tables of this many rows and columns."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedLog:
    """A log with its funnel and outcomes, cut into journeys and counted.

    Parameters
    ----------
    log : EventLog
    sequences : Sequences
    funnel : tuple of FunnelStep
        As observed on the whole log.
    completion, drop : frozenset of str
    counts : TransitionCounts
    facts : LogFacts
    """

    log: EventLog
    sequences: Sequences
    funnel: tuple[FunnelStep, ...]
    completion: frozenset[str]
    drop: frozenset[str]
    counts: TransitionCounts
    facts: LogFacts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyResult:
    """All that one run of the whole job found.

    Parameters
    ----------
    prepared : PreparedLog
    segmentation : SegmentationResult
    experiment : Experiment
    report : Report
    document : dict
        The content of ``result.json``.
    """

    prepared: PreparedLog
    segmentation: SegmentationResult
    experiment: Experiment
    report: Report
    document: dict[str, Any]


def prepare_log(settings: Settings, *, on_progress: ProgressCallback = ignore_progress) -> PreparedLog:
    """Load the log that settings name, and work out what they leave open.

    Raises
    ------
    DataError
        If the log cannot be used.
    UnknownNameError
        If an option names an event or a column that is not there.
    """
    on_progress(Progress(stage="load", done=0, total=1))
    log = load_event_log(settings.events, columns=settings.columns())
    sequences = encode_sequences(log.events)
    n_types = len(sequences.vocabulary)
    if n_types > MAX_EVENT_TYPES:
        raise DataError(
            f"{n_types:,} event types are more than the {MAX_EVENT_TYPES} that can be modelled.",
            hint="Check which column is the event (--column event_type=NAME), or merge rare events.",
        )
    steps = settings.funnel_steps() or detect_funnel(sequences, next(iter(settings.completion), None))
    funnel = count_funnel(sequences, steps, settings.unit)
    completion, drop = _outcomes(settings, sequences, steps)
    journeys = cut_journeys(sequences, unit=settings.unit, completion=completion, drop=drop - {FRICTION_DROP})
    counts = count_transitions(journeys)
    _check_outcomes(counts)
    on_progress(Progress(stage="load", done=1, total=1))
    return PreparedLog(
        log=log,
        sequences=sequences,
        funnel=funnel,
        completion=completion,
        drop=drop,
        counts=counts,
        facts=_facts(log, sequences, counts),
    )


def _outcomes(
    settings: Settings, sequences: Sequences, steps: tuple[str, ...]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the completion and the drop events: those given, else the last step and those named so."""
    completion = frozenset(settings.completion or steps[-1:])
    if settings.drop:
        return completion, frozenset(settings.drop)
    return completion, frozenset((*detect_drop_events(sequences.vocabulary), FRICTION_DROP)) - completion


def _check_outcomes(counts: TransitionCounts) -> None:
    if counts.n_converted.sum() == 0:
        names = [
            n
            for n, is_one in zip(counts.journeys.vocabulary, counts.journeys.completion, strict=True)
            if is_one
        ]
        raise DataError(
            f"No journey reaches {' or '.join(names)}, so there is no conversion to predict.",
            hint="Name another completion: --completion EVENT",
        )


def _facts(log: EventLog, sequences: Sequences, counts: TransitionCounts) -> LogFacts:
    times = log.events["timestamp"]
    return LogFacts(
        events=log.events.height,
        users=sequences.n_users,
        sessions=sequences.n_sessions,
        event_types=len(sequences.vocabulary),
        first=times.min(),  # type: ignore[arg-type]  # a column of datetimes
        last=times.max(),  # type: ignore[arg-type]
        rejected=log.quality.n_rejected,
        duplicates=log.quality.n_duplicates,
        censored_users=counts.journeys.n_censored_users,
        fingerprint=log.fingerprint,
    )


def read_modification(settings: Settings) -> FlowModification:
    """Return the modification that settings describe.

    Raises
    ------
    SimulationError, UnknownNameError
        If it is malformed; every fault is named.
    """
    effects = tuple(parse_effect(text) for text in settings.modification)
    return FlowModification(description=settings.description, effects=effects)


def check_settings(settings: Settings, prepared: PreparedLog) -> None:
    """Refuse settings that do not fit the log before any long work begins.

    Raises
    ------
    ModelingError
        If there are fewer users than personas.
    SimulationError, UnknownNameError
        If the modification does not fit the flow.
    """
    n_clusters = settings.n_clusters()
    if n_clusters != "auto":
        check_n_clusters(n_clusters, prepared.sequences.n_users)
    pooled = ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.pooled(prepared.sequences), prepared.counts
    )
    read_modification(settings).for_everyone().apply(pooled.flow)


def fit_flow(
    settings: Settings, prepared: PreparedLog, *, on_progress: ProgressCallback = ignore_progress
) -> tuple[SegmentationResult, ProductFlowSimulator]:
    """Find the personas of a log and the flow that each of them walks.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        Of the same settings.
    on_progress : callable

    Raises
    ------
    ModelingError
        If there are fewer users than personas.
    """
    segmentation = find_personas(
        prepared.counts,
        settings.n_clusters(),
        random_state=normalise_seed(settings.seed),
        workers=settings.workers or available_workers(),
        on_progress=on_progress,
    )
    generator = MarkovPersonaGenerator.from_sequences(prepared.sequences, segmentation)
    friction_is_drop = FRICTION_DROP in prepared.drop
    return segmentation, ProductFlowSimulator.from_counts(
        generator, prepared.counts, friction_is_drop=friction_is_drop
    )


def run_study(
    settings: Settings, prepared: PreparedLog, *, on_progress: ProgressCallback = ignore_progress
) -> StudyResult:
    """Find personas, simulate the modification and build the report.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        Of the same settings.
    on_progress : callable

    Raises
    ------
    ModelingError, SimulationError, UnknownNameError
        If the settings do not fit the log.
    """
    modification = read_modification(settings)
    seed = normalise_seed(settings.seed)
    workers = settings.workers or available_workers()
    segmentation, simulator = fit_flow(settings, prepared, on_progress=on_progress)
    modification.shift(simulator.shares, modification.apply(simulator.flow))  # refused before the long work
    draws = draw_flows(simulator, DEFAULT_N_DRAWS, seed, workers=workers, on_progress=on_progress)
    experiment = run_ab_experiment(
        simulator,
        n_personas=settings.n_personas,
        modification=modification,
        max_length=settings.max_length,
        solver=settings.solver,
        random_state=seed,
        draws=draws,
        on_progress=on_progress,
    )
    resolved = _resolved(settings, prepared, segmentation, experiment)
    report = build_report(
        log=prepared.facts,
        funnel=prepared.funnel,
        personas=build_persona_cards(simulator, segmentation, draws),
        simulator=simulator,
        experiment=experiment,
        recipe=_recipe(settings, prepared, resolved),
    )
    return StudyResult(
        prepared=prepared,
        segmentation=segmentation,
        experiment=experiment,
        report=report,
        document=result_document(report, seed=settings.seed, settings=resolved),
    )


def _resolved(
    settings: Settings, prepared: PreparedLog, segmentation: SegmentationResult, experiment: Experiment
) -> dict[str, Any]:
    return {
        "columns": prepared.log.columns,
        "funnel": [step.step for step in prepared.funnel],
        "completion": sorted(prepared.completion),
        "drop": sorted(prepared.drop),
        "unit": settings.unit,
        "clusters": segmentation.n_clusters,
        "modification": [str(effect) for effect in experiment.modification.compile()],
        "description": experiment.modification.description,
        "solver": experiment.solver,
        "n_personas": settings.n_personas,
        "max_length": experiment.max_length,
        "n_draws": experiment.n_draws,
    }


def _recipe(settings: Settings, prepared: PreparedLog, resolved: dict[str, Any]) -> dict[str, str]:
    shown = {key: value for key, value in resolved.items() if key not in {"columns", "description"}}
    return {
        "source": Path(settings.events).name,
        "fingerprint": prepared.facts.fingerprint[:16],
        "seed": str(settings.seed),
        "version": __version__,
        **{key: ", ".join(value) if isinstance(value, list) else str(value) for key, value in shown.items()},
    }
