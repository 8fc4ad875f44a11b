"""How well chances of a trait foretell users who were held out, and what each feature adds to that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.modeling.weighted_regression import logistic
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.statistics import wilson_interval
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

N_BINS: Final = 10
HIGH_CORRELATION: Final = 0.7
_LEAST_CHANCE: Final = 1e-12
_PAIRS_NAMED: Final = 3
_MAX_STEPS: Final = 100
_LARGEST_STEP: Final = 1.0
_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutFold:
    """Users of one fold under a classifier that was fitted without them.

    Parameters
    ----------
    rows : int array of shape (m,)
        Positions of the fold's users.
    design : array of shape (m, 1 + n_terms)
        The first column is the constant.
    features : tuple of str, length n_terms
        The column behind each number.
    coefficients : array of shape (K, 1 + n_terms)
    """

    rows: IntArray
    design: FloatArray
    features: tuple[str, ...]
    coefficients: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """Whether chances come true.

    Parameters
    ----------
    intercept, slope : float or None
        Of the logistic regression of what was on the log-odds that were foretold: 0 and 1 where
        chances come true; a slope below 1 says that they are too extreme. None where one chance is
        given to all, or chances tell the level without a fault or nearly so.
    intercept_error, slope_error : float or None
        Standard errors; the classifiers count as given.
    expected_error : float
        Mean distance of chance and observed share over ``table``, weighted by users.
    table : DataFrame
        Tenths of users by rising chance: ``n``, ``mean_chance``, ``observed``, ``low``, ``high`` (95 %
        Wilson interval of the observed share). Users of one chance stay together, so that there may be fewer.
    """

    intercept: float | None
    slope: float | None
    intercept_error: float | None
    slope_error: float | None
    expected_error: float
    table: pl.DataFrame


def held_out_chances(folds: Sequence[HeldOutFold]) -> FloatArray:
    """Return the chance of each level for every user, shape (n, K), from the fold that the user is in."""
    chances = np.empty((sum(len(fold.rows) for fold in folds), len(folds[0].coefficients)))
    for fold in folds:
        chances[fold.rows] = softmax(fold.design @ fold.coefficients.T)
    return chances


def score_auc(codes: IntArray, chances: FloatArray) -> tuple[float, float]:
    """Return the area under the ROC curve and its standard error over users.

    Parameters
    ----------
    codes : int array of shape (n,)
        Level of each user, 0 to K - 1; every level occurs.
    chances : array of shape (n, K)
        Score of each level, K >= 2.

    Returns
    -------
    auc, auc_error : float
        Of the last level where K is 2, else the mean over levels, each against the rest.

    Notes
    -----
    The mean placement of users with the level among those without. A user's pull on it is linear
    in placements, and the standard error is that of the mean pull: DeLong's, carried over
    to a mean over levels, whose areas share users. O(K n log n).

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or more correlated
    receiver operating characteristic curves, *Biometrics* 44, 837-845.

    Examples
    --------
    >>> chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])
    >>> score_auc(np.array([0, 0, 1, 1]), chances)[0]
    0.75
    """
    area, pull = _pulls(codes, chances)
    return area, float(pull.std() / np.sqrt(len(codes)))


def _pulls(codes: IntArray, chances: FloatArray) -> tuple[float, FloatArray]:
    """Return the area, and each user's pull on it, shape (n,)."""
    n_levels = chances.shape[1]
    asked = range(1, 2) if n_levels == 2 else range(n_levels)
    areas, pulls = zip(*(_placements(codes == level, chances[:, level]) for level in asked), strict=True)
    return float(np.mean(areas)), np.mean(pulls, axis=0)


def _placements(has_level: BoolArray, scores: FloatArray) -> tuple[float, FloatArray]:
    """Return one area, and each user's pull on it, shape (n,); ties count half."""
    n_with = int(has_level.sum())
    n_without = len(has_level) - n_with
    order = np.argsort(scores, kind="stable")
    opens = np.append(True, np.diff(scores[order]) != 0)
    tie = np.empty(len(scores), dtype=np.int64)
    tie[order] = np.cumsum(opens) - 1
    placement = np.empty(len(scores))
    for mine, n_others in ((has_level, n_without), (~has_level, n_with)):
        equal = np.bincount(tie[~mine], minlength=int(opens.sum()))
        lower = np.cumsum(equal) - equal / 2
        placement[mine] = lower[tie[mine]] / n_others
    area = float(placement[has_level].mean())
    pull = np.where(has_level, (placement - area) / n_with, (1 - placement - area) / n_without)
    return area, pull * len(scores)


