import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, UnknownNameError


def in_time(events):
    """Return rows by user, then time, ties in the order of the log: the definition, literally."""
    rows = list(enumerate(events.rows()))
    return [row for _, row in sorted(rows, key=lambda each: (each[1][0], each[1][2], each[0]))]


@given(data=st.data())
def test_users_stand_in_order_and_their_events_in_time_with_ties_as_in_the_log(small_logs, data):
    events = data.draw(small_logs)
    sequences = encode_sequences(events)
    found = [
        (sequences.user_ids[user], sequences.vocabulary[code])
        for user, code in zip(sequences.users, sequences.codes, strict=True)
    ]
    assert found == [(row[0], row[3]) for row in in_time(events)]


@given(data=st.data())
def test_times_are_microseconds_since_1970(small_logs, data):
    events = data.draw(small_logs)
    times = [round(row[2].timestamp() * 1e6) for row in in_time(events)]
    assert encode_sequences(events).times.tolist() == times


@given(data=st.data())
def test_sessions_are_numbered_by_user_and_first_event_and_an_id_of_two_users_is_two_sessions(
    small_logs, data
):
    events = data.draw(small_logs)
    keys = [row[:2] for row in in_time(events)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    sequences = encode_sequences(events)
    assert sequences.sessions.tolist() == [numbers[key] for key in keys]
    assert sequences.n_sessions == len(numbers)


@given(data=st.data())
def test_the_order_of_users_in_the_log_does_not_matter(small_logs, data):
    events = data.draw(small_logs)
    grouped = events.sort("user_id", descending=True, maintain_order=True)
    left, right = encode_sequences(events), encode_sequences(grouped)
    assert left.codes.tolist() == right.codes.tolist()
    assert left.sessions.tolist() == right.sessions.tolist()


def test_the_vocabulary_is_what_occurs_in_alphabetical_order(make_log):
    events = make_log([("u", "1", 0, "b"), ("u", "1", 1, "a"), ("u", "1", 2, "c")])
    assert encode_sequences(events.filter(pl.col("event_type") != "c")).vocabulary == ("a", "b")


def test_a_log_without_events_is_refused(make_log):
    with pytest.raises(DataError, match="holds no events"):
        encode_sequences(make_log([("u", "1", 0, "a")]).clear())


def test_positions_mark_the_named_events(make_log):
    sequences = encode_sequences(make_log([("u", "1", 0, "a"), ("u", "1", 1, "b")]))
    assert sequences.positions({"b"}).tolist() == [False, True]
    assert sequences.positions(frozenset()).tolist() == [False, False]


def test_positions_suggest_the_nearest_event(make_log):
    sequences = encode_sequences(make_log([("u", "1", 0, "landing")]))
    with pytest.raises(UnknownNameError, match="Did you mean 'landing'"):
        sequences.positions({"lading"})


def test_users_and_sessions_that_are_numbers_keep_their_order_as_numbers(make_log):
    log = make_log([("10", "7", 1, "a"), ("9", "7", 0, "a"), ("9", "3", 2, "b")])
    found = encode_sequences(log.with_columns(pl.col("user_id", "session_id").cast(pl.Int64)))
    assert found.user_ids == (9, 10)
    assert found.sessions.tolist() == [0, 1, 2]
