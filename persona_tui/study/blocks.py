"""Runs that are under way: a folder with the blocks that are done, so that one that was stopped can go on."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
from persona_tui.study.run_folders import MANIFEST, RUNS, is_under_way, new_run, only_here
from persona_tui.study.store import make_folder, write_json

_BLOCKS, _RECIPE = "blocks", "recipe.json"
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
    study: Path,
    began: datetime,
    recipe: dict[str, Any],
    on_notice: Callable[[str], None],
    folder: Path | None = None,
) -> Iterator[OpenRun]:
    """Take up the unfinished run of the same recipe, or begin ``runs/<UTC time>-<hex>``.

    Parameters
    ----------
    study : Path
        Locked: a run in it that has no manifest, and that nobody does, is one that was stopped.
    began : datetime
        UTC.
    recipe : dict
        All that the blocks depend on, as JSON holds it.
    on_notice : callable
        Gets a sentence when a run is taken up, and when one is stopped that can be.
    folder : Path, optional
        Of the run that is meant, which is held already, and stays whatever becomes of it.

    Notes
    -----
    A run that is stopped, or fails for what another try may not meet (a full disk, too little memory, workers
    that were killed), keeps its folder if a block is done. One whose log or settings are wrong loses it: it
    would fail again. A finished one drops its blocks: its files tell all, and the recipe gives them again.
    """
    with ExitStack() as stack:
        chosen = folder or _taken_up(study, recipe, stack) or _begun(study, began, stack)
        blocks = _blocks_of(chosen, recipe)
        if len(blocks):
            on_notice(f"Resuming {chosen}: {_done(blocks)}.")
        for half_written in chosen.glob(".*.*"):
            half_written.unlink()
        try:
            yield OpenRun(folder=chosen, blocks=blocks)
        except BaseException as error:
            if len(blocks) and not _recurs(error):
                on_notice(f"The same command goes on with {chosen}: {_done(blocks)}.")
            elif folder is None:
                shutil.rmtree(chosen, ignore_errors=True)
            raise
        shutil.rmtree(blocks.folder, ignore_errors=True)


def _taken_up(study: Path, recipe: dict[str, Any], stack: ExitStack) -> Path | None:
    folder = find_unfinished(study, recipe)
    return folder if folder is not None and stack.enter_context(only_here(folder)) else None


def _begun(study: Path, began: datetime, stack: ExitStack) -> Path:
    folder = new_run(study, began)
    stack.enter_context(only_here(folder))
    return folder


def _blocks_of(run: Path, recipe: dict[str, Any]) -> FolderBlocks:
    """Return the blocks of a run, without those of another recipe."""
    if _recipe_of(run) != recipe:
        shutil.rmtree(run / _BLOCKS, ignore_errors=True)
        write_json(make_folder(run / _BLOCKS) / _RECIPE, recipe)
    return FolderBlocks(run / _BLOCKS)


def _recurs(error: BaseException) -> bool:
    return isinstance(error, _RECURRING) and not isinstance(error, WorkerError)


def _done(blocks: FolderBlocks) -> str:
    return "1 block is done" if len(blocks) == 1 else f"{len(blocks)} blocks are done"


def find_unfinished(study: Path, recipe: dict[str, Any]) -> Path | None:
    """Return the folder of the latest run of a recipe that was stopped, None where there is none."""
    stopped = (path for path in (study / RUNS).glob("*") if not (path / MANIFEST).exists())
    return next(
        (
            path
            for path in sorted(stopped, reverse=True)
            if _recipe_of(path) == recipe and not is_under_way(path)
        ),
        None,
    )


def _recipe_of(run: Path) -> object:
    try:
        return json.loads((run / _BLOCKS / _RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
