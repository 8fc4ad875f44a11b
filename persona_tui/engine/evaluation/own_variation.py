"""Whether two periods differ by more than one of them varies within itself.

A period is cut into windows of one length. What users did in a window is a table of counts: a row a user,
a column a kind. Its shares scatter because the users are few, which their own counts tell, and because weeks
differ, which only the windows tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse
from scipy.special import chdtrc, chdtri

from persona_tui.engine.statistics import LEVEL
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

LEAST_WINDOWS: Final = 4
"""Of the earlier period, below which it does not tell how it varies."""
JS_SCALE: Final = 8 * math.log(2)
"""By which the square of a Jensen-Shannon distance is smaller than the energy of a small move."""
_MOST_ALIKE: Final = 0.9
_HALVINGS: Final = 14


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
    different, rows = np.unique(users, return_inverse=True)
    summed = table
    if len(different) < len(users):
        joins = sparse.csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))))
        summed = (joins @ table).tocsr()
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
    their cross products, at least 0. The energy is taken as ``E χ²_ν / ν``, ν from the trace of the
    covariance (Satterthwaite), averaged over what B may be given n windows: ``Q μ / χ²_μ`` in place of
    ``Q = Σ w_t |p_t - p|²``, with ``μ = ν_Q (n - 1)``. With many users that is F with ν and μ degrees. ν_Q
    leans to few, so to few findings. Users who are in both periods make it cautious. O(n C²).

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
    between = _between(windows, before, n_after, some, roots) if knows_own else _Between.unknown(len(roots))
    mean = sampling + between.factor * between.point
    if mean <= 0:
        return Variation(energy=energy, sampling=0.0, between=0.0, usual=0.0, p_value=float(energy <= 0))
    freedom = _freedom(drawn + between.factor * between.spread)
    scales = (sampling + between.factor * between.possible) / freedom

    def chance(least: float) -> float:
        return float(between.weights @ chdtrc(freedom, least / scales))

    return Variation(
        energy=energy,
        sampling=sampling,
        between=between.factor * between.point,
        usual=_exceeded(chance, 1 - LEVEL, mean),
        p_value=chance(energy),
    )


def _freedom(covariance: FloatArray) -> float:
    """Return the degrees of freedom of the trace of what has a covariance."""
    trace = float(np.trace(covariance))
    return max(trace**2 / max(float((covariance**2).sum()), 1e-300), 1.0)


def _exceeded(chance: Callable[[float], float], level: float, mean: float) -> float:
    """Return what is exceeded with a chance, by halving."""
    low, high = 0.0, mean
    while chance(high) > level:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle) > level else (low, middle)
    return high


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Between:
    """The variance between windows: its estimate, what it may be, with weights, and how often it counts."""

    point: float
    possible: FloatArray
    weights: FloatArray
    spread: FloatArray
    factor: float

    @classmethod
    def unknown(cls, n_kinds: int) -> _Between:
        return cls(
            point=0.0,
            possible=np.zeros(1),
            weights=np.ones(1),
            spread=np.zeros((n_kinds, n_kinds)),
            factor=0.0,
        )


def _between(
    windows: Sequence[Moments], before: Moments, n_after: int, some: BoolArray, roots: FloatArray
) -> _Between:
    shares = np.array([each.shares for each in windows])[:, some]
    parts = np.array([each.total for each in windows])
    parts = parts / parts.sum()
    apart = (shares - before.shares[some]) / roots
    scatter = (apart * parts[:, None]).T @ apart
    seen = float(np.trace(scatter))
    variances = (np.diag(each.covariance(each.shares))[some] for each in windows)
    traces = np.array([float((each / roots**2).sum()) for each in variances])
    by_users = float(parts @ traces - parts**2 @ traces)
    left, n = 1 - float(parts @ parts), len(windows)
    point = max(seen - by_users, 0.0) / left
    edges = np.concatenate([[0.0], np.geomspace(1e-8, 0.02, 40)[:-1], np.linspace(0.02, 1.0, 50)])
    freedom = _freedom(scatter) * (n - 1)
    drawn = chdtri(freedom, 1 - (edges[1:] + edges[:-1]) / 2)
    alike = _correlation(apart, point, seen / left)
    return _Between(
        point=point,
        possible=np.maximum(seen * freedom / drawn - by_users, 0.0) / left,
        weights=np.diff(edges),
        spread=scatter * (point / seen) if seen > 0 else scatter,
        factor=_mean_of(n_after, alike) + _mean_of(n, alike),
    )


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
