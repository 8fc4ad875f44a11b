import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import calibration_curve
from sklearn.inspection import permutation_importance as sklearn_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.trait_scores import (
    HeldOutFold,
    correlation_cautions,
    measure_calibration,
    permutation_importance,
)
from persona_tui.engine.modeling.traits import train_trait_classifier
from persona_tui.engine.modeling.weighted_regression import logistic


def two_levels(chance):
    return np.column_stack([1 - chance, chance])


def drawn(seed, n=2_000, slope=1.0):
    """Return chances, and what was, if the log-odds are ``slope`` times as strong as the chances say."""
    generator = np.random.default_rng(seed)
    log_odds = generator.normal(size=n)
    return logistic(log_odds), (generator.random(n) < logistic(slope * log_odds)).astype(int)


@pytest.fixture(scope="module")
def users():
    generator = np.random.default_rng(0)
    n = 1_500
    strong, weak, noise = generator.normal(size=(3, n))
    has_trait = generator.random(n) < logistic(1.5 * strong + 0.4 * weak)
    plan = np.where(generator.random(n) < 0.5, "team", "solo")
    return pl.DataFrame(
        {
            "user_id": range(n),
            "strong": strong,
            "weak": weak,
            "noise": noise,
            "plan": plan,
            "trait": has_trait,
        }
    )


@given(st.integers(0, 1_000))
def test_the_reliability_table_is_that_of_scikit_learn(seed):
    chance, came = drawn(seed, n=300)
    table = measure_calibration(came, two_levels(chance)).table
    observed, foretold = calibration_curve(came, chance, n_bins=10, strategy="quantile")
    assert table["observed"].to_numpy() == pytest.approx(observed)
    assert table["mean_chance"].to_numpy() == pytest.approx(foretold)
    assert table["n"].sum() == 300


@settings(max_examples=15)
@given(st.integers(0, 1_000))
def test_the_recalibration_line_is_the_unpenalised_regression(seed):
    chance, came = drawn(seed, n=400, slope=0.6)
    found = measure_calibration(came, two_levels(chance))
    log_odds = np.log(chance / (1 - chance))[:, None]
    line = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000).fit(log_odds, came)
    assert (found.intercept, found.slope) == pytest.approx((line.intercept_[0], line.coef_[0, 0]), abs=1e-4)


def test_chances_that_are_too_extreme_have_a_slope_below_one():
    chance, came = drawn(0, n=20_000, slope=0.5)
    found = measure_calibration(came, two_levels(chance))
    assert abs(found.slope - 0.5) < 4 * found.slope_error
    assert found.expected_error > 0.05


def test_the_errors_of_the_line_are_its_spread_over_samples():
    found = [measure_calibration(came, two_levels(chance)) for chance, came in map(drawn, range(60))]
    spread = np.std([each.slope for each in found])
    assert np.mean([each.slope_error for each in found]) == pytest.approx(spread, rel=0.3)


def test_levels_told_without_a_fault_have_no_line():
    chance = np.repeat([0.1, 0.9], 20)
    found = measure_calibration(np.repeat([0, 1], 20), two_levels(chance))
    assert found.slope is None
    assert found.expected_error == pytest.approx(0.1)
    assert measure_calibration(np.repeat([0, 1], 20), two_levels(np.full(40, 0.5))).slope is None


class GivenScores(ClassifierMixin, BaseEstimator):
    """A classifier with coefficients that are given, for the oracle."""

    def __init__(self, coefficients=None):
        self.coefficients = coefficients

    def fit(self, design, codes):  # noqa: ARG002 - as scikit-learn calls it
        self.classes_ = np.unique(codes)
        return self

    def decision_function(self, design):
        return design @ self.coefficients


def test_importance_is_that_of_scikit_learn_on_the_same_users():
    generator = np.random.default_rng(1)
    design = np.column_stack([np.ones(800), generator.normal(size=(800, 3))])
    coefficients = np.array([0.2, 1.0, 0.5, 0.0])
    codes = (generator.random(800) < logistic(design @ coefficients)).astype(int)
    fold = HeldOutFold(
        rows=np.arange(800),
        design=design,
        features=("a", "b", "c"),
        coefficients=np.vstack([np.zeros(4), coefficients]),
    )
    found = permutation_importance([fold], codes, ["a", "b", "c"], 30, np.random.default_rng(0))
    oracle = sklearn_importance(
        GivenScores(coefficients).fit(design, codes),
        design,
        codes,
        scoring="roc_auc",
        n_repeats=30,
        random_state=0,
    )
    assert found["feature"].to_list() == ["a", "b", "c"]
    assert found["auc_drop"].to_numpy() == pytest.approx(oracle.importances_mean[1:], abs=0.01)
    assert found["auc_drop"][2] == pytest.approx(0, abs=1e-12)


def test_a_drop_is_the_area_with_and_without_the_values_dealt_anew(users):
    found = train_trait_classifier(users, "trait", n_repeats=20)
    area = roc_auc_score(found.held_out["trait"], found.held_out["p_true"])
    assert found.auc == pytest.approx(area)
    assert found.importance["feature"][0] == "strong"
    assert found.importance["feature"][1] == "weak"
    drops = dict(found.importance.select("feature", "auc_drop").iter_rows())
    errors = dict(found.importance.select("feature", "error").iter_rows())
    assert drops["strong"] > 10 * errors["strong"]
    assert all(abs(drops[name]) < 4 * errors[name] for name in ("noise", "plan"))


def test_levels_of_one_column_are_dealt_together():
    generator = np.random.default_rng(2)
    city = generator.choice(["x", "y", "z"], 900)
    has_trait = generator.random(900) < np.select([city == "x", city == "y"], [0.2, 0.5], 0.8)
    users = pl.DataFrame({"user_id": range(900), "city": city, "trait": has_trait})
    found = train_trait_classifier(users, "trait")
    assert found.importance["feature"].to_list() == ["city"]
    assert found.auc - found.importance["auc_drop"][0] == pytest.approx(0.5, abs=0.03)


def test_importance_and_calibration_do_not_depend_on_the_order_of_rows(users):
    one, other = (train_trait_classifier(each, "trait") for each in (users, users.reverse()))
    assert one.importance.equals(other.importance)
    assert one.calibration.slope == other.calibration.slope


def test_features_that_go_together_are_said(users):
    twin = users.with_columns(twin=pl.col("strong") + 0.1 * pl.col("noise"))
    cautions = " ".join(train_trait_classifier(twin, "trait").cautions)
    assert "'strong' and 'twin' (1.00)" in cautions or "'strong' and 'twin' (0.99)" in cautions
    assert not train_trait_classifier(users, "trait").cautions


def test_a_number_that_is_one_value_or_missing_goes_with_nothing(users):
    sparse = users.with_columns(known=pl.when(pl.col("plan") == "team").then(1.0))
    found = train_trait_classifier(sparse, "trait", features=["known", "strong"])
    assert not found.cautions


def test_only_some_of_many_pairs_that_go_together_are_named():
    column = np.random.default_rng(0).normal(size=50)
    design = np.column_stack([np.ones(50), *[column] * 4])
    said = list(correlation_cautions(design, [(name, name) for name in "abcd"]))
    assert said[0].count("(1.00)") == 3
    assert "3 pairs more" in said[0]


def test_too_few_repeats_are_refused(users):
    with pytest.raises(ModelingError, match="n_repeats == 1, must be from 2"):
        train_trait_classifier(users, "trait", n_repeats=1)
