from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import logs

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.sequences import Sequences, encode_sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling import state_memory
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.histories import count_histories, score_held_out
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.mixture import fit_markov_mixture
from persona_tui.engine.modeling.order_checks import OrderCheck, check_order
from persona_tui.engine.modeling.selection import select_n_clusters

STATES = "abc"
EXIT_RATE = 0.1
CHAIN = np.array([[0.1, 0.6, 0.2], [0.4, 0.1, 0.4], [0.2, 0.4, 0.3]])
STARTS = np.array([0.5, 0.2, 0.3])
AFTER_B = {"a": np.array([0.05, 0.05, 0.8]), "c": np.array([0.8, 0.05, 0.05])}
"""Where the second order differs: whoever came to b from a goes on to c, and the other way round."""


def walk(generator, *, second_order):
    """Return one journey; moves onward sum to one less the chance of leaving."""
    words = [STATES[generator.choice(3, p=STARTS)]]
    while generator.random() >= EXIT_RATE:
        before = words[-2] if len(words) > 1 else None
        remembered = second_order and words[-1] == "b" and before in AFTER_B
        row = AFTER_B[before] if remembered else CHAIN[STATES.index(words[-1])]
        words.append(STATES[generator.choice(3, p=row / (1 - EXIT_RATE))])
    return words


def sequences_of(journeys):
    """Return journeys, one a user, as an encoded log."""
    lengths = [len(journey) for journey in journeys]
    users = np.repeat(np.arange(len(journeys)), lengths)
    codes = np.array([STATES.index(word) for journey in journeys for word in journey], dtype=np.int32)
    return Sequences(
        vocabulary=tuple(STATES),
        user_ids=tuple(f"u{user:06d}" for user in range(len(journeys))),
        codes=codes,
        users=users.astype(np.int32),
        sessions=users,
        times=np.arange(len(codes)),
    )


def planted(seed, n_users, *, second_order):
    generator = np.random.default_rng(seed)
    walks = [walk(generator, second_order=second_order) for _ in range(n_users)]
    return count_transitions(cut_journeys(sequences_of(walks), unit="session", censor=False))


def one_persona(counts):
    return np.ones((len(counts.multiplicity), 1))


def brute_force(journeys, memberships, folds, prior):
    """Return the bits of each user by counting in loops, shape (3, U, K)."""
    n, n_users = journeys.n_states, len(journeys.user_ids)
    tokens = [[] for _ in range(n_users)]
    for journey, user in enumerate(journeys.users):
        steps = journeys.steps[journeys.offsets[journey] : journeys.offsets[journey + 1]].tolist()
        past = ["start", "start", *steps]
        following = [*steps, "exit"]
        weights = [1.0] * len(steps) + [journeys.exit_chances[journey]]
        tokens[user] += list(zip(past, past[1:], following, weights, strict=False))
    bits = np.zeros((3, n_users, memberships.shape[1]))
    for user in range(n_users):
        train = [other for other in range(n_users) if folds[other] != folds[user]]
        for persona in range(memberships.shape[1]):
            mine, everyone = Counter(), Counter()
            for other in train:
                for before, state, after, weight in tokens[other]:
                    keys = [("0", after), ("0",), (state, after), (state,)]
                    keys += [(before, state, after), (before, state, "any")]
                    for key in keys:
                        mine[key] += memberships[other, persona] * weight
                        everyone[key] += memberships[other].sum() * weight

            def shrunk(table, cell, row, toward):
                return (table[cell] + prior * toward) / (table[row] + prior)

            for before, state, after, weight in tokens[user]:
                everywhere = shrunk(everyone, ("0", after), ("0",), 1 / (n + 1))
                pooled = shrunk(everyone, (state, after), (state,), everywhere)
                zero = shrunk(mine, ("0", after), ("0",), everywhere)
                one = shrunk(mine, (state, after), (state,), pooled)
                two = shrunk(mine, (before, state, after), (before, state, "any"), one)
                told = (zero, one, one if state == "start" else two)
                bits[:, user, persona] -= weight * np.log2(told)
    return bits


