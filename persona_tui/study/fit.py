"""What is learned from a log once, and read by every scenario, preview and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

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
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.event_values import EventValues, value_of
from persona_tui.engine.simulation.executors import AutoExecutor
from persona_tui.engine.simulation.experiments import Experiment, compare_arms
from persona_tui.engine.simulation.measures import Measures
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.population import (
    kept_positions,
    share_of_journeys,
    users_predicted,
    without_personas,
)
from persona_tui.engine.simulation.segments import split_by_segments
from persona_tui.engine.simulation.simulated import Solver
from persona_tui.engine.simulation.uncertainty import DEFAULT_N_DRAWS, FlowDraws, draw_flows
from persona_tui.engine.types import AnyArray
from persona_tui.study.cache import DRAWN, FitCache, cache_folder
from persona_tui.study.kept_personas import KeptPersona, KeptPersonas
from persona_tui.study.log import PreparedLog
from persona_tui.study.options import Settings
from persona_tui.study.placing import PlacedPersonas, call_anew, place_personas
from persona_tui.study.resources import available_workers
from persona_tui.study.scenarios import ScenarioSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """The personas of a log, its flow, and all that is the same for every change.

    Parameters
    ----------
    segmentation : SegmentationResult
        As the study shows it.
    found : SegmentationResult
        As fitted.
    baseline : Baseline
        The control as fitted and in every draw.
    alternatives : Alternatives
        Other models of the same log.
    arrivals : Arrivals
        Of the unit, of those that predictions speak of.
    dwell : DwellTimes
        How long moves take those that predictions speak of.
    lost : tuple of KeptPersona
        Personas that the study settled something about and that this fit does not have.
    learned : LearnedPersonas
        All of them, also those that are excluded and so no part of the baseline.
    """

    segmentation: SegmentationResult
    found: SegmentationResult
    baseline: Baseline
    alternatives: Alternatives
    arrivals: Arrivals
    dwell: DwellTimes
    lost: tuple[KeptPersona, ...]
    learned: LearnedPersonas

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return the attributes by whose values users are reported."""
        known = self.simulator.attributes
        return () if known is None else known.names

    @property
    def simulator(self) -> ProductFlowSimulator:
        """Return the flow of every persona that predictions speak of."""
        return self.baseline.simulator


def build_simulator(prepared: PreparedLog, segmentation: SegmentationResult) -> ProductFlowSimulator:
    """Return the flow of every persona of a log that is counted already."""
    return ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(prepared.sequences, segmentation),
        prepared.counts,
        friction_is_drop=FRICTION_DROP in prepared.drop,
        attributes=attributes_of(prepared.log.events, prepared.sequences, completion=prepared.completion),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearnedPersonas:
    """The personas of a log as its study shows them, and how well the log pins their flow.

    Parameters
    ----------
    prepared : PreparedLog
    found : SegmentationResult
        As fitted: by falling share, under the names that the fit gives.
    drawn : mapping of str to array
        What the draws hold, in the order of the fit.
    seed : SeedSequence
        That users were weighted with.
    placed : PlacedPersonas
    simulator : ProductFlowSimulator
        The flow of every persona, in the order and under the names of the study.
    """

    prepared: PreparedLog
    found: SegmentationResult
    drawn: Mapping[str, AnyArray]
    seed: np.random.SeedSequence
    placed: PlacedPersonas
    simulator: ProductFlowSimulator

    @property
    def segmentation(self) -> SegmentationResult:
        """Return the personas under the names and in the order of the study."""
        return self.placed.segmentation

    @property
    def draws(self) -> FlowDraws:
        """Return the draws in the order of the study."""
        drawn, placed = self.drawn, self.placed
        if placed.reordered:
            drawn = {name: each[:, placed.order] for name, each in drawn.items()}
        return FlowDraws(simulator=self.simulator, seed=self.seed, **drawn)

    @property
    def population(self) -> ProductFlowSimulator:
        """Return the flow of the personas that predictions speak of.

        Raises
        ------
        SimulationError
            If every persona is excluded.
        """
        return without_personas(self.simulator, self.placed.excluded)

    def settled_as(self, kept: KeptPersonas) -> LearnedPersonas:
        """Return the same personas under other names and at other places."""
        placed = place_personas(self.found, kept)
        return replace(self, placed=placed, simulator=build_simulator(self.prepared, placed.segmentation))


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
    found = kept[0] if kept else _find_personas(settings, prepared, on_progress)
    segmentation = place_personas(found, settings.personas).segmentation
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


