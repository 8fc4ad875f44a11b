from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts_of_logs import parts_by_user
from support import logs, make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import UnknownNameError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import Ending, count_censored_users, cut_journeys


def as_words(journeys):
    """Return each journey as a list of state names."""
    names = (*journeys.vocabulary, "return")
    return [
        [names[code] for code in journeys.steps[begin:end]]
        for begin, end in zip(journeys.offsets, journeys.offsets[1:], strict=False)
    ]


def literal_user_journeys(log, completion, drop):
    """Cut journeys one user at a time, as the definition says."""
    cut = {}
    for (user,), rows in log.sort("timestamp", maintain_order=True).group_by("user_id", maintain_order=True):
        words, previous = [], None
        for row in rows.iter_rows(named=True):
            if words and (row["session_id"] != previous or words[-1] in drop):
                words.append("return")
            words.append(row["event_type"])
            previous = row["session_id"]
            if row["event_type"] in completion:
                break
        cut[user] = words
    return [cut[user] for user in sorted(cut)]


def literal_session_journeys(log, ends):
    cut = {}
    for keys, rows in log.sort("timestamp", maintain_order=True).group_by("user_id", "session_id"):
        words = []
        for event in rows["event_type"]:
            words.append(event)
            if event in ends:
                break
        cut[keys] = words
    return sorted(cut.values())


@given(logs())
def test_user_journeys_follow_their_definition(log):
    present = set(log["event_type"])
    completion, drop = {"x"} & present, {"d"} & present
    journeys = cut_journeys(encode_sequences(log), completion=completion, drop=drop)
    assert as_words(journeys) == literal_user_journeys(log, completion, drop)


@given(logs())
def test_session_journeys_follow_their_definition(log):
    present = set(log["event_type"])
    completion, drop = {"x"} & present, {"d"} & present
    journeys = cut_journeys(encode_sequences(log), unit="session", completion=completion, drop=drop)
    assert sorted(as_words(journeys)) == literal_session_journeys(log, completion | drop)


def test_a_journey_is_cut_at_its_first_completion_and_the_rest_is_counted():
    log = make_log({"u": [["a", "x", "b"], ["a"]]})
    journeys = cut_journeys(encode_sequences(log), completion={"x"})
    assert as_words(journeys) == [["a", "x"]]
    assert journeys.n_after_completion == 2
    assert journeys.observed_conversion == 1.0


def test_a_drop_event_ends_the_session_even_where_the_source_goes_on():
    log = make_log({"u": [["a", "d", "b"]]})
    journeys = cut_journeys(encode_sequences(log), drop={"d"})
    assert as_words(journeys) == [["a", "d", "return", "b"]]


def test_journeys_near_the_end_of_the_log_are_open():
    log = make_log({"early": [["a"]], "late": [["a"], ["b"], ["b"], ["b"]], "done": [["a"]] * 3 + [["x"]]})
    journeys = cut_journeys(encode_sequences(log), completion={"x"})
    by_user = dict(zip((journeys.user_ids[u] for u in journeys.users), journeys.endings, strict=True))
    assert by_user == {"early": Ending.LEFT, "late": Ending.CENSORED, "done": Ending.CONVERTED}
    assert journeys.n_censored_users == 1


def test_without_the_rule_no_journey_is_open():
    log = make_log({"late": [["a"], ["b"]]})
    journeys = cut_journeys(encode_sequences(log), censor=False)
    assert (journeys.endings == Ending.LEFT).all()
    assert (journeys.exit_chances == 1).all()


def test_an_open_journey_counts_as_left_by_a_chance():
    users = {f"u{n}": [["a"], ["a"]] for n in range(20)} | {f"v{n}": [["a"]] for n in range(20)}
    journeys = cut_journeys(encode_sequences(make_log(users | {"open": [["b"]] * 3 + [["a"]]})))
    open_ones = journeys.exit_chances[journeys.endings == Ending.CENSORED]
    assert ((open_ones > 0) & (open_ones < 1)).all()


def test_an_unknown_event_is_refused_with_the_nearest():
    sequences = encode_sequences(make_log({"u": [["signup_start"]]}))
    with pytest.raises(UnknownNameError, match="Did you mean 'signup_start'"):
        cut_journeys(sequences, completion={"signup_strat"})


@given(logs(), st.sampled_from(["user", "session"]))
def test_counts_equal_those_counted_by_hand(log, unit):
    present = set(log["event_type"])
    journeys = cut_journeys(
        encode_sequences(log), unit=unit, completion={"x"} & present, drop={"d"} & present
    )
    counts = count_transitions(journeys)
    n = journeys.n_states
    by_hand = np.zeros((len(journeys.user_ids), n + n * (n + 1)))
    for position, user in enumerate(journeys.users):
        steps = journeys.steps[journeys.offsets[position] : journeys.offsets[position + 1]]
        by_hand[user, steps[0]] += 1
        for source, target in pairwise(steps):
            by_hand[user, n + source * (n + 1) + target] += 1
        by_hand[user, n + steps[-1] * (n + 1) + n] += journeys.exit_chances[position]
    dense = np.zeros_like(by_hand)
    dense[:, counts.moves] = counts.matrix[counts.row_of_user].toarray()
    assert dense == pytest.approx(by_hand)
    assert counts.multiplicity.sum() == len(journeys.user_ids)
    assert len(counts.multiplicity) == len(np.unique(by_hand, axis=0))


@given(logs())
def test_equal_users_share_a_row(log):
    twice = log.vstack(log.with_columns(user_id="again-" + log["user_id"]))
    once = count_transitions(cut_journeys(encode_sequences(log)))
    both = count_transitions(cut_journeys(encode_sequences(twice)))
    assert len(once.multiplicity) == len(both.multiplicity)
    assert sorted(2 * once.multiplicity) == sorted(both.multiplicity)


@given(logs(), st.sampled_from(["user", "session"]), st.integers(1, 3))
def test_parts_of_a_log_tell_who_was_under_way_as_the_log_does(log, unit, n_parts):
    whole = encode_sequences(log)
    known = {"completion": {"x"} & {*whole.vocabulary}, "drop": {"d"} & {*whole.vocabulary}}
    counted = count_censored_users(parts_by_user(log, n_parts), unit=unit, **known)
    assert counted == cut_journeys(whole, unit=unit, **known).n_censored_users
