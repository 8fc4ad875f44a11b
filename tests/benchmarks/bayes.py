"""The best assignment there is: each user's likeliest persona under the chains that were planted."""

from __future__ import annotations

import numpy as np

from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.steps import LOG_FLOOR


def assign_by_truth(counts: TransitionCounts, chances: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the persona with the highest posterior of each user, shape (U,).

    ``chances`` of shape (K, n + 1, n + 1) is laid out as ``MarkovMixture.chains``: row 0 the starts, row
    i + 1 the moves out of state i, the last column the exit. A move whose chance is the same in all
    personas may have any that is not zero.
    """
    moves = np.log(np.maximum(chances[:, counts.sources, counts.targets].T, LOG_FLOOR))
    posterior = counts.matrix @ moves + np.log(shares)
    return posterior.argmax(axis=1)[counts.row_of_user]


def session_chances(
    counts: TransitionCounts, states: list[str], starts: np.ndarray, moves: np.ndarray
) -> np.ndarray:
    """Return chances for ``assign_by_truth`` of whole journeys whose sessions all begin alike.

    ``starts`` of shape (K, S) and ``moves`` of shape (K, S, S) are of the states in their order; how a
    session ends and whether another follows does not depend on the persona.
    """
    vocabulary = counts.journeys.vocabulary
    n = len(vocabulary)
    places = [states.index(name) for name in vocabulary]
    chances = np.ones((len(starts), n + 2, n + 2))
    chances[:, 0, :n] = chances[:, n + 1, :n] = starts[:, places]
    chances[:, 1 : n + 1, :n] = moves[:, places][:, :, places]
    return chances
