"""What goes with a trait of users, scored on users held out; what the trait does is beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from persona_tui.engine.data.features import require_columns
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.trait_effect_family import TraitEffects, estimate_trait_effects
from persona_tui.engine.modeling.trait_effects import TraitEffect, estimate_trait_effect
from persona_tui.engine.modeling.trait_features import (
    MAX_LEVELS,
    MIN_LEVEL_USERS,
    Encoding,
    choose_columns,
    comparable_users,
    deal_folds,
    is_outcome,
    learn_encoding,
)
from persona_tui.engine.modeling.trait_scores import (
    Calibration,
    HeldOutFold,
    correlation_cautions,
    held_out_chances,
    measure_calibration,
    permutation_importance,
    score_auc,
    score_brier,
    softmax,
)
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.types import FloatArray, IntArray, RandomState

__all__ = [
    "TraitClassifier",
    "TraitEffect",
    "TraitEffects",
    "estimate_trait_effect",
    "estimate_trait_effects",
    "score_auc",
    "train_trait_classifier",
]

_INVERSE_PENALTY = 1.0
_MAX_ITERATIONS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TraitClassifier:
    """A fitted classifier of one trait, and how well it foretells users it has not seen.

    Parameters
    ----------
    trait : str
    levels : tuple of str, length K
        Values of the trait, in order.
    auc : float
        Held-out area under the receiver operating characteristic: the chance that a user with the
        level scores above one without. Of the last level where there are two; else the plain
        mean over levels, each against the rest.
    auc_error : float
        Its standard error over users; the classifiers count as given.
    brier, base_rate_brier : float
        Held-out mean squared error of the chances, and that of always naming the levels' shares.
        Summed over levels, but of the last alone where there are two.
    n_users, users_left_out : int
        Users scored, and users of whom the trait is not known.
    features : tuple of str
        Columns used.
    columns_left_out : mapping
        Column to reason.
    calibration : Calibration
        Whether the held-out chances come true.
    importance : DataFrame
        ``feature``, ``auc_drop``, ``error``, the largest first; see ``trait_scores.permutation_importance``.
    cautions : tuple of str
    weights : DataFrame
        ``feature``, ``term``, ``level``, ``weight``, strongest first: log-odds of the level for one
        standard deviation of a number, or for a level of the feature against its most common.
        Of the last level where the trait has two.
    held_out : DataFrame
        ``user_id``, ``trait`` and ``p_<level>``, each user scored by a classifier fitted without it.
    encoding : Encoding
    coefficients : array of shape (K, 1 + n_terms)
        The first column is the constant.
    """

    trait: str
    levels: tuple[str, ...]
    auc: float
    auc_error: float
    brier: float
    base_rate_brier: float
    n_users: int
    users_left_out: int
    features: tuple[str, ...]
    columns_left_out: Mapping[str, str]
    calibration: Calibration
    importance: pl.DataFrame
    cautions: tuple[str, ...]
    weights: pl.DataFrame
    held_out: pl.DataFrame
    encoding: Encoding
    coefficients: FloatArray

    def predict_proba(self, user_features: pl.DataFrame) -> pl.DataFrame:
        """Return the chance of each level of the trait.

        Parameters
        ----------
        user_features : DataFrame
            With ``user_id`` and every column in ``features``.

        Returns
        -------
        DataFrame
            ``user_id`` and ``p_<level>``, in the order of the rows given; they sum to one.

        Raises
        ------
        DataError
            If there is no ``user_id``.
        UnknownNameError
            If a feature is missing.
        ModelingError
            If a column that held numbers holds something else.
        """
        require_columns(user_features, ("user_id",))
        chances = softmax(self.encoding.design(user_features) @ self.coefficients.T)
        return user_features.select("user_id", **_chance_columns(self.levels, chances))


def train_trait_classifier(
    user_features: pl.DataFrame,
    trait: str,
    *,
    features: Sequence[str] | None = None,
    n_folds: int = 5,
    n_repeats: int = 10,
    random_state: RandomState = 0,
    on_progress: ProgressCallback = ignore_progress,
) -> TraitClassifier:
    """Learn to tell a trait of users from their other columns.

    Parameters
    ----------
    user_features : DataFrame
        One row a user, with ``user_id``; the order of rows does not matter.
    trait : str
        Column of 2 to 20 values, of at least 10 users each.
    features : sequence of str, optional
        By default every usable column; where the trait is an outcome, none that saw the whole
        journey. See ``trait_features.choose_columns`` for what is never used.
    n_folds : int
        From 2 to 10; users are dealt to them within each level.
    n_repeats : int
        From 2 to 1,000: times that each feature is permuted to see what the AUC loses without it.
    random_state : int, SeedSequence, Generator or None
        Deals the folds and permutes the features.
    on_progress : callable

    Returns
    -------
    TraitClassifier

    Raises
    ------
    UnknownNameError
        If a column is not in the frame.
    DataError
        If there is no ``user_id``.
    ModelingError
        If a setting is out of bounds, the trait has one level only, too many or too rare ones, a
        given feature gives the trait away, or no feature is left.

    Notes
    -----
    Multinomial logistic regression with half the squared coefficients as penalty. Numbers are
    standardised and levels coded (``trait_features.learn_encoding``) anew in every fold, so that
    a held-out user has no part in what scores it.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> pages = generator.poisson(5, 500)
    >>> keen = generator.random(500) < np.where(pages > 5, 0.8, 0.2)
    >>> users = pl.DataFrame({"user_id": range(500), "pages": pages, "keen": keen})
    >>> classifier = train_trait_classifier(users, "keen")
    >>> round(classifier.auc, 2), round(classifier.brier, 2), round(classifier.base_rate_brier, 2)
    (0.77, 0.19, 0.25)
    >>> classifier.importance["feature"].to_list(), bool(abs(classifier.calibration.slope - 1) < 0.1)
    (['pages'], True)
    """
    _check_settings(n_folds, n_repeats)
    users, n_unknown = comparable_users(user_features, (trait,))
    levels, codes = _level_codes(users[trait])
    outcomes = (trait,) if is_outcome(trait) else ()
    choice = choose_columns(users, features, targets=(trait,), outcomes=outcomes)
    encoding, dropped = learn_encoding(users, choice.names)
    columns_left_out = {**choice.left_out, **dropped}
    _check_features(encoding, trait, columns_left_out)
    seed = normalise_seed(random_state)
    folds, deal = deal_folds(codes, n_folds, stream(seed, Stream.TRAITS)), stream(seed, Stream.TRAITS, 0)
    held_out = _cross_fit(users, codes, folds, choice.names, on_progress)
    chances = held_out_chances(held_out)
    design = encoding.design(users)
    coefficients = _fit(design, codes)
    coefficients.flags.writeable = False
    auc, auc_error = score_auc(codes, chances)
    used = tuple(column.name for column in encoding.columns)
    return TraitClassifier(
        trait=trait,
        levels=levels,
        auc=auc,
        auc_error=auc_error,
        brier=score_brier(codes, chances),
        base_rate_brier=score_brier(codes, np.tile(np.bincount(codes) / len(codes), (len(codes), 1))),
        n_users=users.height,
        users_left_out=n_unknown,
        features=used,
        columns_left_out=columns_left_out,
        calibration=measure_calibration(codes, chances),
        importance=permutation_importance(held_out, codes, used, n_repeats, deal, on_progress=on_progress),
        cautions=(*choice.cautions.values(), *correlation_cautions(design, encoding.terms)),
        weights=_weights(encoding, levels, coefficients),
        held_out=users.select("user_id", trait=trait, **_chance_columns(levels, chances)),
        encoding=encoding,
        coefficients=coefficients,
    )


def _check_settings(n_folds: int, n_repeats: int) -> None:
    faults = []
    if not 2 <= n_folds <= 10:
        faults.append(f"n_folds == {n_folds}, must be from 2 to 10")
    if not 2 <= n_repeats <= 1_000:
        faults.append(f"n_repeats == {n_repeats}, must be from 2 to 1,000")
    if faults:
        raise ModelingError("; ".join(faults) + ".")


def _level_codes(series: pl.Series) -> tuple[tuple[str, ...], IntArray]:
    """Return the levels of a trait in order, and the level of each user."""
    values = series.unique().sort()
    if not 2 <= len(values) <= MAX_LEVELS:
        raise ModelingError(
            f"The trait '{series.name}' has {len(values):,} level{'' if len(values) == 1 else 's'} "
            f"in {len(series):,} users, must have 2 to {MAX_LEVELS}.",
            hint="Cut numbers into bands, or fold rare levels into one; one level leaves nothing to learn.",
        )
    levels = tuple(values.cast(pl.String).to_list())
    codes = series.cast(pl.String).replace_strict(levels, range(len(levels))).to_numpy().astype(np.int64)
    sizes = np.bincount(codes, minlength=len(levels))
    rare = [
        f"'{level}' ({size})" for level, size in zip(levels, sizes, strict=True) if size < MIN_LEVEL_USERS
    ]
    if rare:
        raise ModelingError(
            f"Levels of '{series.name}' with fewer than {MIN_LEVEL_USERS} users: {', '.join(rare)}.",
            hint="Fold them into another level, or leave those users out.",
        )
    return levels, codes


def _check_features(encoding: Encoding, trait: str, left_out: Mapping[str, str]) -> None:
    if encoding.columns:
        return
    reasons = "; ".join(f"'{name}' {why}" for name, why in left_out.items()) or "there is no other column"
    raise ModelingError(
        f"No feature is left to tell '{trait}': {reasons}.", hint="Add attributes of the users."
    )


def _cross_fit(
    users: pl.DataFrame, codes: IntArray, folds: IntArray, names: Sequence[str], on_progress: ProgressCallback
) -> tuple[HeldOutFold, ...]:
    """Return each fold's users under a classifier fitted on the other folds."""
    n_folds = int(folds.max()) + 1
    fitted = []
    for fold in range(n_folds):
        held_out = folds == fold
        training = users.filter(~held_out)
        encoding, _ = learn_encoding(training, names)
        fitted.append(
            HeldOutFold(
                rows=np.flatnonzero(held_out),
                design=encoding.design(users.filter(held_out)),
                features=tuple(feature for feature, _ in encoding.terms),
                coefficients=_fit(encoding.design(training), codes[~held_out]),
            )
        )
        on_progress(Progress(stage="trait classifier", done=fold + 1, total=n_folds))
    return tuple(fitted)


