"""What stands beside the number of personas: information criteria, stability, the smallest share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.mixture import (
    DEFAULT_N_INIT,
    MAX_ITERATIONS,
    TOLERANCE,
    climb_from_restarts,
)
from persona_tui.engine.modeling.selection import Rung, Selection, fit_part
from persona_tui.engine.modeling.shrinkage import Prior
from persona_tui.engine.modeling.stability import (
    DEFAULT_N_REFITS,
    LEAST_STABLE,
    Stability,
    adjusted_rand_index,
    draw_users,
    summarise_agreement,
)
from persona_tui.engine.modeling.threads import run_in_order
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.types import AnyArray, RandomState

LEAST_SHARE = 0.02
"""Share of users below which a persona is called small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedRung:
    """A rung of the ladder and what a fit on all users says of its number of personas.

    Parameters
    ----------
    rung : Rung
    bic, icl : float
        Bayesian information criterion and integrated completed likelihood; lower is better.
    smallest_share : float
        Share of users of the smallest persona.
    stability : Stability or None
        None for one persona, on which all refits agree by definition.
    """

    rung: Rung
    bic: float
    icl: float
    smallest_share: float
    stability: Stability | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderDescription:
    """The ladder with all that speaks for and against each number.

    Parameters
    ----------
    rungs : tuple of DescribedRung
    n_clusters : int
        What is recommended.
    reason : str
        Begins with the number; what follows ± is one standard error.
    cautions : tuple of str
        What to keep in mind of the recommended number, one sentence each.
    """

    rungs: tuple[DescribedRung, ...]
    n_clusters: int
    reason: str
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Labelled:
    """What is kept of a fit: its labels by row, and its criteria."""

    labels: AnyArray
    bic: float
    icl: float
    smallest_share: float


def describe_ladder(
    counts: TransitionCounts,
    selection: Selection,
    *,
    prior: Prior = "empirical",
    n_refits: int = DEFAULT_N_REFITS,
    random_state: RandomState = None,
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> LadderDescription:
    """Fit every rung of a ladder on all users, and again on users drawn with replacement.

    Parameters
    ----------
    counts : TransitionCounts
        That the ladder was climbed on.
    selection : Selection
    prior : float or "empirical"
    n_refits : int
        Resamples of users that each number is refitted on, at least 2.
    random_state : int, SeedSequence, Generator or None
        With the seed of ``find_personas``, the recommended rung is that very fit.
    workers : int
        Threads; the result does not depend on their number.
    on_progress : callable
        Called after each fit.

    Returns
    -------
    LadderDescription

    Raises
    ------
    ModelingError
        If there are fewer than two refits.

    Notes
    -----
    Stability is the mean adjusted Rand index, over all users, between the labels of the fit on all
    users and those that a refit on resampled users gives; every number is refitted on the same
    resamples, from restarts of its own: what it finds unstable may be so because users differ, or
    because several groupings explain them nearly as well. It costs ``1 + n_refits`` fits a rung.

    References
    ----------
    Hennig (2007), Cluster-wise assessment of cluster stability, *Computational Statistics & Data
    Analysis* 52, 258-271.
    """
    if n_refits < 2:
        raise ModelingError(f"n_refits == {n_refits}, must be >= 2.")
    seed = normalise_seed(random_state)
    numbers = [rung.n_clusters for rung in selection.ladder]
    tasks: list[tuple[int, int | None]] = [(n_clusters, None) for n_clusters in numbers]
    tasks += [(n_clusters, refit) for n_clusters in numbers if n_clusters > 1 for refit in range(n_refits)]
    fits = run_in_order(
        partial(_fit, counts, prior, seed),
        tasks,
        workers=workers,
        on_done=lambda done: on_progress(
            Progress(stage="stability of personas", done=done, total=len(tasks))
        ),
    )
    refits = iter(fits[len(numbers) :])
    rungs = tuple(
        DescribedRung(
            rung=rung,
            bic=whole.bic,
            icl=whole.icl,
            smallest_share=whole.smallest_share,
            stability=None
            if rung.n_clusters == 1
            else summarise_agreement(
                [
                    adjusted_rand_index(whole.labels, next(refits).labels, counts.multiplicity)
                    for _ in range(n_refits)
                ]
            ),
        )
        for rung, whole in zip(selection.ladder, fits[: len(numbers)], strict=True)
    )
    return LadderDescription(
        rungs=rungs,
        n_clusters=selection.n_clusters,
        reason=_reason(selection, rungs),
        cautions=_cautions(_recommended(selection, rungs), rungs, counts.multiplicity.sum()),
    )


def _fit(
    counts: TransitionCounts,
    prior: Prior,
    seed: np.random.SeedSequence,
    task: tuple[int, int | None],
) -> _Labelled:
    """Fit a number of personas on all users, or on one resample of them."""
    n_clusters, refit = task
    if refit is None:
        fitted = climb_from_restarts(
            counts,
            n_clusters,
            weights=counts.multiplicity,
            n_init=DEFAULT_N_INIT,
            max_iter=MAX_ITERATIONS,
            tol=TOLERANCE,
            prior=prior,
            seed=seed,
        )
    else:
        drawn, generator = draw_users(len(counts.row_of_user), seed, refit)
        weights = np.bincount(counts.row_of_user, drawn, minlength=len(counts.multiplicity)).astype(float)
        fitted = fit_part(counts, weights, n_clusters, prior=prior, seed=normalise_seed(generator))
    return _Labelled(
        labels=fitted.responsibilities.argmax(axis=1).astype(np.int16),
        bic=fitted.bic,
        icl=fitted.icl,
        smallest_share=float(fitted.weights.min()),
    )


def _recommended(selection: Selection, rungs: tuple[DescribedRung, ...]) -> DescribedRung:
    return next(each for each in rungs if each.rung.n_clusters == selection.n_clusters)


def _reason(selection: Selection, rungs: tuple[DescribedRung, ...]) -> str:
    chosen = _recommended(selection, rungs)
    if chosen.stability is None:
        return f"one persona: {selection.reason}"
    return (
        f"{selection.n_clusters}: {selection.reason}; refits agree {chosen.stability.mean:.2f}; "
        f"smallest share {_percent(chosen.smallest_share)}"
    )


def _cautions(chosen: DescribedRung, rungs: tuple[DescribedRung, ...], n_users: float) -> tuple[str, ...]:
    cautions = []
    stability = chosen.stability
    if stability is not None and stability.mean < LEAST_STABLE:
        cautions.append(
            f"{stability.n_refits} refits on users drawn again agree only {stability.mean:.2f} "
            f"({stability.low:.2f} to {stability.high:.2f}; adjusted Rand index, 1 is full agreement): "
            f"other users would give other personas. {_steadier(rungs)}"
        )
    if chosen.smallest_share < LEAST_SHARE:
        cautions.append(
            f"The smallest persona has {_percent(chosen.smallest_share)} of users, "
            f"about {chosen.smallest_share * n_users:,.0f}: its figures rest on few."
        )
    return tuple(cautions)


def _steadier(rungs: tuple[DescribedRung, ...]) -> str:
    """Return the number to try instead: the largest whose refits agree."""
    steady = [each for each in rungs if each.stability is not None and each.stability.mean >= LEAST_STABLE]
    if not steady or steady[-1].stability is None:
        return f"No number reaches {LEAST_STABLE:.2f}: read them as a tendency."
    return f"Refits of {steady[-1].rung.n_clusters} personas agree {steady[-1].stability.mean:.2f}."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
