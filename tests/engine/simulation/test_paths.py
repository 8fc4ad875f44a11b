from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.effects import Friction, InsertSteps, Reward
from persona_tui.engine.simulation.flow import METRICS, StateKind, expected_visits, solve
from persona_tui.engine.simulation.paths import (
    WALKERS_PER_BLOCK,
    Outcome,
    _Addresses,
    _scramble,
    walk,
    walk_sequences,
)

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


@settings(max_examples=20)
@given(flows, st.integers(1, 400), st.integers(1, 400))
def test_any_split_of_the_walkers_gives_the_same_walks(flow, first, second):
    flow, seed = InsertSteps(count=1).apply(flow), normalise_seed(1)
    whole = walk(flow, 0, first + second, 50, seed)
    parts = walk(flow, 0, first, 50, seed), walk(flow, 0, second, 50, seed, first_walker=first)
    assert (whole.lengths == np.concatenate([each.lengths for each in parts])).all()
    assert (whole.outcomes == np.concatenate([each.outcomes for each in parts])).all()


def test_how_many_walk_at_once_changes_nothing(monkeypatch):
    flow = InsertSteps(count=2).apply(random_flow(3))
    whole = walk(flow, 0, 3000, 50, normalise_seed(1))
    monkeypatch.setattr("persona_tui.engine.simulation.paths.WALKERS_PER_BLOCK", 70)
    assert (whole.lengths == walk(flow, 0, 3000, 50, normalise_seed(1)).lengths).all()


def test_an_equal_flow_is_walked_alike_to_the_last_event():
    flow = InsertSteps(count=2).apply(random_flow(3))
    copy = replace(flow, transitions=flow.transitions.copy(), starts=flow.starts.copy())
    one, other = (walk(each, 1, 5000, 50, normalise_seed(1)) for each in (flow, copy))
    assert (one.lengths == other.lengths).all()
    assert (one.outcomes == other.outcomes).all()


@pytest.mark.parametrize("unit", ["user", "session"])
@pytest.mark.parametrize(
    "effect",
    [Friction(factor=0.05, at=("e0",)), Friction(factor=0.2), Reward(factor=0.3), InsertSteps(count=2)],
)
def test_arms_on_common_random_numbers_differ_hardly_more_than_they_must(unit, effect):
    control = random_flow(8, unit=unit)
    treatment = effect.apply(control)
    before, after = (walk(flow, 0, N, 200, normalise_seed(1)) for flow in (control, treatment))
    paired = (after.metric("completion_rate") - before.metric("completion_rate")).var()
    uplift = abs(float(solve(treatment, 200).converted[0] - solve(control, 200).converted[0]))
    assert paired < 1.15 * uplift * (1 - uplift)


def test_outcomes_over_many_seeds_scatter_as_independent_walkers_do():
    flow = Friction(factor=0.05).apply(random_flow(5))
    exact, n_walkers, n_seeds = solve(flow, 6), 2000, 200
    names = {Outcome.CONVERTED: "converted", Outcome.DROPPED: "dropped", Outcome.TRUNCATED: "truncated"}
    squares = dict.fromkeys(names, 0.0)
    for seed in range(n_seeds):
        outcomes = walk(flow, 0, n_walkers, 6, normalise_seed(seed)).outcomes
        for outcome, name in names.items():
            rate = getattr(exact, name)[0]
            squares[outcome] += ((outcomes == outcome).mean() - rate) ** 2 / (rate * (1 - rate) / n_walkers)
    for outcome, total in squares.items():
        assert abs(total - n_seeds) < 4 * np.sqrt(2 * n_seeds), outcome


@pytest.fixture(scope="module")
def uniforms():
    """Return what 32 768 walkers read at 64 steps, centred, shape (steps, walkers)."""
    addresses = _Addresses.of(normalise_seed(0), 0)
    counters, rows = addresses.begin(np.arange(2**15)), []
    for _ in range(16):
        hashes = _scramble(counters, addresses.moves)
        rows += list(hashes.view(np.uint16).reshape(-1, 4).T)
        counters += np.uint64(0xD1B54A32D192ED03)
    return (np.array(rows) + 0.5) / 2**16 - 0.5


def test_uniforms_are_uniform(uniforms):
    z = [(uniforms**power).mean() * (2 * power + 1) ** 0.5 * 2**power for power in (1, 3, 5)]
    spread = ((uniforms**2).mean() - 1 / 12) * np.sqrt(180)
    assert np.abs([*z, spread]).max() < 4 / np.sqrt(uniforms.size)


