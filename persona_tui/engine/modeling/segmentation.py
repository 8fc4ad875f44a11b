"""Find personas in a log: a mixture of Markov chains by default, any scikit-learn clusterer on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, ModelingError
from persona_tui.engine.modeling.clusterers import MIXTURE, Task, clusterer_of
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions
from persona_tui.engine.modeling.embeddings import embed
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.mixture import fit_markov_mixture
from persona_tui.engine.modeling.naming import name_personas
from persona_tui.engine.modeling.selection import Selection, select_n_clusters
from persona_tui.engine.modeling.shrinkage import Prior
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.types import AnyArray, FloatArray, RandomState, Unit

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import TfidfVectorizer

UNCLUSTERED_NAME = "Unclustered users"
"""What the users that a clusterer puts into no cluster are called, as a group."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentationResult:
    """Who belongs to which persona.

    Parameters
    ----------
    user_ids : tuple of str, length U
    names : tuple of str, length K
    memberships : array of shape (U, K)
        Final memberships; the largest is the label.
    fitted_memberships : array of shape (U, K)
        Memberships that the personas' chains are estimated from.
    mixture : MarkovMixture or None
        None where another clusterer was passed in.
    selection : Selection or None
        How the number was found, where it was left open.
    """

    user_ids: tuple[str, ...]
    names: tuple[str, ...]
    memberships: FloatArray
    fitted_memberships: FloatArray
    mixture: MarkovMixture | None
    selection: Selection | None

    @property
    def n_clusters(self) -> int:
        """Return the number of personas."""
        return len(self.names)

    @property
    def labels(self) -> AnyArray:
        """Return the likeliest persona of each user, shape (U,)."""
        labels: AnyArray = self.memberships.argmax(axis=1)
        return labels


