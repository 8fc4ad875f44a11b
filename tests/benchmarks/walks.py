"""Steps per second of simulated walks beside those of other ways, and the time of counted cohorts.

    python tests/benchmarks/walks.py --peers DIR [--peers-python PYTHON] [--rounds 5]

DIR holds the peers' scripts (``sim.py``, ``sim_common.py``); PYTHON has what they import. Every round
runs each once, in turn, on one core; medians and their ratios are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - after the number of threads is set

from persona_tui.engine.rng import normalise_seed  # noqa: E402
from persona_tui.engine.simulation.cohort import simulate_cohort  # noqa: E402
from persona_tui.engine.simulation.effects import Friction  # noqa: E402
from persona_tui.engine.simulation.flow import N_ENDS, Flow, StateKind, solve  # noqa: E402
from persona_tui.engine.simulation.paths import walk, walk_sequences  # noqa: E402

WALKERS = 500_000
"""Per arm; a peer, which has no arms, walks twice as many."""
RECORDED = 250_000
"""At once, for the memory."""
MAX_LENGTH, LONG = 30, 128
SEED = normalise_seed(1)
ALIAS, COHORT = "np_alias, counts", "cohort of 1e{} users, both arms, {} events"
CHAIN = "import json, sim_common; S, P = sim_common.chain(); print(json.dumps([S.tolist(), P.tolist()]))"


def run_peer(python: str, peers: Path, *arguments: str) -> str:
    done = subprocess.run([python, *arguments], cwd=peers, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{python} {arguments[0]} failed in {peers}:\n{done.stderr.strip()}")
    return done.stdout


def peer_flow(python: str, peers: Path) -> Flow:
    """Return the peers' chain: 28 states, then completion and drop."""
    starts, chain = (np.array(each) for each in json.loads(run_peer(python, peers, "-c", CHAIN)))
    n = len(starts)
    moves = np.zeros((1, n, n + N_ENDS))
    moves[0, : n - 2, :n] = chain[: n - 2]
    return Flow(
        states=tuple(f"s{number}" for number in range(n)),
        kinds=np.array([StateKind.EVENT] * (n - 2) + [StateKind.COMPLETION, StateKind.DROP]),
        unit="session",
        starts=starts[None],
        transitions=moves,
        support=moves,
        friction_is_drop=True,
    )


def peer_speed(python: str, peers: Path, name: str, mode: str) -> float:
    told = json.loads(run_peer(python, peers, "sim.py", name, str(2 * WALKERS), mode))
    assert abs(told["result"]["z"]) < 5, told
    return told["result"]["msteps_s"]


def counted_speed(arms: tuple[Flow, Flow]) -> float:
    begun = time.perf_counter()
    walks = [walk(flow, 0, WALKERS, MAX_LENGTH, SEED) for flow in arms]
    seconds = time.perf_counter() - begun
    for flow, each in zip(arms, walks, strict=True):
        rate = solve(flow, MAX_LENGTH).converted[0]
        error = np.sqrt(rate * (1 - rate) / WALKERS)
        assert abs(each.metric("completion_rate").mean() - rate) < 5 * error
    return sum(int(each.lengths.sum()) for each in walks) / seconds / 1e6


def recorded_speed(arms: tuple[Flow, Flow]) -> float:
    begun, steps = time.perf_counter(), 0
    for first in range(0, WALKERS, RECORDED):
        for flow in arms:
            steps += len(walk_sequences(flow, 0, RECORDED, MAX_LENGTH, SEED, first_walker=first).states)
    return steps / (time.perf_counter() - begun) / 1e6


def cohort_milliseconds(arms: tuple[Flow, Flow], n_users: int, max_length: int) -> float:
    begun = time.perf_counter()
    for flow in arms:
        simulate_cohort(flow, np.array([n_users]), max_length, SEED)
    return 1000 * (time.perf_counter() - begun)


def measures(python: str, peers: Path) -> dict[str, Callable[[], float]]:
    control = peer_flow(python, peers)
    arms = control, Friction(factor=0.02).apply(control)
    return {
        ALIAS: partial(peer_speed, python, peers, "np_alias", "agg"),
        "searchsorted (np_flat), counts": partial(peer_speed, python, peers, "np_flat", "agg"),
        "walk, both arms, counts": partial(counted_speed, arms),
        "np_alias, sequences": partial(peer_speed, python, peers, "np_alias", "path"),
        "walk_sequences, both arms": partial(recorded_speed, arms),
        **{
            COHORT.format(power, length): partial(cohort_milliseconds, arms, 10**power, length)
            for length in (MAX_LENGTH, LONG)
            for power in (6, 9)
        },
    }


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    where = f"{platform.system()} {platform.machine()}, {cpu or platform.processor()}"
    return f"{where}, {os.cpu_count()} cores, {versions}"


def print_table(found: dict[str, list[float]]) -> None:
    print(f"{'':52}{'median':>9}{'range':>16}  ratio")
    for name, values in found.items():
        counted = name.startswith("cohort")
        reference = COHORT.format(6, name.split()[-2]) if counted else ALIAS
        ratio = median(values) / median(found[reference])
        unit, against = ("ms", "1e6") if counted else ("M steps/s", "np_alias")
        span = f"{min(values):.1f} to {max(values):.1f}"
        print(f"{name + ', ' + unit:52}{median(values):>9.1f}{span:>16}  {ratio:.2f} x {against}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, required=True, help="folder of the peers' scripts")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that runs them")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    if not (chosen.peers / "sim.py").exists():
        print(f"No sim.py in {chosen.peers}: nothing to measure beside; skipped.")
        return
    each = measures(chosen.peers_python, chosen.peers)
    found: dict[str, list[float]] = {name: [] for name in each}
    for _ in range(chosen.rounds):
        for name, run in each.items():
            found[name].append(run())
    print(machine())
    print_table(found)


if __name__ == "__main__":
    main()
