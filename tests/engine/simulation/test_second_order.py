import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import logs

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.simulation.effects import parse_effect
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.place_effects import modify
from persona_tui.engine.simulation.second_order import SecondOrder

ENDLESS = 1e15
"""A prior against which no count matters."""

MODIFICATIONS = (
    (),
    ("friction:factor=0.1",),
    ("friction:factor=0.2,at=a|b,personas=1",),
    ("reward:factor=0.3,at=a",),
    ("insert_steps:count=2", "friction:factor=0.1,at=added_step_2"),
    ("insert_steps:count=2,before=a",),
    ("insert_steps:count=1,before=a,sources=b|c,exit_rate=0.2",),
    ("insert_steps:count=1,before=a,personas=1", "reward:factor=0.5,at=added_step_1|b"),
    ("remove_step:event=a",),
    ("remove_step:event=a,rescued=0.5", "insert_steps:count=1,before=b"),
    ("redirect:source=a,target=b,to=c,share=0.4",),
    ("insert_steps:count=1,before=a", "redirect:source=added_step_1,target=a,to=b,share=0.5"),
    ("insert_steps:count=1,before=a", "redirect:source=b,target=c,to=added_step_1"),
)


def simulator_of(log, *, unit="user", n_clusters=1, prior=1.0, censor=True):
    present = set(log["event_type"])
    sequences = encode_sequences(log)
    counts = count_transitions(
        cut_journeys(sequences, unit=unit, completion={"x"}, drop={"d"} & present, censor=censor)
    )
    found = find_personas(counts, n_clusters, prior=prior, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(sequences, found, prior=prior)
    return ProductFlowSimulator.from_counts(generator, counts)


def changed_by(*texts):
    return FlowModification(effects=tuple(parse_effect(text) for text in texts))


@settings(max_examples=100)
@given(
    logs(),
    st.sampled_from(["user", "session"]),
    st.integers(1, 3),
    st.sampled_from(MODIFICATIONS),
    st.sampled_from([None, 5, 300]),
)
def test_without_memory_every_change_means_what_it_means_at_first_order(
    log, unit, n_clusters, texts, max_length
):
    assume({"a", "b", "c", "x"} <= set(log["event_type"]) and n_clusters <= log["user_id"].n_unique())
    simulator = simulator_of(log, unit=unit, n_clusters=n_clusters)
    modification = changed_by(*texts)
    try:
        first = solve(modification.apply(simulator.flow), max_length).metrics
    except SimulationError:
        assume(False)
    model = modify(SecondOrder.from_simulator(simulator, prior=ENDLESS), modification)
    second = solve(model.folded(), max_length).metrics
    for metric, values in first.items():
        np.testing.assert_allclose(second[metric], values, rtol=0, atol=1e-9, err_msg=metric)


@given(logs(), st.sampled_from(["user", "session"]), st.integers(1, 3))
def test_unsmoothed_control_equals_the_observed_rate(log, unit, n_clusters):
    assume("x" in set(log["event_type"]) and n_clusters <= log["user_id"].n_unique())
    simulator = simulator_of(log, unit=unit, n_clusters=n_clusters, prior=0.0, censor=False)
    model = SecondOrder.from_simulator(simulator, prior=0.0)
    exact = float(simulator.shares @ solve(model.folded()).converted)
    assert exact == pytest.approx(simulator.journeys.observed_conversion, abs=1e-9)
