from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.engine.simulation.allocation import TOLERANCE, allocate, marginal_value
from persona_tui.engine.simulation.effects import Reward
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import StateKind, solve
from persona_tui.engine.simulation.leverage import pooled_visits, saveable_rate, step_leverage

ONE = np.ones(1)
SHARES = np.array([0.7, 0.3])
FEW = settings(max_examples=12)
budgets = st.floats(0.02, 1.5)
horizons = st.sampled_from([None, 3, 12])


def conversion(flow, reductions, max_length=None):
    """Return the conversion under leaving rates that are reduced by so much, through ``reward``."""
    rates = saveable_rate(flow, pooled_visits(flow, SHARES, max_length))
    effects = tuple(
        Reward(factor=min(amount / rates[flow.index(state)], 1.0), at=(state,))
        for state, amount in reductions.items()
        if amount > 0
    )
    return float(SHARES @ solve(FlowModification(effects=effects).apply(flow), max_length).converted)


def best_on_a_grid(flow, states, budget, max_length, n_parts):
    rates = saveable_rate(flow, pooled_visits(flow, SHARES, max_length))
    amounts = budget * np.arange(n_parts + 1) / n_parts
    plans = [
        dict(zip(states, plan, strict=True))
        for plan in product(amounts, repeat=len(states))
        if sum(plan) <= budget * (1 + 1e-9)
        and all(d <= rates[flow.index(s)] for s, d in zip(states, plan, strict=True))
    ]
    return max(conversion(flow, plan, max_length) for plan in plans)


@settings(max_examples=5)
@given(flows, budgets, horizons)
def test_no_plan_on_a_fine_grid_beats_the_allocation_over_two_steps(flow, budget, max_length):
    best = allocate(flow, SHARES, budget, at=("e0", "e1"), max_length=max_length)
    assert best.conversion >= best_on_a_grid(flow, ("e0", "e1"), budget, max_length, 15) - TOLERANCE


@settings(max_examples=3)
@given(flows, budgets)
def test_no_plan_on_a_grid_beats_the_allocation_over_three_steps(flow, budget):
    states = ("e0", "e1", "e2")
    best = allocate(flow, SHARES, budget, at=states, max_length=12)
    assert best.conversion >= best_on_a_grid(flow, states, budget, 12, 8) - TOLERANCE


@FEW
@given(flows, budgets, horizons)
def test_the_allocation_is_never_worse_than_simpler_plans(flow, budget, max_length):
    best = allocate(flow, SHARES, budget, max_length=max_length)
    assert best.gain_over_even >= 0
    assert best.gain_over_single >= 0
    assert best.gain >= 0
    assert best.missed <= TOLERANCE


@FEW
@given(flows, budgets, st.floats(0.01, 0.3), horizons)
def test_the_allocation_keeps_to_budget_rates_and_cap(flow, budget, cap, max_length):
    best = allocate(flow, SHARES, budget, cap=cap, max_length=max_length)
    assert best.spent <= budget + 1e-12
    for step in best.steps:
        assert 0 < step.reduction <= min(cap, step.leaving_rate) + 1e-12
        assert 0 < step.saved_share <= 1


@FEW
@given(flows, budgets, horizons)
def test_the_effects_of_an_allocation_convert_as_predicted(flow, budget, max_length):
    best = allocate(flow, SHARES, budget, max_length=max_length)
    treatment = FlowModification(effects=best.effects).apply(flow)
    assert SHARES @ solve(treatment, max_length).converted == pytest.approx(best.conversion, abs=1e-12)
    assert SHARES @ solve(flow, max_length).converted == pytest.approx(best.conversion_before, abs=1e-12)


@FEW
@given(flows)
def test_a_small_budget_goes_to_the_step_of_highest_leverage(flow):
    ranked = step_leverage(flow, SHARES)
    best = allocate(flow, SHARES, 1e-5)
    assert best.single_state == ranked[0].state
    assert best.gain == pytest.approx(1e-5 * ranked[0].leverage, rel=1e-2)


