from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import logs, make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import ModelingError, RunCancelled
from persona_tui.engine.modeling import parameters
from persona_tui.engine.modeling.climbing import Users, climb, idle_personas
from persona_tui.engine.modeling.counts import count_transitions, pooled_chain, possible_moves
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.mixture import fit_markov_mixture
from persona_tui.engine.modeling.restarts import refill
from persona_tui.engine.modeling.steps import tabulate_moves


def counts_of(log, **cut):
    return count_transitions(cut_journeys(encode_sequences(log), **cut))


def users_of(counts, prior=1.0):
    return Users.of(tabulate_moves(counts, pooled_chain(counts, prior), prior), counts.multiplicity)


def dense_counts(counts):
    """Return per-user tables of shape (U, n + 1, n + 1)."""
    n = counts.n_states
    tables = np.zeros((len(counts.row_of_user), n + 1, n + 1))
    rows = counts.matrix[counts.row_of_user].toarray()
    tables[:, counts.sources, counts.targets] = rows
    return tables


def brute_force_em(counts, start, prior, n_iterations):
    """Run EM with loops over users and personas, straight from the formulas."""
    tables, pooled = dense_counts(counts), pooled_chain(counts, prior)
    memberships = start[counts.row_of_user]
    bounds = []
    for _ in range(n_iterations):
        weights = memberships.mean(axis=0)
        chains = []
        for persona in range(memberships.shape[1]):
            table = np.tensordot(memberships[:, persona], tables, axes=1)
            totals = table.sum(axis=1, keepdims=True)
            chains.append((table + prior * pooled) / (totals + prior))
        joint = np.zeros_like(memberships)
        for user, table in enumerate(tables):
            for persona, chain in enumerate(chains):
                seen = table > 0
                joint[user, persona] = np.log(weights[persona]) + (table[seen] * np.log(chain[seen])).sum()
        likelihood = np.exp(joint).sum(axis=1)
        penalty = sum(prior * (pooled[pooled > 0] * np.log(chain[pooled > 0])).sum() for chain in chains)
        bounds.append(np.log(likelihood).sum() + penalty)
        memberships = np.exp(joint) / likelihood[:, None]
    return np.array(chains), weights, memberships, np.array(bounds)


@settings(max_examples=30, deadline=None)
@given(logs(), st.integers(0, 1000), st.sampled_from(["user", "session"]))
def test_em_equals_its_formulas_worked_out_by_brute_force(log, seed, unit):
    counts = counts_of(log, unit=unit, censor=False)
    start = np.random.default_rng(seed).dirichlet([1.0, 1.0], size=len(counts.multiplicity))
    users, history = users_of(counts), []
    parameters = users.estimate(start)
    for _ in range(4):
        expected, bound = users.expect(parameters)
        history.append(bound)
        parameters = users.maximise(expected)
    history.append(users.expect(parameters)[1])
    chains, weights, _, bounds = brute_force_em(counts, start, 1.0, 5)
    assert np.exp(parameters.log_weights) == pytest.approx(weights, abs=1e-8)
    assert np.array(history) == pytest.approx(bounds, abs=1e-8)
    moves = chains[:, counts.sources, counts.targets].T
    assert np.exp(parameters.log_moves) == pytest.approx(moves, abs=1e-8)


@settings(max_examples=30, deadline=None)
@given(logs(), st.floats(0.01, 20), st.integers(2, 4), st.integers(0, 1000))
def test_the_penalised_bound_never_falls(log, prior, n_clusters, seed):
    counts = counts_of(log)
    start = np.random.default_rng(seed).dirichlet(np.ones(n_clusters), size=len(counts.multiplicity))
    users = users_of(counts, prior)
    history = climb(users, users.estimate(start), max_iter=40, tol=-np.inf).history
    assert (np.diff(history) > -1e-9 * max(1.0, abs(history[0]))).all()


def test_planted_personas_are_recovered(sample):
    from sklearn.metrics import adjusted_rand_score

    fitted = fit_markov_mixture(sample.whole_counts, 4, random_state=0)
    labels = fitted.responsibilities[sample.whole_counts.row_of_user].argmax(axis=1)
    assert adjusted_rand_score(sample.truth, labels) > 0.9
    assert fitted.converged


def test_the_same_seed_gives_the_same_fit(sample):
    first, second = (fit_markov_mixture(sample.counts, 3, random_state=4) for _ in range(2))
    assert (first.chains == second.chains).all()
    assert (first.weights == second.weights).all()


def test_personas_come_in_order_of_their_weight(sample):
    weights = fit_markov_mixture(sample.counts, 4, random_state=0).weights
    assert (np.diff(weights) <= 0).all()
    assert weights.sum() == pytest.approx(1)


