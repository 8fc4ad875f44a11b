import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.distribution_distances import (
    jensen_shannon,
    stability_index,
    total_variation,
)

MEASURES = (jensen_shannon, stability_index, total_variation)
shares = arrays(float, 6, elements=st.floats(0.001, 1))


@given(shares, shares)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # scipy's root of what rounds below zero
def test_the_measures_equal_those_of_scipy(before, after):
    oracle = np.nan_to_num(jensenshannon(before, after, 2))
    assert jensen_shannon(before, after) ** 2 == pytest.approx(oracle**2, abs=1e-12)
    both_ways = entropy(before, after) + entropy(after, before)
    assert stability_index(before, after) == pytest.approx(both_ways, abs=1e-12)
    first, second = before / before.sum(), after / after.sum()
    assert total_variation(before, after) == pytest.approx(np.maximum(first - second, 0).sum(), abs=1e-12)


@given(shares, shares)
def test_the_measures_do_not_ask_which_is_first(before, after):
    for measure in MEASURES:
        assert measure(before, after) == pytest.approx(measure(after, before), abs=1e-12)
        assert measure(before, before) == pytest.approx(0, abs=1e-12)


def test_a_kind_that_only_one_has_is_at_a_finite_distance_but_for_the_index():
    before, after = np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    assert jensen_shannon(before, after) == pytest.approx(jensenshannon(before, after, 2), abs=1e-12)
    assert total_variation(before, after) == 0.5
    assert stability_index(before, after) == math.inf


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("after", [[1.0], [0.0, 0.0], [-1.0, 2.0]])
def test_what_is_no_distribution_is_refused(measure, after):
    with pytest.raises(DataError):
        measure(np.array([0.5, 0.5]), np.array(after))
