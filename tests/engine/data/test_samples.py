import itertools
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.metrics import adjusted_rand_score

from persona_tui.engine.data import samples
from persona_tui.engine.errors import ExportError

SAMPLE_CSV = Path(__file__).parents[3] / "data" / "sample_events.csv"
PERSONAS = list(samples.JOURNEYS)
EXIT = len(samples.STATES)


@pytest.fixture(scope="module")
def sample():
    return samples.make_sample_log(random_state=0)


@pytest.fixture(scope="module")
def journeys(sample):
    return _journeys(sample)


@pytest.fixture(scope="module")
def users(sample, journeys):
    """Return one row a user: the persona and how often each event occurs."""
    rows = [
        {"user_id": user, **{event: journey.count(event) for event in samples.EVENT_TYPES}}
        for user, journey in journeys.items()
    ]
    return sample.personas.join(pl.DataFrame(rows), on="user_id")


@pytest.fixture(scope="module")
def gaps(sample):
    """Return the time since the user's event before, and whether the session is another one."""
    in_user = {"partition_by": "user_id"}
    moment = pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms")
    return sample.events.select(
        gap=moment.diff().over(**in_user),
        is_new_session=(pl.col("session_id") != pl.col("session_id").shift()).over(**in_user),
        previous_event=pl.col("event_type").shift().over(**in_user),
    ).drop_nulls()


def _journeys(sample):
    """Return the states of each user, a return wherever the session changes."""
    states, sessions = defaultdict(list), {}
    for user, session, event in sample.events.select("user_id", "session_id", "event_type").iter_rows():
        if states[user] and sessions[user] != session:
            states[user].append(samples.RETURN)
        states[user].append(event)
        sessions[user] = session
    return states


def _counts(sample, journeys):
    """Return starts and moves of each user, in the order of the personas; open journeys have no exit."""
    n_states = len(samples.STATES)
    user_ids = sample.personas["user_id"].to_list()
    starts, moves = np.zeros((len(user_ids), n_states)), np.zeros((len(user_ids), n_states, n_states + 1))
    for row, user in enumerate(user_ids):
        codes = [samples.STATES.index(state) for state in journeys[user]]
        ends = [] if user in sample.open_users else [EXIT]
        starts[row, codes[0]] = 1
        np.add.at(moves[row], (codes, codes[1:] + ends) if ends else (codes[:-1], codes[1:]), 1)
    return starts, moves


def _bayes_personas(sample, journeys):
    """Return the most probable persona of each user under the planted truth."""
    starts, moves = _counts(sample, journeys)
    scores = [
        np.log(chain.share)
        + starts @ _finite_log(chain.starts)
        + np.einsum("uij,ij->u", moves, _finite_log(chain.transitions))
        for chain in sample.chains.values()
    ]
    return np.argmax(scores, axis=0)


def _finite_log(probabilities):
    """Return logarithms in which what is impossible outweighs any journey."""
    return np.log(np.maximum(probabilities, 1e-300))


def _best_balanced_accuracy(ones, others):
    """Return how well the best threshold on a count tells two groups of users apart."""
    thresholds = np.arange(1, max(ones.max(), others.max()) + 1)
    above = [((ones >= each).mean() + (others < each).mean()) / 2 for each in thresholds]
    return max(*above, *(1 - accuracy for accuracy in above))


def test_the_file_on_disk_is_the_sample_of_seed_zero(sample):
    assert_frame_equal(pl.read_csv(SAMPLE_CSV, infer_schema=False), sample.events)


def test_a_written_sample_reads_back_as_the_same_frame(tmp_path):
    path = samples.write_sample_csv(tmp_path / "events.csv", random_state=5)
    assert_frame_equal(pl.read_csv(path, infer_schema=False), samples.make_sample_events(random_state=5))


def test_a_folder_that_does_not_exist_is_an_export_error(tmp_path):
    with pytest.raises(ExportError, match=r"Cannot write .*events\.csv"):
        samples.write_sample_csv(tmp_path / "nowhere" / "events.csv")


def test_the_file_on_disk_stays_small():
    assert SAMPLE_CSV.stat().st_size <= 8_000_000


def test_the_same_seed_gives_the_same_log(sample):
    again = samples.make_sample_log(random_state=0)
    assert_frame_equal(again.events, sample.events)
    assert_frame_equal(again.personas, sample.personas)