def find_personas(
    counts: TransitionCounts,
    n_clusters: int | Literal["auto"] = "auto",
    *,
    prior: Prior = "empirical",
    random_state: RandomState = None,
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> SegmentationResult:
    """Fit personas on journeys that are counted already.

    Parameters
    ----------
    counts : TransitionCounts
    n_clusters : int or "auto"
        ``auto`` is one persona where there is one user: nobody can be held out.
    prior : float or "empirical"
    random_state : int, SeedSequence, Generator or None
    workers : int
        Threads; the result does not depend on their number.
    on_progress : callable

    Raises
    ------
    ModelingError
        If there are fewer users than personas.
    """
    seed = normalise_seed(random_state)
    selection = None
    if n_clusters == "auto" and len(counts.row_of_user) == 1:
        n_clusters = 1
    elif n_clusters == "auto":
        selection = select_n_clusters(
            counts, prior=prior, random_state=seed, workers=workers, on_progress=on_progress
        )
        n_clusters = selection.n_clusters
    mixture = fit_markov_mixture(counts, n_clusters, prior=prior, random_state=seed, on_progress=on_progress)
    mass = counts.multiplicity[:, None] * mixture.responsibilities
    return SegmentationResult(
        user_ids=counts.journeys.user_ids,
        names=name_personas(counts, mass),
        memberships=mixture.responsibilities[counts.row_of_user],
        fitted_memberships=mixture.fitted_responsibilities[counts.row_of_user],
        mixture=mixture,
        selection=selection,
    )


def encode_event_sequences(events: pl.DataFrame) -> tuple[csr_array, tuple[str, ...], TfidfVectorizer]:
    """Return users as weighted counts of their events and of the moves between them.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.

    Returns
    -------
    embeddings : sparse array of shape (U, n_terms)
        Rows of length one.
    user_ids : tuple of str, length U
        Sorted.
    vectorizer : TfidfVectorizer
        Fitted; its terms are event names and ``first → second``.
    """
    sequences = encode_sequences(events)
    embeddings, vectorizer = embed(sequences)
    return embeddings, sequences.user_ids, vectorizer


def cluster_event_sequences(
    events: pl.DataFrame,
    n_clusters: int | Literal["auto"] = "auto",
    *,
    completion: frozenset[str] | set[str] = frozenset(),
    drop: frozenset[str] | set[str] = frozenset(),
    unit: Unit = "user",
    clusterer: str | object = MIXTURE,
    prior: Prior = "empirical",
    random_state: RandomState = 0,
    on_progress: ProgressCallback = ignore_progress,
) -> SegmentationResult:
    """Group the users of a log by how they move through the product.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.
    n_clusters : int or "auto"
        ``auto`` needs the mixture; a scikit-learn clusterer brings its own number.
    completion, drop : set of str
        Where known, journeys are cut as the simulation will cut them.
    unit : {"user", "session"}
    clusterer : str or scikit-learn clusterer
        A name in ``CLUSTERERS``: ``mixture``, ``kmeans``, ``nmf``; or something with ``fit_predict``,
        of which a copy gets the embeddings of ``encode_event_sequences``. Users that it labels -1 are
        a group of their own, the last, called ``Unclustered users``: every user walks some chain.
    prior : float or "empirical"
        Pseudo-moves that shrink each row of a persona's chain toward the pooled row.
    random_state : int, SeedSequence, Generator or None
    on_progress : callable

    Returns
    -------
    SegmentationResult

    Raises
    ------
    ModelingError
        If there are fewer users than clusters, or the clusterer puts no user into one.
    UnknownNameError
        If there is no clusterer of that name.
    """
    sequences = encode_sequences(events)
    counts = count_transitions(cut_journeys(sequences, unit=unit, completion=completion, drop=drop))
    if clusterer == MIXTURE:
        return find_personas(
            counts, n_clusters, prior=prior, random_state=random_state, on_progress=on_progress
        )
    if n_clusters == "auto":
        if isinstance(clusterer, str):
            raise ModelingError(
                f"n_clusters == 'auto' needs the mixture: '{clusterer}' cannot find the number.",
                hint="Say the number, for example the one that the mixture finds.",
            )
        n_clusters = 1  # the clusterer brings its own
    task = Task(sequences=sequences, counts=counts, n_clusters=n_clusters, prior=prior)
    return _group(task, clusterer, normalise_seed(random_state))


def _group(task: Task, clusterer: str | object, seed: np.random.SeedSequence) -> SegmentationResult:
    grouping = clusterer_of(clusterer)(task, np.ones(task.sequences.n_users, dtype=np.int64), seed)
    names = name_personas(task.counts, task.row_masses(grouping.memberships))
    if grouping.has_unclustered:
        names = (*names[:-1], UNCLUSTERED_NAME)
    return SegmentationResult(
        user_ids=task.sequences.user_ids,
        names=names,
        memberships=grouping.memberships,
        fitted_memberships=grouping.memberships,
        mixture=None,
        selection=None,
    )


def attach_clusters(
    events: pl.DataFrame, result: SegmentationResult, user_ids: tuple[str, ...] | list[str]
) -> pl.DataFrame:
    """Return the events with each user's persona.

    Parameters
    ----------
    events : DataFrame
    result : SegmentationResult
    user_ids : sequence of str
        The users in the order of the result.

    Returns
    -------
    DataFrame
        With ``cluster`` (number), ``persona`` (name) and ``membership`` (chance) added.

    Raises
    ------
    DataError
        If the users are not those of the result, or an event has another user.
    """
    if tuple(user_ids) != result.user_ids:
        raise DataError(
            "The users are not those that were clustered, or stand in another order.",
            hint="Pass the user_ids that encode_event_sequences gives for the same events.",
        )
    assigned = pl.DataFrame(
        {
            "user_id": pl.Series(result.user_ids, dtype=pl.String),
            "cluster": result.labels,
            "persona": pl.Series([result.names[label] for label in result.labels], dtype=pl.String),
            "membership": result.memberships.max(axis=1),
        }
    )
    joined = events.join(assigned, on="user_id", how="left", maintain_order="left")
    if joined["cluster"].null_count():
        stranger = joined.filter(pl.col("cluster").is_null())["user_id"][0]
        raise DataError(f"User '{stranger}' was not clustered.", hint="Cluster the same events.")
    return joined
