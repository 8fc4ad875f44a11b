from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.engine.simulation.flow import (
    EXIT,
    N_ENDS,
    Flow,
    StateKind,
    expected_visits,
    reach,
    solve,
    without_returns,
)


def two_way_flow(up: float, n: int) -> Flow:
    """Return the gambler's ruin on 0 … n: up with a chance, else down; 0 is the exit, n is done."""
    moves = np.zeros((1, n, n + N_ENDS))
    for place in range(1, n):
        target = n - 1 if place == n - 1 else place
        moves[0, place - 1, target] = up
        moves[0, place - 1, n if place == 1 else place - 2] += 1 - up
    starts = np.zeros((1, n))
    starts[0, n // 2 - 1] = 1
    return Flow(
        states=(*(f"at {place}" for place in range(1, n)), "won"),
        kinds=np.array([StateKind.EVENT] * (n - 1) + [StateKind.COMPLETION]),
        unit="session",
        starts=starts,
        transitions=moves,
        support=moves,
        friction_is_drop=False,
    )


@pytest.mark.parametrize("up", [0.3, 0.5, 0.62])
def test_gamblers_ruin_has_its_closed_form(up):
    n = 10
    ratio = (1 - up) / up
    expected = 0.5 if up == 0.5 else (1 - ratio ** (n // 2)) / (1 - ratio**n)
    assert solve(two_way_flow(up, n)).converted[0] == pytest.approx(expected, abs=1e-12)


def test_a_funnel_converts_by_the_product_of_its_steps():
    outcomes = solve(line_flow(0.9, 0.5, 0.8))
    assert outcomes.converted[0] == pytest.approx(0.9 * 0.5 * 0.8, abs=1e-15)
    assert outcomes.exited[0] == pytest.approx(1 - 0.36, abs=1e-15)
    assert outcomes.length[0] == pytest.approx(1 + 0.9 + 0.45 + 0.36, abs=1e-15)


@given(st.floats(0.05, 0.95))
def test_a_step_repeated_geometrically_has_the_mean_of_its_distribution(stay):
    moves = np.array([[[stay, 1 - stay, 0, 0], [0, 0, 0, 0]]])
    flow = Flow(
        states=("again", "done"),
        kinds=np.array([StateKind.EVENT, StateKind.COMPLETION]),
        unit="session",
        starts=np.array([[1.0, 0.0]]),
        transitions=moves,
        support=moves,
        friction_is_drop=False,
    )
    assert solve(flow).length[0] == pytest.approx(1 / (1 - stay) + 1)
    assert solve(flow, 4).truncated[0] == pytest.approx(stay**3)
    assert solve(flow, 4).converted[0] == pytest.approx(1 - stay**3)


@given(flows, st.one_of(st.none(), st.integers(1, 40)))
def test_outcomes_are_probabilities_that_sum_to_one(flow, max_length):
    outcomes = solve(flow, max_length)
    parts = [outcomes.converted, outcomes.dropped, outcomes.exited, outcomes.truncated]
    assert np.sum(parts, axis=0) == pytest.approx(1, abs=1e-9)
    assert min(part.min() for part in parts) >= 0


@given(flows)
def test_a_long_horizon_approaches_the_unlimited_one(flow):
    assert solve(flow, 4096).converted == pytest.approx(solve(flow).converted, abs=1e-9)


@given(flows, st.integers(1, 12))
def test_limited_horizons_equal_brute_force_over_all_walks(flow, max_length):
    assert solve(flow, max_length).converted[0] == pytest.approx(_brute_force(flow, max_length), abs=1e-10)


def _brute_force(flow, max_length):
    """Follow the mass of every (state, events so far), one event at a time, returns taking none."""
    done = flow.states.index("done")
    mass = dict(enumerate(flow.starts[0]))
    converted, n = 0.0, flow.n_states
    for _ in range(max_length):
        converted += mass.pop(done, 0.0)
        if flow.unit == "session":
            mass.pop(flow.states.index("drop"), None)
        onward: dict[int, float] = {}
        for state, weight in mass.items():
            for target in range(n):
                chance = weight * flow.transitions[0, state, target]
                if flow.kinds[target] == StateKind.RETURN:
                    for second in range(n):
                        both = chance * flow.transitions[0, target, second]
                        onward[second] = onward.get(second, 0.0) + both
                else:
                    onward[target] = onward.get(target, 0.0) + chance
        mass = onward
    return converted


def test_batches_of_flows_are_solved_as_one_by_one():
    one, other = random_flow(1), random_flow(2)
    both = Flow(
        states=one.states,
        kinds=one.kinds,
        unit=one.unit,
        starts=np.stack([one.starts, other.starts]),
        transitions=np.stack([one.transitions, other.transitions]),
        support=one.support,
        friction_is_drop=True,
    )
    for max_length in (None, 7):
        together = solve(both, max_length).converted
        alone = [solve(flow, max_length).converted for flow in (one, other)]
        assert together == pytest.approx(np.stack(alone), abs=1e-12)


def test_reach_of_a_funnel_is_the_product_up_to_the_step():
    flow = line_flow(0.9, 0.5, 0.8)
    assert reach(flow, ("s0", "s1", "s2", "done"))[0] == pytest.approx([1, 0.9, 0.45, 0.36])


@given(flows)
def test_reach_of_completion_is_conversion(flow):
    assert reach(flow, ("done",))[:, 0] == pytest.approx(solve(flow).converted, abs=1e-10)


def test_a_flow_that_never_ends_is_refused_with_a_cure():
    moves = np.zeros((1, 1, 3))
    moves[0, 0, 0] = 1.0
    flow = Flow(
        states=("again",),
        kinds=np.array([StateKind.EVENT]),
        unit="session",
        starts=np.ones((1, 1)),
        transitions=moves,
        support=moves,
        friction_is_drop=False,
    )
    with pytest.raises(SimulationError, match=r"for ever(.|\n)*max_length"):
        solve(flow)
    assert solve(flow, 10).truncated[0] == 1


def test_rows_that_do_not_sum_to_one_are_refused_by_name():
    flow = line_flow(0.5)
    broken = flow.transitions.copy()
    broken[0, 0, 1] = 0.6
    with pytest.raises(SimulationError, match="'s0'"):
        Flow(
            states=flow.states,
            kinds=flow.kinds,
            unit=flow.unit,
            starts=flow.starts,
            transitions=broken,
            support=flow.support,
            friction_is_drop=False,
        )


def test_an_unknown_state_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 's1'"):
        line_flow(0.5, 0.5).index("s_1")


@given(flows, st.integers(200, 5000))
def test_squaring_equals_stepping(flow, max_length):
    moves = without_returns(flow)
    visits, last = expected_visits(flow.starts, moves, max_length)
    mass, stepped = flow.starts, flow.starts.copy()
    for _ in range(max_length - 1):
        mass = np.einsum("ki,kij->kj", mass, moves[..., :-N_ENDS])
        stepped += mass
    assert visits == pytest.approx(stepped, rel=1e-9, abs=1e-12)
    assert last == pytest.approx(mass, abs=1e-12)


@pytest.mark.parametrize("faulty", [-0.5, np.nan])
def test_moves_that_are_no_probabilities_are_refused_by_name(faulty):
    flow = line_flow(0.5)
    broken = flow.transitions.copy()
    broken[0, 0, 1:3] = faulty, 1 - faulty
    with pytest.raises(SimulationError, match="'s0'"):
        replace(flow, transitions=broken)


@given(flows, st.floats(0.1, 0.9), st.sampled_from([None, 4, 60]))
def test_leaving_by_a_return_counts_as_leaving_where_the_journey_stood(flow, lost, max_length):
    moves = flow.transitions.copy()
    back = flow.kinds == StateKind.RETURN
    moves[:, back] *= 1 - lost
    moves[:, back, EXIT] += lost
    changed = replace(flow, transitions=moves)
    folded = replace(changed, transitions=_folded(changed))
    for name in ("converted", "dropped", "exited", "truncated", "length"):
        found, expected = (getattr(solve(each, max_length), name) for each in (changed, folded))
        assert found == pytest.approx(expected, abs=1e-12)


def _folded(flow):
    """Return the moves without returns; a return, which nobody enters, leaves at once."""
    moves = without_returns(flow).copy()
    moves[:, flow.kinds == StateKind.RETURN, EXIT] = 1.0
    return moves
