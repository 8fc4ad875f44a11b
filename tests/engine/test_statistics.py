import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from persona_tui.engine.statistics import (
    benjamini_hochberg,
    bootstrap_weights,
    interval,
    largest_remainder,
    wilson_interval,
)

shares = arrays(float, st.integers(1, 12), elements=st.floats(0, 1)).filter(lambda each: each.sum() > 1e-6)
values = arrays(float, st.integers(1, 12), elements=st.floats(-1e6, 1e6))


@given(shares, st.integers(0, 10**9))
def test_the_parts_sum_to_the_whole(weights, total):
    assert largest_remainder(weights, total).sum() == total


@given(shares, st.integers(0, 10**9))
def test_each_part_is_less_than_one_from_its_share(weights, total):
    exact = weights / weights.sum() * total
    assert (np.abs(largest_remainder(weights, total) - exact) < 1 + 1e-6).all()


@given(shares, st.integers(0, 10**9), st.floats(0.1, 10))
def test_only_the_ratio_of_shares_counts(weights, total, scale):
    parts, scaled = largest_remainder(weights, total), largest_remainder(weights * scale, total)
    assert (np.abs(parts - scaled) <= 1).all()


@given(shares, st.integers(0, 10**6))
def test_a_larger_share_never_gets_less(weights, total):
    parts = largest_remainder(weights, total)
    order = np.argsort(weights, kind="stable")
    gains, steps = np.diff(parts[order]), np.diff(weights[order])
    assert (gains[steps > 1e-9] >= 0).all()


@given(st.integers(1, 12), st.integers(0, 10**6))
def test_equal_shares_favour_the_first(n_parts, total):
    parts = largest_remainder(np.ones(n_parts), total)
    assert (np.diff(parts) <= 0).all()
    assert parts[0] - parts[-1] <= 1


def test_bootstrap_weights_sum_to_the_number_of_users():
    weights = bootstrap_weights(np.random.default_rng(0), np.array([1.0, 5.0, 30.0]), 50)
    assert weights.shape == (3, 50)
    np.testing.assert_allclose(weights.sum(axis=0), 36.0)


def test_bootstrap_weights_have_the_moments_of_users_that_weigh_one_by_one():
    multiplicity, n_draws = np.array([1, 2, 7, 20]), 40_000
    grouped = bootstrap_weights(np.random.default_rng(1), multiplicity.astype(float), n_draws)
    single = np.random.default_rng(2).exponential(size=(multiplicity.sum(), n_draws))
    single *= multiplicity.sum() / single.sum(axis=0)
    summed = np.add.reduceat(single, np.append(0, np.cumsum(multiplicity)[:-1]), axis=0)
    np.testing.assert_allclose(grouped.mean(axis=1), summed.mean(axis=1), rtol=0.03)
    np.testing.assert_allclose(np.cov(grouped), np.cov(summed), rtol=0.1, atol=0.1)
    third = [((each - each.mean(axis=1, keepdims=True)) ** 3).mean(axis=1) for each in (grouped, summed)]
    np.testing.assert_allclose(*third, rtol=0.2, atol=1.0)


def test_bootstrap_weights_have_the_variance_of_a_dirichlet():
    multiplicity = np.array([3.0, 9.0, 12.0])
    weights = bootstrap_weights(np.random.default_rng(3), multiplicity, 60_000)
    n = multiplicity.sum()
    np.testing.assert_allclose(weights.mean(axis=1), multiplicity, rtol=0.01)
    np.testing.assert_allclose(weights.var(axis=1), multiplicity * (n - multiplicity) / (n + 1), rtol=0.05)


@given(values, st.floats(0.01, 0.99))
def test_an_interval_lies_within_the_draws(draws, level):
    low, high = interval(draws, level)
    assert draws.min() <= low <= high <= draws.max()


@given(values, st.floats(0.01, 0.98))
def test_a_higher_level_gives_no_shorter_interval(draws, level):
    inner, outer = interval(draws, level), interval(draws, level + 0.01)
    slack = 1e-9 * np.abs(draws).max()
    assert outer[0] <= inner[0] + slack
    assert outer[1] >= inner[1] - slack


def test_an_interval_covers_its_level():
    draws = np.random.default_rng(4).normal(size=100_000)
    low, high = interval(draws)
    assert ((draws >= low) & (draws <= high)).mean() == pytest.approx(0.95, abs=1e-4)


@given(arrays(float, st.integers(1, 30), elements=st.floats(0, 1)))
def test_false_discovery_rates_agree_with_scipy(p_values):
    from scipy.stats import false_discovery_control

    np.testing.assert_allclose(benjamini_hochberg(p_values), false_discovery_control(p_values), atol=1e-15)


def test_no_test_has_no_rate():
    assert benjamini_hochberg(np.zeros(0)).shape == (0,)


@given(st.integers(1, 500), st.floats(0, 1))
def test_a_wilson_interval_holds_the_share_and_stays_within_bounds(n, share):
    low, high = wilson_interval(share, n)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


@given(st.integers(1, 200), st.integers(0, 200))
def test_a_wilson_interval_agrees_with_scipy(n, seen):
    from scipy.stats import binomtest

    expected = binomtest(min(seen, n), n).proportion_ci(method="wilson")
    assert wilson_interval(min(seen, n) / n, n) == pytest.approx(tuple(expected), abs=1e-9)
