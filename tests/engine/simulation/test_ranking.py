import pytest

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.params import Range
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.assumptions import draw_parameters
from persona_tui.engine.simulation.effects import Friction, Reward
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import run_ab_experiment
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.ranking import rank_scenarios
from persona_tui.engine.simulation.uncertainty import draw_flows


@pytest.fixture(scope="module")
def simulator(sample):
    found = find_personas(sample.counts, 2, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(sample.sequences, found)
    return ProductFlowSimulator.from_counts(generator, sample.counts)


@pytest.fixture(scope="module")
def draws(simulator):
    return draw_flows(simulator, 40, normalise_seed(0))


def experiment_on(simulator, draws, *effects):
    return run_ab_experiment(
        simulator, 1, FlowModification(effects=effects), random_state=0, draws=draws, solver="exact"
    )


def test_scenarios_are_ranked_by_uplift_and_beat_each_other_surely_where_they_are_far_apart(simulator, draws):
    ranked = rank_scenarios(
        {
            "worse": experiment_on(simulator, draws, Friction(factor=0.2)),
            "better": experiment_on(simulator, draws, Reward(factor=0.2)),
            "bad": experiment_on(simulator, draws, Friction(factor=0.05)),
        }
    )
    assert [each.name for each in ranked] == ["better", "bad", "worse"]
    assert [each.best for each in ranked] == [1.0, 0.0, 0.0]
    assert ranked[1].beats == {"worse": 1.0, "better": 0.0, "control": 0.0}


def test_equal_scenarios_share_what_they_win(simulator, draws):
    same = [experiment_on(simulator, draws, Reward(factor=Range(0.1, 0.2, 0.3))) for _ in range(2)]
    ranked = rank_scenarios(dict(zip("ab", same, strict=True)))
    assert [(each.name, each.best, each.beats["control"]) for each in ranked] == [
        ("a", 0.5, 1.0),
        ("b", 0.5, 1.0),
    ]
    assert ranked[0].beats["b"] == 0.5


def test_a_scenario_without_effect_ties_with_the_control(simulator, draws):
    (ranked,) = rank_scenarios({"nothing": experiment_on(simulator, draws)})
    assert (ranked.uplift, ranked.best, ranked.beats) == (0.0, 0.5, {"control": 0.5})


def test_scenarios_of_different_draws_are_refused(simulator, draws):
    other = run_ab_experiment(simulator, 1, random_state=0, n_draws=3, solver="exact")
    with pytest.raises(SimulationError, match=r"\[3, 40\]"):
        rank_scenarios({"a": other, "b": experiment_on(simulator, draws)})


def test_an_effect_draws_the_same_numbers_in_every_scenario_and_others_draw_their_own():
    friction, reward = Friction(factor=Range(0.0, 0.1, 0.4)), Reward(factor=Range(0.0, 0.1, 0.4))
    seed = normalise_seed(3)
    (alone,) = draw_parameters([friction], 9, seed)
    first, second = draw_parameters([reward, friction], 9, seed)
    assert (alone["factor"] == second["factor"]).all()
    assert (first["factor"] != second["factor"]).all()
    once, twice = draw_parameters([friction, friction], 9, seed)
    assert (once["factor"] != twice["factor"]).all()
