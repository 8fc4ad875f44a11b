from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from sklearn.metrics import brier_score_loss, roc_auc_score

from persona_tui.engine.data import features
from persona_tui.engine.errors import DataError, ModelingError, RunCancelled, UnknownNameError
from persona_tui.engine.modeling.trait_features import MAX_LEVELS, learn_encoding
from persona_tui.engine.modeling.traits import estimate_trait_effect, score_auc, train_trait_classifier
from persona_tui.engine.modeling.weighted_regression import logistic

EFFECT = 0.1
FUNNEL = ["landing", "signup_start", "signup_complete"]


def confounded_users(n=2_000, seed=0, effect=EFFECT):
    """Return users in whom being keen makes the trait rarer and the outcome likelier."""
    generator = np.random.default_rng(seed)
    keen, age = generator.normal(size=n), generator.normal(size=n)
    mobile = generator.random(n) < logistic(-0.9 * keen)
    bought = generator.random(n) < 0.45 + effect * mobile + 0.25 * np.tanh(keen)
    return pl.DataFrame(
        {"user_id": np.arange(n), "keen": keen, "age": age, "mobile": mobile, "bought": bought}
    )


def effect_of(users, **options):
    return estimate_trait_effect(users, **{"trait": "mobile", "outcome": "bought", "n_draws": 40, **options})


@pytest.fixture(scope="module")
def users():
    return confounded_users()


@pytest.fixture(scope="module")
def journeys(sample):
    events = sample.events
    sessions = features.engineer_session_features(events)
    frame = features.engineer_user_features(
        events, sessions, features.engineer_path_features(events, funnel_events=FUNNEL)
    )
    chance = np.random.default_rng(0).random(frame.height)
    return frame.sort("user_id").with_columns(persona=pl.Series(sample.truth), mobile=pl.Series(chance < 0.4))


def test_a_planted_effect_is_recovered_where_the_naive_difference_is_biased():
    found = effect_of(confounded_users(6_000), n_draws=100)
    low, high = found.estimate.data
    assert found.estimate.value == pytest.approx(EFFECT, abs=0.03)
    assert low < EFFECT < high
    assert found.naive.value < 0
    assert found.naive.data[1] < EFFECT


def test_the_interval_covers_the_planted_effect_in_most_small_worlds():
    intervals = [effect_of(confounded_users(300, seed), n_draws=80).estimate.data for seed in range(40)]
    assert np.mean([low <= EFFECT <= high for low, high in intervals]) >= 0.84


def test_the_interval_is_not_needlessly_wide():
    found = [effect_of(confounded_users(500, seed)) for seed in range(30)]
    spread = np.std([each.estimate.value for each in found])
    assert np.mean([each.draws.std() for each in found]) < 1.5 * spread


@pytest.mark.parametrize("right", ["propensity", "outcome"])
def test_the_effect_is_recovered_if_either_model_is_right(right):
    generator = np.random.default_rng(1)
    x = generator.normal(size=12_000)
    log_odds, base = (0.8 * x, np.exp(0.8 * x)) if right == "propensity" else (0.8 * (x**2 - 1) + x, 2 * x)
    mobile = generator.random(len(x)) < logistic(log_odds)
    bought = base + mobile + generator.normal(size=len(x))
    users = pl.DataFrame({"user_id": np.arange(len(x)), "x": x, "mobile": mobile, "bought": bought})
    found = effect_of(users)
    assert found.estimate.value == pytest.approx(1, abs=0.1)
    assert found.naive.value > 1.5


def test_the_same_seed_gives_the_same_draws_in_any_order_of_rows(users):
    first, second = effect_of(users), effect_of(users.sample(fraction=1, shuffle=True, seed=3))
    assert first.estimate == second.estimate
    assert first.naive == second.naive
    np.testing.assert_array_equal(first.draws, second.draws)
    assert effect_of(users, random_state=1).estimate != first.estimate


def test_the_naive_difference_is_that_of_the_group_means(users):
    by_group = dict(users.group_by("mobile").agg(pl.col("bought").mean()).iter_rows())
    assert effect_of(users).naive.value == pytest.approx(by_group[True] - by_group[False], abs=1e-12)