def _fit(design: FloatArray, codes: IntArray) -> FloatArray:
    """Return log-odds coefficients, shape (K, p); the first level's are zero where there are two."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - 0.95 s, only this needs it

    fitted = LogisticRegression(C=_INVERSE_PENALTY, max_iter=_MAX_ITERATIONS).fit(design, codes)
    coefficients: FloatArray = fitted.coef_.astype(float)
    coefficients[:, 0] += fitted.intercept_
    return np.vstack([np.zeros_like(coefficients), coefficients]) if len(coefficients) == 1 else coefficients


def _chance_columns(levels: tuple[str, ...], chances: FloatArray) -> dict[str, pl.Series]:
    return {f"p_{level}": pl.Series(chances[:, code]) for code, level in enumerate(levels)}


def _weights(encoding: Encoding, levels: tuple[str, ...], coefficients: FloatArray) -> pl.DataFrame:
    shown = range(1, 2) if len(levels) == 2 else range(len(levels))
    rows = [
        {"feature": feature, "term": term, "level": levels[code], "weight": float(weight)}
        for code in shown
        for (feature, term), weight in zip(encoding.terms, coefficients[code, 1:], strict=True)
    ]
    by_strength = pl.col("weight").abs()
    return pl.DataFrame(rows).sort(by_strength, "term", "level", descending=[True, False, False])
