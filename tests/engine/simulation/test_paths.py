import numpy as np
import pytest
from support import random_flow

from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.effects import Friction, InsertSteps, Reward
from persona_tui.engine.simulation.flow import METRICS, solve
from persona_tui.engine.simulation.paths import WALKERS_PER_BLOCK, Outcome, walk

N = 3 * WALKERS_PER_BLOCK + 5


@pytest.mark.parametrize("unit", ["user", "session"])
@pytest.mark.parametrize("max_length", [1, 3, 64])
@pytest.mark.parametrize("effect", [None, InsertSteps(count=2), Friction(factor=0.2), Reward(factor=0.4)])
def test_walks_agree_with_the_exact_solution(unit, max_length, effect):
    flow = random_flow(11, unit=unit)
    flow = effect.apply(flow) if effect else flow
    exact = solve(flow, max_length)
    walks = walk(flow, 1, N, max_length, normalise_seed(5))
    for metric in METRICS:
        values = walks.metric(metric)
        error = max(values.std(), 1e-3) / np.sqrt(N)
        assert abs(values.mean() - exact.metrics[metric][1]) < 4.5 * error, metric
    dropped = (walks.outcomes == Outcome.DROPPED).mean()
    assert abs(dropped - exact.dropped[1]) < 4.5 * np.sqrt(0.25 / N)


def test_the_same_seed_gives_the_same_walks():
    flow = random_flow(3)
    first, second = (walk(flow, 0, 1000, 50, normalise_seed(1)) for _ in range(2))
    assert (first.outcomes == second.outcomes).all()
    assert (first.lengths == second.lengths).all()
    other = walk(flow, 0, 1000, 50, normalise_seed(2))
    assert (first.lengths != other.lengths).any()


def test_more_walkers_leave_the_whole_blocks_before_them_alone():
    flow = random_flow(3)
    few = walk(flow, 0, WALKERS_PER_BLOCK, 50, normalise_seed(1))
    many = walk(flow, 0, 2 * WALKERS_PER_BLOCK, 50, normalise_seed(1))
    assert (few.lengths == many.lengths[:WALKERS_PER_BLOCK]).all()


def test_arms_share_their_uniforms_so_friction_loses_walkers_and_wins_hardly_any():
    flow = random_flow(8, unit="session")
    control = walk(flow, 0, N, 200, normalise_seed(1)).metric("completion_rate")
    treatment = walk(Friction(factor=0.05).apply(flow), 0, N, 200, normalise_seed(1)).metric(
        "completion_rate"
    )
    paired = (treatment - control).var()
    assert paired < (treatment.var() + control.var()) / 2


def test_walks_of_no_walkers_are_empty():
    assert walk(random_flow(3), 0, 0, 50, normalise_seed(1)).lengths.size == 0


def test_lengths_never_exceed_the_limit():
    walks = walk(InsertSteps(count=3).apply(random_flow(3)), 0, 5000, 4, normalise_seed(1))
    assert walks.lengths.max() == 4
    assert (walks.lengths[walks.outcomes == Outcome.TRUNCATED] == 4).all()