def test_with_nothing_to_adjust_for_the_effect_is_the_naive_difference(users):
    found = effect_of(users, covariates=[])
    assert found.estimate.value == pytest.approx(found.naive.value, abs=2e-3)
    assert "Nothing to adjust for" in found.cautions[0]


def test_the_effect_scales_with_the_unit_of_the_outcome(users):
    amounts = users.with_columns(bought=pl.col("bought") * 3.0 + pl.col("keen"))
    euros, cents = effect_of(amounts), effect_of(amounts.with_columns(pl.col("bought") * 100 + 7))
    np.testing.assert_allclose(cents.draws, 100 * euros.draws, rtol=1e-6)


def test_a_trait_of_two_texts_is_read_as_the_last_against_the_first(users):
    texts = users.with_columns(mobile=pl.when("mobile").then(pl.lit("phone")).otherwise(pl.lit("desktop")))
    found = effect_of(texts)
    assert (found.level, found.reference) == ("phone", "desktop")
    assert found.estimate == effect_of(users).estimate


def test_users_of_whom_trait_or_outcome_is_unknown_are_left_out_and_counted(users):
    holes = users.with_columns(bought=pl.when(pl.col("user_id") >= 30).then("bought"))
    assert effect_of(holes).users_left_out == 30
    assert effect_of(holes).estimate == effect_of(users.filter(pl.col("user_id") >= 30)).estimate


def test_a_trait_that_is_merely_rare_is_not_refused():
    users = confounded_users(4_000)
    rare = users.filter(~pl.col("mobile") | (pl.col("user_id") % 25 == 0))
    overlap = effect_of(rare).overlap
    assert overlap.share_extreme > 0.5
    assert overlap.share_extreme_balanced < 0.1
    assert overlap.effective_users_with > 30


def test_few_cases_of_an_outcome_are_said(users):
    few = users.with_columns(bought=pl.col("user_id") < 12)
    assert "the interval is rough" in effect_of(few).cautions[-1]


def test_progress_is_reported_to_the_end_and_can_cancel(users):
    reports = []
    effect_of(users, on_progress=reports.append)
    assert [(each.done, each.total) for each in reports] == [(25, 40), (40, 40)]

    def cancel(_progress):
        raise RunCancelled

    with pytest.raises(RunCancelled):
        effect_of(users, on_progress=cancel)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("mobile", pl.lit(value=True), "The trait 'mobile' is 'true' for all 2,000 users"),
        ("bought", pl.lit(0), "The outcome 'bought' is '0' for all 2,000 users"),
        ("bought", pl.lit(None, pl.Boolean), "is not known of any user"),
        ("mobile", pl.col("user_id") < 29, "29 users have mobile = true and 1,971 have false"),
        ("mobile", pl.col("user_id") % 4, "has 4 values, must have 2"),
        ("mobile", ~pl.col("bought"), "say the same"),
        ("mobile", pl.concat_list("age"), "no levels and no size"),
        ("mobile", pl.col("keen") > 0, "Users with and without 'mobile' cannot be compared"),
        ("user_id", pl.col("user_id") // 2, "User '0' has more than one row"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_refused(users, column, values, message):
    with pytest.raises(ModelingError, match=message):
        effect_of(users.with_columns(values.alias(column)))


def test_every_setting_out_of_bounds_is_named_at_once(users):
    with pytest.raises(ModelingError, match=r"n_draws == 3.*n_folds == 1.*trim == 0"):
        effect_of(users, n_draws=3, n_folds=1, trim=0)


def test_a_covariate_that_comes_from_the_outcome_is_refused(journeys):
    asked = {"trait": "mobile", "outcome": "reached_signup_complete"}
    for column in ("funnel_depth", "funnel_seconds", "reached_signup_complete", "mobile", "first_seen"):
        with pytest.raises(ModelingError, match=f"'{column}' (comes from|is what|is of type)"):
            estimate_trait_effect(journeys, covariates=[column], **asked)
    with pytest.raises(UnknownNameError, match="Did you mean 'n_events'"):
        estimate_trait_effect(journeys, covariates=["n_event"], **asked)


def test_what_saw_the_whole_journey_adjusts_only_when_named(journeys):
    asked = {"trait": "mobile", "outcome": "reached_signup_complete", "n_draws": 20}
    default = estimate_trait_effect(journeys, **asked)
    assert default.covariates == ()
    assert {"n_events", "persona", "reached_landing", "funnel_depth"} <= set(default.columns_left_out)
    named = estimate_trait_effect(journeys, covariates=["n_events"], **asked)
    assert named.cautions == ("'n_events' saw the whole journey, outcome included.",)


def test_the_area_under_the_curve_is_that_of_scikit_learn_on_the_held_out_chances(users, journeys):
    two = train_trait_classifier(users, "mobile")
    assert two.auc == pytest.approx(roc_auc_score(two.held_out["trait"], two.held_out["p_true"]))
    assert two.brier == pytest.approx(brier_score_loss(two.held_out["trait"], two.held_out["p_true"]))
    four = train_trait_classifier(journeys, "persona")
    chances = four.held_out.select(pl.selectors.starts_with("p_")).to_numpy()
    oracle = roc_auc_score(four.held_out["trait"], chances, multi_class="ovr", average="macro")
    assert four.auc == pytest.approx(oracle)
    assert four.brier == pytest.approx(brier_score_loss(four.held_out["trait"], chances))
    assert four.auc > 0.85
    assert four.brier < four.base_rate_brier


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=4, max_size=40))
def test_ties_count_half_as_in_scikit_learn(rows):
    rows = [*rows, (True, 2), (False, 3)]
    codes, scores = np.array([each[0] for each in rows], dtype=int), np.array([each[1] for each in rows]) / 5
    found = score_auc(codes, np.column_stack([1 - scores, scores]))[0]
    assert found == pytest.approx(roc_auc_score(codes, scores))


