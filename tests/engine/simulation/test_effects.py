from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.engine.params import Range
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.assumptions import draw_parameters
from persona_tui.engine.simulation.effects import (
    EFFECTS,
    Friction,
    InsertSteps,
    MixShift,
    Redirect,
    RemoveStep,
    Retime,
    Reward,
    parse_effect,
)
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import solve

factors = st.floats(0, 1)
effects = st.one_of(
    st.builds(InsertSteps, count=st.integers(0, 4), exit_rate=st.one_of(st.none(), factors)),
    st.builds(InsertSteps, count=st.integers(1, 3), before=st.just("e1")),
    st.builds(Friction, factor=factors),
    st.builds(Reward, factor=factors),
    st.builds(Friction, factor=factors, at=st.just(("e0", "e1"))),
    st.builds(Retime, factor=st.floats(0, 100), at=st.just(("e0",))),
)


@given(flows, st.lists(effects, max_size=3))
def test_rows_stay_stochastic_under_any_effects(flow, chosen):
    changed = FlowModification(effects=tuple(chosen)).apply(flow)
    sums = changed.transitions.sum(axis=-1)
    assert sums[:, ~changed.absorbing] == pytest.approx(1, abs=1e-9)
    assert changed.transitions.min() >= 0
    assert changed.starts.sum(axis=-1) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    "effect", [InsertSteps(count=0), Friction(factor=0), Reward(factor=0), Retime(factor=1)]
)
def test_a_neutral_effect_returns_the_same_object(effect):
    flow = random_flow(3)
    assert effect.apply(flow) is flow


@given(flows, factors, factors)
def test_more_friction_never_raises_conversion(flow, one, other):
    less, more = sorted((one, other))
    with_less = solve(Friction(factor=less).apply(flow)).converted
    assert (solve(Friction(factor=more).apply(flow)).converted <= with_less + 1e-12).all()


@given(flows)
def test_full_friction_leaves_those_who_begin_with_completion(flow):
    done = flow.states.index("done")
    assert solve(Friction(factor=1.0).apply(flow)).converted == pytest.approx(flow.starts[:, done], abs=1e-12)


@given(flows, factors)
def test_friction_raises_leaving_by_its_share_of_those_who_went_on(flow, factor):
    changed = Friction(factor=factor).apply(flow)
    before, after = flow.leaving()[:, flow.steps], changed.leaving()[:, flow.steps]
    assert after == pytest.approx(before + factor * (1 - before), abs=1e-12)


@given(flows, factors)
def test_friction_never_touches_returns_and_ends(flow, factor):
    changed = Friction(factor=factor).apply(flow)
    assert (changed.transitions[:, ~flow.steps] == flow.transitions[:, ~flow.steps]).all()


@given(flows, factors)
def test_reward_keeps_its_share_of_those_who_left(flow, factor):
    changed = Reward(factor=factor).apply(flow)
    before, after = flow.leaving()[:, flow.steps], changed.leaving()[:, flow.steps]
    assert after == pytest.approx(before * (1 - factor), abs=1e-12)


@given(flows, factors)
def test_reward_never_lowers_conversion_where_drops_end_the_walk(flow, factor):
    if flow.unit == "session":
        assert (solve(Reward(factor=factor).apply(flow)).converted >= solve(flow).converted - 1e-12).all()


def test_inserted_steps_cost_their_exit_rate_each():
    flow = line_flow(0.9, 0.5)
    changed = InsertSteps(count=3, exit_rate=0.2).apply(flow)
    assert solve(changed).converted[0] == pytest.approx(0.9 * 0.5 * 0.8**3, abs=1e-12)
    assert solve(changed).length[0] == pytest.approx(
        1 + 0.9 + 0.45 * (1 + 0.8 + 0.64) + 0.45 * 0.512, abs=1e-12
    )


def test_steps_without_loss_lengthen_journeys_and_change_no_outcome():
    flow = random_flow(5)
    changed = InsertSteps(count=2, exit_rate=0.0).apply(flow)
    assert solve(changed).converted == pytest.approx(solve(flow).converted, abs=1e-12)
    assert (solve(changed).length > solve(flow).length).all()


def test_the_default_exit_rate_is_that_of_the_steps_which_lead_there():
    changed = InsertSteps(count=1, before="s2").apply(line_flow(0.9, 0.7, 0.5))
    added = changed.index("added_step_1")
    assert changed.leaving()[0, added] == pytest.approx(0.3, abs=1e-12)


def test_a_self_loop_does_not_pass_the_new_step_again():
    flow = random_flow(7, unit="session")
    before = flow.index("e1")
    changed = InsertSteps(count=1, before="e1").apply(flow)
    assert (changed.transitions[:, before, before] == flow.transitions[:, before, before]).all()
    assert (changed.transitions[:, 0, before] == 0).all()
    assert (changed.starts[:, before] == 0).all()


