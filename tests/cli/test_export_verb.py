"""The verb export: files others read, where they were wanted."""

import json

import polars as pl
import pytest


@pytest.fixture(scope="module")
def exported(run_in, finished, tmp_path_factory):
    """Return what was said, and the folder with the files of the study that a batch run left."""
    _, study = finished
    folder = tmp_path_factory.mktemp("exported")
    done = run_in("export", study, "--format", "md,csv", "--format", "json", "--output", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done, folder / "out"


def test_the_paths_of_the_files_are_printed_one_a_line(exported):
    done, folder = exported
    assert sorted(done.stdout.splitlines()) == sorted(f"out/{path.name}" for path in folder.iterdir())
    assert {path.suffix for path in folder.iterdir()} == {".md", ".csv", ".json"}


def test_the_exact_numbers_are_those_of_the_run_of_the_study(exported, finished):
    _, folder = exported
    _, study = finished
    exact = ["persona", "metric", "control", "treatment", "uplift", "total_low", "total_high"]
    mine, of_run = (pl.read_csv(each / "experiment_results.csv").select(exact) for each in (folder, study))
    assert mine.equals(of_run, null_equal=True)


def test_the_files_are_listed_as_json_too(run_in, finished, tmp_path):
    _, study = finished
    done = run_in("export", study, "--format", "md", "--output", tmp_path / "here", "--json", cwd=tmp_path)
    assert json.loads(done.stdout) == {
        "schema": "persona-tui/export/1",
        "files": [str(tmp_path / "here" / "report.md")],
    }
