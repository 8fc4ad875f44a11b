from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.analytics.metrics import EXIT, START, retention, transition_counts
from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.errors import DataError, UnknownNameError

units = st.sampled_from(["user", "session"])
periods = st.sampled_from(["day", "week", "month"])


def journeys_of(log, unit):
    """Return the states of each unit in time, ties in the order of the log: the definition, literally."""
    found, session_of = {}, {}
    for user, session, _, event in sorted(log.rows(), key=lambda row: row[2]):
        journey = found.setdefault(user if unit == "user" else (user, session), [])
        if unit == "user" and journey and session_of[user] != session:
            journey.append("return")
        journey.append(event)
        session_of[user] = session
    return list(found.values())


@given(data=st.data(), unit=units)
def test_moves_are_counted_as_they_follow_each_other(small_logs, data, unit):
    log = data.draw(small_logs)
    moves = Counter(move for each in journeys_of(log, unit) for move in pairwise([START, *each, EXIT]))
    counted = transition_counts(log, unit)
    assert {(source, target): n for source, target, n, _ in counted.iter_rows()} == moves


@given(data=st.data(), unit=units)
def test_the_shares_of_a_source_are_those_of_its_moves(small_logs, data, unit):
    counted = transition_counts(data.draw(small_logs), unit)
    for _, moves in counted.group_by("source"):
        shares = [n / moves["count"].sum() for n in moves["count"]]
        assert moves["share"].to_list() == pytest.approx(shares, rel=1e-12)


@given(data=st.data(), unit=units)
def test_whatever_comes_in_goes_out(small_logs, data, unit):
    counted = transition_counts(data.draw(small_logs), unit)
    n_into = dict(counted.group_by("target").agg(pl.col("count").sum()).iter_rows())
    n_out = dict(counted.group_by("source").agg(pl.col("count").sum()).iter_rows())
    assert n_into.pop(EXIT) == n_out.pop(START)
    assert n_into == n_out


@given(data=st.data(), unit=units)
def test_starts_come_first_and_then_the_largest_of_each_source(small_logs, data, unit):
    counted = transition_counts(data.draw(small_logs), unit)
    keys = [(source != START, source, -n, target) for source, target, n, _ in counted.iter_rows()]
    assert keys == sorted(keys)


def test_moves_stay_within_a_session_unless_asked(make_log):
    log = make_log([("u", "1", 0, "a"), ("u", "2", 9, "b")])
    assert ("a", EXIT) in transition_counts(log).select("source", "target").rows()
    assert ("a", "return") in transition_counts(log, "user").select("source", "target").rows()


def test_an_event_called_start_is_not_the_start(make_log):
    log = make_log([("u", "1", 0, "start"), ("u", "1", 1, "exit")])
    assert transition_counts(log).select("source", "target").rows() == [
        (START, "start"),
        ("exit", EXIT),
        ("start", "exit"),
    ]


@pytest.mark.parametrize("name", [START, EXIT, "return"])
def test_an_event_with_a_reserved_name_is_refused(make_log, name):
    with pytest.raises(DataError, match="which is reserved"):
        transition_counts(make_log([("u", "1", 0, name)]))


def test_transition_counts_need_canonical_columns():
    with pytest.raises(DataError, match="No column 'user_id'"):
        transition_counts(pl.DataFrame({"client": ["u"]}))


def test_transition_counts_need_an_event(make_log):
    with pytest.raises(DataError, match="holds no events"):
        transition_counts(make_log([("u", "1", 0, "a")]).clear())


@pytest.mark.real
def test_the_starts_of_a_real_log_are_its_sessions(real_log):
    events = load_event_log(real_log("online_wizard")).events
    counted = transition_counts(events)
    assert counted.filter(source=START)["count"].sum() == 23_365
    assert counted.filter(target="start")["count"].sum() == (events["event_type"] == "start").sum()


def began(moment, period):
    day = moment.date()
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[period]


def following(day, period):
    if period == "month":
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return day + timedelta(days=1 if period == "day" else 7)


visits = st.lists(
    st.tuples(st.sampled_from("uvwx"), st.datetimes(datetime(2025, 11, 20), datetime(2026, 2, 10))),
    min_size=1,
)


def visit_log(seen):
    users, times = zip(*seen, strict=True)
    return pl.DataFrame({"user_id": users, "timestamp": times}).with_columns(
        pl.col("timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )


@given(visits, periods, st.integers(1, 12))
def test_retention_follows_its_definition(seen, period, n_periods):
    active = {(user, began(time, period)) for user, time in seen}
    cohort = {user: min(day for each, day in active if each == user) for user, _ in active}
    last = max(day for _, day in active)
    expected = []
    for day in sorted(set(cohort.values())):
        users, current = {user for user in cohort if cohort[user] == day}, day
        for offset in range(n_periods):
            kept = sum((user, current) in active for user in users) if current <= last else None
            rate = None if kept is None else kept / len(users)
            expected.append((day, offset, len(users), kept, rate, current < last))
            current = following(current, period)
    assert retention(visit_log(seen), period, n_periods).rows() == expected


@given(visits, periods)
def test_everyone_is_there_in_the_period_they_came(seen, period):
    first = retention(visit_log(seen), period, 1)
    assert first["rate"].to_list() == [1.0] * first.height
    assert first["users"].sum() == len({user for user, _ in seen})


def test_a_period_beyond_the_end_of_the_log_is_null_and_a_silent_one_is_zero():
    log = visit_log([("u", datetime(2026, 3, 2)), ("v", datetime(2026, 3, 9)), ("w", datetime(2026, 3, 16))])
    counted = retention(log, n_periods=3).filter(cohort=date(2026, 3, 9))
    assert counted["retained"].to_list() == [1, 0, None]


def test_the_period_in_which_the_log_ends_is_not_complete():
    log = visit_log([("u", datetime(2026, 3, 2)), ("u", datetime(2026, 3, 9))])
    assert retention(log, n_periods=3)["complete"].to_list() == [True, False, False]


def test_weeks_begin_on_monday():
    log = visit_log([("u", datetime(2026, 3, 8, 23, 59)), ("u", datetime(2026, 3, 9))])
    assert retention(log, n_periods=2)["retained"].to_list() == [1, 1]
    assert retention(log)["cohort"][0] == date(2026, 3, 2)


def test_months_go_on_over_the_turn_of_the_year():
    log = visit_log([("u", datetime(2025, 12, 31)), ("u", datetime(2026, 1, 1))])
    assert retention(log, "month", 2)["retained"].to_list() == [1, 1]


def test_times_in_any_zone_are_counted_in_utc():
    log = visit_log([("u", datetime(2026, 3, 8, 23, 30))])
    assert log["timestamp"][0] == datetime(2026, 3, 8, 23, 30, tzinfo=UTC)
    assert retention(log, "day", 1)["cohort"].to_list() == [date(2026, 3, 8)]


def test_an_unknown_period_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'week'"):
        retention(visit_log([("u", datetime(2026, 3, 2))]), "weeks")


def test_at_least_one_period_is_followed():
    with pytest.raises(DataError, match="n_periods == 0, must be >= 1"):
        retention(visit_log([("u", datetime(2026, 3, 2))]), n_periods=0)


def test_retention_needs_an_event():
    with pytest.raises(DataError, match="holds no events"):
        retention(visit_log([("u", datetime(2026, 3, 2))]).clear())
