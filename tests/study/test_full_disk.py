"""A disk that is full when something is to be written: limits of the process stand in for it."""

import os
import resource
import signal
import subprocess
import sys

import polars as pl
import pytest

N = 30_000
LOAD_IN_BUCKETS = """
from pathlib import Path
from persona_tui.engine.data.etl import load_event_log
load_event_log("log.csv", memory=1_000_000, folder=Path("buckets"))
"""


@pytest.fixture
def inspect(tmp_path):
    """Return a runner of ``inspect`` on a log, none of whose files may take more than some bytes."""
    pl.DataFrame(
        {
            "user_id": [n % 2_000 for n in range(N)],
            "timestamp": range(1_770_000_000, 1_770_000_000 + N),
            "event": ["a", "b", "c"] * (N // 3),
        }
    ).write_csv(tmp_path / "log.csv")

    def limited(most_bytes):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    def run(most_bytes, *command):
        return subprocess.run(
            [sys.executable, *(command or ("-m", "persona_tui", "inspect", "log.csv"))],
            cwd=tmp_path,
            env={**os.environ, "PERSONA_TUI_CACHE_DIR": str(tmp_path / "cache")},
            preexec_fn=lambda: limited(most_bytes),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def left_in(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_log_that_cannot_be_kept_is_told_and_leaves_nothing(inspect, tmp_path):
    done = inspect(200_000)
    assert done.returncode == 0, done.stderr
    assert "The prepared log was not kept for the next start" in done.stderr
    assert f"{N:,} events" in done.stdout
    assert left_in(tmp_path / "cache") == []


def test_a_log_whose_buckets_do_not_fit_on_the_disk_is_refused_and_leaves_nothing(inspect, tmp_path):
    (tmp_path / "buckets").mkdir()
    done = inspect(20_000, "-c", LOAD_IN_BUCKETS)
    assert "DataError: The log does not fit into 1 MB of memory" in done.stderr
    assert left_in(tmp_path / "buckets") == []
