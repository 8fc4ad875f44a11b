from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, random_dwell, random_flow

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.journeys import kept_events
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.baseline import ArmValues
from persona_tui.engine.simulation.dwell import PROBABILITIES, DwellTimes, fit_dwell
from persona_tui.engine.simulation.effects import InsertSteps
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.event_values import EventValues
from persona_tui.engine.simulation.flow import StateKind, solve
from persona_tui.engine.simulation.measures import OF_CONVERTING, Measures
from persona_tui.engine.simulation.paths import Outcome, walk_sequences
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator

AMOUNTS = np.array([[50.0, 0.1], [20.0, 0.3]])
seeds = st.integers(0, 10_000)


def fixed_dwell(states, seconds):
    """Return times that are always the same, from a table of seconds."""
    table = np.asarray(seconds, dtype=float)
    rows = np.arange(table.size, dtype=np.int32).reshape(table.shape)
    quantiles = np.repeat(table.reshape(-1, 1), len(PROBABILITIES), axis=1)
    return DwellTimes(states=states, rows=rows, quantiles=quantiles, observed=np.full(table.shape, 100))


def measures_of(flow, seed=0):
    values = EventValues(
        events=("done", "e0"),
        amounts=np.array([[50.0, 0.1], [20.0, 0.3]]),
        n_observed=(0, 0),
        n_missing=(0, 0),
    )
    return Measures(unit=flow.unit, dwell=random_dwell(seed, flow), values=values)


def test_a_step_repeated_geometrically_has_the_time_and_length_of_its_closed_form():
    moves = np.array([[[0.5, 0.3, 0.2, 0], [0, 0, 0, 0]]])
    flow = replace(line_flow(0.5), transitions=moves)
    measures = Measures(unit="session", dwell=fixed_dwell(flow.states, [[10, 4], [0, 0]]))
    measured = measures.of(flow)
    assert measured["steps_to_convert"] == pytest.approx(3)  # one self-loop on average, and two events
    assert measured["seconds_to_convert"] == pytest.approx(10 + 4)
    assert measured["seconds_in_sessions"] == pytest.approx(10 + 0.6 * 4)


def test_a_user_who_comes_back_with_a_chance_has_geometrically_many_sessions():
    moves = np.zeros((1, 3, 5))
    moves[0, 0, [1, 2, 3]] = 0.2, 0.5, 0.3
    moves[0, 2, 0] = 1.0
    flow = replace(
        line_flow(0.5, unit="user"),
        states=("visit", "done", "return"),
        kinds=np.array([StateKind.EVENT, StateKind.COMPLETION, StateKind.RETURN]),
        starts=np.array([[1.0, 0, 0]]),
        transitions=moves,
        support=moves,
        time_factors=np.ones(1),
    )
    dwell = fixed_dwell(flow.states, [[0, 7, 1_000], [0, 0, 0], [0, 0, 0]])
    measured = Measures(unit="user", dwell=dwell).of(flow)
    assert measured == {
        "sessions_per_user": pytest.approx(2),
        "return_rate": pytest.approx(0.5),
        "steps_to_convert": pytest.approx(3),
        "seconds_in_sessions": pytest.approx(0.4 * 7),
        "seconds_to_convert": pytest.approx(1_000 + 7),
    }
    limited = Measures(unit="user", dwell=dwell).of(flow, 2)
    assert limited["seconds_to_convert"] == pytest.approx(7)
    assert limited["sessions_per_user"] == pytest.approx(1.5)


@given(flows, seeds)
def test_a_long_horizon_meets_the_unlimited_one(flow, seed):
    measures = measures_of(flow, seed)
    limited = measures.of(flow, 2**14)
    for name, values in measures.of(flow).items():
        assert values == pytest.approx(limited[name], rel=1e-8, abs=1e-10), name


def walked_means(flow, dwell, persona, max_length, n_walkers):
    """Return the measures of walked journeys, and their standard errors."""
    walked = walk_sequences(flow, persona, n_walkers, max_length, normalise_seed(5))
    states, walkers = walked.states, walked.walkers
    same = np.flatnonzero(np.diff(walkers) == 0)
    sources, targets = states[same], states[same + 1]
    uniforms = np.random.default_rng(0).random(len(same))
    factors = np.broadcast_to(flow.time_factors, flow.starts.shape)[persona]
    seconds = dwell.invert(uniforms, sources, targets, factors)
    returned = flow.kinds[targets] == StateKind.RETURN
    count = lambda weights, at: np.bincount(at, weights, minlength=n_walkers)  # noqa: E731
    n_returns = count(returned, walkers[same])
    completed = walked.walks.outcomes == Outcome.CONVERTED
    value = count(np.where(flow.kinds[states] == StateKind.COMPLETION, AMOUNTS[persona, 0], 0), walkers)
    value += count(np.where(states == 0, AMOUNTS[persona, 1], 0), walkers)
    samples = {
        "sessions_per_user": 1 + n_returns,
        "return_rate": n_returns > 0,
        "steps_to_convert": walked.walks.lengths[completed],
        "seconds_in_sessions": count(np.where(returned, 0, seconds), walkers[same]),
        "seconds_to_convert": count(seconds, walkers[same])[completed],
        "value_per_journey": value,
    }
    return {name: (each.mean(), each.std() / np.sqrt(len(each))) for name, each in samples.items()}


