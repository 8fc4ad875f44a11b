"""The change of a rate, split into who came and what the same kinds of users did."""

from __future__ import annotations

import numpy as np

from persona_tui.engine.types import FloatArray


def rates_of_kinds(active: FloatArray, completes: FloatArray) -> FloatArray:
    """Return the share of each kind's active users who complete; that of all where none is active.

    Parameters
    ----------
    active, completes : arrays of shape (B, K)
        Users of each kind who are active, and who complete; a row a draw.

    Returns
    -------
    array of shape (B, K)

    Examples
    --------
    >>> rates_of_kinds(np.array([[10.0, 0.0]]), np.array([[5.0, 0.0]]))
    array([[0.5, 0.5]])
    """
    whole = completes.sum(axis=1, keepdims=True) / active.sum(axis=1, keepdims=True)
    rates: FloatArray = np.where(active > 0, completes / np.where(active > 0, active, 1), whole)
    return rates


def split_change(
    shares: tuple[FloatArray, FloatArray], rates: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return the parts of a change that come of other shares, and of other rates.

    Parameters
    ----------
    shares, rates : (array, array), each of shape (B, K)
        Before and after: of each kind among the users, and of its users who complete; a row a draw.

    Returns
    -------
    mix, behaviour : arrays of shape (B,)
        They add up to the change of the whole rate.

    Notes
    -----
    ``Σ (s₂ - s₁)(r₁ + r₂)/2`` and ``Σ (r₂ - r₁)(s₁ + s₂)/2``; O(B K).

    References
    ----------
    Kitagawa (1955), Components of a difference between two rates, *Journal of the American Statistical
    Association* 50, 1168-1194.

    Examples
    --------
    >>> half = np.array([[0.5, 0.5]])
    >>> split_change((half, np.array([[0.75, 0.25]])), (np.array([[0.5, 0.25]]), np.array([[0.5, 0.25]])))
    (array([0.0625]), array([0.]))
    """
    mix: FloatArray = ((shares[1] - shares[0]) * (rates[0] + rates[1])).sum(axis=1) / 2
    behaviour: FloatArray = ((rates[1] - rates[0]) * (shares[0] + shares[1])).sum(axis=1) / 2
    return mix, behaviour
