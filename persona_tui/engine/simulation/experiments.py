"""Control against treatment: exact values, their intervals, and a simulation beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.baseline import Baseline
from persona_tui.engine.simulation.blocks import BlockStore
from persona_tui.engine.simulation.caveats import caveats_of
from persona_tui.engine.simulation.cohort import MOST_USERS
from persona_tui.engine.simulation.comparison import (
    Comparison,
    Evidence,
    Part,
    compare,
    gather_evidence,
    parts_of,
)
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.executors import Executor
from persona_tui.engine.simulation.flow import METRICS, Flow
from persona_tui.engine.simulation.groups import reported_groups
from persona_tui.engine.simulation.horizon import shortest_horizon
from persona_tui.engine.simulation.model_ranges import Alternatives, ModelRanges
from persona_tui.engine.simulation.population import without_whom
from persona_tui.engine.simulation.segments import split_by_segments
from persona_tui.engine.simulation.simulated import (
    ARMS,
    Simulation,
    Solver,
    Work,
    choose_solver,
    simulate_arms,
)
from persona_tui.engine.simulation.uncertainty import DEFAULT_N_DRAWS, FlowDraws, draw_flows
from persona_tui.engine.simulation.watching import ArmsPrepared
from persona_tui.engine.statistics import largest_remainder
from persona_tui.engine.text import well_formed
from persona_tui.engine.types import FloatArray, RandomState, Unit

if TYPE_CHECKING:
    import polars as pl

DEFAULT_N_PERSONAS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Experiment:
    """The result of one experiment.

    Parameters
    ----------
    modification : FlowModification
    unit : {"user", "session"}
    solver : {"exact", "paths", "cohort"}
        How the simulation beside the exact values was run; ``exact`` where there was none.
    n_personas : int
        Synthetic users per arm.
    max_length : int or None
        Events after which a journey is truncated, where that was asked for.
    walk_length : int or None
        The same of the simulation.
    n_draws : int
        Bootstrap draws behind the data intervals.
    metrics : tuple of str
    total : Comparison
    personas : tuple of Comparison
    groups : tuple of Comparison
    caveats : tuple of str
    left_out : dict of str
        Models that the model layer does without, and why.
    control, treatment : Flow
    shares : dict of array of shape (K,)
        Share of each persona, by arm.
    drawn_uplifts : array of shape (n_draws,)
        Uplift of completion with every doubt that was drawn.
    without : str
        Whose users all numbers leave out, such as ``without 'Bots' (12 % of users)``; empty for nobody's.
    """

    modification: FlowModification
    unit: Unit
    solver: Literal["exact", "cohort", "paths"]
    n_personas: int
    max_length: int | None
    walk_length: int | None
    n_draws: int
    metrics: tuple[str, ...]
    total: Comparison
    personas: tuple[Comparison, ...]
    groups: tuple[Comparison, ...]
    caveats: tuple[str, ...]
    left_out: dict[str, str]
    control: Flow
    treatment: Flow
    shares: dict[str, FloatArray]
    drawn_uplifts: FloatArray
    without: str = ""

    @property
    def harm(self) -> float:
        """Return the share of draws in which completion falls."""
        return self.total.harm


def run_ab_experiment(
    simulator: ProductFlowSimulator,
    n_personas: int = DEFAULT_N_PERSONAS,
    modification: FlowModification | None = None,
    max_length: int | None = None,
    random_state: RandomState = None,
    *,
    solver: Solver = "auto",
    n_draws: int = DEFAULT_N_DRAWS,
    draws: FlowDraws | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    store: BlockStore | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Experiment:
    """Predict what a modification does, exactly and by simulation.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    n_personas : int
        Synthetic users per arm, given to personas by largest remainder.
    modification : FlowModification, optional
        No change where left out.
    max_length : int, optional
        Events after which a journey is truncated; none where left out.
    random_state : int, SeedSequence, Generator or None
    solver : {"auto", "paths", "cohort", "exact"}
        Users walk event by event, or are counted by state; ``auto`` counts above a million per arm;
        ``exact`` simulates nobody.
    n_draws : int
        Bootstrap draws, where ``draws`` is not given.
    draws : FlowDraws, optional
        Draws of this simulator's flow, when several experiments share them.
    workers : int
        Threads that draw and solve; results do not depend on their number.
    executor : Executor, optional
        Who does the work that comes in blocks.
    store : BlockStore, optional
        Where finished blocks are kept, and taken from.
    on_progress : callable

    Returns
    -------
    Experiment

    Raises
    ------
    SimulationError, UnknownNameError
        If a number is out of bounds, or the modification does not fit the flow.
    """
    _check(n_personas, max_length, n_draws)
    seed = normalise_seed(random_state)
    modification = modification or FlowModification()
    modification.apply(split_by_segments(simulator, modification.segments()).flow)  # refused before the work
    if draws is None:
        draws = draw_flows(
            simulator,
            n_draws,
            seed,
            workers=workers,
            executor=executor,
            store=store,
            on_progress=on_progress,
        )
    baseline = Baseline(simulator=simulator, draws=draws, max_length=max_length, workers=workers)
    return compare_arms(
        baseline,
        modification,
        n_personas,
        seed=seed,
        solver=solver,
        executor=executor,
        store=store,
        on_progress=on_progress,
    )


def compare_arms(
    baseline: Baseline,
    modification: FlowModification,
    n_personas: int = DEFAULT_N_PERSONAS,
    *,
    seed: np.random.SeedSequence,
    solver: Solver = "auto",
    by: Sequence[str] = (),
    metrics: Sequence[str] | None = None,
    alternatives: Alternatives | None = None,
    executor: Executor | None = None,
    store: BlockStore | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Experiment:
    """Predict what a modification does to a control that is drawn already.

    Parameters
    ----------
    baseline : Baseline
    modification : FlowModification
    n_personas : int
    seed : SeedSequence
    solver : {"auto", "paths", "cohort", "exact"}
    by : sequence of str
        Attributes by whose values users are reported too.
    metrics : sequence of str, optional
        Those of ``baseline.metrics`` that are told; all where left out. Those of ``flow.METRICS``, which
        are needed always, take the least time.
    alternatives : Alternatives, optional
        Other models, for the range over them.
    executor : Executor, optional
    store : BlockStore, optional
    on_progress : callable

    Returns
    -------
    Experiment

    Raises
    ------
    SimulationError, UnknownNameError
        If the modification does not fit the flow, or there is no such metric.
    """
    told = baseline.metrics_told(metrics)
    whole, baseline = baseline, baseline.told_apart(modification.segments())
    simulator, max_length = baseline.simulator, baseline.max_length
    control = simulator.flow
    treatment = modification.apply(control)
    shares = {"control": simulator.shares, "treatment": modification.shift(simulator.shares, treatment)}
    chosen = choose_solver(solver, n_personas)
    found, walk_length = gather_evidence(baseline, modification, seed, told), None
    if chosen != "exact":
        flows = (control, treatment)
        prepared = _prepare(baseline, found, flows, shares, solver=chosen, n_personas=n_personas, seed=seed)
        walk_length = prepared.walk_length
        work: Work = {"executor": executor, "store": store, "on_progress": on_progress}
        found = replace(found, simulation=_simulate(prepared, **work))
    ranges = None if alternatives is None else alternatives.ranges(modification, max_length)
    total, personas = _compare_all(baseline, found, ranges)
    on_progress(Progress(stage="intervals", done=baseline.draws.n_draws, total=baseline.draws.n_draws))
    return Experiment(
        modification=modification,
        unit=simulator.unit,
        solver=chosen,
        n_personas=0 if found.simulation is None else n_personas,
        max_length=max_length,
        walk_length=walk_length,
        n_draws=baseline.draws.n_draws,
        metrics=told,
        total=total,
        personas=personas,
        groups=tuple(_compare_groups(whole, modification, seed, by)),
        caveats=caveats_of(simulator, modification, total, max_length),
        left_out={} if ranges is None else ranges.left_out,
        control=control,
        treatment=treatment,
        shares=shares,
        drawn_uplifts=found.spread.uplift("completion_rate", np.ones(len(simulator.shares))),
        without=without_whom(whole.simulator),
    )


def _prepare(
    baseline: Baseline,
    found: Evidence,
    flows: tuple[Flow, Flow],
    shares: dict[str, FloatArray],
    *,
    solver: Literal["cohort", "paths"],
    n_personas: int,
    seed: np.random.SeedSequence,
) -> ArmsPrepared:
    n_draws = baseline.draws.n_draws
    arms = zip(flows, (shares[arm] for arm in ARMS), strict=True)
    return ArmsPrepared(
        stage="uncertainty",
        done=n_draws,
        total=n_draws,
        evidence=found,
        parts=parts_of(baseline.simulator),
        flows=flows,
        users=largest_remainder(baseline.simulator.shares, n_personas),
        solver=solver,
        without=without_whom(baseline.simulator),
        walk_length=baseline.max_length or shortest_horizon(*arms),
        seed=seed,
    )


def _simulate(told: ArmsPrepared, **work: Unpack[Work]) -> Simulation:
    work["on_progress"](told)
    return simulate_arms(told.solver, told.flows, told.users, told.walk_length, seed=told.seed, **work)


def _compare_all(
    baseline: Baseline, found: Evidence, ranges: ModelRanges | None
) -> tuple[Comparison, tuple[Comparison, ...]]:
    def range_of(persona: int | None) -> Any:  # noqa: ANN401 - a ModelRange
        return lambda metric: None if ranges is None else ranges.of(metric, persona)

    parts = parts_of(baseline.simulator, range_of)
    total, *personas = compare(found, parts)
    return total, tuple(personas)


def _compare_groups(
    baseline: Baseline,
    modification: FlowModification,
    seed: np.random.SeedSequence,
    by: Sequence[str],
) -> Iterator[Comparison]:
    """Yield how the change works for users of each value of some attributes, by chains of their own."""
    for attribute in by:
        groups = reported_groups(baseline.simulator, attribute)
        if not groups:
            continue
        apart = baseline.told_apart((*groups, *modification.segments()))
        found = gather_evidence(apart, modification, seed, METRICS)
        patterns = apart.simulator.segments
        weights = [np.array([float(group in pattern) for pattern in patterns]) for group in groups]
        parts = [Part(name=name, weights=each) for name, each in zip(groups, weights, strict=True)]
        yield from compare(found, parts)


def _check(n_personas: int, max_length: int | None, n_draws: int) -> None:
    bounds = {
        "n_personas": n_personas,
        "max_length": 1 if max_length is None else max_length,
        "n_draws": n_draws,
    }
    faults = [f"{name} == {value}, must be >= 1." for name, value in bounds.items() if value < 1]
    if n_personas > MOST_USERS:
        faults.append(f"n_personas == {n_personas}, must be <= {MOST_USERS}.")
    if faults:
        raise SimulationError(" ".join(faults))


def results_to_dataframe(experiment: Experiment) -> pl.DataFrame:
    """Return every number of an experiment, one row a group of users and metric.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    DataFrame
        ``persona`` is "all" in the first rows. Rates are shares of journeys, lengths events.
    """
    import polars as pl  # noqa: PLC0415 - 0.25 s, tables only

    rows: list[dict[str, Any]] = []
    for group in (experiment.total, *experiment.personas):
        for metric in experiment.metrics:
            estimate = group.uplifts[metric]
            rows.append(
                {
                    "persona": well_formed(group.name),
                    "share": group.share,
                    "metric": metric,
                    "control": group.arms["control"][metric],
                    "treatment": group.arms["treatment"][metric],
                    "uplift": estimate.value,
                    "relative": estimate.relative,
                    "data_low": estimate.data[0],
                    "data_high": estimate.data[1],
                    "model_low": None if estimate.model is None else estimate.model[0],
                    "model_high": None if estimate.model is None else estimate.model[1],
                    "assumption_low": None if estimate.assumption is None else estimate.assumption[0],
                    "assumption_high": None if estimate.assumption is None else estimate.assumption[1],
                    "total_low": estimate.total[0],
                    "total_high": estimate.total[1],
                    **{f"simulated_{arm}": group.simulated_arms.get(arm, {}).get(metric) for arm in ARMS},
                    "simulated_uplift": group.simulated_uplifts.get(metric),
                    "simulation_error": estimate.simulation_error,
                    "n_personas": group.n_personas,
                }
            )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.with_columns(pl.selectors.by_dtype(pl.Null).cast(pl.Float64))
