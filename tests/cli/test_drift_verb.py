"""The verb drift: whether a newer log, or period, still is what personas were learned from."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support import golden

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
START = datetime(2026, 3, 2, tzinfo=UTC)
PERIODS = ("--before", "2026-03-02..2026-03-05", "--after", "2026-03-06..2026-03-09")
HOSTILE = "[/red]\x1b[31mzoom"


def write_log(path, *, first=0, days=56, users=1_200, buys=0.5, view="view", device="phone", seed=1):
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        begun = START + timedelta(days=first + days * rng.random())
        events = ["landing", *(["view"] if rng.random() < 0.7 else [])]
        if "view" in events:
            events += ["help"] * int(rng.integers(0, 3))
        if "view" in events and rng.random() < buys:
            events.append("order_complete")
        rows += [
            (f"{first}-{user}", begun + timedelta(seconds=at), view if each == "view" else each, device)
            for at, each in enumerate(events)
        ]
    schema = ["user_id", "timestamp", "event_type", "device"]
    pl.DataFrame(rows, schema=schema, orient="row").write_csv(path)
    return path


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drift")
    write_log(folder / "base.csv")
    write_log(folder / "same.csv", first=56, days=7, users=300, seed=2)
    write_log(folder / "less.csv", first=56, days=7, users=300, buys=0.15, seed=3)
    write_log(folder / "renamed.csv", first=56, days=7, users=300, view=HOSTILE, seed=4)
    write_log(folder / "few.csv", first=56, days=7, users=12, seed=5)
    return folder


def asked(run_in, logs, new, *words):
    return run_in("drift", "base.csv", new, "--clusters", 2, "--quiet", *words, cwd=logs)


def test_periods_of_the_sample_are_told_as_kept(run_in, tmp_path):
    (tmp_path / "log.csv").write_bytes(SAMPLE.read_bytes())
    done = run_in("drift", "log.csv", *PERIODS, "--clusters", 3, "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    golden("drift.txt", done.stdout)


def test_a_newer_log_of_the_same_is_green_and_ends_well(run_in, logs):
    done = asked(run_in, logs, "same.csv", "--fail-on", "amber")
    assert done.returncode == 0, done.stderr
    assert "Green: nothing moved" in done.stdout


def test_fewer_who_buy_are_red_and_end_with_the_code_of_a_threshold(run_in, logs):
    done = asked(run_in, logs, "less.csv", "--fail-on", "red", "--json")
    assert done.returncode == 4
    assert "Drift is red." in done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == "persona-tui/drift/1"
    assert found["verdict"] == "red"
    row = next(each for each in found["rows"] if each["name"] == "users who complete")
    assert row["verdict"] == "red"
    change = found["change_of_completion"]
    assert change["mix"]["value"] + change["behaviour"]["value"] == pytest.approx(row["effect"])
    assert found["windows"]["days"] == 7
    assert len(found["windows"]["before"]) == 8
    assert asked(run_in, logs, "less.csv").returncode == 0


def test_names_from_the_data_are_shown_and_do_nothing(run_in, logs):
    done = asked(run_in, logs, "renamed.csv")
    assert "[/red]\\x1b[31mzoom" in done.stdout
    assert "\x1b" not in done.stdout
    assert "New events, which the personas cannot know" in done.stdout
    assert "Events that are gone: view" in done.stdout


def test_a_study_is_compared_by_its_own_personas(run_in, logs, tmp_path):
    words = ("--clusters", 2, "--n-personas", 50, "--output", tmp_path / "out", "--quiet")
    assert run_in("batch", logs / "base.csv", *words, cwd=tmp_path).returncode == 0
    found = json.loads(
        run_in("drift", tmp_path / "out", logs / "less.csv", "--json", "--quiet", cwd=tmp_path).stdout
    )
    by_log = json.loads(asked(run_in, logs, "less.csv", "--json").stdout)
    assert found["rows"] == by_log["rows"]


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        ((), "What is to be compared with it?", 2),
        (("same.csv", *PERIODS), "Two logs have no periods", 2),
        (("few.csv",), "The newer log has 12 users; 30 are needed", 3),
        (("missing.csv",), "missing.csv", 3),
        (("same.csv", "--fail-on", "blue"), "blue", 2),
        ((*PERIODS[:2], "--after", "2026-03-05..2026-03-09"), "The periods overlap", 3),
        ((*PERIODS[:2], "--after", "2027-03-05..2027-03-09"), "leaves no row", 3),
        (("--before", "March", *PERIODS[2:]), "'March' is no period", 2),
    ],
)
def test_what_cannot_be_compared_is_told(run_in, logs, words, told, code):
    done = run_in("drift", "base.csv", *words, cwd=logs)
    assert told in done.stderr
    assert done.returncode == code
    assert not done.stdout
