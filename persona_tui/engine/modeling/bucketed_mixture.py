"""A mixture of Markov chains fitted out of core: a pass over the users reads one bucket after the other."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from persona_tui.engine.modeling.buckets import BucketedCounts, read_counts
from persona_tui.engine.modeling.climbing import Climb, Users, threads
from persona_tui.engine.modeling.counts import pooled_chain, smooth
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.mixture import (
    DEFAULT_N_INIT,
    MAX_ITERATIONS,
    TOLERANCE,
    check_n_clusters,
    climb_users,
    parameters_of,
    starting_prior,
    tell_doubts,
)
from persona_tui.engine.modeling.parameters import Parameters, add_up, expect
from persona_tui.engine.modeling.shrinkage import Prior
from persona_tui.engine.modeling.steps import tabulate_moves, total_entropy
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.types import FloatArray, RandomState


def fit_from_buckets(
    counts: BucketedCounts | str | Path,
    n_clusters: int,
    *,
    n_init: int = DEFAULT_N_INIT,
    max_iter: int = MAX_ITERATIONS,
    tol: float = TOLERANCE,
    prior: Prior = "empirical",
    random_state: RandomState = None,
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> MarkovMixture:
    """Fit a mixture of first-order Markov chains from counts on disk, warning as ``fit_markov_mixture``.

    Parameters
    ----------
    counts : BucketedCounts or path
        What ``write_counts`` wrote, or its folder.
    n_clusters : int
        Number of personas, at least one and at most the number of users.
    n_init, max_iter, tol, prior, random_state, workers, on_progress
        As in ``fit_markov_mixture``.

    Returns
    -------
    MarkovMixture
        Its rows are the buckets, with the mean memberships of their users. Those of the users themselves
        come from ``bucket_memberships``, or from ``predict_proba`` on their log.

    Raises
    ------
    ModelingError
        If ``n_clusters`` does not fit the data.
    DataError
        If the folder is damaged.

    Warns
    -----
    UserWarning
        If the fit has not converged after ``max_iter`` iterations, a persona stood for nobody, or there are
        more personas than distinct users.

    Notes
    -----
    The same chains as those of ``fit_markov_mixture`` on all rows at once in the order of the buckets, but
    for rounding. O(K x distinct moves of distinct users) a pass, O(one bucket + K F) memory.

    Examples
    --------
    >>> import tempfile
    >>> from persona_tui.engine.data.sequences import Sequences
    >>> from persona_tui.engine.modeling.buckets import write_counts
    >>> from persona_tui.engine.modeling.counts import count_transitions
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> logs = [Sequences(vocabulary=("a", "b"), user_ids=("u",), codes=np.array(codes, np.int32),
    ...     users=np.zeros(3, np.int32), sessions=np.zeros(3, np.int64), times=np.arange(3))
    ...     for codes in ([0, 0, 0], [1, 1, 1])]
    >>> with tempfile.TemporaryDirectory() as above:
    ...     counts = write_counts(
    ...         (count_transitions(cut_journeys(log, censor=False)) for log in logs), Path(above) / "counts")
    ...     fit_from_buckets(counts, 2, random_state=0).weights.round(1)
    array([0.5, 0.5])
    """
    bucketed = counts if isinstance(counts, BucketedCounts) else read_counts(counts)
    check_n_clusters(n_clusters, int(bucketed.n_users.sum()))
    together, strength = bucketed.together(), starting_prior(prior)
    table = tabulate_moves(together, pooled_chain(together, strength), strength)
    with threads(workers) as pool:
        users, best, restarted = climb_users(
            Users(table, bucketed, pool),
            n_clusters,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            prior=prior,
            seed=normalise_seed(random_state),
            warm=None,
            on_progress=on_progress,
        )
    fitted = _finish(bucketed, users, best, restarted)
    for told in tell_doubts(fitted, int(bucketed.n_rows.sum()), max_iter):
        warnings.warn(told, stacklevel=2)
    return fitted


def bucket_memberships(mixture: MarkovMixture, counts: BucketedCounts, bucket: int) -> FloatArray:
    """Return the memberships of the distinct users of one bucket, shape (rows, K).

    Parameters
    ----------
    mixture : MarkovMixture
        Fitted from these counts.
    counts : BucketedCounts
    bucket : int
        Its rows are in the order of the counts that were written, whose ``row_of_user`` leads to users.
    """
    return counts.read(bucket).memberships(parameters_of(mixture, counts.together()))[0]


def _finish(bucketed: BucketedCounts, users: Users, best: Climb, restarted: int) -> MarkovMixture:
    order = np.argsort(-best.parameters.log_weights, kind="stable")
    before, parameters = best.before.select(order), best.parameters.select(order)
    told = [expect(part.blocks, before) for part in users.parts]
    responsibilities, entropy = _mean_memberships(users, parameters)
    together, prior = bucketed.together(), users.table.prior
    pooled = pooled_chain(together, prior)
    moved = add_up(told, before).moved
    return MarkovMixture(
        vocabulary=bucketed.vocabulary,
        unit=bucketed.unit,
        completion=together.journeys.names_of(bucketed.completion),
        drop=together.journeys.names_of(bucketed.drop),
        multiplicity=bucketed.n_users,
        n_moves=len(bucketed.moves),
        n_sources=len(users.table.first_of_row),
        weights=np.exp(parameters.log_weights),
        chains=smooth(together.tabulate(np.ascontiguousarray(moved.T)), pooled, prior),
        responsibilities=responsibilities,
        fitted_responsibilities=np.stack([part.users for part in told]) / bucketed.n_users[:, None],
        bound_history=np.array(best.history),
        log_likelihood=best.log_likelihood,
        entropy=entropy,
        converged=best.converged,
        restarted=restarted,
        prior=prior,
        pooled=pooled,
    )


def _mean_memberships(users: Users, parameters: Parameters) -> tuple[FloatArray, float]:
    """Return the mean membership of the users of each bucket, shape (B, K), and the entropy of all."""
    means, entropy = [], 0.0
    for part in users.parts:
        memberships, _ = part.memberships(parameters)
        means.append(part.weights @ memberships / part.weights.sum())
        entropy += total_entropy(memberships, part.weights)
    return np.stack(means), entropy
