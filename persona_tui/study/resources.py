"""What this process may use of a shared machine."""

from __future__ import annotations

import os
from pathlib import Path

from persona_tui.engine.simulation.executors import BLAS_VARIABLES

THREAD_VARIABLES = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS")
_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_workers() -> int:
    """Return how many cores this process may use: its affinity, bounded by the cgroup's quota."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _CGROUP_QUOTA.read_text().split()
        return max(1, min(affinity, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        return affinity


def bound_threads(workers: int) -> None:
    """Bound the thread pools of libraries that are not yet loaded.

    Linear algebra gets one thread: the arrays are small, and sums then do not depend on the machine's cores.
    """
    for name in THREAD_VARIABLES:
        os.environ[name] = str(workers)
    for name in BLAS_VARIABLES:
        os.environ[name] = "1"
