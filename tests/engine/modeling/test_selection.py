import numpy as np
import pytest
from support import make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.mixture import climb_from_restarts
from persona_tui.engine.modeling.selection import Rung, _recommend, score_rows, select_n_clusters
from persona_tui.engine.rng import normalise_seed


def rungs(*bits, error=0.001):
    return tuple(
        Rung(n_clusters=n, bits_per_event=each, gain=bits[0] - each, gain_error=error)
        for n, each in enumerate(bits, start=1)
    )


def unstructured_counts(seed, n_users=300):
    """Return users who all walk one chain over four events."""
    generator = np.random.default_rng(seed)
    chain = np.random.default_rng(1).dirichlet(np.ones(4), size=4)
    journeys = {}
    for user in range(n_users):
        state, words = generator.integers(4), []
        for _ in range(1 + generator.geometric(0.1)):
            words.append("abcd"[state])
            state = generator.choice(4, p=chain[state])
        journeys[f"u{user}"] = [words]
    return count_transitions(cut_journeys(encode_sequences(make_log(journeys)), censor=False))


def test_four_planted_personas_are_found_automatically(sample):
    selection = select_n_clusters(sample.whole_counts, random_state=0)
    assert selection.n_clusters == 4
    assert [rung.n_clusters for rung in selection.ladder] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_users_of_one_chain_give_one_persona(seed):
    assert select_n_clusters(unstructured_counts(seed), random_state=seed).n_clusters == 1


def test_a_gain_within_two_standard_errors_is_noise():
    assert _recommend(rungs(2.0, 1.9985, 1.9990), 3).n_clusters == 1
    assert _recommend(rungs(2.0, 1.9970, 1.9990), 3).n_clusters == 2


def test_where_the_last_rung_wins_the_smallest_within_one_percent_is_offered():
    selection = _recommend(rungs(2.0, 1.9, 1.81, 1.8), 4)
    assert selection.n_clusters == 3
    assert "still fall at 4" in selection.reason


def test_a_log_of_two_users_is_one_persona():
    counts = count_transitions(cut_journeys(encode_sequences(make_log({"u": [["a"]], "v": [["b"]]}))))
    assert select_n_clusters(counts, random_state=0).n_clusters == 1


def test_a_fold_is_scored_by_a_fit_that_never_saw_it():
    log = make_log({f"u{n}": [["a", "b"]] for n in range(9)} | {f"v{n}": [["c", "a"]] for n in range(9)})
    counts = count_transitions(cut_journeys(encode_sequences(log), censor=False))
    starts_with_c = counts.journeys.vocabulary.index("c")
    unseen = (counts.matrix[:, counts.moves == starts_with_c].toarray() > 0)[:, 0]
    weights = np.where(unseen, 0.0, counts.multiplicity)
    fitted = climb_from_restarts(
        counts, 1, weights=weights, n_init=1, max_iter=5, tol=0.0, prior=1.0, seed=normalise_seed(0)
    )
    assert fitted.chains[0, 0, starts_with_c] < 0.02
    assert (score_rows(counts, fitted)[unseen] < -5).all()


@pytest.mark.parametrize("workers", [1, 3])
def test_the_ladder_does_not_depend_on_threads(sample, workers):
    kept = select_n_clusters(sample.counts, max_clusters=3, random_state=0)
    assert select_n_clusters(sample.counts, max_clusters=3, random_state=0, workers=workers) == kept
