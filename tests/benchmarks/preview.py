"""Time of what an analyst waits for after a change, beside the bare linear algebra of numpy.

    python tests/benchmarks/preview.py [--repeats 15] [--users 3000] [--workers 2]

A log of 30 event types is left by six planted personas; the control is drawn 400 times and solved once,
before anything is timed. Medians of milliseconds are printed: on the clock, of processors, and as a
multiple of ``numpy.linalg.solve`` over as many chains, taken in the same round.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402 - after the number of threads is set
import polars as pl  # noqa: E402
from benchmarks.planted import DONE, DROP, Design, World, leave_log  # noqa: E402

from persona_tui.engine.analytics.reporting import predict_funnel  # noqa: E402
from persona_tui.engine.data.attributes import Attributes  # noqa: E402
from persona_tui.engine.data.schema import RETURN  # noqa: E402
from persona_tui.engine.data.sequences import Sequences  # noqa: E402
from persona_tui.engine.modeling.counts import count_transitions  # noqa: E402
from persona_tui.engine.modeling.journeys import cut_journeys  # noqa: E402
from persona_tui.engine.modeling.segmentation import find_personas  # noqa: E402
from persona_tui.engine.rng import normalise_seed  # noqa: E402
from persona_tui.engine.simulation.alternatives import Alternatives, fit_alternatives  # noqa: E402
from persona_tui.engine.simulation.baseline import Baseline  # noqa: E402
from persona_tui.engine.simulation.changes import describe_changes  # noqa: E402
from persona_tui.engine.simulation.durations import conversion_times  # noqa: E402
from persona_tui.engine.simulation.dwell import DwellTimes, fit_dwell  # noqa: E402
from persona_tui.engine.simulation.effects import parse_effect  # noqa: E402
from persona_tui.engine.simulation.environment import (  # noqa: E402
    FlowModification,
    ProductFlowSimulator,
)
from persona_tui.engine.simulation.experiments import compare_arms  # noqa: E402
from persona_tui.engine.simulation.flow import EXIT, METRICS, N_ENDS, Flow, StateKind  # noqa: E402
from persona_tui.engine.simulation.insights import explain  # noqa: E402
from persona_tui.engine.simulation.measures import Measures  # noqa: E402
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator  # noqa: E402
from persona_tui.engine.simulation.uncertainty import FlowDraws, draw_flows  # noqa: E402

N_DRAWS, N_PERSONAS, N_STEPS = 400, 6, 28
"""With completion and drop-off, 30 event types; ``return`` is a state more."""
SEED = 0
EFFECTS = {
    "friction": ("friction:factor=0.05,at=step_03", "friction:factor=0.02/0.05/0.1,at=step_03"),
    "insert_steps": ("insert_steps:count=2", "insert_steps:count=2,exit_rate=0.02/0.05/0.1"),
    "reward": ("reward:factor=0.1", "reward:factor=0.05/0.1/0.2"),
    "remove_step": ("remove_step:event=step_05", "remove_step:event=step_05,rescued=0.2/0.4/0.6"),
    "redirect": (
        "redirect:source=step_00,target=step_01,to=step_02,share=0.5",
        "redirect:source=step_00,target=step_01,to=step_02,share=0.3/0.5/0.7",
    ),
}
"""By name, with a number that is stated and with a range."""
GROUPS = {"device": 3, "channel": 6, "country": 8, "plan": 4}
"""Attributes of users with the number of their values: 21 groups to be told of."""


def plant_world(n_users: int) -> World:
    """Return six personas over 28 steps; each step leads to six others, a tenth leaves at each visit."""
    generator = np.random.default_rng(SEED)
    steps = [f"step_{number:02d}" for number in range(N_STEPS)]
    n, first = N_STEPS + 3, 2
    starts, moves = np.zeros((N_PERSONAS, n)), np.zeros((N_PERSONAS, n, n + N_ENDS))
    starts[:, first : first + 3] = generator.dirichlet(np.ones(3), N_PERSONAS)
    for step in range(N_STEPS):
        onward = first + (step + np.array([1, 2, 3, 5, 8, 13])) % N_STEPS
        targets = [*onward, 0] if step % 4 == 3 else [*onward, 1]
        moves[:, first + step, targets] = 0.9 * generator.dirichlet(np.full(len(targets), 0.7), N_PERSONAS)
        moves[:, first + step, EXIT] = 0.1
    moves[:, 1, EXIT] = 1.0
    moves[:, 1:-1, -1 - N_ENDS] = 0.4 * moves[:, 1:-1, EXIT]
    moves[:, 1:-1, EXIT] *= 0.6
    moves[:, -1, :n] = starts
    walks = Flow(
        states=(DONE, DROP, *steps, RETURN),
        kinds=np.array(
            [StateKind.COMPLETION, StateKind.DROP, *[StateKind.EVENT] * N_STEPS, StateKind.RETURN]
        ),
        unit="user",
        starts=starts,
        transitions=moves,
        support=1e6 * moves,
        friction_is_drop=True,
    )
    shares = np.full(N_PERSONAS, 1 / N_PERSONAS)
    return World(
        design=Design(n_users=n_users, unit="user", likeness=1.0), shares_of_users=shares, walks=walks
    )


def group_users(sequences: Sequences) -> Attributes:
    """Return attributes that say nothing of how users walk."""
    generator = np.random.default_rng(SEED)
    columns = {
        name: [f"{name} {value}" for value in generator.integers(0, n_values, sequences.n_users)]
        for name, n_values in GROUPS.items()
    }
    return Attributes(table=pl.DataFrame({"user_id": sequences.user_ids, **columns}), left_out={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What is there before the analyst changes anything."""

    baseline: Baseline
    alternatives: Alternatives
    dwell: DwellTimes
    funnel: tuple[str, ...]


