import json
import os
from pathlib import Path

import polars as pl
import pytest

GOLDEN = Path(__file__).parents[1] / "golden" / "inspect.txt"
SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture
def sample(tmp_path):
    pl.read_csv(SAMPLE).write_parquet(tmp_path / "sample.parquet")
    return "sample.parquet"


@pytest.fixture
def nasty(tmp_path):
    frame = pl.read_csv(SAMPLE, n_rows=500)
    row = pl.int_range(pl.len())
    frame.with_columns(
        user_id=pl.when(row % 10 == 0).then(None).otherwise(pl.col("user_id")),
        event_type=pl.when(row % 7 == 0).then(pl.lit("\x1b[31mbuy =1+1 " + "x" * 90)).otherwise("event_type"),
    ).write_parquet(tmp_path / "nasty.parquet")
    return "nasty.parquet"


def test_a_log_fits_a_page_of_80_columns(run, sample):
    done = run("inspect", sample, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(done.stdout)
    assert done.stdout == GOLDEN.read_text()


def test_hostile_names_are_shown_harmless(run, nasty):
    done = run("inspect", nasty, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\\x1b[31mbuy" in done.stdout
    assert "50 rows (10%) dropped" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_terminal_without_unicode_gets_plain_marks(run, sample):
    done = run("inspect", sample, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "####" in done.stdout
    assert "\\u258" not in done.stdout


def test_json_is_one_document(run, sample):
    done = run("inspect", sample, "--json", "--quiet")
    assert json.loads(done.stdout)["schema"] == "persona-tui/inspection/1"


def test_too_many_rejected_rows_exit_with_4_and_leave_the_rejects(run, nasty, tmp_path):
    done = run("inspect", nasty, "--max-rejected", "1%", "--rejects", "bad.csv", "--convert", "out.parquet")
    assert done.returncode == 4
    assert "10% of rows were rejected (50 of 500), more than --max-rejected 1%" in done.stderr
    assert pl.read_csv(tmp_path / "bad.csv").height == 50
    assert not (tmp_path / "out.parquet").exists()


def test_one_of_each_is_told_as_one_and_long_sentences_hang_from_their_bullet(run, tmp_path):
    (tmp_path / "one.csv").write_text("user_id,timestamp,event_type\na,2026-01-01 10:00,x\n")
    shown = run("inspect", "one.csv", COLUMNS="80").stdout
    assert "1 event of 1 type, 1 user, 1 session, from" in shown
    assert "\n • 1 user (100%) kept: users were still under way when the log ends: they are\n   not" in shown


def test_no_share_of_the_step_before_is_above_all_of_it(run, tmp_path):
    rows = [("u", "b", 0), ("v", "a", 0), ("v", "b", 1), ("w", "b", 0)]
    lines = "".join(f"{user},{event},2026-03-02T09:0{minute}:00Z\n" for user, event, minute in rows)
    (tmp_path / "log.csv").write_text(f"user_id,event_type,timestamp\n{lines}")
    done = run("inspect", "log.csv", "--funnel", "a,b")
    (step,) = (line.split() for line in done.stdout.splitlines() if line.split()[:2] == ["b", "3"])
    assert step[2:] == ["100.0", "%", "1", "100.0", "%"]
