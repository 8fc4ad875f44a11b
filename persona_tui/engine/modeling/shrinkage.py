"""How strongly the log itself asks that personas be shrunk toward what all users do."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from persona_tui.engine.modeling.steps import MoveTable
from persona_tui.engine.types import FloatArray

Prior: TypeAlias = "float | Literal['empirical']"
"""Pseudo-moves that each row of a persona's chain gets, or that the log tells their number."""

DEFAULT_PRIOR = 1.0
"""Pseudo-moves where nothing tells another number: without personas, and before there is a fit."""
LEAST_PRIOR, MOST_PRIOR = 1.0, 1e6
_TOLERANCE = 0.01
"""Of the logarithm of the strength."""


def estimate_prior(table: MoveTable, moved: FloatArray) -> float:
    """Return how strongly the personas' own counts ask to be shrunk toward the pooled row (empirical Bayes).

    Parameters
    ----------
    table : MoveTable
    moved : array of shape (F, K)
        Expected count of each move of each persona.

    Returns
    -------
    float
        From 1 to a million pseudo-moves, where personas are the pooled chain.

    Notes
    -----
    Maximises the Dirichlet-multinomial likelihood of the rows of all personas round the pooled row,
    ``sum log G(a) - log G(a + n_i) + sum_j log G(a m_ij + n_ij) - log G(a m_ij)``, over the logarithm of a
    by golden section; some 20 times O(K F). Personas lie closer to the pooled row than to the one that they
    come from, since it is their own mean: with shares w the squared distance is ``1 - sum w²`` of it, and
    so is the strength. Without this, shares of personas that are much alike are drawn together, and their
    intervals cover 87 % of planted worlds instead of 90 (1 000 users).

    References
    ----------
    Minka (2000), *Estimating a Dirichlet distribution*, technical report, MIT.
    """
    shares = moved.sum(axis=0) / moved.sum()
    totals = np.add.reduceat(moved, table.first_of_row, axis=0)
    low, high = np.log(LEAST_PRIOR), np.log(MOST_PRIOR)
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    inner = [high - ratio * (high - low), low + ratio * (high - low)]
    value = [_log_evidence(table, moved, totals, float(np.exp(each))) for each in inner]
    while high - low > _TOLERANCE:
        if value[0] >= value[1]:
            high, inner[1], value[1] = inner[1], inner[0], value[0]
            inner[0] = high - ratio * (high - low)
            value[0] = _log_evidence(table, moved, totals, float(np.exp(inner[0])))
        else:
            low, inner[0], value[0] = inner[0], inner[1], value[1]
            inner[1] = low + ratio * (high - low)
            value[1] = _log_evidence(table, moved, totals, float(np.exp(inner[1])))
    likeliest = float(np.exp((low + high) / 2))
    if len(shares) == 1 or likeliest > MOST_PRIOR * (1.0 - 2.0 * _TOLERANCE):
        return likeliest
    return max(likeliest * float(1.0 - shares @ shares), LEAST_PRIOR)


def _log_evidence(table: MoveTable, moved: FloatArray, totals: FloatArray, prior: float) -> float:
    from scipy.special import gammaln  # noqa: PLC0415 - 0.1 s, only fits need it

    possible = table.pooled[:, 0] > 0  # a move that only users held out make, and smoothing never gives
    pseudo = prior * table.pooled[possible]
    rows = gammaln(prior) - gammaln(prior + totals)
    moves = gammaln(pseudo + moved[possible]) - gammaln(pseudo)
    return float(rows.sum() + moves.sum())
