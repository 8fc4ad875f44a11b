import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.windows import DAY, MOST_WINDOWS, cut_windows, window_length


def daily(n_days, users_a_day, first_day=0):
    """A log of so many users a day, an event each."""
    n = n_days * users_a_day
    return Sequences(
        vocabulary=("go",),
        user_ids=tuple(f"{first_day}-{number:06d}" for number in range(n)),
        codes=np.zeros(n, np.int32),
        users=np.arange(n, dtype=np.int32),
        sessions=np.arange(n),
        times=first_day * DAY + np.arange(n, dtype=np.int64) * DAY // users_a_day,
    )


@given(st.integers(1, 400), st.integers(1, 400))
def test_windows_fit_into_both_periods(before, after):
    length = window_length(before * DAY, after * DAY, 8)
    assert 0 < length <= min(before, after) * DAY
    assert before * DAY // length >= 4


@pytest.mark.parametrize(
    ("before", "after", "days"), [(56, 7, 7), (80, 10, 10), (30, 30, 3), (365, 28, 28), (8, 8, 1), (4, 4, 1)]
)
def test_windows_are_whole_weeks_or_days(before, after, days):
    assert window_length(before * DAY, after * DAY, 8) == days * DAY


def test_the_windows_of_a_long_log_are_its_latest():
    found = cut_windows(daily(100, 40), daily(1, 40, first_day=100))
    assert len(found.before) == MOST_WINDOWS
    assert found.before[-1] == pytest.approx(99 * DAY, abs=2 * DAY / 40)
    assert found.knows_own


def test_windows_grow_until_they_hold_enough_users():
    found = cut_windows(daily(56, 5), daily(56, 5, first_day=56))
    assert found.knows_own
    assert found.length == 7 * DAY


@pytest.mark.parametrize(("n_days", "users"), [(3, 20), (56, 1)])
def test_a_short_or_thin_log_does_not_tell_how_it_varies(n_days, users):
    found = cut_windows(daily(n_days, users), daily(1, 40, first_day=n_days))
    assert not found.knows_own


def test_a_log_of_few_users_is_refused():
    with pytest.raises(DataError, match="The newer log has 29 users; 30 are needed"):
        cut_windows(daily(10, 40), daily(1, 29))
