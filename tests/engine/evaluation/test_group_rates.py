import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from persona_tui.engine.evaluation.group_rates import draw_together, rate_groups, told_groups


def rated(rates, sizes, seed=0):
    rng = np.random.default_rng(seed)
    members = np.repeat(np.arange(len(sizes)), sizes)
    converted = (rng.random(len(members)) < np.repeat(rates, sizes)).astype(float)
    names = [f"g{number}" for number in range(len(sizes))]
    return rate_groups("kind", names, members, np.ones(len(members)), converted), members, converted


def test_parity_is_that_of_fairlearn():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fairlearn.metrics import demographic_parity_difference, demographic_parity_ratio

        found, members, converted = rated((0.3, 0.5, 0.42), (400, 300, 150))
        ratio = demographic_parity_ratio(converted, converted, sensitive_features=members)
        difference = demographic_parity_difference(converted, converted, sensitive_features=members)
    assert found.lowest_to_highest == pytest.approx(ratio, abs=1e-9)
    assert found.highest_less_lowest == pytest.approx(difference, abs=1e-9)


def test_one_journey_a_user_has_the_interval_of_wilson():
    found, members, converted = rated((0.3, 0.5), (400, 300))
    for each in found.groups:
        came = converted[members == int(each.name[1:])]
        expected = binomtest(int(came.sum()), len(came)).proportion_ci(method="wilson")
        assert each.interval == pytest.approx((expected.low, expected.high), abs=2e-4)


def test_the_difference_is_to_the_other_users():
    found, members, converted = rated((0.3, 0.5, 0.4), (400, 300, 200))
    for each in found.groups:
        inside = members == int(each.name[1:])
        assert each.difference == pytest.approx(converted[inside].mean() - converted[~inside].mean())


def test_journeys_of_a_user_are_counted_together():
    rng = np.random.default_rng(1)
    members = np.repeat([0, 1], 300)
    always = rng.random(600) < 0.5
    once = rate_groups("k", ["a", "b"], members, np.ones(600), always.astype(float))
    tenfold = rate_groups("k", ["a", "b"], members, np.full(600, 10.0), 10.0 * always)
    assert tenfold.groups[0].interval == pytest.approx(once.groups[0].interval)


@given(st.lists(st.integers(0, 200), min_size=1, max_size=12))
def test_small_groups_are_left_out_and_counted(sizes):
    sizes = np.array(sizes)
    told = told_groups(sizes)
    assert (sizes[told] >= 30).all()
    assert (np.diff(sizes[told]) <= 0).all()
    assert len(told) == (sizes >= 30).sum()


@given(
    st.lists(st.floats(0.05, 0.95), min_size=2, max_size=10),
    st.lists(st.floats(1e-4, 1e-2), min_size=10, max_size=10),
)
def test_a_drawn_rate_lies_between_its_own_and_the_mean(rates, variances):
    rates, variances = np.array(rates), np.array(variances[: len(rates)])
    drawn, errors, between = draw_together(rates, variances)
    weights = 1 / (variances + between**2)
    middle = weights @ rates / weights.sum()
    low, high = np.minimum(rates, middle), np.maximum(rates, middle)
    assert ((low - 1e-9 <= drawn) & (drawn <= high + 1e-9)).all()
    assert (errors <= np.sqrt(variances) + 1e-9).all() or between == 0


def test_groups_that_differ_by_chance_alone_are_drawn_together_whole():
    drawn, _, between = draw_together(np.array([0.30, 0.31, 0.29]), np.full(3, 0.01))
    assert between == 0
    np.testing.assert_allclose(drawn, 0.30)


def test_groups_alike_are_seldom_said_to_differ():
    found = [rated((0.4,) * 6, (200,) * 6, seed)[0] for seed in range(60)]
    assert np.mean([any(each.false_discovery <= 0.05 for each in one.groups) for one in found]) <= 0.12


def test_a_rate_of_none_is_not_certain():
    found, *_ = rated((0.0, 0.05), (30, 4_000), seed=3)
    none = next(each for each in found.groups if each.n_users == 30)
    assert none.rate == 0
    assert none.interval[1] > 0.05
    assert none.false_discovery > 0.05
    assert none.drawn > 0


def test_rare_conversions_of_many_small_groups_are_seldom_said_to_differ():
    found = [rated((0.05,) * 25, (40,) * 25, seed)[0] for seed in range(80)]
    assert np.mean([any(each.false_discovery <= 0.05 for each in one.groups) for one in found]) <= 0.15
