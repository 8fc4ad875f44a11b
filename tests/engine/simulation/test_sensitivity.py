import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import flows, line_flow, random_flow

from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.engine.params import Range
from persona_tui.engine.simulation.edits import add_friction
from persona_tui.engine.simulation.effects import Friction, InsertSteps, MixShift, Reward
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.sensitivity import break_even, dose_response, tornado, vary

ONE = np.ones(1)
SHARES = np.array([0.7, 0.3])
FEW, SOME = settings(max_examples=8), settings(max_examples=20)
CHANGE = FlowModification(additional_steps=2, friction_factor=0.1, effects=(Reward(factor=0.4, at=("e0",)),))
PARTS = FlowModification(effects=(Friction(factor=0.1), Reward(factor=0.5)))


def uplift(flow, change, shares=SHARES, max_length=None):
    gain = solve(change.apply(flow), max_length).converted - solve(flow, max_length).converted
    return float(shares @ gain)


def bent(curve):
    """Return the change whose uplift, where half of all go on from the only step, is a curve of its value."""

    def build(value):
        uplift = 2 * curve(value)
        return FlowModification(effects=(Friction(factor=-uplift) if uplift < 0 else Reward(factor=uplift),))

    return build


def meet(curve, low, high, **options):
    return break_even(line_flow(0.5), bent(curve), low, high, shares=ONE, **options)


def test_varying_a_number_keeps_the_order_and_all_other_effects():
    varied = vary(CHANGE, 1, "factor", 0.2)
    assert [str(effect) for effect in varied.compile()] == [
        "insert_steps:count=2,exit_rate=0.0",
        "friction:factor=0.2",
        "reward:factor=0.4,at=e0",
    ]


@given(flows)
def test_varying_a_number_to_its_own_value_changes_no_outcome(flow):
    same = vary(CHANGE, 2, "factor", 0.4)
    assert uplift(flow, same) == uplift(flow, CHANGE)


def test_a_varied_modification_is_described_anew():
    assert "30 %" in vary(FlowModification(friction_factor=0.1), 0, "factor", 0.3).description


def test_a_whole_number_may_be_given_as_a_float():
    assert vary(CHANGE, 0, "count", 3.0).compile()[0] == InsertSteps(count=3, exit_rate=0.0)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((1, "factor"), 1.4, "factor == 1.4, must be <= 1"),
        ((0, "count"), 2.5, "must be a whole number"),
        ((2, "at"), 1.0, "at is not a number"),
        ((3, "factor"), 0.1, "no effect 3. Effects, from 0: insert_steps, friction, reward"),
    ],
)
def test_what_cannot_be_varied_is_refused_with_the_bound(place, value, message):
    with pytest.raises(SimulationError, match=message):
        vary(CHANGE, *place, value)


def test_an_unknown_parameter_is_refused_with_the_near_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'factor'"):
        vary(CHANGE, 1, "facto", 0.1)


def test_a_tornado_moves_each_number_by_half_unless_a_range_is_given():
    found = tornado(random_flow(3), CHANGE, shares=SHARES, ranges={(0, "exit_rate"): (0.0, 0.1)})
    ranges = {driver.name: (driver.values, driver.assumed) for driver in found.drivers}
    assert ranges == {
        "insert_steps.count": ((1, 3), True),
        "insert_steps.exit_rate": ((0.0, 0.1), False),
        "friction.factor": ((0.05, pytest.approx(0.15)), True),
        "reward.factor": ((0.2, pytest.approx(0.6)), True),
    }


def test_default_ranges_stay_within_the_bounds_and_round_outward():
    change = FlowModification(effects=(InsertSteps(count=1, exit_rate=0.1), Friction(factor=0.8)))
    ranges = {d.name: d.values for d in tornado(line_flow(0.9, 0.5), change, shares=ONE).drivers}
    assert ranges["insert_steps.count"] == (0, 2)
    assert ranges["friction.factor"] == pytest.approx((0.4, 1.0))


