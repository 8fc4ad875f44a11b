"""Leave on a signal, though not where the exception that does it would be lost or do harm."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from time import monotonic
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_AGAIN_SECONDS: Final = 0.01
_LOST_SECONDS: Final = 1.0
"""After which an exception that ended nothing was dropped by who called, and is raised again."""
_PATIENCE_SECONDS: Final = 5.0
"""After which it leaves wherever it is."""
_OWN: Final = frozenset({"persona_tui", "__main__"})
_LIBRARIES: Final = frozenset({"polars", "threadpoolctl"})
"""Native code calls them back and takes an exception from there for a fault of its own, or drops it."""


class Departure:
    """Handles the signals that end a process.

    The first is told at once. The exit is an exception, so that whatever is open is closed on its way. It is
    raised in code of our own, or where the program waits: elsewhere, between the taking of a lock and the
    statement that gives it back, the lock would be held for ever. Where it must not be raised, it is raised a
    little later.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._asked: float | None = None
        self._raised = False
        self._exit_code = 0
        self._stood: tuple[FrameType, int] | None = None

    def listen(self) -> None:
        """Handle the signals from now on, except those the process was started to ignore."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def over(self) -> None:
        """Say that the process is leaving: nothing is raised any more."""
        if self._asked is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._exit_code = 128 + number
        if self._asked is None:
            self._asked = monotonic()
            self._tell(f"persona-tui: stopped by {signal.Signals(number).name}; earlier runs are kept.")
            signal.signal(signal.SIGALRM, self._on_alarm)
        self._leave(frame, at_once=self._waited() > _PATIENCE_SECONDS)

    def _on_alarm(self, _number: int, frame: FrameType | None) -> None:
        self._leave(frame, at_once=not self._raised and self._waited() > _PATIENCE_SECONDS)

    def _leave(self, frame: FrameType | None, *, at_once: bool) -> None:
        if not (at_once or self._is_safe(frame)):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
            return
        self._raised = True
        signal.setitimer(signal.ITIMER_REAL, _LOST_SECONDS)
        raise SystemExit(self._exit_code)

    def _is_safe(self, frame: FrameType | None) -> bool:
        if frame is None:
            return True
        if _closing() or _in_library(frame):
            return False
        stood, self._stood = self._stood, (frame, frame.f_lasti)
        return _package(frame) in _OWN or stood == self._stood

    def _waited(self) -> float:
        return 0.0 if self._asked is None else monotonic() - self._asked


def _closing() -> bool:
    """Return whether something is being closed: one more exception would cut that short, or be ignored."""
    return isinstance(sys.exception(), GeneratorExit | KeyboardInterrupt | SystemExit)


def _in_library(frame: FrameType | None) -> bool:
    while frame is not None:
        if _package(frame) in _LIBRARIES:
            return True
        frame = frame.f_back
    return False


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]
