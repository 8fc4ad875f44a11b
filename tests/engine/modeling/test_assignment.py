from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import logs, make_log

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.assignment import assign_users, keep_first_events
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import Ending, cut_journeys
from persona_tui.engine.modeling.mixture import climb_from_restarts, fit_markov_mixture
from persona_tui.engine.modeling.selection import score_rows
from persona_tui.engine.rng import normalise_seed

REAL = {
    "online_wizard": ({"confirm"}, set()),
    "loan_applications": ({"A_ACTIVATED"}, {"A_DECLINED", "A_CANCELLED"}),
    "restaurant_guide": ({"accept"}, set()),
}
UNITS = st.sampled_from(["user", "session"])


def fit(log, n_clusters, **cut):
    """Return a short fit, its sequences and its counts."""
    sequences = encode_sequences(log)
    counts = count_transitions(cut_journeys(sequences, **cut))
    fitted = climb_from_restarts(
        counts,
        n_clusters,
        weights=counts.multiplicity,
        n_init=2,
        max_iter=20,
        tol=0.01,
        prior=1.0,
        seed=normalise_seed(0),
    )
    return fitted, sequences, counts


def rename(log, **names):
    return log.with_columns(pl.col("event_type").cast(pl.String).replace(names))


@pytest.fixture(scope="module")
def mixture(sample):
    return fit_markov_mixture(sample.counts, 4, random_state=0)


@settings(max_examples=40)
@given(logs(), UNITS, st.integers(1, 3))
def test_the_log_of_the_fit_gets_the_memberships_of_the_fit(log, unit, n_clusters):
    present = set(log["event_type"])
    n_clusters = min(n_clusters, log["user_id"].n_unique())
    cut = {"unit": unit, "completion": {"x"} & present, "drop": {"d"} & present}
    fitted, sequences, counts = fit(log, n_clusters, **cut)
    expected = fitted.responsibilities[counts.row_of_user]
    assert fitted.predict_proba(sequences) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("unit", ["user", "session"])
def test_the_sample_gets_the_memberships_and_bits_of_its_fit(sample, unit):
    cut = {"unit": unit, "completion": {"signup_complete"}, "drop": {"drop_off"}}
    fitted, sequences, counts = fit(sample.events, 4, **cut)
    expected = fitted.responsibilities[counts.row_of_user]
    assert fitted.predict_proba(sequences) == pytest.approx(expected, abs=1e-12)
    assert (fitted.predict(sequences) == expected.argmax(axis=1)).all()
    bits = -(score_rows(counts, fitted) @ counts.multiplicity) / np.log(2)
    assert fitted.score(sequences) == pytest.approx(bits / (counts.n_events @ counts.multiplicity), rel=1e-9)


def test_a_user_is_assigned_alike_in_any_company(sample, mixture):
    some = sample.events.filter(pl.col("user_id").str.ends_with("7"))
    found = assign_users(mixture, encode_sequences(some), censor=False)
    all_users = assign_users(mixture, sample.sequences, censor=False)
    position = {user: row for row, user in enumerate(all_users.user_ids)}
    rows = [position[user] for user in found.user_ids]
    assert found.memberships == pytest.approx(all_users.memberships[rows], abs=1e-12)


def test_events_that_no_persona_knows_are_taken_out_and_told(sample, mixture):
    added = (
        rename(sample.events)
        .gather_every(3)
        .with_columns(pl.col("timestamp") + pl.duration(microseconds=1), event_type=pl.lit("new_a"))
    )
    both = pl.concat([rename(sample.events), added])
    plain, mixed = assign_users(mixture, sample.sequences), assign_users(mixture, encode_sequences(both))
    assert mixed.memberships == pytest.approx(plain.memberships, abs=1e-12)
    assert mixed.bits_per_event == pytest.approx(plain.bits_per_event)
    assert (mixed.n_unknown_events, mixed.unknown_event_types) == (added.height, ("new_a",))


def test_users_of_whom_nothing_is_known_get_the_weights():
    fitted, _, _ = fit(make_log({"u": [["a", "b"]], "v": [["b", "a"]]}), 2)
    found = assign_users(fitted, encode_sequences(make_log({"s": [["new"]], "t": [["a", "new"]]})))
    assert found.memberships[0] == pytest.approx(fitted.weights)
    assert (found.n_users_without_events, found.n_unknown_events) == (1, 2)
    assert found.user_ids == ("s", "t")


