"""Modifications that do not fit the flow, or contradict themselves, are refused with every fault named."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.engine.params import Range
from persona_tui.engine.simulation.effects import parse_effect
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator


def modification(*texts):
    return FlowModification(effects=tuple(parse_effect(text) for text in texts))


def fault_of(*texts, flow=None):
    with pytest.raises((SimulationError, UnknownNameError)) as caught:
        modification(*texts).apply(flow or random_flow(1))
    return caught.value.message


def test_every_fault_is_told_at_once_with_the_place_of_its_effect():
    message = fault_of(
        "friction:factor=0.1,at=e7|e8",
        "reward:factor=0.1",
        "redirect:source=e0,target=e9,to=e1",
        "friction:factor=0.2,personas=5,at=done",
    )
    assert message.startswith("4 faults: effect 1 (friction): Unknown event 'e7'.")
    assert "; effect 1 (friction): Unknown event 'e8'. " in message
    assert "; effect 3 (redirect): Unknown event 'e9'. " in message
    assert message.endswith("; effect 4 (friction): Unknown persona '5'. Known: 1, 2.")


def test_a_single_fault_is_told_as_it_is():
    with pytest.raises(UnknownNameError, match=r"^Unknown event 'e9'\. Known: e0"):
        modification("friction:factor=0.1,at=e9").apply(random_flow(1))


def test_names_are_looked_up_in_effects_that_change_nothing_too():
    assert "Unknown event 'e9'" in fault_of("friction:factor=0,at=e9")


def test_an_effect_with_a_fault_is_passed_over_so_that_later_faults_are_found():
    message = fault_of(
        "friction:factor=0.1,at=e9", "insert_steps:count=1,exit_rate=0", "reward:factor=1,at=e9"
    )
    assert message.startswith("2 faults:")
    assert "added_step_1" not in message.split("effect 3")[0]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("remove_step:event=e1", "remove_step:event=e1"), "'e1' was removed by effect 1."),
        (("remove_step:event=e1", "friction:factor=0.1,at=e1"), "'e1' was removed by effect 1."),
        (("remove_step:event=e1", "insert_steps:count=1,before=e1"), "'e1' was removed by effect 1."),
        (("remove_step:event=e1", "redirect:source=e0,target=e1,to=e2"), "'e1' was removed by effect 1."),
        (("remove_step:event=e1", "redirect:source=e0,target=e2,to=e1"), "'e1' was removed by effect 1."),
        (
            ("remove_step:event=e1,personas=1", "reward:factor=0.1,at=e1,personas=1"),
            "'e1' was removed by effect 1 for persona 1.",
        ),
        (("mix_shift:persona=1,share=0.4",) * 2, "The share of '1' is set by effect 1 already."),
        (
            ("mix_shift:persona=1,share=0.7", "mix_shift:persona=2,share=0.5"),
            "The shares that are set add up to as much as 1.2, above 1.",
        ),
        (
            ("mix_shift:persona=1,share=0.3", "mix_shift:persona=2,share=0.5"),
            "The shares of all 2 personas are set, but they do not add up to 1.",
        ),
        (
            ("redirect:source=e0,target=e1,to=e2", "redirect:source=e0,target=e1,to=e2"),
            "Nobody moves from 'e0' to 'e1', so there is no move to redirect.",
        ),
        (
            ("insert_steps:count=1,before=e1,sources=e1",),
            "Nobody comes from e1 to e1, so nobody would pass the new steps.",
        ),
    ],
)
def test_effects_that_contradict_each_other_are_refused(texts, told):
    assert fault_of(*texts) == told


@pytest.mark.parametrize(
    "texts",
    [
        ("remove_step:event=e1,personas=1", "remove_step:event=e1,personas=2"),
        ("remove_step:event=e1,personas=1", "friction:factor=0.1,at=e1,personas=2"),
        ("remove_step:event=e1,personas=1", "friction:factor=0.1,at=e1"),
        ("friction:factor=0.1,at=e1",) * 2,
        ("retime:factor=2,at=e1", "retime:factor=0.5,at=e1"),
        ("redirect:source=e0,target=e1,to=e2,share=0.7",) * 2,
        ("mix_shift:persona=1,share=0.3", "mix_shift:persona=2,share=0.7"),
        ("insert_steps:count=1,exit_rate=0", "friction:factor=0.1,at=added_step_1"),
    ],
)
def test_effects_that_only_meet_each_other_are_taken(texts):
    change, flow = modification(*texts), random_flow(1)
    change.apply(flow)
    assert change.shift(np.array([0.5, 0.5]), flow).sum() == pytest.approx(1)


def test_shares_believed_in_a_range_may_not_add_up_to_more_than_one():
    shifts = ("mix_shift:persona=1,share=0.1/0.2/0.6", "mix_shift:persona=2,share=0.1/0.2/0.5")
    assert "add up to as much as 1.1" in fault_of(*shifts, flow=random_flow(1, n_personas=3))


def test_a_share_that_is_set_stays_as_it_is_set():
    change = modification("mix_shift:persona=1,share=0.6", "mix_shift:persona=3,share=0.1")
    shifted = change.shift(np.array([0.2, 0.3, 0.3, 0.2]), random_flow(1, n_personas=4))
    assert shifted == pytest.approx([0.6, 0.3 * 0.3 / 0.5, 0.1, 0.3 * 0.2 / 0.5])


def test_nobody_is_left_to_make_up_the_rest_of_the_journeys():
    change = modification("mix_shift:persona=1,share=0.6")
    with pytest.raises(SimulationError, match="cannot make up the rest"):
        change.shift(np.array([1.0, 0.0]), random_flow(1))


def test_a_step_that_nobody_ever_gets_past_cannot_be_removed():
    loops = line_flow(0.5, 0.5)
    moves = loops.transitions.copy()
    moves[0, 1] = [0, 0.5, 0, 0.5, 0]
    stuck = replace(loops, transitions=moves)
    assert "stays there for ever" in fault_of("remove_step:event=s1,rescued=1", flow=stuck)


def test_nothing_is_redirected_where_only_untouched_personas_make_the_move():
    flow = random_flow(1)
    moves = flow.transitions.copy()
    moves[0, 0, 2] += moves[0, 0, 1]
    moves[0, 0, 1] = 0.0
    told = fault_of("redirect:source=e0,target=e1,to=e2,personas=1", flow=replace(flow, transitions=moves))
    assert told.startswith("Nobody moves from 'e0' to 'e1' for persona 1,")


def test_the_shorthand_takes_ranges():
    change = FlowModification(friction_factor=Range(0.0, 0.1, 0.2), reward_factor=Range(0.0, 0.0, 0.1))
    assert [str(each) for each in change.compile()] == [
        "friction:factor=0.0/0.1/0.2",
        "reward:factor=0.0/0.0/0.1",
    ]
    with pytest.raises(SimulationError, match="must have low <= mode <= high"):
        FlowModification(friction_factor=Range(0.3, 0.1, 0.2))


def test_what_fits_no_personas_is_refused_before_they_are_found():
    pooled = random_flow(1, n_personas=1)
    fits = modification(
        "remove_step:event=e1,personas=Fast",
        "friction:factor=0.1,at=e1,personas=Slow",
        "remove_step:event=e2,segment=device=mobile",
        "friction:factor=0.1,at=e2,segment=device=desktop",
        "mix_shift:persona=Fast,share=0.3",
    )
    fits.check_before_personas(pooled)
    with pytest.raises(SimulationError, match=r"2 faults: effect 1 .*'e9'.*effect 3 .*above 1"):
        modification(
            "friction:factor=0.1,at=e9,personas=Fast",
            "mix_shift:persona=A,share=0.8",
            "mix_shift:persona=B,share=0.8",
        ).check_before_personas(pooled)


@given(flows, st.floats(0, 1), st.floats(0, 1))
def test_the_check_before_personas_refuses_nothing_that_a_pooled_flow_takes(flow, factor, rescued):
    change = modification(f"friction:factor={factor!r}", f"remove_step:event=e1,rescued={rescued!r}")
    change.check_before_personas(random_flow(3, n_personas=1))
    change.apply(flow)


def test_events_named_like_synthetic_steps_are_renamed_and_simulated(tmp_path):
    path, events = tmp_path / "log.csv", ["landing", "added_step_1", "friction_drop", "return", "done"]
    rows = [
        f"u{user},2026-01-{day:02}T10:0{place}:00Z,{event}"
        for user in range(20)
        for day in (1 + user % 5,)
        for place, event in enumerate(events[: 2 + user % 4])
    ]
    path.write_text("\n".join(["user_id,timestamp,event_type", *rows]))
    log = load_event_log(path)
    assert any("'added_step_1' renamed to 'event_added_step_1'" in each for each in log.quality.repairs)
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log.events),
        completion_events={"done"},
        drop_events={"friction_drop"},
    )
    change = modification("insert_steps:count=1,exit_rate=0.5", "friction:factor=0.1,at=event_added_step_1")
    changed = change.apply(simulator.flow)
    assert changed.states[-1] == "added_step_1"
    assert solve(changed).converted[0] < solve(simulator.flow).converted[0]


def test_two_states_of_one_name_are_refused():
    flow = random_flow(1)
    with pytest.raises(SimulationError, match="Two states are called 'e0'"):
        replace(flow, states=("e0", *flow.states[:1], *flow.states[2:]))
