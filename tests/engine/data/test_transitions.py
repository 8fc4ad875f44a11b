from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts_of_logs import parts_by_user

from persona_tui.engine.data.sequences import Sequences, encode_sequences
from persona_tui.engine.data.transitions import count_move_pairs, count_moves, join_move_pairs
from persona_tui.engine.errors import DataError


def moves_of(log):
    """Return how often each event follows each other in a session: the definition, literally."""
    sessions = {}
    for user, session, _, event in sorted(log.rows(), key=lambda row: row[2]):
        sessions.setdefault((user, session), []).append(event)
    return Counter(move for events in sessions.values() for move in pairwise(events))


def as_counts(pairs):
    return {(source, target): n for source, target, n in pairs.rows()}


@given(data=st.data())
def test_moves_are_counted_within_sessions_even_where_they_overlap(small_logs, data):
    log = data.draw(small_logs)
    sequences, expected = encode_sequences(log), moves_of(log)
    names = sequences.vocabulary
    table = count_moves(sequences)
    assert {(names[s], names[t]): table[s, t] for s, t in np.argwhere(table)} == expected
    assert as_counts(count_move_pairs(sequences)) == expected


@given(data=st.data())
def test_moves_of_parts_add_up_to_those_of_the_log(small_logs, data):
    log = data.draw(small_logs)
    whole, parts = encode_sequences(log), parts_by_user(log)
    assert (sum(count_moves(part) for part in parts) == count_moves(whole)).all()
    joined = join_move_pairs([count_move_pairs(part) for part in parts])
    assert joined.equals(count_move_pairs(whole))


def test_a_table_of_too_many_event_types_is_refused_but_its_pairs_are_counted():
    names = tuple(f"e{place:04}" for place in range(2_001))
    log = Sequences(
        vocabulary=names,
        user_ids=("u",),
        codes=np.arange(2_001, dtype=np.int32),
        users=np.zeros(2_001, np.int32),
        sessions=np.zeros(2_001, np.int64),
        times=np.arange(2_001),
    )
    with pytest.raises(DataError, match="2,001 event types"):
        count_moves(log)
    assert count_move_pairs(log).height == 2_000
