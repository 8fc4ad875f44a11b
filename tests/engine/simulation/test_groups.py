"""Groups of users by attribute: which part of every persona's journeys is theirs."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import make_log

from persona_tui.engine.data.attributes import attributes_of
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.groups import FEWEST_USERS, MOST_VALUES, attribute_groups
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.segments import split_by_segments

SEGMENTS = ["device=mobile", "plan=free", "country=DE|US"]


@pytest.fixture(scope="module")
def simulator(sample):
    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 3, random_state=0)
    )
    attributes = attributes_of(sample.events, sample.sequences)
    return ProductFlowSimulator.from_counts(generator, sample.counts, attributes=attributes)


def simulator_of(devices, *, sessions=1):
    """Return a simulator of as many users as devices, with some sessions each."""
    names = [f"u{place:03}" for place in range(len(devices))]
    log = make_log(
        {name: [["a", "x"] if place % 2 else ["a"]] * sessions for place, name in enumerate(names)}
    )
    log = log.join(pl.DataFrame({"user_id": names, "device": devices}), on="user_id")
    return ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log),
        completion_events={"x"},
        censor=False,
        attributes=attributes_of(log, encode_sequences(log)),
    )


def parts_of(groups, attribute):
    return np.stack([group.part for group in groups if group.name.startswith(f"{attribute}=")])


@pytest.mark.parametrize("attribute", ["age_band", "channel", "country", "device", "plan"])
def test_the_groups_of_an_attribute_share_every_chain_between_them(simulator, attribute):
    parts = parts_of(attribute_groups(simulator), attribute)
    assert (parts >= 0).all()
    np.testing.assert_allclose(parts.sum(axis=0), 1, atol=1e-12)  # the sample log has no unknown values


@given(segments=st.lists(st.sampled_from(SEGMENTS), unique=True))
def test_parts_of_chains_sum_to_one_at_most_with_users_told_apart(simulator, segments):
    split = split_by_segments(simulator, segments)
    groups = attribute_groups(split)
    assert all(group.part.shape == split.shares.shape for group in groups)
    for attribute in ("device", "plan", "channel"):
        assert (parts_of(groups, attribute).sum(axis=0) <= 1 + 1e-12).all()


def test_a_group_walks_only_the_chains_that_its_users_walk(simulator):
    split = split_by_segments(simulator, ["device=mobile"])
    (mobile,) = (group for group in attribute_groups(split) if group.name == "device=mobile")
    inside = np.array(["device=mobile" in pattern for pattern in split.segments])
    np.testing.assert_allclose(mobile.part, inside, atol=1e-12)


def test_telling_users_apart_leaves_every_group_its_share_of_journeys(simulator):
    split = split_by_segments(simulator, ["device=mobile", "plan=free"])
    for before, after in zip(attribute_groups(simulator), attribute_groups(split), strict=True):
        assert before.name == after.name
        assert after.part @ split.shares == pytest.approx(before.part @ simulator.shares, abs=1e-12)


def test_users_who_are_all_in_one_persona_take_part_in_no_other():
    simulator = simulator_of(["mobile", "desktop"] * 40)
    of_devices = np.tile([[1.0, 0.0], [0.0, 1.0]], (40, 1))
    generator = replace(simulator.generator, names=("even", "odd"), memberships=of_devices)
    apart = ProductFlowSimulator(
        generator, completion_events={"x"}, censor=False, attributes=simulator.attributes
    )
    parts = {group.name: group.part.tolist() for group in attribute_groups(apart)}
    assert parts == {"device=mobile": [1.0, 0.0], "device=desktop": [0.0, 1.0]}


def test_groups_come_by_attribute_the_largest_first(simulator):
    groups = attribute_groups(simulator)
    names = [group.name.split("=")[0] for group in groups]
    assert names == sorted(names, key=simulator.attributes.names.index)
    sizes = [group.n_users for group in groups if group.name.startswith("channel=")]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(("n_mobile", "told"), [(FEWEST_USERS, True), (FEWEST_USERS - 1, False)])
def test_a_group_of_fewer_users_than_may_be_told_is_left_out(n_mobile, told):
    groups = attribute_groups(simulator_of(["mobile"] * n_mobile + ["desktop"] * 60))
    assert ("device=mobile" in [group.name for group in groups]) is told
    assert "device=desktop" in [group.name for group in groups]


def test_unknown_values_make_no_group_but_take_their_part():
    groups = attribute_groups(simulator_of(["mobile"] * 40 + ["desktop"] * 40 + [None] * 40))
    assert [group.name for group in groups] == ["device=desktop", "device=mobile"]
    np.testing.assert_allclose(parts_of(groups, "device").sum(axis=0), 2 / 3)


@pytest.mark.parametrize("devices", [["mobile"] * 60, [f"d{n % (MOST_VALUES + 1)}" for n in range(600)]])
def test_an_attribute_of_one_value_or_of_too_many_makes_no_groups(devices):
    assert attribute_groups(simulator_of(devices)) == ()


def test_a_simulator_without_attributes_has_no_groups(sample):
    generator = MarkovPersonaGenerator.pooled(sample.sequences)
    assert attribute_groups(ProductFlowSimulator.from_counts(generator, sample.counts)) == ()


def test_names_with_commas_are_quoted_so_that_they_can_be_given_as_segments():
    simulator = simulator_of(["a,b", "[/red]"] * 40)
    for group in attribute_groups(simulator):
        assert simulator.attributes.in_segment(group.name).sum() == 40
