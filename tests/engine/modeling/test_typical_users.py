"""Users that show a persona, and those that three events tell."""

import numpy as np
import pytest
from hypothesis import assume, given
from support import logs, make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.typical_users import early_conversions, example_users, label_early


def cut(log):
    sequences = encode_sequences(log)
    known = set(sequences.vocabulary)
    return cut_journeys(sequences, completion={"x"} & known, drop={"d"} & known, censor=False)


CHAIN_STATES = 4  # a, b, x and return


def chains_of(first):
    """Return two chains over a, b, x and return; each starts with its own event and stays there."""
    chains = np.full((2, CHAIN_STATES + 1, CHAIN_STATES + 1), 0.05)
    for k in range(2):
        chains[k, 0, k] = first
        chains[k, 1:, k] = first
    return chains / chains.sum(axis=-1, keepdims=True)


def test_early_labels_read_three_events_and_no_outcome():
    sessions = {"ann": [["a", "a", "a", "b", "b", "b", "b"]], "bob": [["b", "x"]], "cy": [["x"]]}
    journeys = cut(make_log(sessions))
    assert label_early(journeys, chains_of(0.8), np.array([0.5, 0.5])).tolist() == [0, 1, -1]


@given(logs(events="abx"))
def test_early_labels_do_not_change_with_what_follows(log):
    journeys = cut(log)
    assume(journeys.vocabulary == ("a", "b", "x"))
    labels = label_early(journeys, chains_of(0.6), np.array([0.6, 0.4]))
    for user, label in enumerate(labels):
        joint, row, seen = np.log([0.6, 0.4]), 0, 0
        for step in journeys.steps[journeys.offsets[user] : journeys.offsets[user + 1]]:
            if seen == 3 or step == 2:
                break
            joint = joint + np.log(chains_of(0.6)[:, row, step])
            row, seen = step + 1, seen + (step < 3)
        assert label == (joint.argmax() if seen else -1)


def test_early_conversion_is_that_of_the_labelled_users():
    journeys = cut(make_log({"ann": [["a", "x"]], "bob": [["a"]], "cy": [["a"]], "di": [["b"]]}))
    first, second, third = early_conversions(journeys, np.array([0, 0, 0, 1]), 3)
    assert (first.value, first.n_users) == (pytest.approx(1 / 3), 3)
    assert first.interval[0] < 1 / 3 < first.interval[1]
    assert (second.value, second.n_users, third.value) == (0.0, 1, None)


def test_borderline_users_are_closest_to_a_tie():
    counts = count_transitions(cut(make_log({"ann": [["a"]], "bob": [["a", "a"]], "cy": [["a", "a", "a"]]})))
    row = counts.row_of_user
    joint = np.zeros((3, 2))
    joint[row] = np.log([[0.99, 0.01], [0.6, 0.4], [0.995, 0.005]])
    ((typical, borderline), (none, _)) = example_users(counts, joint)
    assert [each.user_id for each in borderline] == ["bob"]
    assert borderline[0].memberships == pytest.approx((0.6, 0.4))
    assert [each.user_id for each in typical] == ["cy", "bob"]
    assert none == ()
