"""How many personas: held-out bits per event on a ladder, read with its standard error."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.mixture import DEFAULT_N_INIT, climb_from_restarts
from persona_tui.engine.modeling.shrinkage import Prior
from persona_tui.engine.modeling.steps import normalise_memberships
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.types import FloatArray, RandomState

MAX_CLUSTERS = 8
N_FOLDS = 3
PATIENCE = 2
"""Rungs in a row without a better one after which the ladder ends."""
NOISE_STANDARD_ERRORS = 2.0
TOLERATED_LOSS = 0.01
_FOLD_ITERATIONS = 60
_FOLD_TOLERANCE = 1e-4
"""Natural-log units a user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One number of personas and how well it foretells users it has not seen.

    Parameters
    ----------
    n_clusters : int
    bits_per_event : float
        Held-out; lower is better.
    gain : float
        Bits per event that it saves against one persona.
    gain_error : float
        Paired standard error of that gain over users.
    """

    n_clusters: int
    bits_per_event: float
    gain: float
    gain_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The ladder and the number it recommends, with the reason in words."""

    ladder: tuple[Rung, ...]
    n_clusters: int
    reason: str


def select_n_clusters(
    counts: TransitionCounts,
    *,
    max_clusters: int = MAX_CLUSTERS,
    prior: Prior = "empirical",
    random_state: RandomState = None,
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> Selection:
    """Recommend a number of personas.

    Parameters
    ----------
    counts : TransitionCounts
    max_clusters : int
        Last rung of the ladder.
    prior : float or "empirical"
    random_state : int, SeedSequence, Generator or None
    workers : int
        Threads; the recommendation does not depend on their number.
    on_progress : callable

    Returns
    -------
    Selection
        One persona unless beaten by more than two paired standard errors; else the lowest
        held-out bits per event. Where the last rung wins, the smallest number within 1 %.

    Notes
    -----
    Users are split into three folds; each number is fitted on two and scored on the third. The
    ladder ends early where two rungs in a row are worse than one before them.
    """
    seed = normalise_seed(random_state)
    n_users = len(counts.row_of_user)
    top = max(1, min(max_clusters, n_users // N_FOLDS))
    folds = stream(seed, Stream.FOLDS).permutation(n_users) % N_FOLDS
    n_rows = len(counts.multiplicity)

    def work(fold: int, n_clusters: int) -> FloatArray:
        train = np.bincount(counts.row_of_user[folds != fold], minlength=n_rows).astype(float)
        return _score(counts, train, n_clusters, prior, seed)

    rungs: list[FloatArray] = []
    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        for n_clusters in range(1, top + 1):
            scores = np.zeros(n_users)
            for fold, per_row in enumerate(pool.map(partial(work, n_clusters=n_clusters), range(N_FOLDS))):
                scores[folds == fold] = per_row[counts.row_of_user[folds == fold]]
            rungs.append(scores)
            on_progress(Progress(stage="number of personas", done=n_clusters, total=top))
            if _falls_no_more(rungs):
                break
    return _recommend(_ladder(np.stack(rungs), counts.n_events[counts.row_of_user]), top)


def _falls_no_more(rungs: list[FloatArray]) -> bool:
    """Return whether the last rungs are all worse than one before them."""
    totals = [float(each.sum()) for each in rungs]
    return max(totals) > max(totals[-PATIENCE:]) if len(totals) > PATIENCE else False


def _score(
    counts: TransitionCounts, train: FloatArray, n_clusters: int, prior: Prior, seed: np.random.SeedSequence
) -> FloatArray:
    """Return the log-likelihood of one user of each row under a mixture fitted on the training users."""
    fitted = climb_from_restarts(
        counts,
        n_clusters,
        weights=train,
        n_init=DEFAULT_N_INIT,
        max_iter=_FOLD_ITERATIONS,
        tol=_FOLD_TOLERANCE * float(train.sum()),
        prior=prior,
        seed=seed,
    )
    return score_rows(counts, fitted)


def score_rows(counts: TransitionCounts, mixture: MarkovMixture) -> FloatArray:
    """Return the log-likelihood of one user of each row, in natural-log units, shape (R,)."""
    chances = mixture.chains[:, counts.sources, counts.targets].T
    joint = counts.matrix @ np.log(np.maximum(chances, 1e-300)) + np.log(mixture.weights)
    return normalise_memberships(joint)[1]


def _ladder(scores: FloatArray, n_events: FloatArray) -> tuple[Rung, ...]:
    bits = -scores / np.log(2)
    total = n_events.sum()
    gains = bits[0] - bits
    errors = gains.std(axis=1) * np.sqrt(gains.shape[1]) / total
    return tuple(
        Rung(
            n_clusters=position + 1,
            bits_per_event=float(row.sum() / total),
            gain=float(gain.sum() / total),
            gain_error=float(error),
        )
        for position, (row, gain, error) in enumerate(zip(bits, gains, errors, strict=True))
    )


def _recommend(ladder: tuple[Rung, ...], top: int) -> Selection:
    best = min(ladder, key=lambda rung: rung.bits_per_event)
    if best.n_clusters == 1 or best.gain <= NOISE_STANDARD_ERRORS * best.gain_error:
        reason = "no larger number foretells users held out better, beyond noise"
        return Selection(ladder=ladder, n_clusters=1, reason=reason)
    if best.n_clusters < top:
        reason = "fewest bits per event of users held out"
        return Selection(ladder=ladder, n_clusters=best.n_clusters, reason=reason)
    limit = best.bits_per_event * (1 + TOLERATED_LOSS)
    smallest = next(rung for rung in ladder if rung.bits_per_event <= limit)
    reason = (
        f"the smallest number within 1 % of the best; bits per event still fall at {best.n_clusters}, "
        "so first-order chains are too simple for this log"
    )
    return Selection(ladder=ladder, n_clusters=smallest.n_clusters, reason=reason)
