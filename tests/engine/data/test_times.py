from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.time_formats import DateOrderEvidence
from persona_tui.engine.data.times import ClockChanges, parse_times, read_times
from persona_tui.engine.errors import DataError, UnknownNameError

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


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:14:05.123456789012Z",
        "2026-03-02T09:14:05.123456",
        "2026-03-02 09:14:05.123456 UTC",
        "2026-03-02 10:14:05.123456+01:00",
        "20260302T091405.123456",
    ],
)
def test_fractions_are_kept_to_the_microsecond(text):
    assert parse(text) == [datetime(2026, 3, 2, 9, 14, 5, 123456, tzinfo=UTC)]


@pytest.mark.parametrize(
    "text",
    [
        "Mar 2, 2026 09:14:05",
        "March 2, 2026 9:14:05 AM",
        "2 March 2026 09:14:05",
        "02-MAR-2026 09:14:05",
        "Mon, 02 Mar 2026 10:14:05 +0100",
        "02/Mar/2026:09:14:05 +0000",
        "20260302091405",
        20260302091405,
        "2026-03-02 09:14:05,000",
    ],
)
def test_times_that_people_and_servers_write_are_read(text):
    assert parse(text) == [datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)]


@pytest.mark.parametrize("value", ["20260302", 20260302, 20260302.0, "Mar 2, 2026", "02-Mar-26"])
def test_a_date_in_any_dress_is_its_midnight(value):
    assert parse(value) == [datetime(2026, 3, 2, tzinfo=UTC)]


def test_epochs_may_be_written_as_powers_of_ten():
    assert parse("1.7e9", "1.7e9")[0] == datetime.fromtimestamp(1_700_000_000, tz=UTC)


def test_whole_and_broken_epoch_seconds_may_be_mixed():
    parsed = parse("1700000000", "1700000000.5", " 1700000001 ")
    assert [each.microsecond for each in parsed] == [0, 500_000, 0]
    assert parsed[2].second == parsed[0].second + 1


def test_a_given_unit_is_not_guessed_from_the_size():
    assert parse_times(pl.Series([5_000]), unit="ms")[0] == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)


def test_days_of_a_spreadsheet_are_read_when_told():
    parsed = parse_times(pl.Series([46_083.5]), unit="excel", timezone="Europe/Berlin")
    assert parsed[0] == datetime(2026, 3, 2, 11, tzinfo=UTC)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)))
def test_days_of_a_spreadsheet_come_back_to_the_millisecond(moment):
    days = (moment - datetime(1899, 12, 30)) / timedelta(days=1)
    parsed = parse_times(pl.Series([days]), unit="excel")[0]
    assert abs(parsed - moment.replace(tzinfo=UTC)) <= timedelta(milliseconds=1)


def test_units_of_several_sizes_in_one_column_are_told():
    reading = read_times(pl.Series([1_700_000_000, 1_700_000_001, 1_700_000_002_000]))
    assert "1 of the first 3 times have the size of milliseconds: they are read as seconds all the same" in (
        reading.notes
    )


def test_an_unknown_unit_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"Unknown time unit 'sec'\. Known: s, ms"):
        read_times(pl.Series([1]), unit="sec")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["03/02/2026 9:14 PM", "03/25/2026 9:14 AM"], datetime(2026, 3, 2, 21, 14, tzinfo=UTC)),
        (["02/03/2026 21:14", "25/03/2026 09:14"], datetime(2026, 3, 2, 21, 14, tzinfo=UTC)),
        (["3/2/26 21:14", "3/25/26 21:14"], datetime(2026, 3, 2, 21, 14, tzinfo=UTC)),
        (["3/2/2026, 9:14:00 PM", "3/25/2026, 9:14:00 PM"], datetime(2026, 3, 2, 21, 14, tzinfo=UTC)),
        (["02-03-2026 21:14", "25-03-2026 21:14"], datetime(2026, 3, 2, 21, 14, tzinfo=UTC)),
    ],
)
def test_a_part_above_twelve_tells_the_day_from_the_month(texts, expected):
    assert parse(*texts)[0] == expected


def test_what_the_sample_does_not_decide_the_rest_of_the_column_does():
    reading = read_times(pl.Series(["03/02/2026", "04/02/2026"]))
    assert reading.ambiguous
    batches = iter([pl.Series(["03/02/2026", None]), pl.Series(["03/25/2026"]), pl.Series(["25/03/2026"])])
    settled = reading.settle(batches)
    assert (settled.order, settled.ambiguous) == ("month-first", False)
    assert len(list(batches)) == 1
    assert settled.notes[-1] == "dates are read month-first: '03/25/2026' can be read in no other way"


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["03/02/2026", "03/03/2026", "03/04/2026"], "month-first"),
        (["02/03/2026", "03/03/2026", "04/03/2026"], "day-first"),
        (["02/03/2026"], "day-first"),
    ],
)
def test_where_no_date_decides_the_part_that_varies_more_is_the_day(dates, order):
    column = pl.Series(dates)
    settled = read_times(column).settle(iter([column]))
    assert settled.order == order


def test_an_order_that_is_not_certain_is_told_with_both_readings_and_the_option():
    column = pl.Series(["02/03/2026 21:14"])
    settled = read_times(column).settle(iter([column]))
    assert settled.notes[-1] == (
        "whether dates are day-first or month-first is not certain: '02/03/2026' is read as 2 March 2026, "
        "not as 3 February 2026 (--dates month-first for the other way)"
    )