@pytest.mark.parametrize("n_levels", [2, 3])
def test_the_standard_error_of_the_area_is_its_spread_over_samples(n_levels):
    generator = np.random.default_rng(0)
    samples = []
    for _ in range(400):
        codes = generator.integers(0, n_levels, size=150)
        chances = generator.dirichlet(np.ones(n_levels), size=150) + 0.3 * np.eye(n_levels)[codes]
        samples.append(score_auc(codes, chances))
    areas, errors = np.transpose(samples)
    assert errors.mean() == pytest.approx(areas.std(), rel=0.1)


def test_noise_is_told_apart_no_better_than_by_chance():
    generator = np.random.default_rng(0)
    noise = {f"x{j}": generator.normal(size=1_000) for j in range(5)}
    users = pl.DataFrame({"user_id": range(1_000), **noise, "trait": generator.random(1_000) < 0.3})
    found = train_trait_classifier(users, "trait")
    assert abs(found.auc - 0.5) < 3 * found.auc_error
    assert found.brier == pytest.approx(found.base_rate_brier, rel=0.03)


def test_a_classifier_does_not_depend_on_the_order_of_rows(users):
    first, second = (train_trait_classifier(each, "mobile") for each in (users, users.reverse()))
    assert first.auc == second.auc
    assert_frame_equal(first.weights, second.weights)


def test_the_strongest_weight_is_that_of_what_drives_the_trait(users):
    weights = train_trait_classifier(users, "mobile", features=["keen", "age"]).weights
    assert weights.row(0)[:3] == ("keen", "keen", "true")
    assert weights["weight"][0] == pytest.approx(-0.9, abs=0.15)
    assert abs(weights["weight"][1]) < 0.15


def test_an_outcome_is_not_told_from_itself(journeys):
    for column in ("funnel_depth", "funnel_seconds", "reached_signup_complete"):
        with pytest.raises(ModelingError, match=f"'{column}'"):
            train_trait_classifier(journeys, "reached_signup_complete", features=["n_events", column])
    twin = journeys.with_columns(done=~pl.col("reached_signup_complete"))
    with pytest.raises(ModelingError, match="'done' settles 'reached_signup_complete' by itself"):
        train_trait_classifier(twin, "reached_signup_complete", features=["done"])
    assert train_trait_classifier(twin, "reached_signup_complete").features == ("mobile",)


