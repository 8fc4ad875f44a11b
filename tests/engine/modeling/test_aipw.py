import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from persona_tui.engine.modeling.aipw import Comparison, adjust, aipw_scores, measure_overlap
from persona_tui.engine.modeling.weighted_regression import AMOUNT, CHANCE, fit_weighted, logistic


@pytest.mark.parametrize("right", ["propensity", "outcome"])
def test_scores_are_unbiased_if_either_nuisance_is_right(right):
    generator = np.random.default_rng(0)
    x = generator.normal(size=400_000)
    propensity, base = logistic(x), 2 + x
    has_trait = generator.random(len(x)) < propensity
    response = base + has_trait + generator.normal(size=len(x))
    if right == "propensity":
        scores = aipw_scores(response, has_trait, propensity, np.full_like(x, 9), np.sin(x))
    else:
        scores = aipw_scores(response, has_trait, np.full_like(x, 0.3), base + 1, base)
    assert np.mean(scores[0] - scores[1]) == pytest.approx(1, abs=0.03)
    assert response[has_trait].mean() - response[~has_trait].mean() > 1.5


def test_scores_equal_the_formula_written_out_user_by_user():
    y, t = [1.0, 0.0, 1.0, 0.0], [True, False, False, True]
    e, m1, m0 = [0.2, 0.5, 0.6, 0.9], [0.7, 0.3, 0.6, 0.1], [0.5, 0.2, 0.4, 0.05]
    by_hand = 0.0
    for i in range(4):
        by_hand += m1[i] - m0[i]
        by_hand += (y[i] - m1[i]) / e[i] if t[i] else -(y[i] - m0[i]) / (1 - e[i])
    scores_with, scores_without = aipw_scores(*(np.array(each) for each in (y, t, e, m1, m0)))
    assert np.mean(scores_with - scores_without) == pytest.approx(by_hand / 4, abs=1e-15)


@pytest.fixture(scope="module")
def comparison():
    generator = np.random.default_rng(0)
    covariates = generator.normal(size=(500, 2))
    has_trait = generator.random(500) < logistic(-0.9 * covariates[:, 0])
    return Comparison(
        design=np.column_stack([np.ones(500), covariates]),
        has_trait=has_trait,
        response=(generator.random(500) < logistic(covariates[:, 0] + 0.5 * has_trait)).astype(float),
        family=CHANCE,
        folds=np.arange(500) % 3,
        n_folds=3,
        trim=0.01,
    )


def test_the_estimator_equals_one_written_with_scikit_learn(comparison):
    weights = np.random.default_rng(0).exponential(size=500)
    x, t, y = comparison.design[:, 1:], comparison.has_trait, comparison.response
    expected = np.empty((3, 500))
    for fold in range(3):
        held_out = comparison.folds == fold
        for row, (target, asked) in enumerate([(t, t | True), (y, t), (y, ~t)]):
            rows = ~held_out & asked
            model = LogisticRegression(tol=1e-10).fit(x[rows], target[rows], sample_weight=weights[rows])
            expected[row, held_out] = model.predict_proba(x[held_out])[:, 1]
    scores = aipw_scores(y, t, *expected)
    found = adjust(comparison, weights[:, None])
    assert found.mean_with[0] == pytest.approx(np.average(scores[0], weights=weights), abs=1e-4)
    assert found.mean_without[0] == pytest.approx(np.average(scores[1], weights=weights), abs=1e-4)


def test_where_the_fits_start_does_not_move_the_draws(comparison):
    weights = np.random.default_rng(0).exponential(size=(500, 7))
    warm = adjust(comparison, weights, adjust(comparison, np.ones((500, 1))))
    cold = adjust(comparison, weights)
    np.testing.assert_allclose(warm.mean_with, cold.mean_with, atol=1e-9)


def test_weightings_fitted_together_equal_those_fitted_alone(comparison):
    weights = np.random.default_rng(0).exponential(size=(500, 3))
    together = adjust(comparison, weights)
    alone = [adjust(comparison, weights[:, [draw]]).mean_with[0] for draw in range(3)]
    np.testing.assert_allclose(together.mean_with, alone, atol=1e-9)


def test_a_weight_of_two_equals_the_user_twice():
    generator = np.random.default_rng(0)
    design = np.column_stack([np.ones(60), generator.normal(size=(60, 2))])
    response, weights = (generator.random(60) < 0.4).astype(float), generator.integers(0, 3, size=60)
    start = np.zeros((3, 1))
    weighted = fit_weighted(design, response, weights[:, None].astype(float), CHANCE, start)
    rows = np.repeat(np.arange(60), weights)
    copied = fit_weighted(design[rows], response[rows], np.ones((len(rows), 1)), CHANCE, start)
    np.testing.assert_allclose(weighted, copied, atol=1e-9)


def test_an_amount_is_regressed_as_ridge_regression_does():
    generator = np.random.default_rng(0)
    design = np.column_stack([np.ones(200), generator.normal(size=(200, 3))])
    response, weights = design @ [0.1, 1, -1, 0] + generator.normal(size=200), generator.exponential(size=200)
    found = fit_weighted(design, response, weights[:, None], AMOUNT, np.zeros((4, 1)))[:, 0]
    oracle = Ridge(alpha=1).fit(design[:, 1:], response, sample_weight=weights)
    np.testing.assert_allclose(found, [oracle.intercept_, *oracle.coef_], atol=1e-4)


def test_overlap_is_measured_on_what_is_left_of_the_groups(comparison):
    even = measure_overlap(comparison, np.full(500, 0.5))
    assert even.share_extreme == even.share_trimmed == 0
    assert even.effective_users_with == pytest.approx(comparison.has_trait.sum())
    edge = measure_overlap(comparison, np.where(np.arange(500) < 50, 1e-4, 0.5))
    assert edge.share_extreme == edge.share_trimmed == edge.share_extreme_balanced == 0.1
    assert edge.effective_users_with < even.effective_users_with


def test_no_user_weighs_more_than_the_trim_allows(comparison):
    low, high = comparison.bounds
    share = comparison.has_trait.mean()
    assert 1 / low == pytest.approx(1 / (2 * comparison.trim) / share)
    assert 1 / (1 - high) == pytest.approx(1 / (2 * comparison.trim) / (1 - share))
