"""Ways to group users, behind one interface: the mixture, its rivals, and anything from scikit-learn.

To add one, write a function from a ``Task``, how often each user takes part and a seed to a
``Grouping`` of all users, and register it; import what is slow inside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.embeddings import count_terms, weigh_terms
from persona_tui.engine.modeling.mixture import check_n_clusters
from persona_tui.engine.modeling.selection import fit_part
from persona_tui.engine.modeling.shrinkage import Prior
from persona_tui.engine.registry import Registry
from persona_tui.engine.types import AnyArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MIXTURE = "mixture"
UNCLUSTERED = -1
"""Label that scikit-learn's density clusterers give to users of no cluster."""
_DENSE_BYTES = 2**30
_KMEANS_STARTS = 10
_NMF_ITERATIONS = 1_000
_NMF_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """Users to group, in the forms that clusterers read; not slotted, so that its terms are counted once.

    Parameters
    ----------
    sequences : Sequences
    counts : TransitionCounts
        Of the same users.
    n_clusters : int
        Clusterers that are made with their own number, or find it, pass it by.
    prior : float or "empirical"
        Pseudo-moves that shrink each row of a cluster's chain toward the pooled row.
    """

    sequences: Sequences
    counts: TransitionCounts
    n_clusters: int
    prior: Prior

    @cached_property
    def terms(self) -> csr_array:
        """Return how often each user has each event and each move, shape (U, n_terms)."""
        return count_terms(self.sequences)

    def row_masses(self, per_user: FloatArray) -> FloatArray:
        """Return sums over the users of each distinct row, shape (R, ...), of an array of shape (U, ...)."""
        masses = np.zeros((len(self.counts.multiplicity), *per_user.shape[1:]))
        np.add.at(masses, self.counts.row_of_user, per_user)
        return masses


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grouping:
    """Which group every user belongs to.

    Parameters
    ----------
    memberships : array of shape (U, K)
        Rows sum to one.
    has_unclustered : bool
        Whether the last group holds the users that the clusterer put into no cluster.
    """

    memberships: FloatArray
    has_unclustered: bool = False

    @property
    def labels(self) -> AnyArray:
        """Return the likeliest group of each user, shape (U,)."""
        labels: AnyArray = self.memberships.argmax(axis=1)
        return labels


Clusterer: TypeAlias = Callable[[Task, IntArray, np.random.SeedSequence], Grouping]
"""Learns from users as often as each is drawn, zero for those held out; groups all of them."""

CLUSTERERS: Registry[Clusterer] = Registry("clusterer")


def clusterer_of(choice: str | object) -> Clusterer:
    """Return the clusterer of a name, or the one that works with a scikit-learn clusterer.

    Parameters
    ----------
    choice : str or scikit-learn clusterer
        It is never changed: every fit works on a copy.

    Raises
    ------
    UnknownNameError
        If there is none of that name; the message suggests the nearest.
    ModelingError
        If it is neither a name nor something with ``fit_predict``.

    Examples
    --------
    >>> clusterer_of("k-means")
    Traceback (most recent call last):
    persona_tui.engine.errors.UnknownNameError: Unknown clusterer 'k-means'. Known: mixture, kmeans, nmf.
    Did you mean 'kmeans'?
    """
    if isinstance(choice, str):
        return CLUSTERERS.get(choice)
    if not hasattr(choice, "fit_predict"):
        raise ModelingError(
            f"{type(choice).__name__} is no clusterer: it has no fit_predict.",
            hint=f"Pass one of {', '.join(CLUSTERERS.names())}, or a clusterer of scikit-learn.",
        )
    return partial(group_with, choice)


def name_of(choice: str | object) -> str:
    """Return what a clusterer is called.

    Examples
    --------
    >>> name_of("nmf")
    'nmf'
    """
    return choice if isinstance(choice, str) else type(choice).__name__


@CLUSTERERS.register(MIXTURE, help="Mixture of first-order Markov chains over users.")
def group_by_mixture(task: Task, drawn: IntArray, seed: np.random.SeedSequence) -> Grouping:
    """Group users by the chain that explains them best, with soft memberships."""
    weights = task.row_masses(drawn.astype(float))
    fitted = fit_part(task.counts, weights, task.n_clusters, prior=task.prior, seed=seed)
    return Grouping(memberships=fitted.responsibilities[task.counts.row_of_user])


