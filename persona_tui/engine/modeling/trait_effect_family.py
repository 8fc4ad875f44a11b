"""What several traits do to one outcome, tested together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.trait_effects import TraitEffect, estimate_trait_effect
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.statistics import benjamini_hochberg, two_sided_p_values
from persona_tui.engine.types import RandomState


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitEffects:
    """The effects of several traits on one outcome.

    Parameters
    ----------
    outcome : str
    effects : mapping of str to TraitEffect
        By trait, in the order asked.
    p_values, q_values : mapping of str to float
        By trait: of no effect, and the least false discovery rate at which there is one.
    refused : mapping of str to str
        Trait to the reason why its effect cannot be told; not counted among the tests.
    statement : str
        What was tested together, in words.
    """

    outcome: str
    effects: Mapping[str, TraitEffect]
    p_values: Mapping[str, float]
    q_values: Mapping[str, float]
    refused: Mapping[str, str]
    statement: str


def estimate_trait_effects(
    user_features: pl.DataFrame,
    *,
    traits: Sequence[str],
    outcome: str,
    covariates: Sequence[str] | None = None,
    n_draws: int = 200,
    n_folds: int = 5,
    trim: float = 0.01,
    random_state: RandomState = 0,
    on_progress: ProgressCallback = ignore_progress,
) -> TraitEffects:
    """Estimate what each of several traits does to an outcome, false discoveries controlled.

    Parameters
    ----------
    user_features : DataFrame
        One row a user, with ``user_id``; the order of rows does not matter.
    traits : sequence of str
        Columns of two values; each once.
    outcome, covariates, n_draws, n_folds, trim, random_state, on_progress
        As ``estimate_trait_effect`` takes them. A trait is no covariate of itself; the other
        traits are where the covariates are left open or name them.

    Returns
    -------
    TraitEffects

    Raises
    ------
    UnknownNameError
        If a column is not in the frame.
    DataError
        If there is no ``user_id``.
    ModelingError
        If no trait is given, one is given twice, or the effect of none can be told; every reason
        is listed.

    Notes
    -----
    p-values are normal, with the spread of the bootstrap draws as standard error; q-values are Benjamini
    and Hochberg's over the traits whose effect can be told.

    References
    ----------
    Benjamini & Hochberg (1995), Controlling the false discovery rate, *Journal of the Royal
    Statistical Society B* 57, 289-300.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> mobile, dark = generator.random((2, 1_000)) < 0.5
    >>> bought = generator.random(1_000) < 0.5 - 0.2 * mobile
    >>> users = pl.DataFrame({"user_id": range(1_000), "mobile": mobile, "dark": dark, "bought": bought})
    >>> found = estimate_trait_effects(users, traits=["mobile", "dark"], outcome="bought", n_draws=40)
    >>> {trait: q < 0.05 for trait, q in found.q_values.items()}
    {'mobile': True, 'dark': False}
    """
    _check_traits(traits)
    seed = normalise_seed(random_state)
    effects: dict[str, TraitEffect] = {}
    refused: dict[str, str] = {}
    for trait in traits:
        others = None if covariates is None else [name for name in covariates if name != trait]
        try:
            effects[trait] = estimate_trait_effect(
                user_features,
                trait=trait,
                outcome=outcome,
                covariates=others,
                n_draws=n_draws,
                n_folds=n_folds,
                trim=trim,
                random_state=seed,
                on_progress=on_progress,
            )
        except ModelingError as fault:
            refused[trait] = fault.message
    if not effects:
        reasons = " ".join(f"'{trait}': {why}" for trait, why in refused.items())
        raise ModelingError(f"The effect of no trait on '{outcome}' can be told. {reasons}")
    scores = [_score(effect) for effect in effects.values()]
    p_values = two_sided_p_values(np.array(scores))
    q_values = benjamini_hochberg(p_values)
    return TraitEffects(
        outcome=outcome,
        effects=effects,
        p_values=dict(zip(effects, p_values.tolist(), strict=True)),
        q_values=dict(zip(effects, q_values.tolist(), strict=True)),
        refused=refused,
        statement=_state(len(effects), len(refused)),
    )


def _check_traits(traits: Sequence[str]) -> None:
    if not traits:
        raise ModelingError("No trait is given.", hint="Name at least one column of two values.")
    twice = [trait for position, trait in enumerate(traits) if trait in traits[:position]]
    if twice:
        raise ModelingError(f"The trait '{twice[0]}' is given twice.")


def _score(effect: TraitEffect) -> float:
    """Return the effect in standard errors; draws without spread show none."""
    error = float(effect.draws.std(ddof=1))
    return effect.estimate.value / error if error > 0 else 0.0


def _state(n_tested: int, n_refused: int) -> str:
    tested = f"{n_tested} trait{'' if n_tested == 1 else 's'} tested together"
    left_out = f", {n_refused} refused and not counted" if n_refused else ""
    return f"{tested}{left_out}; q-values control the false discovery rate (Benjamini-Hochberg)."
