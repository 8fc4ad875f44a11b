"""Runs whose processes are killed, from outside, while they work."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import wait_until, workers_of

ROOT = Path(__file__).parents[2]
BATCH = ("batch", "--clusters", "1", "--solver", "paths", "--n-personas", "2500000", "--json")
LONG_FROM_THE_START = (
    "from persona_tui.engine.simulation import executors\nexecutors.LONG_WORK_SECONDS = 0.0\n"
    "from persona_tui.cli.main import main\nmain()"
)
"""The command line, but work goes to worker processes however short it is."""


def start(*arguments, output, command=("-m", "persona_tui")):
    return subprocess.Popen(
        [sys.executable, *command, *BATCH, *map(str, arguments), "--output", output],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*arguments, **options):
    process = start(*arguments, **options)
    out, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    return out, told


def walked(study):
    return sorted(study.glob("runs/*/blocks/walks-*.npz"))


@pytest.fixture(scope="module")
def undisturbed(small_csv, tmp_path_factory):
    """What an undisturbed run prints."""
    return finish(small_csv, output=tmp_path_factory.mktemp("undisturbed"))[0]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_killed_goes_on_from_its_last_block_to_the_same_bytes(
    small_csv, tmp_path, undisturbed, number
):
    process = start(small_csv, output=tmp_path)
    wait_until(lambda: len(walked(tmp_path)) >= 6)
    process.send_signal(number)
    process.communicate(timeout=60)
    blocks, (run,) = walked(tmp_path), tmp_path.glob("runs/*")
    assert not (run / "manifest.json").exists()
    out, told = finish(small_csv, "--workers", 1, "--progress", "json", output=tmp_path)
    assert out == undisturbed
    assert f"Resuming {run}: " in told
    progress = [json.loads(line) for line in told.splitlines() if line.startswith('{"stage": "walks"')]
    assert progress[0]["done"] >= 1_024 * len(blocks)
    assert [path.name for path in tmp_path.glob("runs/*")] == [run.name]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_bytes_are_the_same_for_any_number_of_worker_processes(small_csv, tmp_path, undisturbed, workers):
    options = {"output": tmp_path, "command": ("-c", LONG_FROM_THE_START)}
    assert finish(small_csv, "--workers", workers, **options)[0] == undisturbed


def test_killing_a_worker_of_a_run_changes_nothing(small_csv, tmp_path, undisturbed):
    process = start(small_csv, "--workers", 2, output=tmp_path, command=("-c", LONG_FROM_THE_START))
    wait_until(lambda: len(walked(tmp_path)) >= 6)
    wait_until(lambda: workers_of(process.pid))
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    out, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert out == undisturbed
