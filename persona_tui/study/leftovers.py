"""Temporary folders that killed programs left, as they are listed and cleared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from persona_tui.engine.working_folders import abandoned_folders, sweep, temporary_folder
from persona_tui.study.cache_folders import folder_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A temporary folder that no living process owns.

    Parameters
    ----------
    folder : Path
    n_bytes : int
    """

    folder: Path
    n_bytes: int


def leftovers() -> list[Leftover]:
    """Return what killed programs left where temporary files go."""
    return [
        Leftover(folder=folder, n_bytes=folder_size(folder))
        for folder in abandoned_folders(temporary_folder())
    ]


def clear_leftovers() -> list[Leftover]:
    """Take away what killed programs left; return what went."""
    found = leftovers()
    sweep(temporary_folder())
    return [each for each in found if not each.folder.exists()]
