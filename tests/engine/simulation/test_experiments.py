from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import logs

from persona_tui.engine.analytics.reporting import predict_funnel
from persona_tui.engine.analytics.wording import decision
from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import ModelingError, RunCancelled, SimulationError, UnknownNameError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import cluster_event_sequences, find_personas
from persona_tui.engine.params import Range
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.effects import Friction, InsertSteps, MixShift, Redirect
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import results_to_dataframe, run_ab_experiment
from persona_tui.engine.simulation.flow import METRICS, solve
from persona_tui.engine.simulation.horizon import LOOSE_ENDS
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import draw_flows

REAL = {
    "online_wizard": ({"confirm"}, set()),
    "loan_applications": ({"A_ACTIVATED"}, {"A_DECLINED", "A_CANCELLED"}),
    "restaurant_guide": ({"accept"}, set()),
}


def simulator_of(events, completion, drop=frozenset(), *, n_clusters=None, **options):
    segmentation = None if n_clusters is None else cluster_event_sequences(events, n_clusters)
    generator = MarkovPersonaGenerator.from_events(
        events, segmentation=segmentation, prior=options.pop("prior", 1.0)
    )
    return ProductFlowSimulator(generator, completion_events=completion, drop_events=drop, **options)


@pytest.fixture(scope="module")
def simulator(sample):
    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 4, random_state=0)
    )
    return ProductFlowSimulator.from_counts(generator, sample.counts)


@pytest.fixture(scope="module")
def draws(simulator):
    return draw_flows(simulator, 40, normalise_seed(0))


