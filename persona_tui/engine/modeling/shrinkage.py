"""How strongly the log itself asks that personas be shrunk toward what all users do."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from persona_tui.engine.modeling.steps import LOG_FLOOR, MoveTable
from persona_tui.engine.types import FloatArray

Prior: TypeAlias = "float | Literal['empirical']"
"""Pseudo-moves that each row of a persona's chain gets, or that the log tells their number."""

DEFAULT_PRIOR = 1.0
"""Pseudo-moves where nothing tells another number: without personas, and before there is a fit."""
LEAST_PRIOR, MOST_PRIOR = 1.0, 1e6
_TOLERANCE = 0.01
"""Of the logarithm of the strength."""
_LEAST_LEFT = 1e-3
"""A persona that makes all moves of a row tells nothing; log-gammas of larger strengths lose their digits."""


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
    ``sum log G(a) - log G(a + n_i) + sum_j log G(a m_ij + n_ij) - log G(a m_ij)``, over the logarithm of the
    strength by golden section; some 20 times O(K F). Personas lie closer to the pooled row than to the one
    that they come from, since it is their own mean. Where they make shares w of its moves, the squared
    distance of persona k is ``1 - 2 w_k + sum w²`` of what it would be, and the noise in it ``1 - w_k`` of
    that of its own moves: its row has ``a = strength / (1 - 2 w_k + sum w²)`` and n divided by ``1 - w_k``.
    Of two personas with 95 and 5 % the larger one makes the pooled row and would tell that they are alike.

    References
    ----------
    Minka (2000), *Estimating a Dirichlet distribution*, technical report, MIT.
    """
    totals = np.add.reduceat(moved, table.first_of_row, axis=0)
    nearness, noise = _parts_left(totals)
    moved, totals = moved / noise[table.row_of_move], totals / noise
    low, high = np.log(LEAST_PRIOR), np.log(MOST_PRIOR)
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    inner = [high - ratio * (high - low), low + ratio * (high - low)]
    value = [_log_evidence(table, moved, totals, np.exp(each) / nearness) for each in inner]
    while high - low > _TOLERANCE:
        if value[0] >= value[1]:
            high, inner[1], value[1] = inner[1], inner[0], value[0]
            inner[0] = high - ratio * (high - low)
            value[0] = _log_evidence(table, moved, totals, np.exp(inner[0]) / nearness)
        else:
            low, inner[0], value[0] = inner[0], inner[1], value[1]
            inner[1] = low + ratio * (high - low)
            value[1] = _log_evidence(table, moved, totals, np.exp(inner[1]) / nearness)
    return float(np.exp((low + high) / 2))


def _parts_left(totals: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what is left of each persona's distance and noise round their own mean, shape (rows, K)."""
    if totals.shape[1] == 1:
        return np.ones_like(totals), np.ones_like(totals)  # nothing to tell apart: the pooled chain
    shares = totals / np.maximum(totals.sum(axis=1, keepdims=True), LOG_FLOOR)
    distance: FloatArray = 1.0 - 2.0 * shares + (shares**2).sum(axis=1, keepdims=True)
    return np.maximum(distance, _LEAST_LEFT), np.maximum(1.0 - shares, _LEAST_LEFT)


def _log_evidence(table: MoveTable, moved: FloatArray, totals: FloatArray, strengths: FloatArray) -> float:
    from scipy.special import gammaln  # noqa: PLC0415 - 0.1 s, only fits need it

    possible = table.pooled[:, 0] > 0  # a move that only users held out make, and smoothing never gives
    pseudo = (strengths[table.row_of_move] * table.pooled)[possible]
    rows = gammaln(strengths) - gammaln(strengths + totals)
    moves = gammaln(pseudo + moved[possible]) - gammaln(pseudo)
    return float(rows.sum() + moves.sum())
