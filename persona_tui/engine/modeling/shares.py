"""What share of the users of a log each persona has, where the log is not the one that they were found in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.statistics import NORMAL_QUANTILE, Interval
from persona_tui.engine.types import FloatArray

TOLERANCE: Final = 1e-7
MAX_STEPS: Final = 500
MIN_USERS: Final = 30
"""With fewer users a normal interval promises too much."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonaShares:
    """The share of users that each persona has, and how surely.

    Parameters
    ----------
    shares : array of shape (K,)
        They sum to one.
    standard_errors : array of shape (K,)
        Of the shares; infinite where the users are fewer than 30, or the personas too much alike, to tell.
    """

    shares: FloatArray
    standard_errors: FloatArray

    def change_from(self, before: PersonaShares) -> tuple[Interval | None, ...]:
        """Return 95 % intervals of how much each share changed since another log of other users.

        Parameters
        ----------
        before : PersonaShares
            Of the same personas.

        Returns
        -------
        tuple of (float, float) or None, length K
            None where there is none to tell.

        Notes
        -----
        Normal: ``now - before`` and 1.96 times the root of the two squared errors. Where users are in
        both logs the interval is too wide rather than too narrow, since their shares move together.
        """
        errors = np.hypot(self.standard_errors, before.standard_errors)
        changes = self.shares - before.shares
        return tuple(
            (float(change - NORMAL_QUANTILE * error), float(change + NORMAL_QUANTILE * error))
            if np.isfinite(error)
            else None
            for change, error in zip(changes, errors, strict=True)
        )


def estimate_shares(memberships: FloatArray, weights: FloatArray) -> PersonaShares:
    """Return the shares that a log gives to personas whose chains are known.

    Parameters
    ----------
    memberships : array of shape (U, K)
        Of the users of the log, as ``assign_users`` gives them.
    weights : array of shape (K,)
        The shares that the memberships start from, those of the fit; all positive.

    Returns
    -------
    PersonaShares

    Raises
    ------
    ModelingError
        If there is no user.

    Notes
    -----
    The mean membership leans toward the shares of the fit, the more the less a user's events tell. This
    is the maximum of the likelihood over shares, with the chains held: with ``r = memberships / weights``
    up to a factor a user, ``s <- mean of (s r / sum(s r))`` until a step moves none by 1e-7, at most 500
    steps. For the log of the fit the shares are the weights. Errors come from the observed information of
    the scores ``r / sum(s r)``, restricted to changes that sum to zero; they are those of drawing the
    users anew, the chains held. O(U K) a step.

    References
    ----------
    Saerens, Latinne & Decaestecker (2002), Adjusting the outputs of a classifier to new a priori
    probabilities, *Neural Computation* 14, 21-41.

    Examples
    --------
    >>> sure = np.repeat(np.eye(2), [30, 70], axis=0)
    >>> estimate_shares(sure, np.array([0.5, 0.5])).shares.round(6)
    array([0.3, 0.7])
    """
    if not len(memberships):
        raise ModelingError("There is no user to estimate shares from.", hint="Name a log with known events.")
    ratios = memberships / weights
    shares = weights.astype(float)
    for _ in range(MAX_STEPS):
        step = shares * ((1.0 / (ratios @ shares)) @ ratios) / len(ratios)
        settled = abs(step - shares).max() < TOLERANCE
        shares = step / step.sum()
        if settled:
            break
    scores = ratios / (ratios @ shares)[:, None]
    return PersonaShares(shares=shares, standard_errors=_standard_errors(scores))


def shares_of_fit(memberships: FloatArray, weights: FloatArray) -> PersonaShares:
    """Return the shares of a fit as they are, with errors from its own users.

    Parameters
    ----------
    memberships : array of shape (U, K)
        Of the users that the personas were found in.
    weights : array of shape (K,)
        Of the fit; all positive.

    Notes
    -----
    As ``estimate_shares``: the shares of a fit are the maximum already.
    """
    return PersonaShares(shares=weights, standard_errors=_standard_errors(memberships / weights))


def _standard_errors(scores: FloatArray) -> FloatArray:
    """Return the errors of shares, from the scores of the users."""
    n = scores.shape[1]
    if n == 1:
        return np.zeros(1)
    if len(scores) < MIN_USERS:
        return np.full(n, np.inf)
    # an orthonormal basis of the changes of shares that sum to zero
    basis = np.linalg.svd(np.ones((1, n)))[2][1:].T
    moves = scores @ basis
    information = moves.T @ moves
    if np.linalg.matrix_rank(information, hermitian=True) < n - 1:
        return np.full(n, np.inf)
    covariance = basis @ np.linalg.inv(information) @ basis.T
    errors: FloatArray = np.sqrt(np.maximum(np.diag(covariance), 0.0))  # rounding alone goes below zero
    return errors
