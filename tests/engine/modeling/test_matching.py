from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.matching import (
    Continuation,
    Matching,
    carry_chains,
    carry_names,
    match_personas,
    persona_distances,
)
from persona_tui.engine.modeling.mixture import fit_markov_mixture


def mixture_of(chains, names, unit="session", weights=None):
    """Return a mixture with given chains, as though it had been fitted on one user of each persona."""
    n = len(chains)
    return MarkovMixture(
        vocabulary=tuple(names),
        unit=unit,
        completion=frozenset(),
        drop=frozenset(),
        weights=np.full(n, 1 / n) if weights is None else np.array(weights),
        chains=np.array(chains, dtype=float),
        multiplicity=np.ones(n),
        responsibilities=np.eye(n),
        fitted_responsibilities=np.eye(n),
        bound_history=np.zeros(1),
        log_likelihood=0.0,
        entropy=0.0,
        converged=True,
        restarted=0,
        prior=1.0,
        pooled=np.mean(chains, axis=0),
        n_moves=1,
        n_sources=1,
    )


@st.composite
def mixtures(draw, unit="session", max_clusters=4):
    """Draw mixtures over some of five event types; some states absorb."""
    generator = np.random.default_rng(draw(st.integers(0, 100_000)))
    names = sorted(draw(st.sets(st.sampled_from("abcde"), min_size=1)))
    size, n = len(names) + (unit == "user") + 1, draw(st.integers(1, max_clusters))
    chains = generator.gamma(0.4, size=(n, size, size)) + 1e-9
    chains[:, 0, -1] = 0.0
    chains /= chains.sum(axis=2, keepdims=True)
    chains[:, 1:][generator.random((n, size - 1)) < 0.2] = 0.0
    return mixture_of(chains, names, unit, generator.dirichlet(np.ones(n)))


def permuted(mixture, order):
    order = list(order)
    return replace(mixture, weights=mixture.weights[order], chains=mixture.chains[order])


@given(mixtures("user"), st.randoms(use_true_random=False))
def test_a_mixture_matches_its_permutation_at_distance_zero(mixture, random):
    order = random.sample(range(mixture.n_clusters), mixture.n_clusters)
    matching = match_personas(mixture, permuted(mixture, order))
    assert matching.old_of_new == tuple(order)
    assert [each.distance for each in matching.continuations] == [0.0] * len(order)
    assert not any(each.shifts for each in matching.continuations)


@given(mixtures(), mixtures())
def test_distances_are_symmetric_and_between_zero_and_one(first, second):
    there, back = persona_distances(first, second), persona_distances(second, first)
    assert there == pytest.approx(back.T, abs=1e-9)
    assert ((there >= 0) & (there <= 1)).all()


@given(mixtures(max_clusters=2), mixtures(max_clusters=2), mixtures(max_clusters=2))
def test_no_detour_is_shorter(first, second, third):
    direct = persona_distances(first, third)[:, None, :]
    detour = persona_distances(first, second)[:, :, None] + persona_distances(second, third)[None]
    assert (direct <= detour + 1e-9).all()


@given(mixtures(), mixtures())
def test_what_contributes_sums_to_no_more_than_the_squared_distance(first, second):
    for each in match_personas(first, second, tolerance=1.0).continuations:
        parts = [shift.contribution for shift in each.shifts]
        assert sum(parts) <= each.distance**2 + 1e-9
        assert parts == sorted(parts, reverse=True)


def test_the_distance_is_that_of_the_shares_of_moves():
    # each journey of the first: start, a, exit; of the second: start, a, and a again every other time
    once = mixture_of([[[1, 0], [0, 1]]], "a")
    often = mixture_of([[[1, 0], [0.5, 0.5]]], "a")
    first = np.array([1 / 2, 0, 1 / 2])  # start-a, a-a, a-exit
    second = np.array([1 / 3, 1 / 3, 1 / 3])

    def entropy(shares):
        return -(shares[shares > 0] * np.log2(shares[shares > 0])).sum()

    expected = np.sqrt(entropy((first + second) / 2) - (entropy(first) + entropy(second)) / 2)
    assert persona_distances(once, often)[0, 0] == pytest.approx(expected, abs=1e-5)


def test_personas_without_a_move_in_common_are_at_distance_one():
    chain = [[[1, 0], [0, 1]]]
    assert persona_distances(mixture_of(chain, "a"), mixture_of(chain, "b"))[0, 0] == pytest.approx(1)


def test_a_chain_that_never_ends_has_a_distance_too():
    forever = mixture_of([[[1, 0], [1, 0]]], "a")
    assert match_personas(forever, forever).old_of_new == (0,)


def test_what_moved_names_the_transitions_and_the_shares():
    old = mixture_of([[[1, 0, 0], [0, 0.5, 0.5], [0, 0, 1]]], ["look", "pay"])
    new = mixture_of([[[1, 0, 0], [0, 0.8, 0.2], [0, 0, 1]]], ["look", "pay"])
    (moved,) = match_personas(old, new).continuations
    shift = next(each for each in moved.shifts if each.source == "look" and each.target == "exit")
    assert (shift.before, shift.after) == pytest.approx((0.5, 0.2))
    assert (moved.share_before, moved.share_after) == (1.0, 1.0)
    assert shift == moved.shifts[0]


