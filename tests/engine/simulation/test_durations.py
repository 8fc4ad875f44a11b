from dataclasses import replace
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import flows, line_flow, random_dwell, random_flow

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.durations import conversion_times
from persona_tui.engine.simulation.dwell import PROBABILITIES, DwellTimes, fit_dwell
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.measures import Measures
from persona_tui.engine.simulation.paths import Outcome, walk_sequences
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator

BLUR = 1.06
"""How far from the time asked for the distribution may be looked at, as a ratio."""
EQUAL = np.array([0.5, 0.5])


def same_dwell(flow, quantiles):
    """Return one distribution for every move of a flow."""
    n = flow.n_states
    rows, observed = np.zeros((n, n), dtype=np.int32), np.full((n, n), 100)
    return DwellTimes(states=flow.states, rows=rows, quantiles=np.asarray([quantiles]), observed=observed)


def sum_of_uniforms(x, n):
    """Return the distribution function of the sum of n uniforms (Irwin, Hall)."""
    terms = [(-1) ** k * comb(n, k) * np.clip(x - k, 0, None) ** n for k in range(n + 1)]
    return np.where(x >= n, 1.0, sum(terms) / factorial(n))


@pytest.mark.parametrize("n_steps", [1, 2, 3, 6])
def test_uniform_times_of_a_line_add_up_as_their_closed_form(n_steps):
    flow = line_flow(*[0.9] * n_steps)
    found = conversion_times(flow, np.ones(1), same_dwell(flow, 60 * PROBABILITIES))
    assert found.total == pytest.approx(sum_of_uniforms(found.times / 60, n_steps), abs=1.1e-3)
    assert found.quantiles((0.5,)) == pytest.approx(30 * n_steps, rel=2e-3)


@pytest.mark.parametrize("max_length", [None, 6])
def test_a_step_repeated_in_equal_times_converts_in_steps_of_its_closed_form(max_length):
    moves = np.array([[[0.6, 0.3, 0.1, 0], [0, 0, 0, 0]]])
    flow = replace(line_flow(0.5), transitions=moves)
    found = conversion_times(flow, np.ones(1), same_dwell(flow, np.full(64, 10.0)), max_length)
    n_moves = np.arange(1, 60 if max_length is None else max_length)
    chance = 0.6**n_moves / (0.6**n_moves).sum()
    checked = 0
    for time, share in zip(found.times, found.total, strict=True):
        if np.floor(time / 10 / BLUR) == np.floor(time / 10 * BLUR):
            assert share == pytest.approx(chance[n_moves <= time / 10].sum(), abs=1e-4)
            checked += 1
    assert checked > 10


def test_a_time_that_is_always_the_same_is_met_to_a_few_percent():
    flow = line_flow(0.9, 0.8)
    found = conversion_times(flow, np.ones(1), same_dwell(flow, np.full(64, 30.0)))
    assert found.quantiles((0.05, 0.5, 0.95)) == pytest.approx([60, 60, 60], rel=0.03)


def test_journeys_that_take_no_time_convert_at_once():
    flow = line_flow(0.9, 0.8)
    found = conversion_times(flow, np.ones(1), same_dwell(flow, np.zeros(64)))
    assert (found.total == 1).all()
    np.testing.assert_array_equal(found.quantiles(), 0)


def walked_times(flow, dwell, persona, max_length, n_walkers):
    """Return the seconds that converting walkers take, ascending."""
    walked = walk_sequences(flow, persona, n_walkers, max_length, normalise_seed(2))
    same = np.flatnonzero(np.diff(walked.walkers) == 0)
    sources, targets = walked.states[same], walked.states[same + 1]
    factors = np.broadcast_to(flow.time_factors, flow.starts.shape)[persona]
    seconds = dwell.arranged(flow.states).draw(np.random.default_rng(0), sources, targets, factors)
    elapsed = np.bincount(walked.walkers[same], seconds, minlength=n_walkers)
    return np.sort(elapsed[walked.walks.outcomes == Outcome.CONVERTED])


def assert_between(times, cumulated, walked):
    """Assert that a distribution lies between those of the walked times a few percent away."""
    error = 2.2 / np.sqrt(len(walked))  # Dvoretzky, Kiefer & Wolfowitz: one case in 8 000 is further off
    low, high = (np.searchsorted(walked, times * r, side="right") / len(walked) for r in (1 / BLUR, BLUR))
    assert (cumulated >= low - error).all()
    assert (cumulated <= high + error).all()


