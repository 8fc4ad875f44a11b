from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.samples import HOUR_WEIGHTS, WEEKDAY_WEIGHTS
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.arrivals import Arrivals, fit_arrivals

HOUR = 3_600_000_000
MONDAY = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 1_000_000
WEEK = 168 * HOUR


def log_of(times, users=None) -> Sequences:
    """Return a log with one event at each time, of one user each unless told otherwise."""
    users = np.arange(len(times), dtype=np.int32) if users is None else np.array(users, dtype=np.int32)
    return Sequences(
        vocabulary=("a",),
        user_ids=tuple(map(str, range(int(users.max()) + 1))),
        codes=np.zeros(len(times), dtype=np.int32),
        users=users,
        sessions=np.arange(len(times)),
        times=np.array(times, dtype=np.int64),
    )


def planted() -> Arrivals:
    weights = np.outer(WEEKDAY_WEIGHTS, HOUR_WEIGHTS).astype(float)
    return Arrivals(unit="user", n_units=1, n_weeks=1.0, weights=weights / weights.sum())


def clock(times):
    """Return weekday and hour of each time, by the calendar of the standard library."""
    told = [datetime.fromtimestamp(each / 1e6, tz=UTC) for each in times]
    return [(each.weekday(), each.hour) for each in told]


def test_an_even_stream_arrives_evenly():
    arrivals = fit_arrivals(log_of(MONDAY + np.arange(4 * 1_680) * (HOUR // 10)))
    assert arrivals.per_week == pytest.approx(1_680, rel=1e-3)
    np.testing.assert_allclose(arrivals.weights, 1 / 168, rtol=0.02)


def test_drawn_arrivals_give_back_the_pattern_they_were_drawn_from():
    times = planted().draw_times(np.random.default_rng(0), 200_000, MONDAY, MONDAY + 52 * WEEK)
    found = fit_arrivals(log_of(times))
    assert np.abs(found.weights - planted().weights).sum() / 2 < 0.02
    assert found.per_week == pytest.approx(200_000 / 52, rel=1e-3)


def test_arrivals_of_the_sample_log_show_its_planted_week(sample):
    found = fit_arrivals(sample.sequences)
    assert found.n_units == 3_200
    days, hours = found.weights.sum(axis=1), found.weights.sum(axis=0)
    assert np.abs(days - np.array(WEEKDAY_WEIGHTS) / sum(WEEKDAY_WEIGHTS)).max() < 0.02
    assert np.abs(hours - np.array(HOUR_WEIGHTS) / sum(HOUR_WEIGHTS)).max() < 0.01


def test_hours_of_the_day_are_those_of_first_events(sample):
    _, firsts = np.unique(sample.sequences.users, return_index=True)
    observed = np.bincount([hour for _, hour in clock(sample.sequences.times[firsts])], minlength=24)
    found = fit_arrivals(sample.sequences).weights.sum(axis=0)
    np.testing.assert_allclose(found, observed / observed.sum(), atol=1e-3)


def test_users_count_once_and_sessions_each_time():
    log = log_of(MONDAY + np.array([0, 30, 60, 90]) * HOUR, users=[0, 0, 0, 1])
    assert fit_arrivals(log, unit="user").n_units == 2
    assert fit_arrivals(log, unit="session").n_units == 4


def test_cells_are_those_of_the_calendar():
    generator = np.random.default_rng(1)
    times = np.sort(MONDAY + generator.integers(0, 3 * WEEK, 50))
    weights = fit_arrivals(log_of(times), smoothing=1e-9).weights
    assert set(zip(*np.nonzero(weights > 1e-6), strict=True)) == set(clock(times))


def test_weekdays_that_the_log_covers_more_often_are_not_mistaken_for_busy_ones():
    ten_days = MONDAY + np.arange(240) * HOUR
    found = fit_arrivals(log_of(ten_days))
    np.testing.assert_allclose(found.weights.sum(axis=1), 1 / 7, rtol=0.02)


def test_smoothing_brings_the_pattern_of_a_small_log_closer_to_the_truth():
    times = planted().draw_times(np.random.default_rng(2), 2_000, MONDAY, MONDAY + 8 * WEEK)
    away = [
        np.abs(fit_arrivals(log_of(times), smoothing=each).weights - planted().weights).sum()
        for each in (0.01, 4.0)
    ]
    assert away[1] < 0.85 * away[0]


def test_a_log_of_one_event_counts_as_a_day():
    found = fit_arrivals(log_of([MONDAY]))
    assert found.per_week == 7
    assert found.weights.sum() == pytest.approx(1)


@given(st.integers(0, 2**40), st.integers(1, 3 * WEEK), st.integers(0, 200))
def test_drawn_times_ascend_within_the_period(first, length, n):
    times = planted().draw_times(np.random.default_rng(0), n, first, first + length)
    assert len(times) == n
    assert (np.diff(times) >= 0).all()
    assert ((times >= first) & (times < first + length)).all()


@given(st.lists(st.integers(0, 40 * WEEK), min_size=1, max_size=40), st.floats(0.1, 100))
def test_weights_are_positive_shares_of_the_week(times, smoothing):
    weights = fit_arrivals(log_of(sorted(times)), smoothing=smoothing).weights
    assert weights.shape == (7, 24)
    assert (weights > 0).all()
    assert weights.sum() == pytest.approx(1)


def test_part_of_an_hour_gets_its_part_of_the_arrivals():
    times = planted().draw_times(
        np.random.default_rng(3), 40_000, MONDAY + 9 * HOUR + HOUR // 2, MONDAY + 11 * HOUR
    )
    first_half_hour = (times < MONDAY + 10 * HOUR).mean()
    expected = HOUR_WEIGHTS[9] / 2 / (HOUR_WEIGHTS[9] / 2 + HOUR_WEIGHTS[10])
    assert first_half_hour == pytest.approx(expected, abs=0.01)


def test_the_same_seed_draws_the_same_times():
    draws = [planted().draw_times(np.random.default_rng(4), 50, 0, WEEK) for _ in range(2)]
    np.testing.assert_array_equal(*draws)


def test_an_empty_period_is_refused_with_every_fault():
    with pytest.raises(SimulationError, match=r"n == -1, must be >= 0\. last == 5, must be > first == 5"):
        planted().draw_times(np.random.default_rng(0), -1, 5, 5)


def test_smoothing_must_be_above_nought():
    with pytest.raises(SimulationError, match="smoothing == 0"):
        fit_arrivals(log_of([MONDAY]), smoothing=0)