def test_only_named_sources_pass_the_new_step():
    flow = random_flow(7, unit="session")
    changed = InsertSteps(count=1, before="e1", sources=("e0",)).apply(flow)
    e0, e1, e2 = (flow.index(name) for name in ("e0", "e1", "e2"))
    assert (changed.transitions[:, e0, e1] == 0).all()
    assert (changed.transitions[:, e2, e1] == flow.transitions[:, e2, e1]).all()
    assert (changed.starts[:, e1] == flow.starts[:, e1]).all()


def test_effects_act_in_the_order_listed():
    flow = random_flow(9)
    friction, steps = Friction(factor=0.3), InsertSteps(count=2, exit_rate=0.0)
    first = FlowModification(effects=(steps, friction)).apply(flow)
    second = FlowModification(effects=(friction, steps)).apply(flow)
    assert (solve(first).converted < solve(second).converted).all()


def test_steps_inserted_twice_are_numbered_on():
    flow = InsertSteps(count=2).apply(InsertSteps(count=1, before="e1").apply(random_flow(1)))
    assert flow.states[-3:] == ("added_step_1", "added_step_2", "added_step_3")


def test_friction_is_told_as_a_drop_where_that_is_among_the_drop_events():
    flow = random_flow(2)
    changed = solve(Friction(factor=0.5).apply(flow))
    assert (changed.exited < solve(flow).exited).all()
    assert (changed.dropped > solve(flow).dropped).all()


def test_reward_is_refused_where_nobody_went_on():
    flow = line_flow(0.0, 0.5)
    with pytest.raises(SimulationError, match="Nobody was seen to go on from 's0'"):
        Reward(factor=0.5, at=("s0",)).apply(flow)
    assert Reward(factor=0.5).apply(flow).transitions[0, 0] == pytest.approx(flow.transitions[0, 0])
    assert any("s0" in note for note in Reward(factor=0.5).caveats(flow))


@pytest.mark.parametrize(
    ("effect", "error", "text"),
    [
        (Friction(factor=0.1, at=("done",)), SimulationError, "'done' ends a journey"),
        (Friction(factor=0.1, at=("e9",)), UnknownNameError, "Unknown event 'e9'"),
        (InsertSteps(count=1, before="dome"), UnknownNameError, "Did you mean 'done'"),
        (Friction(factor=0.1, at=("return",)), SimulationError, "joins two sessions"),
    ],
)
def test_an_effect_that_does_not_fit_the_flow_is_refused(effect, error, text):
    with pytest.raises(error, match=text):
        effect.apply(random_flow(1))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("friction:factor=1.4", "factor == 1.4, must be <= 1."),
        ("friction", "factor is missing"),
        ("friction:factor=high", "factor == 'high', must be a number"),
        ("friction:faktor=0.1", "Did you mean 'factor'"),
        ("fricton:factor=0.1", "Did you mean 'friction'"),
        ("friction:factor", "'factor' is not key=value"),
        ("friction:factor=0.1,factor=0.2", "given twice"),
        ("insert_steps:count=2.5", "must be a whole number"),
        ("insert_steps:count=-1", "must be >= 0"),
        ("friction:factor=nan", "not a number"),
        ('friction:factor=0.1,at="open', "not closed"),
    ],
)
def test_a_malformed_effect_names_its_fault(text, fault):
    with pytest.raises((SimulationError, UnknownNameError), match=fault):
        parse_effect(text)


def test_every_fault_of_an_effect_is_named_at_once():
    with pytest.raises(SimulationError) as caught:
        parse_effect("insert_steps:count=many,exit_rate=2x,befor=a")
    assert all(word in str(caught.value) for word in ("many", "2x", "befor"))


@given(
    st.builds(
        Friction,
        factor=factors,
        at=st.lists(
            st.text(min_size=1, max_size=8).filter(lambda name: name.strip() == name), max_size=3
        ).map(tuple),
    )
)
def test_effects_read_back_as_written(effect):
    assert parse_effect(str(effect)) == effect


def test_every_effect_describes_itself_and_its_parameters():
    assert EFFECTS.names() == (
        *("insert_steps", "remove_step", "friction", "reward", "redirect", "mix_shift", "retime"),
    )
    assert Friction(factor=0.05).describe() == "lose 5 % more of those who would go on at every step"
    assert InsertSteps(count=1, before="form").describe() == "insert 1 step before form"


def test_shorthand_compiles_to_effects_in_their_order():
    change = FlowModification(additional_steps=2, friction_factor=0.1, reward_factor=0.2)
    assert [effect.name for effect in change.compile()] == ["insert_steps", "friction", "reward"]
    with pytest.raises(SimulationError, match=r"friction_factor == 1.4, must be <= 1.*reward_factor"):
        FlowModification(friction_factor=1.4, reward_factor=-1)


