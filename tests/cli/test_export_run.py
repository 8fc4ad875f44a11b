"""The verb export on a run: its own simulation beside the exact values, or a clear word why not."""

import json
import shutil

import pytest

from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.run_reports import report_run, run_folder


@pytest.fixture(scope="module")
def exported_run(run_in, finished, tmp_path_factory):
    """Return what export said, the run, and the files, of which the run's folder got none."""
    _, study = finished
    (run,) = (study / "runs").iterdir()
    folder = tmp_path_factory.mktemp("exported_run")
    done = run_in("export", run, "--format", "md,csv,json", "--output", folder / "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done, run, folder / "out"


@pytest.fixture
def copied(finished, tmp_path):
    """Return a run in a copy of its study, to do harm to."""
    _, study = finished
    shutil.copytree(study, tmp_path / "study")
    (run,) = (tmp_path / "study" / "runs").iterdir()
    return run


def refusal(run, run_in, tmp_path, *options):
    done = run_in("export", run, "--format", "md", "--output", "no", *options, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""
    assert not (tmp_path / "no").exists()
    return done.stderr


def test_the_files_of_a_run_are_told_to_the_last_byte(exported_run):
    _, run, folder = exported_run
    for name in ("result.json", "experiment_results.csv", "persona_summary.csv"):
        assert (folder / name).read_bytes() == (run / name).read_bytes()


def test_the_simulation_of_a_run_stands_beside_the_exact_values(exported_run):
    done, run, folder = exported_run
    (experiment,) = json.loads((run / "result.json").read_text())["experiments"]
    assert f"a simulation of {experiment['n_personas']:,} synthetic" in (folder / "report.md").read_text()
    assert "walks" not in done.stderr


def test_the_report_of_a_run_goes_into_its_own_folder(run_in, copied, tmp_path):
    named = copied.relative_to(tmp_path)
    done = run_in("export", named, "--format", "json", cwd=tmp_path)
    assert done.stdout == f"{named / 'exports' / 'result.json'}\n"
    assert (copied / "exports" / "result.json").exists()


def test_a_run_that_is_not_finished_says_how_it_goes_on(run_in, copied, tmp_path):
    (copied / "manifest.json").unlink()
    said = refusal(copied, run_in, tmp_path)
    assert f"The run {copied.name} is not finished: it is " in said
    assert f"Try: persona-tui runs resume {copied.parents[1]} {copied.name}" in said


def test_other_numbers_than_those_of_the_run_are_refused(run_in, copied, tmp_path):
    said = refusal(copied, run_in, tmp_path, "--modification", "insert_steps:count=3")
    assert "found another" in said
    assert f"persona-tui export {copied.parents[1]}" in said


def test_options_that_change_no_number_of_a_run_are_heard(run_in, copied, tmp_path):
    done = run_in("export", copied, "--format", "json", "--power", "0.9", cwd=tmp_path)
    kept, mine = (json.loads((each / "result.json").read_text()) for each in (copied, copied / "exports"))
    assert done.returncode == 0
    assert mine["experiments"][0]["plan"]["power"] == 0.9
    assert mine["experiments"][0]["simulated"] == kept["experiments"][0]["simulated"]


def test_a_run_of_other_data_or_torn_files_is_refused(copied):
    settings = merge_settings(read_settings(copied / "run.toml"), {})
    document = json.loads((copied / "result.json").read_text())
    document["data"]["fingerprint"] = "another"
    (copied / "result.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match="was done on other data"):
        report_run(settings, copied)
    (copied / "experiment_results.csv").unlink()
    with pytest.raises(ValueError, match=f"The files of the run {copied.name} cannot be read"):
        report_run(settings, copied)


def test_a_run_is_known_by_its_folder_and_by_its_settings_file(copied):
    assert run_folder(str(copied)) == run_folder(str(copied / "run.toml")) == copied
    assert run_folder(str(copied.parents[1])) is None
    assert run_folder(str(copied.parents[1] / "study.toml")) is None