def learn_personas(
    settings: Settings,
    prepared: PreparedLog,
    *,
    check: Callable[[ProductFlowSimulator, PlacedPersonas], None] = lambda _simulator, _placed: None,
    store: BlockStore | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> LearnedPersonas:
    """Find the personas of a log and draw how well it pins their flow; a kept fit is taken.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        Of the same settings.
    check : callable
        Gets the flow and the personas before it is drawn, which takes long, and raises where they are not
        wanted.
    store : BlockStore, optional
        Where finished blocks are kept, and taken from.
    on_progress : callable

    Raises
    ------
    ModelingError
        If there are fewer users than personas.
    """
    seed, cache = normalise_seed(settings.seed), _cache_of(settings, prepared)
    kept = cache.load()
    found = kept[0] if kept else _find_personas(settings, prepared, on_progress)
    placed = place_personas(found, settings.personas)
    simulator = build_simulator(prepared, placed.segmentation)
    check(simulator, placed)
    if kept:
        drawn = kept[1]
    else:
        as_found = simulator if placed.segmentation is found else build_simulator(prepared, found)
        workers = settings.workers or available_workers()
        draws = draw_flows(
            as_found, DEFAULT_N_DRAWS, seed, workers=workers, store=store, on_progress=on_progress
        )
        cache.save(found, draws)
        drawn = {name: getattr(draws, name) for name in DRAWN}
    return LearnedPersonas(
        prepared=prepared, found=found, drawn=drawn, seed=seed, placed=placed, simulator=simulator
    )


def fit_personas(
    settings: Settings,
    prepared: PreparedLog,
    *,
    store: BlockStore | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Fit:
    """Find the personas of a log, and all that is the same for every change of its flow.

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
    learned = learn_personas(
        settings,
        prepared,
        check=partial(_check_scenarios, settings),
        store=store,
        on_progress=on_progress,
    )
    return complete_fit(settings, learned, on_progress=on_progress)


def complete_fit(
    settings: Settings, learned: LearnedPersonas, *, on_progress: ProgressCallback = ignore_progress
) -> Fit:
    """Return the personas of a log with all else that is the same for every change of its flow.

    Parameters
    ----------
    settings : Settings
    learned : LearnedPersonas
        Of the same settings.
    on_progress : callable
    """
    workers = settings.workers or available_workers()
    prepared, simulator, population = learned.prepared, learned.simulator, learned.population
    dwell = fit_dwell(prepared.sequences, prepared.counts.journeys, users_predicted(population))
    measures = Measures(unit=settings.unit, dwell=dwell, values=_values(settings, prepared, simulator))
    arrivals = fit_arrivals(prepared.sequences, unit=settings.unit)
    if population is not simulator:
        measures = measures.of_personas(kept_positions(population))
        arrivals = arrivals.of_some(share_of_journeys(population))
    return Fit(
        segmentation=learned.segmentation,
        found=learned.found,
        lost=learned.placed.lost,
        learned=learned,
        baseline=Baseline(
            simulator=population,
            draws=replace(learned.draws, simulator=population),
            max_length=settings.max_length,
            workers=workers,
            measures=measures,
        ),
        alternatives=fit_alternatives(
            population, random_state=learned.seed, workers=workers, on_progress=on_progress
        ),
        arrivals=arrivals,
        dwell=dwell,
    )


def _values(settings: Settings, prepared: PreparedLog, simulator: ProductFlowSimulator) -> EventValues | None:
    """Return what events are worth, none where nothing is said of it."""
    if not settings.value:
        return None
    return value_of(
        settings.value,
        prepared.log.events,
        simulator,
        n_draws=DEFAULT_N_DRAWS,
        random_state=normalise_seed(settings.seed),
    )


def read_modification(
    settings: Settings, scenario: ScenarioSettings, names: tuple[str, ...]
) -> FlowModification:
    """Return the modification of a scenario, with its personas under the names that are shown.

    Parameters
    ----------
    settings : Settings
    scenario : ScenarioSettings
    names : tuple of str
        Of all personas, as they are shown.
    """
    effects = call_anew(scenario.read_effects(), settings.personas, names)
    return FlowModification(description=scenario.description, effects=effects)


def _check_scenarios(settings: Settings, whole: ProductFlowSimulator, placed: PlacedPersonas) -> None:
    """Refuse scenarios that do not fit the flow of the personas that predictions speak of.

    Raises
    ------
    SimulationError, UnknownNameError
        If one does not; the message names the scenario where there are several.
    """
    simulator = without_personas(whole, placed.excluded)
    for scenario in settings.effective_scenarios():
        modification = read_modification(settings, scenario, whole.persona_names)
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
        read_modification(settings, scenario, fit.segmentation.names),
        settings.n_personas,
        seed=normalise_seed(settings.seed),
        solver=solver or settings.solver,
        by=fit.attributes,
        alternatives=fit.alternatives,
        executor=AutoExecutor(workers=settings.workers or available_workers()),
        store=store,
        on_progress=on_progress,
    )
