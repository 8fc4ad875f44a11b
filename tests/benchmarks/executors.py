"""Seconds of the bootstrap and of walks by executor: what the choice of executor rests on.

    python tests/benchmarks/executors.py LOG [--walkers 10000000] [--rounds 3]

Each round runs every executor in turn on the log's personas; the least wall time is printed, with the
processor time that it took, and what beginning the workers costs. Results are checked to be the same.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

N_CLUSTERS, N_DRAWS, MAX_LENGTH = 6, 400, 64


def measures(log: Path, n_walkers: int) -> dict[str, Callable[..., bytes]]:
    """Return the works to measure; imported here because every worker imports this file."""
    from persona_tui.engine.modeling.segmentation import find_personas
    from persona_tui.engine.rng import normalise_seed
    from persona_tui.engine.simulation.effects import Friction
    from persona_tui.engine.simulation.environment import ProductFlowSimulator
    from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
    from persona_tui.engine.simulation.simulated import walk_arms
    from persona_tui.engine.simulation.uncertainty import draw_flows
    from persona_tui.engine.statistics import largest_remainder
    from persona_tui.study.log import prepare_log
    from persona_tui.study.options import Settings

    prepared, seed = prepare_log(Settings(events=str(log))), normalise_seed(0)
    segmentation = find_personas(prepared.counts, N_CLUSTERS, random_state=seed)
    generator = MarkovPersonaGenerator.from_sequences(prepared.sequences, segmentation)
    simulator = ProductFlowSimulator.from_counts(generator, prepared.counts)
    treatment = Friction(factor=0.05).apply(simulator.flow)
    users = largest_remainder(simulator.shares, n_walkers)

    def walks(executor) -> bytes:
        found = walk_arms(simulator.flow, treatment, users, MAX_LENGTH, seed=seed, executor=executor)
        return repr(found.sums.tolist()).encode()

    return {
        f"{N_DRAWS} draws": lambda executor: draw_flows(
            simulator, N_DRAWS, seed, executor=executor
        ).moved.tobytes(),
        f"{n_walkers:,} walkers, both arms": walks,
        "nothing": lambda executor: bytes(executor.run(abs, [0] * 8, on_done=lambda _n, _r: None)),
    }


def main() -> None:
    from persona_tui.engine.simulation.executors import EXECUTORS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("--walkers", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    executors = {"serial": EXECUTORS.get("serial")()}
    executors |= {f"{name}, 2": EXECUTORS.get(name)(workers=2) for name in ("threads", "processes", "auto")}
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for work, run in measures(chosen.log, chosen.walkers).items():
        results = set()
        for _ in range(chosen.rounds):
            for name, executor in executors.items():
                begun, used = time.perf_counter(), sum(os.times()[:4])
                results.add(run(executor))
                spent = time.perf_counter() - begun, sum(os.times()[:4]) - used
                found.setdefault((work, name), []).append(spent)
        assert len(results) == 1, work
    for (work, name), spent in found.items():
        wall, processor = min(spent)
        print(f"{work:32}{name:14}{wall:8.2f} s{processor:8.2f} s of processors")


if __name__ == "__main__":
    main()