def softmax(scores: FloatArray) -> FloatArray:
    """Return chances that sum to one over the last axis, given log-odds up to a constant."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    chances: FloatArray = weights / weights.sum(axis=-1, keepdims=True)
    return chances


def score_brier(codes: IntArray, chances: FloatArray) -> float:
    """Return the mean squared error of chances, shape (n, K): of the last of two levels, else over all."""
    squares = (chances - np.eye(chances.shape[1])[codes]) ** 2
    return float((squares[:, 1] if chances.shape[1] == 2 else squares.sum(axis=1)).mean())


def measure_calibration(codes: IntArray, chances: FloatArray) -> Calibration:
    """Return whether chances come true.

    Parameters
    ----------
    codes : int array of shape (n,)
        Level of each user, 0 to K - 1.
    chances : array of shape (n, K)
        Of the last level where K is 2; else each level against the rest, taken together, so that a user
        counts K times in the table and the errors are rough.

    Notes
    -----
    Log-odds are taken of chances within 1e-12 of 0 and 1. O(n K log n).

    References
    ----------
    Cox (1958), Two further applications of a model for binary regression, *Biometrika* 45, 562-565.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> chance = generator.random(5_000)
    >>> codes = (generator.random(5_000) < chance).astype(int)
    >>> calibration = measure_calibration(codes, np.column_stack([1 - chance, chance]))
    >>> round(calibration.slope, 1), calibration.table.height
    (1.0, 10)
    """
    levels = range(1, 2) if chances.shape[1] == 2 else range(chances.shape[1])
    chance = np.concatenate([chances[:, level] for level in levels])
    came = np.concatenate([codes == level for level in levels])
    table = _reliability(chance, came)
    misses = (table["mean_chance"] - table["observed"]).abs()
    line = _recalibrate(chance, came)
    return Calibration(
        intercept=line and line[0],
        slope=line and line[1],
        intercept_error=line and line[2],
        slope_error=line and line[3],
        expected_error=float((misses * table["n"]).sum() / len(chance)),
        table=table,
    )


def _reliability(chance: FloatArray, came: BoolArray) -> pl.DataFrame:
    edges = np.quantile(chance, np.linspace(0, 1, N_BINS + 1)[1:-1])
    bins = np.searchsorted(edges, chance)
    sizes = np.bincount(bins, minlength=N_BINS)
    filled = np.flatnonzero(sizes)
    n = sizes[filled]
    observed = np.bincount(bins, weights=came, minlength=N_BINS)[filled] / n
    bounds = [wilson_interval(float(share), float(size)) for share, size in zip(observed, n, strict=True)]
    return pl.DataFrame(
        {
            "n": n,
            "mean_chance": np.bincount(bins, weights=chance, minlength=N_BINS)[filled] / n,
            "observed": observed,
            "low": [low for low, _ in bounds],
            "high": [high for _, high in bounds],
        }
    )


def _recalibrate(chance: FloatArray, came: BoolArray) -> tuple[float, float, float, float] | None:
    """Return intercept, slope and their errors, or None where no line can be fitted."""
    inside = chance.clip(_LEAST_CHANCE, 1 - _LEAST_CHANCE)
    log_odds = np.log(inside) - np.log1p(-inside)
    yes, no = log_odds[came], log_odds[~came]
    if yes.min() >= no.max() or yes.max() <= no.min():  # told apart without a fault, or one chance for all
        return None
    design = np.column_stack([np.ones_like(log_odds), log_odds])
    line = np.array([0.0, 1.0])
    for _ in range(_MAX_STEPS):
        fitted = logistic(design @ line)
        information = (design * (fitted * (1 - fitted))[:, None]).T @ design
        step = np.linalg.solve(information, design.T @ (came - fitted))
        line += step * min(1.0, _LARGEST_STEP / float(np.abs(step).max() + _LEAST_CHANCE))
        if np.abs(step).max() < _TOLERANCE:
            break
    else:
        return None
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    return float(line[0]), float(line[1]), float(errors[0]), float(errors[1])


def permutation_importance(
    folds: Sequence[HeldOutFold],
    codes: IntArray,
    features: Sequence[str],
    n_repeats: int,
    generator: np.random.Generator,
    *,
    on_progress: ProgressCallback = ignore_progress,
) -> pl.DataFrame:
    """Return what the held-out AUC loses when the values of a feature are dealt to other users.

    Parameters
    ----------
    folds : sequence of HeldOutFold
    codes : int array of shape (n,)
        Level of each user.
    features : sequence of str
        Asked about; one that a fold does not use adds nothing there.
    n_repeats : int
        At least 2.
    generator : Generator
    on_progress : callable

    Returns
    -------
    DataFrame
        ``feature``, ``auc_drop`` (mean over repeats) and ``error`` (its standard error over users and
        repeats; the classifiers count as given), the largest drop first.

    Notes
    -----
    All numbers that a column became move together, within the fold. The classifier is linear,
    so that only the feature's part of the log-odds is dealt anew: O(n K n_repeats) a feature, and the
    ranks O(n log n). Of features that go together each stands in for the others: all their drops are
    too small.

    References
    ----------
    Breiman (2001), Random forests, *Machine Learning* 45, 5-32.
    """
    scores = _gather(folds, [fold.design @ fold.coefficients.T for fold in folds])
    orders = [_deal_within(folds, len(codes), generator) for _ in range(n_repeats)]
    area, pull = _pulls(codes, softmax(scores))
    rows = []
    for position, feature in enumerate(features, start=1):
        part = _gather(folds, [_part_of(fold, feature) for fold in folds])
        dealt = [_pulls(codes, softmax(scores - part + part[order])) for order in orders]
        areas = np.array([each for each, _ in dealt])
        moved = pull - np.mean([each for _, each in dealt], axis=0)
        error = np.sqrt(moved.var() / len(codes) + areas.var(ddof=1) / n_repeats)
        rows.append({"feature": feature, "auc_drop": area - float(areas.mean()), "error": float(error)})
        on_progress(Progress(stage="feature importance", done=position, total=len(features)))
    return pl.DataFrame(rows).sort("auc_drop", "feature", descending=[True, False])


def _gather(folds: Sequence[HeldOutFold], parts: Sequence[FloatArray]) -> FloatArray:
    gathered = np.empty((sum(len(fold.rows) for fold in folds), parts[0].shape[1]))
    for fold, part in zip(folds, parts, strict=True):
        gathered[fold.rows] = part
    return gathered


def _part_of(fold: HeldOutFold, feature: str) -> FloatArray:
    """Return a feature's part of the log-odds, shape (m, K)."""
    is_its = np.array([False, *(name == feature for name in fold.features)])
    part: FloatArray = fold.design[:, is_its] @ fold.coefficients[:, is_its].T
    return part