@SOME
@given(flows, st.sampled_from([None, 12]))
def test_every_driver_holds_the_uplifts_at_its_ends(flow, max_length):
    found = tornado(flow, PARTS, shares=SHARES, max_length=max_length)
    assert found.uplift == pytest.approx(uplift(flow, PARTS, SHARES, max_length), abs=1e-14)
    for index, name in enumerate(("friction.factor", "reward.factor")):
        driver = next(each for each in found.drivers if each.name == name)
        ends = [uplift(flow, vary(PARTS, index, "factor", v), SHARES, max_length) for v in driver.values]
        assert driver.uplifts == pytest.approx(ends, abs=1e-14)


@FEW
@given(flows)
def test_drivers_are_sorted_by_width(flow):
    widths = [driver.width for driver in tornado(flow, CHANGE, shares=SHARES, data=(-0.02, 0.01)).drivers]
    assert widths == sorted(widths, reverse=True)


def test_the_data_is_a_driver_among_the_others():
    found = tornado(random_flow(3), PARTS, shares=SHARES, data=(-0.9, 0.8))
    assert (found.drivers[0].name, found.drivers[0].uplifts) == ("data", (-0.9, 0.8))
    assert found.drivers[0].width == pytest.approx(1.7)


def test_a_number_stated_as_a_range_moves_in_it():
    change = FlowModification(effects=(Friction(factor=Range(0.02, 0.05, 0.2)),))
    (driver,) = tornado(line_flow(0.9), change, shares=ONE).drivers
    assert (driver.values, driver.assumed) == ((0.02, 0.2), False)
    assert driver.uplifts == pytest.approx((-0.9 * 0.02, -0.9 * 0.2))


def test_a_shift_of_the_mix_moves_the_total_but_no_persona():
    flow = random_flow(3)
    change = FlowModification(effects=(MixShift(persona="1", share=0.7),))
    curve = dose_response(flow, lambda v: vary(change, 0, "share", v), [0.2, 0.7], shares=SHARES)
    first, second = solve(flow).converted
    assert curve.uplift == pytest.approx([0.5 * (second - first), 0.0], abs=1e-14)
    assert (curve.by_persona == 0).all()


def test_an_effect_that_occurs_twice_is_numbered():
    change = FlowModification(effects=(Friction(factor=0.1, at=("s0",)), Friction(factor=0.2, at=("s1",))))
    names = {driver.name for driver in tornado(line_flow(0.9, 0.5), change, shares=ONE).drivers}
    assert names == {"friction 1.factor", "friction 2.factor"}


def test_all_faults_of_the_ranges_are_named_at_once():
    ranges = {(0, "factor"): (0.2, 1.4), (1, "factor"): (0.6, 0.3), (5, "factor"): (0.0, 1.0)}
    with pytest.raises(SimulationError) as caught:
        tornado(line_flow(0.9), PARTS, shares=ONE, ranges=ranges)
    for part in ("factor == 1.4, must be <= 1", "0.6 to 0.3 has its low above", "no effect 5"):
        assert part in str(caught.value)


@SOME
@given(flows, st.sampled_from([None, 12]))
def test_a_dose_response_is_the_uplift_at_each_value(flow, max_length):
    values = np.linspace(0, 1, 5)
    curve = dose_response(
        flow, lambda v: vary(PARTS, 0, "factor", v), values, shares=SHARES, max_length=max_length
    )
    direct = [uplift(flow, vary(PARTS, 0, "factor", float(v)), SHARES, max_length) for v in values]
    assert curve.uplift == pytest.approx(direct, abs=1e-14)
    assert curve.by_persona @ SHARES == pytest.approx(curve.uplift)
    assert curve.by_persona.shape == (5, 2)


def test_a_dose_response_cannot_be_changed():
    curve = dose_response(line_flow(0.5), bent(lambda v: v), [0.0, 0.1], shares=ONE)
    with pytest.raises(ValueError, match="read-only"):
        curve.uplift[0] = 1.0


