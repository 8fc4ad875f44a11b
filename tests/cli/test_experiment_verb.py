"""The verb experiment: a real test read from a log, its lot before its effects."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

START = datetime(2026, 3, 1, tzinfo=UTC)


def write_log(path, *, n=600, share=0.5, late=0, arms=("control", "new")):
    rng = np.random.default_rng(11)
    rows = []
    for user in range(n):
        treated = rng.random() < share
        for phase in (-14, 0):
            begun = START + timedelta(days=phase + rng.uniform(0, 10) + (late if treated else 0))
            events = ["landing", *(["cart"] if rng.random() < 0.7 else [])]
            if "cart" in events and rng.random() < (0.7 if treated and phase == 0 else 0.4):
                events.append("order_complete")
            rows += [
                (f"u{user}", begun + timedelta(seconds=place), event, arms[treated], f"level {user}")
                for place, event in enumerate(events)
            ]
    schema = ["user_id", "timestamp", "event_type", "variant", "zip"]
    pl.DataFrame(rows, schema=schema, orient="row").write_csv(path)
    return path


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("ab") / "ab.csv")


def test_the_lot_is_told_before_the_effects(run, log):
    told = run("experiment", log, "--since", "2026-03-01", "--quiet").stdout
    order = [
        "Was the lot fair? Nothing speaks against it",
        "new: more users complete",
        "CUPED",
        "Funnel",
    ]
    assert [told.index(each) for each in order] == sorted(told.index(each) for each in order)


def test_the_document_holds_what_the_page_shows(run, log):
    found = json.loads(run("experiment", log, "--since", "2026-03-01", "--json").stdout)
    assert found["schema"] == "persona-tui/experiment/1"
    assert [each["name"] for each in found["arms"]] == ["control", "new"]
    assert not found["randomisation"]["is_broken"]
    metric = found["comparisons"][0]["metrics"][0]
    assert metric["metric"] == "users who complete"
    low, high = metric["adjusted"]["interval"]
    assert 0 < low < metric["adjusted"]["value"] < high
    assert [each["metric"] for each in found["comparisons"][0]["funnel"]][-1] == "order_complete"


@pytest.mark.parametrize(
    ("how", "broken"), [({"share": 0.6}, "sample ratio"), ({"late": 12}, "time of entry")]
)
def test_a_broken_lot_is_named_before_any_effect(run, tmp_path, how, broken):
    log = write_log(tmp_path / "broken.csv", **how)
    told = run("experiment", log, "--since", "2026-03-01", "--quiet").stdout
    assert told.index("Was the lot fair? No") < told.index("BROKEN") < told.index("Not an effect")
    found = json.loads(run("experiment", log, "--since", "2026-03-01", "--json").stdout)
    checks = found["randomisation"]["checks"]
    assert [each["name"] for each in checks if each["is_broken"]] == [broken]


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (("--variant", "zip"), "has 600 values; at most 20 are arms", 3),
        (("--variant", "colour"), "Unknown attribute 'colour'", 2),
        (("--control", "old"), "Unknown arm 'old'", 2),
        (("--since", "yesterday"), "'yesterday' is no date", 3),
        (("--since", "2027-01-01"), "names no arm", 3),
        (("--allocation", "50,x"), "are no parts", 3),
        (("--allocation", "50"), "is no 2 numbers", 3),
    ],
)
def test_what_cannot_be_meant_is_refused(run, log, words, told, code):
    done = run("experiment", log, *words)
    assert done.returncode == code
    assert not done.stdout
    assert told in done.stderr


def test_a_log_without_arms_says_what_it_has(run, small_csv):
    done = run("experiment", small_csv)
    assert "Which attribute names the arm?" in done.stderr
    assert "--variant" in done.stderr
