from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
import pytest

from persona_tui.engine.errors import (
    DataError,
    ExportError,
    ModelingError,
    RunCancelled,
    SimulationError,
    UnknownNameError,
    WorkerError,
)
from persona_tui.study.blocks import FolderBlocks, find_unfinished, open_run

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
RECIPE = {"version": "1", "settings": "seed = 0\n"}
ARRAYS = {"moved": np.arange(6.0).reshape(2, 3), "n": np.array([2**62])}


def stop_in(study, *, error, n_blocks=1, notices=None):
    """Begin a run, do some blocks and stop it; return it."""
    told = [] if notices is None else notices
    with suppress(type(error)), open_run(study, BEGAN, RECIPE, told.append) as run:
        for index in range(n_blocks):
            run.blocks.save("draws", index, ARRAYS)
        raise error
    return run


def test_a_block_comes_back_with_the_same_bytes_and_types(tmp_path):
    blocks = FolderBlocks(tmp_path)
    blocks.save("draws", 3, ARRAYS)
    found = blocks.load("draws", 3)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (found[name].dtype, found[name].tobytes()) == (array.dtype, array.tobytes())
    assert blocks.load("draws", 2) is None
    assert len(blocks) == 1


def test_a_damaged_block_or_one_under_another_name_counts_as_absent(tmp_path):
    blocks = FolderBlocks(tmp_path)
    blocks.save("draws", 0, ARRAYS)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.with_name("draws-00001.npz").write_bytes(whole)
    assert blocks.load("draws", 1) is None
    for content in (whole[:-40], whole.replace(b"\x40", b"\x41"), b""):
        path.write_bytes(content)
        assert blocks.load("draws", 0) is None


@pytest.mark.parametrize(
    "error",
    [
        *(RunCancelled("stopped"), KeyboardInterrupt(), SystemExit(143)),
        *(
            ExportError("No space left."),
            MemoryError(),
            OSError("gone"),
            WorkerError("killed"),
            KeyError("?"),
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_run_that_was_stopped_or_may_do_better_next_time_is_taken_up_again(tmp_path, error):
    notices = []
    stopped = stop_in(tmp_path, error=error, n_blocks=2, notices=notices)
    assert notices == [f"The same command goes on with {stopped.folder}: 2 blocks are done."]
    (stopped.folder / ".result.json.x1").touch()
    with open_run(tmp_path, BEGAN, RECIPE, notices.append) as run:
        assert run == stopped
        assert run.blocks.load("draws", 1) is not None
        assert not (run.folder / ".result.json.x1").exists()
        (run.folder / "manifest.json").touch()
    assert notices[1:] == [f"Resuming {stopped.folder}: 2 blocks are done."]
    assert {path.name for path in run.folder.iterdir()} == {"manifest.json", "lock"}
    assert find_unfinished(tmp_path, RECIPE) is None


def test_a_run_of_another_recipe_leaves_it_alone(tmp_path):
    stopped = stop_in(tmp_path, error=SystemExit(143))
    with open_run(tmp_path, BEGAN, RECIPE | {"version": "2"}, print) as run:
        assert run.folder != stopped.folder
    assert find_unfinished(tmp_path, RECIPE) == stopped.folder


@pytest.mark.parametrize("kind", [DataError, ModelingError, SimulationError, UnknownNameError])
def test_a_run_that_would_fail_again_leaves_nothing(tmp_path, kind):
    stop_in(tmp_path, error=kind("no"))
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("error", [SystemExit(143), MemoryError()])
def test_a_run_that_ends_before_its_first_block_leaves_nothing(tmp_path, error):
    stop_in(tmp_path, error=error, n_blocks=0)
    assert list((tmp_path / "runs").iterdir()) == []
