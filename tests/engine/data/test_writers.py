"""Event logs written part by part."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.writers import WRITERS, writer_of
from persona_tui.engine.errors import UnknownNameError

EVENTS = ["a", 'b, "c"', "d\u202fé"]
BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def part(first: int) -> pl.DataFrame:
    numbers = range(first, first + 3)
    return pl.DataFrame(
        {
            "user_id": [f"u{number}" for number in numbers],
            "session_id": [f"u{number}-1" for number in numbers],
            "timestamp": [BEGIN + timedelta(microseconds=number) for number in numbers],
            "event_type": pl.Series(EVENTS, dtype=pl.Enum(EVENTS)),
        }
    ).cast({"timestamp": pl.Datetime("us", "UTC")})


@pytest.mark.parametrize("suffix", WRITERS.names())
def test_parts_come_back_as_one_log_in_order(suffix, tmp_path):
    path = tmp_path / f"log{suffix}"
    writer_of(path)(iter([part(0), part(3)]), path)
    loaded = load_event_log(path)
    assert loaded.quality.sentences() == []
    expected = pl.concat([part(0), part(3)])
    assert loaded.events.cast({"event_type": pl.String}).equals(expected.cast({"event_type": pl.String}))
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", WRITERS.names())
def test_the_same_parts_give_the_same_bytes(suffix, tmp_path):
    first, second = (tmp_path / f"{name}{suffix}" for name in "ab")
    for path in (first, second):
        writer_of(path)(iter([part(0), part(3)]), path)
    assert first.read_bytes() == second.read_bytes()


def test_an_ending_is_recognised_whatever_its_case(tmp_path):
    path = tmp_path / "LOG.CSV.GZ"
    writer_of(path)(iter([part(0)]), path)
    header, *_ = gzip.decompress(path.read_bytes()).splitlines()
    assert header == b"user_id,session_id,timestamp,event_type"


def test_an_unknown_ending_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"'\.parqet'.*Did you mean '\.parquet'"):
        writer_of(Path("log.parqet"))
