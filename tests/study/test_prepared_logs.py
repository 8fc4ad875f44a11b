import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import polars as pl
import pytest

from persona_tui.study import log as study_log
from persona_tui.study import prepared_logs
from persona_tui.study.cache_folders import cache_root
from persona_tui.study.log import load_log
from persona_tui.study.options import Settings
from persona_tui.study.prepared_logs import clear_logs, kept_logs

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "log.parquet"
    pl.read_csv(SAMPLE, n_rows=2_000).write_parquet(path)
    return path


@pytest.fixture
def loads(monkeypatch):
    """Return how often a source was read."""
    read, calls = study_log.load_event_log, []

    def counted(*given, **named):
        calls.append(given)
        return read(*given, **named)

    monkeypatch.setattr(study_log, "load_event_log", counted)
    return calls


def test_the_second_start_does_not_read_the_source(root, source, loads):
    first = load_log(Settings(events=str(source)))
    second = load_log(Settings(events=str(source)))
    assert len(loads) == 1
    assert second.events.equals(first.events)
    assert second.columns == first.columns
    assert second.quality.as_document() == first.quality.as_document()


def test_a_changed_source_is_read_again(root, source, loads):
    load_log(Settings(events=str(source)))
    pl.read_csv(SAMPLE, n_rows=1_000).write_parquet(source)
    assert load_log(Settings(events=str(source))).n_events == 1_000
    assert len(loads) == 2
    assert len(kept_logs(root)) == 1


def test_a_source_that_was_only_touched_is_not_read_again(root, source, loads):
    load_log(Settings(events=str(source)))
    os.utime(source, (1, 1))
    load_log(Settings(events=str(source)))
    assert len(loads) == 1


def test_a_file_that_joins_a_folder_is_noticed(root, tmp_path, source, loads):
    folder = tmp_path / "logs"
    folder.mkdir()
    shutil.copy(source, folder / "a.parquet")
    load_log(Settings(events=str(folder)))
    shutil.copy(source, folder / "b.parquet")
    load_log(Settings(events=str(folder)))
    assert len(loads) == 2


def test_another_way_to_read_is_another_log(root, source, loads):
    load_log(Settings(events=str(source)))
    load_log(Settings(events=str(source), timezone="Europe/Berlin"))
    assert len(loads) == 2
    assert len(kept_logs(root)) == 2


def test_a_damaged_log_is_read_anew_and_kept_again(root, source, loads):
    load_log(Settings(events=str(source)))
    (kept,) = kept_logs(root)
    for file in (kept.folder / "log").glob("*.arr*"):
        file.write_bytes(b"rubbish")
    load_log(Settings(events=str(source)))
    load_log(Settings(events=str(source)))
    assert len(loads) == 2


def test_what_is_kept_is_private(root, source):
    load_log(Settings(events=str(source)))
    (kept,) = kept_logs(root)
    assert kept.folder.stat().st_mode & 0o077 == 0


def test_a_full_disk_is_told_and_the_work_goes_on(root, source, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(prepared_logs.shutil, "disk_usage", lambda _path: usage(10**12, 10**12, 0))
    with pytest.warns(UserWarning, match="was not kept for the next start.* 0 MB free"):
        assert load_log(Settings(events=str(source))).n_events == 2_000
    assert kept_logs(root) == []


def test_the_log_unused_for_longest_makes_room(root, source, monkeypatch, tmp_path):
    load_log(Settings(events=str(source)))
    (old,) = kept_logs(root)
    os.utime(old.folder, (time.time() - 10**6,) * 2)
    monkeypatch.setattr(prepared_logs, "cache_limit", lambda _folder: 230_000 + old.n_bytes // 2)
    other = tmp_path / "other.parquet"
    shutil.copy(source, other)
    load_log(Settings(events=str(other)))
    assert [each.source for each in kept_logs(root)] == [str(other)]


def test_what_a_killed_program_left_is_cleared_and_never_taken_for_a_log(root, source):
    script = (
        "import os, persona_tui.study.prepared_logs as p\n"
        "from persona_tui.study.log import load_log\n"
        "from persona_tui.study.options import Settings\n"
        "whole = p.save_log\n"
        "p.save_log = lambda log, folder: (whole(log, folder), os._exit(9))\n"
        f"load_log(Settings(events={str(source)!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == 9
    assert list((root / "logs").glob(".*.*"))
    assert kept_logs(root) == []
    assert load_log(Settings(events=str(source))).n_events == 2_000
    assert not list((root / "logs").glob(".*.*"))
    assert len(kept_logs(root)) == 1


def test_clearing_takes_what_is_old_enough(root, source):
    load_log(Settings(events=str(source)))
    assert clear_logs(root, older_than_days=1) == []
    assert len(clear_logs(root, dry_run=True)) == 1
    assert len(kept_logs(root)) == 1
    assert len(clear_logs(root)) == 1
    assert kept_logs(root) == []


def test_a_named_folder_wins_over_the_study(tmp_path, monkeypatch):
    monkeypatch.delenv("PERSONA_TUI_CACHE_DIR", raising=False)
    assert cache_root(str(tmp_path)) == tmp_path / "cache"
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", "/elsewhere")
    assert cache_root(str(tmp_path)) == Path("/elsewhere")


def test_a_source_that_changes_before_its_log_is_kept_is_not_kept(root, source, monkeypatch):
    read = study_log.load_event_log

    def changed_after(*given, **named):
        log = read(*given, **named)
        pl.read_csv(SAMPLE, n_rows=1_000).write_parquet(source)
        return log

    monkeypatch.setattr(study_log, "load_event_log", changed_after)
    load_log(Settings(events=str(source)))
    assert kept_logs(root) == []
