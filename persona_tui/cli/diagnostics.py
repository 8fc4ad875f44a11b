"""What goes to stderr, and the exit codes; nowhere else are they known."""

from __future__ import annotations

import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

from persona_tui.cli.departure import Departure
from persona_tui.engine.data.readers.sql_urls import redact
from persona_tui.engine.errors import (
    DataError,
    ExportError,
    MissingExtraError,
    ModelingError,
    PersonaError,
    RunCancelled,
    SimulationError,
    ThresholdError,
    UnknownNameError,
    WorkerError,
)
from persona_tui.engine.text import printable

FAILED: Final = 1
USAGE: Final = 2
DATA: Final = 3
THRESHOLD: Final = 4
STDOUT_CLOSED: Final = 141
_CODES: Final[tuple[tuple[type[PersonaError], int], ...]] = (
    (WorkerError, FAILED),
    (ThresholdError, THRESHOLD),
    (DataError, DATA),
    (ModelingError, USAGE),
    (SimulationError, USAGE),
    (UnknownNameError, USAGE),
    (MissingExtraError, USAGE),
    (ExportError, FAILED),
)
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_PRIVATE: Final = 0o077
"""What is written holds data of users; nobody else on a shared machine reads it."""


def say(text: str) -> None:
    """Write a line of narration to stderr; one that is closed is not worth stopping for."""
    if sys.stderr is None:
        return
    hidden = _URL.sub(lambda found: redact(found[0]), text)
    shown = "\n".join(printable(line) for line in hidden.splitlines()) + "\n"
    encoding = sys.stderr.encoding or "utf-8"
    with suppress(OSError, ValueError, RuntimeError):  # the last where a signal came within a write
        sys.stderr.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()


def fail(message: str, hint: str, code: int) -> NoReturn:
    """Say what is wrong and what to do, and leave."""
    say(f"persona-tui: {message}" + (f"\n{hint}" if hint else ""))
    raise SystemExit(code)


def exit_code_of(error: PersonaError) -> int:
    """Return the exit code that stands for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


@contextmanager
def explained() -> Iterator[None]:
    """Turn errors and signals into one message and the right exit code, warnings into a line each."""
    os.umask(_PRIVATE)
    departure = Departure(say)
    departure.listen()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say_warning
            yield
    except PersonaError as error:
        fail(error.message, error.hint, exit_code_of(error))
    except RunCancelled as stopped:
        fail(str(stopped), "", 128 + signal.SIGINT)
    except BrokenPipeError:
        leave_on_closed_stdout()
    except MemoryError:
        fail("Out of memory.", "Use a machine with more memory, or a smaller log.", FAILED)
    finally:
        departure.over()


def _say_warning(message: Warning | str, *_origin: object, **_more: object) -> None:
    """Say a warning as a sentence to who runs the program; where it was raised tells them nothing."""
    say(f"Mind: {' '.join(str(message).split())}")


def leave_on_closed_stdout() -> NoReturn:
    """Leave silently because nobody reads stdout any more."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(STDOUT_CLOSED)
