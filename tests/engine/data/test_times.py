from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.times import parse_times
from persona_tui.engine.errors import DataError

moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))


def parse(*values, dtype=None):
    return parse_times(pl.Series("time", values, dtype=dtype)).to_list()


def test_the_result_is_utc_microseconds():
    parsed = parse_times(pl.Series(["2026-03-02T09:14:05"]))
    assert parsed.dtype == pl.Datetime("us", "UTC")


@given(st.lists(moments, min_size=1))
def test_iso_times_come_back_to_the_microsecond(times):
    assert parse(*[each.isoformat() for each in times]) == times


@given(st.lists(moments, min_size=1), st.sampled_from([1, 1_000, 1_000_000]), st.booleans())
def test_epochs_of_any_unit_come_back(times, per_second, is_text):
    whole = [each.replace(microsecond=0) for each in times if each.year > 2001]
    epochs = [int(each.timestamp()) * per_second for each in whole]
    if epochs:
        assert parse(*(map(str, epochs) if is_text else epochs)) == whole


@given(st.lists(moments.filter(lambda each: each.year > 2001), min_size=1))
def test_nanoseconds_come_back_to_the_microsecond(times):
    epochs = [round((each - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) for each in times]
    assert parse(*[each * 1_000 for each in epochs]) == times


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:14:05Z",
        "2026-03-02 09:14:05 UTC",
        "2026-03-02T10:14:05+01:00",
        "2026-03-02T10:14:05 +0100",
        "2026-03-02 09:14:05",
        "  2026-03-02T09:14:05.000  ",
        "2026/03/02 09:14:05",
        "02.03.2026 09:14:05",
        "20260302T091405",
        "20260302T091405Z",
    ],
)
def test_many_ways_to_write_one_moment(text):
    assert parse(text) == [datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)]


def test_times_without_seconds_are_read():
    assert parse("2026-03-02 09:14") == [datetime(2026, 3, 2, 9, 14, tzinfo=UTC)]


@pytest.mark.parametrize("text", ["2026-03-02", "2026/03/02", "02.03.2026"])
def test_a_date_alone_is_its_midnight(text):
    assert parse(text) == [datetime(2026, 3, 2, tzinfo=UTC)]


def test_formats_may_be_mixed_in_one_column():
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert parse("2026-03-02T12:00:00Z", "2026-03-02 12:00", "2026-03-02T13:00:00+01:00") == [noon] * 3


def test_a_fraction_of_an_epoch_second_is_kept():
    assert parse("1700000000.25")[0].microsecond == 250_000


@pytest.mark.parametrize("bad", ["soon", "2026-02-30", "", None])
def test_what_cannot_be_read_is_null_and_the_rest_is_kept(bad):
    assert parse("2026-03-02", bad) == [datetime(2026, 3, 2, tzinfo=UTC), None]


@pytest.mark.parametrize("bad", ["nan", "inf", "9e18", "1700000000000000"])
def test_epochs_beyond_the_calendar_are_null(bad):
    assert parse("1700000000", "1700000001", bad)[2] is None


def test_missing_numbers_do_not_disguise_the_unit():
    assert parse("nan", "nan", "1700000000")[2].year == 2023


def test_zoned_columns_are_converted():
    column = pl.Series([datetime(2026, 3, 2, 9)]).dt.replace_time_zone("Europe/Berlin")
    assert parse_times(column).to_list() == [datetime(2026, 3, 2, 8, tzinfo=UTC)]


def test_naive_columns_are_taken_as_utc():
    assert parse(datetime(2026, 3, 2, 9)) == [datetime(2026, 3, 2, 9, tzinfo=UTC)]


def test_date_columns_are_midnights():
    assert parse(date(2026, 3, 2)) == [datetime(2026, 3, 2, tzinfo=UTC)]


@pytest.mark.parametrize("value", ["soon", True, time(9), timedelta(1), ["2026-03-02"]])
def test_a_column_without_any_time_is_refused_with_an_example(value):
    with pytest.raises(DataError, match="No time of column 'time' could be read; the first is"):
        parse(value)


def test_an_empty_column_is_refused():
    with pytest.raises(DataError, match="Column 'time' holds no time"):
        parse(None, None, dtype=pl.String)
