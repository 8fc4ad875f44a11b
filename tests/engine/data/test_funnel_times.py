from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts_of_logs import parts_by_user

from persona_tui.engine.data.funnel import count_funnel
from persona_tui.engine.data.funnel_times import join_funnels, measure_funnel
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, UnknownNameError

units = st.sampled_from(["user", "session"])
orders = st.sampled_from(["loose", "strict", "any"])
windows = st.none() | st.integers(1, 5).map(lambda minutes: timedelta(minutes=minutes))


def draw_steps(data, log):
    return data.draw(st.lists(st.sampled_from(sorted(set(log["event_type"]))), min_size=1, unique=True))


def journeys_of(log, unit):
    """Return times and events of each unit, users in order, sessions by their first event."""
    found = {}
    for user, session, time, event in sorted(log.rows(), key=lambda row: (row[0], row[2])):
        found.setdefault(user if unit == "user" else (user, session), []).append((time, event))
    return list(found.values())


def pass_from(journey, start, steps, order, window):
    """Return the places of the steps that a pass from one event shows: the definition, literally."""
    places = []
    for place in range(start, len(journey)):
        time, event = journey[place]
        shown = {journey[each][1] for each in places}
        if window is not None and time - journey[start][0] > window:
            break
        if order == "any":
            wanted = event in steps and event not in shown
        else:
            wanted = len(places) < len(steps) and event == steps[len(places)]
        if wanted:
            places.append(place)
        elif order == "strict":
            break
    return places


def measured(log, steps, unit, order, window):
    """Return seconds from the start of each unit's furthest pass, and the number of whole passes."""
    elapsed, n_passes = [], 0
    for journey in journeys_of(log, unit):
        passes = [pass_from(journey, start, steps, order, window) for start in range(len(journey))]
        passes = [each for each in passes if each and (order == "any" or journey[each[0]][1] == steps[0])]
        best = max(passes, key=len, default=None)  # the first of several
        if best:
            seconds = [(journey[place][0] - journey[best[0]][0]).total_seconds() for place in best]
            elapsed.append(seconds + [None] * (len(steps) - len(seconds)))
        over = -1
        for each in passes:
            if len(each) == len(steps) and each[0] > over:
                n_passes, over = n_passes + 1, each[-1]
    return elapsed, n_passes


@given(data=st.data(), unit=units, order=orders, window=windows)
def test_a_funnel_follows_its_definition(small_logs, data, unit, order, window):
    log = data.draw(small_logs)
    steps = draw_steps(data, log)
    found = measure_funnel(encode_sequences(log), steps, unit=unit, order=order, window=window)
    elapsed, n_passes = measured(log, steps, unit, order, window)
    shown = [[None if np.isnan(each) else each for each in row] for row in found.elapsed.tolist()]
    assert shown == elapsed
    assert found.n_passes == n_passes
    assert found.n_units == len(journeys_of(log, unit))


@given(data=st.data(), unit=units)
def test_without_a_window_as_many_units_reach_a_step_as_the_plain_funnel_counts(small_logs, data, unit):
    log = data.draw(small_logs)
    sequences, steps = encode_sequences(log), draw_steps(data, log)
    found = measure_funnel(sequences, steps, unit=unit)
    counted = count_funnel(sequences, steps, unit)
    assert found.reached.tolist() == [each.reached_in_order for each in counted]
    assert found.table()["rate"].to_list() == [each.rate_in_order for each in counted]


@given(data=st.data(), unit=units, order=orders, window=windows)
def test_parts_give_what_the_log_gives(small_logs, data, unit, order, window):
    log = data.draw(small_logs)
    steps = draw_steps(data, log)
    whole = measure_funnel(encode_sequences(log), steps, unit=unit, order=order, window=window)
    parts = [
        measure_funnel(part, steps, unit=unit, order=order, window=window) for part in parts_by_user(log)
    ]
    joined = join_funnels(parts)
    assert joined.table().equals(whole.table())
    assert (joined.n_passes, joined.seconds_to_convert()) == (whole.n_passes, whole.seconds_to_convert())


@given(data=st.data(), order=orders)
def test_a_longer_window_never_loses_a_unit(small_logs, data, order):
    log = data.draw(small_logs)
    sequences, steps = encode_sequences(log), draw_steps(data, log)
    few, more, all_ = (
        measure_funnel(sequences, steps, order=order, window=window).reached
        for window in (timedelta(minutes=1), timedelta(minutes=3), None)
    )
    assert (few <= more).all()
    assert (more <= all_).all()


def test_a_later_start_counts_where_the_first_takes_too_long(make_log):
    log = make_log([("u", "1", 0, "a"), ("u", "1", 50, "a"), ("u", "1", 55, "b")])
    found = measure_funnel(encode_sequences(log), ["a", "b"], window=timedelta(minutes=5))
    assert found.reached.tolist() == [1, 1]
    assert found.seconds_to_convert() == (300, 300)


def test_times_are_told_of_those_who_reach_a_step_from_the_step_before(make_log):
    rows = [(f"u{n:02}", "1", time, e) for n in range(11) for time, e in ((0, "a"), (n, "b"))]
    found = measure_funnel(encode_sequences(make_log([*rows, ("v", "1", 0, "a")])), ["a", "b"]).table()
    assert found["reached"].to_list() == [12, 11]
    assert found["median_seconds"].to_list() == [None, 300]
    assert found["p90_seconds"].to_list() == [None, pytest.approx(540)]


def test_a_funnel_that_nobody_starts_in_a_part_has_no_times(make_log):
    part = parts_by_user(make_log([("u", "1", 0, "a"), ("v", "1", 0, "b")]))[1]
    found = measure_funnel(part, ["a", "b"])
    assert found.reached.tolist() == [0, 0]
    assert found.table()["rate_of_previous"].to_list() == [None, None]
    assert found.seconds_to_convert() == (None, None)


def test_an_order_or_a_window_that_makes_no_sense_is_refused(make_log):
    sequences = encode_sequences(make_log([("u", "1", 0, "a")]))
    with pytest.raises(UnknownNameError, match="Did you mean 'strict'"):
        measure_funnel(sequences, ["a"], order="strickt")
    with pytest.raises(DataError, match="window == 0:00:00, must be above zero"):
        measure_funnel(sequences, ["a"], window=timedelta(0))


@pytest.fixture(scope="module")
def wizard(real_log):
    log = pl.read_csv(
        real_log("online_wizard"), schema_overrides={"user_id": pl.String}, try_parse_dates=True
    )
    return encode_sequences(log.rename({"event": "event_type"}))


def test_the_real_wizard_is_started_and_later_confirmed_by_as_many_as_were_counted(wizard):
    found = measure_funnel(wizard, ["start", "confirm"])
    assert found.reached[-1] / found.n_units == pytest.approx(0.6272, abs=5e-5)


def test_the_real_wizard_is_confirmed_by_fewer_within_a_quarter_of_an_hour_or_without_a_detour(wizard):
    steps = ["start", "step_1", "step_2", "step_3", "confirm"]
    quick = measure_funnel(wizard, steps, window=timedelta(minutes=15)).reached[-1]
    direct = measure_funnel(wizard, steps, order="strict").reached[-1]
    assert 0 < direct < quick < measure_funnel(wizard, steps).reached[-1]
