"""Events per second and peak memory of a synthetic log, beside those of walking its users alone.

    python tests/benchmarks/synthesis.py LOG [--users 1000000] [--folder DIR]

Every measure is a process of its own: walking alone, making the blocks, the same without a protected
sequence, and writing each format into DIR, which needs room for the largest (about 100 bytes an event).
What walks alone count are states, returns too. Speed is by the processor's time of all threads.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - after the number of threads is set

from persona_tui.engine.data.writers import WRITERS  # noqa: E402
from persona_tui.engine.rng import normalise_seed  # noqa: E402
from persona_tui.engine.simulation.log_generator import LogGenerator, fit_log_generator  # noqa: E402
from persona_tui.engine.simulation.privacy import DEFAULT_RULE, PrivacyRule  # noqa: E402
from persona_tui.engine.simulation.synthesis import USERS_PER_BLOCK, synthesize_log  # noqa: E402
from persona_tui.engine.simulation.synthetic_walks import walk_journeys  # noqa: E402
from persona_tui.engine.statistics import largest_remainder  # noqa: E402
from persona_tui.study.fit import fit_flow  # noqa: E402
from persona_tui.study.log import prepare_log  # noqa: E402
from persona_tui.study.options import Settings  # noqa: E402

NOTHING = PrivacyRule(length=10**9)


def fitted(log: str, rule: PrivacyRule = DEFAULT_RULE) -> LogGenerator:
    settings = Settings(events=log)
    _, simulator = fit_flow(settings, prepare_log(settings))
    return fit_log_generator(simulator, rule=rule)


def walk_alone(generator: LogGenerator, n_users: int) -> int:
    horizon, events, seed = generator.horizon(n_users), 0, normalise_seed(0)
    for persona, users in enumerate(largest_remainder(generator.user_shares, n_users).tolist()):
        for first in range(0, users, USERS_PER_BLOCK):
            some = min(USERS_PER_BLOCK, users - first)
            block = np.random.SeedSequence(seed.entropy, spawn_key=(first,))
            events += len(walk_journeys(generator.flow, persona, some, horizon, block).states)
    return events


def make_blocks(generator: LogGenerator, n_users: int) -> int:
    return sum(block.tally.n_events for block in synthesize_log(generator, n_users, random_state=0))


def write(generator: LogGenerator, n_users: int, suffix: str, folder: Path) -> tuple[int, int]:
    path, events = folder / f"synthetic{suffix}", 0

    def parts():
        nonlocal events
        for block in synthesize_log(generator, n_users, random_state=0):
            events += block.tally.n_events
            yield block.events

    WRITERS.get(suffix)(parts(), path)
    size = path.stat().st_size
    path.unlink()
    return events, size


def measure(name: str, log: str, n_users: int, folder: Path) -> None:
    generator = fitted(log, NOTHING if name == "unprotected" else DEFAULT_RULE)
    before, size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0
    begun, worked = time.perf_counter(), time.process_time()
    kinds: dict[str, Callable[[LogGenerator, int], int]] = {"walks": walk_alone}
    if name.startswith("."):
        events, size = write(generator, n_users, name, folder)
    else:
        events = kinds.get(name, make_blocks)(generator, n_users)
    seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name:<14}{events:>12,} events {seconds:>7.1f} s ({worked:>5.1f} of the processor) "
        f"{events / worked / 1e6:>6.2f} M/s   "
        f"peak {peak:>6.0f} MB ({before:.0f} before) {size / 1e6:>8.0f} MB file",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log")
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where files are written; default: a temporary folder")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only:
        measure(chosen.only, chosen.log, chosen.users, chosen.folder)
        return
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        options = ["--users", str(chosen.users), "--folder", str(chosen.folder or folder)]
        for name in ("walks", "unprotected", "blocks", *WRITERS.names()):
            subprocess.run([sys.executable, __file__, chosen.log, *options, "--only", name], check=True)


if __name__ == "__main__":
    main()
