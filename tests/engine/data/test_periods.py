from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts_of_logs import parts_by_user

from persona_tui.engine.data.lifecycle import join_lifecycles, measure_lifecycle
from persona_tui.engine.data.retention import join_retention, measure_retention
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, UnknownNameError

ZONES = ["UTC", "America/Sao_Paulo", "Asia/Tokyo"]
BEGIN = datetime(1969, 12, 20, tzinfo=UTC)
periods = st.sampled_from(["day", "week", "month"])
logs = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cy", "di"]),
        st.integers(0, 24 * 120).map(
            lambda hours: datetime(1969, 12, 20, tzinfo=UTC) + timedelta(hours=hours)
        ),
    ),
    min_size=1,
    max_size=30,
).map(
    lambda rows: pl.DataFrame(
        {
            "user_id": [user for user, _ in rows],
            "session_id": ["1"] * len(rows),
            "timestamp": pl.Series([time for _, time in rows], dtype=pl.Datetime("us", "UTC")),
            "event_type": ["a"] * len(rows),
        }
    )
)


def begin_of(time, period, zone):
    """Return the first day of a period that holds a time."""
    day = time.astimezone(ZoneInfo(zone)).date()
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def following(begin, period):
    """Return the first day of the period after."""
    if period == "month":
        return (begin + timedelta(days=32)).replace(day=1)
    return begin + timedelta(days=7 if period == "week" else 1)


def calendar(log, period, zone):
    """Return the periods from the first event to the last, and those in which each user is active."""
    seen = {}
    for user, _, time, _ in log.rows():
        seen.setdefault(user, set()).add(begin_of(time, period, zone))
    every = set.union(*seen.values())
    shown = [min(every)]
    while shown[-1] < max(every):
        shown.append(following(shown[-1], period))
    return shown, [{shown.index(begin) for begin in mine} for mine in seen.values()]


@given(log=logs, period=periods, zone=st.sampled_from(ZONES), n_periods=st.integers(1, 6))
def test_retention_follows_its_definition(log, period, zone, n_periods):
    shown, users = calendar(log, period, zone)
    expected = []
    for number, begin in enumerate(shown):
        cohort = [mine for mine in users if min(mine) == number]
        for offset in range(n_periods if cohort else 0):
            at = number + offset
            counts = [sum(at in mine for mine in cohort), sum(max(mine) >= at for mine in cohort)]
            on, later = counts if at < len(shown) else (None, None)
            rates = [None if each is None else each / len(cohort) for each in (on, later)]
            row = (begin, offset, len(cohort), on, rates[0], later, rates[1], at < len(shown) - 1)
            expected.append(row)
    assert measure_retention(encode_sequences(log), period, timezone=zone).table(n_periods).rows() == expected


@given(log=logs, period=periods, zone=st.sampled_from(ZONES))
def test_the_lifecycle_follows_its_definition(log, period, zone):
    shown, users = calendar(log, period, zone)
    expected = []
    for now, begin in enumerate(shown):
        there = [mine for mine in users if now in mine]
        absent = [mine for mine in users if now not in mine and min(mine) < now]
        new = sum(min(mine) == now for mine in there)
        returning = sum(now - 1 in mine for mine in there)
        dormant = sum(now - 1 in mine for mine in absent)
        resurrecting = len(there) - new - returning
        expected.append((begin, len(there), new, returning, resurrecting, dormant, len(absent)))
    assert measure_lifecycle(encode_sequences(log), period, timezone=zone).table().rows() == expected


@given(log=logs, period=periods)
def test_active_users_are_those_before_less_dormant_and_more_new_and_resurrecting(log, period):
    found = measure_lifecycle(encode_sequences(log), period).table()
    before = found["active"].shift(fill_value=0)
    assert (found["active"] == before - found["dormant"] + found["new"] + found["resurrecting"]).all()


@given(log=logs, period=periods)
def test_parts_give_what_the_log_gives(log, period):
    whole, parts = encode_sequences(log), parts_by_user(log)
    retention = join_retention(measure_retention(part, period) for part in parts)
    assert retention.table(9).equals(measure_retention(whole, period).table(9))
    lifecycle = join_lifecycles(measure_lifecycle(part, period) for part in parts)
    assert lifecycle.table().equals(measure_lifecycle(whole, period).table())


def log_at(*times):
    rows = [("u", "1", time, "a") for time in times]
    return encode_sequences(
        pl.DataFrame(rows, schema=["user_id", "session_id", "timestamp", "event_type"], orient="row")
    )


def test_a_day_that_the_clocks_show_twice_counts_once():
    # in Brazil the clocks went from Sunday 2018-02-18 00:00 back to Saturday 23:00
    local = [datetime(2018, 2, 18, hour, 30, tzinfo=UTC) for hour in (1, 2, 3)]
    found = measure_retention(log_at(*local), "day", timezone="America/Sao_Paulo").table(2)
    assert found["cohort"][0] == date(2018, 2, 17)
    assert found["retained"].to_list() == [1, 1]


def test_a_zone_decides_which_day_it_is():
    evening = log_at(datetime(2026, 3, 1, 23, tzinfo=UTC))
    assert measure_lifecycle(evening, "week").table()["period"][0] == date(2026, 2, 23)
    assert measure_lifecycle(evening, "week", timezone="Asia/Tokyo").table()["period"][0] == date(2026, 3, 2)


def test_a_period_or_zone_that_there_is_not_is_refused():
    log = log_at(datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(UnknownNameError, match="Did you mean 'week'"):
        measure_retention(log, "weeks")
    with pytest.raises(UnknownNameError, match="Europe/Berlin"):
        measure_lifecycle(log, "day", timezone="europe/berlin")


def test_a_cohort_is_followed_for_a_period_at_least():
    with pytest.raises(DataError, match="n_periods == 0, must be >= 1"):
        measure_retention(log_at(datetime(2026, 3, 1, tzinfo=UTC))).table(0)