@pytest.mark.parametrize(("unit", "max_length"), [("user", 300), ("user", 4), ("session", 300)])
def test_walked_journeys_take_as_long(unit, max_length):
    flow = random_flow(5, unit=unit, n_events=6)
    factors = np.random.default_rng(1).uniform(0.3, 3, flow.starts.shape)
    flow = replace(flow, time_factors=factors)
    dwell = random_dwell(4, flow)
    found = conversion_times(flow, EQUAL, dwell, max_length)
    for persona in range(2):
        walked = walked_times(flow, dwell, persona, max_length, 40_000)
        assert_between(found.times, found.by_persona[persona], walked)


def simulator_of(events, completion, **terms):
    return ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(events), completion_events={completion}, **terms
    )


def test_the_sample_log_converts_as_fast_as_its_walked_journeys(sample):
    simulator = simulator_of(sample.events, "signup_complete", drop_events={"drop_off"})
    dwell = fit_dwell(simulator.generator.sequences, simulator.journeys)
    found = conversion_times(simulator.flow, np.ones(1), dwell)
    walked = walked_times(simulator.flow, dwell, 0, 2_000, 40_000)
    assert_between(found.times, found.total, walked)
    assert found.quantiles((0.25, 0.5, 0.75)) == pytest.approx(
        np.quantile(walked, (0.25, 0.5, 0.75)), rel=0.06
    )


@pytest.mark.real
def test_a_real_form_converts_as_fast_as_its_walked_journeys(real_log):
    simulator = simulator_of(load_event_log_csv(real_log("online_wizard")), "confirm")
    sequences, journeys = simulator.generator.sequences, simulator.journeys
    dwell = fit_dwell(sequences, journeys)
    found = conversion_times(simulator.flow, np.ones(1), dwell)
    walked = walked_times(simulator.flow, dwell, 0, 1_000, 40_000)
    assert_between(found.times, found.total, walked)


@settings(max_examples=6)
@given(flows, st.integers(0, 1_000), st.sampled_from([None, 3]))
def test_distributions_rise_from_what_converts_at_once_to_one(flow, seed, max_length):
    found = conversion_times(flow, EQUAL, random_dwell(seed, flow), max_length)
    for cumulated in (found.total, *found.by_persona):
        assert (np.diff(cumulated) >= 0).all()
        assert 0 <= cumulated[0] < cumulated[-1] <= 1
        assert cumulated[-1] > 0.998
    converted = solve(flow, max_length).converted
    assert found.total == pytest.approx(converted @ found.by_persona / converted.sum(), abs=1e-9)


@settings(max_examples=5)
@given(flows, st.integers(0, 1_000))
def test_the_mean_of_the_distribution_is_the_mean_time_to_convert(flow, seed):
    dwell = random_dwell(seed, flow)
    found = conversion_times(flow, EQUAL, dwell)
    exact = Measures(unit=flow.unit, dwell=dwell).of(flow)["seconds_to_convert"]
    means = ((2 - found.by_persona[:, 1:] - found.by_persona[:, :-1]) * np.diff(found.times) / 2).sum(axis=1)
    assert means == pytest.approx(exact, rel=0.03)


def test_all_times_twice_as_long_are_the_same_distribution_twice_as_late():
    flow = random_flow(3, unit="session")
    dwell = random_dwell(2, flow)
    twice = replace(flow, time_factors=np.array([2.0]))
    before, after = (conversion_times(each, EQUAL, dwell).quantiles() for each in (flow, twice))
    assert after == pytest.approx(2 * before, rel=0.01)


def test_personas_that_never_convert_have_no_times():
    flow = random_flow(3)
    moves = flow.transitions.copy()
    moves[1, :, -2] += moves[1, :, flow.index("done")]
    moves[1, :, flow.index("done")] = 0.0
    starts = flow.starts.copy()
    starts[1] = np.eye(flow.n_states)[0]
    found = conversion_times(replace(flow, transitions=moves, starts=starts), EQUAL, random_dwell(2, flow))
    assert np.isnan(found.by_persona[1]).all()
    assert found.total == pytest.approx(found.by_persona[0])


@pytest.mark.parametrize("max_length", [None, 5])
def test_draws_are_solved_as_one_by_one(max_length):
    one, other = random_flow(1), random_flow(2)
    both = replace(
        one,
        starts=np.stack([one.starts, other.starts]),
        transitions=np.stack([one.transitions, other.transitions]),
    )
    dwell = random_dwell(2, one)
    together = conversion_times(both, np.stack([EQUAL, EQUAL]), dwell, max_length)
    for position, flow in enumerate((one, other)):
        alone = conversion_times(flow, EQUAL, dwell, max_length)
        assert together.quantiles()[position] == pytest.approx(alone.quantiles(), rel=0.03)


def test_times_of_another_unit_are_refused():
    with pytest.raises(SimulationError, match="another unit"):
        conversion_times(random_flow(1), EQUAL, random_dwell(0, random_flow(1, unit="session")))
