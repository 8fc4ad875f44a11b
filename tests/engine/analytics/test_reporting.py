import pytest

from persona_tui.engine.analytics.reporting import report_scenario
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.durations import conversion_times
from persona_tui.engine.simulation.dwell import fit_dwell
from persona_tui.engine.simulation.effects import MixShift
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import run_ab_experiment
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.planning import Trial, plan_experiment
from persona_tui.engine.simulation.uncertainty import draw_flows


@pytest.fixture(scope="module")
def times_of(sample):
    """Return the experiment of a change, its quantiles as reported, and the dwell times."""
    found = find_personas(sample.counts, 2, random_state=0)
    simulator = ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(sample.sequences, found), sample.counts
    )
    draws = draw_flows(simulator, 4, normalise_seed(0))
    dwell = fit_dwell(sample.sequences, sample.counts.journeys)
    plan = plan_experiment(Trial(control=0.4, uplift=0.05, per_week=800))

    def run(*effects):
        change = FlowModification(effects=effects)
        experiment = run_ab_experiment(simulator, 100, change, random_state=0, draws=draws, solver="exact")
        report = report_scenario("change", experiment, steps=("landing",), dwell=dwell, plan=plan)
        return experiment, report.conversion_times, dwell

    return run


def test_times_to_convert_follow_the_mix_of_personas(times_of):
    experiment, times, dwell = times_of(MixShift(persona="1", share=0.95))
    assert experiment.treatment is experiment.control
    shifted = conversion_times(experiment.control, experiment.shares["treatment"], dwell)
    assert list(times["treatment"].values()) == pytest.approx(shifted.quantiles().tolist())
    assert times["treatment"]["p50"] != pytest.approx(times["control"]["p50"], rel=0.01)


def test_what_changes_nothing_leaves_times_to_convert_as_they_are(times_of):
    _, times, _ = times_of()
    assert times["treatment"] == times["control"]
