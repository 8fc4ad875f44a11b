"""Several files, folders or globs that are one log."""

from pathlib import Path

import polars as pl
import pytest

from persona_tui.engine.errors import DataError, SimulationError
from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.log import load_log
from persona_tui.study.options import Settings
from persona_tui.study.runs import default_output, settings_text
from persona_tui.tui.workspace import Workspace, settings_of_source

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
N_ROWS, N_FIRST = 2_000, 801
"""The first file ends within a user."""


@pytest.fixture(scope="session")
def parts(tmp_path_factory):
    """Return a folder with a log, and its halves as a Parquet file of times and a CSV file of texts."""
    folder = tmp_path_factory.mktemp("parts")
    whole = pl.read_csv(SAMPLE, n_rows=N_ROWS)
    whole.write_csv(folder / "whole.csv")
    first = whole.head(N_FIRST).with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC"))
    first.write_parquet(folder / "a.parquet")
    whole.tail(-N_FIRST).write_csv(folder / "b.csv")
    return folder


@pytest.fixture(autouse=True)
def _no_shared_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path / "cache"))


def sources_of(folder, *names):
    return tuple(str(folder / name) for name in names)


@pytest.mark.parametrize("names", [("a.parquet", "b.csv"), ("b.csv", "a.parquet")])
def test_two_files_of_one_log_give_what_one_file_gives(parts, names):
    whole = load_log(Settings(events=str(parts / "whole.csv")))
    several = load_log(Settings(events=sources_of(parts, *names)))
    assert several.events.equals(whole.events)


def test_the_fingerprint_covers_every_file(parts, tmp_path):
    for name in ("a.parquet", "b.csv"):
        (tmp_path / name).write_bytes((parts / name).read_bytes())
    settings = Settings(events=sources_of(tmp_path, "a.parquet", "b.csv"))
    before = load_log(settings).fingerprint
    pl.read_csv(parts / "b.csv").head(-1).write_csv(tmp_path / "b.csv")
    after = load_log(settings)
    assert after.n_events == N_ROWS - 1
    assert after.fingerprint != before


def test_a_row_that_cannot_be_used_is_told_with_its_file_and_line(parts, tmp_path):
    bad = tmp_path / "c.csv"
    bad.write_text("user_id,timestamp,event_type\nu1,2026-03-02T04:28:27Z,landing\nu1,not a time,landing\n")
    log = load_log(Settings(events=(*sources_of(parts, "a.parquet"), str(bad))))
    first = log.quality.as_document()["findings"][0]
    assert first["examples"] == [f"{bad} line 3"]


def test_one_of_several_that_is_not_there_is_named(parts):
    with pytest.raises(DataError, match=r"no file '.*/c\.csv'"):
        load_log(Settings(events=sources_of(parts, "a.parquet", "c.csv")))


@pytest.mark.parametrize("other", ["sqlite:///shop.db#events", "-"])
def test_what_is_no_file_is_read_alone(parts, other):
    with pytest.raises(DataError, match="is read alone"):
        load_log(Settings(events=(*sources_of(parts, "a.parquet"), other)))


def test_an_empty_name_among_several_is_refused():
    with pytest.raises(SimulationError, match="--events names a source that is empty"):
        Settings(events=("a.csv", " "))


def test_a_study_file_keeps_several_sources_beside_it(parts):
    study = parts / "study.toml"
    study.write_text('events = ["a.parquet", "b.csv"]\n')
    settings = merge_settings(read_settings(study), {})
    assert settings.events == sources_of(parts, "a.parquet", "b.csv")
    assert merge_settings(read_settings(study), {"events": "c.csv"}).sources() == ("c.csv",)
    again = parts / "again.toml"
    again.write_text(settings_text(settings))
    assert merge_settings(read_settings(again), {}).events == settings.events


def test_a_list_of_one_source_is_that_source(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text('events = ["a.csv"]\n')
    assert read_settings(study)["events"] == str(tmp_path / "a.csv")


def test_the_app_takes_up_the_session_of_a_study_of_several_sources(parts, tmp_path):
    study = parts / "app.toml"
    study.write_text('events = ["a.parquet", "b.csv"]\n')
    settings = settings_of_source(str(study), {})
    Workspace(settings, folder=tmp_path / "sessions").edit("seed", seed=3)
    taken_up = Workspace(settings, folder=tmp_path / "sessions")
    assert taken_up.resume()
    assert taken_up.settings.seed == 3
    assert taken_up.settings.sources() == sources_of(parts, "a.parquet", "b.csv")


def test_the_words_for_several_sources_can_be_given_again():
    settings = Settings(events=("logs/a b.csv", "logs/c.csv"))
    assert settings.source_words() == ("--events", "logs/a b.csv", "--events", "logs/c.csv")
    assert settings.source_name() == "a b.csv, c.csv"
    assert default_output(settings) == Path("exports/a b")


def test_many_sources_are_told_by_the_first_of_them():
    settings = Settings(events=tuple(f"{letter}.csv" for letter in "abcde"))
    assert settings.source_shown() == "a.csv, b.csv, c.csv and 2 more"
