"""Runs that are under way: a folder with the blocks that are done, so that one that was stopped can go on."""

from __future__ import annotations

import json
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from persona_tui.engine.errors import (
    DataError,
    ModelingError,
    SimulationError,
    UnknownNameError,
    WorkerError,
)
from persona_tui.engine.files import write_whole
from persona_tui.engine.simulation.blocks import Arrays
from persona_tui.study.store import make_folder, write_json

MANIFEST: Final = "manifest.json"
"""Written last: a run that has one is finished."""
_RUNS, _BLOCKS, _RECIPE = "runs", "blocks", "recipe.json"
_FORMAT: Final = 1
_RECURRING: Final = (DataError, ModelingError, SimulationError, UnknownNameError)
"""What is wrong with the log or the settings, and would be again."""


@dataclass(frozen=True, slots=True)
class FolderBlocks:
    """Blocks as files of a folder, whole or absent; one that cannot be read counts as absent.

    Parameters
    ----------
    folder : Path
        ``<stage>-<index>.npz`` each: the arrays, and a header as JSON.
    """

    folder: Path

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self.folder.glob("[!.]*.npz"))

    def load(self, stage: str, index: int) -> Arrays | None:
        """Return the arrays of a block, None where it is not there or is damaged."""
        try:
            path = self._path(stage, index)
            with path.open("rb") as source, np.load(source, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            header = json.loads(arrays.pop("header").tobytes())
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return arrays if header == _header(stage, index) else None

    def save(self, stage: str, index: int, arrays: Arrays) -> None:
        """Write a block.

        Raises
        ------
        ExportError
            If it cannot be written.
        """
        header = np.frombuffer(json.dumps(_header(stage, index)).encode(), dtype=np.uint8)

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, allow_pickle=False, header=header, **arrays)

        write_whole(self._path(stage, index), write)

    def _path(self, stage: str, index: int) -> Path:
        return self.folder / f"{stage}-{index:05d}.npz"


def _header(stage: str, index: int) -> dict[str, Any]:
    return {"format": _FORMAT, "stage": stage, "index": index}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A run that is under way.

    Parameters
    ----------
    folder : Path
    blocks : FolderBlocks
        Where its finished blocks are kept.
    """

    folder: Path
    blocks: FolderBlocks


@contextmanager
def open_run(
    study: Path, began: datetime, recipe: dict[str, Any], on_notice: Callable[[str], None]
) -> Iterator[OpenRun]:
    """Take up the unfinished run of the same recipe, or begin ``runs/<UTC time>-<hex>``.

    Parameters
    ----------
    study : Path
        Locked: a run in it that has no manifest is one that was stopped.
    began : datetime
        UTC.
    recipe : dict
        All that the blocks depend on, as JSON holds it.
    on_notice : callable
        Gets a sentence when a run is taken up, and when one is stopped that can be.

    Notes
    -----
    A run that is stopped, or fails for what another try may not meet (a full disk, too little memory, workers
    that were killed), keeps its folder if a block is done. One whose log or settings are wrong loses it: it
    would fail again. A finished one drops its blocks: its files tell all, and the recipe gives them again.
    """
    folder = find_unfinished(study, recipe)
    if folder is not None:
        blocks = FolderBlocks(folder / _BLOCKS)
        on_notice(f"Resuming {folder}: {_done(blocks)}.")
        for half_written in folder.glob(".*.*"):
            half_written.unlink()
    else:
        name = f"{began.strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(3)}"
        folder = make_folder(make_folder(study / _RUNS) / name)
        blocks = FolderBlocks(make_folder(folder / _BLOCKS))
        write_json(blocks.folder / _RECIPE, recipe)
    try:
        yield OpenRun(folder=folder, blocks=blocks)
    except BaseException as error:
        if len(blocks) and not _recurs(error):
            on_notice(f"The same command goes on with {folder}: {_done(blocks)}.")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(blocks.folder, ignore_errors=True)


def _recurs(error: BaseException) -> bool:
    return isinstance(error, _RECURRING) and not isinstance(error, WorkerError)


def _done(blocks: FolderBlocks) -> str:
    return "1 block is done" if len(blocks) == 1 else f"{len(blocks)} blocks are done"


def find_unfinished(study: Path, recipe: dict[str, Any]) -> Path | None:
    """Return the folder of the latest run of a recipe that was stopped, None where there is none."""
    stopped = (path for path in (study / _RUNS).glob("*") if not (path / MANIFEST).exists())
    return next((path for path in sorted(stopped, reverse=True) if _recipe_of(path) == recipe), None)


def _recipe_of(run: Path) -> object:
    try:
        return json.loads((run / _BLOCKS / _RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
