"""Follow runs while they work, and see them again as they went: reading alone, by any number of readers."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from persona_tui.engine.errors import SimulationError, unknown_name
from persona_tui.study.journal import JOURNAL, NOW, PAUSE, Line, parse_line, process_start, read_lines
from persona_tui.study.run_folders import MANIFEST, RUNS, is_under_way
from persona_tui.study.run_lines import advance
from persona_tui.study.run_state import ALIVE, RunState

EVERY: Final = 0.1
"""Seconds between two looks at a run."""
_SAME_START: Final = 2.0
"""Seconds by which the time that a process began may be told differently, after a clock was set."""
_STARTING: Final = 60.0
"""Seconds that a process may take before its first word."""
_OFTEN_TOLD: Final = (b'{"stage"', b'{"walked"', b'{"followed"')
_LAST_LINES: Final = 8


class RunFollower:
    """Reads what a run has told since the last look.

    Parameters
    ----------
    folder : Path
        Of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read = 0
        self._torn = b""
        self._state = RunState()

    def poll(self) -> RunState:
        """Return how the run stands now."""
        with suppress(OSError), (self.folder / JOURNAL).open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
            self._read += len(fresh)
            *whole, self._torn = (self._torn + fresh).split(b"\n")
            for text in whole:
                line = parse_line(text)
                if line is not None:
                    self._state = advance(self._state, line)
        return _as_it_is(self.folder, self._newest())

    def _newest(self) -> RunState:
        """Return the state with what the journal does not keep, for being told too often."""
        state = self._state
        for line in _now(self.folder):
            if line["seconds"] >= self._state.seconds:
                state = advance(state, line)
        return state


def follow(
    folder: Path, *, every: float = EVERY, sleep: Callable[[float], None] = time.sleep
) -> Iterator[RunState]:
    """Yield how a run stands, until it is at rest.

    Parameters
    ----------
    folder : Path
    every : float
        Seconds between two looks.
    sleep : callable
    """
    follower = RunFollower(folder)
    while True:
        state = follower.poll()
        yield state
        if state.status not in ALIVE:
            return
        sleep(every)


def frames(folder: Path) -> Iterator[tuple[float, RunState]]:
    """Yield all that a run told, as seconds of work and how it stood then.

    Parameters
    ----------
    folder : Path
    """
    state = RunState()
    for line in read_lines(folder / JOURNAL):
        state = advance(state, line)
        yield state.seconds, state


def replay(
    folder: Path, *, speed: float = 1.0, sleep: Callable[[float], None] = time.sleep
) -> Iterator[RunState]:
    """Yield how a run stood, in its own time or faster.

    Parameters
    ----------
    folder : Path
    speed : float
        How many times as fast; infinity does not wait at all.
    sleep : callable

    Raises
    ------
    SimulationError
        If the speed is not above zero, or the run has told nothing.
    """
    if not speed > 0:
        raise SimulationError(f"speed == {speed:g}, must be > 0.")
    told, before = 0, 0.0
    for seconds, state in frames(folder):
        if seconds > before:
            sleep((seconds - before) / speed)
            before = seconds
        told += 1
        yield state
    if not told:
        raise SimulationError(f"'{folder}' has no journal.", hint="It was done by an earlier version.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A run of a study.

    Parameters
    ----------
    folder : Path
    state : RunState
        Without the course of its scenarios.
    """

    folder: Path
    state: RunState


def list_runs(study: Path) -> list[ListedRun]:
    """Return the runs of a study, the newest first.

    Parameters
    ----------
    study : Path
    """
    folders = sorted((path for path in (study / RUNS).glob("*") if path.is_dir()), reverse=True)
    return [ListedRun(folder=each, state=state_of(each)) for each in folders]


def state_of(folder: Path) -> RunState:
    """Return how a run stands, without the course of its scenarios, which takes reading all of its journal.

    Parameters
    ----------
    folder : Path
    """
    try:
        texts = (folder / JOURNAL).read_bytes().splitlines()
    except OSError:
        texts = []
    cut = max(0, len(texts) - _LAST_LINES)
    kept = [each for each in texts[:cut] if not each.startswith(_OFTEN_TOLD)]
    state = RunState()
    for line in filter(None, map(parse_line, [*kept, *texts[cut:]])):
        state = advance(state, line)
    return _as_it_is(folder, state)


def find_run(study: Path, name: str = "") -> Path:
    """Return the folder of a run by its name or the beginning of it; the newest where none is given.

    Parameters
    ----------
    study : Path
        A study, or a run itself.
    name : str

    Raises
    ------
    SimulationError
        If there is no such run, or several begin so.
    """
    if not name and study.parent.name == RUNS and study.is_dir():
        return study
    names = sorted(path.name for path in (study / RUNS).glob("*") if path.is_dir())
    if not names:
        raise SimulationError(f"'{study}' has no runs.", hint=f"Try: persona-tui simulate {study} --detach")
    begun = [each for each in names if each.startswith(name)]
    if name in names or len(begun) == 1 or not name:
        return study / RUNS / (name if name in names else begun[-1])
    if begun:
        raise SimulationError(f"{len(begun)} runs begin with '{name}': {', '.join(begun)}.")
    raise SimulationError(str(unknown_name("run", name, names)))


def _now(folder: Path) -> list[Line]:
    try:
        return list(json.loads((folder / NOW).read_bytes()))
    except (OSError, ValueError, TypeError):
        return []


def _as_it_is(folder: Path, state: RunState) -> RunState:
    """Return the state as the system knows it: a process that is gone says so no more."""
    if (folder / MANIFEST).exists():
        return state if state.status in {"finished", *ALIVE} and _lives(folder, state) else _finished(state)
    if state.status not in ALIVE:
        return state
    if not _lives(folder, state):
        return replace(state, status="interrupted")
    if state.status == "running" and (folder / PAUSE).exists():
        return replace(state, status="paused")
    return state


def _finished(state: RunState) -> RunState:
    return replace(state, status="finished")


def _lives(folder: Path, state: RunState) -> bool:
    """Return whether the process of the latest attempt is at work."""
    process = state.process
    if process.get("host") != socket.gethostname():
        return is_under_way(folder)
    if process.get("pid") is None:
        return _is_young(folder) or is_under_way(folder)
    started = process_start(int(process["pid"]))
    return started is not None and abs(started - float(process["started"] or 0.0)) < _SAME_START


def _is_young(folder: Path) -> bool:
    """Return whether a run that was started may not have said its first word yet."""
    with suppress(OSError):
        return time.time() - os.stat(folder / JOURNAL).st_mtime < _STARTING  # noqa: PTH116 - one call
    return False
