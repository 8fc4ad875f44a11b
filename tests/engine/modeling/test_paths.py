"""Paths against a slow search, told one journey at a time."""

import numpy as np
import pytest
from hypothesis import given
from support import logs, make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.paths import choose_paths, find_paths, typical_journey


def cut(log, unit="user"):
    sequences = encode_sequences(log)
    known = set(sequences.vocabulary)
    return cut_journeys(sequences, unit=unit, completion={"x"} & known, drop={"d"} & known, censor=False)


def slow_paths(journeys, min_journeys):
    """Return users' journeys by path, told one journey at a time."""
    held = {}
    for user, begin, end in zip(journeys.users, journeys.offsets, journeys.offsets[1:], strict=False):
        words = [[]]
        for step in journeys.steps[begin:end]:
            name = "" if step >= len(journeys.vocabulary) else journeys.vocabulary[step]
            if name in {"", "x", "d"}:
                words.append([])
            elif words[-1][-1:] != [name]:
                words[-1].append(name)
        found = {tuple(w[at : at + n]) for w in words for n in (3, 4, 5) for at in range(len(w) - n + 1)}
        for path in found:
            held.setdefault(path, []).append(int(user))
    return {path: sorted(users) for path, users in held.items() if len(users) >= min_journeys}


@given(logs())
@pytest.mark.parametrize("unit", ["user", "session"])
def test_paths_are_those_that_a_slow_search_finds(unit, log):
    journeys = cut(log, unit)
    table = find_paths(journeys, min_journeys=2)
    cells = table.matrix.toarray().astype(int)
    found = {
        tuple(journeys.vocabulary[code] for code in path): np.repeat(np.arange(len(cells)), cells[:, place])
        for place, path in enumerate(table.paths)
    }
    assert {path: users.tolist() for path, users in found.items()} == slow_paths(journeys, 2)


def test_no_chosen_path_lies_within_another():
    journeys = cut(make_log({f"u{n}": [list("abcde" if n % 2 else "edcba")] for n in range(80)}))
    owner = np.array([int(name[1:]) % 2 for name in journeys.user_ids])
    table = find_paths(journeys)
    chosen = choose_paths(table, np.eye(2)[owner], np.ones(80))
    words = [["".join(journeys.vocabulary[code] for code in table.paths[p]) for p in each] for each in chosen]
    assert all("".join(w) in "edcba" for w in words[0])
    assert all("".join(w) in "abcde" for w in words[1])
    for each in words:
        assert not any(a in b for a in each for b in each if a != b)


def test_a_typical_journey_goes_on_after_a_return_until_what_was_told_comes_again():
    chain = np.zeros((5, 5))  # rows: start, a, b, c, return; columns: a, b, c, return, exit
    chain[0, 0] = 1.0
    chain[1] = [0.0, 0.1, 0.1, 0.6, 0.2]
    chain[4] = [0.3, 0.6, 0.1, 0.0, 0.0]
    chain[2] = [0.0, 0.0, 0.2, 0.7, 0.1]
    assert typical_journey(chain, ("a", "b", "c"), np.zeros(3, dtype=bool)) == ("a", "return", "b")
    chain[2] = [0.0, 0.0, 0.9, 0.1, 0.0]
    chain[3] = [0.0, 0.0, 0.0, 0.0, 1.0]
    assert typical_journey(chain, ("a", "b", "c"), np.zeros(3, dtype=bool)) == ("a", "return", "b", "c")