@FEW
@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_friction_breaks_even_with_a_reward_where_algebra_says(stay, reward):
    # the chance to go on becomes 1 - (1 - reward) (1 - stay (1 - f)), which is stay at:
    root = (1 / (1 - reward) - 1) * (1 - stay) / stay
    change = FlowModification(effects=(Friction(factor=0.1), Reward(factor=reward)))
    found = break_even(line_flow(stay), lambda v: vary(change, 0, "factor", v), 0.0, 0.99, shares=ONE)
    if root < 0.98:
        (crossing,) = found.crossings
        assert crossing.value == pytest.approx(root, abs=1e-9)
        assert not crossing.rising
    elif root > 1.02:
        assert (found.crossings, found.side) == ((), "above")


@FEW
@given(flows, st.floats(0.02, 0.9))
def test_the_uplift_at_a_break_even_is_the_target(flow, share):
    full = uplift(flow, FlowModification(friction_factor=1.0))
    found = break_even(
        flow,
        lambda v: FlowModification(friction_factor=v),
        0.0,
        1.0,
        shares=SHARES,
        target=share * full,
    )
    (crossing,) = found.crossings
    moved = SHARES @ solve(add_friction(flow, crossing.value, flow.steps)).converted
    assert moved - SHARES @ solve(flow).converted == pytest.approx(share * full, abs=1e-12)


@pytest.mark.parametrize(
    ("curve", "side", "words"),
    [
        (lambda v: -0.1 - v, "below", "is below zero for all values from 0 to 0.3"),
        (lambda v: 0.1 + v, "above", "is above zero for all values from 0 to 0.3"),
        (lambda v: -v, "below", "is below zero"),
        (lambda v: 0 * v, "at", "is at zero"),
        (lambda v: 0.1 - v, "both", "falls through it at 0.1."),
    ],
)
def test_a_break_even_says_on_which_side_the_uplift_lies(curve, side, words):
    found = meet(curve, 0.0, 0.3)
    assert found.side == side
    assert bool(found.crossings) == (side == "both")
    assert words in found.describe()
    assert found.uplifts == pytest.approx((curve(0.0), curve(0.3)), abs=1e-12)


def test_no_change_at_the_end_of_the_range_is_no_crossing():
    found = break_even(random_flow(3), lambda v: FlowModification(friction_factor=v), 0, 1, shares=SHARES)
    assert (found.side, found.crossings) == ("below", ())


def test_all_crossings_of_a_curve_that_turns_are_found_in_order():
    found = meet(lambda v: 0.1 * np.sin(v), 1.0, 12.0)
    assert [c.value for c in found.crossings] == pytest.approx([np.pi, 2 * np.pi, 3 * np.pi], abs=1e-9)
    assert [c.rising for c in found.crossings] == [False, True, False]


@FEW
@given(st.floats(0.1, 0.9), st.floats(1e-4, 1e-2))
def test_two_crossings_between_scanned_values_are_found_at_the_turning_point(turn, half):
    found = meet(lambda v: 0.2 * ((v - turn) ** 2 - half**2), 0.0, 1.0)
    assert [c.value for c in found.crossings] == pytest.approx([turn - half, turn + half], abs=1e-6)


def test_a_curve_that_only_touches_the_target_crosses_nothing():
    found = meet(lambda v: 0.1 * (v - 0.5) ** 2, 0.0, 1.0)
    assert (found.side, found.crossings) == ("above", ())


def test_a_stretch_at_the_target_counts_once():
    found = meet(lambda v: 0.2 * (min(v - 0.25, 0) + max(v - 0.75, 0)), 0.0, 1.0)
    assert [(c.value, c.rising) for c in found.crossings] == [(pytest.approx(0.25), True)]


def test_a_target_may_be_any_uplift():
    assert meet(lambda v: v, 0.0, 0.3, target=0.125).crossings[0].value == pytest.approx(0.125)


def test_an_empty_range_is_refused():
    with pytest.raises(SimulationError, match=r"0.3 to 0.3 holds no values"):
        meet(lambda v: v, 0.3, 0.3)
