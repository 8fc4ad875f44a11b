"""Signals, sent to a real process on a real pseudo-terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]


def read_until(descriptor, words, seconds=30):
    """Read from a terminal until some words appear."""
    seen, deadline = b"", time.monotonic() + seconds
    while words not in seen and time.monotonic() < deadline:
        try:
            seen += os.read(descriptor, 4096)
        except OSError:
            break
    return seen


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_stops_the_run_with_its_code_and_leaves_no_half_run(tmp_path, number, code):
    main, side = pty.openpty()
    command = [sys.executable, "-m", "persona_tui", "batch", str(ROOT / "data" / "sample_events.csv")]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "out"), "--progress", "json"],
        stdin=side,
        stdout=side,
        stderr=side,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    os.close(side)
    read_until(main, b'"number of personas"')
    process.send_signal(number)
    rest = read_until(main, b"earlier runs are kept")
    assert process.wait(timeout=30) == code
    os.close(main)
    assert b"Traceback" not in rest
    assert not list((tmp_path / "out" / "runs").iterdir())


def test_the_summary_fits_the_terminal_and_has_no_colour_where_none_is_wanted(tmp_path):
    main, side = pty.openpty()
    command = [sys.executable, "-m", "persona_tui", "batch", str(ROOT / "data" / "sample_events.csv")]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "out"), "--clusters", "1", "--quiet"],
        stdin=side,
        stdout=side,
        stderr=side,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "80", "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(side)
    shown = read_until(main, b"manifest.json")
    assert process.wait(timeout=30) == 0
    os.close(main)
    assert b"\x1b[3" not in shown
    plain = re.sub(r"\x1b\[\d*m", "", shown.decode())
    assert max(len(line) for line in plain.splitlines()) <= 80
    assert all(header in plain for header in ("treatment", "95 % interval", "uplift ± error"))


@pytest.mark.parametrize("memory", ["1GB", "100MB"])
def test_ctrl_c_while_a_large_log_is_loaded_leaves_nothing_behind(tmp_path, memory):
    n = pl.int_range(2_000_000, eager=True)
    pl.DataFrame({"user_id": n * 7919 % 200_003, "timestamp": n + 1_767_225_600, "event": n % 11}).write_csv(
        tmp_path / "large.csv"
    )
    (scratch := tmp_path / "scratch").mkdir()
    folders = {"TMPDIR": str(scratch), "PERSONA_TUI_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "persona_tui", "inspect", "large.csv", "--memory", memory]
    process = subprocess.Popen(
        [*command, "--progress", "json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), **folders},
    )
    assert b'"load"' in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    shown, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert not shown
    assert b"Traceback" not in told
    assert not list(scratch.iterdir())
    assert not list((tmp_path / "cache").rglob("*.arr*"))
