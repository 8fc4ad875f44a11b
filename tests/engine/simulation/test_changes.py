"""The difference of two flows, told row by row."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from support import flows, line_flow, random_flow

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.changes import describe_changes, sentences
from persona_tui.engine.simulation.effects import Friction, InsertSteps, Redirect, RemoveStep, Retime
from persona_tui.engine.simulation.environment import FlowModification


def told(flow, *effects):
    return sentences(describe_changes(flow, FlowModification(effects=effects).apply(flow)), most=1_000)


def split_flow(seed):
    """Return a flow of two personas, each with a chain for users in no segment and one for mobile users."""
    flow = random_flow(seed)
    return replace(
        flow,
        starts=np.repeat(flow.starts, 2, axis=0),
        transitions=np.repeat(flow.transitions, 2, axis=0),
        support=np.repeat(flow.support, 2, axis=0) / 2,
        time_factors=np.repeat(flow.time_factors, 2, axis=0),
        personas=("A", "A", "B", "B"),
        segments=(frozenset(), frozenset({"device=mobile"})) * 2,
    )


def test_nothing_is_told_of_a_flow_that_did_not_change():
    flow = random_flow(1)
    assert describe_changes(flow, flow) == ()
    assert told(flow, Redirect(source="e0", target="e1", to="e2", share=1e-12)) == []


def test_a_change_is_told_in_one_sentence():
    assert told(line_flow(0.62), Friction(factor=0.05)) == [
        "s0 → done: 62.0 % → 58.9 % (all personas)",
        "s0 → leaves by friction: 0.0 % → 3.1 % (all personas)",
    ]


def test_new_steps_are_told_as_new_before_anything_else():
    changes = told(line_flow(0.9, 0.5), InsertSteps(count=2, exit_rate=0.2), Friction(factor=0.1, at=("s0",)))
    assert changes[:4] == [
        "added_step_1 (new) → added_step_2: 80.0 % (all personas)",
        "added_step_1 (new) → leaves: 20.0 % (all personas)",
        "added_step_2 (new) → done: 80.0 % (all personas)",
        "added_step_2 (new) → leaves: 20.0 % (all personas)",
    ]
    assert "s1 → added_step_1: 0.0 % → 50.0 % (all personas)" in changes


def test_journeys_that_start_elsewhere_are_told():
    changes = told(line_flow(0.9, 0.5), InsertSteps(count=1, before="s0", exit_rate=0.0))
    assert "starts at s0: 100.0 % → 0.0 % (all personas)" in changes
    assert "starts at added_step_1: 0.0 % → 100.0 % (all personas)" in changes


def test_other_times_are_told_as_factors():
    assert told(line_flow(0.9, 0.5), Retime(factor=0.5, at=("s1",))) == [
        "time at s1: × 1 → × 0.5 (all personas)"
    ]


@given(flows)
def test_every_number_that_differs_is_told_once_for_each_persona(flow):
    treatment = RemoveStep(event="e1", rescued=0.3, personas=("2",)).apply(flow)
    changes = describe_changes(flow, treatment)
    differs = np.abs(treatment.transitions - flow.transitions) > 1e-9
    assert len(changes) == differs.sum()
    assert {change.who for change in changes} == {("2",)}
    assert [change.weight for change in changes] == pytest.approx(
        sorted((change.weight for change in changes), reverse=True), abs=1e-6
    )


def test_the_change_that_most_journeys_pass_comes_first():
    changes = describe_changes(line_flow(0.9, 0.1), Friction(factor=0.1).apply(line_flow(0.9, 0.1)))
    assert changes[0].state == "s0"
    assert changes[0].support == 90
    assert changes[0].weight == pytest.approx(100 * 0.09)


def test_a_change_for_a_segment_is_told_once_where_chains_are_the_same():
    flow = split_flow(3)
    for effect, who in [
        (
            Friction(factor=0.1, at=("e0",), segment="device=mobile", personas=("A",)),
            "A, where device=mobile",
        ),
        (Friction(factor=0.1, at=("e0",), personas=("A",)), "A"),
    ]:
        assert {change.who for change in describe_changes(flow, effect.apply(flow))} == {(who,)}
    same = replace(flow, transitions=np.repeat(flow.transitions[:1], 4, axis=0))
    changed = Friction(factor=0.1, at=("e0",), segment="device=mobile").apply(same)
    assert {change.who for change in describe_changes(same, changed)} == {
        ("all personas, where device=mobile",)
    }


def test_users_in_no_segment_are_told_as_such():
    flow = split_flow(3)
    once = Friction(factor=0.1, at=("e0",), segment="device=mobile").apply(flow)
    everyone = Friction(factor=0.1, at=("e0",)).apply(flow)
    whos = {change.who for change in describe_changes(once, everyone)}
    assert whos == {("A, where in no segment",), ("B, where in no segment",)}


def test_a_long_list_says_how_many_changes_are_left_out():
    flow = random_flow(2)
    changes = describe_changes(flow, Friction(factor=0.1).apply(flow))
    shown = sentences(changes, most=5)
    assert len(shown) == 6
    assert shown[-1] == f"… and {len(changes) - 5} smaller changes that are not shown."


def test_flows_of_other_states_or_with_draws_cannot_be_compared():
    flow = random_flow(1)
    with pytest.raises(SimulationError, match="other states"):
        describe_changes(flow, random_flow(1, unit="session"))
    batch = replace(flow, starts=flow.starts[None], transitions=flow.transitions[None])
    with pytest.raises(SimulationError, match="without leading axes"):
        describe_changes(flow, batch)
