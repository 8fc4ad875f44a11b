"""What a trait does to an outcome, beside what comes with it: doubly robust, with its doubts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.aipw import Comparison, Overlap, adjust, draw_effects, measure_overlap
from persona_tui.engine.modeling.trait_features import (
    choose_columns,
    comparable_users,
    deal_folds,
    learn_encoding,
    saw_journey,
    settles,
)
from persona_tui.engine.modeling.weighted_regression import AMOUNT, CHANCE, Family
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.statistics import Estimate, interval
from persona_tui.engine.types import BoolArray, FloatArray, RandomState

MIN_ARM_USERS = 30
MIN_EFFECTIVE_USERS = 15.0
MIN_DRAWS = 20
MAX_EXTREME_SHARE = 0.25
MAX_TRIMMED_SHARE = 0.10
FEW_CASES = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TraitEffect:
    """The effect of a trait on an outcome, all users with it against all users without.

    Parameters
    ----------
    trait, outcome : str
    level, reference : str
        The value of the trait whose effect this is, and the one it is compared to.
    estimate : Estimate
        Mean outcome with the trait minus without, in the outcome's unit; ``relative`` to without.
    naive : Estimate
        The plain difference of the two groups' means, which mixes in whatever comes with the trait.
    mean_with, mean_without : float
        Adjusted mean outcome if every user, or no user, had the trait.
    draws : array of shape (n_draws,)
        Bootstrap draws of the estimate.
    n_with, n_without : int
    users_left_out : int
        Users of whom the trait or the outcome is not known.
    covariates : tuple of str
        Adjusted for.
    columns_left_out : mapping
        Column to reason.
    overlap : Overlap
    cautions : tuple of str
    """

    trait: str
    outcome: str
    level: str
    reference: str
    estimate: Estimate
    naive: Estimate
    mean_with: float
    mean_without: float
    draws: FloatArray
    n_with: int
    n_without: int
    users_left_out: int
    covariates: tuple[str, ...]
    columns_left_out: Mapping[str, str]
    overlap: Overlap
    cautions: tuple[str, ...]


def estimate_trait_effect(
    user_features: pl.DataFrame,
    *,
    trait: str,
    outcome: str,
    covariates: Sequence[str] | None = None,
    n_draws: int = 200,
    n_folds: int = 5,
    trim: float = 0.01,
    random_state: RandomState = 0,
    on_progress: ProgressCallback = ignore_progress,
) -> TraitEffect:
    """Estimate what a trait does to an outcome, users alike in the covariates being compared.

    Parameters
    ----------
    user_features : DataFrame
        One row a user, with ``user_id``; the order of rows does not matter.
    trait : str
        Column of two values; the effect is that of true, or of the last in order.
    outcome : str
        Column of two values (its mean is a rate) or of numbers.
    covariates : sequence of str, optional
        What to adjust for. By default every usable column that did not see the whole journey.
    n_draws : int
        At least 20.
    n_folds : int
        From 2 to 10.
    trim : float
        Above 0, below 0.5. Propensities are moved into ``[trim, 1 - trim]``, scaled to the trait's
        share where the groups are uneven: none weighs over ``1 / (2 trim)`` times its group's average.
    random_state : int, SeedSequence, Generator or None
        Deals the folds and draws the bootstrap weights.
    on_progress : callable

    Returns
    -------
    TraitEffect

    Raises
    ------
    UnknownNameError
        If a column is not in the frame.
    DataError
        If there is no ``user_id``.
    ModelingError
        If a setting is out of bounds, trait or outcome has one value only or too many, fewer than
        30 users have or lack the trait, a covariate is worked out from the outcome (see
        ``trait_features.choose_columns``), or the two groups hardly overlap: more than a
        quarter of users with a balanced propensity outside [0.05, 0.95], more than a tenth
        trimmed, or fewer than 15 effective users in a group.

    Notes
    -----
    Augmented inverse-propensity weighting (``aipw.aipw_scores``) with nuisances from regressions
    fitted on the other folds: right if either the propensity or the outcome model is. The interval
    is the central 95 % of a Bayesian bootstrap over users of this same estimator, nuisances
    refitted in every draw; no user is ever in two folds, as copies of a resampled one would be.
    Folds and the encoding of columns stay. It is causal only if nothing outside the covariates
    moves both trait and outcome, and the covariates precede the trait. O(n p² n_draws n_folds).

    References
    ----------
    Robins, Rotnitzky & Zhao (1994), Estimation of regression coefficients when some regressors
    are not always observed, *JASA* 89, 846-866. Chernozhukov et al. (2018), Double/debiased machine
    learning for treatment and structural parameters, *Econometrics Journal* 21, C1-C68.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> keen = generator.random(2_000) < 0.5
    >>> mobile = generator.random(2_000) < np.where(keen, 0.2, 0.7)
    >>> bought = generator.random(2_000) < 0.2 + 0.4 * keen - 0.1 * mobile
    >>> users = pl.DataFrame({"user_id": range(2_000), "keen": keen, "mobile": mobile, "bought": bought})
    >>> effect = estimate_trait_effect(users, trait="mobile", outcome="bought", n_draws=50)
    >>> round(effect.estimate.value, 2), round(effect.naive.value, 2)
    (-0.12, -0.3)
    """
    _check_settings(n_draws, n_folds, trim)
    users, n_unknown = comparable_users(user_features, (trait, outcome))
    reference, level = _two_values(users, trait, "trait")
    choice = choose_columns(users, covariates, targets=(trait, outcome), outcomes=(outcome,))
    encoding, dropped = learn_encoding(users, choice.names)
    seed = normalise_seed(random_state)
    design = encoding.design(users)
    comparison = _compare(users, trait, outcome, design=design, n_folds=n_folds, trim=trim, seed=seed)
    point = adjust(comparison, np.ones((users.height, 1)))
    overlap = measure_overlap(comparison, point.propensity[:, 0])
    _check_overlap(overlap, trait, trim)
    effects, differences = draw_effects(comparison, point, n_draws, seed, on_progress)
    effects.flags.writeable = False
    response, has_trait = comparison.response, comparison.has_trait
    mean_with, mean_without = float(point.mean_with[0]), float(point.mean_without[0])
    names = tuple(column.name for column in encoding.columns)
    return TraitEffect(
        trait=trait,
        outcome=outcome,
        level=level,
        reference=reference,
        estimate=_estimate(mean_with, mean_without, effects),
        naive=_estimate(float(response[has_trait].mean()), float(response[~has_trait].mean()), differences),
        mean_with=mean_with,
        mean_without=mean_without,
        draws=effects,
        n_with=int(has_trait.sum()),
        n_without=int((~has_trait).sum()),
        users_left_out=n_unknown,
        covariates=names,
        columns_left_out={**choice.left_out, **dropped},
        overlap=overlap,
        cautions=tuple(_cautions(comparison, trait, [choice.cautions.get(name) for name in names])),
    )


def _check_settings(n_draws: int, n_folds: int, trim: float) -> None:
    faults = []
    if n_draws < MIN_DRAWS:
        faults.append(f"n_draws == {n_draws}, must be >= {MIN_DRAWS}")
    if not 2 <= n_folds <= 10:
        faults.append(f"n_folds == {n_folds}, must be from 2 to 10")
    if not 0 < trim < 0.5:
        faults.append(f"trim == {trim}, must be > 0 and < 0.5")
    if faults:
        raise ModelingError("; ".join(faults) + ".")


def _two_values(users: pl.DataFrame, column: str, role: str) -> list[str]:
    """Return the two values of a column in order, as text."""
    values = users[column].unique().sort().cast(pl.String).to_list()
    if len(values) < 2:
        only = f"is '{values[0]}' for all {users.height:,} users" if values else "is not known of any user"
        raise ModelingError(f"The {role} '{column}' {only}.")
    if len(values) > 2:
        raise ModelingError(
            f"The {role} '{column}' has {len(values):,} values, must have 2.",
            hint=f"Make a true/false column first, such as pl.col('{column}') == '{values[0]}'.",
        )
    return values


def _compare(
    users: pl.DataFrame,
    trait: str,
    outcome: str,
    *,
    design: FloatArray,
    n_folds: int,
    trim: float,
    seed: np.random.SeedSequence,
) -> Comparison:
    if trait == outcome or settles(users, trait, outcome):
        raise ModelingError(f"The trait '{trait}' and the outcome '{outcome}' say the same.")
    has_trait = _two_groups(users, trait)
    response, family = _response(users, outcome)
    strata = 2 * has_trait.astype(np.int64) + (family is CHANCE) * response.astype(np.int64)
    return Comparison(
        design=design,
        has_trait=has_trait,
        response=response,
        family=family,
        folds=deal_folds(strata, n_folds, stream(seed, Stream.TRAITS, 0)),
        n_folds=n_folds,
        trim=trim,
    )


def _two_groups(users: pl.DataFrame, trait: str) -> BoolArray:
    """Return who has the last of the trait's two values."""
    reference, level = _two_values(users, trait, "trait")
    has_trait: BoolArray = (users[trait].cast(pl.String) == level).to_numpy()
    n_with, n_without = int(has_trait.sum()), int((~has_trait).sum())
    if min(n_with, n_without) < MIN_ARM_USERS:
        raise ModelingError(
            f"{n_with:,} users have {trait} = {level} and {n_without:,} have {reference}; "
            f"each must be >= {MIN_ARM_USERS}.",
            hint="Gather more users, or ask of a more common trait.",
        )
    return has_trait