def test_another_seed_gives_another_log(sample):
    assert not samples.make_sample_events(random_state=1).equals(sample.events)


def test_the_planted_arrays_are_read_only(sample):
    for chain in sample.chains.values():
        assert not chain.starts.flags.writeable
        assert not chain.transitions.flags.writeable


def test_every_row_of_the_table_adds_up_to_a_hundred():
    for rows in samples.JOURNEYS.values():
        assert {name: sum(row) for name, row in rows.items()} == dict.fromkeys(rows, 100)


def test_every_state_but_completion_has_a_row_beside_the_start():
    expected = {"start", *samples.STATES} - {samples.COMPLETION}
    assert all(set(rows) == expected for rows in samples.JOURNEYS.values())


@pytest.mark.parametrize("target", [samples.RETURN, samples.COMPLETION, "drop_off", "exit"])
def test_no_session_after_a_return_begins_with_its_end(sample, target):
    column = [*samples.STATES, "exit"].index(target)
    row = samples.STATES.index(samples.RETURN)
    assert all(chain.transitions[row, column] == 0 for chain in sample.chains.values())


def test_shares_and_rows_of_the_chains_are_probabilities(sample):
    assert sum(chain.share for chain in sample.chains.values()) == pytest.approx(1)
    for chain in sample.chains.values():
        assert chain.starts.sum() == pytest.approx(1)
        np.testing.assert_allclose(chain.transitions.sum(axis=1), 1)


def test_events_are_text_in_the_original_columns(sample):
    columns = ["user_id", "session_id", "timestamp", "event_type", "metadata"]
    assert sample.events.schema == pl.Schema(dict.fromkeys(columns, pl.String))
    assert sample.events.null_count().sum_horizontal().item() == 0