def test_one_persona_is_the_pooled_chain_without_smoothing(sample):
    fitted = fit_markov_mixture(sample.counts, 1, prior=0.0)
    assert fitted.chains[0] == pytest.approx(pooled_chain(sample.counts, 0.0), abs=1e-12)


def test_no_possible_move_has_chance_zero(sample):
    fitted = fit_markov_mixture(sample.counts, 2, random_state=0)
    possible = possible_moves(sample.counts.journeys)
    assert (fitted.chains[:, possible] > 0).all()
    rows = possible.any(axis=1)
    assert fitted.chains[:, rows].sum(axis=-1) == pytest.approx(1)


def test_completion_gets_no_smoothed_start(sample):
    fitted = fit_markov_mixture(sample.counts, 2, random_state=0)
    done = sample.counts.journeys.vocabulary.index("signup_complete")
    assert (fitted.chains[:, 0, done] == 0).all()


@pytest.mark.parametrize("n_clusters", [0, 4])
def test_an_impossible_number_of_personas_is_refused(n_clusters):
    counts = counts_of(make_log({"u": [["a"]], "v": [["b"]], "w": [["a", "b"]]}))
    with pytest.raises(ModelingError, match=rf"n_clusters == {n_clusters}, must be from 1 to 3"):
        fit_markov_mixture(counts, n_clusters)


@pytest.mark.parametrize("n_clusters", [2.5, 2.0, "two", None])
def test_a_number_of_personas_that_is_not_whole_is_refused(n_clusters):
    counts = counts_of(make_log({"u": [["a"]], "v": [["b"]], "w": [["a", "b"]]}))
    with pytest.raises(
        ModelingError, match=rf"n_clusters == {n_clusters!r}, must be a whole number from 1 to 3"
    ):
        fit_markov_mixture(counts, n_clusters)


def test_more_personas_than_distinct_journeys_are_told():
    counts = counts_of(make_log({f"u{n}": [["a", "b"] if n % 2 else ["b"]] for n in range(20)}))
    with pytest.warns(UserWarning, match="differ in 2 ways only, so some of 4 personas repeat .* at most 2"):
        fit_markov_mixture(counts, 4, random_state=0)


def test_personas_that_the_users_do_not_hold_are_told():
    counts = counts_of(make_log({f"u{n}": [["a", "b"]] for n in range(9)}))
    with pytest.warns(UserWarning, match="1 of 2 still stand for nobody"):
        fitted = fit_markov_mixture(counts, 2, random_state=0)
    assert fitted.restarted == 1
    assert np.isfinite(fitted.chains).all()
    assert fitted.responsibilities.sum(axis=1) == pytest.approx(1)


def test_an_emptied_persona_is_made_anew_from_the_users_explained_worst():
    log = make_log({f"u{n}": [["a", "b"] * 4 if n < 90 else ["a"] * 5 + ["b"] * 5] for n in range(120)})
    users = users_of(counts_of(log))
    together = users.estimate(np.tile([1.0, 0.0], (len(users.weights), 1)))
    assert idle_personas(users, together) == [1]
    again = climb(users, refill(users, together, [1]), max_iter=100, tol=1e-6)
    assert np.exp(again.parameters.log_weights) == pytest.approx([0.75, 0.25], abs=0.01)


def test_one_user_is_one_persona():
    fitted = fit_markov_mixture(counts_of(make_log({"u": [["a"]]})), 1, random_state=0)
    assert np.isfinite(fitted.chains).all()


def test_a_fit_that_has_not_converged_warns(sample):
    with pytest.warns(UserWarning, match="not converged after 2 iterations"):
        fit_markov_mixture(sample.counts, 4, max_iter=2, random_state=0)


def test_a_fit_can_be_cancelled(sample):
    def stop(_progress):
        raise RunCancelled("stopped")

    with pytest.raises(RunCancelled):
        fit_markov_mixture(sample.counts, 2, on_progress=stop, random_state=0)


def test_a_log_is_counted_by_user():
    log = make_log({f"u{n}": [["a", "b"], ["c"]] if n % 2 else [["c", "a"]] for n in range(8)})
    fitted = fit_markov_mixture(encode_sequences(log), 2, random_state=0)
    counted = fit_markov_mixture(counts_of(log), 2, random_state=0)
    assert (fitted.chains == counted.chains).all()


def test_the_number_of_threads_does_not_change_a_bit(sample, monkeypatch):
    monkeypatch.setattr(parameters, "BLOCK_ROWS", 64)
    one, three = (fit_markov_mixture(sample.counts, 3, random_state=2, workers=workers) for workers in (1, 3))
    assert (one.chains == three.chains).all()
    assert (one.responsibilities == three.responsibilities).all()


