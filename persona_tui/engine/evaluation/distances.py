"""How far apart two distributions are, given as counts of the same categories."""

from __future__ import annotations

import numpy as np

from persona_tui.engine.types import AnyArray, FloatArray


def ks_distance(first: FloatArray, second: FloatArray) -> float:
    """Return the largest difference of the distribution functions of two samples.

    Examples
    --------
    >>> ks_distance(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    0.5
    """
    values = np.concatenate([first, second])
    one, other = (
        np.searchsorted(np.sort(each), values, side="right") / len(each) for each in (first, second)
    )
    return float(np.abs(one - other).max())


def total_variation(first: AnyArray, second: AnyArray) -> FloatArray:
    """Return the share of one distribution that would have to move to make it the other.

    Parameters
    ----------
    first, second : arrays of shape (..., C)
        Counts, or any weights; none is negative and each row has some.

    Returns
    -------
    array of shape (...)

    Examples
    --------
    >>> float(total_variation(np.array([1, 1, 0]), np.array([0, 2, 2])))
    0.5
    """
    halves: FloatArray = np.abs(_shares(first) - _shares(second)).sum(axis=-1) / 2
    return halves


def jensen_shannon(first: AnyArray, second: AnyArray) -> FloatArray:
    """Return the Jensen-Shannon distance in bits, from 0 to 1.

    Parameters
    ----------
    first, second : arrays of shape (..., C)

    Returns
    -------
    array of shape (...)
        The root of the divergence.

    References
    ----------
    Endres & Schindelin (2003), A new metric for probability distributions, *IEEE Transactions on
    Information Theory* 49, 1858-1860.

    Examples
    --------
    >>> float(jensen_shannon(np.array([1, 0]), np.array([0, 1])))
    1.0
    """
    one, other = _shares(first), _shares(second)
    middle = (one + other) / 2
    divergence = (_information(one, middle) + _information(other, middle)).sum(axis=-1) / 2
    distance: FloatArray = np.sqrt(np.clip(divergence, 0.0, 1.0))
    return distance


def stability_index(first: AnyArray, second: AnyArray) -> FloatArray:
    """Return the population stability index.

    Parameters
    ----------
    first, second : arrays of shape (..., C)

    Returns
    -------
    array of shape (...)
        From 0; infinite where only one of them has a category.

    Notes
    -----
    ``sum (q - p) ln(q / p)``. By convention less than 0.1 is small and 0.25 or more another population.

    References
    ----------
    Siddiqi (2006), *Credit Risk Scorecards*, Wiley.

    Examples
    --------
    >>> round(float(stability_index(np.array([5, 5]), np.array([6, 4]))), 6)
    0.040547
    """
    one, other = _shares(first), _shares(second)
    both = (one > 0) & (other > 0)
    ratio = np.divide(other, one, out=np.ones_like(one), where=both)
    index: FloatArray = ((other - one) * np.log(ratio)).sum(axis=-1)
    return np.where(((one > 0) == (other > 0)).all(axis=-1), index, np.inf)


def _shares(counts: AnyArray) -> FloatArray:
    shares: FloatArray = counts / counts.sum(axis=-1, keepdims=True)
    return shares


def _information(shares: FloatArray, middle: FloatArray) -> FloatArray:
    ratio = np.divide(shares, middle, out=np.ones_like(shares), where=shares > 0)
    information: FloatArray = shares * np.log2(ratio)
    return information