def test_personas_appear_and_vanish():
    rows = {name: [[1, 0, 0], [0, stay, 1 - stay], [0, 0, 1]] for name, stay in (("x", 0.1), ("y", 0.9))}
    rows["z"] = [[0, 1, 0], [0, 0, 1], [0.9, 0, 0.1]]
    old = mixture_of([rows["x"], rows["y"]], "ab")
    new = mixture_of([rows["z"], rows["y"]], "ab")
    matching = match_personas(old, new)
    assert matching.old_of_new == (None, 1)
    assert (matching.appeared, matching.vanished) == ((0,), (0,))


@given(st.data())
def test_personas_that_go_on_keep_their_names_and_all_names_differ(data):
    names = st.lists(st.sampled_from(["A", "A 2", "B", "C", "D"]), min_size=1, unique=True)
    old_names, new_names = data.draw(names), data.draw(names)
    n_pairs = data.draw(st.integers(0, min(len(old_names), len(new_names))))
    old, new = (
        data.draw(st.permutations(range(len(old_names)))),
        data.draw(st.permutations(range(len(new_names)))),
    )
    pairs = list(zip(old[:n_pairs], new[:n_pairs], strict=True))
    same = {"distance": 0.0, "share_before": 0.5, "share_after": 0.5, "shifts": ()}
    matching = Matching(
        continuations=tuple(Continuation(old=before, new=after, **same) for before, after in pairs),
        appeared=tuple(sorted(new[n_pairs:])),
        vanished=tuple(sorted(old[n_pairs:])),
        distances=np.ones((len(old_names), len(new_names))),
        tolerance=0.25,
    )
    carried = carry_names(matching, old_names, new_names)
    assert all(carried[after] == old_names[before] for before, after in pairs)
    assert len(set(carried)) == len(new_names)
    assert not {carried[new] for new in matching.appeared} & set(old_names)


@given(mixtures("user"), mixtures("user"))
def test_what_two_fits_know_together_continues_every_persona_of_both(old, new):
    matching = match_personas(old, new)
    known = carry_chains(matching, old, new)
    assert known.n_clusters == old.n_clusters + len(matching.appeared)
    assert known.weights.sum() == pytest.approx(1)
    assert not known.weights[list(matching.vanished)].any()
    to_old, to_new = persona_distances(known, old), persona_distances(known, new)
    assert all(to_old[persona, persona] < 1e-6 for persona in matching.vanished)
    assert all(to_new[each.old, each.new] < 1e-6 for each in matching.continuations)


@given(mixtures(), mixtures())
def test_a_fit_that_is_known_already_changes_nothing(old, new):
    known = carry_chains(match_personas(old, new), old, new)
    again = carry_chains(match_personas(known, new), known, new)
    assert np.array_equal(again.chains, known.chains)
    assert np.array_equal(again.weights, known.weights)


def test_an_event_type_that_only_one_fit_knows_has_no_chance_in_the_other():
    old = mixture_of([[[1, 0], [0, 1]]], "a")
    new = mixture_of([[[0.9, 0.1, 0], [0, 0, 1], [0, 0, 1]]], "ab")
    (moved,) = match_personas(old, new, tolerance=1.0).continuations
    by_move = {(shift.source, shift.target): shift for shift in moved.shifts}
    assert np.isnan(by_move["start", "b"].before)
    assert by_move["start", "b"].after == pytest.approx(0.1)


@settings(max_examples=20)
@given(st.sampled_from([0.0, -1.0, 1.5, np.nan]))
def test_a_tolerance_that_is_no_distance_is_refused(tolerance):
    mixture = mixture_of([[[1, 0], [0, 1]]], "a")
    with pytest.raises(ModelingError, match="tolerance == "):
        match_personas(mixture, mixture, tolerance=tolerance)


def test_personas_of_users_and_of_sessions_are_not_compared():
    sessions = mixture_of([[[1, 0], [0, 1]]], "a")
    users = mixture_of([[[1, 0, 0], [0, 0, 1], [1, 0, 0]]], "a", unit="user")
    with pytest.raises(ModelingError, match="Personas by user and personas by session"):
        match_personas(users, sessions)


def refit(counts, n_clusters, seed):
    """Return a fit on users drawn with replacement."""
    n = len(counts.row_of_user)
    drawn = counts.row_of_user[np.random.default_rng(seed).integers(0, n, n)]
    weights = np.bincount(drawn, minlength=len(counts.multiplicity)).astype(float)
    return fit_markov_mixture(counts, n_clusters, weights=weights, random_state=seed)


def test_refits_on_users_drawn_anew_continue_every_persona(sample):
    old = fit_markov_mixture(sample.counts, 4, random_state=0)
    for seed in (1, 2):
        matching = match_personas(old, refit(sample.counts, 4, seed))
        assert sorted(matching.old_of_new) == [0, 1, 2, 3]
        assert max(each.distance for each in matching.continuations) < 0.1


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "completion"), [("online_wizard", "confirm"), ("restaurant_guide", "accept")]
)
def test_refits_of_real_logs_continue_both_personas(real_log, name, completion):
    sequences = encode_sequences(load_event_log_csv(real_log(name)))
    counts = count_transitions(cut_journeys(sequences, completion={completion}))
    old = fit_markov_mixture(counts, 2, random_state=0)
    assert sorted(match_personas(old, refit(counts, 2, 1)).old_of_new) == [0, 1]
    assert persona_distances(old, old)[0, 1] > 0.3
