"""What is learned from a log once, and read by every scenario, preview and run."""

from __future__ import annotations

from dataclasses import dataclass

from persona_tui.engine.data.attributes import attributes_of
from persona_tui.engine.data.schema import FRICTION_DROP
from persona_tui.engine.modeling.segmentation import SegmentationResult, find_personas
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.alternatives import Alternatives, fit_alternatives
from persona_tui.engine.simulation.arrivals import Arrivals, fit_arrivals
from persona_tui.engine.simulation.baseline import Baseline
from persona_tui.engine.simulation.blocks import BlockStore
from persona_tui.engine.simulation.dwell import DwellTimes, fit_dwell
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.event_values import value_of
from persona_tui.engine.simulation.executors import AutoExecutor
from persona_tui.engine.simulation.experiments import Experiment, compare_arms
from persona_tui.engine.simulation.measures import Measures
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.segments import split_by_segments
from persona_tui.engine.simulation.simulated import Solver
from persona_tui.engine.simulation.uncertainty import DEFAULT_N_DRAWS, FlowDraws, draw_flows
from persona_tui.study.cache import FitCache, cache_folder
from persona_tui.study.log import PreparedLog
from persona_tui.study.options import Settings
from persona_tui.study.resources import available_workers
from persona_tui.study.scenarios import ScenarioSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """The personas of a log, its flow, and all that is the same for every change.

    Parameters
    ----------
    segmentation : SegmentationResult
    baseline : Baseline
        The control as fitted and in every draw.
    alternatives : Alternatives
        Other models of the same log.
    arrivals : Arrivals
        Of the unit.
    dwell : DwellTimes
        How long moves take.
    """

    segmentation: SegmentationResult
    baseline: Baseline
    alternatives: Alternatives
    arrivals: Arrivals
    dwell: DwellTimes

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return the attributes by whose values users are reported."""
        known = self.simulator.attributes
        return () if known is None else known.names

    @property
    def simulator(self) -> ProductFlowSimulator:
        """Return the flow of every persona."""
        return self.baseline.simulator


def build_simulator(prepared: PreparedLog, segmentation: SegmentationResult) -> ProductFlowSimulator:
    """Return the flow of every persona of a log that is counted already."""
    return ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(prepared.sequences, segmentation),
        prepared.counts,
        friction_is_drop=FRICTION_DROP in prepared.drop,
        attributes=attributes_of(prepared.log.events, prepared.sequences, completion=prepared.completion),
    )


def fit_flow(
    settings: Settings, prepared: PreparedLog, *, on_progress: ProgressCallback = ignore_progress
) -> tuple[SegmentationResult, ProductFlowSimulator]:
    """Find the personas of a log and the flow that each of them walks; a kept fit is taken.

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
    kept = _cache_of(settings, prepared).load()
    segmentation = kept[0] if kept else _find_personas(settings, prepared, on_progress)
    return segmentation, build_simulator(prepared, segmentation)


def _cache_of(settings: Settings, prepared: PreparedLog) -> FitCache:
    return FitCache(cache_folder(settings), settings, prepared, DEFAULT_N_DRAWS)


def _find_personas(
    settings: Settings, prepared: PreparedLog, on_progress: ProgressCallback
) -> SegmentationResult:
    return find_personas(
        prepared.counts,
        settings.n_clusters(),
        random_state=normalise_seed(settings.seed),
        workers=settings.workers or available_workers(),
        on_progress=on_progress,
    )


def fit_personas(
    settings: Settings,
    prepared: PreparedLog,
    *,
    store: BlockStore | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Fit:
    """Find the personas of a log and draw how well it pins their flow.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        Of the same settings.
    store : BlockStore, optional
        Where finished blocks are kept, and taken from.
    on_progress : callable

    Raises
    ------
    ModelingError, SimulationError
        If the settings do not fit the log.
    """
    seed = normalise_seed(settings.seed)
    workers = settings.workers or available_workers()
    cache = _cache_of(settings, prepared)
    kept = cache.load()
    segmentation = kept[0] if kept else _find_personas(settings, prepared, on_progress)
    simulator = build_simulator(prepared, segmentation)
    check_scenarios(settings, simulator)  # before the long work
    if kept:
        draws = FlowDraws(simulator=simulator, seed=seed, **kept[1])
    else:
        draws = draw_flows(
            simulator, DEFAULT_N_DRAWS, seed, workers=workers, store=store, on_progress=on_progress
        )
        cache.save(segmentation, draws)
    dwell = fit_dwell(prepared.sequences, prepared.counts.journeys)
    return Fit(
        segmentation=segmentation,
        baseline=Baseline(
            simulator=simulator,
            draws=draws,
            max_length=settings.max_length,
            workers=workers,
            measures=Measures(
                unit=settings.unit,
                dwell=dwell,
                values=value_of(
                    settings.value,
                    prepared.log.events,
                    simulator,
                    n_draws=draws.n_draws,
                    random_state=seed,
                )
                if settings.value
                else None,
            ),
        ),
        alternatives=fit_alternatives(simulator, random_state=seed, workers=workers, on_progress=on_progress),
        arrivals=fit_arrivals(prepared.sequences, unit=settings.unit),
        dwell=dwell,
    )


def check_scenarios(settings: Settings, simulator: ProductFlowSimulator) -> None:
    """Refuse scenarios that do not fit the flow.

    Raises
    ------
    SimulationError, UnknownNameError
        If one does not; the message names the scenario where there are several.
    """
    for scenario in settings.effective_scenarios():
        modification = scenario.read_modification()
        modification.apply(split_by_segments(simulator, modification.segments()).flow)


def run_scenario(
    settings: Settings,
    fit: Fit,
    scenario: ScenarioSettings,
    *,
    solver: Solver | None = None,
    store: BlockStore | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Experiment:
    """Predict what one scenario does.

    Parameters
    ----------
    settings : Settings
    fit : Fit
    scenario : ScenarioSettings
    solver : {"auto", "paths", "cohort", "exact"}, optional
        Another one than the settings say; ``exact`` simulates nobody.
    store : BlockStore, optional
        Where finished blocks are kept, and taken from.
    on_progress : callable
    """
    return compare_arms(
        fit.baseline,
        scenario.read_modification(),
        settings.n_personas,
        seed=normalise_seed(settings.seed),
        solver=solver or settings.solver,
        by=fit.attributes,
        alternatives=fit.alternatives,
        executor=AutoExecutor(workers=settings.workers or available_workers()),
        store=store,
        on_progress=on_progress,
    )
