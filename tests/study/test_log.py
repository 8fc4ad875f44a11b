from pathlib import Path

import polars as pl
import pytest

from persona_tui.engine.errors import DataError, ThresholdError
from persona_tui.study.log import load_log, prepare_log
from persona_tui.study.options import Settings

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "log.parquet"
    pl.read_csv(SAMPLE, n_rows=2_000).write_parquet(path)
    return path


def test_a_log_is_read_as_the_settings_say(source):
    log = load_log(Settings(events=str(source), timezone="Europe/Berlin", dates="day-first"))
    assert log.recipe["timezone"] == "Europe/Berlin"
    assert log.recipe["dates"] == "day-first"


def test_facts_of_a_log_are_those_of_its_table(source):
    prepared = prepare_log(Settings(events=str(source)))
    events = prepared.log.events
    assert prepared.facts.events == events.height
    assert prepared.facts.first == events["timestamp"].min()
    assert prepared.facts.last == events["timestamp"].max()


def test_too_many_rejected_rows_stop_the_work(source, tmp_path):
    spoiled = tmp_path / "spoiled.parquet"
    row = pl.int_range(pl.len())
    pl.read_parquet(source).with_columns(
        user_id=pl.when(row % 10 == 0).then(None).otherwise(pl.col("user_id"))
    ).write_parquet(spoiled)
    assert load_log(Settings(events=str(spoiled), max_rejected="10%")).n_events
    with pytest.raises(ThresholdError, match="more than --max-rejected 1%"):
        load_log(Settings(events=str(spoiled), max_rejected="1%"))


def test_the_second_run_of_a_new_study_finds_the_log_that_its_first_kept(source, tmp_path, monkeypatch):
    monkeypatch.delenv("PERSONA_TUI_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    settings = Settings(events=str(source), output=str(tmp_path / "study"))
    first = load_log(settings)
    (tmp_path / "study").mkdir()
    reports = []
    assert load_log(settings, on_progress=reports.append).fingerprint == first.fingerprint
    assert not reports


def test_personas_are_not_looked_for_where_the_memory_allowed_does_not_hold_the_log(source, monkeypatch):
    monkeypatch.setattr("persona_tui.study.log._BYTES_PER_EVENT", 50_000)
    with pytest.raises(DataError, match=r"2,000 events need about 0.1 GB .* 0\.064 GB are allowed") as caught:
        prepare_log(Settings(events=str(source), memory="64MB"))
    assert "--prepare sample:share=0.1" in caught.value.hint
    assert prepare_log(Settings(events=str(source), memory="1GB")).facts.events == 2_000
