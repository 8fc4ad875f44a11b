"""The folders of runs: how they are called, and which of them some process is doing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from persona_tui.engine.errors import ExportError
from persona_tui.engine.locks import held
from persona_tui.study.store import make_folder

RUNS: Final = "runs"
MANIFEST: Final = "manifest.json"
"""Written last: a run that has one is finished."""
_LOCK: Final = "lock"
_PATIENCE: Final = 2.0
"""Seconds for which one who only looks may hold the lock of a run."""


def new_run(study: Path, began: datetime) -> Path:
    """Return the new folder of a run."""
    name = f"{began.strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(3)}"
    return make_folder(make_folder(study / RUNS) / name)


@contextmanager
def only_here(run: Path) -> Iterator[bool]:
    """Hold the lock of a run while this process does it; give whether no other one does.

    Raises
    ------
    ExportError
        If the folder cannot be written.
    """
    with ExitStack() as stack:
        try:
            other = stack.enter_context(held(run / _LOCK, _PATIENCE))
        except OSError as fault:
            raise ExportError(f"'{run}' cannot be written: {fault.strerror or fault}.") from None
        yield other is None


def is_under_way(run: Path) -> bool:
    """Return whether some process does a run; one that has ended holds no lock."""
    try:
        with held(run / _LOCK) as other:
            return other is not None
    except OSError:
        return False
