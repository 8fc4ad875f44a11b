"""Time and memory of ``persona-tui batch`` on logs of many event types.

    python tests/benchmarks/event_types.py [--types 500,1000,2000] [--users 20000]

Each log is walked through two planted chains of few moves a state; each run is a process of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

FEW_MOVES, LEAVING, LONGEST = 8, 0.05, 200
ENTRIES = 10
"""Event types with which journeys begin."""


def planted_log(n_types: int, n_users: int) -> pl.DataFrame:
    """Return a log of two kinds of users, the last event type being the completion."""
    generator = np.random.default_rng(n_types)
    targets = generator.integers(0, n_types, size=(2, n_types, FEW_MOVES))
    kind = generator.integers(0, 2, size=n_users)
    walkers, states = np.arange(n_users), generator.integers(0, ENTRIES, size=n_users)
    users, events, steps = [], [], []
    for step in range(LONGEST):
        users.append(walkers)
        events.append(states)
        steps.append(np.full(len(walkers), step))
        goes_on = (states != n_types - 1) & (generator.random(len(walkers)) > LEAVING)
        walkers, states = walkers[goes_on], states[goes_on]
        states = targets[kind[walkers], states, generator.integers(0, FEW_MOVES, size=len(walkers))]
    user, event, step = (np.concatenate(each) for each in (users, events, steps))
    frame = pl.DataFrame({"user_id": user, "event_type": event, "step": step})
    start = pl.datetime(2026, 1, 5, time_zone="UTC") + pl.duration(minutes="user_id")
    return frame.sort("user_id", "step").select(
        pl.format("u{}", "user_id").alias("user_id"),
        (start + pl.duration(seconds="step")).alias("timestamp"),
        pl.format("type {}", "event_type").alias("event_type"),
    )


def run_batch(log: Path, n_types: int, output: Path) -> tuple[int, float, float]:
    """Return the exit code, the seconds of processors and the peak memory in gigabytes of one run."""
    arguments = ["-m", "persona_tui", "batch", "--events", str(log), "--output", str(output)]
    arguments += ["--completion", f"type {n_types - 1}", "--quiet", "--json"]
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(sys.executable, [sys.executable, *arguments], os.environ, file_actions=silent)
    _, status, used = os.wait4(process, 0)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--types", default="500,1000,2000")
    parser.add_argument("--users", type=int, default=20_000)
    chosen = parser.parse_args()
    for n_types in map(int, chosen.types.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log.parquet"
            events = planted_log(n_types, chosen.users)
            events.write_parquet(log)
            begun = time.perf_counter()
            code, seconds, peak = run_batch(log, n_types, Path(folder) / "out")
            passed = time.perf_counter() - begun
        print(f"{n_types} types, {len(events):,} events: exit {code}, {passed:.0f} s", end="")
        print(f" ({seconds:.0f} s of processors), {peak:.2f} GB")


if __name__ == "__main__":
    main()
