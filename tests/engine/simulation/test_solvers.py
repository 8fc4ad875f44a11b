import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.flow import N_ENDS, Flow, StateKind, reach, solve, without_returns
from persona_tui.engine.simulation.solvers import (
    MOST_DENSE_STATES,
    Moves,
    chance_to_reach,
    gather_moves,
    limited_visits,
    onward_from,
    unlimited_visits,
)

N = MOST_DENSE_STATES + 1


def sparse_table(seed, *, n=N, leaving=0.1):
    """Return two chains of which each state moves on to a handful of others, the last one to none."""
    generator = np.random.default_rng(seed)
    table = np.zeros((2, n, n + N_ENDS))
    for chain in table:
        for state in range(n - 1):
            targets = generator.choice(n, size=5, replace=False)
            chain[state, targets] = (1 - leaving) * generator.dirichlet(np.ones(5))
        chain[: n - 1, n] = leaving
    return table


def with_returns(table):
    """Return chains whose first state is passed without an event: a fifth of every other row goes there."""
    table = table.copy()
    table[:, 1:-1] *= 0.8
    table[:, 1:-1, 0] += 0.2
    table[:, 0, :] = 0.0
    table[:, 0, [0, 1, 2]] = 0.2, 0.5, 0.3
    return table


def as_dense(moves):
    return Moves(table=moves.table, sparse=(), passed=moves.passed, onward=moves.onward)


def starts_of(table):
    starts = np.zeros(table.shape[:-1])
    starts[:, 1:4] = 0.5, 0.3, 0.2
    return starts


@pytest.fixture(scope="module", params=[None, 0], ids=["events only", "with returns"])
def chains(request):
    table = sparse_table(5)
    return gather_moves(table if request.param is None else with_returns(table), request.param)


def test_large_chains_with_few_moves_are_solved_sparse(chains):
    assert len(chains.sparse) == 2


def test_small_chains_and_well_filled_ones_are_solved_dense():
    small = sparse_table(1, n=50)
    filled = np.full((1, N, N), 0.9 / N)
    assert not gather_moves(small).sparse
    assert not gather_moves(filled).sparse


def test_sparse_visits_equal_dense_ones(chains):
    starts = starts_of(chains.table)
    dense = unlimited_visits(starts, as_dense(chains))
    assert unlimited_visits(starts, chains) == pytest.approx(dense, abs=1e-12)


@pytest.mark.parametrize("max_length", [1, 2, 30, 200, 8000])
def test_sparse_visits_of_limited_walks_equal_dense_ones(chains, max_length):
    starts = starts_of(chains.table)
    dense = limited_visits(starts, as_dense(chains), max_length)
    for found, expected in zip(limited_visits(starts, chains, max_length), dense, strict=True):
        assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("max_length", [None, 30])
def test_sparse_chances_to_reach_equal_dense_ones(chains, max_length):
    starts, positions = starts_of(chains.table), np.array([1, 7, N - 1])
    dense = chance_to_reach(starts, as_dense(chains), positions, max_length)
    assert chance_to_reach(starts, chains, positions, max_length) == pytest.approx(dense, abs=1e-12)


def test_sparse_walks_that_end_late_are_solved_all_the_same():
    chains = gather_moves(sparse_table(3, leaving=1e-3))
    starts = starts_of(chains.table)
    found = unlimited_visits(starts, chains)
    balance = found - np.matmul(found[:, None, :], chains.dense)[:, 0]
    assert balance == pytest.approx(starts, abs=1e-12)
    assert chance_to_reach(starts, chains, np.array([N - 1]), None)[:, 0] == pytest.approx(
        found[:, N - 1], abs=1e-12
    )


def test_sparse_walks_that_never_end_are_refused():
    table = sparse_table(4)
    table[1, 5] = 0.0
    table[1, 5, 5] = 1.0
    chains = gather_moves(table)
    assert chains.sparse
    with pytest.raises(SimulationError, match="for ever"):
        unlimited_visits(starts_of(table), chains)


def test_outcomes_of_a_sparse_flow_sum_to_one():
    table = sparse_table(6)
    flow = Flow(
        states=tuple(f"s{number}" for number in range(N)),
        kinds=np.array([StateKind.EVENT] * (N - 1) + [StateKind.COMPLETION]),
        unit="session",
        starts=starts_of(table),
        transitions=table,
        support=table,
        friction_is_drop=False,
    )
    for max_length in (None, 10):
        found = solve(flow, max_length)
        total = found.converted + found.dropped + found.exited + found.truncated
        assert total == pytest.approx(1, abs=1e-12)


@given(flows, st.sampled_from([None, 3, 40, 5000]))
def test_reach_equals_the_visits_to_a_state_that_ends_the_walk(flow, max_length):
    for state in ("e0", "e1", "done"):
        stopped = without_returns(flow).copy()
        stopped[:, flow.index(state), :] = 0.0
        chains = gather_moves(stopped)
        visits = (
            unlimited_visits(flow.starts, chains)
            if max_length is None
            else limited_visits(flow.starts, chains, max_length)[0]
        )
        expected = visits[:, flow.index(state)]
        assert reach(flow, (state,), max_length)[:, 0] == pytest.approx(expected, abs=1e-12)


@given(flows)
def test_the_balance_of_visits_holds_in_every_state(flow):
    arrived = np.matmul(flow.visits[:, None, :], flow.transitions[..., :-N_ENDS])[:, 0]
    assert flow.visits == pytest.approx(flow.starts + arrived, abs=1e-10)


def test_nobody_goes_on_from_where_walks_stay():
    table = np.array([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5]])
    assert onward_from(table, 0).tolist() == [0.0, 0.0, 0.0]
