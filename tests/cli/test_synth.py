"""``persona-tui synth`` as its users run it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from persona_tui.engine.data.etl import load_event_log

COMMAND = [sys.executable, "-m", "persona_tui", "synth"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def run_in(folder, *arguments, **options):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def written(small_csv, tmp_path_factory):
    folder = tmp_path_factory.mktemp("synth")
    done = run_in(folder, small_csv, "--n-personas", 500, "--output", "new/log.parquet", "--json")
    assert done.returncode == 0, done.stderr
    return done, folder / "new" / "log.parquet"


def test_it_writes_a_log_that_loads_and_says_what_is_in_it(written):
    done, path = written
    document, loaded = json.loads(done.stdout), load_event_log(path)
    assert document["schema"] == "persona-tui/synth/1"
    assert document["synthetic"]["events"] == loaded.events.height
    assert document["synthetic"]["users"] == loaded.events["user_id"].n_unique() == 500
    assert document["synthetic"]["sessions"] == loaded.events["session_id"].n_unique()
    assert {each["name"] for each in document["personas"]} == set(loaded.events["persona"])
    assert loaded.quality.sentences() == []


def test_privacy_is_measured_and_told(written):
    privacy = json.loads(written[0].stdout)["privacy"]
    assert (privacy["length"], privacy["k"]) == (5, 5)
    assert privacy["protected_users"] > 0
    assert privacy["left_in_file"] == 0
    assert privacy["redrawn_share"] == pytest.approx(privacy["redrawn_journeys"] / 500)


def test_the_file_is_private_and_alone(written):
    assert written[1].stat().st_mode & 0o777 == 0o600
    assert [each.name for each in written[1].parent.iterdir()] == ["log.parquet"]


def test_defaults_are_told_on_stderr(written):
    told = written[0].stderr.splitlines()[-1]
    assert told.startswith("Defaults used: ")
    assert "--seed 0" in told
    assert "--modification" not in told


def test_workers_change_no_byte_and_another_seed_does(written, run, small_csv, tmp_path):
    options = ("--n-personas", 500, "--output")
    assert run("synth", small_csv, *options, "two.parquet", "--workers", 2).returncode == 0
    assert run("synth", small_csv, *options, "other.parquet", "--seed", 1).returncode == 0
    assert (tmp_path / "two.parquet").read_bytes() == written[1].read_bytes()
    assert (tmp_path / "other.parquet").read_bytes() != written[1].read_bytes()


def test_a_modification_changes_the_log_and_the_summary_says_so(run, small_csv, tmp_path):
    change = ("--modification", "insert_steps:count=1", "--unit", "session", "--clusters", 2)
    done = run("synth", small_csv, "--n-personas", 300, "--output", "log.csv", *change)
    assert done.returncode == 0, done.stderr
    assert "The flow as changed" in done.stdout
    assert "No real user's sequence of more than 5 events" in done.stdout
    assert "protected sequences are in the file" in " ".join(done.stdout.split())
    assert "added_step_1" in pl.read_csv(tmp_path / "log.csv")["event_type"]


def test_a_study_gives_its_log_but_not_its_modification_or_place(finished, run, tmp_path):
    done = run("synth", finished[1], "--n-personas", 100, "--clusters", 1)
    assert done.returncode == 0, done.stderr
    assert "The flow as it is" in done.stdout
    assert (tmp_path / "exports" / "small_synthetic.parquet").exists()


def test_help_gives_this_verb_its_own_words(run):
    shown = " ".join(run("synth", "--help", COLUMNS="200").stdout.split())
    assert "Synthetic users in all. Default: 10000." in shown
    assert "Default: none." in shown
    assert "insert_steps:count=2" not in shown


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--output", "log.txt"), 2, "Unknown file format '.txt'"),
        (("--output", "SOURCE"), 2, "is the log itself"),
        (("--output", "folder.csv"), 2, "it is a folder"),
        (("--output", "SOURCE/log.csv"), 2, "is no folder"),
        (("--n-personas", "0"), 2, "--n-personas == 0, must be >= 1"),
        (("--n-personas", "10000000000", "--clusters", "1"), 2, "must be <= 1000000000"),
        (("--modification", "insert_stepz:count=1"), 2, "Did you mean 'insert_steps'"),
        (("--modification", "friction:factor=0.1,at=landin"), 2, "Did you mean 'landing'"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(
    options, code, message, run, small_csv, tmp_path
):
    (tmp_path / "folder.csv").mkdir()
    before = small_csv.read_bytes()
    given = [each.replace("SOURCE", str(small_csv)) for each in options]
    done = run("synth", small_csv, *given)
    assert done.returncode == code
    assert message in done.stderr
    assert small_csv.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["folder.csv"]


@pytest.mark.parametrize("name", ["log.parquet", "log.csv", "log.csv.gz"])
def test_a_full_disk_is_told_and_leaves_nothing(name, small_csv, tmp_path):
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    options = ("--n-personas", 4000, "--clusters", 1, "--output", name)
    done = run_in(tmp_path, small_csv, *options, preexec_fn=bound)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_signal_leaves_nothing_behind(small_csv, tmp_path):
    options = ["--n-personas", "100000000", "--clusters", "1", "--output", "log.csv", "--progress", "json"]
    with subprocess.Popen(
        [*COMMAND, str(small_csv), *options],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        limit = time.monotonic() + 60
        for line in process.stderr:
            told = json.loads(line)
            if (told["stage"] == "synthesis" and told["done"]) or time.monotonic() > limit:
                break
        assert any(each.stat().st_size for each in tmp_path.iterdir())
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait(timeout=60) == 128 + signal.SIGINT
    assert list(tmp_path.iterdir()) == []


def test_a_log_is_read_for_synth_as_for_any_other_verb(run, small_csv):
    done = run(
        "synth", small_csv, "--prepare", "drop:events=help", "--timezone", "Europe/Berlin", "--clusters", "1"
    )
    assert done.returncode == 0, done.stderr
    assert "help" not in done.stdout