@settings(max_examples=20)
@given(logs(), st.integers(0, 1000))
def test_the_order_of_rows_and_of_personas_does_not_matter(log, seed):
    counts = counts_of(log)
    generator = np.random.default_rng(seed)
    start = generator.dirichlet(np.ones(3), size=len(counts.multiplicity))
    rows, personas = generator.permutation(len(start)), generator.permutation(3)
    users = users_of(counts)
    permuted = Users.of(users.table.stack([counts.matrix[rows]]), users.weights[rows])
    first = climb(users, users.estimate(start), max_iter=20, tol=1e-6)
    second = climb(permuted, permuted.estimate(start[rows][:, personas]), max_iter=20, tol=1e-6)
    assert first.history == pytest.approx(second.history, rel=1e-9)
    moves = np.exp(first.parameters.log_moves[:, personas])
    assert np.exp(second.parameters.log_moves) == pytest.approx(moves, abs=1e-6)


def test_other_names_of_the_users_do_not_change_a_fit():
    generator = np.random.default_rng(0)
    walks = [["a", *generator.choice(list("abcd"), size=5)] for _ in range(30)]
    names = generator.permutation(30)
    fits = [
        fit_markov_mixture(counts_of(make_log(log)), 2, random_state=0)
        for log in (
            {f"u{number:02d}": [walk] for number, walk in enumerate(walks)},
            {f"u{names[number]:02d}": [walk] for number, walk in enumerate(walks)},
        )
    ]
    assert fits[0].chains == pytest.approx(fits[1].chains, abs=1e-12)


def test_the_bound_is_stationary_where_the_fit_ends(sample):
    users = users_of(sample.counts)
    start = np.random.default_rng(1).dirichlet(np.ones(3), size=len(users.weights))
    best = climb(users, users.estimate(start), max_iter=2_000, tol=1e-10).parameters
    row = users.table.row_of_move
    generator, step = np.random.default_rng(0), 1e-4
    for _ in range(20):  # from one move of a row to another, and from one persona to another
        cluster, state = int(generator.integers(3)), int(generator.integers(row.max() + 1))
        moves = np.flatnonzero(row == state)
        pair = generator.choice(moves, size=2, replace=len(moves) == 1)
        room = np.exp(best.log_moves[pair, cluster]).min()
        bounds = [shifted_bound(users, best, cluster, pair, sign * step * room) for sign in (-1, 1)]
        slope = (bounds[1] - bounds[0]) / (2 * step)
        assert abs(slope) < 0.05


def shifted_bound(users, best, cluster, pair, amount):
    """Return the bound after some chance has gone from one move of a persona to another."""
    log_moves = best.log_moves.copy()
    chances = np.exp(log_moves[pair, cluster])
    if pair[0] != pair[1]:
        log_moves[pair, cluster] = np.log(chances + np.array([-amount, amount]))
    return users.expect(replace(best, log_moves=log_moves))[1]


def test_an_extrapolation_saves_passes(sample):
    users = users_of(sample.counts)
    start = users.estimate(np.random.default_rng(1).dirichlet(np.ones(3), size=len(users.weights)))
    accelerated = climb(users, start, max_iter=2_000, tol=1e-3)
    bounds, at = [], start
    while len(bounds) < 2 or bounds[-1] - bounds[-2] >= 1e-3:
        expected, bound = users.expect(at)
        bounds.append(bound)
        at = users.maximise(expected)
    assert len(accelerated.history) < len(bounds)
    assert accelerated.history[-1] >= bounds[-1] - 0.5


def test_few_moves_of_a_persona_are_shrunk_as_strongly_as_the_log_asks(sample):
    generator = np.random.default_rng(0)
    counts = counts_of(make_log({f"u{n}": [[*generator.choice(list("abcde"), size=9)]] for n in range(60)}))
    without_personas = fit_markov_mixture(counts, 2, random_state=0)
    assert fit_markov_mixture(sample.counts, 4, random_state=0).prior < 0.5 * without_personas.prior


def test_a_fit_with_one_persona_fewer_is_a_start(sample):
    warm = fit_markov_mixture(sample.counts, 3, random_state=0)
    cold = fit_markov_mixture(sample.counts, 4, n_init=1, random_state=0)
    helped = fit_markov_mixture(sample.counts, 4, n_init=1, random_state=0, warm=warm)
    assert helped.log_likelihood >= cold.log_likelihood - 1.0


def test_a_fit_of_another_number_of_personas_is_no_start(sample):
    warm = fit_markov_mixture(sample.counts, 2, random_state=0)
    with pytest.raises(ModelingError, match="warm has 2 personas, must have 3"):
        fit_markov_mixture(sample.counts, 4, random_state=0, warm=warm)
