import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from scipy.stats import ks_2samp

from persona_tui.engine.evaluation.distances import (
    jensen_shannon,
    ks_distance,
    stability_index,
    total_variation,
)

SAMPLES = st.lists(st.integers(0, 9), min_size=4, max_size=40)
COUNTS = arrays(np.int64, (2, 6), elements=st.integers(0, 500)).filter(
    lambda pair: (pair.sum(axis=1) > 0).all()
)


@given(SAMPLES, SAMPLES)
def test_the_distance_of_samples_is_that_of_kolmogorov_and_smirnov(first, second):
    one, other = np.array(first, float), np.array(second, float)
    assert ks_distance(one, other) == pytest.approx(ks_2samp(one, other, method="asymp").statistic, abs=1e-12)


@given(COUNTS)
def test_jensen_and_shannon_is_that_of_scipy(pair):
    assert jensen_shannon(*pair) == pytest.approx(jensenshannon(*pair, base=2), abs=1e-7)


@given(COUNTS)
def test_total_variation_is_half_the_difference_of_shares(pair):
    shares = pair / pair.sum(axis=1, keepdims=True)
    assert total_variation(*pair) == pytest.approx(np.abs(np.subtract(*shares)).sum() / 2, abs=1e-12)


@given(COUNTS)
def test_the_stability_index_is_the_information_lost_both_ways(pair):
    one, other = ((each + 0.5) / (each + 0.5).sum() for each in pair)
    expected = rel_entr(one, other).sum() + rel_entr(other, one).sum()
    assert stability_index(one, other) == pytest.approx(expected, abs=1e-12)


def test_the_stability_index_is_infinite_where_one_has_a_category_alone():
    assert stability_index(np.array([1, 1]), np.array([2, 0])) == np.inf
    assert np.isfinite(stability_index(np.array([1, 0, 1]), np.array([2, 0, 1])))


@given(COUNTS, st.integers(1, 9))
def test_distances_are_symmetric_and_know_no_size(pair, times):
    for distance in (total_variation, jensen_shannon):
        assert distance(*pair) == pytest.approx(distance(*pair[::-1]), abs=1e-9)
        assert distance(pair[0], pair[0] * times) == pytest.approx(0, abs=1e-6)
        assert 0 <= distance(*pair) <= 1


def test_many_pairs_are_measured_at_once():
    first, second = np.arange(12).reshape(2, 6) + 1, np.ones((2, 6))
    for distance in (total_variation, jensen_shannon, stability_index):
        together = distance(first, second)
        assert together.shape == (2,)
        np.testing.assert_allclose(together, [distance(*pair) for pair in zip(first, second, strict=True)])