def test_a_persona_is_not_told_from_its_number_or_membership(journeys):
    frame = journeys.select("user_id", "persona", "n_events", cluster=pl.lit(1), membership=pl.lit(0.5))
    left_out = train_trait_classifier(frame, "persona").columns_left_out
    assert left_out["cluster"] == left_out["membership"] == "settles 'persona' by itself"


def test_attributes_that_say_nothing_are_left_out_with_the_reason(users):
    odd = users.with_columns(
        one=pl.lit("x"),
        nothing=pl.lit(None, pl.Float64),
        unheard=pl.lit(None, pl.String),
        many=pl.col("user_id").cast(pl.String),
        joined=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)),
    )
    found = train_trait_classifier(odd, "mobile")
    assert found.columns_left_out["one"] == "is the same for every user"
    assert found.columns_left_out["nothing"] == found.columns_left_out["unheard"] == "has no value"
    assert found.columns_left_out["many"] == "has 2,000 levels, none of 10 users"
    assert "Datetime" in found.columns_left_out["joined"]
    assert found.auc == train_trait_classifier(users, "mobile").auc
    with pytest.raises(ModelingError, match="No feature is left to tell 'mobile': 'many' has 2,000 levels"):
        train_trait_classifier(odd, "mobile", features=["many"])


def test_rare_levels_are_folded_into_other():
    cities = [f"city {min(int(each), 4_999)}" for each in np.random.default_rng(0).pareto(0.5, size=5_000)]
    encoding, dropped = learn_encoding(pl.DataFrame({"city": cities}), ["city"])
    column = encoding.columns[0]
    assert not dropped
    assert "other" in (column.reference, *column.levels)
    assert len(column.levels) == MAX_LEVELS


def test_a_missing_value_can_itself_tell_the_trait(users):
    hidden = users.with_columns(
        age=pl.when(~pl.col("mobile")).then("age"),
        plan=pl.when(pl.col("user_id") % 3 > 0).then(pl.lit("free")),
    )
    found = train_trait_classifier(hidden, "mobile", features=["age", "plan"])
    assert found.auc > 0.99
    assert {"age is missing", "plan = missing"} <= set(found.weights["term"])


def test_a_value_that_is_not_finite_counts_as_missing(users):
    infinite = users.with_columns(age=pl.when(pl.col("age") > 1).then(np.inf).otherwise("age"))
    nan = users.with_columns(age=pl.when(pl.col("age") > 1).then(np.nan).otherwise("age"))
    assert train_trait_classifier(infinite, "mobile").auc == train_trait_classifier(nan, "mobile").auc


def test_chances_are_given_for_new_users_in_their_order(users):
    named = users.with_columns(plan=pl.when(pl.col("user_id") % 2 == 0).then(pl.lit("pro")))
    classifier = train_trait_classifier(named, "mobile")
    new = (
        named.head(3)
        .reverse()
        .with_columns(plan=pl.Series(["gold", None, "pro"]), keen=pl.lit(None, pl.Float64))
    )
    chances = classifier.predict_proba(new)
    assert chances["user_id"].to_list() == [2, 1, 0]
    np.testing.assert_allclose(chances["p_false"] + chances["p_true"], 1)
    with pytest.raises(UnknownNameError, match="keen"):
        classifier.predict_proba(new.drop("keen"))
    with pytest.raises(ModelingError, match="'keen' is of type String; it was fitted on numbers"):
        classifier.predict_proba(new.with_columns(keen=pl.lit("much")))
    with pytest.raises(DataError, match="user_id"):
        classifier.predict_proba(new.drop("user_id"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pl.lit("x"), "has 1 level in 2,000 users, must have 2 to 20"),
        (pl.col("user_id").cast(pl.String), "has 2,000 levels"),
        (pl.lit(None, pl.String), "has 0 levels in 0 users"),
        (pl.col("user_id") < 4, r"fewer than 10 users: 'true' \(4\)"),
    ],
)
def test_a_trait_that_cannot_be_learnt_is_refused(users, values, message):
    with pytest.raises(ModelingError, match=message):
        train_trait_classifier(users.with_columns(mobile=values), "mobile")
