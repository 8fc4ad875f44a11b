import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.planning import KINDS, Design, Plan, Trial, plan_experiment

N_REPLICATIONS = 2_000
SIMULATION_ERROR = 3.5 * math.sqrt(0.8 * 0.2 / N_REPLICATIONS)

rates = st.floats(0.05, 0.9)
uplifts = st.floats(0.005, 0.09)


def trial(control: float = 0.5, uplift: float = 0.1, **terms) -> Trial:
    return Trial(control=control, uplift=uplift, **{"per_week": 1_000, **terms})


def design(plan: Plan, kind: str) -> Design:
    return plan.designs[KINDS.index(kind)]


def closed_form(before: float, after: float, *, power: float = 0.8, tail: float = 0.025, w: float = 0.5):
    """Return the units of both arms that a pooled two-proportion test needs."""
    pooled = (1 - w) * before + w * after
    null = math.sqrt(pooled * (1 - pooled) * (1 / w + 1 / (1 - w)))
    actual = math.sqrt(before * (1 - before) / (1 - w) + after * (1 - after) / w)
    return ((norm.isf(tail) * null + norm.ppf(power) * actual) / (after - before)) ** 2


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("w", [0.5, 0.25, 0.9])
@pytest.mark.parametrize(("before", "after", "power"), [(0.5, 0.6, 0.8), (0.05, 0.04, 0.9), (0.0, 0.1, 0.8)])
def test_the_fixed_size_is_the_closed_form(before, after, power, w, one_sided):
    asked = trial(before, after - before, power=power, treatment_share=w, one_sided=one_sided)
    expected = closed_form(before, after, power=power, tail=0.05 if one_sided else 0.025, w=w)
    assert asked.fixed_size() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("before", "after", "level", "power", "published"),
    [(0.5, 0.6, 0.05, 0.8, 387.3), (0.5, 0.75, 0.05, 0.9, 76.7), (0.05, 0.06, 0.05, 0.8, 8157.7)],
)
def test_the_fixed_size_is_that_of_other_programs(before, after, level, power, published):
    asked = trial(before, after - before, level=level, power=power)
    assert asked.fixed_size() / 2 == pytest.approx(published, abs=0.06)


@pytest.mark.parametrize(
    ("before", "after", "level", "power", "published"),
    [(0.6, 0.7, 0.01, 0.95, 827), (0.5, 0.6, 0.05, 0.8, 408)],
)
def test_with_a_continuity_correction_the_fixed_size_is_the_one_that_fleiss_prints(
    before, after, level, power, published
):
    per_arm = trial(before, after - before, level=level, power=power).fixed_size() / 2
    corrected = per_arm / 4 * (1 + math.sqrt(1 + 4 / (per_arm * (after - before)))) ** 2
    assert math.ceil(corrected) == pytest.approx(published, abs=1)


@pytest.mark.parametrize(
    ("kind", "n_looks", "constant", "growth_80", "growth_90"),
    [
        ("Pocock", 1, 1.960, 1.000, 1.000),
        ("Pocock", 2, 2.178, 1.110, 1.100),
        ("Pocock", 3, 2.289, 1.166, 1.151),
        ("Pocock", 5, 2.413, 1.229, 1.207),
        ("Pocock", 10, 2.555, 1.301, 1.271),
        ("O'Brien-Fleming", 2, 1.977, 1.008, 1.007),
        ("O'Brien-Fleming", 3, 2.004, 1.017, 1.016),
        ("O'Brien-Fleming", 5, 2.040, 1.028, 1.026),
        ("O'Brien-Fleming", 10, 2.087, 1.040, 1.037),
    ],
)
def test_boundaries_and_sizes_of_group_sequential_tests_are_the_published_ones(
    kind, n_looks, constant, growth_80, growth_90
):
    for power, growth in ((0.8, growth_80), (0.9, growth_90)):
        asked = trial(0.5, 0.0005, power=power)
        found = design(plan_experiment(asked, n_looks=n_looks), kind)
        assert found.boundaries[-1] == pytest.approx(constant, abs=1.1e-3)
        assert (found.control + found.treatment) / asked.fixed_size() == pytest.approx(growth, abs=1.1e-3)


