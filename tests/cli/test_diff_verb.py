"""The verb diff: two runs, or two periods of one log, side by side."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from persona_tui.engine.analytics.numbers import points_number

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
PERIODS = ("--before", "2026-03-02..2026-03-04", "--after", "2026-03-05..2026-03-09")


@pytest.fixture(scope="module")
def runs(run_in, small_csv, tmp_path_factory):
    """Studies of two changes of one log, and of one of them with another unit."""
    folder = tmp_path_factory.mktemp("runs")
    asked = {
        "two": ("--modification", "insert_steps:count=2"),
        "three": ("--modification", "insert_steps:count=3", "--seed", 1),
        "sessions": ("--modification", "insert_steps:count=2", "--unit", "session"),
    }
    for name, words in asked.items():
        done = run_in("batch", small_csv, *words, "--n-personas", 50, "--output", name, "--quiet", cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def test_runs_of_one_log_are_laid_side_by_side(run_in, runs):
    found = json.loads(run_in("diff", "two", "three", "--json", cwd=runs).stdout)
    assert found["schema"] == "persona-tui/diff-runs/1"
    assert found["obstacles"] == []
    assert found["settings"]["seed"] == ["0", "1"]
    pair = found["uplifts"][0]
    results = [json.loads((runs / name / "result.json").read_text()) for name in ("two", "three")]
    values = [each["experiments"][0]["uplifts"]["treatment"]["completion_rate"]["value"] for each in results]
    assert [pair["first"], pair["second"]] == values
    assert pair["change"] == pytest.approx(values[1] - values[0])
    told = run_in("diff", "two", "three", cwd=runs).stdout
    assert "their intervals are not independent" in told
    decision = results[1]["experiments"][0]["decision"]
    assert " ".join(decision.split())[:60] in " ".join(told.split())


def test_runs_whose_numbers_are_of_another_kind_have_no_difference(run_in, runs):
    told = run_in("diff", "two", "sessions", cwd=runs).stdout
    assert "no difference is told" in told
    assert "What rates are shares of: user in the first, session in the second." in told
    (run,) = (runs / "sessions" / "runs").iterdir()
    done = run_in("diff", "two", run, "--json", cwd=runs)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {each["change"] for each in found["uplifts"]} == {None}


def test_of_a_study_the_newest_finished_run_counts_whatever_is_published(run_in, runs, tmp_path):
    shutil.copytree(runs / "two", tmp_path / "two")
    (tmp_path / "two" / "result.json").unlink()
    (run,) = (tmp_path / "two" / "runs").iterdir()
    newer = run.with_name("99990101T000000Z-ffffff")
    shutil.copytree(run, newer)
    result = json.loads((newer / "result.json").read_text())
    result["recipe"]["seed"] = 7
    (newer / "result.json").write_text(json.dumps(result))
    unfinished = run.with_name("99990102T000000Z-ffffff")
    unfinished.mkdir()
    found = json.loads(run_in("diff", run, "two", "--json", cwd=tmp_path).stdout)
    assert found["settings"] == {"seed": ["0", "7"]}


def test_periods_of_one_log_are_laid_side_by_side(run_in, tmp_path):
    words = ("diff", SAMPLE, *PERIODS, "--clusters", 3)
    found = json.loads(run_in(*words, "--json", cwd=tmp_path).stdout)
    assert found["schema"] == "persona-tui/diff-periods/1"
    assert found["periods"]["after"]["ends"] == "2026-03-10T00:00:00+00:00"
    change = found["metrics"][0]["value"]
    assert found["mix"]["value"] + found["behaviour"]["value"] == pytest.approx(change)
    shares = [each["share"]["before"] for each in found["personas"]]
    assert sum(shares) == pytest.approx(1)
    told = run_in(*words, "--quiet", cwd=tmp_path, COLUMNS="80").stdout
    assert "2026-03-02 to 2026-03-04 against 2026-03-05 to 2026-03-09" in " ".join(told.split())
    assert max(map(len, told.splitlines())) <= 80


def test_a_difference_of_runs_leaves_as_files_that_tell_the_same(run_in, runs):
    done = run_in("diff", "two", "three", "--format", "md,html,json", "--format", "csv", cwd=runs)
    assert done.stdout.splitlines() == [f"exports/diff/diff.{name}" for name in ("md", "html", "json", "csv")]
    files = {name: (runs / "exports" / "diff" / f"diff.{name}").read_text() for name in ("md", "html", "csv")}
    printed = run_in("diff", "two", "three", "--json", cwd=runs).stdout
    assert (runs / "exports" / "diff" / "diff.json").read_text() == printed
    pair = json.loads(printed)["uplifts"][0]
    assert next(csv.DictReader(io.StringIO(files["csv"])))["change"] == f"{pair['change']:.10g}"
    shown = points_number(pair["change"])
    assert f"| {shown} |" in files["md"]
    assert f"<td>{shown}</td>" in files["html"]


def test_a_difference_of_periods_leaves_as_files(run_in, tmp_path):
    words = ("--clusters", 3, "--format", "md,html,csv", "--output", "here", "--json")
    done = run_in("diff", SAMPLE, *PERIODS, *words, cwd=tmp_path)
    paths = [tmp_path / each for each in json.loads(done.stdout)["files"]]
    assert [each.name for each in paths] == ["diff.md", "diff.html", "diff.csv"]
    assert paths[0].read_text().startswith("# ")
    rows = list(csv.DictReader(io.StringIO(paths[2].read_text())))
    shares = [float(each["before"]) for each in rows if each["part"] == "persona, share"]
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        ((), "What is to stand beside it?", 2),
        (("elsewhere", *PERIODS), "Two runs have no periods", 2),
        (("elsewhere", "--format", "pptx"), "Unknown format 'pptx'", 2),
        (("elsewhere",), "holds no result of a finished run", 3),
        (("--before", "March", "--after", "2026-03-09..2026-03-10"), "'March' is no period", 2),
        (("--before", "2026-03-04..2026-03-02", *PERIODS[2:]), "ends before it begins", 2),
        (("--before", "2026-03-02..2026-03-06", *PERIODS[2:]), "The periods overlap", 3),
        (("--before", "2025-03-02..2025-03-06", *PERIODS[2:]), "0 users are active in the period before", 3),
    ],
)
def test_what_cannot_be_compared_is_told(run_in, small_csv, tmp_path, words, told, code):
    done = run_in("diff", small_csv, *words, cwd=tmp_path)
    assert told in done.stderr
    assert done.returncode == code
    assert not done.stdout
