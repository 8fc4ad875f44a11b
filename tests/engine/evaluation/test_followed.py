import numpy as np
import pytest
from planted_weeks import MINUTE, WEEK, plant_weeks

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.followed import follow
from persona_tui.engine.modeling.journeys import Ending

DAY = 86_400 * 10**6


def log_of(*users):
    """Sequences of users given as (code, moment) pairs, one session a user."""
    owners = np.repeat(np.arange(len(users)), [len(each) for each in users])
    return Sequences(
        vocabulary=("go", "buy"),
        user_ids=tuple(f"u{number}" for number in range(len(users))),
        codes=np.array([code for each in users for code, _ in each], np.int32),
        users=owners.astype(np.int32),
        sessions=owners.astype(np.int64),
        times=np.array([moment for each in users for _, moment in each], np.int64),
    )


@pytest.fixture
def late():
    """Nine who buy within a minute, one after three days, one who begins on the last day, and a long end."""
    quick = [[(0, number * MINUTE), (1, (number + 1) * MINUTE)] for number in range(9)]
    return log_of(*quick, [(0, 0), (1, 3 * DAY)], [(0, 40 * DAY - MINUTE), (1, 40 * DAY)])


def test_every_journey_is_followed_for_the_same_time(late):
    found = follow(late, unit="user", completion={"buy"}, drop=set())
    since = found.sequences.times - found.begins[found.sequences.users]
    assert since.max() <= found.horizon
    assert (found.begins + found.horizon <= late.times.max()).all()


def test_who_begins_too_late_is_left_out_even_if_they_complete(late):
    found = follow(late, unit="user", completion={"buy"}, drop=set())
    assert "u10" not in found.sequences.user_ids
    assert found.n_too_late == 1


def test_what_completes_after_that_time_counts_as_left(late):
    found = follow(late, unit="user", completion={"buy"}, drop=set())
    slow = found.sequences.user_ids.index("u9")
    assert found.journeys.endings[slow] == Ending.LEFT
    assert not found.converted[slow]
    assert found.late_completions == pytest.approx(1 / 10)


def test_no_journey_is_open():
    found = follow(plant_weeks(0, n_weeks=4), unit="user", completion={"buy"}, drop=set())
    assert not (found.journeys.endings == Ending.CENSORED).any()


@pytest.mark.parametrize("unit", ["user", "session"])
def test_some_journeys_are_cut_as_all_are(unit):
    found = follow(plant_weeks(1, n_weeks=4), unit=unit, completion={"buy"}, drop=set())
    chosen = np.arange(found.journeys.n_journeys) % 3 == 0
    part = found.cut(found.of_journeys(chosen))
    assert part.n_journeys == chosen.sum()
    np.testing.assert_array_equal(part.endings, found.journeys.endings[chosen])


def test_journeys_begin_with_their_first_event():
    log = plant_weeks(2, n_weeks=3)
    found = follow(log, unit="user", completion={"buy"}, drop=set())
    firsts = np.append(True, np.diff(found.sequences.users) != 0)
    np.testing.assert_array_equal(found.begins, found.sequences.times[firsts])


def test_a_log_without_completions_is_refused():
    with pytest.raises(DataError, match="No journey completes"):
        follow(log_of([(0, 0)], [(0, WEEK)]), unit="user", completion={"buy"}, drop=set())


def test_a_log_that_is_all_end_is_refused():
    log = log_of([(0, 0), (1, MINUTE)], [(0, MINUTE), (1, 2 * MINUTE)])
    with pytest.raises(DataError, match="long enough before the end"):
        follow(log, unit="user", completion={"buy"}, drop=set())
