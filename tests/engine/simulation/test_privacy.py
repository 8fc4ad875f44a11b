"""Which sequences of a log are protected, and who reproduces them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import logs, make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.journeys import Journeys, cut_journeys
from persona_tui.engine.simulation.privacy import (
    DEFAULT_RULE,
    PrivacyRule,
    find_rare_sequences,
    measure_reproduction,
)

units = st.sampled_from(["user", "session"])
rules = st.builds(PrivacyRule, length=st.integers(1, 4), k=st.integers(1, 3))


def journeys_of(log, unit: str = "user") -> Journeys:
    return cut_journeys(encode_sequences(log), unit=unit)  # type: ignore[arg-type]


def told(journeys: Journeys) -> list[tuple[str, ...]]:
    """Return the events of each journey, returns left out."""
    n = len(journeys.vocabulary)
    runs = zip(journeys.offsets[:-1], journeys.offsets[1:], strict=True)
    return [tuple(journeys.vocabulary[c] for c in journeys.steps[a:b] if c < n) for a, b in runs]


def rare_by_hand(journeys: Journeys, rule: PrivacyRule) -> dict[tuple[str, ...], int]:
    users: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for sequence, user in zip(told(journeys), journeys.users.tolist(), strict=True):
        users[sequence].add(user)
    few = {sequence: len(each) for sequence, each in users.items() if len(sequence) > rule.length}
    return {sequence: n for sequence, n in few.items() if n <= rule.k}


@given(logs(), units, rules)
def test_protected_are_long_sequences_that_too_few_others_share(log, unit, rule):
    journeys = journeys_of(log, unit)
    found = find_rare_sequences(journeys, rule)
    names = np.array(journeys.vocabulary)
    runs = [
        tuple(names[found.codes[begin : begin + length]])
        for begin, length in zip(found.begins, found.lengths, strict=True)
    ]
    assert dict(zip(runs, found.n_users.tolist(), strict=True)) == rare_by_hand(journeys, rule)


@given(logs(), logs("abxdz"), units, rules)
def test_reproduction_counts_the_journeys_that_are_a_protected_sequence(real, synthetic, unit, rule):
    journeys, others = journeys_of(real, unit), journeys_of(synthetic, unit)
    protected, known = rare_by_hand(journeys, rule), set(journeys.vocabulary)
    shown = [tuple(event for event in each if event in known) for each in told(others)]
    found = measure_reproduction(journeys, others, rule)
    assert found.n_synthetic == sum(each in protected for each in shown)
    assert found.n_reproduced == len(set(shown) & set(protected))
    assert found.n_journeys == len(shown)


@given(logs(), units)
def test_a_log_reproduces_all_that_is_protected_in_itself(log, unit):
    journeys = journeys_of(log, unit)
    found = measure_reproduction(journeys, journeys, PrivacyRule(length=2, k=2))
    assert found.n_reproduced == found.n_rare
    assert found.n_rare_users <= journeys.n_journeys


def test_a_collision_of_hashes_is_not_taken_for_a_reproduction():
    rare = find_rare_sequences(journeys_of(make_log({"u": [list("abcabc")]})), DEFAULT_RULE)
    blind = replace(rare, words=np.zeros(3, dtype=np.uint64), hashes=np.zeros(1, dtype=np.uint64))
    codes = np.array([0, 1, 2, 0, 1, 2, 2, 1, 0, 2, 1, 0])
    assert blind.match(codes, np.array([6, 6])).tolist() == [0, -1]


def test_inserted_steps_hide_no_reproduction():
    real = journeys_of(make_log({"u": [list("abcabc")]}))
    changed = [*"abc", "added_step_1", *"abc"]
    assert measure_reproduction(real, journeys_of(make_log({"s": [changed]}))).n_synthetic == 1


def test_a_user_who_does_the_same_in_every_session_counts_once():
    log = make_log({"u": [list("abcabc")] * 3, "v": [list("abcabc")]})
    rare = find_rare_sequences(journeys_of(log, "session"), PrivacyRule(length=5, k=2))
    assert rare.n_users.tolist() == [2]
    assert rare.n_protected == 2


def test_every_fault_of_a_rule_is_named():
    with pytest.raises(SimulationError, match=r"length == 0, must be >= 1\. k == -1, must be >= 1\."):
        PrivacyRule(length=0, k=-1)
