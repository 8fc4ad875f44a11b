import numpy as np
import pytest
from scipy import sparse
from scipy.stats import chi2_contingency, f

from persona_tui.engine.evaluation.own_variation import Moments, judge_variation, moments_of


def rate_moments(hits, users=None):
    users = np.arange(len(hits)) if users is None else users
    return moments_of(sparse.csr_array(np.column_stack([hits, 1 - hits])), users)


def joined(windows):
    return rate_moments(np.concatenate(windows))


def draw(rng, n, rate):
    return (rng.random(n) < rate).astype(float)


def test_the_covariance_of_a_rate_is_that_of_the_mean_of_its_users():
    hits = draw(np.random.default_rng(0), 500, 0.3)
    found = rate_moments(hits)
    expected = hits.var(ddof=1) / len(hits)
    assert found.covariance(found.shares) == pytest.approx(expected * np.array([[1, -1], [-1, 1]]), rel=1e-9)


def test_rows_of_one_user_count_as_one_draw():
    hits = np.repeat(draw(np.random.default_rng(0), 100, 0.5), 4)
    by_user = rate_moments(hits, np.repeat(np.arange(100), 4))
    by_row = rate_moments(hits)
    ratio = by_user.covariance(by_user.shares)[0, 0] / by_row.covariance(by_row.shares)[0, 0]
    assert ratio == pytest.approx(4, rel=0.02)


def test_with_chance_alone_it_is_the_usual_test_of_two_rates():
    before, after = (np.repeat([1.0, 0.0], each) for each in ([300, 700], [340, 660]))
    found = judge_variation([], rate_moments(before), rate_moments(after), 1, knows_own=False)
    oracle = chi2_contingency([[300, 700], [340, 660]], correction=False).pvalue
    assert found.p_value == pytest.approx(oracle, rel=0.05)


def test_with_endless_users_it_is_an_f_test_against_the_windows():
    rates = [0.30, 0.33, 0.28, 0.31, 0.29, 0.34, 0.27, 0.32]
    n = 10_000_000

    def counted(n_users, rate):
        sums = n_users * np.array([rate, 1 - rate])
        return Moments(n_users=n_users, sums=sums, second=np.diag(sums))

    windows = [counted(n, rate) for rate in rates]
    whole = counted(8 * n, np.mean(rates))
    found = judge_variation(windows, whole, counted(n, 0.36), 1, knows_own=True)
    variance = np.var(rates, ddof=1) * (1 + 1 / 8)
    oracle = f.sf((0.36 - np.mean(rates)) ** 2 / variance, 1, 7)
    assert found.p_value == pytest.approx(oracle, rel=0.1)


@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_where_nothing_changed_small_chances_are_as_rare_as_they_say(spread):
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        *windows, after = (draw(rng, 200, 0.4 + rng.normal(0, spread)) for _ in range(9))
        told = judge_variation(
            [rate_moments(each) for each in windows], joined(windows), rate_moments(after), 1, knows_own=True
        )
        found.append(told.p_value)
    assert np.mean(np.array(found) <= 0.05) <= 0.08
    assert np.mean(np.array(found) <= 0.01) <= 0.03


def test_the_same_shares_are_no_drift():
    hits = draw(np.random.default_rng(1), 400, 0.5)
    windows = [rate_moments(each) for each in np.split(hits, 8)]
    found = judge_variation(windows, rate_moments(hits), rate_moments(hits), 1, knows_own=True)
    assert found.energy == 0
    assert found.p_value == pytest.approx(1)
    assert found.usual > 0


def test_what_never_varies_and_does_not_move_has_nothing_to_find():
    hits = np.ones(100)
    found = judge_variation(
        [rate_moments(hits)] * 5, rate_moments(hits), rate_moments(hits), 1, knows_own=True
    )
    assert (found.energy, found.p_value) == (0, 1)
