"""Where things are kept between commands, and how much room they may take."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from persona_tui.engine.errors import SimulationError
from persona_tui.study.option_texts import read_size

FOLDER_VARIABLE: Final = "PERSONA_TUI_CACHE_DIR"
SIZE_VARIABLE: Final = "PERSONA_TUI_CACHE_SIZE"
MOST_BYTES: Final = 20 * 10**9
MOST_OF_DISK: Final = 0.1


def cache_root(study: str = "") -> Path:
    """Return where things are kept: ``PERSONA_TUI_CACHE_DIR``, else in the study, else with the user.

    Parameters
    ----------
    study : str
        Folder of the study; one that does not exist yet keeps nothing.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    if study and Path(study).is_dir():
        return Path(study) / "cache"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "persona-tui"


def cache_limit(folder: Path) -> int:
    """Return how many bytes prepared logs may take: ``PERSONA_TUI_CACHE_SIZE``, or a share of the disk.

    Parameters
    ----------
    folder : Path
        Exists.

    Raises
    ------
    SimulationError
        If the variable holds no size.
    """
    named = os.environ.get(SIZE_VARIABLE)
    if not named:
        return min(MOST_BYTES, int(MOST_OF_DISK * shutil.disk_usage(folder).total))
    try:
        return read_size(named)
    except ValueError as fault:
        raise SimulationError(f"{SIZE_VARIABLE} {fault}") from None


def folder_size(folder: Path) -> int:
    """Return the bytes of all files below a folder; those that go meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
