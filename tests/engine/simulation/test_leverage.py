from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.edits import add_reward
from persona_tui.engine.simulation.effects import Friction, InsertSteps, Reward
from persona_tui.engine.simulation.flow import EXIT, solve
from persona_tui.engine.simulation.leverage import (
    drop_off_by_state,
    edge_derivatives,
    pooled_visits,
    saveable_rate,
    step_leverage,
)

SHARES = np.array([0.7, 0.3])
horizons = st.sampled_from([None, 1, 2, 3, 7, 40, 5_000])


def shifted(flow, persona, source, taken, target, amount):
    moves = flow.transitions.copy()
    moves[persona, source, taken] -= amount
    moves[persona, source, target] += amount
    return replace(flow, transitions=moves)


def conversion(flow, max_length, shares=SHARES):
    return float(shares @ solve(flow, max_length).converted)


def central_slope(change, max_length, step):
    return (conversion(change(step), max_length) - conversion(change(-step), max_length)) / (2 * step)


@given(flows, horizons)
def test_derivatives_are_the_slopes_of_the_solution(flow, max_length):
    derivatives = edge_derivatives(flow, SHARES, max_length)
    for persona, source in np.ndindex(2, flow.n_states):
        taken = int(flow.transitions[persona, source].argmax())
        for target in range(flow.n_states):
            step = min(1e-5, 0.5 * flow.transitions[persona, source, target])
            if target == taken or step < 1e-8:
                continue
            slope = central_slope(
                lambda h, move=(persona, source, taken, target): shifted(flow, *move, h), max_length, step
            )
            gap = derivatives[persona, source, target] - derivatives[persona, source, taken]
            assert gap == pytest.approx(slope, rel=1e-6, abs=max(1e-9, 1e-15 / step))


@given(flows, horizons)
def test_leaving_for_good_is_worth_nothing_and_the_ends_have_no_moves(flow, max_length):
    derivatives = edge_derivatives(flow, SHARES, max_length)
    assert (derivatives[..., EXIT:] == 0).all()
    assert (derivatives[:, flow.absorbing] == 0).all()
    assert (derivatives >= 0).all()


@given(flows)
def test_a_long_horizon_meets_the_unlimited_one(flow):
    unlimited = edge_derivatives(flow, SHARES)
    assert edge_derivatives(flow, SHARES, 2**15) == pytest.approx(unlimited, rel=1e-9, abs=1e-12)


@given(flows, st.integers(300, 700))
def test_steps_and_powers_give_the_same_derivatives(flow, max_length):
    from persona_tui.engine.simulation import leverage

    inner, goal = flow.transitions[..., :-2], (flow.kinds == 1).astype(float)
    stepped = leverage._by_steps(flow.starts, inner, goal, max_length)
    powered = leverage._by_powers(flow.starts, inner, goal, max_length)
    assert powered == pytest.approx(stepped, rel=1e-10, abs=1e-14)


def test_a_batch_of_flows_has_the_derivatives_of_each():
    one, other = random_flow(1), random_flow(2)
    batch = replace(
        one,
        starts=np.stack([one.starts, other.starts]),
        transitions=np.stack([one.transitions, other.transitions]),
    )
    for max_length in (None, 9):
        together = edge_derivatives(batch, np.stack([SHARES, SHARES[::-1]]), max_length)
        assert together[0] == pytest.approx(edge_derivatives(one, SHARES, max_length), abs=1e-14)
        assert together[1] == pytest.approx(edge_derivatives(other, SHARES[::-1], max_length), abs=1e-14)


def test_a_walk_without_end_is_refused_on_an_unlimited_horizon():
    moves = np.zeros((1, 2, 4))
    moves[0, 0, 0] = 1.0
    flow = replace(line_flow(0.5), transitions=moves)
    with pytest.raises(SimulationError, match="for ever"):
        edge_derivatives(flow, np.ones(1))
    assert edge_derivatives(flow, np.ones(1), 3)[0, 0, 1] == pytest.approx(2)


