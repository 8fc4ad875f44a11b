"""The verbs calibrate and ledger: what a real change did, replayed, and held against what was foretold."""

import json
import tomllib

import numpy as np
import polars as pl
import pytest
from planted_tests import STEPS, plant_test


def write_log(path, effects, *, seed=1, n_users=4_000, shift=0):
    planted = plant_test(np.random.default_rng(seed), effects, n_users=n_users)
    log, treated = planted.sequences, planted.arms.of_users
    times = log.times + 1_767_600_000 * 10**6 + np.where(treated[log.users] == 1, shift, 0)
    pl.DataFrame(
        {
            "user_id": [log.user_ids[user] for user in log.users],
            "timestamp": pl.Series(times).cast(pl.Datetime("us", "UTC")),
            "event_type": [STEPS[code] for code in log.codes],
            "variant": [("control", "new")[treated[user]] for user in log.users],
        }
    ).write_csv(path)
    return path


WORDS = ("--completion", "d_buy", "--clusters", "2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ab")
    write_log(folder / "ab.csv", (0.12, 0.0, -0.35))
    write_log(folder / "later.csv", (0.12, 0.0, -0.35), seed=7)
    return folder


@pytest.fixture(scope="module")
def study(run_in, folder):
    done = run_in("calibrate", "ab.csv", *WORDS, "--output", "effects.toml", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    words = ("--modification", "@effects.toml", "--n-personas", "200", "--output", "study", "--quiet")
    run_in("batch", "ab.csv", *WORDS, *words, cwd=folder)
    return folder / "study"


def test_the_lot_is_told_before_the_effects(run_in, folder):
    told = run_in("calibrate", "ab.csv", *WORDS, "--quiet", cwd=folder).stdout
    order = ["Was the lot fair?", "leaving at each step", "a_landing", "one effect at all", "To replay it"]
    assert [told.index(each) for each in order] == sorted(told.index(each) for each in order)


def test_the_document_holds_effects_and_their_replay(run_in, folder):
    found = json.loads(run_in("calibrate", "ab.csv", *WORDS, "--json", cwd=folder).stdout)
    assert found["schema"] == "persona-tui/calibration/1"
    (treatment,) = found["treatments"]
    steps = {each["step"]: each for each in treatment["steps"]}
    low, high = steps["a_landing"]["interval"]
    assert steps["a_landing"]["kind"] == "friction"
    assert low < 0.12 < high
    assert all(":factor=" in text for text in treatment["modification"])


def test_the_settled_effects_are_a_file_that_other_verbs_take(study, folder):
    effects = tomllib.loads((folder / "effects.toml").read_text())["effects"]
    result = json.loads((study / "result.json").read_text())
    assert [each["effect"] for each in result["experiments"][0]["effects"]] == ["friction", "reward"]
    assert len(effects) == 2


def test_what_was_foretold_is_entered_once(run_in, study, folder):
    words = ("calibrate", "later.csv", *WORDS, "--predicted", "study", "--quiet")
    first = run_in(*words, cwd=folder)
    assert "Foretold and found\n" in first.stdout
    assert "in the ledger already" in run_in(*words, cwd=folder).stdout
    ledger = json.loads(run_in("ledger", "study", "--json", cwd=folder).stdout)
    (entry,) = ledger["entries"]
    assert ledger["schema"] == "persona-tui/ledger/1"
    assert entry["agrees"]
    assert entry["predicted_interval"][0] < entry["predicted"] < entry["predicted_interval"][1]
    assert "1 of 1 whose lot was fair agree" in run_in("ledger", "study", cwd=folder).stdout


def test_an_unfair_lot_is_named_and_is_no_test(run_in, folder, study):
    write_log(folder / "late.csv", (0.12, 0.0, -0.35), seed=3, shift=10 * 86_400 * 10**6)
    told = run_in("calibrate", "late.csv", *WORDS, "--predicted", "study", "--quiet", cwd=folder).stdout
    assert told.index("BROKEN") < told.index("leaving at each step")
    assert "no test of the prediction" in told


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (("calibrate", "ab.csv", "--variant", "colour"), "Unknown attribute 'colour'", 2),
        (("calibrate", "ab.csv", *WORDS, "--predicted", "nowhere"), "has no finished run", 3),
        (("calibrate", "ab.csv", *WORDS, "--treatment", "old", "--output", "x.toml"), "Which treatment?", 3),
        (("calibrate", "ab.csv", *WORDS, "--predicted", "study"), "learned from this very log", 3),
        (
            ("calibrate", "later.csv", "--completion", "c_pay", "--predicted", "study"),
            "the same --completion",
            3,
        ),
        (("ledger", "nowhere"), "is no study", 3),
        (("ledger",), "is no study", 3),
    ],
)
def test_what_cannot_be_meant_is_refused(run_in, folder, study, words, told, code):
    done = run_in(*words, cwd=folder)
    assert told in done.stderr
    assert done.returncode == code


def test_an_experiment_without_an_effect_has_nothing_to_replay(run_in, tmp_path):
    write_log(tmp_path / "null.csv", (0.0, 0.0, 0.0), seed=5, n_users=1_000)
    done = run_in("calibrate", "null.csv", *WORDS, "--output", "x.toml", "--quiet", cwd=tmp_path)
    assert done.returncode == 3
    assert "nothing to replay" in done.stderr
    assert not (tmp_path / "x.toml").exists()
