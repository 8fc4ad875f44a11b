"""What this process may use of a shared machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from persona_tui.engine.simulation.executors import BLAS_VARIABLES
from persona_tui.study.option_texts import LEAST_MEMORY

THREAD_VARIABLES = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroups:
    """The control groups that this process is in, of version 1 and 2, with those above them.

    Parameters
    ----------
    root : Path
        Where they are mounted.
    membership : Path
        Where the kernel lists those of the process.
    """

    root: Path = Path("/sys/fs/cgroup")
    membership: Path = Path("/proc/self/cgroup")

    def cpu_quotas(self) -> Iterator[float]:
        """Yield how many cores each group may use, where it has a bound."""
        for folder in self._folders(""):
            quota, _, period = _text(folder / "cpu.max").partition(" ")
            yield from _ratio(quota, period)
        for folder in self._folders("cpu"):
            yield from _ratio(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))

    def memory_left(self) -> Iterator[int]:
        """Yield how many bytes each group has left, where it has a bound.

        Notes
        -----
        Cached files count as used, but make room: ``inactive_file`` is given back.
        """
        for folder in self._folders(""):
            yield from _left(folder, "memory.max", "memory.current", "inactive_file")
        for folder in self._folders("memory"):
            yield from _left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")

    def _folders(self, controller: str) -> Iterator[Path]:
        """Yield the folder of the process and those above it; an empty controller means version 2."""
        for line in _text(self.membership).splitlines():
            _, controllers, path = (*line.split(":", 2), "", "")[:3]
            if controller not in controllers.split(","):
                continue
            mount = self._mount(controllers, controller)
            own = mount / path.lstrip("/")
            for folder in (own, *own.parents):
                yield folder
                if folder == mount:
                    break

    def _mount(self, controllers: str, controller: str) -> Path:
        """Return where a hierarchy is: under its controllers' names, of version 2 also beside version 1."""
        names = (controllers, controller) if controller else ("unified",)
        return next((self.root / name for name in names if (self.root / name).is_dir()), self.root)


MACHINE: Final = Cgroups()


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _ratio(quota: str, period: str) -> Iterator[float]:
    cores, every = _number(quota), _number(period)
    if cores and every:
        yield cores / every


def _left(folder: Path, limit_file: str, used_file: str, cached: str) -> Iterator[int]:
    limit, used = _number(_text(folder / limit_file)), _number(_text(folder / used_file))
    if limit is None or used is None:
        return
    stated = dict(line.split(" ", 1) for line in _text(folder / "memory.stat").splitlines() if " " in line)
    yield max(0, limit - used + (_number(stated.get(cached, "")) or 0))


def available_workers(cgroups: Cgroups = MACHINE) -> int:
    """Return how many cores this process may use: its affinity, bounded by the quotas of its groups.

    Parameters
    ----------
    cgroups : Cgroups
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [-int(-cores // 1) for cores in cgroups.cpu_quotas()]
    return max(1, min([affinity, *quotas]))


def available_memory(cgroups: Cgroups = MACHINE) -> int:
    """Return how many bytes this process may still use: what is free, bounded by what its groups have left.

    Parameters
    ----------
    cgroups : Cgroups
    """
    import psutil  # noqa: PLC0415 - 0.02 s, only loading needs it

    return min([int(psutil.virtual_memory().available), *cgroups.memory_left()])


def memory_budget(given: int | None, cgroups: Cgroups = MACHINE) -> int:
    """Return how many bytes loading may take: what is given, else half of what is free.

    Parameters
    ----------
    given : int or None
    cgroups : Cgroups
    """
    return max(LEAST_MEMORY, available_memory(cgroups) // 2) if given is None else given


def bound_threads(workers: int) -> None:
    """Bound the thread pools of libraries that are not yet loaded.

    Linear algebra gets one thread: the arrays are small, and sums then do not depend on the machine's cores.
    """
    for name in THREAD_VARIABLES:
        os.environ[name] = str(workers)
    for name in BLAS_VARIABLES:
        os.environ[name] = "1"
