"""Planted worlds by the thousand, in several processes; each is written down, so that a run can go on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")


def run_worlds(
    work: Callable[[int], Result],
    n_worlds: int,
    *,
    workers: int,
    settings: dict[str, Any],
    records: Path,
    to_line: Callable[[Result], str],
    from_line: Callable[[str], Result],
    world_of: Callable[[Result], int],
) -> list[Result]:
    """Return the results of all worlds, by world; those that ``records`` holds are not run again.

    ``settings`` head the records: those of a run with others are refused.
    """
    results = [from_line(line) for line in _resume(records, json.dumps(settings))]
    known = {world_of(result) for result in results}
    pending = [world for world in range(n_worlds) if world not in known]
    begun = time.monotonic()
    with (
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
        records.open("a") as file,
    ):
        try:
            for done, result in enumerate(pool.map(work, pending), start=1):
                file.write(to_line(result) + "\n")
                file.flush()
                results.append(result)
                left = (time.monotonic() - begun) / done * (len(pending) - done)
                told = f"\r{len(results):,} of {n_worlds:,} worlds, {left / 60:.1f} min left "
                print(told, end="", file=sys.stderr)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            sys.exit(f"\nStopped; the same command goes on from {records}.")
    print(file=sys.stderr)
    return sorted(results, key=world_of)


def _resume(records: Path, head: str) -> list[str]:
    """Return the lines of worlds that are done, and leave the file ready for the next."""
    lines = records.read_text().splitlines(keepends=True) if records.exists() else [head + "\n"]
    if lines[0] != head + "\n":
        sys.exit(f"{records} is of another run: {lines[0].strip()}. Delete it to start anew.")
    whole = [line for line in lines if line.endswith("\n")]  # the last may have been cut short
    records.write_text("".join(whole))
    return whole[1:]


def covered(groups: Iterable[list[bool]]) -> str:
    """Return the share that is true in percent, with its standard error by group."""
    kept = [group for group in groups if group]
    count = sum(len(group) for group in kept)
    if not count:
        return "–"
    share = sum(sum(group) for group in kept) / count
    error = np.sqrt(sum((sum(group) - share * len(group)) ** 2 for group in kept)) / count
    return f"{100 * share:.1f} ± {100 * error:.1f}"
