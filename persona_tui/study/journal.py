"""The journal of a run: JSON lines that are appended while it works, and that everyone can follow.

A line is an object with ``seconds`` of work since the run began and one thing that it tells: ``stage`` (how
far a stage is), ``begin`` and ``end`` (of an attempt), ``scenario`` (both arms before anybody walks),
``walked`` (where the simulation stands), ``followed`` (walkers from step to step), ``note``, ``paused``. What
is told often is thinned as the run grows older, so that a journal grows with the logarithm of the time; the
newest of it stands in ``now.json``, which is replaced.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

from persona_tui.engine.errors import PersonaError, RunCancelled
from persona_tui.engine.progress import Progress

Line: TypeAlias = dict[str, Any]
"""What one line of a journal tells."""

JOURNAL: Final = "progress.jsonl"
NOW: Final = "now.json"
PAUSE: Final = "pause"
"""While there is a file of this name in its folder, a run waits at its next block boundary."""

OFTEN: Final = 0.15
"""Seconds between two lines of a kind, at least; a screen wants four a second."""
SHOWN: Final = OFTEN / 2
"""Seconds between two looks at what is newest, at least: lines of several kinds take turns."""
THINNING: Final = 1 / 400
"""Of a run's age: lines of a kind are that far apart, at least."""
_WAIT: Final = 0.2


class Journal:
    """What a run writes of itself; a journal that cannot be written is not worth stopping for.

    Parameters
    ----------
    folder : Path, optional
        Of the run, where it is known from the first; else lines are kept until ``open``.
    begin : dict
        What the run was asked for, for those who take it up again.
    process : dict, optional
        Who does it; this process where left out.
    clock : callable
        Gives seconds.
    """

    def __init__(
        self,
        begin: Line,
        folder: Path | None = None,
        *,
        process: Line | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._folder: Path | None = None
        self._kept: list[Line] = []
        self._begun, self._offset = clock(), 0.0
        self._told: dict[str, float] = {}
        self._latest: dict[str, Line] = {}
        self._shown = 0.0
        if folder is not None:
            self.open(folder)
        self.write({"begin": {**begin, **(process or this_process())}})

    def open(self, folder: Path) -> None:
        """Go on in the folder of a run: after what an earlier attempt wrote, if one did."""
        self._folder, path = folder, folder / JOURNAL
        before = [line["seconds"] for line in read_lines(path)]
        self._offset = max(before, default=0.0)
        with suppress(OSError):
            if before and not path.read_bytes().endswith(b"\n"):
                self._put("\n")
        for line in self._kept:
            self._append({**line, "seconds": round(line["seconds"] + self._offset, 3)})
        self._kept.clear()

    @property
    def seconds(self) -> float:
        """Return the seconds of work so far, pauses left out."""
        return round(self._clock() - self._begun + self._offset, 3)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        self.write({"end": _ending(error)})
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / NOW).unlink(missing_ok=True)

    def __call__(self, progress: Progress) -> None:
        """Tell how far a stage is: its beginning and its end always, what is between not too often."""
        line = {"stage": progress.stage, "done": progress.done, "total": progress.total}
        self.tell(progress.stage, line, whole=progress.done >= progress.total)

    def write(self, line: Line) -> None:
        """Append a line."""
        line = {**line, "seconds": self.seconds}
        if self._folder is None:
            self._kept.append(line)
        else:
            self._append(line)

    def tell(self, kind: str, line: Line, *, whole: bool = False) -> None:
        """Append a line of a kind that is told often, or show it as the newest alone; a whole one stays."""
        now = self.seconds
        if whole or kind not in self._told or now - self._told[kind] >= max(OFTEN, THINNING * now):
            self._told[kind] = now
            self._latest.pop(kind, None)
            self.write(line)
        else:
            self._latest[kind] = {**line, "seconds": now}
            self._show(now)

    def due(self, kind: str) -> bool:
        """Return whether a line of a kind would be seen: the last one is some time ago."""
        latest = self._latest.get(kind, {}).get("seconds", self._told.get(kind, -OFTEN))
        return bool(self.seconds - latest >= OFTEN)

    def wait_while_paused(self) -> None:
        """Wait as long as the run is paused; its seconds stand still."""
        if self._folder is None or not (self._folder / PAUSE).exists():
            return
        self.write({"paused": True})
        stopped = self._clock()
        while (self._folder / PAUSE).exists():
            time.sleep(_WAIT)
        self._begun += self._clock() - stopped
        self.write({"paused": False})

    def _append(self, line: Line) -> None:
        with suppress(OSError):
            self._put(json.dumps(line) + "\n")

    def _put(self, text: str) -> None:
        if self._folder is not None:
            with (self._folder / JOURNAL).open("a", encoding="utf-8") as file:
                file.write(text)

    def _show(self, now: float) -> None:
        """Replace the newest lines, for those who look; nothing of it is needed later."""
        if self._folder is None or now - self._shown < SHOWN:
            return
        self._shown = now
        temporary = self._folder / f".{NOW}"
        with suppress(OSError):
            temporary.write_text(json.dumps(list(self._latest.values())), encoding="utf-8")
            temporary.replace(self._folder / NOW)


def _ending(error: BaseException | None) -> Line:
    """Return how an attempt ended."""
    if error is None:
        return {"how": "finished"}
    if isinstance(error, (RunCancelled, KeyboardInterrupt, SystemExit)):
        return {"how": "stopped"}
    if isinstance(error, PersonaError):
        return {"how": "failed", "message": error.message, "hint": error.hint}
    return {"how": "failed", "message": f"{type(error).__name__}: {error}", "hint": ""}


def this_process() -> Line:
    """Return what this process is known by on every machine that sees the study."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "started": process_start(os.getpid())}


def process_start(pid: int) -> float | None:
    """Return when a process of this machine began, None where it has ended.

    Notes
    -----
    A number of another process that has since taken its place begins at another time.
    """
    import psutil  # noqa: PLC0415 - 0.02 s, only runs need it

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None


def progress_line(progress: Progress, seconds: float) -> str:
    """Return one report as the JSON line that files and ``--progress json`` share."""
    line = {"stage": progress.stage, "done": progress.done, "total": progress.total}
    return json.dumps({**line, "seconds": round(seconds, 3)})


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a journal; one that was torn, or is none, is passed over."""
    with suppress(OSError), path.open("rb") as file:
        for text in file:
            line = parse_line(text)
            if line is not None:
                yield line


def parse_line(text: bytes) -> Line | None:
    """Return what a line tells, None where it is torn or no line of a journal.

    Examples
    --------
    >>> parse_line(b'{"note": "Hello.", "seconds": 1.5}'), parse_line(b'{"note": "He')
    ({'note': 'Hello.', 'seconds': 1.5}, None)
    """
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("seconds"), (int, float)) else None
