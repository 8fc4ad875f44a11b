import numpy as np
import polars as pl
import pytest
from scipy.stats import false_discovery_control, norm

from persona_tui.engine.errors import ModelingError, UnknownNameError
from persona_tui.engine.modeling.trait_effects import estimate_trait_effect
from persona_tui.engine.modeling.traits import estimate_trait_effects, train_trait_classifier

NOISE = [f"noise{number}" for number in range(5)]


@pytest.fixture(scope="module")
def users():
    """Return users with one trait that works, five that do not, and columns that cannot explain anything."""
    generator = np.random.default_rng(3)
    n = 1_500
    traits = {name: generator.random(n) < 0.5 for name in ("mobile", *NOISE)}
    bought = generator.random(n) < 0.3 + 0.2 * traits["mobile"]
    return pl.DataFrame(
        {
            "user_id": range(n),
            **traits,
            "bought": bought,
            "persona": np.where(generator.random(n) < 0.4 + 0.2 * bought, "Deciders", "Browsers"),
            "constant": "same",
            "empty": pl.Series([None] * n, dtype=pl.String),
            "campaign": [f"c{number % 5_000}" for number in generator.integers(0, 5_000, n)],
        }
    )


@pytest.fixture(scope="module")
def found(users):
    return estimate_trait_effects(
        users, traits=["mobile", *NOISE, "constant", "campaign"], outcome="bought", n_draws=40
    )


def test_false_discoveries_are_controlled_as_in_scipy(found):
    scores = [effect.estimate.value / effect.draws.std(ddof=1) for effect in found.effects.values()]
    p_values = 2 * norm.sf(np.abs(scores))
    assert list(found.p_values.values()) == pytest.approx(p_values)
    assert list(found.q_values.values()) == pytest.approx(false_discovery_control(p_values))


def test_only_the_trait_that_works_is_found(found):
    assert {trait for trait, q in found.q_values.items() if q < 0.05} == {"mobile"}


def test_traits_that_cannot_be_told_are_refused_with_the_reason_and_the_rest_goes_on(found):
    assert set(found.refused) == {"constant", "campaign"}
    assert "is 'same' for all" in found.refused["constant"]
    assert "values, must have 2" in found.refused["campaign"]
    assert found.statement.startswith("6 traits tested together, 2 refused and not counted")


def test_each_effect_is_the_one_of_the_trait_alone(users, found):
    alone = estimate_trait_effect(users, trait="mobile", outcome="bought", n_draws=40)
    assert found.effects["mobile"].estimate == alone.estimate


def test_a_trait_is_no_covariate_of_itself(users):
    two = ["mobile", "noise0"]
    found = estimate_trait_effects(users, traits=two, outcome="bought", covariates=two, n_draws=20)
    assert found.effects["mobile"].covariates == ("noise0",)


def test_columns_that_say_nothing_do_not_stop_the_estimate(users):
    effect = estimate_trait_effect(users, trait="mobile", outcome="bought", n_draws=20)
    assert {"constant", "empty", "campaign"} <= set(effect.columns_left_out)


def test_a_persona_as_the_trait_is_described_with_a_caution(users):
    effect = estimate_trait_effect(
        users, trait="persona", outcome="bought", covariates=["mobile"], n_draws=20
    )
    assert effect.level == "Deciders"
    assert "saw the whole journey" in " ".join(effect.cautions)


def test_a_persona_can_be_the_outcome_and_the_trait_that_is_learnt(users):
    effect = estimate_trait_effect(users, trait="mobile", outcome="persona", n_draws=20)
    assert effect.mean_with > effect.mean_without
    assert set(train_trait_classifier(users, "persona").levels) == {"Browsers", "Deciders"}


def test_without_a_trait_that_can_be_told_every_reason_is_given(users):
    with pytest.raises(ModelingError, match=r"'constant': .*'campaign': "):
        estimate_trait_effects(users, traits=["constant", "campaign"], outcome="bought", n_draws=20)


@pytest.mark.parametrize(("traits", "message"), [([], "No trait"), (["mobile", "mobile"], "given twice")])
def test_traits_are_given_and_each_once(users, traits, message):
    with pytest.raises(ModelingError, match=message):
        estimate_trait_effects(users, traits=traits, outcome="bought")


def test_an_unknown_trait_is_told_with_the_near_name(users):
    with pytest.raises(UnknownNameError, match="mobile"):
        estimate_trait_effects(users, traits=["mobil"], outcome="bought")
