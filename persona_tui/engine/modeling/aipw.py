"""Augmented inverse-propensity weighting with cross-fitted regressions, under many weightings at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.modeling.weighted_regression import CHANCE, Family, fit_weighted
from persona_tui.engine.progress import Progress, ProgressCallback
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.statistics import bootstrap_weights
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

EXTREME = 0.05
_DRAWS_PER_BLOCK = 25
_BLOCK_NUMBERS = 2**22


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Two groups of users as numbers.

    Parameters
    ----------
    design : array of shape (n, p)
        The covariates; the first column is the constant 1.
    has_trait : bool array of shape (n,)
    response : array of shape (n,)
    family : Family
        Of the response.
    folds : int array of shape (n,)
        From 0 to ``n_folds - 1``.
    n_folds : int
    trim : float
        Bound of the propensities where the groups are even; see ``bounds``.
    """

    design: FloatArray
    has_trait: BoolArray
    response: FloatArray
    family: Family
    folds: IntArray
    n_folds: int
    trim: float

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the lowest and highest propensity that is used.

        With a share s of users who have the trait they are ``2 trim s`` and ``1 - 2 trim (1 - s)``:
        no user weighs more than ``1 / (2 trim)`` times the average of the group, however rare it is.
        """
        share = float(self.has_trait.mean())
        return 2 * self.trim * share, 1 - 2 * self.trim * (1 - share)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adjusted:
    """What the estimator says under each of B weightings.

    Parameters
    ----------
    mean_with, mean_without : arrays of shape (B,)
        Mean response if every user, or no user, had the trait.
    propensity : array of shape (n, B)
        Held-out and not trimmed.
    coefficients : tuple of arrays of shape (p, B)
        Three a fold: propensity, response with the trait, response without.
    """

    mean_with: FloatArray
    mean_without: FloatArray
    propensity: FloatArray
    coefficients: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Whether users with and without a trait can be compared.

    Parameters
    ----------
    lowest, highest : float
        Propensities: the chance of the trait given the covariates, before trimming.
    share_extreme : float
        Share of users whose propensity is outside [0.05, 0.95].
    share_extreme_balanced : float
        The same with the odds rescaled as if half of the users had the trait, so that a trait
        that is merely rare does not count as extreme.
    share_trimmed : float
        Share of users whose propensity was moved to the trimming bound.
    effective_users_with, effective_users_without : float
        Users that weigh as much as the inverse-propensity weighted ones: ``sum(w)² / sum(w²)``.
    """

    lowest: float
    highest: float
    share_extreme: float
    share_extreme_balanced: float
    share_trimmed: float
    effective_users_with: float
    effective_users_without: float


