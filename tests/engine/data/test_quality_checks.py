from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data import quality_checks
from persona_tui.engine.data.quality_checks import assess, shared_sessions
from persona_tui.engine.data.sequences import Sequences, encode_sequences


def sequences_of(lengths, vocabulary=("a",)):
    """Return a log in which users have so many events, a second apart, of the event types in turn."""
    users = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    n_events = len(users)
    return Sequences(
        vocabulary=tuple(vocabulary),
        user_ids=tuple(f"u{n}" for n in range(len(lengths))),
        codes=(np.arange(n_events) % len(vocabulary)).astype(np.int32),
        users=users,
        sessions=users.astype(np.int64),
        times=np.arange(n_events, dtype=np.int64) * 1_000_000,
    )


def finding(sequences, kind, **others):
    return next((each for each in assess([sequences], **others) if each.kind == kind), None)


@given(data=st.data())
def test_ties_are_events_of_a_user_at_the_time_of_another_of_theirs(small_logs, data):
    events = data.draw(small_logs)
    size = data.draw(st.sampled_from([1, 2, 3, 7, 2**20]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality_checks, "_BLOCK", size)
        found = finding(encode_sequences(events), "ties")
    times = Counter(events.select("user_id", "timestamp").rows())
    tied = {key: n for key, n in times.items() if n > 1}
    if tied:
        assert found.count == sum(tied.values())
        assert f"of {len({user for user, _ in tied})} users" in found.sentence
    else:
        assert found is None


@given(data=st.data())
def test_users_with_one_event_are_counted(small_logs, data):
    events = data.draw(small_logs)
    counts = Counter(events["user_id"].to_list())
    found = finding(encode_sequences(events), "single_events")
    expected = sum(n == 1 for n in counts.values())
    assert (found.count if found else 0) == expected
    assert not found or found.share == expected / len(counts)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["1", "2", None])), min_size=1))
def test_sessions_are_shared_where_an_id_has_several_users(rows):
    users, sessions = zip(*rows, strict=True)
    found = shared_sessions(pl.Series(users), pl.Series(sessions, dtype=pl.String))
    owners = {each: {user for user, one in rows if one == each} for each in sessions if each is not None}
    shared = sorted(each for each, whose in owners.items() if len(whose) > 1)
    assert (found.count if found else 0) == len(shared)
    if found:
        assert found.share == len(shared) / len(owners)
        assert found.examples == tuple(f"{each}: {', '.join(sorted(owners[each]))}" for each in shared)


def test_event_types_that_differ_by_case_or_blanks_are_named_together():
    log = sequences_of([7], ["Sign Up", "buy", "sign  up ", "signup"])
    found = finding(log, "spellings")
    assert (found.count, found.share) == (2, 0.5)
    assert found.examples == ("'Sign Up' (2) = 'sign  up ' (2) = 'signup' (1)",)


def test_event_types_that_differ_by_more_are_not_named():
    assert finding(sequences_of([6], ["sign_up", "sign-up", "signup"]), "spellings") is None


@given(st.lists(st.integers(1, 400), min_size=1, max_size=120))
def test_users_are_absurd_by_share_and_beside_the_others(lengths):
    found = finding(sequences_of(lengths), "absurd_users")
    usual = sorted(lengths)[99 * (len(lengths) - 1) // 100]
    absurd = [n for n in lengths if n > 0.01 * sum(lengths) and n > 20 * usual]
    assert (found.count if found else 0) == len(absurd)
    assert not found or found.examples[0].endswith(f": {max(absurd)} events")


def test_a_bot_among_many_users_is_named():
    found = finding(sequences_of([5] * 200 + [5_000]), "absurd_users")
    assert found.examples == ("u200: 5,000 events",)
    assert found.sentence.startswith("users have 83.3% of all events")


def test_heavy_users_that_are_more_than_one_in_a_hundred_are_not_absurd():
    assert finding(sequences_of([1] * 147 + [1_000] * 3), "absurd_users") is None
    assert finding(sequences_of([1] * 148 + [1_000] * 2), "absurd_users").count == 2


def test_many_event_types_come_with_what_folding_them_would_cost():
    names = [f"page {n:04}" for n in range(1_001)]
    found = finding(sequences_of([2_002], names), "vocabulary")
    assert found.count == 1_001
    assert "fold_rare:keep=999" in found.sentence
    assert "0.2% of events" in found.sentence


def test_a_thousand_event_types_are_not_too_many():
    assert finding(sequences_of([1_000], [f"page {n:04}" for n in range(1_000)]), "vocabulary") is None


def test_users_still_under_way_are_told():
    found = finding(sequences_of([2, 2, 2, 2]), "censored_users", n_censored=1)
    assert (found.count, found.share, found.counted) == (1, 0.25, "users")


def test_an_ordinary_log_has_nothing_odd():
    assert assess([sequences_of([3, 4, 5], ["a", "b"])]) == ()


@pytest.mark.real
def test_the_shared_sessions_of_a_real_log_are_found(real_log):
    raw = pl.read_csv(real_log("online_wizard"), columns=["user_id", "session_id"], infer_schema=False)
    assert shared_sessions(raw["user_id"], raw["session_id"]).count == 42