@CLUSTERERS.register("kmeans", help="k-means on weighted bigrams of events, ten starts.")
def group_by_kmeans(task: Task, drawn: IntArray, seed: np.random.SeedSequence) -> Grouping:
    """Group users by the nearest centre of their weighted events and moves."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - 0.95 s, only this needs it

    check_n_clusters(task.n_clusters, int(drawn.sum()))
    n_clusters = min(task.n_clusters, int((drawn > 0).sum()))  # users drawn again may be fewer different ones
    return group_with(KMeans(n_clusters, n_init=_KMEANS_STARTS), task, drawn, seed)


@CLUSTERERS.register("nmf", help="Non-negative matrix factorisation of weighted bigrams, largest part.")
def group_by_nmf(task: Task, drawn: IntArray, seed: np.random.SeedSequence) -> Grouping:
    """Group users by the part that makes up most of their weighted events and moves."""
    from sklearn.decomposition import NMF  # noqa: PLC0415 - 0.95 s, only this needs it

    rows = np.repeat(np.arange(len(drawn)), drawn)
    terms = weigh_terms(task.terms, rows)
    most = min(len(rows), terms.shape[1])
    if not 1 <= task.n_clusters <= most:
        raise ModelingError(
            f"n_clusters == {task.n_clusters}, must be from 1 to {most} for nmf: "
            "there are no more terms or users.",
            hint="Ask for fewer clusters, or use the mixture.",
        )
    model = NMF(
        task.n_clusters,
        init="nndsvda",
        max_iter=_NMF_ITERATIONS,
        tol=_NMF_TOLERANCE,
        random_state=_as_integer(seed),
    )
    with _one_thread():
        model.fit(terms[rows])
        parts = model.transform(terms) * model.components_.sum(axis=1)
    return _grouping(parts.argmax(axis=1))


def group_with(model: Any, task: Task, drawn: IntArray, seed: np.random.SeedSequence) -> Grouping:  # noqa: ANN401 - any scikit-learn clusterer
    """Group users with a scikit-learn clusterer on their weighted events and moves.

    Parameters
    ----------
    model : scikit-learn clusterer
        A copy is fitted; where its ``random_state`` is None, it comes from the seed.
    task : Task
    drawn : int64 array of shape (U,)
    seed : SeedSequence

    Returns
    -------
    Grouping
        Users who were not drawn are given to what ``predict`` says; where there is no
        ``predict``, to the group whose mean is nearest. Users labelled -1 are the last group.

    Raises
    ------
    ModelingError
        If it would need over 1 GB, or its labels cannot be used.
    """
    from sklearn.base import clone  # noqa: PLC0415 - 0.95 s, only this needs it

    rows = np.repeat(np.arange(len(drawn)), drawn)
    table = _as_taken_by(model, weigh_terms(task.terms, rows))
    copy = clone(model)
    if "random_state" in (settings := copy.get_params(deep=False)) and settings["random_state"] is None:
        copy.set_params(random_state=_as_integer(seed))
    with _one_thread():
        fitted = np.asarray(copy.fit_predict(table[rows]))
        _check_labels(model, fitted, len(rows))
        if (drawn > 0).all():
            labels = np.empty(len(drawn), dtype=np.int64)
        elif hasattr(copy, "predict"):
            labels = np.asarray(copy.predict(table), dtype=np.int64)
        else:
            labels = _nearest_group(table, rows, fitted)
    labels[rows] = fitted
    return _grouping(labels)


def _as_taken_by(model: Any, embeddings: csr_array) -> csr_array | AnyArray:  # noqa: ANN401 - as above
    """Return the embeddings, as a dense table where the clusterer takes no other."""
    from sklearn.utils import get_tags  # noqa: PLC0415 - 0.95 s, only alternatives need it

    if get_tags(model).input_tags.sparse:
        return embeddings
    if np.prod(embeddings.shape) * 8 > _DENSE_BYTES:
        raise ModelingError(
            f"{name_of(model)} needs a dense table of {embeddings.shape[0]} users by "
            f"{embeddings.shape[1]} terms, which is over 1 GB.",
            hint="Use a clusterer that takes sparse input, such as KMeans, or the mixture.",
        )
    dense: AnyArray = embeddings.toarray()
    return dense


def _check_labels(model: object, labels: AnyArray, n_users: int) -> None:
    if labels.shape != (n_users,):
        raise ModelingError(f"{name_of(model)} gave {labels.shape} labels for {n_users} users.")
    if (labels == UNCLUSTERED).all():
        raise ModelingError(
            f"{name_of(model)} put none of the {n_users} users into a cluster.",
            hint="Loosen its settings (for DBSCAN a larger eps), or use the mixture.",
        )


def _nearest_group(table: csr_array | AnyArray, rows: IntArray, fitted: AnyArray) -> IntArray:
    """Return the label whose users have the nearest mean, for all users; -1 is no group."""
    labels = np.unique(fitted[fitted != UNCLUSTERED])
    means = np.stack([np.asarray(table[rows[fitted == label]].mean(axis=0)).ravel() for label in labels])
    distances = (means**2).sum(axis=1) - 2.0 * (table @ means.T)
    nearest: IntArray = labels[distances.argmin(axis=1)].astype(np.int64)
    return nearest


def _grouping(labels: AnyArray) -> Grouping:
    """Return memberships of one, users of no cluster in the last group."""
    values = np.unique(labels)
    values = np.append(values[values != UNCLUSTERED], values[values == UNCLUSTERED])
    return Grouping(
        memberships=np.equal.outer(labels, values).astype(float),
        has_unclustered=bool(values[-1] == UNCLUSTERED),
    )


def _as_integer(seed: np.random.SeedSequence) -> int:
    return int(seed.generate_state(1)[0])


def _one_thread() -> Any:  # noqa: ANN401 - the library has no types
    """Return a context in which sums are made in one order, whatever the number of threads."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415 - as sklearn

    return threadpool_limits(limits=1)
