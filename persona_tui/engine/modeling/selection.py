"""How many personas: held-out bits per event on a ladder, read with its standard error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from persona_tui.engine.modeling.counts import TransitionCounts, pooled_chain, possible_moves
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.mixture import DEFAULT_N_INIT, climb_from_restarts
from persona_tui.engine.modeling.shrinkage import DEFAULT_PRIOR, Prior
from persona_tui.engine.modeling.steps import LOG_FLOOR, normalise_memberships
from persona_tui.engine.modeling.threads import run_in_order
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.types import FloatArray, IntArray, RandomState

MAX_CLUSTERS = 8
N_FOLDS = 3
PATIENCE = 2
"""Rungs in a row without a better one after which the ladder ends."""
NOISE_STANDARD_ERRORS = 2.0
LEAST_GAIN = 1e-4
"""Share of the bits per event: less is rounding and smoothing, however sure."""
TIE_STANDARD_ERRORS = 1.0
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
    excess, excess_error : float
        Bits per event more than the best rung of the ladder, and their paired standard error.
    """

    n_clusters: int
    bits_per_event: float
    gain: float
    gain_error: float
    excess: float
    excess_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The ladder and the number it recommends, with the reason in words.

    Parameters
    ----------
    ladder : tuple of Rung
        From one persona upward.
    n_clusters : int
        What is recommended.
    reason : str
        Goes on after the number; what follows ± is one standard error.
    """

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
        One persona unless beaten by more than two paired standard errors and 0.01 %; else the smallest number
        whose held-out bits per event are within one paired standard error of the lowest. Where the
        last rung is among those, the smallest number above one within 1 % of the lowest.

    Notes
    -----
    Users are split into three folds; each number is fitted on two, the fit of the number before it among
    its restarts with one persona more, and scored on the third. The
    ladder ends early where two rungs in a row are worse than one before them. On 180 planted logs of 60
    to 200 users the number was right in 114, and in 103 where the lowest was taken (too many in 33 and
    43); on 126 of 400 to 3 000 users in 123 and 124.
    """
    seed = normalise_seed(random_state)
    n_users, n_rows = len(counts.row_of_user), len(counts.multiplicity)
    top = max(1, min(max_clusters, n_users // N_FOLDS))
    folds = split_folds(n_users, seed)

    def fit(fold: int, n_clusters: int, warm: Sequence[MarkovMixture | None]) -> MarkovMixture | None:
        train = np.bincount(counts.row_of_user[folds != fold], minlength=n_rows).astype(float)
        start = warm[fold] if warm else None
        if not train.any():  # one user: nobody to learn from
            return None
        return fit_part(counts, train, n_clusters, prior=prior, seed=seed, warm=start)

    def tell(done: int, rungs_before: int) -> None:
        fits = N_FOLDS * rungs_before + done
        on_progress(Progress(stage="number of personas", done=fits, total=N_FOLDS * top))

    scores: list[FloatArray] = []
    fits: Sequence[MarkovMixture | None] = ()
    for n_clusters in range(1, top + 1):
        fits = run_in_order(
            partial(fit, n_clusters=n_clusters, warm=fits),
            range(N_FOLDS),
            workers=workers,
            on_done=partial(tell, rungs_before=len(scores)),
        )
        scores.append(np.choose(folds, [_score_users(counts, each) for each in fits]))
        if _falls_no_more(scores):
            break
    return _recommend(_ladder(np.stack(scores), counts.n_events[counts.row_of_user]), top)


def split_folds(n_users: int, seed: np.random.SeedSequence) -> IntArray:
    """Return the fold in which each user is held out, shape (U,), the same for every model of a log."""
    folds: IntArray = stream(seed, Stream.FOLDS).permutation(n_users) % N_FOLDS
    return folds


def fit_part(
    counts: TransitionCounts,
    weights: FloatArray,
    n_clusters: int,
    *,
    prior: Prior,
    seed: np.random.SeedSequence,
    warm: MarkovMixture | None = None,
) -> MarkovMixture:
    """Fit some of the users, or users drawn again, as closely as a comparison of fits needs.

    Parameters
    ----------
    counts : TransitionCounts
    weights : array of shape (R,)
        Users behind each row that take part.
    n_clusters : int
    prior : float or "empirical"
    seed : SeedSequence
    warm : MarkovMixture, optional
        A fit of the same users with one persona fewer, from which one more restart is made.

    Returns
    -------
    MarkovMixture
        With memberships of all rows, those without users that take part among them.
    """
    return climb_from_restarts(
        counts,
        n_clusters,
        weights=weights,
        n_init=DEFAULT_N_INIT,
        max_iter=_FOLD_ITERATIONS,
        tol=_FOLD_TOLERANCE * float(weights.sum()),
        prior=prior,
        seed=seed,
        warm=warm,
    )


def score_rows(counts: TransitionCounts, mixture: MarkovMixture) -> FloatArray:
    """Return the log-likelihood of one user of each row, in natural-log units, shape (R,)."""
    return score_chains(counts, mixture.chains, mixture.weights)


def score_chains(counts: TransitionCounts, chains: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the log-likelihood of one user of each row under a mixture of chains.

    Parameters
    ----------
    counts : TransitionCounts
    chains : array of shape (K, n + 1, n + 1)
    weights : array of shape (K,)
        Share of each chain; sums to one.

    Returns
    -------
    array of shape (R,)
        In natural-log units.

    Notes
    -----
    A move that smoothing never gives a chance to, and that no chain saw, such as a journey that begins with
    its completion, costs nothing: at a chance of zero one user would outweigh all others.
    """
    chances = chains[:, counts.sources, counts.targets].T
    smoothed = possible_moves(counts.journeys)[counts.sources, counts.targets]
    foretold = smoothed | (chances.max(axis=1) > 0)
    log_moves = np.where(foretold[:, None], np.log(np.maximum(chances, LOG_FLOOR)), 0.0)
    joint = counts.matrix @ log_moves + np.log(np.maximum(weights, LOG_FLOOR))
    return normalise_memberships(joint)[1]


def paired_error(gains: FloatArray, n_events: float) -> FloatArray:
    """Return the standard error of a gain in bits per event, from the bits that each user gains.

    Parameters
    ----------
    gains : array of shape (..., U)
    n_events : float
        Of all users together.

    Returns
    -------
    array of shape (...)
    """
    errors: FloatArray = gains.std(axis=-1) * np.sqrt(gains.shape[-1]) / n_events
    return errors


def _score_users(counts: TransitionCounts, fitted: MarkovMixture | None) -> FloatArray:
    """Return the log-likelihood of every user under a fit, or where there is none under the untold chain."""
    if fitted is None:
        nobody = np.zeros(len(counts.multiplicity))
        per_row = score_chains(counts, pooled_chain(counts, DEFAULT_PRIOR, nobody)[None], np.ones(1))
    else:
        per_row = score_rows(counts, fitted)
    return per_row[counts.row_of_user]


def _falls_no_more(scores: list[FloatArray]) -> bool:
    """Return whether the last rungs are all worse than one before them."""
    totals = [float(each.sum()) for each in scores]
    return max(totals) > max(totals[-PATIENCE:]) if len(totals) > PATIENCE else False


def _ladder(scores: FloatArray, n_events: FloatArray) -> tuple[Rung, ...]:
    bits = -scores / np.log(2)
    total = n_events.sum()
    gains, excesses = bits[0] - bits, bits - bits[bits.sum(axis=1).argmin()]
    return tuple(
        Rung(
            n_clusters=position + 1,
            bits_per_event=float(row.sum() / total),
            gain=float(gain.sum() / total),
            gain_error=float(gain_error),
            excess=float(excess.sum() / total),
            excess_error=float(excess_error),
        )
        for position, (row, gain, gain_error, excess, excess_error) in enumerate(
            zip(bits, gains, paired_error(gains, total), excesses, paired_error(excesses, total), strict=True)
        )
    )


def _recommend(ladder: tuple[Rung, ...], top: int) -> Selection:
    best = min(ladder, key=lambda rung: rung.bits_per_event)
    least = max(NOISE_STANDARD_ERRORS * best.gain_error, LEAST_GAIN * ladder[0].bits_per_event)
    if best.n_clusters == 1 or best.gain <= least:
        return Selection(ladder=ladder, n_clusters=1, reason=_why_one(ladder))
    if ladder[-1].n_clusters < top or not _ties(ladder[-1]):
        chosen = next(rung for rung in ladder if _ties(rung))
        verdict = "the fewest of the numbers tried"
        if chosen is not best:
            verdict = f"within a standard error of the fewest, those of {best.n_clusters} personas"
        return Selection(ladder=ladder, n_clusters=chosen.n_clusters, reason=f"{_bits(chosen)} and {verdict}")
    limit = best.bits_per_event * (1 + TOLERATED_LOSS)
    smallest = next(rung for rung in ladder[1:] if rung.bits_per_event <= limit)
    reason = (
        f"{_bits(smallest)}; the smallest number within 1 % of the best: bits per event do not rise again "
        f"by {ladder[-1].n_clusters} personas, so first-order chains may be too simple for this log"
    )
    return Selection(ladder=ladder, n_clusters=smallest.n_clusters, reason=reason)


def _ties(rung: Rung) -> bool:
    """Return whether a rung is as good as the best but for noise."""
    return rung.excess <= TIE_STANDARD_ERRORS * rung.excess_error


def _bits(rung: Rung) -> str:
    saved = f"{_with_error(rung.gain, rung.gain_error)} fewer than one persona"
    return f"{rung.bits_per_event:.3f} bits per event of users held out, {saved}"


def _why_one(ladder: tuple[Rung, ...]) -> str:
    if len(ladder) == 1:
        return f"fewer than {2 * N_FOLDS} users are too few to hold some of them out"
    rival = min(ladder[1:], key=lambda rung: rung.bits_per_event)
    if abs(rival.gain) <= LEAST_GAIN * ladder[0].bits_per_event:
        return f"no structure, as {rival.n_clusters} personas foretell users held out no better"
    change = f"{_with_error(abs(rival.gain), rival.gain_error)} bits per event"
    verdict = f"worse, by {change}" if rival.gain <= 0 else f"better by only {change}, which is noise"
    return f"no structure, as {rival.n_clusters} personas foretell users held out {verdict}"


def _with_error(value: float, error: float) -> str:
    """Return a value with its standard error, both to two digits of the error.

    Examples
    --------
    >>> _with_error(0.1234, 0.0104)
    '0.123 ± 0.010'
    """
    digits = min(max(1 - int(np.floor(np.log10(error))), 2), 6) if error > 0 else 3
    return f"{value:.{digits}f} ± {error:.{digits}f}"
