"""Steps removed, moves redirected, shares shifted, some personas only, and numbers believed in ranges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.engine.params import Range
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.assumptions import draw_parameters, pert_quantiles
from persona_tui.engine.simulation.effects import (
    Friction,
    InsertSteps,
    MixShift,
    Redirect,
    RemoveStep,
    Reward,
    parse_effect,
)
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import reach, solve

factors = st.floats(0, 1)


@given(flows)
def test_removing_a_step_without_rescue_leaves_unlimited_conversion(flow):
    changed = RemoveStep(event="e1").apply(flow)
    assert solve(changed).converted == pytest.approx(solve(flow).converted, abs=1e-12)
    left = solve(changed).dropped + solve(changed).exited
    assert left == pytest.approx(solve(flow).dropped + solve(flow).exited, abs=1e-12)


@given(flows)
def test_a_removed_step_is_entered_by_nobody(flow):
    changed = RemoveStep(event="e1").apply(flow)
    assert reach(changed, ("e1",))[:, 0] == pytest.approx(flow.starts[:, flow.index("e1")], abs=1e-12)


@given(flows, factors)
def test_rescuing_is_rewarding_the_step_before_it_is_removed(flow, rescued):
    at_once = RemoveStep(event="e1", rescued=rescued).apply(flow)
    rewarded = RemoveStep(event="e1").apply(Reward(factor=rescued, at=("e1",)).apply(flow))
    assert at_once.transitions == pytest.approx(rewarded.transitions, abs=1e-12)


def test_removing_a_step_of_a_line_by_algebra():
    changed = RemoveStep(event="s1", rescued=0.5).apply(line_flow(0.9, 0.4, 0.8))
    assert solve(changed).converted[0] == pytest.approx(0.9 * (0.4 + 0.6 * 0.5) * 0.8, abs=1e-12)


def test_nothing_acts_at_a_step_that_was_removed():
    flow = RemoveStep(event="e1").apply(random_flow(1))
    with pytest.raises(SimulationError, match="'e1' was removed by an earlier effect"):
        Friction(factor=0.1, at=("e1",)).apply(flow)
    with pytest.raises(SimulationError, match="cannot be inserted before 'e1'"):
        InsertSteps(count=1, before="e1").apply(flow)


def test_nobody_is_rescued_where_nobody_went_on():
    with pytest.raises(SimulationError, match="nobody can be rescued"):
        RemoveStep(event="s0", rescued=0.5).apply(line_flow(0.0, 0.5))


@pytest.mark.parametrize("event", ["done", "return"])
def test_ends_and_returns_cannot_be_removed(event):
    with pytest.raises(SimulationError):
        RemoveStep(event=event).apply(random_flow(1))


@given(flows, factors)
def test_redirecting_moves_a_share_of_one_chance(flow, share):
    changed = Redirect(source="e0", target="e1", to="e2", share=share).apply(flow)
    e0, e1, e2 = (flow.index(name) for name in ("e0", "e1", "e2"))
    sent = share * flow.transitions[:, e0, e1]
    assert changed.transitions[:, e0, e1] == pytest.approx(flow.transitions[:, e0, e1] - sent)
    assert changed.transitions[:, e0, e2] == pytest.approx(flow.transitions[:, e0, e2] + sent)
    others = [place for place in range(flow.n_states) if place != e0]
    assert (changed.transitions[:, others] == flow.transitions[:, others]).all()


def test_redirecting_past_a_step_by_algebra():
    changed = Redirect(source="s0", target="s1", to="s2", share=0.5).apply(line_flow(0.9, 0.4, 0.8))
    assert solve(changed).converted[0] == pytest.approx(0.45 * 0.4 * 0.8 + 0.45 * 0.8, abs=1e-12)


def test_a_move_that_nobody_makes_cannot_be_redirected():
    with pytest.raises(SimulationError, match="Nobody moves from 's0' to 's2'"):
        Redirect(source="s0", target="s2", to="s1").apply(line_flow(0.9, 0.4, 0.8))


def test_a_move_that_was_hardly_seen_is_told():
    notes = Redirect(source="s0", target="s1", to="s2").caveats(line_flow(0.1, 0.4, 0.8))
    assert notes == ["redirect: the move from s0 to s1 was seen only 10 times."]


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5), factors)
def test_shifting_the_mix_sets_one_share_and_scales_the_others(weights, share):
    shares = np.array(weights) / sum(weights)
    flow = random_flow(1, n_personas=len(weights))
    shifted = FlowModification(effects=(MixShift(persona="2", share=share),)).shift(shares, flow)
    assert shifted.sum() == pytest.approx(1)
    assert shifted[1] == pytest.approx(share)
    if len(weights) > 2 and share < 1:
        assert shifted[2] / shifted[0] == pytest.approx(shares[2] / shares[0])


def test_the_mix_of_one_persona_cannot_shift():
    with pytest.raises(SimulationError, match="at least two personas"):
        FlowModification(effects=(MixShift(persona="1", share=0.5),)).apply(random_flow(1, n_personas=1))


@given(
    flows,
    st.sampled_from(
        [
            Friction(factor=0.3, personas=("2",)),
            InsertSteps(count=2, personas=("2",)),
            RemoveStep(event="e1", rescued=0.2, personas=("2",)),
            Redirect(source="e0", target="e1", to="e2", share=0.4, personas=("2",)),
        ]
    ),
)
def test_an_effect_limited_to_some_personas_leaves_the_others_alone(flow, effect):
    changed = effect.apply(flow)
    everyone = parse_effect(str(effect).rsplit(",personas", 1)[0]).apply(flow)
    assert solve(changed).converted[0] == pytest.approx(solve(flow).converted[0], abs=1e-12)
    assert solve(changed).length[0] == pytest.approx(solve(flow).length[0], abs=1e-9)
    assert solve(changed).converted[1] == pytest.approx(solve(everyone).converted[1], abs=1e-12)


def test_an_unknown_persona_suggests_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"Unknown persona '3'\. Known: 1, 2"):
        Friction(factor=0.1, personas=("3",)).apply(random_flow(1))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("friction:factor=0.3/0.2/0.5", "must have low <= mode <= high"),
        ("friction:factor=0.1/0.2/1.5", r"factor \(high\) == 1.5, must be <= 1"),
        ("friction:factor=0.1/0.2", "a number or a range low/mode/high"),
        ("insert_steps:count=1/2/3", "must be one number, not a range"),
        ("remove_step:event=a,rescued=1.2", "must be <= 1"),
        ("mix_shift:persona=A,share=1.1", "must be <= 1"),
    ],
)
def test_a_malformed_range_names_its_fault(text, fault):
    with pytest.raises(SimulationError, match=fault):
        parse_effect(text)


@given(st.tuples(factors, factors, factors).map(sorted))
def test_ranges_read_back_as_written(ends):
    effect = Friction(factor=Range(*ends), personas=("A", "b,c"))
    assert parse_effect(str(effect)) == effect


def test_a_pert_distribution_has_its_mean_and_ends():
    belief = Range(0.1, 0.2, 0.6)
    values = pert_quantiles(belief, (np.arange(200_000) + 0.5) / 200_000)
    assert values.mean() == pytest.approx((0.1 + 4 * 0.2 + 0.6) / 6, abs=1e-4)
    assert 0.1 <= values.min() < 0.11
    assert 0.55 < values.max() <= 0.6
    assert pert_quantiles(Range(0.3, 0.3, 0.3), np.array([0.1, 0.9])).tolist() == [0.3, 0.3]


def test_draws_of_parameters_act_as_each_number_alone():
    flow = random_flow(6)
    effects = (
        InsertSteps(count=2, exit_rate=Range(0.0, 0.1, 0.3)),
        Friction(factor=Range(0.0, 0.05, 0.2), at=("e0",)),
        Reward(factor=Range(0.1, 0.2, 0.3)),
        RemoveStep(event="e2", rescued=Range(0.0, 0.5, 1.0)),
        Redirect(source="e0", target="e1", to="done", share=Range(0.1, 0.5, 0.9)),
    )
    drawn = draw_parameters(effects, 7, normalise_seed(0))
    together = solve(FlowModification(effects=effects).apply(flow, drawn), 30).converted
    for draw in range(7):
        numbers = [{name: float(values[draw, 0]) for name, values in one.items()} for one in drawn]
        alone = solve(FlowModification(effects=effects).apply(flow, numbers), 30).converted
        assert together[draw] == pytest.approx(alone, abs=1e-12)


def test_without_draws_a_range_acts_with_its_mean():
    flow, belief = random_flow(6), Range(0.0, 0.1, 0.4)
    believed = Friction(factor=belief).apply(flow)
    assert belief.mean == pytest.approx(0.8 / 6)
    assert (believed.transitions == Friction(factor=belief.mean).apply(flow).transitions).all()


@given(st.tuples(factors, factors, factors).map(sorted))
def test_the_mean_of_a_range_lies_in_it_and_is_the_number_where_there_is_only_one(ends):
    belief = Range(*ends)
    assert belief.low <= belief.mean <= belief.high
    assert Range(belief.mode, belief.mode, belief.mode).mean == belief.mode


def test_shifted_shares_weigh_the_treatment_only():
    flow, shares = random_flow(2), np.array([0.7, 0.3])
    change = FlowModification(effects=(MixShift(persona="1", share=0.2),))
    rates = solve(flow).converted
    assert change.shift(shares, flow) @ rates - shares @ rates == pytest.approx(
        (0.2 * rates[0] + 0.8 * rates[1]) - (0.7 * rates[0] + 0.3 * rates[1])
    )
