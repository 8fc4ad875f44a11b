from pathlib import Path

import numpy as np
import pytest

from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.simulation.effects import InsertSteps
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.experiments import run_ab_experiment
from persona_tui.engine.simulation.uncertainty import draw_flows
from persona_tui.engine.simulation.watching import ArmsPrepared
from persona_tui.study import observing
from persona_tui.study.fit import build_simulator
from persona_tui.study.following import RunFollower
from persona_tui.study.journal import Journal
from persona_tui.study.log import prepare_log
from persona_tui.study.observing import RunObserver
from persona_tui.study.options import Settings

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
CHANGE = FlowModification(effects=(InsertSteps(count=1),))


@pytest.fixture(scope="module")
def world():
    prepared = prepare_log(Settings(events=str(SAMPLE)))
    simulator = build_simulator(prepared, find_personas(prepared.counts, 2, random_state=0))
    return simulator, draw_flows(simulator, 60, np.random.SeedSequence(1))


def simulate(world, on_progress, solver="paths", n_personas=3_000):
    simulator, draws = world
    return run_ab_experiment(
        simulator,
        n_personas,
        CHANGE,
        random_state=3,
        draws=draws,
        solver=solver,
        on_progress=on_progress,
    )


@pytest.fixture
def followers(world):
    """Walkers that are followed, by a clock that the test sets."""
    told, clock = [], {"now": 0.0, "each": 0.0}
    simulate(world, told.append, n_personas=100_000)

    def now():
        clock["now"] += clock["each"]
        return clock["now"]

    (prepared,) = (each for each in told if isinstance(each, ArmsPrepared))
    return observing._Followers(prepared, ("landing", "signup_complete"), clock=now), prepared, clock


def test_every_scenario_is_told_by_its_name_whatever_solves_it(world, tmp_path):
    observer = RunObserver(Journal({}, tmp_path), ["one", "two"])
    observer.funnel = ("landing", "signup_complete")
    experiments = [simulate(world, observer, solver) for solver in ("paths", "cohort")]
    state = RunFollower(tmp_path).poll()
    assert [each.name for each in state.scenarios] == ["one", "two"]
    assert [each.solver for each in state.scenarios] == ["paths", "cohort"]
    for scenario, experiment in zip(state.scenarios, experiments, strict=True):
        simulated = experiment.total.simulated_arms
        assert scenario.standing.control == pytest.approx(simulated["control"]["completion_rate"], rel=1e-9)
        assert scenario.exact_control == pytest.approx(
            experiment.total.arms["control"]["completion_rate"], rel=1e-9
        )
        assert [each.name for each in scenario.personas] == [each.name for each in experiment.personas]
        assert sum(each.share for each in scenario.personas) == pytest.approx(1)
    assert state.scenarios[0].n_followed
    assert state.scenarios[1].funnel == ()


def test_followed_shares_come_near_the_exact_ones_and_know_which_arm_has_a_step(followers):
    found, prepared, _ = followers
    told = None
    for _ in range(30):
        told = found.follow(prepared.users) or told
    by_name = {name: arms for name, *arms in told["funnel"]}
    exact = prepared.exact(prepared.parts[0], "treatment")
    assert by_name["signup_complete"][1] == pytest.approx(exact, abs=0.02)
    lost = {name: arms for name, *arms in told["drop_off"]}
    assert lost["added_step_1"][0] is None
    assert lost["added_step_1"][1] > 0
    assert told["n"] > 15_000


def test_following_takes_no_more_time_than_it_may(followers):
    found, prepared, clock = followers
    clock["each"] = 0.015
    assert found.follow(prepared.users)
    assert found.follow(prepared.users)
    assert found.follow(prepared.users) is None
    clock["now"] += 10.0
    assert found.follow(prepared.users)


def test_nobody_is_followed_who_has_not_walked(followers):
    found, prepared, _ = followers
    assert found.follow(np.zeros_like(prepared.users)) is None
    few = np.minimum(prepared.users, 10)
    while found.follow(few):
        pass
    assert (found.n == few).all()
