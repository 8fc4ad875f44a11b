"""Standard streams that are closed, full or narrow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def shell(tail, tmp_path, small_csv, *options, **environment):
    command = [
        sys.executable,
        "-m",
        "persona_tui",
        "batch",
        str(small_csv),
        "--clusters",
        "1",
        "--n-personas",
        "9",
    ]
    line = " ".join([*(f"'{word}'" for word in [*command, *options]), tail])
    return subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_closed_stdout_ends_the_program_silently(tmp_path, small_csv, options):
    done = shell(">&-", tmp_path, small_csv, "--quiet", *options)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_summary_nobody_reads_ends_the_program_silently(tmp_path, small_csv):
    done = shell("| true; exit ${PIPESTATUS[0]}", tmp_path, small_csv, "--quiet")
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_stdout_is_told(tmp_path, small_csv, options):
    done = shell("> /dev/full", tmp_path, small_csv, "--quiet", *options)
    assert done.returncode == 1
    assert done.stderr == "persona-tui: The result could not be printed: No space left on device.\n"


@pytest.mark.parametrize("tail", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize("progress", ["auto", "lines"])
def test_a_closed_or_full_stderr_spoils_nothing(tmp_path, small_csv, tail, progress):
    done = shell(tail, tmp_path, small_csv, "--json", "--progress", progress)
    assert done.returncode == 0
    json.loads(done.stdout)


def test_an_encoding_without_the_signs_shows_escapes(tmp_path, small_csv):
    done = shell("", tmp_path, small_csv, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert "\\u2212" in done.stdout


def test_a_narrow_terminal_gets_lists_in_place_of_tables(tmp_path, small_csv):
    done = shell("", tmp_path, small_csv, COLUMNS="40")
    assert max(len(line) for line in done.stdout.splitlines()) <= 40
    assert "completion\n" in done.stdout
    assert "  treatment: " in done.stdout


def test_standard_input_comes_with_the_cure_for_its_being_gone(tmp_path, small_csv):
    line = f"cat '{small_csv}' | '{sys.executable}' -m persona_tui inspect -"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "`persona-tui inspect - --convert log.parquet` makes a file of it" in " ".join(done.stderr.split())
