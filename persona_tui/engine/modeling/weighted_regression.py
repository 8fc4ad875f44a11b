"""Penalised regressions of many weightings of the same users at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.types import FloatArray

RIDGE: Final = 1.0
"""Penalty of every coefficient but the constant: half of it times the square, per unit of weight."""

_CONSTANT_RIDGE = 1e-3
"""Keeps the constant finite where everyone, or no one, has the response."""
_MAX_ITERATIONS = 60
_LARGEST_STEP = 4.0
_TOLERANCE = 1e-7
_CHUNK_NUMBERS = 2**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What is regressed: the mean of the response, and its variance as a function of the mean."""

    mean: Callable[[FloatArray], FloatArray]
    variance: Callable[[FloatArray], FloatArray]


def logistic(values: FloatArray) -> FloatArray:
    """Return ``1 / (1 + exp(-x))``, without overflow."""
    chances: FloatArray = 0.5 + 0.5 * np.tanh(0.5 * values)
    return chances


CHANCE: Final = Family(mean=logistic, variance=lambda mean: mean * (1 - mean))
"""A response of 0 or 1; coefficients are log-odds."""

AMOUNT: Final = Family(mean=np.asarray, variance=np.ones_like)
"""A response of any size; bring it to standard deviations first."""


def fit_weighted(
    design: FloatArray, response: FloatArray, weights: FloatArray, family: Family, start: FloatArray
) -> FloatArray:
    """Return the coefficients of one regression for each weighting.

    Parameters
    ----------
    design : array of shape (n, p)
        The first column is the constant 1; the others are about one standard deviation in size.
    response : array of shape (n,)
    weights : array of shape (n, B)
        At least zero; 1 is one user.
    family : Family
    start : array of shape (p, B)
        Where to start; the result of a similar weighting saves steps.

    Returns
    -------
    array of shape (p, B)

    Raises
    ------
    ModelingError
        If the steps do not settle.

    Notes
    -----
    Maximises ``sum(w * loglik) - RIDGE / 2 * sum(b ** 2)`` by Newton's method. All weightings
    share each step: the Hessians are one matrix product of the weights with the products of
    column pairs, O(n p² B / 2) at the speed of BLAS, where separate fits would spend their
    time on overhead. The fit is exact to 1e-7, not a fixed number of steps.

    Examples
    --------
    >>> fit_weighted(np.ones((4, 1)), np.array([0, 1, 1, 1.0]), np.ones((4, 1)), CHANCE, np.zeros((1, 1)))
    array([[1.097...]])
    """
    penalty = np.full((design.shape[1], 1), RIDGE)
    penalty[0] = _CONSTANT_RIDGE
    coefficients = start.copy()
    for _ in range(_MAX_ITERATIONS):
        mean = family.mean(design @ coefficients)
        gradient = design.T @ (weights * (response[:, None] - mean)) - penalty * coefficients
        hessians = _hessians(design, weights * family.variance(mean))
        hessians += np.diag(penalty[:, 0])
        step = np.linalg.solve(hessians, gradient.T[:, :, None])[:, :, 0].T
        size = np.abs(step).max(axis=0)
        coefficients += step * np.minimum(1, _LARGEST_STEP / np.maximum(size, 1e-300))
        if size.max() < _TOLERANCE:
            return coefficients
    raise ModelingError(
        f"A regression did not settle in {_MAX_ITERATIONS} steps (last step {size.max():.2g}).",
        hint="Leave out covariates that say nearly the same, or whose few values are extreme.",
    )


def _hessians(design: FloatArray, weights: FloatArray) -> FloatArray:
    """Return ``design.T @ diag(w) @ design`` of each column of weights, shape (B, p, p)."""
    p = design.shape[1]
    rows, columns = np.triu_indices(p)
    totals = np.zeros((len(rows), weights.shape[1]))
    chunk = max(1, _CHUNK_NUMBERS // len(rows))
    for begin in range(0, len(design), chunk):
        part = np.ascontiguousarray(design[begin : begin + chunk].T)
        pairs = np.concatenate([part[column] * part[column:] for column in range(p)])
        totals += pairs @ weights[begin : begin + chunk]
    hessians = np.empty((weights.shape[1], p, p))
    hessians[:, rows, columns] = totals.T
    hessians[:, columns, rows] = totals.T
    return hessians
