"""Why a change does what it does, and what a real test of it takes."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import make_log

from persona_tui.engine.data.attributes import attributes_of
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.params import Range
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.arrivals import fit_arrivals
from persona_tui.engine.simulation.effects import Friction, InsertSteps, RemoveStep, Retime
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import run_ab_experiment
from persona_tui.engine.simulation.insights import explain, journeys_per_user, plan_real_test
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import draw_flows

HIT, MISS = ["a", "x"], ["a"]


@pytest.fixture(scope="module")
def simulator(sample):
    found = find_personas(sample.counts, 2, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(sample.sequences, found)
    attributes = attributes_of(sample.events, sample.sequences)
    return ProductFlowSimulator.from_counts(generator, sample.counts, attributes=attributes)


@pytest.fixture(scope="module")
def draws(simulator):
    return draw_flows(simulator, 40, normalise_seed(0))


@pytest.fixture
def experiment_of(simulator, draws):
    """Return a maker of exact experiments from effects."""

    def run(*effects):
        modification = FlowModification(effects=effects)
        return run_ab_experiment(simulator, 1, modification, random_state=0, draws=draws, solver="exact")

    return run


def counts_of(*users):
    """Return the counts of users whose sessions convert or do not."""
    log = make_log(
        {f"u{n:03}": [HIT if hit else MISS for hit in sessions] for n, sessions in enumerate(users)}
    )
    return count_transitions(
        cut_journeys(encode_sequences(log), unit="session", completion={"x"}, censor=False)
    )


def test_likeness_of_journeys_equals_the_analysis_of_variance_done_by_hand():
    # sizes 3, 1, 2 and rates 1, 0, 1/2: between 5/12, within 1/6, typical size 11/6
    mean, correlation = journeys_per_user(counts_of([1, 1, 1], [0], [0, 1]))
    assert mean == pytest.approx((9 + 1 + 4) / 6)
    assert correlation == pytest.approx(9 / 20)


@given(size=st.integers(2, 5), n_always=st.integers(1, 6), n_never=st.integers(1, 6))
def test_users_who_always_or_never_convert_are_wholly_alike(size, n_always, n_never):
    found = journeys_per_user(counts_of(*[[1] * size] * n_always, *[[0] * size] * n_never))
    assert found == pytest.approx((size, 1.0))


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=5), min_size=2, max_size=12))
def test_likeness_is_that_of_the_table_of_variances_user_by_user(users):
    sizes = np.array([len(each) for each in users], float)
    assume(sizes.max() > 1 and any(any(each) for each in users))
    total, n_users = sizes.sum(), len(users)
    rates = np.array([np.mean(each) for each in users])
    grand = (sizes * rates).sum() / total
    between = (sizes * (rates - grand) ** 2).sum() / (n_users - 1)
    within = sum(((np.array(each) - np.mean(each)) ** 2).sum() for each in users) / max(total - n_users, 1)
    typical = (total - (sizes**2).sum() / total) / (n_users - 1)
    spread = between + (typical - 1) * within
    expected = np.clip((between - within) / spread, 0, 1) if spread > 0 else 0.0
    mean, correlation = journeys_per_user(counts_of(*users))
    assert mean == pytest.approx((sizes**2).sum() / total)
    assert correlation == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("users", [[[1], [0], [1]], [[1, 0, 1]]])
def test_journeys_of_users_with_one_each_or_of_one_user_say_nothing_of_likeness(users):
    assert journeys_per_user(counts_of(*users)) == (1.0, 0.0)


def test_under_user_every_user_has_one_journey(sample):
    assert journeys_per_user(sample.counts) == (1.0, 0.0)


def test_an_effect_on_a_segment_is_explained_on_the_chains_it_splits(experiment_of):
    experiment = experiment_of(Friction(factor=0.1, segment="device=mobile"))
    insights = explain(experiment)
    assert sum(each.ended[1] - each.ended[0] for each in insights.drop_off) == pytest.approx(
        experiment.total.uplifts["drop_off_rate"].value, abs=1e-12
    )
    (factor,) = insights.break_even
    assert (factor.name, factor.value, factor.found.side) == ("friction.factor", 0.1, "below")


def test_leverage_of_users_told_apart_is_nearly_that_of_all(experiment_of):
    apart = explain(experiment_of(Friction(factor=0.1, segment="device=mobile"))).leverage
    together = explain(experiment_of(Friction(factor=0.1))).leverage
    known = {each.state: each.leverage for each in together}
    assert all(each.leverage == pytest.approx(known[each.state], abs=0.03) for each in apart)


def test_break_even_is_sought_for_every_bounded_rate_of_every_effect_in_order(experiment_of):
    insights = explain(
        experiment_of(
            Friction(factor=Range(low=0.01, mode=0.02, high=0.1)), InsertSteps(count=1, exit_rate=0.1)
        )
    )
    assert [(each.effect, each.name, each.value) for each in insights.break_even] == [
        (0, "friction.factor", pytest.approx((0.01 + 4 * 0.02 + 0.1) / 6)),
        (1, "insert_steps.exit_rate", 0.1),
    ]


def test_a_change_of_pace_alone_has_nothing_that_could_turn_completion(experiment_of):
    assert all(each.found.side != "above" for each in explain(experiment_of(Retime(factor=2.0))).break_even)


def test_no_test_is_sized_for_an_uplift_that_is_rounding(experiment_of, sample):
    experiment = experiment_of(RemoveStep(event="form_step_3"))
    plan = plan_real_test(experiment, fit_arrivals(sample.sequences, unit="user"), sample.counts)
    assert plan.trial.uplift == 0
    assert all(design.control is None for design in plan.designs)
    assert not any("hurt" in each for each in plan.sentences())


@pytest.mark.parametrize(("terms", "larger"), [({"power": 0.9}, True), ({"level": 0.1}, False)])
def test_a_plan_takes_more_users_for_more_power_and_fewer_for_a_looser_level(
    experiment_of, sample, terms, larger
):
    experiment, arrivals = experiment_of(Friction(factor=0.02)), fit_arrivals(sample.sequences, unit="user")
    usual = plan_real_test(experiment, arrivals, sample.counts)
    asked = plan_real_test(experiment, arrivals, sample.counts, **terms)
    assert (asked.designs[0].control > usual.designs[0].control) is larger


def test_half_the_traffic_takes_twice_the_weeks_for_as_many_users(experiment_of, sample):
    experiment, arrivals = experiment_of(Friction(factor=0.02)), fit_arrivals(sample.sequences, unit="user")
    whole, half = (
        plan_real_test(experiment, arrivals, sample.counts, exposed=exposed).designs[0]
        for exposed in (1, 0.5)
    )
    assert whole.control == half.control
    assert half.weeks == pytest.approx(2 * whole.weeks)


def test_break_even_is_sought_only_where_a_later_effect_still_has_something_to_act_on(experiment_of):
    insights = explain(experiment_of(Friction(factor=0.1), InsertSteps(count=1, exit_rate=0.1)))
    assert insights.break_even[0].found.values == (0.0, 31 / 32)  # at 1 nobody comes to the new step
    assert insights.break_even[1].found.values == (0.0, 1.0)


def test_a_driver_moves_only_where_a_later_effect_still_has_something_to_act_on(experiment_of):
    insights = explain(experiment_of(Friction(factor=0.8), InsertSteps(count=1, exit_rate=0.1)))
    (friction,) = (each for each in insights.drivers.drivers if each.name == "friction.factor")
    assert friction.values == (0.4, pytest.approx(0.4 + 0.6 * 31 / 32))