def test_obrien_fleming_boundaries_fall_with_the_root_of_the_look():
    heights = np.array(design(plan_experiment(trial(), n_looks=4), "O'Brien-Fleming").boundaries)
    np.testing.assert_allclose(heights * np.sqrt([1, 2, 3, 4]), 2 * heights[-1], rtol=1e-12)


def z_values(generator, sizes, before, after):
    """Return pooled z statistics of replicated tests at growing sizes of an arm, shape (R, looks)."""
    steps = np.diff(sizes, prepend=0).astype(np.int64)
    shape = (N_REPLICATIONS, len(steps))
    control, treatment = (generator.binomial(steps, rate, shape).cumsum(axis=1) for rate in (before, after))
    pooled = (control + treatment) / (2 * sizes)
    return (treatment - control) / sizes / np.sqrt(pooled * (1 - pooled) * 2 / sizes)


def first_look(outside):
    return np.where(outside.any(axis=1), outside.argmax(axis=1), outside.shape[1] - 1)


@pytest.mark.parametrize("kind", ["fixed", "O'Brien-Fleming", "Pocock"])
@pytest.mark.parametrize(("before", "after"), [(0.3, 0.36), (0.1, 0.07)])
def test_simulated_tests_keep_power_level_and_expected_size(kind, before, after):
    found = design(plan_experiment(trial(before, after - before), n_looks=5), kind)
    n_looks = len(found.boundaries)
    sizes = np.round(found.control * np.arange(1, n_looks + 1) / n_looks)
    generator = np.random.default_rng(7)
    outside = z_values(generator, sizes, before, after) * np.sign(after - before) >= found.boundaries
    assert outside.any(axis=1).mean() == pytest.approx(0.8, abs=SIMULATION_ERROR)
    assert 2 * sizes[first_look(outside)].mean() == pytest.approx(found.expected_units, rel=0.03)
    nothing = np.abs(z_values(generator, sizes, before, before)) >= found.boundaries
    assert nothing.any(axis=1).mean() == pytest.approx(
        0.05, abs=3.5 * math.sqrt(0.05 * 0.95 / N_REPLICATIONS)
    )


def mixture_outside(z, sizes, asked):
    """Return where a mixture sequential test of rates has ended, whichever way."""
    s = (asked.possible_uplifts() ** 2).mean() * 2 * sizes / float(asked.spreads(asked.uplift)[1]) ** 2
    log_ratio = 0.5 * (z**2 * s / (1 + s) - np.log1p(s))
    return log_ratio >= math.log(1 / asked.level)


def test_simulated_always_valid_tests_end_when_the_plan_says():
    asked = trial(0.3, 0.06)
    plan = plan_experiment(asked)
    found, fixed = design(plan, "always valid"), asked.fixed_size() / 2
    sizes = np.unique(np.round(fixed * np.geomspace(0.02, 20, 142)))
    outside = mixture_outside(z_values(np.random.default_rng(3), sizes, 0.3, 0.36), sizes, asked)
    ended = sizes[first_look(outside)]
    assert (ended <= found.control).mean() == pytest.approx(0.8, abs=SIMULATION_ERROR)
    assert 2 * ended.mean() == pytest.approx(found.expected_units, rel=0.03)


def test_an_always_valid_test_of_nothing_rarely_ends_however_often_it_is_watched():
    asked = trial(0.3, 0.06)
    sizes = np.arange(1, 301) * 100.0
    outside = mixture_outside(z_values(np.random.default_rng(5), sizes, 0.3, 0.3), sizes, asked)
    assert outside.any(axis=1).mean() <= 0.05


