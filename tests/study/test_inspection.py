from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.study.inspection import (
    check_targets,
    inspect_and_write,
    inspect_log,
    inspection_document,
)
from persona_tui.study.log import load_log, prepare_log
from persona_tui.study.options import Settings

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "sample.parquet"
    pl.read_csv(SAMPLE).write_parquet(path)
    return Settings(events=str(path))


def write(path, rows, **columns):
    users, events, hours = zip(*rows, strict=True)
    times = [START + timedelta(hours=each) for each in hours]
    frame = pl.DataFrame({"user_id": users, "timestamp": times, "event_type": events, **columns})
    frame.write_parquet(path)
    return Settings(events=str(path))


def test_counts_are_those_of_the_source(sample):
    found, rows = inspect_and_write(sample), pl.read_parquet(sample.events)
    assert found.n_events == rows.height
    assert found.n_users == rows["user_id"].n_unique()
    assert dict(found.events) == Counter(rows["event_type"])
    assert sum(found.histogram.counts) == rows.height


def test_an_inspection_and_a_run_agree_on_who_was_under_way(sample):
    censored = [each for each in inspect_and_write(sample).quality.findings if each.kind == "censored_users"]
    assert [each.count for each in censored] == [prepare_log(sample).facts.censored_users]


def test_every_level_of_an_attribute_counts_the_users_that_have_it(tmp_path):
    rows = [("ann", "a", 0), ("ann", "b", 1), ("bob", "a", 0), ("cy", "a", 2)]
    settings = write(tmp_path / "log.parquet", rows, device=["phone", "desk", "phone", None])
    (device,) = inspect_and_write(settings).attributes
    assert device.levels == (("phone", 2), ("desk", 1))
    assert device.n_users_without == 1


@pytest.mark.parametrize(("hours", "step"), [(1, "minute"), (20, "hour"), (24 * 60, "day"), (24 * 4000, "")])
def test_a_histogram_fits_a_line_and_counts_every_event(tmp_path, hours, step):
    settings = write(
        tmp_path / "log.parquet", [("ann", "a", 0), ("ann", "b", hours), ("bob", "a", hours / 2)]
    )
    bins = inspect_and_write(settings).histogram
    assert len(bins.counts) <= 72
    assert sum(bins.counts) == 3
    assert bins.begins <= START < bins.begins + timedelta(seconds=bins.step_seconds)
    assert not step or step in bins.step


def test_sessions_of_several_users_are_told_and_cut_ones_are_not(tmp_path):
    rows = [("ann", "a", 0), ("bob", "a", 0)]
    own = inspect_and_write(write(tmp_path / "a.parquet", rows, session_id=["s1", "s1"]))
    cut = inspect_and_write(write(tmp_path / "b.parquet", rows, session_id=[None, None]))
    assert "shared_sessions" in {each.kind for each in own.quality.findings}
    assert "shared_sessions" not in {each.kind for each in cut.quality.findings}


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz"])
def test_a_converted_log_holds_the_same_events(sample, tmp_path, ending):
    target = tmp_path / f"out.{ending}"
    inspect_and_write(sample, convert=target)
    read = pl.read_parquet(target) if ending == "parquet" else pl.read_csv(target)
    events = load_log(sample).events
    assert read.columns == events.columns
    for name in ("user_id", "event_type", "metadata"):
        assert read[name].cast(pl.String).to_list() == events[name].cast(pl.String).to_list()


def test_the_log_itself_is_never_written_over(sample):
    with pytest.raises(SimulationError, match="is the log itself"):
        check_targets(sample, convert=Path(sample.events), rejects=None)
    with pytest.raises(UnknownNameError, match="Unknown file format"):
        check_targets(sample, convert=Path("out.xlsx"), rejects=None)


def test_the_next_step_reads_the_log_the_same_way(sample):
    settings = Settings(events=sample.events, column=("user_id=user_id",), timezone="Europe/Berlin")
    command = inspect_and_write(settings).next_step
    assert command.endswith("--column user_id=user_id --timezone Europe/Berlin")


def test_a_document_is_plain_and_names_its_schema(sample):
    document = inspection_document(inspect_and_write(sample))
    assert document["schema"] == "persona-tui/inspection/1"
    assert document["metadata_keys"] == ["age_band", "channel", "country", "device", "plan"]
    assert document["quality"]["rows_read"] == document["events"]


def test_a_log_in_buckets_reads_as_one_in_memory_and_is_never_joined(tmp_path):
    rows = [(f"u{user}", event, user + step) for user in range(9) for step, event in enumerate("abac")]
    sessions = [f"s{number % 5}" for number in range(len(rows))]
    settings = write(tmp_path / "log.parquet", rows, session_id=sessions, device=["phone", "desk"] * 18)
    whole = load_event_log(settings.events)
    in_buckets = load_event_log(settings.events, memory=1, folder=tmp_path)
    assert len(in_buckets.parts) > 1
    told = [inspection_document(inspect_log(settings, log)) for log in (whole, in_buckets)]
    assert told[0] == told[1]
    assert "sequences" not in vars(in_buckets)
    assert "shared_sessions" in {each["kind"] for each in told[0]["quality"]["findings"]}
