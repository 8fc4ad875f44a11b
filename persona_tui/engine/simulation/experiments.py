"""Control against treatment: exact values, their intervals, and a simulation beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.assumptions import draw_parameters
from persona_tui.engine.simulation.blocks import BlockStore
from persona_tui.engine.simulation.cohort import MOST_USERS
from persona_tui.engine.simulation.comparison import (
    ArmValues,
    Comparison,
    Evidence,
    compare,
    evaluate,
    surely_lower,
)
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.executors import Executor
from persona_tui.engine.simulation.flow import METRICS, Flow, solve
from persona_tui.engine.simulation.simulated import (
    ARMS,
    Simulation,
    Solver,
    choose_solver,
    count_arms,
    walk_arms,
)
from persona_tui.engine.simulation.uncertainty import DEFAULT_N_DRAWS, FlowDraws, draw_flows
from persona_tui.engine.statistics import largest_remainder
from persona_tui.engine.types import FloatArray, IntArray, RandomState, Unit

if TYPE_CHECKING:
    import polars as pl

EVERYONE = "all"
DEFAULT_N_PERSONAS = 10_000
TRUNCATION_GOAL = 0.001
TRUNCATION_WARNING = 0.01
FEW_USERS = 50
_LONGEST_HORIZON = 2**20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Experiment:
    """The result of one simulated experiment.

    Parameters
    ----------
    modification : FlowModification
    unit : {"user", "session"}
    solver : {"paths", "cohort"}
        How the simulation beside the exact values was run.
    n_personas : int
        Synthetic users per arm.
    max_length : int
        Events after which a journey is truncated.
    n_draws : int
        Bootstrap draws behind the data intervals.
    total : Comparison
    personas : tuple of Comparison
    harm : float
        Share of draws in which the completion uplift is below zero, beyond what is cut at the horizon.
    caveats : tuple of str
    control, treatment : Flow
    shares : dict of array of shape (K,)
        Share of each persona, by arm.
    """

    modification: FlowModification
    unit: Unit
    solver: Literal["cohort", "paths"]
    n_personas: int
    max_length: int
    n_draws: int
    total: Comparison
    personas: tuple[Comparison, ...]
    harm: float
    caveats: tuple[str, ...]
    control: Flow
    treatment: Flow
    shares: dict[str, FloatArray]


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
        Events after which a journey is truncated; the smallest power of two that
        truncates less than 0.1 % in both arms.
    random_state : int, SeedSequence, Generator or None
    solver : {"auto", "paths", "cohort"}
        Users walk event by event, or are counted by state; ``auto`` counts above a million per arm.
    n_draws : int
        Bootstrap draws, where ``draws`` is not given.
    draws : FlowDraws, optional
        Draws of this simulator's flow, when several experiments share them.
    workers : int
        Threads of the bootstrap, where no executor is given; results do not depend on it.
    executor : Executor, optional
        Runs the bootstrap and the walks, which are walked one after the other where left out.
    store : BlockStore, optional
        Where finished blocks of both are kept and found.
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
    control = simulator.flow
    treatment = modification.apply(control)
    shares = {"control": simulator.shares, "treatment": modification.shift(simulator.shares, treatment)}
    max_length = max_length or shortest_horizon(
        (control, shares["control"]), (treatment, shares["treatment"])
    )
    work: _Work = {"executor": executor, "store": store, "on_progress": on_progress}
    draws = draws or draw_flows(simulator, n_draws, seed, workers=workers, **work)
    simulation = _simulate(
        choose_solver(solver, n_personas),
        (control, treatment),
        largest_remainder(simulator.shares, n_personas),
        max_length,
        seed=seed,
        **work,
    )
    found = _gather(simulator, modification, draws, max_length, seed=seed, simulation=simulation)
    on_progress(Progress(stage="intervals", done=draws.n_draws, total=draws.n_draws))
    everyone = range(len(simulator.names))
    total = compare(EVERYONE, found, everyone)
    spread = found.total or found.data
    return Experiment(
        modification=modification,
        unit=simulator.unit,
        solver=choose_solver(solver, n_personas),
        n_personas=n_personas,
        max_length=max_length,
        n_draws=draws.n_draws,
        total=total,
        personas=tuple(compare(name, found, [k]) for k, name in enumerate(simulator.names)),
        harm=float(surely_lower(spread, everyone).mean()),
        caveats=_caveats(simulator, modification, total, max_length),
        control=control,
        treatment=treatment,
        shares=shares,
    )


class _Work(TypedDict):
    """How work in blocks is done."""

    executor: Executor | None
    store: BlockStore | None
    on_progress: ProgressCallback


def _simulate(
    solver: Literal["cohort", "paths"],
    arms: tuple[Flow, Flow],
    users: IntArray,
    max_length: int,
    *,
    seed: np.random.SeedSequence,
    **work: Unpack[_Work],
) -> Simulation:
    if solver == "paths":
        return walk_arms(*arms, users, max_length, seed=seed, **work)
    return count_arms(*arms, users, max_length, seed=seed)


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


def shortest_horizon(*arms: tuple[Flow, FloatArray]) -> int:
    """Return the smallest power of two that truncates less than 0.1 % of journeys in every arm.

    Parameters
    ----------
    *arms : (Flow, array of shape (K,))
        Flow and shares.

    Raises
    ------
    SimulationError
        If journeys hardly ever end.
    """
    horizon = 1
    while horizon <= _LONGEST_HORIZON:
        truncated = [float(shares @ solve(flow, horizon).truncated) for flow, shares in arms]
        if max(truncated) < TRUNCATION_GOAL:
            return horizon
        horizon *= 2
    raise SimulationError(
        f"After {_LONGEST_HORIZON} events {100 * max(truncated):.1f} % of journeys have still not ended.",
        hint="Set max_length, or name the events that end a journey.",
    )


def _gather(
    simulator: ProductFlowSimulator,
    modification: FlowModification,
    draws: FlowDraws,
    max_length: int,
    *,
    seed: np.random.SeedSequence,
    simulation: Simulation,
) -> Evidence:
    """Evaluate both arms as fitted, and under every source of doubt."""
    point = [(_one_draw(simulator.flow), simulator.shares[None])]
    exact = evaluate(point, modification, max_length)
    numbers = draw_parameters(modification.compile(), draws.n_draws, seed)
    assumption = total = None
    if any(numbers):
        assumption = evaluate(_copies(simulator, draws), modification, max_length, numbers)
        total = evaluate(draws.blocks(), modification, max_length, numbers)
    return Evidence(
        exact=ArmValues(
            metrics={arm: {m: v[0] for m, v in each.items()} for arm, each in exact.metrics.items()},
            shares={arm: each[0] for arm, each in exact.shares.items()},
        ),
        data=evaluate(draws.blocks(), modification, max_length),
        assumption=assumption,
        total=total,
        simulation=simulation,
    )


def _copies(simulator: ProductFlowSimulator, draws: FlowDraws) -> Iterator[tuple[Flow, FloatArray]]:
    """Yield the fitted flow for as many draws as there are, in the blocks of the draws."""
    for first in range(0, draws.n_draws, draws.block_size):
        size = min(draws.block_size, draws.n_draws - first)
        yield _one_draw(simulator.flow), np.repeat(simulator.shares[None], size, axis=0)


def _one_draw(flow: Flow) -> Flow:
    return replace(flow, starts=flow.starts[None], transitions=flow.transitions[None])


def _caveats(
    simulator: ProductFlowSimulator, modification: FlowModification, total: Comparison, max_length: int
) -> tuple[str, ...]:
    return (
        *modification.caveats(simulator.flow),
        *_truncation_caveats(total, max_length),
        *_sample_caveats(simulator),
    )


def _truncation_caveats(total: Comparison, max_length: int) -> list[str]:
    worst = max(total.arms[arm]["truncated_rate"] for arm in ARMS)
    if worst <= TRUNCATION_WARNING:
        return []
    return [f"{100 * worst:.1f} % of journeys are cut at {max_length} events and end in no outcome."]


def _sample_caveats(simulator: ProductFlowSimulator) -> list[str]:
    n_users = simulator.generator.sequences.n_users
    if n_users >= FEW_USERS:
        return []
    return [f"The log has only {n_users} users: its intervals are narrower than the doubt really is."]


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
        for metric in METRICS:
            estimate = group.uplifts[metric]
            rows.append(
                {
                    "persona": group.name,
                    "share": group.share,
                    "metric": metric,
                    "control": group.arms["control"][metric],
                    "treatment": group.arms["treatment"][metric],
                    "uplift": estimate.value,
                    "relative": estimate.relative,
                    "data_low": estimate.data[0],
                    "data_high": estimate.data[1],
                    "assumption_low": None if estimate.assumption is None else estimate.assumption[0],
                    "assumption_high": None if estimate.assumption is None else estimate.assumption[1],
                    "total_low": estimate.total[0],
                    "total_high": estimate.total[1],
                    "simulated_control": group.simulated_arms["control"][metric],
                    "simulated_treatment": group.simulated_arms["treatment"][metric],
                    "simulated_uplift": group.simulated_uplifts[metric],
                    "simulation_error": estimate.simulation_error,
                    "n_personas": group.n_personas,
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)
