import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.stability import adjusted_rand_index, draw_users, summarise_agreement
from persona_tui.engine.rng import normalise_seed

pairs_of_labels = st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 3)), min_size=1, max_size=40)


@given(pairs_of_labels)
def test_the_adjusted_rand_index_is_that_of_scikit_learn(pairs):
    from sklearn.metrics import adjusted_rand_score

    first, second = np.array(pairs).T
    assert adjusted_rand_index(first, second) == pytest.approx(adjusted_rand_score(first, second), abs=1e-12)


@given(pairs_of_labels)
def test_agreement_does_not_depend_on_the_order_of_the_groupings_or_the_numbers_of_labels(pairs):
    first, second = np.array(pairs).T
    assert adjusted_rand_index(first, second) == adjusted_rand_index(second, first)
    assert adjusted_rand_index(first, 7 - first) == 1.0


@given(pairs_of_labels, st.integers(0, 100))
def test_a_weight_stands_for_as_many_users(pairs, seed):
    first, second = np.array(pairs).T
    weights = np.random.default_rng(seed).integers(1, 5, size=len(first))
    repeated = adjusted_rand_index(np.repeat(first, weights), np.repeat(second, weights))
    assert adjusted_rand_index(first, second, weights.astype(float)) == pytest.approx(repeated, abs=1e-12)


def test_as_many_users_are_drawn_again_as_there_are():
    drawn, _ = draw_users(1000, normalise_seed(0), 0)
    again, _ = draw_users(1000, normalise_seed(0), 0)
    other, _ = draw_users(1000, normalise_seed(0), 1)
    assert drawn.sum() == 1000
    assert (drawn == again).all()
    assert (drawn != other).any()
    assert (drawn == 0).mean() == pytest.approx(np.exp(-1), abs=0.05)


def test_one_refit_has_no_spread():
    with pytest.raises(ModelingError, match="n_refits == 1, must be >= 2"):
        summarise_agreement([0.9])


def test_agreements_are_summarised_with_their_range_and_standard_error():
    stability = summarise_agreement([0.8, 0.9, 1.0])
    assert (stability.low, stability.high, stability.n_refits) == (0.8, 1.0, 3)
    assert stability.mean == pytest.approx(0.9)
    assert stability.error == pytest.approx(0.1 / np.sqrt(3))
