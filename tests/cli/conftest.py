"""Run the command line as a user does: another process, its own folder, no terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from forked_commands import run_forked
from support import write_part_of_sample

SAMPLE_CSV = Path(__file__).parents[2] / "data" / "sample_events.csv"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run_command(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}}
    given = {**clean, "PYTHONPATH": str(SAMPLE_CSV.parents[1]), **environment}
    words = tuple(map(str, arguments))
    if not any(name.startswith("PYTHON") for name in environment):  # else Python reads them when it begins
        return run_forked(words, cwd=cwd, environment=given)
    return subprocess.run(
        [sys.executable, "-m", "persona_tui", *words],
        cwd=cwd,
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="session")
def run_in() -> Run:
    """Return a runner in a folder of choice, for what several tests look at."""
    return run_command


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return lambda *arguments, **environment: run_command(*arguments, cwd=tmp_path, **environment)


@pytest.fixture(scope="session")
def small_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first users of the sample log: quick to run, and still four personas."""
    return write_part_of_sample(tmp_path_factory.mktemp("logs") / "small.csv", "u00")


@pytest.fixture(scope="session")
def finished(
    small_csv: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A batch run on the small log with --json, and its study folder."""
    folder = tmp_path_factory.mktemp("study")
    done = run_command("batch", "--events", small_csv, "--output", folder / "out", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done, folder / "out"
