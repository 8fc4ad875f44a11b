"""How far one distribution lies from another: three measures that are known by name."""

from __future__ import annotations

import math

import numpy as np

from persona_tui.engine.errors import DataError
from persona_tui.engine.types import FloatArray


def jensen_shannon(before: FloatArray, after: FloatArray) -> float:
    """Return the Jensen-Shannon distance of two distributions, base 2.

    Parameters
    ----------
    before, after : arrays of shape (C,)
        Shares, or counts, of the same kinds; neither sums to zero.

    Returns
    -------
    float
        From 0, where they are the same, to 1, where they have nothing in common.

    Raises
    ------
    DataError
        If they are not of one length, a number is below zero, or all are zero.

    Notes
    -----
    ``sqrt(KL(p|m)/2 + KL(q|m)/2)`` with ``m = (p + q)/2`` and logarithms of base 2; O(C).

    References
    ----------
    Endres & Schindelin (2003), A new metric for probability distributions, *IEEE Transactions on
    Information Theory* 49, 1858-1860.

    Examples
    --------
    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    first, second = _shares(before, after)
    middle = (first + second) / 2
    divergence = sum(
        float((part[part > 0] * np.log2(part[part > 0] / middle[part > 0])).sum()) for part in (first, second)
    )
    return math.sqrt(max(divergence / 2, 0.0))


def total_variation(before: FloatArray, after: FloatArray) -> float:
    """Return the share that would have to move for one distribution to become the other.

    Parameters
    ----------
    before, after : arrays of shape (C,)
        As ``jensen_shannon`` takes them.

    Raises
    ------
    DataError
        As ``jensen_shannon``.

    Notes
    -----
    ``Σ |p - q| / 2``; O(C).

    Examples
    --------
    >>> round(total_variation(np.array([0.5, 0.5]), np.array([0.6, 0.4])), 9)
    0.1
    """
    first, second = _shares(before, after)
    return float(np.abs(first - second).sum() / 2)


def stability_index(before: FloatArray, after: FloatArray) -> float:
    """Return the population stability index of two distributions.

    Parameters
    ----------
    before, after : arrays of shape (C,)
        As ``jensen_shannon`` takes them.

    Returns
    -------
    float
        From 0; infinite where only one of them has a kind.

    Raises
    ------
    DataError
        As ``jensen_shannon``.

    Notes
    -----
    ``Σ (q - p) ln(q / p)``; O(C). Read by convention: below 0.1 stable, from 0.25 on another population.
    For small moves it is 8 ln 2 times the square of the Jensen-Shannon distance.

    References
    ----------
    Siddiqi (2006), *Credit Risk Scorecards*, Wiley, chapter 9.

    Examples
    --------
    >>> round(stability_index(np.array([0.5, 0.5]), np.array([0.6, 0.4])), 6)
    0.040547
    """
    first, second = _shares(before, after)
    some = (first > 0) | (second > 0)
    first, second = first[some], second[some]
    if not ((first > 0) & (second > 0)).all():
        return math.inf
    return float(((second - first) * np.log(second / first)).sum())


def _shares(before: FloatArray, after: FloatArray) -> tuple[FloatArray, FloatArray]:
    if before.shape != after.shape or before.ndim != 1:
        raise DataError(
            f"Distributions of {before.size} and {after.size} kinds cannot be compared.",
            hint="Give a number for each kind in both.",
        )
    if min(before.min(initial=0), after.min(initial=0)) < 0 or not (before.sum() > 0 and after.sum() > 0):
        raise DataError(
            "A distribution has shares of at least zero that do not all vanish.", hint="Give counts."
        )
    return before / before.sum(), after / after.sum()
