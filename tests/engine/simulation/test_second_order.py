import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import logs, make_log

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.simulation.effects import parse_effect
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import expected_visits, reach, solve
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.place_effects import modify
from persona_tui.engine.simulation.second_order import Past, SecondOrder

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


@settings(max_examples=60)
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


def test_what_was_never_seen_goes_on_with_an_unknown_history():
    simulator = simulator_of(make_log({"u": [["a", "b", "x"]], "v": [["c", "x"]]}))
    model = modify(
        SecondOrder.from_simulator(simulator, prior=1.0), changed_by("redirect:source=a,target=b,to=c")
    )
    source = next(n for n, p in enumerate(model.places) if p.event == "a" and p.history is Past.START)
    seen = {
        p.history
        for p, chance in zip(model.places, model.flow.transitions[0, source], strict=False)
        if p.event == "c" and chance > 0.5
    }
    assert seen == {Past.UNKNOWN}


def test_inserted_steps_lose_what_they_lose_at_first_order():
    log = make_log({"u": [["a", "b", "x"]], "v": [["a", "b"]], "w": [["c", "a", "b", "x"]]})
    simulator = simulator_of(log, prior=0.0)
    modification = changed_by("insert_steps:count=1,before=x")
    first = modification.apply(simulator.flow)
    second = modify(SecondOrder.from_simulator(simulator, prior=0.0), modification).flow
    added = first.states.index("added_step_1"), second.states.index("added_step_1")
    assert second.transitions[0, added[1], -2] == first.transitions[0, added[0], -2] > 0


def test_more_pairs_than_the_limit_are_refused():
    words = np.random.default_rng(0).integers(0, 40, size=(80, 40)).astype(str)
    log = make_log({f"u{n}": [[*("e" + word for word in row), "x"]] for n, row in enumerate(words)})
    with pytest.raises(SimulationError, match="more than 600"):
        SecondOrder.from_simulator(simulator_of(log), prior=1.0)


@pytest.mark.real
def test_second_order_foretells_the_funnel_of_loans_better(real_log):
    sequences = encode_sequences(load_event_log(str(real_log("loan_applications"))).events)
    cut = cut_journeys(sequences, completion={"A_ACTIVATED"}, drop={"A_DECLINED", "A_CANCELLED"})
    found = find_personas(count_transitions(cut), 8, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(sequences, found)
    simulator = ProductFlowSimulator.from_counts(generator, count_transitions(cut))
    accepted = cut.vocabulary.index("A_ACCEPTED")
    journeys = np.repeat(np.arange(cut.n_journeys), np.diff(cut.offsets))
    observed = len(np.unique(journeys[cut.steps == accepted])) / cut.n_journeys
    first = float(simulator.shares @ reach(simulator.flow, ("A_ACCEPTED",))[:, 0])
    model = SecondOrder.from_simulator(simulator, prior=10.0)
    flow = model.folded()
    at = np.array([state.endswith("› A_ACCEPTED") for state in flow.states])
    moves = np.where(at[:, None], 0.0, flow.transitions)
    second = float(simulator.shares @ expected_visits(flow.starts, moves, None)[0][:, at].sum(axis=-1))
    assert observed == pytest.approx(0.3907, abs=1e-4)
    assert first < second < observed
    assert observed - second < 0.6 * (observed - first)
