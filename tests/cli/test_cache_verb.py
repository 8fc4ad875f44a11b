import json
import os
from pathlib import Path

import polars as pl
import pytest

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture
def keep(run, tmp_path):
    """Return a runner whose cache holds one prepared log."""
    pl.read_csv(SAMPLE, n_rows=500).write_parquet(tmp_path / "log.parquet")
    where = {"PERSONA_TUI_CACHE_DIR": str(tmp_path / "cache")}
    assert run("inspect", "log.parquet", **where).returncode == 0
    return lambda *arguments: run("cache", *arguments, **where)


def test_the_list_names_source_size_and_age(keep):
    done = keep("list")
    assert done.returncode == 0, done.stderr
    for words in ("log.parquet", "500", "kB", "just now", "1 prepared log kept"):
        assert words in done.stdout


def test_a_log_is_listed_by_the_end_of_its_whole_path(keep, tmp_path):
    (log,) = json.loads(keep("list", "--json").stdout)["logs"]
    assert log["source"] == str(tmp_path / "log.parquet")
    assert f"{tmp_path.name}/log.parquet"[-30:] in keep("list").stdout


def test_clear_takes_everything_and_a_dry_run_nothing(keep, tmp_path):
    assert "1 prepared log that would be cleared" in keep("clear", "--dry-run").stdout
    assert "0 prepared logs cleared" in keep("clear", "--older-than", "1").stdout
    cleared = json.loads(keep("clear", "--json").stdout)
    assert cleared["schema"] == "persona-tui/cache/1"
    assert len(cleared["logs"]) == 1
    assert json.loads(keep("list", "--json").stdout)["logs"] == []
    assert not [*(tmp_path / "cache" / "logs").glob("[!.]*")]


def test_a_mistyped_action_is_refused_with_the_near_one(keep):
    done = keep("claer")
    assert done.returncode == 2
    assert "Did you mean 'clear'?" in done.stderr


def test_what_killed_programs_left_is_told_and_cleared(keep, tmp_path):
    left = tmp_path / "cache" / "persona-tui-work-killed"
    left.mkdir()
    (left / "rows").write_bytes(b"x" * 5_000)
    os.utime(left, (1, 1))
    assert "1 temporary folder left by killed programs" in keep("list").stdout
    (cleared,) = json.loads(keep("clear", "--json").stdout)["leftovers"]
    assert cleared["folder"] == str(left)
    assert not left.exists()