@given(flows, horizons)
def test_leverage_is_the_slope_of_reward_at_the_step(flow, max_length):
    rates = saveable_rate(flow, pooled_visits(flow, SHARES, max_length))
    table = step_leverage(flow, SHARES, max_length)
    assert {row.state for row in table} == {flow.states[i] for i in np.flatnonzero(flow.steps)}
    for row in table:
        position = flow.index(row.state)
        at = np.arange(flow.n_states) == position
        slope = central_slope(lambda h, at=at: add_reward(flow, h, at), max_length, 1e-5)
        assert row.leverage * rates[position] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_the_leverage_of_a_funnel_is_its_conversion_over_the_share_that_stays():
    table = {row.state: row for row in step_leverage(line_flow(0.9, 0.5, 0.8), np.ones(1))}
    assert {state: row.leverage for state, row in table.items()} == pytest.approx(
        {"s0": 0.36 / 0.9, "s1": 0.36 / 0.5, "s2": 0.36 / 0.8}
    )
    assert [table[s].visits for s in ("s0", "s1", "s2")] == pytest.approx([1, 0.9, 0.45])
    assert [table[s].leaving_rate for s in ("s0", "s1", "s2")] == pytest.approx([0.1, 0.5, 0.2])


def test_steps_are_ranked_by_leverage():
    worth = [row.leverage for row in step_leverage(random_flow(4), SHARES)]
    assert worth == sorted(worth, reverse=True)


def test_the_parts_of_the_personas_sum_to_the_leverage():
    for row in step_leverage(random_flow(4), SHARES, 12):
        assert sum(row.by_persona) == pytest.approx(row.leverage)


def test_a_step_where_nobody_leaves_has_no_leverage():
    assert step_leverage(line_flow(1.0, 0.5), np.ones(1))[-1].leverage == 0


def test_leverage_on_few_observed_moves_is_flagged():
    flow = line_flow(0.9, 0.2)
    assert {row.state: row.thin for row in step_leverage(flow, np.ones(1))} == {"s0": False, "s1": True}


@given(flows, horizons)
def test_ends_by_state_sum_to_the_drop_off_rate_of_both_arms(flow, max_length):
    treatment = Friction(factor=0.1).apply(InsertSteps(count=2, exit_rate=0.1).apply(flow))
    table = drop_off_by_state(flow, treatment, SHARES, SHARES[::-1], max_length)
    for arm, (arm_flow, shares) in enumerate(((flow, SHARES), (treatment, SHARES[::-1]))):
        rate = shares @ solve(arm_flow, max_length).metrics["drop_off_rate"]
        assert sum(row.ended[arm] for row in table) == pytest.approx(rate, abs=1e-12)


@given(flows)
def test_sessions_leave_once_unless_they_convert_or_begin_with_a_drop(flow):
    if flow.unit == "session":
        table = drop_off_by_state(flow, flow, SHARES, SHARES)
        begun = float(SHARES @ flow.starts[:, flow.index("drop")])
        assert sum(row.leaving[0] for row in table) + begun + conversion(flow, None) == pytest.approx(1)


def test_drop_off_lists_the_states_of_both_arms():
    flow = line_flow(0.9, 0.5)
    table = drop_off_by_state(flow, InsertSteps(count=1, exit_rate=0.2).apply(flow), *np.ones((2, 1)))
    assert [row.state for row in table] == ["s0", "s1", "done", "added_step_1"]
    assert table[-1].leaving == pytest.approx((0, 0.45 * 0.2))


def test_drop_off_moves_down_where_a_step_keeps_more():
    flow = line_flow(0.8, 0.5)
    kept = Reward(factor=0.5, at=("s0",)).apply(flow)
    first, second, _ = drop_off_by_state(flow, kept, *np.ones((2, 1)))
    assert (first.uplift, second.uplift) == pytest.approx((-0.1, 0.05))
