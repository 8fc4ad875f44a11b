"""Estimates with their intervals, and the few statistics that several modules share."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from typing import TypeAlias

import numpy as np

from persona_tui.engine.types import FloatArray, IntArray

LEVEL = 0.95
"""Coverage that every interval aims at."""
NORMAL_QUANTILE = 1.959963984540054
"""Half the width of a 95 % interval, in standard errors."""

Interval: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with one interval for each source of doubt; a source that was not examined is None.

    Parameters
    ----------
    value : float
    relative : float or None
        The value as a share of the control's; None where the control is zero.
    data : (float, float)
        How well the log pins the chains: 95 % interval of the user bootstrap.
    model : (float, float) or None
        Range over other numbers of personas.
    assumption : (float, float) or None
        Range over the effects' parameters.
    total : (float, float)
        Data and assumption together.
    simulation_error : float or None
        One standard error of the simulated value: more synthetic users help only this.
    """

    value: float
    relative: float | None
    data: Interval
    model: Interval | None
    assumption: Interval | None
    total: Interval
    simulation_error: float | None


def interval(draws: FloatArray, level: float = LEVEL) -> Interval:
    """Return the central interval of draws.

    Parameters
    ----------
    draws : array of shape (B,)
    level : float
        Between 0 and 1.

    Examples
    --------
    >>> interval(np.arange(101.0), level=0.5)
    (25.0, 75.0)
    """
    ((low,), (high,)) = intervals(draws[:, None], level)
    return float(low), float(high)


def intervals(draws: FloatArray, level: float = LEVEL) -> FloatArray:
    """Return the central intervals of many quantities at once.

    Parameters
    ----------
    draws : array of shape (B, ...)
    level : float
        Between 0 and 1.

    Returns
    -------
    array of shape (2, ...)
        Lower and upper ends.

    Examples
    --------
    >>> intervals(np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]]), level=0.5)
    array([[0.5, 5. ],
           [1.5, 5. ]])
    """
    tail = (1 - level) / 2
    ends: FloatArray = np.quantile(draws, [tail, 1 - tail], axis=0)
    return ends


def bootstrap_weights(generator: np.random.Generator, multiplicity: FloatArray, n_draws: int) -> FloatArray:
    """Return Bayesian-bootstrap weights of rows that stand for several users each.

    Parameters
    ----------
    generator : Generator
    multiplicity : array of shape (R,)
        Users behind each row.
    n_draws : int

    Returns
    -------
    array of shape (R, n_draws)
        Each column sums to the number of users.

    Notes
    -----
    A user weighs Exponential(1), so m equal users weigh Gamma(m): the same draw as
    weighting each user, at the cost of one number a row.

    References
    ----------
    Rubin (1981), The Bayesian bootstrap, *Annals of Statistics* 9, 130-134.
    """
    shape = (len(multiplicity), n_draws)
    weights: FloatArray = generator.standard_gamma(np.broadcast_to(multiplicity[:, None], shape))
    weights *= multiplicity.sum() / weights.sum(axis=0)
    return weights


def divide_weights(
    generator: np.random.Generator, row_weights: FloatArray, rows: IntArray, n_users: FloatArray
) -> FloatArray:
    """Return weights of parts of rows, given Bayesian-bootstrap weights of the rows.

    Parameters
    ----------
    generator : Generator
    row_weights : array of shape (R, B)
    rows : int64 array of shape (N,)
        The row of each part, ascending; together the parts of a row hold all its users.
    n_users : array of shape (N,)
        Users of each part.

    Returns
    -------
    array of shape (N, B)

    Notes
    -----
    A user weighs Exponential(1), so m users weigh Gamma(m), and how the weight of a row divides
    is Dirichlet and independent of its sum: the same as weighting every user.

    Examples
    --------
    >>> row_weights, rows = np.array([[3.0], [1.0]]), np.array([0, 0, 1])
    >>> parts = divide_weights(np.random.default_rng(0), row_weights, rows, np.array([2.0, 1.0, 1.0]))
    >>> parts[:2].sum(axis=0), parts[2]
    (array([3.]), array([1.]))
    """
    drawn = generator.standard_gamma(np.broadcast_to(n_users[:, None], (len(rows), row_weights.shape[1])))
    opens = np.diff(rows, prepend=-1) != 0
    sums = np.add.reduceat(drawn, np.flatnonzero(opens), axis=0)
    weights: FloatArray = row_weights[rows] * drawn / sums[np.cumsum(opens) - 1]
    return weights


def largest_remainder(shares: FloatArray, total: int) -> IntArray:
    """Split a whole number in proportion to shares, so that the parts sum to it.

    Parameters
    ----------
    shares : array of shape (K,)
    total : int

    Examples
    --------
    >>> largest_remainder(np.array([0.5, 0.3, 0.2]), 11)
    array([6, 3, 2])
    """
    exact = shares / shares.sum() * total
    parts: IntArray = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return parts


def benjamini_hochberg(p_values: FloatArray) -> FloatArray:
    """Return the least false discovery rate at which each of several tests is rejected.

    Parameters
    ----------
    p_values : array of shape (N,)
        Between 0 and 1.

    Returns
    -------
    array of shape (N,)

    Notes
    -----
    ``q_(i) = min over j >= i of p_(j) N / j``, p in rising order; O(N log N). Controls the expected share
    of false discoveries where tests are independent or depend positively.

    References
    ----------
    Benjamini & Hochberg (1995), Controlling the false discovery rate, *Journal of the Royal
    Statistical Society B* 57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.5, 0.02, 0.03]))
    array([0.04, 0.5 , 0.04, 0.04])
    """
    n_tests = len(p_values)
    falling = np.argsort(-p_values, kind="stable")
    scaled = p_values[falling] * n_tests / np.arange(n_tests, 0, -1)
    rates = np.empty(n_tests)
    rates[falling] = np.minimum.accumulate(scaled)
    return np.minimum(rates, 1.0)


def two_sided_p_values(scores: FloatArray) -> FloatArray:
    """Return the chance that a standard normal number is farther from zero than each score.

    Examples
    --------
    >>> two_sided_p_values(np.array([0.0, -1.959964])).round(4)
    array([1.  , 0.05])
    """
    tails = [erfc(abs(score) / sqrt(2)) for score in scores.ravel()]
    return np.array(tails).reshape(scores.shape)


def wilson_interval(share: float, n: float) -> Interval:
    """Return the 95 % interval of a share that was seen among n; all that is possible where n is 0.

    Parameters
    ----------
    share : float
        Between 0 and 1.
    n : float
        Independent observations, or as many as would be as informative.

    Notes
    -----
    ``(p + z²/2n ± z sqrt(p(1 - p)/n + z²/4n²)) / (1 + z²/n)``; it covers at 0 and 1 too.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference, *Journal of
    the American Statistical Association* 22, 209-212.

    Examples
    --------
    >>> low, high = wilson_interval(0.0, 100)
    >>> round(low, 4), round(high, 4)
    (0.0, 0.037)
    """
    if n <= 0:
        return 0.0, 1.0
    wide = NORMAL_QUANTILE**2 / n
    middle = (share + wide / 2) / (1 + wide)
    half = sqrt(share * (1 - share) * wide + wide**2 / 4) / (1 + wide)
    return max(middle - half, 0.0), min(middle + half, 1.0)
