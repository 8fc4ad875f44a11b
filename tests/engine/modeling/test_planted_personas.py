"""Logs whose personas are known: what is found of them, and how often the intervals hold."""

import numpy as np
import pytest
from benchmarks.bayes import assign_by_truth, session_chances
from benchmarks.effect_trials import plant_effect
from benchmarks.one_chain import Kind, leave_one_chain
from benchmarks.persona_trials import (
    ADJUSTED,
    CONVERSION,
    LIFT,
    NAIVE,
    SHARE,
    run_effect_trial,
    run_persona_trial,
)
from benchmarks.planted import Design, leave_log, plant
from benchmarks.trials import count_log
from sklearn.metrics import adjusted_rand_score

from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.mixture import fit_markov_mixture
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.modeling.selection import select_n_clusters
from persona_tui.engine.simulation.flow import EXIT

N_WORLDS = 16


def planted_chances(counts, walks):
    """Return the chances of a world's walks in the states of its counts, and in their order."""
    names = [*counts.journeys.vocabulary, walks.states[-1]]
    places = [walks.states.index(name) for name in names]
    moves = walks.transitions[:, places]
    onward = np.concatenate([moves[:, :, places], moves[:, :, [EXIT]]], axis=2)
    starts = np.pad(walks.starts[:, places], ((0, 0), (0, 1)))[:, None]
    return np.concatenate([starts, onward], axis=1)


def test_the_sample_s_four_personas_are_found_without_being_told_how_many(sample):
    found = find_personas(sample.whole_counts, "auto", random_state=0)
    assert found.n_clusters == 4
    assert adjusted_rand_score(sample.truth, found.labels) >= 0.9


@pytest.mark.parametrize("likeness", [2.0, 8.0])
@pytest.mark.parametrize("world", range(2))
def test_personas_are_found_nearly_as_well_as_if_their_chains_were_known(likeness, world):
    planted = plant(Design(n_users=8_000, unit="user", likeness=likeness), np.random.default_rng(world))
    sequences, personas = leave_log(planted, np.random.default_rng(world))
    counts = count_log(sequences, "user")
    mixture = fit_markov_mixture(counts, len(planted.shares), random_state=0)
    found = mixture.responsibilities.argmax(axis=1)[counts.row_of_user]
    best = assign_by_truth(counts, planted_chances(counts, planted.walks), planted.shares_of_users)
    assert adjusted_rand_score(personas, found) >= 0.93 * adjusted_rand_score(personas, best)


def test_the_best_assignment_is_that_of_bayes_rule_written_out_session_by_session():
    states, shares = ["x", "y"], np.array([0.7, 0.3])
    starts = np.array([[0.5, 0.5], [0.2, 0.8]])
    moves = np.array([[[0.1, 0.9], [0.6, 0.4]], [[0.8, 0.2], [0.3, 0.7]]])
    generator = np.random.default_rng(0)
    planted = leave_one_chain(Kind(n_users=50, events=4, extra_sessions=1), generator)
    chosen = planted.codes % 2
    sequences = type(planted)(
        vocabulary=("x", "y"),
        user_ids=planted.user_ids,
        codes=chosen,
        users=planted.users,
        sessions=planted.sessions,
        times=planted.times,
    )
    by_hand = np.repeat(np.log(shares)[None], 50, axis=0)
    for place, (code, user, session) in enumerate(zip(chosen, planted.users, planted.sessions, strict=True)):
        opens = place == 0 or planted.sessions[place - 1] != session
        by_hand[user] += np.log(starts[:, code] if opens else moves[:, chosen[place - 1], code])
    counts = count_transitions(cut_journeys(sequences))
    found = assign_by_truth(counts, session_chances(counts, states, starts, moves), shares)
    assert found.tolist() == by_hand.argmax(axis=1).tolist()


@pytest.mark.parametrize(
    "kind",
    [
        Kind(n_users=400, events=5),
        Kind(n_users=400, events=30),
        Kind(n_users=300, events=8, extra_sessions=3),
        Kind(n_users=400, events=15, lengths="heavy-tailed"),
    ],
    ids=["short journeys", "long journeys", "several sessions", "heavy-tailed lengths"],
)
@pytest.mark.parametrize("seed", range(2))
def test_users_who_all_walk_one_chain_are_one_persona_however_long_they_walk(kind, seed):
    counts = count_transitions(cut_journeys(leave_one_chain(kind, np.random.default_rng(seed))))
    assert select_n_clusters(counts, random_state=seed).n_clusters == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_bot_is_at_most_a_persona_of_its_own(seed):
    bot = Kind(n_users=400, events=15, bot_events=20_000)
    counts = count_transitions(cut_journeys(leave_one_chain(bot, np.random.default_rng(seed))))
    found = find_personas(counts, random_state=seed)
    assert (found.labels == 0).sum() >= 399


@pytest.fixture(scope="module")
def trials():
    """Return planted worlds with their intervals; see ``benchmarks/mixture_coverage.md`` for many."""
    designs = [Design(n_users=400, unit=unit, likeness=2.0) for unit in ("user", "session")]
    return [run_persona_trial(5, world, designs[world % 2], n_draws=120) for world in range(N_WORLDS)]


@pytest.mark.parametrize("quantity", [SHARE, CONVERSION, LIFT])
def test_most_intervals_of_personas_hold_the_planted_truth(trials, quantity):
    verdicts = [each for trial in trials for each in trial.verdicts if each.quantity == quantity]
    assert np.mean([each.covers for each in verdicts]) > 0.85


def test_an_adjusted_trait_effect_holds_the_truth_where_the_plain_difference_does_not():
    verdicts = [each for world in range(12) for each in run_effect_trial(5, world, n_draws=60)]
    adjusted, naive = (
        [each for each in verdicts if each.quantity == quantity] for quantity in (ADJUSTED, NAIVE)
    )
    assert sum(each.covers for each in adjusted) >= 9
    assert sum(each.covers for each in naive) <= 4
    assert abs(np.mean([each.estimate - each.truth for each in adjusted])) < 0.03


def test_the_plain_difference_is_biased_by_as_much_as_the_planted_chances_say():
    planted = plant_effect(np.random.default_rng(0))
    kinds = planted.chances / planted.chances.sum()
    having = (kinds * planted.has_trait).sum()
    with_trait = (kinds * planted.has_trait * (planted.responds + planted.effect)).sum() / having
    without = (kinds * (1 - planted.has_trait) * planted.responds).sum() / (1 - having)
    assert planted.naive == pytest.approx(with_trait - without)
    assert planted.naive - planted.truth > 0.03
