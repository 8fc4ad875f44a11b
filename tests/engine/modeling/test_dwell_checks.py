import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.dwell_checks import check_runs, check_waits, warn_of_dwell
from persona_tui.engine.modeling.journeys import cut_journeys

SECOND = 1_000_000


def runs_log(lengths):
    """Return one session a run: so many ``a``, then one ``b``."""
    sizes = np.asarray(lengths) + 1
    codes = np.zeros(sizes.sum(), dtype=np.int32)
    codes[np.cumsum(sizes) - 1] = 1
    return encoded(codes, sizes, np.arange(len(codes)) * SECOND)


def waits_log(microseconds):
    """Return one session a wait: ``a``, and after the wait ``b``."""
    waits = np.asarray(microseconds)
    times = np.stack([np.zeros(len(waits), np.int64), waits], axis=1).ravel()
    return encoded(np.tile(np.array([0, 1], np.int32), len(waits)), np.full(len(waits), 2), times)


def encoded(codes, sizes, times):
    users = np.repeat(np.arange(len(sizes)), sizes)
    return Sequences(
        vocabulary=("a", "b"),
        user_ids=tuple(f"u{user:06d}" for user in range(len(sizes))),
        codes=codes,
        users=users.astype(np.int32),
        sessions=users,
        times=times.astype(np.int64),
    )


def counts_of(sequences, *, censor=False):
    return count_transitions(cut_journeys(sequences, unit="session", censor=censor))


def one_persona(counts):
    return np.ones((len(counts.multiplicity), 1))


def runs_of(lengths):
    counts = counts_of(runs_log(lengths))
    return check_runs(counts, one_persona(counts))


def waits_of(microseconds):
    sequences = waits_log(microseconds)
    counts = counts_of(sequences)
    return check_waits(sequences, counts, one_persona(counts))


def test_runs_of_a_chain_are_no_surprise():
    drawn = [np.random.default_rng(seed).geometric(0.3, 500) for seed in range(40)]
    assert sum(check.adjusted_p_value < 0.05 for each in drawn for check in runs_of(each)) <= 2


def test_runs_of_one_length_are_told():
    (check,) = runs_of([4] * 200)
    assert check.departs
    assert (check.observed.median, check.observed.percentile_95) == (4, 4)
    assert check.implied.mean == 4
    assert check.implied.median == 3  # 1 - 0.75 ** 3 is the first above a half
    assert warn_of_dwell([check], "All") == (
        "All: runs of one event are not as chance makes them: at 'a' 100 % end within 4 events, implied 68 %."
    )


@given(st.lists(st.integers(1, 6), min_size=30, max_size=60))
def test_the_distance_of_runs_is_the_largest_over_all_lengths(lengths):
    checks = runs_of(lengths)
    if max(lengths) == 1:
        assert checks == ()
        return
    stay = 1 - 1 / np.mean(lengths)
    every = np.arange(0, max(lengths) + 40)
    observed = (np.asarray(lengths)[:, None] <= every).mean(axis=0)
    assert checks[0].distance == pytest.approx(np.abs(observed - (1 - stay**every)).max(), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_distance_of_waits_is_kolmogorovs(seed):
    from scipy.stats import kstest

    waits = np.random.default_rng(seed).gamma(2.0, 30.0 * SECOND, 300).astype(np.int64)
    (check,) = waits_of(waits)
    assert check.distance == pytest.approx(kstest(waits, "expon", args=(0, waits.mean())).statistic)
    assert check.observed.mean == pytest.approx(waits.mean() / SECOND)
    assert check.implied.median == pytest.approx(np.log(2) * waits.mean() / SECOND)


def test_waits_without_a_memory_are_no_surprise():
    drawn = [np.random.default_rng(seed).exponential(40 * SECOND, 500) for seed in range(40)]
    told = [check.adjusted_p_value < 0.05 for each in drawn for check in waits_of(each.astype(np.int64))]
    assert sum(told) <= 2


def test_waits_that_cluster_are_told_with_where_they_do():
    quick = np.random.default_rng(0).lognormal(0.0, 2.0, 500) * 10 * SECOND
    (check,) = waits_of(quick.astype(np.int64))
    assert check.departs
    assert check.share > check.implied_share
    assert "times to the next event are not as chance makes them: at 'a'" in warn_of_dwell([check], "All")


def test_a_departure_beyond_noise_but_small_is_not_told():
    lengths = np.random.default_rng(0).geometric(0.3, 20_000)
    lengths[:1600] = 1
    (check,) = runs_of(lengths)
    assert check.adjusted_p_value < 0.001
    assert not check.departs
    assert warn_of_dwell([check], "All") is None


def test_each_persona_is_held_against_its_own_mean():
    generator = np.random.default_rng(0)
    lengths = np.concatenate([generator.geometric(0.9, 1000), generator.geometric(0.1, 1000)])
    counts = counts_of(runs_log(lengths))
    rows = np.zeros((len(counts.multiplicity), 2))
    np.add.at(rows, (counts.row_of_user, np.repeat([0, 1], 1000)), 1.0)
    apart = check_runs(counts, rows / rows.sum(axis=1, keepdims=True))
    assert check_runs(counts, one_persona(counts))[0].distance > 2 * max(each.distance for each in apart)


def test_the_last_run_of_an_open_journey_has_not_ended():
    codes = np.tile(np.array([0, 0, 1], np.int32), 100)
    sequences = encoded(np.append(codes, [0, 0]), np.array([302]), np.arange(302) * SECOND)
    complete, cut = counts_of(sequences), counts_of(sequences, censor=True)
    assert check_runs(complete, one_persona(complete))[0].n == 101
    assert check_runs(cut, one_persona(cut))[0].n == 100


def test_states_that_never_repeat_have_no_runs_to_look_at():
    assert [check.state for check in runs_of([1, 2] * 50)] == ["a"]


def test_few_runs_are_not_looked_at():
    assert runs_of([1, 2] * 14) == ()


def test_a_log_of_single_events_has_nothing_to_check():
    sequences = encoded(np.zeros(50, np.int32), np.ones(50, np.int64), np.arange(50))
    counts = counts_of(sequences)
    assert check_runs(counts, one_persona(counts)) == ()
    assert check_waits(sequences, counts, one_persona(counts)) == ()


def test_memberships_of_other_rows_are_refused():
    counts = counts_of(runs_log([1, 2]))
    with pytest.raises(ModelingError, match=r"memberships has shape \(7, 1\)"):
        check_runs(counts, np.ones((7, 1)))
