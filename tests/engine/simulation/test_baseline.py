"""The control, solved once as fitted and in every draw."""

from dataclasses import replace

import numpy as np
import pytest

from persona_tui.engine.data.attributes import attributes_of
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation import baseline as baseline_module
from persona_tui.engine.simulation.baseline import ArmValues, Baseline
from persona_tui.engine.simulation.comparison import reach_intervals
from persona_tui.engine.simulation.effects import Friction, MixShift
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import METRICS, solve
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import DRAWS_PER_BLOCK, draw_flows
from persona_tui.engine.statistics import interval

SEED = normalise_seed(0)
N_DRAWS = DRAWS_PER_BLOCK + 3  # the last block is not full
EFFECTS = {
    "none": (),
    "friction": (Friction(factor=0.1),),
    "mix": (MixShift(persona="2", share=0.7),),
}


@pytest.fixture(scope="module")
def baseline(sample):
    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 2, random_state=0)
    )
    simulator = ProductFlowSimulator.from_counts(
        generator, sample.counts, attributes=attributes_of(sample.events, sample.sequences)
    )
    return Baseline(simulator=simulator, draws=draw_flows(simulator, N_DRAWS, SEED))


def assert_same(one, other):
    for arm in ("control", "treatment"):
        np.testing.assert_array_equal(one.shares[arm], other.shares[arm])
        for metric in METRICS:
            np.testing.assert_array_equal(one.metrics[arm][metric], other.metrics[arm][metric])


@pytest.mark.parametrize("effects", EFFECTS)
def test_draws_that_are_kept_and_those_solved_again_give_the_same_values(baseline, effects, monkeypatch):
    modification = FlowModification(effects=EFFECTS[effects])
    kept = baseline.evaluate(baseline.drawn(), modification)
    monkeypatch.setattr(baseline_module, "_KEPT_BYTES", 0)
    again = replace(baseline)
    assert not isinstance(again.drawn(), tuple)
    assert_same(again.evaluate(again.drawn(), modification), kept)


def test_draws_are_solved_once_where_they_are_kept(baseline):
    assert baseline.drawn() is baseline.drawn()


def test_every_draw_is_there_once_and_each_is_the_solution_of_its_flow(baseline):
    values = baseline.evaluate(baseline.drawn(), FlowModification())
    assert values.shares["control"].shape == (N_DRAWS, 2)
    last = list(baseline.draws.blocks())[-1]
    np.testing.assert_array_equal(values.shares["control"][-len(last[1]) :], last[1])
    np.testing.assert_allclose(
        values.metrics["control"]["completion_rate"][-len(last[1]) :], solve(last[0]).converted, atol=1e-12
    )


def test_the_control_as_fitted_repeats_as_often_as_there_are_draws(baseline):
    repeated = baseline.evaluate(baseline.repeated(), FlowModification())
    fitted = baseline.evaluate([baseline.fitted], FlowModification()).only(0)
    assert repeated.shares["control"].shape == (N_DRAWS, 2)
    for draw in (0, DRAWS_PER_BLOCK, N_DRAWS - 1):
        assert_same(repeated.only(draw), fitted)


def test_no_change_has_an_uplift_of_exactly_zero_in_every_draw(baseline):
    values = baseline.evaluate(baseline.drawn(), FlowModification())
    assert not values.uplift("completion_rate", np.ones(2)).any()


def test_the_control_is_split_once_for_the_same_segments_and_not_at_all_for_none(baseline):
    split = baseline.told_apart(("device=mobile",))
    assert baseline.told_apart(("device=mobile",)) is split
    assert baseline.told_apart(()) is baseline
    assert split is not baseline


def test_telling_users_apart_hardly_moves_the_control_as_fitted(baseline):
    split = baseline.told_apart(("device=mobile",))
    ours, theirs = (each.evaluate([each.fitted], FlowModification()).only(0) for each in (baseline, split))
    everyone = np.ones_like(theirs.shares["control"])
    assert theirs.pooled("control", "completion_rate", everyone) == pytest.approx(
        ours.pooled("control", "completion_rate", np.ones(2)), abs=0.004
    )


def test_a_mean_over_a_part_weighs_personas_by_their_journeys_in_it():
    values = ArmValues(
        metrics={"control": {"completion_rate": np.array([0.2, 0.8])}},
        shares={"control": np.array([0.75, 0.25])},
    )
    # 0.75 * 0.5 * 0.2 + 0.25 * 1 * 0.8 over 0.75 * 0.5 + 0.25
    assert values.pooled("control", "completion_rate", np.array([0.5, 1.0])) == pytest.approx(0.275 / 0.625)
    assert values.pooled("control", "completion_rate", np.array([0.0, 1.0])) == 0.8
    assert np.isnan(values.pooled("control", "completion_rate", np.zeros(2)))


@pytest.mark.parametrize("effects", EFFECTS)
def test_completion_is_reached_as_much_more_often_in_every_draw_as_the_uplift_says(baseline, effects):
    modification = FlowModification(effects=EFFECTS[effects])
    reached = baseline.reach_uplifts(modification, ("landing", "signup_complete"))
    evidence = baseline.evaluate(baseline.drawn(), modification)
    uplifts = evidence.uplift("completion_rate", np.ones(len(baseline.simulator.shares)))
    assert reached.shape == (N_DRAWS, 2)
    np.testing.assert_allclose(reached[:, 1], uplifts, atol=1e-12)
    ends = reach_intervals(baseline, modification, ("landing", "signup_complete"), SEED)
    assert ends[1] == pytest.approx(interval(uplifts), abs=1e-12)
