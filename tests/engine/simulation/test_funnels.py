from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.funnel import count_funnel
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.flow import reach, solve
from persona_tui.engine.simulation.funnels import reached_in_order
from persona_tui.engine.simulation.paths import walk_sequences
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator

horizons = st.sampled_from([None, 1, 2, 5, 30])
funnels = st.permutations(["e0", "e1", "e2", "done", "drop"])


def shows_in_order(states, steps):
    place, shown = -1, []
    for step in steps:
        later = np.flatnonzero(states[place + 1 :] == step) if place is not None else []
        place = place + 1 + later[0] if len(later) else None
        shown.append(place is not None)
    return shown


def test_a_funnel_without_detours_is_reached_by_the_product_of_its_steps():
    expected = [1, 0.9, 0.45, 0.36]
    for max_length in (None, 4):
        reached = reached_in_order(line_flow(0.9, 0.5, 0.8), ("s0", "s1", "s2", "done"), max_length)
        assert reached[0] == pytest.approx(expected, abs=1e-15)


def test_a_funnel_backwards_is_not_reached_beyond_its_first_step():
    assert reached_in_order(line_flow(0.9, 0.5), ("s1", "s0"))[0] == pytest.approx([0.9, 0])


@given(flows, funnels, horizons)
def test_in_order_is_never_above_in_any_order_nor_above_the_step_before(flow, steps, max_length):
    in_order = reached_in_order(flow, steps, max_length)
    assert (in_order <= reach(flow, tuple(steps), max_length) + 1e-12).all()
    assert (np.diff(in_order, axis=-1) <= 1e-12).all()
    assert in_order[:, 0] == pytest.approx(reach(flow, (steps[0],), max_length)[:, 0], abs=1e-12)


@given(flows, funnels)
def test_a_long_horizon_meets_the_unlimited_one(flow, steps):
    limited = reached_in_order(flow, steps, 4_096)
    assert reached_in_order(flow, steps) == pytest.approx(limited, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("max_length", [6, 500])
@pytest.mark.parametrize("unit", ["user", "session"])
def test_walked_journeys_reach_steps_in_order_as_often(unit, max_length):
    flow, n_walkers = random_flow(3, unit=unit, n_events=7), 20_000
    steps = ("e2", "e0", "e1", "done")
    walked = walk_sequences(flow, 1, n_walkers, max_length, normalise_seed(1))
    ends = np.cumsum(walked.visits)[:-1]
    at = [flow.index(step) for step in steps]
    rates = np.mean([shows_in_order(states, at) for states in np.split(walked.states, ends)], axis=0)
    exact = reached_in_order(flow, steps, max_length)[1]
    assert np.abs(rates - exact).max() < 4.5 * np.sqrt(0.25 / n_walkers)


@pytest.mark.real
def test_the_start_and_the_end_of_a_real_form_are_reached_in_order_as_counted(real_log):
    events = load_event_log_csv(real_log("online_wizard"))
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(events, prior=0.0), completion_events={"confirm"}, censor=False
    )
    steps = ("start", "step_1", "step_2", "step_3", "confirm")
    exact = reached_in_order(simulator.flow, steps)[0]
    counted = [step.rate_in_order for step in count_funnel(encode_sequences(events), steps)]
    assert exact == pytest.approx(counted, abs=0.03)
    assert exact[-1] <= solve(simulator.flow).converted[0]


def test_draws_are_solved_as_one_by_one():
    one, other = random_flow(1), random_flow(2)
    both = replace(
        one,
        starts=np.stack([one.starts, other.starts]),
        transitions=np.stack([one.transitions, other.transitions]),
    )
    for max_length in (None, 7):
        together = reached_in_order(both, ("e1", "done"), max_length)
        alone = [reached_in_order(flow, ("e1", "done"), max_length) for flow in (one, other)]
        assert together == pytest.approx(np.stack(alone), abs=1e-12)


def test_a_funnel_that_makes_no_sense_is_refused():
    flow = line_flow(0.9, 0.5)
    with pytest.raises(SimulationError, match="no step"):
        reached_in_order(flow, ())
    with pytest.raises(SimulationError, match="'s0' twice"):
        reached_in_order(flow, ("s0", "s1", "s0"))
    with pytest.raises(UnknownNameError, match="Did you mean 's1'"):
        reached_in_order(flow, ("s0", "s_1"))
