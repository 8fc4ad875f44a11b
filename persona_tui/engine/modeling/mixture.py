"""A mixture of first-order Markov chains over users, fitted by expectation-maximisation.

The arithmetic is in ``steps``; here is the one loop, its restarts and what comes out.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import TransitionCounts, pooled_chain, smooth
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.steps import (
    LOG_FLOOR,
    MoveTable,
    estimate_moves,
    joint_log_likelihood,
    normalise_memberships,
    tabulate_moves,
)
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.types import FloatArray, RandomState

DEFAULT_PRIOR = 1.0
DEFAULT_N_INIT = 10
RESTART_SAMPLE = 2_000
RESTART_ITERATIONS = 12
MAX_ITERATIONS = 1_000
TOLERANCE = 0.02
"""Natural-log units; half a unit moves an estimate by one standard error."""
_RESTART_TOLERANCE = 1e-3
"""The same of a short run, for each row of its sample."""
_SEED_USERS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Climb:
    """Where one run of EM stands: the parameters and the memberships they were estimated from."""

    log_moves: FloatArray
    log_weights: FloatArray
    memberships: FloatArray
    history: list[float]
    log_likelihood: float
    converged: bool


def climb(table: MoveTable, weights: FloatArray, start: FloatArray, *, max_iter: int, tol: float) -> _Climb:
    """Run EM from memberships until the bound rises by less than ``tol``.

    Parameters
    ----------
    table : MoveTable
    weights : array of shape (R,)
        Users behind each row.
    start : array of shape (R, K)
        Memberships.
    max_iter : int
    tol : float
        Natural-log units, of all users together.
    """
    n_users = weights.sum()
    memberships, history, converged = start, [], False
    for _ in range(max_iter):
        mass = weights[:, None] * memberships
        log_moves, log_prior = estimate_moves(table, mass)
        log_weights = np.log(np.maximum(mass.sum(axis=0) / n_users, LOG_FLOOR))
        fitted_from = memberships
        memberships, per_row = normalise_memberships(joint_log_likelihood(table, log_moves, log_weights))
        log_likelihood = float(weights @ per_row)
        history.append(log_likelihood + float(log_prior.sum()))
        if len(history) > 1 and history[-1] - history[-2] < tol:
            converged = True
            break
    return _Climb(
        log_moves=log_moves,
        log_weights=log_weights,
        memberships=fitted_from,
        history=history,
        log_likelihood=log_likelihood,
        converged=converged,
    )


def fit_markov_mixture(
    counts: TransitionCounts,
    n_clusters: int,
    *,
    weights: FloatArray | None = None,
    n_init: int = DEFAULT_N_INIT,
    max_iter: int = MAX_ITERATIONS,
    tol: float = TOLERANCE,
    prior: float = DEFAULT_PRIOR,
    random_state: RandomState = None,
    on_progress: ProgressCallback = ignore_progress,
) -> MarkovMixture:
    """Fit a mixture of first-order Markov chains over users, and warn if it has not converged.

    Parameters
    ----------
    counts : TransitionCounts
    n_clusters : int
        Number of personas, at least one and at most the number of users.
    weights : array of shape (R,), optional
        Users behind each row of ``counts``; its multiplicity.
    n_init : int
        Short random restarts on a sample of rows, of which the best goes on.
    max_iter : int
    tol : float
        Rise of the bound, in natural-log units of all users together, below which the fit has converged:
        what it stops short of does not grow with the log, as the draws of a bootstrap do not either.
    prior : float
        Pseudo-moves that shrink each row of a chain toward the pooled row.
    random_state : int, SeedSequence, Generator or None
    on_progress : callable

    Returns
    -------
    MarkovMixture

    Raises
    ------
    ModelingError
        If ``n_clusters`` does not fit the data.

    Warns
    -----
    UserWarning
        If the fit has not converged after ``max_iter`` iterations.

    Notes
    -----
    Each iteration costs O(K x distinct moves of distinct users).

    References
    ----------
    Cadez, Heckerman, Meek, Smyth & White (2003), Model-based clustering and visualization
    of navigation patterns on a web site, *Data Mining and Knowledge Discovery* 7, 399-424.
    """
    fitted = climb_from_restarts(
        counts,
        n_clusters,
        weights=counts.multiplicity if weights is None else weights,
        n_init=n_init,
        max_iter=max_iter,
        tol=tol,
        prior=prior,
        seed=normalise_seed(random_state),
        on_progress=on_progress,
    )
    if not fitted.converged:
        warnings.warn(f"The mixture has not converged after {max_iter} iterations.", stacklevel=2)
    return fitted


def climb_from_restarts(
    counts: TransitionCounts,
    n_clusters: int,
    *,
    weights: FloatArray,
    n_init: int,
    max_iter: int,
    tol: float,
    prior: float,
    seed: np.random.SeedSequence,
    on_progress: ProgressCallback = ignore_progress,
) -> MarkovMixture:
    """Fit as ``fit_markov_mixture`` does; whether it has converged is only told in the result."""
    check_n_clusters(n_clusters, len(counts.journeys.user_ids))
    table = tabulate_moves(counts, pooled_chain(counts, prior, weights), prior)
    start = np.ones((len(weights), 1))
    if n_clusters > 1:
        start = _best_restart(table, weights, n_clusters, n_init=n_init, seed=seed, on_progress=on_progress)
    best = climb(table, weights, start, max_iter=max_iter, tol=tol)
    return _finish(counts, table, weights, best)


def check_n_clusters(n_clusters: int, n_users: int) -> None:
    """Refuse a number of personas that the users cannot fill.

    Raises
    ------
    ModelingError
        Names both numbers.
    """
    if not 1 <= n_clusters <= n_users:
        raise ModelingError(
            f"n_clusters == {n_clusters}, must be from 1 to {n_users}, the number of users.",
            hint="Ask for fewer clusters, or leave the number open with 'auto'.",
        )


def _best_restart(
    table: MoveTable,
    weights: FloatArray,
    n_clusters: int,
    *,
    n_init: int,
    seed: np.random.SeedSequence,
    on_progress: ProgressCallback,
) -> FloatArray:
    """Return memberships of all rows under the best of some short runs on a sample of rows."""
    n_rows = len(weights)
    present = np.flatnonzero(weights > 0)
    chance = weights[present] / weights.sum()
    best_bound, best_params = -np.inf, None
    for restart in range(n_init):
        generator = stream(seed, Stream.RESTARTS, n_clusters, restart)
        size = min(RESTART_SAMPLE, len(present))
        rows = np.sort(generator.choice(present, size=size, replace=False, p=chance))
        sample = table.restrict(rows)
        seeds = generator.choice(len(rows), size=(n_clusters, min(_SEED_USERS, len(rows))))
        start = np.full((len(rows), n_clusters), 1e-3)
        for cluster, members in enumerate(seeds):
            start[members, cluster] = 1.0
        log_moves, _ = estimate_moves(sample, start * weights[rows, None].clip(max=1.0))
        uniform = np.full(n_clusters, -np.log(n_clusters))
        first, _ = normalise_memberships(joint_log_likelihood(sample, log_moves, uniform))
        # rows were drawn by weight, so each stands for as many users as any other
        run = climb(
            sample, np.ones(len(rows)), first, max_iter=RESTART_ITERATIONS, tol=_RESTART_TOLERANCE * len(rows)
        )
        per_user = run.history[-1] / len(rows)
        if per_user > best_bound:
            best_bound, best_params = per_user, run
        on_progress(Progress(stage=f"restarts of {n_clusters} personas", done=restart + 1, total=n_init))
    if best_params is None:
        raise ModelingError(f"n_init == {n_init}, must be >= 1.")
    joint = joint_log_likelihood(table, best_params.log_moves, best_params.log_weights)
    start, _ = normalise_memberships(joint)
    return start.reshape(n_rows, n_clusters)


def chains_from_memberships(
    counts: TransitionCounts, mass: FloatArray, pooled: FloatArray, prior: float
) -> FloatArray:
    """Return the chains of weighted memberships.

    Parameters
    ----------
    counts : TransitionCounts
    mass : array of shape (R, C)
        Weight times membership of each row.
    pooled : array of shape (n + 1, n + 1)
    prior : float

    Returns
    -------
    array of shape (C, n + 1, n + 1)
    """
    return smooth(counts.tabulate((counts.matrix.T @ mass).T), pooled, prior)


def _finish(counts: TransitionCounts, table: MoveTable, weights: FloatArray, best: _Climb) -> MarkovMixture:
    order = np.argsort(-best.log_weights, kind="stable")
    log_moves, log_weights = best.log_moves[:, order], best.log_weights[order]
    memberships, _ = normalise_memberships(joint_log_likelihood(table, log_moves, log_weights))
    fitted = best.memberships[:, order]
    pooled = pooled_chain(counts, table.prior, weights)
    journeys = counts.journeys
    return MarkovMixture(
        vocabulary=journeys.vocabulary,
        unit=journeys.unit,
        completion=journeys.names_of(journeys.completion),
        drop=journeys.names_of(journeys.drop),
        multiplicity=weights,
        n_moves=len(counts.moves),
        n_sources=len(table.first_of_row),
        weights=np.exp(log_weights),
        chains=chains_from_memberships(counts, weights[:, None] * fitted, pooled, table.prior),
        responsibilities=memberships,
        fitted_responsibilities=fitted,
        bound_history=np.array(best.history),
        log_likelihood=best.log_likelihood,
        converged=best.converged,
        prior=table.prior,
        pooled=pooled,
    )