def test_an_order_that_is_given_needs_no_evidence():
    reading = read_times(pl.Series(["02/03/2026"]), dates="month-first")
    assert not reading.ambiguous
    assert reading.parse(pl.Series(["02/03/2026"]))[0] == datetime(2026, 2, 3, tzinfo=UTC)


def test_dates_in_both_orders_are_read_in_the_commoner_one_and_told():
    column = pl.Series(["25/03/2026", "26/03/2026", "03/27/2026"])
    reading = read_times(column)
    assert reading.parse(column).null_count() == 1
    assert "--dates month-first" in reading.notes[-1]


def test_a_head_without_values_is_settled_by_the_first_values():
    reading = read_times(pl.Series([None, None], dtype=pl.String))
    batches = iter([pl.Series([None], dtype=pl.String), pl.Series(["02.03.2026"])])
    settled = reading.settle(batches)
    assert settled.parse(pl.Series(["02.03.2026"]))[0] == datetime(2026, 3, 2, tzinfo=UTC)


def test_a_year_of_two_digits_is_never_read_as_one_of_antiquity():
    assert parse("2026-03-02", "26-03-02")[1] is None


def test_a_number_among_texts_is_no_time():
    assert parse("2026-03-02", "2026-03-03", "2026-03-04", "17120102034", "0")[3:] == [None, None]


def test_a_text_among_numbers_is_still_read():
    assert parse("1700000000", "1700000001", "2026-03-02")[2] == datetime(2026, 3, 2, tzinfo=UTC)


@given(
    st.lists(
        st.tuples(moments, st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S"])),
        min_size=1,
    ),
    st.integers(1, 5),
)
def test_batches_are_read_as_the_whole(rows, size):
    column = pl.Series([moment.strftime(template) for moment, template in rows])
    reading = read_times(column)
    batches = [reading.parse(column[start : start + size]) for start in range(0, len(column), size)]
    assert pl.concat(batches).to_list() == [moment.replace(microsecond=0) for moment, _ in rows]


def test_zones_that_are_taken_for_granted_are_told():
    assert read_times(pl.Series(["2026-03-02 09:14"])).notes == (
        "times without a zone are read as UTC (--timezone NAME for another)",
    )
    assert read_times(pl.Series(["2026-03-02 09:14Z"])).notes == ()


@pytest.mark.parametrize("year", ["+12026", "-2026", "+262000"])
def test_a_year_that_no_date_has_is_null(year):
    assert parse("2026-03-02", f"{year}-03-02")[1] is None


def test_decimals_keep_their_fraction():
    assert parse(Decimal("1700000000.25"))[0].microsecond == 250_000


def test_what_the_sample_did_not_show_is_read_too():
    reading = read_times(pl.Series(["2026-03-02T09:14:05Z"]))
    later = pl.Series(["2 March 2026 09:14:05", None, "soon", "", "2 March 2026 09:14:05"])
    assert reading.parse(later).is_null().to_list() == [False, True, True, True, False]


def test_local_times_in_a_form_that_the_sample_did_not_show_are_counted_each():
    reading = read_times(pl.Series(["2026-03-02T09:14:05"]), timezone="Europe/Berlin")
    changes = ClockChanges()
    reading.parse(pl.Series(["25.10.2026 02:30"] * 5), changes)
    assert changes.n_ambiguous == 5


def test_dates_in_slashes_that_the_sample_did_not_show_are_not_guessed():
    reading = read_times(pl.Series(["2026-03-02"]))
    assert reading.parse(pl.Series(["03/02/2026"])).to_list() == [None]


@given(
    st.lists(st.tuples(st.integers(1, 31), st.integers(1, 31)), min_size=1, max_size=8),
    st.sampled_from(["/", "-"]),
    st.integers(1, 3),
)
def test_the_order_of_a_column_is_that_of_most_of_its_deciding_dates(parts, joint, size):
    dates = [f"{first}{joint}{second}{joint}2026" for first, second in parts]
    by_day = {each for each, (first, second) in zip(dates, parts, strict=True) if first > 12 >= second}
    by_month = {each for each, (first, second) in zip(dates, parts, strict=True) if second > 12 >= first}
    evidence = DateOrderEvidence.none()
    for start in range(0, len(dates), size):
        evidence.add(pl.Series(dates[start : start + size]))
    assert evidence.is_needed
    if len(by_day) != len(by_month) and size >= len(dates):
        assert evidence.order == ("day-first" if len(by_day) > len(by_month) else "month-first")
    if bool(by_day) != bool(by_month):
        assert evidence.order == ("day-first" if by_day else "month-first")
        assert evidence.example in by_day | by_month
    if not by_day and not by_month:
        firsts, seconds = ({part[n] for part in parts} for n in (0, 1))
        assert evidence.order == ("day-first" if len(firsts) >= len(seconds) else "month-first")


def test_other_texts_tell_nothing_about_the_order_of_dates():
    evidence = DateOrderEvidence.none()
    evidence.add(pl.Series(["2026-03-25", "25.03.2026", "1/2", "25/03/20261", "soon", "", None]))
    assert not evidence.is_needed