def _response(users: pl.DataFrame, outcome: str) -> tuple[FloatArray, Family]:
    """Return the outcome as numbers: 0 and 1 where it has two values that are not other numbers."""
    series = users[outcome]
    if series.dtype.is_numeric() and series.n_unique() > 1:
        values = series.cast(pl.Float64)
        return values.to_numpy(), CHANCE if values.is_in([0.0, 1.0]).all() else AMOUNT
    level = _two_values(users, outcome, "outcome")[1]
    return (series.cast(pl.String) == level).to_numpy().astype(float), CHANCE


def _estimate(mean_with: float, mean_without: float, draws: FloatArray) -> Estimate:
    value, bounds = mean_with - mean_without, interval(draws)
    return Estimate(
        value=value,
        relative=value / mean_without if mean_without else None,
        data=bounds,
        model=None,
        assumption=None,
        total=bounds,
        simulation_error=None,
    )


def _check_overlap(overlap: Overlap, trait: str, trim: float) -> None:
    faults = []
    if overlap.share_extreme_balanced > MAX_EXTREME_SHARE:
        faults.append(
            f"for {overlap.share_extreme_balanced:.0%} of users the covariates all but settle '{trait}' "
            f"(must be <= {MAX_EXTREME_SHARE:.0%})"
        )
    if overlap.share_trimmed > MAX_TRIMMED_SHARE:
        faults.append(
            f"{overlap.share_trimmed:.0%} of propensities are trimmed at trim == {trim} "
            f"(must be <= {MAX_TRIMMED_SHARE:.0%})"
        )
    fewest = min(overlap.effective_users_with, overlap.effective_users_without)
    if fewest < MIN_EFFECTIVE_USERS:
        faults.append(f"a group has {fewest:.1f} effective users (must be >= {MIN_EFFECTIVE_USERS:.0f})")
    if faults:
        raise ModelingError(
            f"Users with and without '{trait}' cannot be compared: " + "; ".join(faults) + ".",
            hint="Leave out covariates that go hand in hand with the trait.",
        )


def _cautions(comparison: Comparison, trait: str, doubts: list[str | None]) -> Iterator[str]:
    yield from (doubt for doubt in doubts if doubt)
    if saw_journey(trait):
        yield f"'{trait}' saw the whole journey: this describes, it does not say what a change would do."
    if not doubts:
        yield "Nothing to adjust for: this is the naive difference."
    if comparison.family is CHANCE:
        groups = 2 * comparison.has_trait + comparison.response.astype(np.int64)
        fewest = int(np.bincount(groups, minlength=4).min())
        if fewest < FEW_CASES:
            yield f"One outcome has {fewest} cases in a group, fewer than {FEW_CASES}: the interval is rough."