@settings(max_examples=60, deadline=None)
@given(logs(), st.sampled_from(["user", "session"]), st.integers(1, 3))
def test_unsmoothed_control_equals_the_observed_rate(log, unit, n_clusters):
    present = set(log["event_type"])
    assume("x" in present and n_clusters <= log["user_id"].n_unique())
    counts = count_transitions(
        cut_journeys(encode_sequences(log), unit=unit, completion={"x"}, drop={"d"} & present, censor=False)
    )
    found = find_personas(counts, n_clusters, prior=0.0, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(encode_sequences(log), found, prior=0.0)
    simulator = ProductFlowSimulator.from_counts(generator, counts)
    exact = float(simulator.shares @ solve(simulator.flow).converted)
    assert exact == pytest.approx(counts.journeys.observed_conversion, abs=1e-9)


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("unit", ["user", "session"])
def test_unsmoothed_control_equals_the_observed_rate_of_real_logs(real_log, name, unit):
    completion, drop = REAL[name]
    simulator = simulator_of(
        load_event_log_csv(real_log(name)), completion, drop, unit=unit, censor=False, prior=0.0, n_clusters=3
    )
    exact = float(simulator.shares @ solve(simulator.flow).converted)
    assert exact == pytest.approx(simulator.journeys.observed_conversion, abs=1e-9)


def agrees(experiment):
    for group in (experiment.total, *experiment.personas):
        for metric in METRICS:
            estimate = group.uplifts[metric]
            gap = abs(group.simulated_uplifts[metric] - estimate.value)
            # exact values have no horizon; walks end where that few are still on their way
            assert gap <= 4 * estimate.simulation_error + LOOSE_ENDS, (group.name, metric)


@pytest.mark.parametrize("unit", ["user", "session"])
@pytest.mark.parametrize(
    "modification",
    [
        FlowModification(effects=(InsertSteps(count=2),)),
        FlowModification(friction_factor=0.05),
        FlowModification(reward_factor=0.3),
    ],
)
def test_simulation_agrees_with_the_exact_values_on_the_sample(sample, unit, modification):
    simulator = simulator_of(sample.events, {"signup_complete"}, {"drop_off"}, n_clusters=4, unit=unit)
    agrees(run_ab_experiment(simulator, 10_000, modification, random_state=1, n_draws=2))


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("unit", ["user", "session"])
def test_simulation_agrees_with_the_exact_values_on_real_logs(real_log, name, unit):
    completion, drop = REAL[name]
    simulator = simulator_of(load_event_log_csv(real_log(name)), completion, drop, n_clusters=3, unit=unit)
    for modification in (
        FlowModification(effects=(InsertSteps(count=2),)),
        FlowModification(friction_factor=0.1),
    ):
        agrees(run_ab_experiment(simulator, 10_000, modification, random_state=1, n_draws=2))


def test_nothing_changed_is_exactly_nothing(simulator, draws):
    experiment = run_ab_experiment(simulator, 500, FlowModification(), random_state=0, draws=draws)
    assert experiment.treatment is experiment.control
    for metric in METRICS:
        estimate = experiment.total.uplifts[metric]
        assert (estimate.value, estimate.data, estimate.simulation_error) == (0.0, (0.0, 0.0), 0.0)
        assert experiment.total.simulated_uplifts[metric] == 0.0
    assert experiment.harm == 0.0


@pytest.mark.parametrize("unit", ["user", "session"])
def test_conversion_falls_strictly_with_friction(sample, unit):
    simulator = simulator_of(sample.events, {"signup_complete"}, {"drop_off"}, n_clusters=4, unit=unit)
    shares = simulator.shares
    rates = [
        float(shares @ solve(FlowModification(friction_factor=factor).apply(simulator.flow)).converted)
        for factor in (0.0, 0.05, 0.2, 0.5, 1.0)
    ]
    assert (np.diff(rates) < 0).all()
    assert rates[-1] == 0.0


def test_the_same_seed_gives_the_same_experiment(simulator):
    change = FlowModification(friction_factor=0.1)
    first, second = (
        run_ab_experiment(simulator, 800, change, random_state=3, n_draws=45, workers=workers)
        for workers in (1, 2)
    )
    assert results_to_dataframe(first).equals(results_to_dataframe(second))
    assert first.harm == second.harm


def test_a_harmful_change_is_told_as_harmful_with_an_interval_around_it(simulator, draws):
    experiment = run_ab_experiment(
        simulator, 500, FlowModification(friction_factor=0.1), random_state=0, draws=draws
    )
    estimate = experiment.total.uplifts["completion_rate"]
    assert estimate.data[0] < estimate.value < estimate.data[1] < 0
    assert experiment.harm == 1.0
    assert estimate.relative == pytest.approx(
        estimate.value / experiment.total.arms["control"]["completion_rate"]
    )


def test_exact_values_have_no_horizon_and_walks_one_that_cuts_less_than_a_millionth(simulator, draws):
    experiment = run_ab_experiment(
        simulator, 500, FlowModification(additional_steps=3), random_state=0, draws=draws
    )
    assert experiment.max_length is None
    assert all(experiment.total.arms[arm]["truncated_rate"] == 0.0 for arm in ("control", "treatment"))
    half = experiment.walk_length // 2
    truncated = [
        float(simulator.shares @ solve(flow, half).truncated)
        for flow in (experiment.control, experiment.treatment)
    ]
    assert max(truncated) >= 1e-6


def test_a_short_horizon_is_told_as_a_caveat(simulator, draws):
    experiment = run_ab_experiment(simulator, 500, max_length=5, random_state=0, draws=draws)
    assert any("are cut at 5 events" in caveat for caveat in experiment.caveats)


def test_personas_add_up_to_the_total(simulator, draws):
    experiment = run_ab_experiment(
        simulator, 1001, FlowModification(friction_factor=0.1), random_state=0, draws=draws
    )
    assert sum(each.n_personas for each in experiment.personas) == experiment.total.n_personas == 1001
    value = sum(each.share * each.uplifts["completion_rate"].value for each in experiment.personas)
    assert value == pytest.approx(experiment.total.uplifts["completion_rate"].value)
    assert sum(each.share for each in experiment.personas) == pytest.approx(1)


def test_shares_of_sessions_weigh_users_by_their_sessions(sample):
    simulator = simulator_of(sample.events, {"signup_complete"}, {"drop_off"}, n_clusters=4, unit="session")
    sessions = simulator.counts.n_journeys[simulator.counts.row_of_user]
    expected = sessions @ simulator.memberships[simulator.counts.row_of_user] / sessions.sum()
    assert simulator.shares == pytest.approx(expected)


@pytest.mark.parametrize(
    ("completion", "drop", "error", "text"),
    [
        (set(), set(), SimulationError, "no completion event"),
        ({"signup_complet"}, set(), UnknownNameError, "Did you mean 'signup_complete'"),
        ({"drop_off"}, {"drop_off"}, SimulationError, "both a completion and a drop"),
    ],
)
def test_impossible_outcomes_are_refused(sample, completion, drop, error, text):
    with pytest.raises(error, match=text):
        simulator_of(sample.events, completion, drop)


def test_the_segmentation_of_other_users_is_refused(sample):
    fewer = sample.events.filter(sample.events["user_id"] != "u0001")
    segmentation = cluster_event_sequences(fewer, 2)
    with pytest.raises(ModelingError, match="3199 users"):
        MarkovPersonaGenerator.from_events(sample.events, segmentation=segmentation)


def test_every_wrong_number_of_an_experiment_is_named(simulator):
    with pytest.raises(SimulationError, match=r"n_personas == 0.*max_length == -1"):
        run_ab_experiment(simulator, 0, max_length=-1)


def test_an_experiment_can_be_cancelled(simulator):
    def stop(_progress):
        raise RunCancelled("stopped")

    with pytest.raises(RunCancelled):
        run_ab_experiment(simulator, 100, random_state=0, n_draws=5, on_progress=stop)


@pytest.mark.parametrize("unit", ["user", "session"])
def test_personas_found_on_whole_journeys_are_fitted_on_to_those_that_are_simulated(sample, unit):
    simulator = simulator_of(sample.events, {"signup_complete"}, {"drop_off"}, n_clusters=3, unit=unit)
    experiment = run_ab_experiment(
        simulator, 100, FlowModification(friction_factor=0.05), random_state=0, n_draws=60
    )
    for group in (experiment.total, *experiment.personas):
        estimate = group.uplifts["completion_rate"]
        assert estimate.data[0] < estimate.value < estimate.data[1], group.name


def test_a_change_that_only_lengthens_journeys_harms_nobody(simulator, draws):
    longer = FlowModification(effects=(InsertSteps(count=2, exit_rate=0.0),))
    assert run_ab_experiment(simulator, 100, longer, random_state=0, draws=draws).harm == 0.0


def test_a_believed_range_widens_the_total_and_has_an_interval_of_its_own(simulator, draws):
    known = FlowModification(effects=(Friction(factor=0.1),))
    believed = FlowModification(effects=(Friction(factor=Range(0.02, 0.07, 0.3)),))
    fixed, doubted = (
        run_ab_experiment(simulator, 100, each, random_state=0, draws=draws).total.uplifts["completion_rate"]
        for each in (known, believed)
    )
    assert fixed.assumption is None
    assert fixed.total == fixed.data
    assert doubted.data == pytest.approx(fixed.data)
    assert doubted.value == pytest.approx(fixed.value)
    for wider in (doubted.assumption, doubted.total):
        assert wider[1] - wider[0] > 2 * (fixed.data[1] - fixed.data[0])


def test_a_range_whose_likeliest_value_is_an_end_gives_a_value_inside_its_interval(simulator, draws):
    skewed = FlowModification(effects=(Friction(factor=Range(0.0, 0.0, 0.1)),))
    experiment = run_ab_experiment(simulator, 100, skewed, random_state=0, draws=draws)
    estimate = experiment.total.uplifts["completion_rate"]
    assert estimate.total[0] < estimate.value < estimate.total[1] < 0
    assert "lower completion" in decision(experiment)


@pytest.mark.parametrize("unit", ["user", "session"])
def test_a_billion_counted_users_agree_with_the_exact_values(sample, unit):
    simulator = simulator_of(sample.events, {"signup_complete"}, {"drop_off"}, n_clusters=4, unit=unit)
    change = FlowModification(friction_factor=0.05)
    experiment = run_ab_experiment(simulator, 10**9, change, random_state=1, n_draws=2)
    assert experiment.solver == "cohort"
    assert experiment.total.n_personas == 10**9
    assert experiment.total.uplifts["completion_rate"].simulation_error < 1e-4
    agrees(experiment)


def test_counting_nothing_changed_is_exactly_nothing(simulator, draws):
    experiment = run_ab_experiment(simulator, 10**7, random_state=0, draws=draws)
    assert experiment.solver == "cohort"
    for metric in METRICS:
        assert experiment.total.simulated_uplifts[metric] == 0.0
        assert experiment.total.uplifts[metric].simulation_error == 0.0


def test_a_wanted_solver_is_used(simulator, draws):
    counted = run_ab_experiment(simulator, 500, random_state=0, draws=draws, solver="cohort")
    assert counted.solver == "cohort"
    assert run_ab_experiment(simulator, 500, random_state=0, draws=draws).solver == "paths"


def test_a_shift_of_the_mix_moves_the_predicted_funnel_with_completion(simulator, draws):
    change = FlowModification(effects=(MixShift(persona="1", share=0.9),))
    experiment = run_ab_experiment(simulator, 2000, change, random_state=0, draws=draws)
    (step,) = predict_funnel(experiment, ["signup_complete"])
    arms = experiment.total.arms
    assert step.control == pytest.approx(arms["control"]["completion_rate"])
    assert step.treatment == pytest.approx(arms["treatment"]["completion_rate"])
    assert step.treatment > step.control + 0.1
    agrees(experiment)


def test_nobody_simulated_in_an_arm_is_unknown_not_wrong(simulator, draws):
    change = FlowModification(effects=(MixShift(persona="1", share=0.0),))
    experiment = run_ab_experiment(simulator, 1, change, random_state=0, draws=draws)
    assert np.isnan(experiment.total.simulated_uplifts["completion_rate"])
    assert experiment.total.uplifts["completion_rate"].simulation_error is None


def test_caveats_count_the_moves_of_the_personas_that_are_touched(simulator):
    everyone = Redirect(source="browse_features", target="read_docs", to="signup_start", share=0.5)
    assert everyone.caveats(simulator.flow) == []
    assert any(replace(everyone, personas=(str(k + 1),)).caveats(simulator.flow) for k in range(4))