def test_several_completions_each_get_steps_of_their_own():
    flow = random_flow(4, unit="session")
    kinds = np.array(flow.kinds)
    kinds[flow.index("e2")] = 1
    moves = flow.transitions.copy()
    moves[:, flow.index("e2")] = 0
    two = replace(flow, kinds=kinds, transitions=moves)
    changed = InsertSteps(count=1, exit_rate=0.5).apply(two)
    assert changed.n_states == two.n_states + 2
    assert solve(changed).converted == pytest.approx(0.5 * solve(two).converted, abs=1e-12)


def test_an_exit_rate_taken_from_hardly_any_moves_is_told():
    flow = line_flow(0.9, 0.1)
    assert any("from only 10 moves into done" in note for note in InsertSteps(count=1).caveats(flow))
    assert InsertSteps(count=1, exit_rate=0.1).caveats(flow) == []
    assert InsertSteps(count=1, before="s1").caveats(flow) == []


@given(flows, st.sampled_from([1 - 1e-15, 1 - 1e-12, 1 - 1e-8]))
def test_rewards_after_nearly_full_friction_keep_rows_stochastic(flow, friction):
    change = FlowModification(friction_factor=friction, reward_factor=0.5)
    assert change.apply(flow).transitions[:, flow.steps].sum(axis=-1) == pytest.approx(1, abs=1e-9)


def test_retiming_changes_times_and_no_move():
    flow = random_flow(3)
    changed = Retime(factor=0.5, at=("e1",), personas=("2",)).apply(flow)
    expected = np.ones((2, flow.n_states))
    expected[1, flow.index("e1")] = 0.5
    assert changed.time_factors.tolist() == expected.tolist()
    assert (changed.transitions == flow.transitions).all()


def test_times_multiply_and_leave_returns_and_ends():
    flow = random_flow(3)
    changed = Retime(factor=3, at=("e0",)).apply(Retime(factor=2).apply(flow))
    assert changed.time_factors[0].tolist() == [6, 2, 2, 1, 2, 1]


def test_new_steps_take_as_long_as_they_take():
    flow = Retime(factor=2).apply(random_flow(3))
    changed = InsertSteps(count=2, exit_rate=0.0).apply(flow)
    assert changed.time_factors[:, -2:].tolist() == [[1, 1], [1, 1]]
    assert Retime(factor=4, at=("added_step_2",)).apply(changed).time_factors[0, -2:].tolist() == [1, 4]


@given(flows, st.floats(0, 100))
def test_every_edit_carries_times_along(flow, factor):
    slow = Retime(factor=factor, at=("e0", "e2")).apply(flow)
    for effect in (
        Friction(factor=0.2),
        Reward(factor=0.2, personas=("1",)),
        RemoveStep(event="e1", rescued=0.1),
        Redirect(source="e0", target="e1", to="e2"),
        InsertSteps(count=1, personas=("2",)),
        MixShift(persona="1", share=0.4),
    ):
        kept = effect.apply(slow).time_factors[:, : flow.n_states]
        assert kept.tolist() == slow.time_factors.tolist()


def test_times_believed_in_a_range_have_one_factor_a_draw():
    flow, effect = random_flow(3), Retime(factor=Range(0.5, 1, 2), at=("e0",), personas=("1",))
    (drawn,) = draw_parameters((effect,), 5, normalise_seed(0))
    changed = effect.apply(flow, drawn)
    assert changed.time_factors.shape == (5, 2, flow.n_states)
    assert changed.time_factors[:, 0, 0] == pytest.approx(drawn["factor"][:, 0])
    assert (changed.time_factors[:, 1] == 1).all()


@pytest.mark.parametrize("factors", [np.full((1, 1), -1.0), np.full((1, 1), np.nan), np.ones((2, 3))])
def test_times_that_make_no_sense_are_refused(factors):
    with pytest.raises(SimulationError, match="time factor"):
        replace(random_flow(3), time_factors=factors)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("retime:factor=-1", "factor == -1, must be >= 0"),
        ("retime:factor=101", "factor == 101, must be <= 100"),
        ("retime:factor=2,at=done", "'done' ends a journey"),
        ("retime:factor=2,at=return", "'return' joins two sessions"),
    ],
)
def test_times_out_of_bounds_or_at_no_step_are_refused(text, fault):
    with pytest.raises(SimulationError, match=fault):
        parse_effect(text).apply(random_flow(3))


def test_times_are_described_in_words():
    assert Retime(factor=0.5, at=("form",)).describe() == "take 0.5 times as long at form"
    believed = Retime(factor=Range(1, 2, 3), segment="device=mobile")
    assert (
        believed.describe()
        == "take 1 to 3 times (likeliest 2 times) as long at every step where device=mobile"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mix_shift:persona=1,share=1", "make persona 1 100 % of journeys"),
        ("mix_shift:persona=Explorers,share=0.5", "make Explorers 50 % of journeys"),
        ("retime:factor=2,at=form,personas=1|Explorers", "at form for persona 1, Explorers"),
    ],
)
def test_a_persona_known_by_its_number_is_told_to_be_a_persona(text, words):
    assert parse_effect(text).describe().endswith(words)
