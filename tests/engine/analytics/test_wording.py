from dataclasses import replace
from types import SimpleNamespace

import pytest
from report_samples import make_report

from persona_tui.engine.analytics.wording import (
    assumptions,
    decision,
    funnel_misfits,
    models_left_out,
    question,
)
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.effects import InsertSteps
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import run_ab_experiment
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import draw_flows


@pytest.fixture(scope="module")
def experiment_of(sample):
    found = find_personas(sample.counts, 2, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(sample.sequences, found)
    simulator = ProductFlowSimulator.from_counts(generator, sample.counts)
    draws = draw_flows(simulator, 40, normalise_seed(0))

    def run(change, max_length=None):
        return run_ab_experiment(simulator, 100, change, max_length, random_state=0, draws=draws)

    return run


def test_a_sure_loss_is_told_with_its_interval(experiment_of):
    told = decision(experiment_of(FlowModification(friction_factor=0.1)))
    assert told.startswith("The change is expected to lower completion from 43.3")
    assert "95 % interval −" in told


def test_a_gain_is_told_as_a_gain(experiment_of):
    assert "expected to raise" in decision(experiment_of(FlowModification(reward_factor=0.1)))


@pytest.mark.parametrize(
    "change", [FlowModification(), FlowModification(effects=(InsertSteps(count=3, exit_rate=0.0),))]
)
def test_what_changes_nothing_is_told_so(experiment_of, change):
    assert decision(experiment_of(change)).startswith("The change leaves completion where it is")


def test_the_question_ends_in_one_mark(experiment_of):
    assert (
        question(experiment_of(FlowModification(description="Two clicks more?")))
        == "What if: two clicks more?"
    )


def test_steps_that_the_chains_do_not_reproduce_are_named():
    (told,) = funnel_misfits([("a", 0.9, 0.88), ("b", 0.39, 0.22)])
    assert "b (22.0" in told
    assert "a (" not in told


@pytest.mark.parametrize("timed", [True, False])
def test_intervals_of_times_are_told_to_hold_the_times_where_there_are_any(experiment_of, timed):
    experiment = experiment_of(FlowModification(friction_factor=0.1))
    shown = replace(experiment, metrics=(*experiment.metrics, *(["seconds_to_convert"] if timed else [])))
    simulator = SimpleNamespace(journeys=SimpleNamespace(observed_conversion=0.4, n_after_completion=0))
    told = " ".join(assumptions(SimpleNamespace(users=10, censored_users=0), simulator, shown))
    assert ("Intervals of times hold how long each move takes" in told) == timed


def test_a_loss_is_a_loss_where_many_journeys_are_cut_off(experiment_of):
    told = decision(experiment_of(FlowModification(additional_steps=2, friction_factor=0.1), max_length=10))
    assert "expected to lower completion" in told


def test_models_without_a_part_are_told_once_a_reason():
    report = make_report()
    assert models_left_out(report.lead.experiment) == ""
    why = "friction names personas. And more."
    experiment = replace(
        report.lead.experiment, left_out={"one chain for all": why, "3 personas": why, "second order": "Big."}
    )
    assert models_left_out(experiment) == (
        "Other models of the log without a part: one chain for all, 3 personas (friction names personas); "
        "second order (Big). How far the choice of the model carries the result is not known."
    )
