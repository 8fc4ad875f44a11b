"""Ways to group users, compared by how well their groups foretell users held out, and how stable they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.clusterers import MIXTURE, Clusterer, Grouping, Task, clusterer_of, name_of
from persona_tui.engine.modeling.counts import count_transitions, pooled_chain
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.mixture import chains_from_memberships, check_n_clusters
from persona_tui.engine.modeling.selection import N_FOLDS, paired_error, score_chains, split_folds
from persona_tui.engine.modeling.shrinkage import DEFAULT_PRIOR, Prior, estimate_prior
from persona_tui.engine.modeling.stability import (
    DEFAULT_N_REFITS,
    Stability,
    adjusted_rand_index,
    draw_users,
    summarise_agreement,
)
from persona_tui.engine.modeling.steps import tabulate_moves
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.types import FloatArray, IntArray, RandomState, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedClusterer:
    """One way to group users, beside the mixture.

    Parameters
    ----------
    name : str
    n_clusters : int
        Groups that it made of all users.
    bits_per_event : float
        Of users held out; lower is better.
    excess : float
        Bits per event that it needs more than the mixture.
    excess_error : float
        Paired standard error of that over users.
    stability : Stability
        Of its groups, when users are drawn again.
    smallest_share : float
        Share of users of its smallest group.
    unclustered_share : float
        Share of users that it put into no cluster; they count as one group.
    agreement : float
        Adjusted Rand index of its groups and the mixture's.
    """

    name: str
    n_clusters: int
    bits_per_event: float
    excess: float
    excess_error: float
    stability: Stability
    smallest_share: float
    unclustered_share: float
    agreement: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tried:
    """What all fits of one clusterer give."""

    name: str
    whole: Grouping
    bits: FloatArray
    stability: Stability


def compare_clusterers(
    sequences: Sequences,
    n_clusters: int,
    *,
    clusterers: tuple[str | object, ...] = (MIXTURE, "kmeans", "nmf"),
    unit: Unit = "user",
    completion: frozenset[str] | set[str] = frozenset(),
    drop: frozenset[str] | set[str] = frozenset(),
    prior: Prior = "empirical",
    n_refits: int = DEFAULT_N_REFITS,
    random_state: RandomState = 0,
    on_progress: ProgressCallback = ignore_progress,
) -> tuple[ComparedClusterer, ...]:
    """Compare ways to group users on the same users held out and the same resamples.

    Parameters
    ----------
    sequences : Sequences
    n_clusters : int
        Of the named clusterers; others bring their own.
    clusterers : tuple of str or scikit-learn clusterers
        The mixture is what all are compared with, and comes first whether named or not.
    unit : {"user", "session"}
    completion, drop : set of str
        Where journeys are cut for the chains; embeddings are of whole sequences.
    prior : float or "empirical"
    n_refits : int
        At least 2.
    random_state : int, SeedSequence, Generator or None
    on_progress : callable
        Called after each fit.

    Returns
    -------
    tuple of ComparedClusterer

    Raises
    ------
    ModelingError
        If there are fewer than three users, or a clusterer cannot be used.
    UnknownNameError
        If there is no clusterer of a name.

    Notes
    -----
    Every clusterer groups two thirds of the users; each group's chain is estimated from their memberships
    with the same prior, and the mixture of these chains, weighed by the groups' shares, is scored on the
    last third, three times over. It costs ``4 + n_refits`` fits a clusterer, one after the other and on
    one thread, so that no result depends on the machine.
    """
    seed = normalise_seed(random_state)
    counts = count_transitions(cut_journeys(sequences, unit=unit, completion=completion, drop=drop))
    _check(sequences.n_users, n_clusters, n_refits)
    task = Task(sequences=sequences, counts=counts, n_clusters=n_clusters, prior=prior)
    chosen = [MIXTURE, *(each for each in clusterers if each != MIXTURE)]
    rivals = [(name_of(each), clusterer_of(each)) for each in chosen]
    fits_each = 1 + N_FOLDS + n_refits
    tried: list[_Tried] = []

    def tell(done: int) -> None:
        total = fits_each * len(rivals)
        on_progress(Progress(stage="clusterers", done=len(tried) * fits_each + done, total=total))

    for name, clusterer in rivals:
        tried.append(_try(task, name, clusterer, seed, n_refits=n_refits, tell=tell))
    n_events = float(counts.n_events[counts.row_of_user].sum())
    return tuple(_compared(each, tried[0], n_events) for each in tried)


def _check(n_users: int, n_clusters: int, n_refits: int) -> None:
    if n_users < N_FOLDS:
        raise ModelingError(f"{n_users} users are too few to hold some out, must be >= {N_FOLDS}.")
    check_n_clusters(n_clusters, n_users - -(-n_users // N_FOLDS))
    if n_refits < 2:
        raise ModelingError(f"n_refits == {n_refits}, must be >= 2.")


def _try(
    task: Task,
    name: str,
    clusterer: Clusterer,
    seed: np.random.SeedSequence,
    *,
    n_refits: int,
    tell: Callable[[int], None],
) -> _Tried:
    """Fit one clusterer on all users, on all but each fold, and on every resample."""
    n_users = task.sequences.n_users
    whole = clusterer(task, np.ones(n_users, dtype=np.int64), seed)
    tell(1)
    folds, scores = split_folds(n_users, seed), np.zeros(n_users)
    for fold in range(N_FOLDS):
        drawn = (folds != fold).astype(np.int64)
        per_user = _score(task, clusterer(task, drawn, seed), drawn)
        scores[folds == fold] = per_user[folds == fold]
        tell(2 + fold)
    agreements = []
    for refit in range(n_refits):
        drawn, generator = draw_users(n_users, seed, refit)
        again = clusterer(task, drawn, normalise_seed(generator))
        agreements.append(adjusted_rand_index(whole.labels, again.labels))
        tell(2 + N_FOLDS + refit)
    return _Tried(name=name, whole=whole, bits=-scores / np.log(2), stability=summarise_agreement(agreements))


def _score(task: Task, grouping: Grouping, drawn: IntArray) -> FloatArray:
    """Return the log-likelihood of every user under the chains of groups of the users that were drawn."""
    mass = task.row_masses(drawn[:, None] * grouping.memberships)
    pooled = pooled_chain(task.counts, DEFAULT_PRIOR, mass.sum(axis=1))
    strength = task.prior
    if strength == "empirical":
        table = tabulate_moves(task.counts, pooled, DEFAULT_PRIOR)
        strength = estimate_prior(table, task.counts.matrix.T @ mass)
    chains = chains_from_memberships(task.counts, mass, pooled, strength)
    return score_chains(task.counts, chains, mass.sum(axis=0) / mass.sum())[task.counts.row_of_user]


def _compared(tried: _Tried, mixture: _Tried, n_events: float) -> ComparedClusterer:
    shares = tried.whole.memberships.mean(axis=0)
    clustered = shares[: len(shares) - tried.whole.has_unclustered]
    excess = tried.bits - mixture.bits
    return ComparedClusterer(
        name=tried.name,
        n_clusters=len(clustered),
        bits_per_event=float(tried.bits.sum() / n_events),
        excess=float(excess.sum() / n_events),
        excess_error=float(paired_error(excess, n_events)),
        stability=tried.stability,
        smallest_share=float(clustered.min()),
        unclustered_share=float(1.0 - clustered.sum()) if tried.whole.has_unclustered else 0.0,
        agreement=adjusted_rand_index(tried.whole.labels, mixture.whole.labels),
    )
