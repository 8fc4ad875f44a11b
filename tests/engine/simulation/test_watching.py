import numpy as np
import pytest

from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.simulation.effects import Friction
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import run_ab_experiment
from persona_tui.engine.simulation.paths import Outcome, walk
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.simulated import ArmsSimulated, walk_blocks
from persona_tui.engine.simulation.watching import ArmsPrepared, follow_walks


@pytest.fixture(scope="module")
def simulator(sample):
    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 2, random_state=0)
    )
    return ProductFlowSimulator.from_counts(generator, sample.counts)


def watched(simulator, solver):
    told = []
    experiment = run_ab_experiment(
        simulator,
        5_000,
        FlowModification(effects=(Friction(factor=0.05),)),
        random_state=3,
        n_draws=60,
        solver=solver,
        on_progress=told.append,
    )
    (prepared,) = (each for each in told if isinstance(each, ArmsPrepared))
    return experiment, prepared, [each for each in told if isinstance(each, ArmsSimulated)]


@pytest.fixture(scope="module")
def walked(simulator):
    return watched(simulator, "paths")


def test_where_a_simulation_stands_in_the_end_is_what_its_experiment_tells(simulator, walked):
    for experiment, prepared, steps in (walked, watched(simulator, "cohort")):
        standings = prepared.standings(steps[-1].simulation)
        for part, standing, compared in zip(
            prepared.parts, standings, (experiment.total, *experiment.personas), strict=True
        ):
            assert standing.name == compared.name
            assert standing.n_personas == compared.n_personas
            assert standing.error == compared.uplifts["completion_rate"].simulation_error
            for arm, mean in standing.arms.items():
                assert mean == compared.simulated_arms[arm]["completion_rate"]
                assert prepared.exact(part, arm) == compared.arms[arm]["completion_rate"]
                assert standing.errors[arm] > 0


def test_the_error_falls_as_users_walk_and_every_persona_walks_early(walked):
    _, prepared, steps = walked
    errors = [prepared.standings(each.simulation)[0].error for each in steps]
    assert len(steps) == 4
    assert errors[-1] < errors[1]
    assert steps[1].simulation.simulated.all()


def test_followed_walkers_are_those_of_the_simulation(walked):
    _, prepared, _ = walked
    for arm, flow, found in zip(
        ("control", "treatment"), prepared.flows, follow_walks(prepared, 1, 40, 300).values(), strict=True
    ):
        outcomes = walk(flow, 1, 300, prepared.walk_length, prepared.seed, first_walker=40).outcomes
        completed = found.reached[list(flow.states).index("signup_complete")]
        assert completed == (outcomes == Outcome.CONVERTED).sum()
        assert found.lost.sum() == np.isin(outcomes, (Outcome.DROPPED, Outcome.EXITED)).sum()
        ((states, outcome),) = found.examples
        assert outcome == outcomes[0]
        assert set(states) <= set(flow.states), arm


def test_blocks_cover_every_walker_once_and_no_persona_is_left_behind():
    users = np.array([700_000, 3, 0, 40_000])
    blocks = walk_blocks(users)
    for persona, n in enumerate(users):
        mine = sorted((first, size) for owner, first, size in blocks if owner == persona)
        assert sum(size for _, size in mine) == n
        assert [first for first, _ in mine] == list(np.cumsum([0, *(size for _, size in mine)])[:-1])[
            : len(mine)
        ]
    assert {owner for owner, _, _ in blocks[:3]} == {0, 1, 3}