def aipw_scores(
    response: FloatArray,
    has_trait: BoolArray,
    propensity: FloatArray,
    expected_with: FloatArray,
    expected_without: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return what each user adds to the mean response with the trait, and without.

    Parameters
    ----------
    response : array of shape (n, ...)
        The response y.
    has_trait : bool array of shape (n, ...)
        The trait t.
    propensity : array of shape (n, ...)
        e, the chance of the trait, strictly between 0 and 1.
    expected_with, expected_without : arrays of shape (n, ...)
        m1 and m0, the expected response with and without the trait.

    Returns
    -------
    scores_with, scores_without : arrays of shape (n, ...)
        The mean of their difference is the effect.

    Notes
    -----
    ``m1 + t (y - m1) / e`` and ``m0 + (1 - t) (y - m0) / (1 - e)``: unbiased if e is right
    whatever m1 and m0 are, and if they are right whatever e is.

    References
    ----------
    Robins, Rotnitzky & Zhao (1994), Estimation of regression coefficients when some regressors
    are not always observed, *JASA* 89, 846-866.

    Examples
    --------
    >>> y, t, half = np.array([1.0, 0.0]), np.array([True, False]), np.array([0.5, 0.5])
    >>> aipw_scores(y, t, half, half, half)
    (array([1.5, 0.5]), array([ 0.5, -0.5]))
    """
    scores_with = expected_with + has_trait * (response - expected_with) / propensity
    scores_without = expected_without + ~has_trait * (response - expected_without) / (1 - propensity)
    return scores_with, scores_without


def adjust(comparison: Comparison, weights: FloatArray, start: Adjusted | None = None) -> Adjusted:
    """Return the estimator under each column of weights.

    Parameters
    ----------
    comparison : Comparison
    weights : array of shape (n, B)
        At least zero; 1 is one user.
    start : Adjusted, optional
        Of one weighting near all of these: its coefficients save steps and do not move the result.

    Raises
    ------
    ModelingError
        If a regression does not settle.

    Notes
    -----
    The expectations of a user come from regressions on the users of the other folds.
    """
    response = comparison.response[:, None]
    centre, scale = (0.0, 1.0) if comparison.family is CHANCE else (response.mean(), response.std())
    expected, coefficients = _cross_fit(comparison, (response[:, 0] - centre) / scale, weights, start)
    propensity = expected[0]
    means = [
        (weights * scores).sum(axis=0) / weights.sum(axis=0)
        for scores in aipw_scores(
            response,
            comparison.has_trait[:, None],
            propensity.clip(*comparison.bounds),
            centre + scale * expected[1],
            centre + scale * expected[2],
        )
    ]
    return Adjusted(
        mean_with=means[0], mean_without=means[1], propensity=propensity, coefficients=coefficients
    )


def _cross_fit(
    comparison: Comparison, response: FloatArray, weights: FloatArray, start: Adjusted | None
) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """Return held-out propensities and expected responses, shape (3, n, B), and the coefficients."""
    design, has_trait = comparison.design, comparison.has_trait
    jobs = (
        (has_trait.astype(float), np.ones_like(has_trait), CHANCE),
        (response, has_trait, comparison.family),
        (response, ~has_trait, comparison.family),
    )
    expected = np.empty((len(jobs), *weights.shape))
    coefficients: list[FloatArray] = []
    for fold in range(comparison.n_folds):
        held_out = comparison.folds == fold
        for position, (target, is_asked, family) in enumerate(jobs):
            rows = np.flatnonzero(~held_out & is_asked)
            near = np.zeros((design.shape[1], 1)) if start is None else start.coefficients[len(coefficients)]
            near = np.repeat(near, weights.shape[1], axis=1)
            fitted = fit_weighted(design[rows], target[rows], weights[rows], family, near)
            expected[position, held_out] = family.mean(design[held_out] @ fitted)
            coefficients.append(fitted)
    return expected, tuple(coefficients)


def draw_effects(
    comparison: Comparison,
    point: Adjusted,
    n_draws: int,
    seed: np.random.SeedSequence,
    on_progress: ProgressCallback,
) -> tuple[FloatArray, FloatArray]:
    """Return Bayesian-bootstrap draws of the effect and of the plain difference, each of shape (n_draws,)."""
    effects: list[float] = []
    differences: list[float] = []
    for weights in _weight_blocks(len(comparison.response), n_draws, seed):
        drawn = adjust(comparison, weights, point)
        effects.extend(drawn.mean_with - drawn.mean_without)
        differences.extend(_plain_difference(comparison, weights))
        on_progress(Progress(stage="trait effect", done=len(effects), total=n_draws))
    return np.array(effects), np.array(differences)


def _weight_blocks(n_users: int, n_draws: int, seed: np.random.SeedSequence) -> Iterator[FloatArray]:
    """Yield user weights a block of draws at a time, the smaller the more users there are."""
    size = max(1, min(_DRAWS_PER_BLOCK, _BLOCK_NUMBERS // n_users))
    for block, begin in enumerate(range(0, n_draws, size), start=1):
        weights = bootstrap_weights(stream(seed, Stream.TRAITS, block), np.ones(n_users), size)
        yield weights[:, : n_draws - begin]


def _plain_difference(comparison: Comparison, weights: FloatArray) -> FloatArray:
    with_trait = weights * comparison.has_trait[:, None]
    without = weights - with_trait
    difference: FloatArray = comparison.response @ with_trait / with_trait.sum(axis=0)
    difference -= comparison.response @ without / without.sum(axis=0)
    return difference


def measure_overlap(comparison: Comparison, propensity: FloatArray) -> Overlap:
    """Return whether the two groups can be compared, given held-out propensities of shape (n,)."""
    has_trait, share = comparison.has_trait, comparison.has_trait.mean()
    trimmed = propensity.clip(*comparison.bounds)
    odds_with, odds_without = propensity / share, (1 - propensity) / (1 - share)
    balanced = odds_with / (odds_with + odds_without)
    return Overlap(
        lowest=float(propensity.min()),
        highest=float(propensity.max()),
        share_extreme=_share_extreme(propensity),
        share_extreme_balanced=_share_extreme(balanced),
        share_trimmed=float((trimmed != propensity).mean()),
        effective_users_with=_effective_users(1 / trimmed[has_trait]),
        effective_users_without=_effective_users(1 / (1 - trimmed[~has_trait])),
    )


def _share_extreme(chances: FloatArray) -> float:
    return float(((chances < EXTREME) | (chances > 1 - EXTREME)).mean())


def _effective_users(weights: FloatArray) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())
