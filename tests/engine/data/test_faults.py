"""Files that are damaged, odd or hostile load rightly or are refused with a cause."""

import gzip
import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from persona_tui.engine.data import rows as rows_module
from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.errors import DataError, UnknownNameError
from persona_tui.engine.working_folders import sweep

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def log_of(n_rows=6, **more):
    columns = {
        "user_id": [f"u{row % 3}" for row in range(n_rows)],
        "timestamp": [BEGIN + timedelta(minutes=row) for row in range(n_rows)],
        "event": ["abc"[row // 3 % 3] for row in range(n_rows)],
    }
    return pl.DataFrame(columns | more)


@pytest.fixture
def load(tmp_path):
    def load(content, **options):
        if isinstance(content, pl.DataFrame):
            path = tmp_path / "log.parquet"
            content.write_parquet(path)
        else:
            path = tmp_path / "log.jsonl"
            path.write_text(content)
        return load_event_log(path, **options)

    return load


@pytest.mark.parametrize("memory", [None, 1])
@pytest.mark.parametrize("name", ["__position__", "__event__", "__user__", "__bucket__", "__time__"])
def test_a_column_called_as_one_of_loading_is_kept_and_told(load, name, memory):
    log = load(log_of(**{name: list("xyzxyz")}), memory=memory)
    assert sorted(log.events[f"source_{name}"]) == list("xxyyzz")
    assert any(name in told for told in log.quality.repairs)


@pytest.mark.parametrize("name", ["user_id", "event"])
def test_bytes_are_read_as_text_or_refused(load, name):
    assert load(log_of(**{name: [b"a", b"b"] * 3})).events.height == 6
    with pytest.raises(DataError, match="bytes that are no text"):
        load(log_of(**{name: [b"a", b"\xff"] * 3}))


@pytest.mark.parametrize("value", ["NaN", "1e400", "[" * 9_999 + "]" * 9_999, "1" * 5_000])
def test_a_line_that_holds_no_json_value_costs_itself_only(load, value):
    line = '{"user_id":"u","v":%s,"timestamp":"2026-03-01T00:00:0%d","event":"a"}\n'
    try:
        log = load(line % (1, 0) + line % (value, 1) + line % (3, 2))
    except DataError as fault:
        pytest.fail(str(fault))
    assert log.events.height + log.quality.rejects.height == 3
    assert log.events.height >= 2


def test_an_array_nested_too_deep_is_refused(load):
    with pytest.raises(DataError):
        load('[{"user_id":"u","v":' + '{"a":' * 99_999 + "1" + "}" * 99_999 + "}]")


def test_a_path_that_no_key_can_have_is_unknown(load):
    with pytest.raises(UnknownNameError, match=r"m\.i'd"):
        load(log_of(m=['{"id":1}'] * 6), columns={"user_id": "m.i'd"})


def test_dictionary_columns_are_recognised_by_content(load):
    frame = log_of(200).rename({"user_id": "k1", "timestamp": "k2", "event": "k3"})
    frame = frame.with_columns(k1=pl.Series([f"u{row % 70}" for row in range(200)]))
    log = load(frame.with_columns(pl.col("k3").cast(pl.Categorical)))
    assert log.recognition.columns == {"user_id": "k1", "timestamp": "k2", "event_type": "k3"}


def test_more_rows_than_positions_are_refused(load, monkeypatch):
    monkeypatch.setattr(rows_module, "MOST_ROWS", 5)
    with pytest.raises(DataError, match="more than 5 rows"):
        load(log_of())


def test_damaged_files_are_refused_by_name(tmp_path):
    parquet, packed = tmp_path / "half.parquet", tmp_path / "cut.csv.gz"
    log_of(5_000).write_parquet(parquet)
    parquet.write_bytes(parquet.read_bytes()[:9_000])
    packed.write_bytes(gzip.compress(log_of(5_000).write_csv().encode())[:-500])
    for path in (parquet, packed):
        with pytest.raises(DataError, match=path.name):
            load_event_log(path)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(log_of().write_csv())
    with pytest.raises(DataError, match="changed while it was read"):
        load_event_log(path, on_progress=lambda _: path.write_text(log_of(9).write_csv()))


def test_lines_that_repeat_are_told_as_they_are():
    lines = rows_module.Lines()
    lines.add("log", pl.Series([1, 1, 3], dtype=pl.Int64))
    assert [lines.of(position) for position in range(3)] == [("log", 1), ("log", 1), ("log", 3)]


def test_a_disk_that_fills_is_told_and_nothing_is_left(tmp_path):
    path, folder = tmp_path / "log.parquet", tmp_path / "buckets"
    log_of(100_000).write_parquet(path)
    folder.mkdir()
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(DataError, match="cannot be written") as fault:
            load_event_log(path, memory=1_000_000, folder=folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert ".." not in fault.value.message.replace(str(tmp_path), "")
    assert list(folder.iterdir()) == []


def test_a_partition_without_rows_adds_none(tmp_path):
    for day, rows in (("1", log_of()), ("2", log_of().clear()), ("3", log_of(3))):
        (tmp_path / f"day={day}").mkdir()
        rows.write_parquet(tmp_path / f"day={day}" / "part.parquet")
    (tmp_path / "day=4").mkdir()
    log = load_event_log(tmp_path)
    assert (log.n_events, log.quality.n_rejected) == (9, 0)
    assert sorted(log.events["day"].unique()) == [1, 3]


def test_a_million_distinct_events_are_each_kept(tmp_path):
    n = 10**6
    row = pl.int_range(n, eager=True)
    times = pl.from_epoch(row + 1_772_442_865)
    log = pl.DataFrame({"user_id": row // 10, "timestamp": times, "event": "e" + row.cast(pl.String)})
    log.write_parquet(tmp_path / "log.parquet")
    found = load_event_log(tmp_path / "log.parquet")
    assert (found.n_events, len(found.vocabulary)) == (n, n)


def test_buckets_of_a_load_that_was_killed_are_swept_by_the_next(tmp_path):
    log_of(20_000).write_parquet(tmp_path / "log.parquet")
    script = (
        "import os, sys; from pathlib import Path\n"
        "from persona_tui.engine.data import gathering\n"
        "from persona_tui.engine.data.etl import load_event_log\n"
        "gathering.write_arrow = lambda *_: os.kill(os.getpid(), 9)\n"
        "load_event_log(sys.argv[1], memory=1, folder=Path(sys.argv[2]))\n"
    )
    (tmp_path / "work").mkdir()
    words = [sys.executable, "-c", script, str(tmp_path / "log.parquet"), str(tmp_path / "work")]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    (left,) = (tmp_path / "work").iterdir()
    os.utime(left, (1, 1))
    assert sweep(tmp_path / "work") == 1
    assert not left.exists()