def fit_world(n_users: int, workers: int = 2) -> Fit:
    """Fit the log of the planted world as a study does."""
    sequences, _ = leave_log(plant_world(n_users), np.random.default_rng(SEED + 1))
    counts = count_transitions(cut_journeys(sequences, unit="user", completion={DONE}, drop={DROP}))
    segmentation = find_personas(counts, N_PERSONAS, random_state=SEED, workers=workers)
    simulator = ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(sequences, segmentation),
        counts,
        attributes=group_users(sequences),
    )
    draws = draw_flows(simulator, N_DRAWS, normalise_seed(SEED), workers=workers)
    dwell = fit_dwell(sequences, counts.journeys)
    baseline = Baseline(
        simulator=simulator, draws=draws, measures=Measures(unit="user", dwell=dwell), workers=workers
    )
    return Fit(
        baseline=baseline,
        alternatives=fit_alternatives(simulator, random_state=SEED, workers=workers),
        dwell=dwell,
        funnel=("step_00", "step_03", "step_07", DONE),
    )


def bare_solves(draws: FlowDraws) -> Callable[[], object]:
    """Return the solutions alone, of one system for each persona and draw."""
    systems = [
        (np.eye(flow.n_states) - np.swapaxes(flow.transitions[..., :-N_ENDS], -1, -2), flow.starts[..., None])
        for flow, _ in draws.blocks()
    ]
    return lambda: [np.linalg.solve(left, right) for left, right in systems]


def preview_tasks(fit: Fit, modification: FlowModification) -> dict[str, Callable[[], object]]:
    """Return all that is worked out for one change, by name."""
    compared = partial(compare_arms, fit.baseline, modification, seed=normalise_seed(SEED), solver="exact")
    experiment = compared(metrics=METRICS)
    arms = ((experiment.control, "control"), (experiment.treatment, "treatment"))
    flows = [(flow, experiment.shares[arm]) for flow, arm in arms]
    # A flow keeps what is worked out from it: each repeat gets new ones.
    return {
        "outcomes": partial(compared, metrics=METRICS),
        "outcomes and measures": compared,
        "other models": lambda: fit.alternatives.ranges(modification),
        "drivers": lambda: explain(anew(experiment)),
        "funnel": lambda: predict_funnel(anew(experiment), fit.funnel),
        "changes": lambda: describe_changes(experiment.control, experiment.treatment),
        "time to convert": lambda: [
            conversion_times(replace(flow), shares, fit.dwell) for flow, shares in flows
        ],
    }


def anew(experiment: object) -> object:
    """Return the experiment with nothing kept by the flows of its arms."""
    return replace(experiment, control=replace(experiment.control), treatment=replace(experiment.treatment))


def milliseconds(run: Callable[[], object]) -> tuple[float, float]:
    """Return the time of one call on the clock, and that of processors."""
    begun, used = time.perf_counter(), time.process_time()
    run()
    return 1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - used)


def print_times(name: str, tasks: dict[str, Callable[[], object]], repeats: int) -> None:
    """Print a row a task; the first is what the others are laid beside."""
    found: dict[str, list[tuple[float, float]]] = {task: [] for task in tasks}
    for run in tasks.values():
        run()
    for _ in range(repeats):
        for task, run in tasks.items():
            found[task].append(milliseconds(run))
    beside = next(iter(found.values()))
    for task, taken in found.items():
        clock, processor = (median(each) for each in zip(*taken, strict=True))
        ratio = median(mine[0] / bare[0] for mine, bare in zip(taken, beside, strict=True))
        print(f"{name:32}{task:32}{clock:>9.1f}{processor:>11.1f}{ratio:>9.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--users", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    fit = fit_world(asked.users, asked.workers)
    alone = {"numpy.linalg.solve alone": bare_solves(fit.baseline.draws)}
    print(f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}; medians, milliseconds")
    print(f"{'':64}{'clock':>9}{'processor':>11}{'ratio':>9}")
    for name, texts in EFFECTS.items():
        for kind, text in zip(("", " from a range"), texts, strict=True):
            modification = FlowModification(effects=(parse_effect(text),))
            print_times(name + kind, alone | preview_tasks(fit, modification), asked.repeats)


if __name__ == "__main__":
    main()
