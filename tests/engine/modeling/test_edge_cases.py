"""Logs at the edge of what can be asked of them: a clear result, or an error that says what to do."""

import numpy as np
import polars as pl
import pytest
from support import make_log

from persona_tui.engine.analytics.cards import build_persona_cards
from persona_tui.engine.data.attributes import UNKNOWN, attributes_of
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, ModelingError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.mixture import fit_markov_mixture
from persona_tui.engine.modeling.segmentation import cluster_event_sequences, find_personas
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import draw_flows

DONE = {"done"}
ONE_USER = make_log({"u": [["a", "b", "done"]]})
ALL_ALIKE = make_log({f"u{number}": [["a", "b", "done"]] for number in range(40)})
TWO_WAYS = make_log({f"u{number}": [["a", "b"] if number % 2 else ["c", "a"]] for number in range(40)})
ONE_EVENT_TYPE = make_log({f"u{number}": [["a"] * (1 + number % 5)] for number in range(40)})
ONE_EVENT_EACH = make_log({f"u{number}": [["abc"[number % 3]]] for number in range(60)})
BUYERS = {f"buyer{n:02d}": [["a", "b"] * (1 + n % 3) + ["done"] * (n % 4 > 0)] for n in range(80)}
READERS = {f"reader{n:02d}": [["b", "a", "a", "c"] * (1 + n % 3)] for n in range(40)}


def found_in(log, n_clusters="auto", **settings):
    return cluster_event_sequences(log, n_clusters, completion=DONE & set(log["event_type"]), **settings)


def cards_of(log, n_clusters, **settings):
    segmentation = found_in(log, n_clusters, **settings)
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log, segmentation=segmentation),
        completion_events=DONE,
        **settings,
    )
    return build_persona_cards(simulator, segmentation, draw_flows(simulator, 40, normalise_seed(0)))


def is_sound(segmentation):
    """Whether memberships, weights and chains are chances, and names distinct; outcomes have no moves."""
    mixture = segmentation.mixture
    moves = mixture.chains.sum(axis=2)
    sums = [segmentation.memberships.sum(axis=1), mixture.weights.sum(), moves[moves > 0]]
    chances = all(np.allclose(each, 1, atol=1e-9) for each in sums)
    return chances and mixture.converged and len(set(segmentation.names)) == segmentation.n_clusters


@pytest.mark.parametrize("log", [ONE_USER, ALL_ALIKE, ONE_EVENT_TYPE, ONE_EVENT_EACH])
@pytest.mark.parametrize("unit", ["user", "session"])
def test_a_log_with_nothing_to_tell_users_apart_by_is_one_persona(log, unit):
    segmentation = found_in(log, unit=unit)
    assert segmentation.names == ("All users",)
    assert is_sound(segmentation)


def test_two_personas_of_one_user_are_refused_with_both_numbers_and_what_to_do():
    with pytest.raises(
        ModelingError, match="n_clusters == 2, must be from 1 to 1, the number of users"
    ) as told:
        found_in(ONE_USER, 2)
    assert "'auto'" in told.value.hint


@pytest.mark.parametrize("n_clusters", [0, -1])
def test_fewer_than_one_persona_is_refused(n_clusters):
    with pytest.raises(ModelingError, match=f"n_clusters == {n_clusters}, must be from 1 to 40"):
        found_in(ALL_ALIKE, n_clusters)


def test_an_empty_log_is_refused_before_anything_is_fitted():
    with pytest.raises(DataError, match="The log holds no events"):
        found_in(ALL_ALIKE.clear())


def test_users_who_are_all_alike_are_in_every_persona_alike():
    segmentation = found_in(ALL_ALIKE, 3)
    assert segmentation.memberships == pytest.approx(1 / 3)
    assert is_sound(segmentation)


@pytest.mark.parametrize("log", [ALL_ALIKE, TWO_WAYS, ONE_EVENT_TYPE, ONE_EVENT_EACH])
def test_more_personas_than_distinct_journeys_still_share_out_all_users(log):
    segmentation = found_in(log, 7)
    assert is_sound(segmentation)
    assert segmentation.memberships.sum() == pytest.approx(log["user_id"].n_unique())


def test_users_with_the_same_journey_have_the_same_memberships():
    segmentation = found_in(ONE_EVENT_EACH, 3)
    assert len(np.unique(segmentation.memberships, axis=0)) <= 3


def test_one_persona_is_the_pooled_chain():
    counts = count_transitions(cut_journeys(encode_sequences(ONE_EVENT_TYPE), censor=False))
    mixture = fit_markov_mixture(counts, 1, random_state=0)
    again = 1 - 1 / 3  # of 120 visits 40 are the last
    assert mixture.chains[0, 1, 0] == pytest.approx(again, abs=0.01)
    assert find_personas(counts, 1).memberships.tolist() == [[1.0]] * 40


@pytest.mark.parametrize("unit", ["user", "session"])
def test_a_persona_that_never_converts_has_a_conversion_of_zero_in_all_draws(unit):
    cards = cards_of(make_log(BUYERS | READERS), 2, unit=unit)
    buyers, readers = cards
    assert buyers.conversion == pytest.approx(0.75, abs=0.02)
    assert buyers.conversion_interval[0] < 0.75 < buyers.conversion_interval[1]
    assert readers.conversion < 0.01
    assert readers.conversion_interval[1] < 0.02
    assert (buyers.users, readers.users) == (80, 40)


def test_a_log_in_which_nobody_can_convert_is_clustered_all_the_same():
    assert found_in(make_log(READERS), "auto").names == ("All users",)


@pytest.fixture(scope="module")
def described():
    """Return the attributes of users who differ in some, have one value, none, or 5,000 of them."""
    log = make_log({f"u{number:04d}": [["a", "b"], ["a", "done"]] for number in range(5_000)})
    user = log["user_id"].rank("dense").cast(pl.Int64)
    log = log.with_columns(
        pl.lit("EU").alias("region"),
        pl.lit(None, dtype=pl.String).alias("plan"),
        pl.lit("").alias("campaign"),
        ("customer " + user.cast(pl.String)).alias("customer"),
        user.alias("account"),
        (user / 7).alias("spent"),
        pl.when(user % 2 == 0).then(pl.lit("mobile")).alias("device"),
    )
    return attributes_of(log, encode_sequences(log), completion=DONE)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("plan", "has no value"),
        ("campaign", "has no value"),
        ("customer", "has 5,000 different values"),
        ("account", "has 5,000 different values"),
        ("spent", "is a number with fractions"),
    ],
)
def test_an_attribute_that_makes_no_groups_is_left_out_and_says_why(described, name, why):
    assert described.left_out[name] == why
    assert name not in described.names


def test_users_without_a_value_are_a_group_of_their_own(described):
    assert described.values_of("device") == {"mobile": 2_500, UNKNOWN: 2_500}


def test_a_constant_attribute_is_one_group(described):
    assert described.values_of("region") == {"EU": 5_000}