def test_neither_steps_nor_walkers_are_correlated(uniforms):
    for steps, walkers in [(1, 0), (2, 0), (4, 0), (8, 0), (0, 1), (0, 2), (0, 4096), (1, 1), (4, 1), (1, 4)]:
        one = uniforms[steps:, walkers:]
        other = uniforms[: len(uniforms) - steps, : uniforms.shape[1] - walkers]
        assert abs((one * other).mean()) * 12 < 4.5 / np.sqrt(one.size), (steps, walkers)
    correlations = np.corrcoef(uniforms)[np.triu_indices(len(uniforms), 1)] * np.sqrt(uniforms.shape[1])
    assert correlations.std() < 1.1
    assert np.abs(correlations).max() < 5.5


def test_every_position_of_many_states_is_settled_exactly():
    flow = random_flow(2, n_events=200, unit="session")
    exact = solve(flow, 40)
    walks = walk(flow, 0, N, 40, normalise_seed(1))
    for metric in METRICS:
        values = walks.metric(metric)
        assert abs(values.mean() - exact.metrics[metric][0]) < 4.5 * max(values.std(), 1e-3) / np.sqrt(N), (
            metric
        )


def test_long_journeys_are_walked_to_their_end():
    moves = np.array([[[0.0, 0.9, 0.0, 0.09, 0.01], [0.999, 0.0, 0.001, 0.0, 0.0], [0.0] * 5]])
    flow = replace(line_flow(0.5, 0.5), transitions=moves)
    walks = walk(flow, 0, 20_000, 10**6, normalise_seed(1))
    exact = solve(flow, 10**6)
    assert abs(walks.lengths.mean() - exact.length[0]) < 4.5 * walks.lengths.std() / np.sqrt(20_000)
    assert (walks.outcomes != Outcome.TRUNCATED).all()


def test_walks_of_no_walkers_are_empty():
    assert walk(random_flow(3), 0, 0, 50, normalise_seed(1)).lengths.size == 0
    assert walk_sequences(random_flow(3), 0, 0, 50, normalise_seed(1)).states.size == 0


def test_lengths_never_exceed_the_limit():
    walks = walk(InsertSteps(count=3).apply(random_flow(3)), 0, 5000, 4, normalise_seed(1))
    assert walks.lengths.max() == 4
    assert (walks.lengths[walks.outcomes == Outcome.TRUNCATED] == 4).all()


@settings(max_examples=25)
@given(flows, st.integers(1, 12), st.sampled_from([None, InsertSteps(count=3), Friction(factor=0.3)]))
def test_sequences_are_those_of_the_same_walks(flow, max_length, effect):
    flow = effect.apply(flow) if effect else flow
    found = walk_sequences(flow, 1, 300, max_length, normalise_seed(4), first_walker=7)
    walks = walk(flow, 1, 300, max_length, normalise_seed(4), first_walker=7)
    assert (found.walks.outcomes == walks.outcomes).all()
    events = flow.kinds[found.states] != StateKind.RETURN
    assert (np.bincount(found.walkers[events], minlength=300) == walks.lengths).all()
    last = found.states[np.cumsum(found.visits) - 1]
    assert ((walks.outcomes == Outcome.CONVERTED) == (flow.kinds[last] == StateKind.COMPLETION)).all()
    assert not flow.absorbing[np.delete(found.states, np.cumsum(found.visits) - 1)].any()


@pytest.mark.parametrize("unit", ["user", "session"])
def test_sequences_move_as_often_as_the_flow_says(unit):
    flow = InsertSteps(count=2).apply(random_flow(9, unit=unit))
    found = walk_sequences(flow, 0, 40_000, 10_000, normalise_seed(4))
    n, same = flow.n_states, found.walkers[1:] == found.walkers[:-1]
    moved = np.zeros((n, n))
    np.add.at(moved, (found.states[:-1][same], found.states[1:][same]), 1)
    visits = np.bincount(found.states, minlength=n)
    expected, _ = expected_visits(flow.starts[0], flow.transitions[0], None)
    assert np.abs(visits / 40_000 - expected).max() < 0.05
    chances = flow.transitions[0, :, :n]
    error = np.sqrt(np.maximum(chances * (1 - chances), 1e-4) / np.maximum(visits, 1)[:, None])
    assert (np.abs(moved / np.maximum(visits, 1)[:, None] - chances) < 5 * error).all()