def test_a_log_of_another_product_is_refused():
    fitted, _, _ = fit(make_log({"u": [["a", "b"]]}), 1)
    with pytest.raises(ModelingError, match=r"know none of the 1 event types of the log: z\. They know a, b"):
        fitted.predict(encode_sequences(make_log({"u": [["z"]]})))


def test_a_move_that_no_persona_thinks_possible_tells_nothing_and_is_counted():
    log = make_log({"u": [["a", "x"]], "v": [["b", "x"]]})
    fitted, _, _ = fit(log, 2, completion={"x"})
    new = encode_sequences(make_log({"s": [["x"]], "t": [["a", "x"]]}))
    found = assign_users(fitted, new)
    assert (found.n_impossible_moves, found.n_events) == (1, 2)
    assert found.memberships[0] == pytest.approx(fitted.weights)
    assert found.bits_per_event < 5


def test_a_longer_prefix_tells_more_of_the_persona(sample):
    from sklearn.metrics import adjusted_rand_score

    fitted = fit_markov_mixture(sample.whole_counts, 4, random_state=0)
    prefixes = (2, 5, 12, 40)
    found = [adjusted_rand_score(sample.truth, fitted.predict(sample.sequences, first=n)) for n in prefixes]
    assert found == sorted(found)
    assert found[0] < 0.5
    assert found[-1] > 0.85


@given(logs(), UNITS)
def test_a_prefix_longer_than_every_journey_is_the_log(log, unit):
    present = set(log["event_type"])
    sequences = encode_sequences(log)
    whole = cut_journeys(sequences, unit=unit, completion={"x"} & present, drop={"d"} & present)
    prefix = keep_first_events(sequences, whole, log.height + 1)
    for name in ("steps", "offsets", "users", "endings", "exit_chances"):
        assert (getattr(prefix, name) == getattr(whole, name)).all()


@given(logs(), UNITS, st.integers(1, 6))
def test_a_prefix_is_the_log_of_the_first_events_without_exits_of_the_unfinished(log, unit, first):
    present = set(log["event_type"])
    cut = {"unit": unit, "completion": {"x"} & present, "drop": {"d"} & present, "censor": False}
    sequences = encode_sequences(log)
    prefix = keep_first_events(sequences, cut_journeys(sequences, **cut), first)
    rank = np.arange(len(sequences.users)) - np.searchsorted(sequences.users, sequences.users)
    kept = rank < first
    parts = {name: getattr(sequences, name)[kept] for name in ("codes", "users", "sessions", "times")}
    shorter = cut_journeys(replace(sequences, **parts), **cut)
    assert (prefix.steps == shorter.steps).all()
    assert (prefix.offsets == shorter.offsets).all()
    open_users = np.bincount(sequences.users) >= first
    last_of_user = np.append(np.diff(prefix.users) != 0, True)
    still_open = open_users[prefix.users] & last_of_user & (shorter.endings == Ending.LEFT)
    assert (prefix.exit_chances <= shorter.exit_chances).all()
    assert (
        prefix.exit_chances[~open_users[prefix.users]] == shorter.exit_chances[~open_users[prefix.users]]
    ).all()
    assert (prefix.exit_chances[still_open] == 0).all()


def test_a_prefix_of_no_events_is_refused(sample, mixture):
    with pytest.raises(ModelingError, match="first == 0, must be >= 1"):
        mixture.predict(sample.sequences, first=0)


@pytest.mark.parametrize("log", [{"u": [["a"]]}, {"u": [["a", "a", "a"]], "v": [["a"]]}])
@pytest.mark.parametrize("unit", ["user", "session"])
def test_one_user_and_one_event_type_are_logs_too(log, unit):
    fitted, sequences, _ = fit(make_log(log), 1, unit=unit)
    assert fitted.predict_proba(sequences, first=1) == pytest.approx(np.ones((len(log), 1)))
    assert np.isfinite(fitted.score(sequences))


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_users_of_a_real_log_that_took_no_part_in_the_fit_are_foretold_as_well(real_log, name):
    completion, drop = REAL[name]
    log = load_event_log_csv(real_log(name))
    is_one = pl.col("user_id").hash(seed=0) % 2 == 0
    fitted, seen, _ = fit(log.filter(is_one), 3, completion=completion, drop=drop)
    held_out = assign_users(fitted, encode_sequences(log.filter(~is_one)))
    assert held_out.bits_per_event == pytest.approx(fitted.score(seen), rel=0.05)
    assert held_out.bits_per_event < held_out.baseline_bits_per_event
    assert held_out.memberships.sum(axis=1) == pytest.approx(1)
