"""Whether two periods differ by more than one of them varies within itself.

A period is cut into windows of one length. What users did in a window is a table of counts: a row a user,
a column a kind. Its shares scatter because the users are few, which their own counts tell, and because weeks
differ, which only the windows tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse
from scipy.special import fdtrc, fdtri

from persona_tui.engine.statistics import LEVEL
from persona_tui.engine.types import FloatArray, IntArray

LEAST_WINDOWS: Final = 4
"""Of the earlier period, below which it does not tell how it varies."""
JS_SCALE: Final = 8 * math.log(2)
"""By which the square of a Jensen-Shannon distance is smaller than the energy of a small move."""
_MOST_ALIKE: Final = 0.9
_ENDLESS: Final = 1e6
"""Degrees of freedom of what is known as well as a normal variance."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """What the counts of some users sum to, and how users differ.

    Parameters
    ----------
    n_users : int
        Who has a count.
    sums : array of shape (C,)
    second : array of shape (C, C)
        ``Σ x xᵀ`` over users.
    """

    n_users: int
    sums: FloatArray
    second: FloatArray

    @property
    def total(self) -> float:
        """Return the sum of all counts."""
        return float(self.sums.sum())

    @property
    def shares(self) -> FloatArray:
        """Return the share of each kind, shape (C,); zero where nothing was counted."""
        return self.sums / max(self.total, 1e-300)

    def covariance(self, shares: FloatArray) -> FloatArray:
        """Return the covariance of the shares, were the users drawn anew, shape (C, C).

        Parameters
        ----------
        shares : array of shape (C,)
            About which users scatter.
        """
        cross = self.second.sum(axis=1)
        spread = (
            self.second
            - np.outer(shares, cross)
            - np.outer(cross, shares)
            + self.second.sum() * np.outer(shares, shares)
        )
        n = max(self.n_users, 2)
        covariance: FloatArray = spread * (n / (n - 1) / max(self.total, 1e-300) ** 2)
        return covariance


def moments_of(table: sparse.csr_array, users: IntArray) -> Moments:
    """Return the moments of counts; rows of one user are added up first.

    Parameters
    ----------
    table : sparse array of shape (R, C)
    users : int64 array of shape (R,)

    Examples
    --------
    >>> moments_of(sparse.csr_array(np.eye(2)), np.array([7, 7])).second
    array([[1., 1.],
           [1., 1.]])
    """
    _, rows = np.unique(users, return_inverse=True)
    joins = sparse.csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))))
    summed = (joins @ table).tocsr() if len(rows) else table
    return Moments(
        n_users=int((summed.sum(axis=1) > 0).sum()),
        sums=np.asarray(table.sum(axis=0), float).ravel(),
        second=np.asarray((summed.T @ summed).todense(), float),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """How far a later period lies from an earlier one, beside how far it would without a change.

    Parameters
    ----------
    energy : float
        ``Σ (q - p)² / m``, m the mean of both shares.
    sampling : float
        Expected energy because users are few.
    between : float
        Expected energy because windows differ; 0 where that is not known.
    usual : float
        Energy that is exceeded once in 20 times without a change.
    p_value : float
        Chance of at least this energy without a change.
    """

    energy: float
    sampling: float
    between: float
    usual: float
    p_value: float


def judge_variation(
    windows: Sequence[Moments], before: Moments, after: Moments, n_after: int, *, knows_own: bool
) -> Variation:
    """Return how far the later period lies from the earlier one, beside the variation of that itself.

    Parameters
    ----------
    windows : sequence of Moments
        Of each window of the earlier period, in order of time.
    before, after : Moments
        Of all windows of each period together; the rows of a user are one.
    n_after : int
        Windows of the later period.
    knows_own : bool
        Whether the windows are enough to tell how the earlier period varies; without it, only users do.

    Returns
    -------
    Variation

    Notes
    -----
    Shares of window t are ``π + b_t + e_t``. In units of ``d / sqrt(m)``, ``E|e|²`` is the trace of the
    covariance over users (by clusters of a user's rows). Between windows,
    ``B = max(0, Σ w_t |p_t - p|² - Σ w_t S_t + S) / (1 - Σ w_t²)``, w the windows' parts of all counts. A
    later period of J windows after n has expected energy ``E = B (f(J) + f(n)) + S_before + S_after`` with
    ``f(k) = (1 + 2 Σ_{j<k} (1 - j/k) ρʲ) / k``, ρ the correlation of windows that follow each other, from
    their cross products, at least 0. ``energy / E`` is taken as F: degrees of freedom above from the trace
    of the covariance (Satterthwaite), below from how surely B is known by n windows,
    ``ν (n - 1) (E / ((f(J) + f(n)) Q))²``, with ``Q`` the mean ``|p_t - p|²`` and ν its own degrees. The
    estimates lean to few degrees, so to few findings. Users who are in both periods make it cautious.
    O(n C²).

    References
    ----------
    Satterthwaite (1946), An approximate distribution of estimates of variance components, *Biometrics
    Bulletin* 2, 110-114. Rao & Scott (1981), The analysis of categorical data from complex sample surveys,
    *Journal of the American Statistical Association* 76, 221-230.
    """
    middle = (before.shares + after.shares) / 2
    some = middle > 0
    roots = np.sqrt(middle[some])

    def scaled(matrix: FloatArray) -> FloatArray:
        inside: FloatArray = matrix[np.ix_(some, some)] / np.outer(roots, roots)
        return inside

    moved = (after.shares - before.shares)[some] / roots
    drawn = scaled(before.covariance(before.shares))
    own = scaled(after.covariance(after.shares))
    expected = drawn * before.n_users / max(after.n_users, 1)
    drawn = drawn + (own if np.trace(own) >= np.trace(expected) else expected)
    sampling, energy = float(np.trace(drawn)), float(moved @ moved)
    if knows_own:
        spread, factor, ratio = _between(windows, before, n_after, some, roots)
    else:
        spread, factor, ratio = np.zeros_like(drawn), 0.0, 0.0
    between = float(np.trace(spread)) * factor
    above, below = _degrees(drawn + factor * spread, ratio)
    mean = sampling + between
    if mean <= 0:
        return Variation(energy=energy, sampling=0.0, between=0.0, usual=0.0, p_value=float(energy <= 0))
    return Variation(
        energy=energy,
        sampling=sampling,
        between=between,
        usual=float(fdtri(above, below, LEVEL)) * mean,
        p_value=float(fdtrc(above, below, energy / mean)),
    )


def _degrees(covariance: FloatArray, ratio: float) -> tuple[float, float]:
    """Return the degrees of freedom of an energy, and of its expected value."""
    mean = float(np.trace(covariance))
    above = max(mean**2 / max(float((covariance**2).sum()), 1e-300), 1.0)
    return above, min((mean / ratio) ** 2, _ENDLESS) if ratio > 0 else _ENDLESS


def _between(
    windows: Sequence[Moments], before: Moments, n_after: int, some: np.ndarray, roots: FloatArray
) -> tuple[FloatArray, float, float]:
    """Return the covariance between windows, by what it counts, and the error of that in its own units."""
    shares = np.array([each.shares for each in windows])[:, some]
    parts = np.array([each.total for each in windows])
    parts = parts / parts.sum()
    apart = (shares - before.shares[some]) / roots
    scatter = (apart * parts[:, None]).T @ apart
    seen = float(np.trace(scatter))
    traces = np.array(
        [float((np.diag(each.covariance(each.shares))[some] / roots**2).sum()) for each in windows]
    )
    by_users = float(parts @ traces - parts**2 @ traces)
    left = 1 - float(parts @ parts)
    n = len(windows)
    surely = max(seen - by_users, 0.0) / left
    alike = _correlation(apart, surely, seen / left)
    factor = _mean_of(n_after, alike) + _mean_of(n, alike)
    freedom = max(seen**2 / max(float((scatter**2).sum()), 1e-300), 1.0) * (n - 1)
    covariance = scatter * (surely / seen) if seen > 0 else scatter
    return covariance, factor, factor * seen / left / math.sqrt(freedom)


def _correlation(apart: FloatArray, between: float, seen: float) -> float:
    """Return how alike windows are that follow each other, without what centring takes away."""
    n = len(apart)
    if between <= 0 or n < 2 * LEAST_WINDOWS:
        return 0.0
    products = float((apart[1:] * apart[:-1]).sum()) / (n - 1) + seen / n
    return min(max(products / between, 0.0), _MOST_ALIKE)


def _mean_of(n: int, alike: float) -> float:
    """Return the variance of the mean of so many windows, where one has variance 1."""
    lags = np.arange(1, n)
    return float(1 + 2 * ((1 - lags / n) * alike**lags).sum()) / n
