"""A log is the same however its rows come: shuffled, in several files, in buckets, by several threads."""

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.stored_log import open_log, save_log

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
ROW = st.tuples(
    st.sampled_from(["10", "9", "b", "é"]),
    st.sampled_from(["s", "t", None]),
    st.integers(0, 90),
    st.sampled_from(["view", "buy", "return", "added_step_1"]),
    st.sampled_from(["x", "2", None]),
)
ROWS = st.lists(ROW, min_size=1, max_size=40)


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """Return a writer of rows into a new file."""
    folder, numbers = tmp_path_factory.mktemp("logs"), count()

    def written(rows):
        users, sessions, minutes, events, plans = zip(*rows, strict=True)
        path = folder / f"{next(numbers):05d}.parquet"
        pl.DataFrame(
            {
                "user_id": users,
                "session_id": pl.Series(sessions, dtype=pl.String),
                "timestamp": [BEGIN + timedelta(minutes=each) for each in minutes],
                "event_type": events,
                "plan": pl.Series(plans, dtype=pl.String),
            }
        ).write_parquet(path)
        return path

    return written


def told(log):
    """Return all that is known of a log, in no order of parts."""
    flat = log.sequences
    arrays = [getattr(flat, name).tolist() for name in ("codes", "users", "sessions", "times")]
    return flat.vocabulary, flat.user_ids, arrays, log.events.rows(), log.quality.n_duplicates


def distinct_times(rows):
    """Return rows of which no two of a user are at the same time: where the order of rows says nothing."""
    return list({(row[0], row[2]): row for row in rows}.values())


@given(ROWS, st.integers(0, 99))
def test_the_order_of_rows_says_nothing_but_at_ties(write, rows, seed):
    rows = distinct_times(rows)
    shuffled = Random(seed).sample(rows, len(rows))
    assert told(load_event_log(write(shuffled))) == told(load_event_log(write(rows)))


IDS = st.lists(
    st.sampled_from(["5", "7", "12", "0", "05", "+5", "-1", " 7", "7 ", "a", "", "9" * 30]),
    min_size=1,
    max_size=6,
)


@given(st.lists(IDS, min_size=1, max_size=3), st.sampled_from([None, 1]))
def test_ids_that_look_like_numbers_stay_as_they_are_written(tmp_path_factory, files, memory):
    paths = [tmp_path_factory.mktemp("ids") / "log.csv" for _ in files]
    for path, ids in zip(paths, [*files[:-1], [*files[-1], "5"]], strict=True):
        path.write_text("user,time,event\n" + "".join(f"{each},2026-03-02T09:00:00Z,view\n" for each in ids))
    log = load_event_log(paths, memory=memory)
    named = {each.strip() for ids in files for each in ids if each.strip()}
    assert log.sequences.user_ids == tuple(sorted(named | {"5"}))


@given(ROWS, st.integers(1, 39))
def test_files_are_read_as_one(write, rows, cut):
    pieces = [write(piece) for piece in (rows[:cut], rows[cut:]) if piece]
    assert told(load_event_log(pieces)) == told(load_event_log(write(rows)))


@given(ROWS, st.sampled_from([1, 300, 3_000]), st.integers(1, 3))
def test_buckets_and_threads_do_not_show(write, rows, memory, n_threads):
    path = write(rows)
    assert told(load_event_log(path, memory=memory, n_threads=n_threads)) == told(load_event_log(path))


@given(ROWS)
def test_what_is_not_asked_for_changes_nothing_else(write, rows):
    path = write(rows)
    pruned, whole = load_event_log(path, attributes=()), load_event_log(path)
    assert pruned.events.rows() == whole.events.drop("plan").rows()
    assert pruned.quality.n_duplicates == whole.quality.n_duplicates


def test_a_log_comes_back_from_its_folder_as_it_was(write, tmp_path):
    log = load_event_log(
        write([("u", "s", 0, "view", "x"), ("u", None, 1, "buy", None), ("v", "s", 0, "view", "2")])
    )
    save_log(log, tmp_path)
    again = open_log(tmp_path)
    assert again is not None
    assert told(again) == told(log)
    assert again.quality.sentences() == log.quality.sentences()
    assert (again.fingerprint, again.columns, again.recipe) == (log.fingerprint, log.columns, log.recipe)


@pytest.mark.parametrize("victim", ["log.json", "events-00000.arrays", "users-00000.arrow"])
def test_a_damaged_folder_is_no_log(write, tmp_path, victim):
    save_log(load_event_log(write([("u", "s", 0, "view", "x")] * 3)), tmp_path)
    content = (tmp_path / victim).read_bytes()
    (tmp_path / victim).write_bytes(content[: len(content) // 2])
    assert open_log(tmp_path) is None