def test_timestamps_are_utc_with_milliseconds(sample):
    assert sample.events["timestamp"].str.contains(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$").all()


def test_the_file_is_in_order_of_time(sample):
    assert sample.events["timestamp"].is_sorted()


def test_a_user_has_a_dozen_events_on_average(sample):
    assert sample.personas.height >= 3_000
    assert sample.events["user_id"].n_unique() == sample.personas.height
    assert sample.events.height / sample.personas.height >= 12


def test_metadata_is_compact_json_of_the_attributes_of_the_user(sample):
    by_user = sample.events.group_by("user_id").agg(pl.col("metadata").unique())
    assert by_user["metadata"].list.len().max() == 1
    for text in by_user["metadata"].explode():
        attributes = json.loads(text)
        assert json.dumps(attributes, separators=(",", ":")) == text
        assert all(attributes[name] in values for name, values in samples.ATTRIBUTES.items())
        assert len(attributes) == len(samples.ATTRIBUTES)


def test_every_lift_names_a_value_of_an_attribute():
    values = {value for weights in samples.ATTRIBUTES.values() for value in weights}
    assert all(set(lifts) <= values for lifts in samples.LIFTS.values())


def test_no_persona_is_told_by_an_attribute_alone(sample):
    attributes = sample.events.unique("user_id").join(sample.personas, on="user_id")
    for attribute in samples.ATTRIBUTES:
        value = pl.col("metadata").str.json_path_match(f"$.{attribute}")
        rates = attributes.group_by(value.alias("value"), "persona").len()
        rates = rates.with_columns(share=pl.col("len") / pl.col("len").sum().over("value"))
        assert rates["share"].max() < 0.6


def test_country_says_nothing_about_a_persona(sample):
    country = pl.col("metadata").str.json_path_match("$.country").alias("country")
    rates = (
        sample.events.unique("user_id").join(sample.personas, on="user_id").group_by(country, "persona").len()
    )
    table = rates.pivot("persona", index="country", values="len").drop("country").to_numpy()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    degrees_of_freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    assert ((table - expected) ** 2 / expected).sum() < 2 * degrees_of_freedom


def test_a_session_belongs_to_one_user(sample):
    assert sample.events.group_by("session_id").agg(pl.col("user_id").n_unique())["user_id"].max() == 1


def test_sessions_are_numbered_in_the_order_they_begin(sample):
    assert sample.events["session_id"].unique(maintain_order=True).is_sorted()


def test_pauses_within_a_session_are_below_25_minutes(gaps):
    assert gaps.filter(~pl.col("is_new_session"))["gap"].dt.total_seconds().max() < 25 * 60


def test_returns_come_after_more_than_35_minutes(gaps):
    assert gaps.filter("is_new_session")["gap"].dt.total_seconds().min() > 35 * 60


def test_half_an_hour_of_inactivity_recovers_the_sessions(gaps):
    assert gaps.select(((pl.col("gap") > pl.duration(minutes=30)) == pl.col("is_new_session")).all()).item()


def test_a_drop_off_ends_its_session(gaps):
    assert gaps.filter(previous_event="drop_off")["is_new_session"].all()


def test_nothing_follows_completion(gaps):
    assert gaps.filter(previous_event=samples.COMPLETION).is_empty()


def test_a_few_journeys_are_open_at_the_end_of_the_log(sample):
    assert 0 < len(sample.open_users) <= 0.02 * sample.personas.height


def test_no_event_is_after_the_end_of_the_log(sample):
    assert sample.events["timestamp"].max() < "2026-05-04"


def test_weekends_and_nights_are_quiet(sample):
    moment = sample.events["timestamp"].str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ")
    assert (moment.dt.weekday() >= 6).mean() < 0.2
    assert (moment.dt.hour() < 6).mean() < 0.15


@pytest.mark.parametrize("persona", PERSONAS)
def test_users_are_shared_out_as_planted(sample, persona):
    share = (sample.personas["persona"] == persona).mean()
    assert share == pytest.approx(sample.chains[persona].share, abs=0.025)


@pytest.mark.parametrize("persona", PERSONAS)
def test_conversion_of_a_persona_is_what_its_chain_implies(sample, users, persona):
    chain = sample.chains[persona]
    visits = np.linalg.solve((np.eye(len(chain.states)) - chain.transitions[:, :EXIT]).T, chain.starts)
    converted = users.filter(persona=persona)[samples.COMPLETION] > 0
    assert converted.mean() == pytest.approx(visits[chain.states.index(samples.COMPLETION)], abs=0.05)


def test_conversion_differs_visibly_by_persona(users):
    rates = users.group_by("persona").agg((pl.col(samples.COMPLETION) > 0).mean())[samples.COMPLETION]
    assert rates.sort().diff().min() > 0.05


def test_conversion_is_between_forty_and_fifty_percent(users):
    assert 0.4 < (users[samples.COMPLETION] > 0).mean() < 0.5


@pytest.mark.parametrize("persona", PERSONAS)
def test_moves_of_a_persona_follow_its_planted_chain(sample, journeys, persona):
    is_member = (sample.personas["persona"] == persona).to_numpy()
    chain = sample.chains[persona]
    moves = _counts(sample, journeys)[1][is_member].sum(axis=0)
    expected = moves.sum(axis=1, keepdims=True) * chain.transitions
    is_possible = chain.transitions > 0
    degrees_of_freedom = is_possible.sum() - len(chain.states)
    chi_square = ((moves - expected)[is_possible] ** 2 / expected[is_possible]).sum()
    assert moves[~is_possible].sum() == 0
    assert chi_square < degrees_of_freedom + 3 * np.sqrt(2 * degrees_of_freedom)


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_event_occurs_in_a_tenth_of_the_users_of_every_persona(users, persona):
    reached = users.filter(persona=persona).select((pl.col(samples.EVENT_TYPES) > 0).mean())
    assert reached.min_horizontal().item() > 0.1


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(PERSONAS, 2)))
def test_no_event_alone_tells_two_personas_apart(users, one, other):
    ones, others = users.filter(persona=one), users.filter(persona=other)
    accuracies = {
        event: _best_balanced_accuracy(ones[event].to_numpy(), others[event].to_numpy())
        for event in samples.EVENT_TYPES
    }
    assert max(accuracies.values()) < 0.89


@pytest.mark.parametrize("random_state", range(3))
def test_the_planted_chains_tell_nearly_every_user_apart(random_state):
    sample = samples.make_sample_log(random_state)
    found = _bayes_personas(sample, _journeys(sample))
    assert adjusted_rand_score(sample.personas["persona"].to_list(), found) >= 0.97
