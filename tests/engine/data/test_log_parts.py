"""Rows brought together by user: order, copies and sessions, against slow literal definitions."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.gathering import Gatherer
from persona_tui.engine.data.log_parts import LogPart, copies, cut_sessions, number_sessions
from persona_tui.engine.data.sequences import Sequences, join_sequences, rows_by_user
from persona_tui.engine.data.user_rows import by_user

ROWS = st.lists(
    st.tuples(st.sampled_from(["10", "9", "b", "a b"]), st.integers(0, 4), st.integers(0, 2)),
    min_size=1,
    max_size=30,
)


def frame(rows):
    users, times, events = zip(*rows, strict=True)
    return pl.DataFrame(
        {"user_id": users, "timestamp": times, "event": events, "place": range(len(rows))},
        schema={"user_id": pl.String, "timestamp": pl.Int64, "event": pl.UInt32, "place": pl.Int64},
    )


MOMENTS = st.integers(0, 4) | st.integers(2**61, 2**61 + 4)  # so far apart that not all their bits are sorted


@given(
    ROWS | st.lists(st.tuples(st.sampled_from("abc"), MOMENTS, st.just(0)), min_size=1, max_size=30),
    st.integers(1, 40),
    st.integers(1, 30),
)
def test_rows_come_user_by_user_in_time_order_and_ties_as_they_stood(rows, events_a_part, rows_a_frame):
    frames = [frame(rows).slice(begin, rows_a_frame) for begin in range(0, len(rows), rows_a_frame)]
    pieces = [make() for make in by_user(lambda: frames, events_a_part=events_a_part)]
    found = [
        (piece.user_ids[user], place)
        for piece in pieces
        for user, place in zip(piece.users, piece.rows["place"].to_list(), strict=True)
    ]
    expected = sorted(range(len(rows)), key=lambda place: (rows[place][0], rows[place][1], place))
    assert found == [(rows[place][0], place) for place in expected]


@given(
    st.lists(st.sampled_from([-3, 0, 9, 10, 2**40, -(2**63), 2**63 - 1]), min_size=1, max_size=12),
    st.booleans(),
)
def test_numbers_are_users_like_their_texts(ids, near):
    ids = [user % 11 if near else user for user in ids]
    found = []
    for column in (pl.Series(ids, dtype=pl.Int64), pl.Series([str(user) for user in ids])):
        rows = pl.DataFrame({"user_id": column, "timestamp": range(len(ids))})
        pieces = [make() for make in by_user(lambda rows=rows: [rows], events_a_part=3)]
        found.append(
            [(each.user_ids, each.users.tolist(), each.plain["timestamp"].tolist()) for each in pieces]
        )
    assert found[0] == found[1]


@given(ROWS)
def test_a_row_is_a_copy_when_an_earlier_one_is_equal_in_all_columns(rows):
    ((piece,),) = [[make() for make in by_user(lambda: [frame(rows)])]]
    kept = piece.rows["place"].to_numpy()[~copies(piece, ["event"])]
    first = {row: place for place, row in reversed(list(enumerate(rows)))}
    assert sorted(kept) == sorted(first.values())


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 30), st.sampled_from(["s", "t", None])),
        min_size=1,
        max_size=20,
    )
)
def test_sessions_are_numbered_by_user_and_first_event(rows):
    rows = sorted(rows, key=lambda row: row[:2])
    users, times, names = zip(*rows, strict=True)
    numbers, told = number_sessions(
        np.array(users, np.int32), np.array(times, np.int64), 5, pl.Series(names, dtype=pl.String)
    )
    last, cut, seen, expected = {}, {}, {}, []
    for user, time, given_name in rows:
        name = given_name
        if name is None:
            if user not in last or time - last[user] > 5:
                cut[user] = cut.get(user, 0) + 1
            last[user] = time
            name = f"gap-{cut[user]}"
        expected.append(seen.setdefault((user, name), len(seen)))
    assert numbers.tolist() == expected
    assert told.to_list() == [name for _, name in seen]


def test_a_silence_of_the_gap_itself_does_not_end_a_session():
    users, times = np.zeros(3, np.int32), np.array([0, 5, 11])
    assert cut_sessions(users, times, 5).tolist() == [0, 0, 1]


@st.composite
def part(draw, users):
    lengths = [draw(st.integers(1, 3)) for _ in users]
    flat = np.repeat(np.arange(len(users)), lengths).astype(np.int32)
    n = len(flat)
    times = np.concatenate([np.sort([draw(st.integers(0, 9)) for _ in range(k)]) for k in lengths])
    return Sequences(
        vocabulary=("a", "b"),
        user_ids=tuple(users),
        codes=np.array([draw(st.integers(0, 1)) for _ in range(n)], np.int32),
        users=flat,
        sessions=cut_sessions(flat, times.astype(np.int64), 2),
        times=times.astype(np.int64),
    )


def listed(log):
    return [
        (log.user_ids[user], code, session, time)
        for user, code, session, time in zip(log.users, log.codes, log.sessions, log.times, strict=True)
    ]


@given(st.data(), st.permutations("abcdef"))
def test_joined_parts_do_not_depend_on_who_was_in_which(data, users):
    users = list(users)
    whole = data.draw(part(sorted(users)))
    pieces = []
    for chosen in (sorted(users[:2]), sorted(users[2:5]), sorted(users[5:])):
        mine = np.isin(whole.users, [sorted(users).index(user) for user in chosen])
        _, local = np.unique(whole.users[mine], return_inverse=True)
        _, sessions = np.unique(whole.sessions[mine], return_inverse=True)
        pieces.append(
            Sequences(
                vocabulary=whole.vocabulary,
                user_ids=tuple(chosen),
                codes=whole.codes[mine],
                users=local.astype(np.int32),
                sessions=sessions,
                times=whole.times[mine],
            )
        )
    assert listed(join_sequences(pieces)) == listed(whole)
    order = rows_by_user(pieces)
    codes = np.concatenate([each.codes for each in pieces])
    assert (codes if order is None else codes[order]).tolist() == whole.codes.tolist()


@given(ROWS, st.integers(1, 7))
def test_buckets_hold_every_row_once_and_users_whole(rows, n_batches):
    whole = frame(rows)
    gatherer = Gatherer(memory=200)
    size = -(-len(rows) // n_batches)
    for begin in range(0, len(rows), size):
        gatherer.add(whole.slice(begin, size), share_read=(begin + size) / len(rows))
    buckets = [pl.concat(take()) for take in gatherer.buckets()]
    gatherer.close()
    users = [set(each["user_id"]) for each in buckets]
    assert sum(len(each) for each in users) == whole["user_id"].n_unique()
    for each in buckets:
        assert each["place"].is_sorted()
    assert pl.concat(buckets).sort("place").equals(whole)


def test_a_part_shows_its_events_under_canonical_names():
    flat = Sequences(
        vocabulary=("a", "b"),
        user_ids=("u", "v"),
        codes=np.array([0, 1, 1], np.int32),
        users=np.array([0, 0, 1], np.int32),
        sessions=np.array([0, 1, 2]),
        times=np.array([0, 10, 5]),
    )
    shown = LogPart(
        sequences=flat, session_ids=None, columns=pl.DataFrame({"plan": ["x", "y", None]})
    ).events()
    assert shown.columns == ["user_id", "session_id", "timestamp", "event_type", "plan"]
    assert shown["session_id"].to_list() == ["gap-1", "gap-2", "gap-1"]
    assert shown["event_type"].to_list() == ["a", "b", "b"]