def _deal_within(folds: Sequence[HeldOutFold], n_users: int, generator: np.random.Generator) -> IntArray:
    order = np.empty(n_users, dtype=np.int64)
    for fold in folds:
        order[fold.rows] = generator.permutation(fold.rows)
    return order


def correlation_cautions(design: FloatArray, terms: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield a caution where features go together, so that neither weight nor importance tells them apart.

    Parameters
    ----------
    design : array of shape (n, 1 + n_terms)
    terms : sequence of (feature, meaning), length n_terms
    """
    if len(terms) < 2:
        return
    varies = np.flatnonzero(np.ptp(design[:, 1:], axis=0) > 0)
    correlations = np.zeros((len(terms), len(terms)))
    correlations[np.ix_(varies, varies)] = np.corrcoef(design[:, 1 + varies], rowvar=False)
    strongest: dict[tuple[str, str], float] = {}
    for first, second in zip(*np.nonzero(np.triu(np.abs(correlations) >= HIGH_CORRELATION, 1)), strict=True):
        pair = (terms[first][0], terms[second][0])
        if pair[0] != pair[1]:
            strongest[pair] = max(strongest.get(pair, 0.0), abs(float(correlations[first, second])))
    if not strongest:
        return
    ranked = sorted(strongest.items(), key=lambda each: -each[1])
    named = [f"'{one}' and '{other}' ({value:.2f})" for (one, other), value in ranked[:_PAIRS_NAMED]]
    rest = f" and {len(ranked) - _PAIRS_NAMED} pairs more" if len(ranked) > _PAIRS_NAMED else ""
    yield f"Go together: {', '.join(named)}{rest}; the importance of each alone is too small."
