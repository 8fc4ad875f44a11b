"""Fit hmmlearn's categorical hidden Markov model to training users and score other users.

    PYTHON_WITH_HMMLEARN tests/benchmarks/hidden_markov.py tokens.npz scores.npz

Run by ``held_out_bits.py``; needs numpy and hmmlearn alone, so that it can live in another environment.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hmmlearn.hmm import CategoricalHMM

RESTARTS = 3
RESTART_USERS = 2_000
RESTART_ITERATIONS = 15
TOLERANCE_PER_TOKEN = 1e-6
PRIOR = 1.01
"""A hundredth of a count a cell: no token is impossible, and next to nothing is smoothed."""


def make(n_states: int, n_tokens: int, n_iter: int, tol: float, seed: int) -> CategoricalHMM:
    from hmmlearn.hmm import CategoricalHMM

    return CategoricalHMM(
        n_components=n_states,
        n_features=n_tokens,
        startprob_prior=PRIOR,
        transmat_prior=PRIOR,
        emissionprob_prior=PRIOR,
        n_iter=n_iter,
        tol=tol,
        random_state=seed,
        implementation="scaling",
    )


def best_start(tokens, lengths, n_states, n_tokens) -> CategoricalHMM:
    """Return the best of some short fits on a sample of the training users."""
    n_sampled = min(RESTART_USERS, len(lengths))
    some = tokens[: lengths[:n_sampled].sum()]  # users come in random order
    runs = []
    for seed in range(RESTARTS):
        model = make(n_states, n_tokens, RESTART_ITERATIONS, 0.0, seed)
        model.fit(some[:, None], lengths[:n_sampled])
        runs.append(model)
    return max(runs, key=lambda model: model.monitor_.history[-1])


def main() -> None:
    source, target = sys.argv[1:]
    given = np.load(source)
    n_states, n_tokens = int(given["n_states"]), int(given["n_tokens"])
    tokens, lengths = given["train_tokens"], given["train_lengths"]
    start = best_start(tokens, lengths, n_states, n_tokens)
    model = make(n_states, n_tokens, int(given["n_iter"]), TOLERANCE_PER_TOKEN * len(tokens), 0)
    model.init_params = ""
    model.startprob_, model.transmat_ = start.startprob_, start.transmat_
    model.emissionprob_ = start.emissionprob_
    model.fit(tokens[:, None], lengths)
    ends = np.cumsum(given["test_lengths"])
    users = np.split(given["test_tokens"][:, None], ends[:-1])
    scores = np.array([model.score(user) for user in users])
    np.savez(target, scores=scores, n_iter=model.monitor_.iter, converged=model.monitor_.converged)


if __name__ == "__main__":
    main()