def test_one_sided_group_sequential_tests_have_the_bounds_of_two_sided_ones_of_twice_the_level():
    one = plan_experiment(trial(one_sided=True, level=0.025)).designs
    two = plan_experiment(trial(level=0.05)).designs
    assert [each.boundaries for each in one] == [each.boundaries for each in two]
    assert [each.control for each in one] == [each.control for each in two]


@given(rates, uplifts, st.floats(0.5, 0.9), st.floats(0.01, 0.09))
def test_more_power_never_takes_fewer_units(control, uplift, power, more):
    asked = [trial(control, uplift, power=each).fixed_size() for each in (power, power + more)]
    assert asked[0] <= asked[1]


@given(rates, uplifts, st.floats(1, 50))
def test_the_least_uplift_found_in_the_planned_weeks_is_the_predicted_one(control, uplift, per_week):
    asked = trial(control, uplift, per_week=per_week)
    assert asked.detectable_uplift(asked.weeks(asked.fixed_size())) == pytest.approx(uplift, rel=1e-6)


@given(rates, uplifts, st.booleans())
def test_the_chance_at_the_fixed_size_is_the_power(control, uplift, one_sided):
    asked = trial(control, -uplift / 2, one_sided=one_sided)
    assert asked.chance(asked.fixed_size(), np.array([-uplift / 2]))[0] == pytest.approx(0.8, abs=1e-12)


def test_weeks_follow_from_traffic_and_exposure():
    whole = plan_experiment(trial(per_week=2_000)).designs[0]
    part = plan_experiment(trial(per_week=2_000, exposed=0.1)).designs[0]
    assert whole.weeks == (whole.control + whole.treatment) / 2_000
    assert part.weeks == pytest.approx(10 * whole.weeks)


def test_arms_share_the_units_as_asked():
    found = plan_experiment(trial(treatment_share=0.2)).designs[0]
    assert found.control == pytest.approx(4 * found.treatment, abs=4)
    assert "in control and" in plan_experiment(trial(treatment_share=0.2)).sentences()[1]


def test_sessions_that_share_users_take_more_of_them_by_the_design_effect():
    alone, shared = trial(unit="session"), trial(unit="session", units_per_user=3, correlation=0.2)
    assert shared.fixed_size() == pytest.approx(1.4 * alone.fixed_size())
    assert "sessions per arm (of 362 users in all)" in plan_experiment(shared).sentences()[1]


def test_a_mean_is_planned_from_its_deviations():
    asked = trial(12.0, 0.5, deviations=(4.0, 5.0))
    expected = (norm.isf(0.025) + norm.ppf(0.8)) ** 2 * (4.0**2 + 5.0**2) / 0.5**2
    assert asked.fixed_size() / 2 == pytest.approx(expected)
    assert asked.detectable_uplift(asked.weeks(asked.fixed_size())) == pytest.approx(0.5)
    assert plan_experiment(asked).sentences()[0].startswith("The test is to find +0.5 with")


def test_assurance_is_the_closed_form_for_a_normal_uplift():
    mean, deviation, units = 0.5, 0.4, 4_000.0
    half = deviation * norm.isf(0.025)
    asked = trial(10.0, mean, deviations=(4.0, 4.0), one_sided=True, total=(mean - half, mean + half))
    scale = math.sqrt(units) / 8.0
    expected = norm.cdf((mean * scale - norm.isf(0.05)) / math.hypot(1, deviation * scale))
    assert asked.chance(units, asked.possible_uplifts()).mean() == pytest.approx(expected, abs=2e-3)


def test_draws_and_their_interval_give_the_same_assurance():
    draws = np.random.default_rng(0).normal(0.06, 0.02, 20_000)
    known = trial(0.4, 0.06, draws=draws)
    told = trial(0.4, 0.06, total=(0.06 - 1.96 * 0.02, 0.06 + 1.96 * 0.02))
    assert plan_experiment(known).assurance == pytest.approx(plan_experiment(told).assurance, abs=0.005)


