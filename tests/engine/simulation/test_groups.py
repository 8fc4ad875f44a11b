"""Groups of users by attribute: which are told."""

import polars as pl
import pytest
from support import make_log

from persona_tui.engine.data.attributes import attributes_of
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import UnknownNameError
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.groups import FEWEST_USERS, MOST_VALUES, reported_groups
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator


def simulator_of(devices):
    """Return a simulator of as many users as devices."""
    names = [f"u{place:03}" for place in range(len(devices))]
    log = make_log({name: [["a", "x"] if place % 2 else ["a"]] for place, name in enumerate(names)})
    log = log.join(pl.DataFrame({"user_id": names, "device": devices}), on="user_id")
    return ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log),
        completion_events={"x"},
        censor=False,
        attributes=attributes_of(log, encode_sequences(log)),
    )


def test_groups_come_the_largest_first():
    simulator = simulator_of(["mobile"] * 40 + ["desktop"] * 60 + ["tablet"] * 50)
    assert reported_groups(simulator, "device") == ("device=desktop", "device=tablet", "device=mobile")


@pytest.mark.parametrize(("n_mobile", "told"), [(FEWEST_USERS, True), (FEWEST_USERS - 1, False)])
def test_a_group_of_fewer_users_than_may_be_told_is_left_out(n_mobile, told):
    groups = reported_groups(simulator_of(["mobile"] * n_mobile + ["desktop"] * 60), "device")
    assert ("device=mobile" in groups) is told
    assert "device=desktop" in groups


def test_unknown_values_make_no_group():
    simulator = simulator_of(["mobile"] * 40 + ["desktop"] * 40 + [None] * 40)
    assert reported_groups(simulator, "device") == ("device=desktop", "device=mobile")


@pytest.mark.parametrize("devices", [["mobile"] * 60, [f"d{n % (MOST_VALUES + 1)}" for n in range(600)]])
def test_an_attribute_of_one_value_or_of_too_many_makes_no_groups(devices):
    assert reported_groups(simulator_of(devices), "device") == ()


def test_a_simulator_without_attributes_has_no_groups(sample):
    generator = MarkovPersonaGenerator.pooled(sample.sequences)
    assert reported_groups(ProductFlowSimulator.from_counts(generator, sample.counts), "device") == ()


def test_an_unknown_attribute_is_refused():
    with pytest.raises(UnknownNameError, match="Did you mean 'device'"):
        reported_groups(simulator_of(["mobile"] * 60), "devise")


def test_names_with_commas_are_quoted_so_that_they_can_be_given_as_segments():
    simulator = simulator_of(["a,b", "[/red]"] * 40)
    for group in reported_groups(simulator, "device"):
        assert simulator.attributes.in_segment(group).sum() == 40