@given(logs(), st.sampled_from(["user", "session"]), st.integers(0, 100), st.sampled_from([0.3, 1.0]))
def test_bits_equal_those_counted_in_loops(log, unit, seed, prior):
    journeys = cut_journeys(encode_sequences(log), unit=unit)
    generator = np.random.default_rng(seed)
    memberships = generator.dirichlet(np.ones(2), size=len(journeys.user_ids))
    folds = np.arange(len(journeys.user_ids)) % 2
    scored = score_held_out(count_histories(journeys), memberships, folds, prior=prior)
    np.testing.assert_allclose(
        scored.bits, brute_force(journeys, memberships, folds, prior), rtol=1e-10, atol=1e-10
    )


def test_first_order_bits_reach_the_entropy_rate_of_a_known_chain():
    counts = planted(0, 4000, second_order=False)
    rows = np.column_stack([CHAIN, np.full(3, EXIT_RATE)])
    visits = np.linalg.solve(np.eye(3) - CHAIN.T, STARTS)
    entropies = -(rows * np.log2(rows)).sum(axis=1)
    rate = (visits @ entropies - STARTS @ np.log2(STARTS)) / visits.sum()
    total = check_order(counts, one_persona(counts), random_state=0).total
    assert total.bits_per_event[1] == pytest.approx(rate, rel=0.01)
    assert total.bits_per_event[2] == pytest.approx(rate, rel=0.01)


