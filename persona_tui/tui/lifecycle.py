"""How the app begins and ends: signals, a terminal that goes away, and a crash that loses nothing."""

from __future__ import annotations

import asyncio
import os
import platform
import select
import signal
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from persona_tui import __version__

_SIGNALS: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
_STDIN: Final = 0
_TOLD: Final = ("TERM", "COLORTERM", "LANG", "LC_ALL")
_PATIENCE_SECONDS: Final = 5.0
"""In which the app must have left after it was told to; a thread that is busy does not hold it longer."""


def on_signals(leave: Callable[[int], None]) -> None:
    """Leave in order, with the exit code of the signal, when one comes; call inside the event loop."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, leave, 128 + number)


def on_hangup(leave: Callable[[int], None]) -> None:
    """Leave when the terminal is closed without a signal; Textual would read from it for ever."""

    def wait() -> None:
        watched = select.poll()
        watched.register(_STDIN, 0)  # hang-ups are always told
        watched.poll()
        leave(128 + signal.SIGHUP)

    threading.Thread(target=wait, name="hang-up", daemon=True).start()


def leave_for_sure(code: int) -> None:
    """End the process in a few seconds whatever still runs; what matters is on disk by then."""
    timer = threading.Timer(_PATIENCE_SECONDS, os._exit, (code,))
    timer.daemon = True
    timer.start()


def write_crash_report(error: BaseException, folder: Path) -> Path | None:
    """Write what went wrong, without any of the data, and return where; None where it cannot be written."""
    moment = datetime.now(UTC)
    lines = [
        f"persona-tui {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        *(f"{name}={os.environ.get(name, '')}" for name in _TOLD),
        "",
        *(f"{at.filename}:{at.lineno} in {at.name}" for at in traceback.extract_tb(error.__traceback__)),
        type(error).__name__,
    ]
    path = folder / f"crash-{moment:%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError:
        return None
    return path