@pytest.mark.parametrize("max_length", [5, 400])
@pytest.mark.parametrize("unit", ["user", "session"])
def test_walked_journeys_have_the_same_measures(unit, max_length):
    flow = random_flow(8, unit=unit, n_events=6)
    factors = np.random.default_rng(1).uniform(0.5, 2, flow.starts.shape)
    flow = replace(flow, time_factors=factors)
    measures = measures_of(flow, 3)
    exact = measures.of(flow, max_length)
    for persona in range(2):
        walked = walked_means(flow, measures.dwell, persona, max_length, 40_000)
        for name, values in exact.items():
            mean, error = walked[name]
            assert abs(values[persona] - mean) < 4.5 * error + 1e-12, name


@given(flows, st.sampled_from([None, 3, 20]))
def test_what_time_factors_scale_is_the_time_within_sessions(flow, max_length):
    measures = measures_of(flow)
    twice = replace(flow, time_factors=np.array([2.0]))
    before, after = measures.of(flow, max_length), measures.of(twice, max_length)
    assert after["seconds_in_sessions"] == pytest.approx(2 * before["seconds_in_sessions"])
    assert (after["seconds_to_convert"] <= 2 * before["seconds_to_convert"] * (1 + 1e-12)).all()
    assert after["steps_to_convert"] == pytest.approx(before["steps_to_convert"])


@given(flows)
def test_inserted_steps_lengthen_the_way_to_convert_by_their_number(flow):
    longer = InsertSteps(count=2, exit_rate=0.0).apply(flow)
    before, after = (Measures(unit=flow.unit).of(each)["steps_to_convert"] for each in (flow, longer))
    assert after == pytest.approx(before + 2)


def test_journeys_that_never_convert_have_no_time_to_convert():
    flow = line_flow(0.5, 0.0)
    for max_length in (None, 5):
        measured = Measures(unit="session", dwell=fixed_dwell(flow.states, np.ones((3, 3)))).of(
            flow, max_length
        )
        assert np.isnan(measured["seconds_to_convert"]).all()
        assert np.isnan(measured["steps_to_convert"]).all()
        assert measured["seconds_in_sessions"] == pytest.approx(0.5)


def test_what_is_not_known_is_not_measured():
    assert Measures(unit="session").names == ("steps_to_convert",)
    assert Measures(unit="user").names == ("sessions_per_user", "return_rate", "steps_to_convert")
    flow = random_flow(1)
    assert tuple(measures_of(flow).of(flow)) == measures_of(flow).names


@pytest.mark.parametrize("max_length", [None, 6])
def test_draws_are_measured_as_one_by_one(max_length):
    one, other = random_flow(1), random_flow(2)
    both = replace(
        one,
        starts=np.stack([one.starts, other.starts]),
        transitions=np.stack([one.transitions, other.transitions]),
    )
    together = measures_of(one).of(both, max_length)
    for position, flow in enumerate((one, other)):
        for name, values in measures_of(one).of(flow, max_length).items():
            assert together[name][position] == pytest.approx(values, rel=1e-10), name


def pooled(measured, shares, converted):
    """Return the measures of all personas together."""
    metrics = {"control": {**measured, "completion_rate": converted}}
    values = ArmValues(metrics=metrics, shares={"control": shares})
    return {name: values.pooled("control", name, np.ones(len(shares))) for name in measured}


@given(flows, st.floats(0.05, 0.95))
def test_pooled_measures_are_those_of_the_mixed_journeys(flow, share):
    shares = np.array([share, 1 - share])
    measured, converted = measures_of(flow).of(flow), solve(flow).converted
    together = pooled(measured, shares, converted)
    for name, values in measured.items():
        weights = shares * converted if name in OF_CONVERTING else shares
        assert together[name] == pytest.approx(np.average(values, weights=weights))


def test_personas_that_never_convert_do_not_count_in_what_converting_takes():
    measured, converted = {"steps_to_convert": np.array([np.nan, 4.0])}, np.array([0.0, 0.2])
    assert pooled(measured, np.array([0.5, 0.5]), converted)["steps_to_convert"] == 4
    assert np.isnan(pooled(measured, np.array([1.0, 0.0]), converted)["steps_to_convert"])


def test_times_of_another_unit_are_refused():
    flow = random_flow(1, unit="session")
    with pytest.raises(SimulationError, match="dwell times are of journeys of another unit"):
        Measures(unit="session", dwell=random_dwell(0, random_flow(1))).of(flow)
    with pytest.raises(SimulationError, match="'session', the measures 'user'"):
        Measures(unit="user").of(flow)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "completion"),
    [("online_wizard", "confirm"), ("loan_applications", "A_ACTIVATED"), ("restaurant_guide", "accept")],
)
def test_the_control_has_the_sessions_and_seconds_of_a_real_log(real_log, name, completion):
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(load_event_log_csv(real_log(name)), prior=0.0),
        completion_events={completion},
        censor=False,
    )
    sequences, journeys = simulator.generator.sequences, simulator.journeys
    measured = Measures(unit="user", dwell=fit_dwell(sequences, journeys)).of(simulator.flow)
    kept = kept_events(sequences, journeys)
    n_returns = (journeys.steps == len(journeys.vocabulary)).sum()
    gaps, users = np.diff(sequences.times[kept]) / 1e6, sequences.users[kept]
    within = (np.diff(users) == 0) & (np.diff(sequences.sessions[kept]) == 0)
    assert measured["sessions_per_user"][0] == pytest.approx(1 + n_returns / journeys.n_journeys, rel=1e-9)
    observed = gaps[within].sum() / journeys.n_journeys
    assert measured["seconds_in_sessions"][0] == pytest.approx(observed, rel=0.01)