def test_at_order_zero_bits_reach_the_entropy_of_single_tokens():
    counts = planted(0, 4000, second_order=False)
    visits = np.linalg.solve(np.eye(3) - CHAIN.T, STARTS)
    tokens = np.append(visits, 1.0) / (visits.sum() + 1)
    rate = -(tokens * np.log2(tokens)).sum() * (visits.sum() + 1) / visits.sum()
    total = check_order(counts, one_persona(counts), random_state=0).total
    assert total.bits_per_event[0] == pytest.approx(rate, rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_the_state_that_remembers_is_found_with_what_it_remembers(seed):
    counts = planted(seed, 400, second_order=True)
    total = check_order(counts, one_persona(counts), random_state=0).total
    assert not total.first_order_is_enough
    assert total.states[0].state == "b"
    told = {(past.before, past.target) for past in total.states[0].histories}
    assert {("a", "c"), ("c", "a")} <= told


def test_the_shares_after_a_past_are_those_planted():
    counts = planted(1, 3000, second_order=True)
    total = check_order(counts, one_persona(counts), random_state=0).total
    (from_a,) = (past for past in total.states[0].histories if past.before == "a")
    assert from_a.share == pytest.approx(0.8, abs=0.02)
    assert from_a.share_otherwise < 0.3


def test_users_who_are_all_alike_give_no_warning():
    journeys = cut_journeys(sequences_of(["abc"] * 60), unit="session", censor=False)
    counts = count_transitions(journeys)
    total = check_order(counts, one_persona(counts), random_state=0).total
    assert total.gain > 0.01 * total.bits_per_event[1]
    assert total.warning("All") is None


def test_logs_of_first_order_stay_silent():
    silent = 0
    for seed in range(40):
        counts = planted(seed, 200, second_order=False)
        total = check_order(counts, one_persona(counts), random_state=seed).total
        silent += total.warning("All") is None and not total.states
    assert silent >= 38


def test_a_warning_is_for_the_persona_that_remembers_alone():
    generator = np.random.default_rng(3)
    walks = [walk(generator, second_order=user % 2 == 0) for user in range(800)]
    counts = count_transitions(cut_journeys(sequences_of(walks), unit="session", censor=False))
    rows = np.zeros((len(counts.multiplicity), 2))
    np.add.at(rows, (counts.row_of_user, np.arange(800) % 2), 1.0)
    remembering, forgetful = check_order(
        counts, rows / rows.sum(axis=1, keepdims=True), random_state=0
    ).personas
    assert remembering.warning("One") is not None
    assert forgetful.warning("Other") is None


def test_contributions_of_all_states_sum_to_the_gain(monkeypatch):
    monkeypatch.setattr(state_memory, "NOISE_STANDARD_ERRORS", -1e9)
    counts = planted(2, 300, second_order=True)
    memberships = np.random.default_rng(0).dirichlet(np.ones(3), size=len(counts.multiplicity))
    checks = check_order(counts, memberships, random_state=0)
    for check in (checks.total, *checks.personas):
        assert sum(each.bits_per_event for each in check.states) == pytest.approx(check.gain, abs=1e-12)


def test_the_standard_error_is_the_spread_of_the_gain_over_logs():
    checks = []
    for seed in range(60):
        counts = planted(seed, 150, second_order=True)
        checks.append(check_order(counts, one_persona(counts), random_state=0).total)
    spread = np.std([check.gain for check in checks], ddof=1)
    assert np.mean([check.gain_error for check in checks]) == pytest.approx(spread, rel=0.3)


def test_the_order_of_personas_does_not_matter():
    counts = planted(0, 200, second_order=True)
    memberships = np.random.default_rng(0).dirichlet(np.ones(3), size=len(counts.multiplicity))
    forth = check_order(counts, memberships, random_state=0)
    back = check_order(counts, memberships[:, ::-1], random_state=0)
    for one, other in zip(forth.personas, reversed(back.personas), strict=True):
        assert one.bits_per_event == pytest.approx(other.bits_per_event, rel=1e-12)
    assert forth.total.gain == pytest.approx(back.total.gain, rel=1e-9)


def test_with_an_endless_prior_the_second_order_is_the_first():
    counts = planted(0, 200, second_order=True)
    total = check_order(counts, one_persona(counts), prior=1e12, random_state=0).total
    assert total.gain == pytest.approx(0.0, abs=1e-9)


def test_one_persona_costs_what_the_first_rung_of_the_ladder_does(sample):
    total = check_order(sample.counts, one_persona(sample.counts), random_state=0).total
    rung = select_n_clusters(sample.counts, max_clusters=1, random_state=0).ladder[0]
    assert total.bits_per_event[1] == pytest.approx(rung.bits_per_event, rel=1e-3)


def test_personas_take_away_most_of_what_looks_like_memory(sample):
    apart = fit_markov_mixture(sample.counts, 4, random_state=0).responsibilities
    together = check_order(sample.counts, one_persona(sample.counts), random_state=0).total
    assert not together.first_order_is_enough
    assert check_order(sample.counts, apart, random_state=0).total.first_order_is_enough


def test_what_cannot_be_checked_is_refused_with_every_fault():
    counts = planted(0, 1, second_order=False)
    with pytest.raises(ModelingError, match="n_folds == 3, must be from 2 to 1") as told:
        check_order(counts, np.zeros((1, 2)), prior=0.0)
    assert "prior == 0.0, must be > 0" in str(told.value)
    assert "persona 0 has no member" in str(told.value)


def test_memberships_of_other_rows_are_refused():
    counts = planted(0, 30, second_order=False)
    with pytest.raises(ModelingError, match=r"memberships has shape \(3, 1\), must be"):
        check_order(counts, np.ones((3, 1)))


def test_a_small_gain_is_not_worth_a_warning():
    check = OrderCheck(persona=None, bits_per_event=(3.0, 2.0, 1.99), gain=0.01, gain_error=0.0001, states=())
    assert check.warning("All") is None


@pytest.mark.real
def test_the_restaurant_guide_remembers_beyond_its_last_event(real_log):
    sequences = encode_sequences(load_event_log_csv(real_log("restaurant_guide")))
    counts = count_transitions(cut_journeys(sequences, censor=False))
    total = check_order(counts, one_persona(counts), random_state=0).total
    assert total.states[0].state == "browse"
    assert "one event is not memory enough" in (total.warning("All users") or "")