def test_without_doubt_assurance_is_power():
    plan = plan_experiment(trial())
    assert plan.assurance == pytest.approx(0.8)
    assert plan.assured_weeks == pytest.approx(trial().weeks(trial().fixed_size()))


def test_the_assured_size_has_the_assurance():
    asked = trial(0.4, 0.06, total=(0.02, 0.1))
    size = asked.assured_size(0.9)
    assert asked.chance(size, asked.possible_uplifts()).mean() == pytest.approx(0.9)
    assert size > asked.fixed_size()


def test_a_one_sided_test_cannot_be_surer_than_the_direction():
    plan = plan_experiment(trial(0.4, 0.01, total=(-0.05, 0.07), one_sided=True))
    assert plan.assured_weeks is None
    assert "A chance of 80\u202f% is out of reach." in plan.sentences()


def test_an_interval_that_holds_zero_is_told():
    plan = plan_experiment(trial(0.4, 0.01, total=(-0.03, 0.05)))
    assert "It may help or hurt: −3 points to +5 points." in plan.sentences()
    assert plan.assurance < 0.8


def test_draws_of_rates_stay_possible():
    possible = trial(0.01, 0.005, total=(-0.01, 0.02)).possible_uplifts()
    assert possible.min() >= -0.01
    assert possible.mean() == pytest.approx(0.0057, abs=5e-4)


def test_no_number_of_units_finds_an_uplift_of_zero():
    plan = plan_experiment(trial(0.4, 0.0))
    assert [each.weeks for each in plan.designs] == [None] * 4
    assert plan.assurance is None
    assert plan.assured_weeks is None
    assert plan.sentences()[1] == "No number of users is enough to find an uplift of zero."
    assert plan.sentences()[-1].startswith("A 4-week test of fixed size finds +4.")


def test_an_uplift_of_zero_that_is_in_doubt_may_still_be_found():
    plan = plan_experiment(trial(0.4, 0.0, total=(-0.05, 0.05)), assurance=0.5)
    assert plan.assured_weeks > 0


def test_a_test_longer_than_a_year_is_told():
    told = plan_experiment(trial(per_week=3)).sentences()
    assert "That is more than a year: users and product will change meanwhile." in told


def test_a_test_shorter_than_a_week_is_told_to_run_whole_weeks():
    assert (
        "Run it for whole weeks all the same: weekdays differ."
        in plan_experiment(trial(per_week=1e6)).sentences()
    )


@pytest.mark.parametrize(
    ("control", "uplift"), [(0.0, 0.2), (1.0, -0.2), (0.2, -0.2), (0.8, 0.2), (0.0, 1.0)]
)
def test_rates_of_nought_and_one_are_planned_and_called_rough(control, uplift):
    plan = plan_experiment(trial(control, uplift))
    assert all(each.control >= 1 for each in plan.designs)
    assert "So few conversions make the sizes rough." in plan.sentences()


def test_where_nothing_can_be_found_in_time_it_is_told():
    plan = plan_experiment(trial(0.99, 0.005, per_week=20), weeks=1)
    assert plan.detectable_uplift is None
    told = "A 1-week test of fixed size finds no uplift, however large, with that chance."
    assert plan.sentences()[-1] == told


def test_every_number_out_of_bounds_is_named():
    with pytest.raises(SimulationError, match=r"per_week == 0.*level == 2.*exposed == 1\.5") as told:
        trial(per_week=0, level=2, exposed=1.5)
    assert "control" not in told.value.message


def test_an_uplift_beyond_certainty_is_refused():
    with pytest.raises(SimulationError, match=r"uplift == 0\.6"):
        trial(0.5, 0.6)


@pytest.mark.parametrize("terms", [{"n_looks": 0}, {"assurance": 1.0}, {"weeks": 0.0}])
def test_terms_of_the_plan_are_checked(terms):
    with pytest.raises(SimulationError, match=next(iter(terms))):
        plan_experiment(trial(), **terms)