def test_a_funnel_is_levelled_from_its_weakest_step():
    best = allocate(line_flow(0.9, 0.4, 0.6), ONE, 0.4)
    assert {step.state: step.reduction for step in best.steps} == pytest.approx(
        {"s1": 0.3, "s2": 0.1}, abs=1e-3
    )
    assert best.conversion == pytest.approx(0.9 * 0.7 * 0.7, abs=1e-6)


def test_the_even_split_gives_what_a_capped_step_cannot_take_to_the_others():
    best = allocate(line_flow(0.95, 0.4, 0.6), ONE, 0.35)
    assert best.conversion - best.gain_over_even == pytest.approx(1.0 * 0.55 * 0.75)


def test_a_budget_beyond_all_leaving_saves_everyone():
    best = allocate(line_flow(0.9, 0.4), ONE, 5.0)
    assert best.conversion == pytest.approx(1)
    assert best.spent == pytest.approx(0.7)


def test_saving_that_would_cost_conversions_is_left_undone():
    flow = random_flow(3, unit="user")
    moves = flow.transitions.copy()
    dead_end = flow.index("e0")
    moves[:, dead_end] = 0.0
    moves[:, dead_end, flow.index("drop")] = 0.5  # those who leave come back; those who stay are lost
    moves[:, dead_end, flow.index("e1")] = 0.5
    moves[:, flow.index("e1")] = 0.0
    moves[:, flow.index("e1"), -2] = 0.999
    moves[:, flow.index("e1"), dead_end] = 0.001
    best = allocate(replace(flow, transitions=moves), SHARES, 0.4, at=("e0",))
    assert (best.steps, best.gain, best.spent) == ((), 0, 0)
    assert best.gain_over_single > 0


def test_a_step_whose_onward_moves_were_hardly_seen_is_flagged():
    best = allocate(line_flow(0.9, 0.2), ONE, 0.3)
    assert {step.state: step.thin for step in best.steps}["s1"]


@FEW
@given(flows, horizons)
def test_a_larger_budget_is_never_worth_less(flow, max_length):
    curve = marginal_value(flow, SHARES, [0.05, 0.2, 0.8], max_length=max_length)
    assert (np.diff(curve.gains) >= -1e-12).all()
    assert [each.budget for each in curve.allocations] == list(curve.budgets)


def test_marginal_value_cannot_be_changed():
    curve = marginal_value(line_flow(0.5), ONE, [0.1])
    with pytest.raises(ValueError, match="read-only"):
        curve.gains[0] = 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 0.0}, "budget == 0, must be above 0"),
        ({"budget": float("inf")}, "budget == inf"),
        ({"cap": 0.0}, "cap == 0, must be above 0"),
        ({"cap": 1.5}, "cap == 1.5"),
        ({"at": ("done",)}, "Nothing can be saved at done"),
    ],
)
def test_numbers_and_steps_that_make_no_sense_are_refused(options, message):
    with pytest.raises(SimulationError, match=message):
        allocate(line_flow(0.9, 0.5), ONE, **{"budget": 0.1, **options})


def test_an_unknown_step_is_refused_with_the_near_name():
    with pytest.raises(UnknownNameError, match="Did you mean 's1'"):
        allocate(line_flow(0.9, 0.5), ONE, 0.1, at=("s11",))


def test_a_flow_that_nobody_leaves_has_nothing_to_save():
    with pytest.raises(SimulationError, match="no step at which leaving could be saved"):
        allocate(line_flow(1.0, 1.0), ONE, 0.1)


def test_budgets_that_do_not_rise_are_refused():
    with pytest.raises(SimulationError, match="must rise"):
        marginal_value(line_flow(0.5), ONE, [0.2, 0.1])


def test_only_events_that_journeys_go_on_from_receive_any_of_a_budget():
    flow = random_flow(5, unit="session")
    named = {step.state for step in allocate(flow, SHARES, 3.0).steps}
    ends = {flow.states[i] for i in np.flatnonzero(flow.kinds != StateKind.EVENT)}
    assert not named & ends
