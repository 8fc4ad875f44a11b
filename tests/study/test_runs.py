import json
from pathlib import Path

import pytest

from persona_tui.engine.errors import ExportError, RunCancelled, SimulationError
from persona_tui.study import runs
from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.options import Settings

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture
def small(tmp_path):
    header, *rows = SAMPLE.read_text().splitlines()
    path = tmp_path / "small.csv"
    path.write_text("\n".join([header, *(row for row in rows if row[:4] == "u000")]) + "\n")
    return path


def settings(source, study, **changed):
    return Settings(events=str(source), output=str(study), clusters="1", n_personas=10, **changed)


def contents(study):
    return {path.name: path.read_bytes() for path in study.iterdir() if path.is_file()}


def stop_at(stage):
    def stop(progress):
        if progress.stage == stage:
            raise RunCancelled("stopped")

    return stop


@pytest.mark.parametrize("stage", ["bootstrap", "walks", "export"])
def test_a_cancelled_run_leaves_the_study_as_it_was_and_goes_on_when_asked_again(small, tmp_path, stage):
    study, notices = tmp_path / "study", []
    runs.run_batch(settings(small, study))
    before = contents(study)
    with pytest.raises(RunCancelled):
        runs.run_batch(settings(small, study, seed=1), on_progress=stop_at(stage))
    assert contents(study) == before
    (stopped,) = (each for each in (study / "runs").iterdir() if not (each / "manifest.json").exists())
    assert (stopped / "run.toml").exists()
    finished = runs.run_batch(settings(small, study, seed=1, workers=3), on_notice=notices.append)
    assert finished.folder == stopped
    assert notices[0].startswith(f"Resuming {stopped}: ")
    undisturbed = runs.run_batch(settings(small, tmp_path / "other", seed=1))
    assert contents(study)["result.json"] == contents(undisturbed.study)["result.json"]
    assert not (stopped / "blocks").exists()


@pytest.mark.parametrize("changed", ["settings", "log"])
def test_a_run_of_other_settings_or_another_log_begins_anew(small, tmp_path, changed):
    study, notices = tmp_path / "study", []
    with pytest.raises(RunCancelled):
        runs.run_batch(settings(small, study), on_progress=stop_at("walks"))
    if changed == "log":
        small.write_text("\n".join(small.read_text().splitlines()[:-1]) + "\n")
    runs.run_batch(settings(small, study, seed=int(changed == "settings")), on_notice=notices.append)
    assert notices == []
    assert len(list((study / "runs").iterdir())) == 2


def test_a_run_that_fails_for_want_of_disk_goes_on_when_asked_again(small, tmp_path, monkeypatch):
    def full(_report, _path, branding):
        raise ExportError("full")

    notices = []
    monkeypatch.setattr(runs, "export_powerpoint", full)
    with pytest.raises(ExportError):
        runs.run_batch(settings(small, tmp_path / "study"), on_notice=notices.append)
    monkeypatch.undo()
    (stopped,) = (tmp_path / "study" / "runs").iterdir()
    assert notices[0].startswith(f"The same command goes on with {stopped}: ")
    assert runs.run_batch(settings(small, tmp_path / "study")).folder == stopped


def test_a_finished_run_is_kept_when_its_files_cannot_be_published(small, tmp_path, monkeypatch):
    study = tmp_path / "study"
    runs.run_batch(settings(small, study))
    before = contents(study)

    def full(_copies):
        raise ExportError("full")

    monkeypatch.setattr(runs, "replace_all", full)
    with pytest.raises(ExportError):
        runs.run_batch(settings(small, study, seed=1))
    assert contents(study) == before
    assert len(list((study / "runs").glob("*/manifest.json"))) == 2


def test_a_study_that_someone_wrote_is_not_replaced(small, tmp_path):
    study = tmp_path / "study"
    study.mkdir()
    (study / "study.toml").write_text("# mine\n")
    runs.run_batch(settings(small, study))
    assert (study / "study.toml").read_text() == "# mine\n"


def test_a_simulation_makes_a_study_and_leaves_the_settings_of_one_alone(small, tmp_path):
    study = tmp_path / "study"
    runs.run_simulation(settings(small, study, seed=1))
    before = (study / "study.toml").read_text()
    runs.run_simulation(settings(small, study, seed=2))
    assert (study / "study.toml").read_text() == before


@pytest.mark.parametrize("name", ["rejects.csv", "experiment_results.csv"])
def test_a_log_that_a_run_would_overwrite_is_refused(small, tmp_path, name):
    source = small.rename(tmp_path / name)
    content = source.read_bytes()
    with pytest.raises(SimulationError, match="would write its own file"):
        runs.run_batch(settings(source, tmp_path))
    assert source.read_bytes() == content


def test_a_folder_with_files_of_others_is_refused(small, tmp_path):
    (tmp_path / "manifest.json").write_text("mine")
    with pytest.raises(SimulationError, match=r"is no study, and holds a 'manifest\.json'"):
        runs.run_batch(settings(small, tmp_path))
    assert (tmp_path / "manifest.json").read_text() == "mine"


def test_a_study_says_where_its_log_is_from_anywhere(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs.run_batch(settings("small.csv", "study"))
    text = (tmp_path / "study" / "study.toml").read_text()
    assert f'events = "{small}"' in text
    assert "output" not in text


def test_a_study_done_again_elsewhere_prepares_its_log_the_same_way(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("users.csv").write_text("user_id,tier\nu0001,gold\n")
    steps = ("drop:events=help", "join:table=users.csv")
    runs.run_batch(settings("small.csv", "study", prepare=steps))
    first = (tmp_path / "study" / "result.json").read_bytes()
    told = json.loads(first)["recipe"]["settings"]
    assert tuple(told["preparation"]) == steps
    assert len(told["joined"]) == 1
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    runs.run_batch(merge_settings(read_settings(tmp_path / "study" / "study.toml"), {}))
    assert (tmp_path / "study" / "result.json").read_bytes() == first


def test_defaults_are_told_as_options_that_can_be_typed(small, tmp_path):
    told = runs.run_batch(settings(small, tmp_path / "study")).defaults_used()
    assert told[0] == "--column user_id=user_id"
    assert "--drop drop_off" in told
    assert "--drop friction_drop" in told
    assert not any(each.startswith("--clusters") for each in told)


@pytest.mark.parametrize(
    ("source", "study"),
    [
        ("logs/*.csv", "logs"),
        ("logs/**/*.csv", "logs"),
        ("*.csv", "study"),
        ("logs/", "logs"),
        ("logs/..", "work"),
        ("a.json.gz", "a"),
        ("a.xlsx", "a"),
        (".csv", "study"),
        ("-", "study"),
        ("duckdb:///shop.db#events", "shop.db_events"),
        ("postgresql://ann@db.example/shop#SELECT * FROM a.b", "shop_SELECT_FROM_a.b"),
    ],
)
def test_a_study_is_called_after_its_source(tmp_path, monkeypatch, source, study):
    (tmp_path / "work" / "logs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    assert runs.default_output(Settings(events=source)) == Path("exports") / study
