from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from persona_tui.engine.data.times import ClockChanges, parse_times, read_times
from persona_tui.engine.errors import UnknownNameError


def test_an_unknown_zone_is_refused_with_the_near_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'Europe/Berlin'"):
        parse_times(pl.Series(["2026-03-02"]), timezone="europe/berlni")


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["2026-07-02 09:00:00"]),
        pl.Series([datetime(2026, 7, 2, 9)]),
        pl.Series(["07/13/2026 9:00 AM", "07/02/2026 9:00 AM"])[1:].append(pl.Series(["07/13/2026 9:00 AM"])),
    ],
)
def test_the_zone_is_that_of_times_that_say_none(column):
    assert parse_times(column, timezone="Europe/Berlin")[0] == datetime(2026, 7, 2, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["2026-07-02T09:00:00Z", 1_782_982_800, datetime(2026, 7, 2, 9, tzinfo=UTC)]
)
def test_the_zone_is_not_that_of_times_that_say_theirs(value):
    assert parse_times(pl.Series([value]), timezone="Europe/Berlin")[0] == datetime(2026, 7, 2, 9, tzinfo=UTC)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)))
@example(datetime(2026, 3, 29, 2, 30))
@example(datetime(2026, 10, 25, 2, 30))
def test_local_times_are_read_with_the_offset_before_a_clock_change(moment):
    expected = moment.replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=0).astimezone(UTC)
    assert parse_times(pl.Series([moment.isoformat(" ")]), timezone="Europe/Berlin").to_list() == [expected]


def test_a_day_that_a_zone_skipped_is_read_as_before():
    parsed = parse_times(pl.Series(["2011-12-30 12:00:00"]), timezone="Pacific/Apia")
    assert parsed[0] == datetime(2011, 12, 30, 22, tzinfo=UTC)


def test_doubtful_local_times_are_counted():
    times = pl.Series(
        ["2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-10-25 02:31:00", "2026-01-01 00:00:00"]
    )
    changes = ClockChanges()
    read_times(times, timezone="Europe/Berlin").parse(times, changes)
    assert (changes.n_ambiguous, changes.n_nonexistent) == (2, 1)
    assert len(changes.sentences()) == 2


def test_an_empty_zone_is_refused():
    with pytest.raises(UnknownNameError, match="Unknown timezone ''"):
        read_times(pl.Series(["2026-03-02"]), timezone="")


def test_a_fixed_offset_is_a_zone():
    assert parse_times(pl.Series(["2026-03-02"]), timezone="+02:00")[0] == datetime(
        2026, 3, 1, 22, tzinfo=UTC
    )
