from pathlib import Path

import numpy as np
import pytest
from benchmarks.held_out_bits import Split, only, score_mixture

from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.mixture import fit_markov_mixture

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture(scope="module")
def split():
    return Split.of(SAMPLE, seed=0)


def test_all_models_score_the_same_tokens(split):
    chain = fit_markov_mixture(split.counts, 1, weights=split.train_weights, random_state=0).chains[0]
    tokens, lengths = split.tokens(split.held)
    users = np.split(tokens, np.cumsum(lengths)[:-1])
    costs = [-np.log2(chain[np.append(0, user[:-1] + 1), user]).sum() for user in users]
    np.testing.assert_allclose(score_mixture(split, 1, 0), costs, rtol=1e-9)


def test_nobody_is_both_trained_on_and_held_out(split):
    assert split.train_weights.sum() == len(split.train)
    assert sorted([*split.train, *split.held]) == list(range(len(split.order)))


def test_training_users_keep_all_that_they_did(split):
    alone = count_transitions(only(split.counts.journeys, split.train))
    assert alone.multiplicity @ alone.n_events == split.train_weights @ split.counts.n_events
