import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.cohort import MOST_USERS, arm_variance, simulate_cohort
from persona_tui.engine.simulation.effects import Friction, InsertSteps, Reward
from persona_tui.engine.simulation.flow import METRICS, expected_visits, solve, without_returns
from persona_tui.engine.simulation.simulated import CountedArms

USERS = np.array([40_000, 1_000_000])


def z_scores(flow, users, max_length, seed):
    counts, exact = simulate_cohort(flow, users, max_length, normalise_seed(seed)), solve(flow, max_length)
    for metric in METRICS:
        rate = exact.metrics[metric]
        variance = counts.length_variance if metric == "avg_length" else rate * (1 - rate)
        error = np.sqrt(np.maximum(variance, 1e-18) / users)
        yield metric, (counts.metrics[metric] - rate) / np.maximum(error, 1e-9)


@pytest.mark.parametrize("unit", ["user", "session"])
@pytest.mark.parametrize("max_length", [1, 3, 64])
@pytest.mark.parametrize("effect", [None, InsertSteps(count=2), Friction(factor=0.2), Reward(factor=0.4)])
def test_counts_agree_with_the_exact_solution(unit, max_length, effect):
    flow = random_flow(11, unit=unit)
    flow = effect.apply(flow) if effect else flow
    for metric, z in z_scores(flow, USERS, max_length, seed=5):
        assert (np.abs(z) < 4.5).all(), metric


@given(flows, st.integers(1, 40), st.lists(st.integers(0, 10**9), min_size=2, max_size=2))
def test_every_user_ends_in_exactly_one_way(flow, max_length, users):
    counts = simulate_cohort(flow, np.array(users), max_length, normalise_seed(1))
    ended = counts.converted + counts.dropped + counts.exited + counts.truncated
    assert ended.dtype == np.int64
    assert (ended == users).all()
    assert (counts.visits.sum(axis=1) == counts.events).all()
    assert (counts.events <= max_length * np.array(users)).all()


@given(flows, st.integers(0, 1000))
def test_a_million_million_users_are_counted_to_the_last_one(flow, seed):
    users = np.full(2, MOST_USERS)
    counts = simulate_cohort(flow, users, 256, normalise_seed(seed))
    assert (counts.converted + counts.dropped + counts.exited + counts.truncated == users).all()
    for metric, z in z_scores(flow, users, 256, seed):
        assert (np.abs(z) < 5.5).all(), metric


@given(flows, st.integers(0, 1000))
def test_moves_that_cannot_happen_never_do(flow, seed):
    counts = simulate_cohort(flow, np.full(2, MOST_USERS), 256, normalise_seed(seed))
    assert (counts.leaving[:, flow.absorbing] == 0).all()
    silent = line_flow(1.0, 1.0, 0.5)
    counts = simulate_cohort(silent, np.array([MOST_USERS]), 8, normalise_seed(seed))
    assert (counts.leaving[0, [0, 1, 3]] == 0).all()
    assert counts.dropped[0] == 0


@pytest.mark.parametrize("unit", ["user", "session"])
def test_leaving_by_state_agrees_with_expected_visits(unit):
    flow = Friction(factor=0.1).apply(random_flow(4, unit=unit))
    users = np.array([10**9, 10**8])
    counts = simulate_cohort(flow, users, 30, normalise_seed(2))
    moves = without_returns(flow)
    visits, last = expected_visits(flow.starts, moves, 30)
    expected = users[:, None] * (visits - last) * moves[..., flow.leaving_columns].sum(axis=-1)
    assert np.abs(counts.leaving - expected).max() < 10 * np.sqrt(expected.max())
    assert np.abs(counts.visits - users[:, None] * visits).max() < 30 * np.sqrt(users.max())


def test_the_same_seed_gives_the_same_counts():
    flow = random_flow(3)
    first, second = (simulate_cohort(flow, USERS, 50, normalise_seed(1)) for _ in range(2))
    assert (first.visits == second.visits).all()
    assert (first.visits != simulate_cohort(flow, USERS, 50, normalise_seed(2)).visits).any()


def test_a_persona_does_not_depend_on_how_many_users_the_others_have():
    flow = random_flow(3)
    alone = simulate_cohort(flow, np.array([0, 500]), 50, normalise_seed(1))
    beside = simulate_cohort(flow, np.array([10**6, 500]), 50, normalise_seed(1))
    assert (alone.visits[1] == beside.visits[1]).all()


def test_a_persona_without_users_has_no_rates():
    counts = simulate_cohort(random_flow(3), np.array([0, 10]), 50, normalise_seed(1))
    assert np.isnan(counts.metrics["completion_rate"][0])
    assert counts.events[0] == 0


def test_a_cohort_of_which_nobody_walks_any_more_costs_nothing():
    counts = simulate_cohort(line_flow(0.5, 0.5), np.array([10**9]), 10**9, normalise_seed(1))
    assert counts.visits.sum() < 2 * 10**9
    assert counts.truncated[0] == 0


@pytest.mark.parametrize(
    ("users", "max_length", "named"),
    [(-1, 5, "-1"), (10**12 + 1, 5, "1000000000001"), (10**12, 10**8, "too many")],
)
def test_numbers_that_cannot_be_counted_are_refused(users, max_length, named):
    with pytest.raises(SimulationError, match=named):
        simulate_cohort(line_flow(0.5), np.array([users]), max_length, normalise_seed(1))


def test_the_error_is_the_spread_of_the_uplift_over_seeds():
    control = random_flow(6)
    treatment = Friction(factor=0.1).apply(control)
    exact, users = (solve(control, 6), solve(treatment, 6)), np.array([300, 900])
    weights = dict.fromkeys(("control", "treatment"), users / users.sum())
    uplifts, errors = {metric: [] for metric in METRICS}, {metric: [] for metric in METRICS}
    for number in range(300):
        counts = tuple(
            simulate_cohort(flow, users, 6, normalise_seed(2 * number + arm))
            for arm, flow in enumerate((control, treatment))
        )
        before, after = (each.metrics for each in counts)
        for metric in METRICS:
            uplifts[metric].append((after[metric] - before[metric]) @ users / users.sum())
            arms = CountedArms(control=counts[0], treatment=counts[1], exact=exact)
            errors[metric].append(np.sqrt(arms.variance(metric, weights).sum()))
    for metric in METRICS:
        assert np.std(uplifts[metric]) == pytest.approx(np.mean(errors[metric]), rel=0.15), metric


def test_a_persona_without_users_adds_no_variance():
    flow = random_flow(6)
    exact, counts = solve(flow, 9), simulate_cohort(flow, np.array([0, 400]), 9, normalise_seed(1))
    rates = exact.converted
    assert arm_variance("completion_rate", exact, counts) == pytest.approx(rates * (1 - rates))
    assert arm_variance("avg_length", exact, counts)[0] == 0
