"""Find personas in a log: a mixture of Markov chains by default, any scikit-learn clusterer on request."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from persona_tui.engine.data.sequences import Sequences, encode_sequences
from persona_tui.engine.errors import DataError, ModelingError
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions
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

BIGRAM_ARROW = " → "
_DENSE_BYTES = 2**30


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


def event_ngrams(names: list[str]) -> list[str]:
    """Return the events of a journey and the moves between them; names stay whole.

    Examples
    --------
    >>> event_ngrams(["landing", "Add to Cart"])
    ['landing', 'Add to Cart', 'landing → Add to Cart']
    """
    pairs = [f"{first}{BIGRAM_ARROW}{second}" for first, second in pairwise(names)]
    return [*names, *pairs]


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
    return _embed(encode_sequences(events))


def _embed(sequences: Sequences) -> tuple[csr_array, tuple[str, ...], TfidfVectorizer]:
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - 0.95 s, only this needs it

    names = np.array(sequences.vocabulary, dtype=object)[sequences.codes]
    bounds = np.flatnonzero(np.diff(sequences.users)) + 1
    documents = [each.tolist() for each in np.split(names, bounds)]
    vectorizer = TfidfVectorizer(analyzer=event_ngrams)
    return csr_array(vectorizer.fit_transform(documents)), sequences.user_ids, vectorizer


def cluster_event_sequences(
    events: pl.DataFrame,
    n_clusters: int | Literal["auto"] = "auto",
    *,
    completion: frozenset[str] | set[str] = frozenset(),
    drop: frozenset[str] | set[str] = frozenset(),
    unit: Unit = "user",
    clusterer: Any = None,  # noqa: ANN401 - any scikit-learn clusterer
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
        Ignored where a clusterer is passed in.
    completion, drop : set of str
        Where known, journeys are cut as the simulation will cut them.
    unit : {"user", "session"}
    clusterer : scikit-learn clusterer, optional
        Something with ``fit_predict``; it gets the embeddings of ``encode_event_sequences``.
        Without it, a mixture of first-order Markov chains is fitted.
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
        If there are fewer users than clusters, or the clusterer labels no user.
    """
    sequences = encode_sequences(events)
    counts = count_transitions(cut_journeys(sequences, unit=unit, completion=completion, drop=drop))
    if clusterer is None:
        return find_personas(
            counts, n_clusters, prior=prior, random_state=random_state, on_progress=on_progress
        )
    labels = _labels_of(clusterer, sequences)
    memberships = np.equal.outer(labels, np.unique(labels)).astype(float)
    rows = np.zeros((len(counts.multiplicity), memberships.shape[1]))
    np.add.at(rows, counts.row_of_user, memberships)
    return SegmentationResult(
        user_ids=sequences.user_ids,
        names=name_personas(counts, rows),
        memberships=memberships,
        fitted_memberships=memberships,
        mixture=None,
        selection=None,
    )


def _labels_of(clusterer: Any, sequences: Sequences) -> AnyArray:  # noqa: ANN401 - any scikit-learn clusterer
    from sklearn.utils import get_tags  # noqa: PLC0415 - 0.95 s, only alternatives need it

    embeddings = _embed(sequences)[0]
    if not get_tags(clusterer).input_tags.sparse:
        if np.prod(embeddings.shape) * 8 > _DENSE_BYTES:
            raise ModelingError(
                f"{type(clusterer).__name__} needs a dense table of {embeddings.shape[0]} users by "
                f"{embeddings.shape[1]} terms, which is over 1 GB.",
                hint="Use a clusterer that takes sparse input, such as KMeans, or the mixture.",
            )
        dense: AnyArray = embeddings.toarray()
        return _checked_labels(clusterer, dense, sequences.n_users)
    return _checked_labels(clusterer, embeddings, sequences.n_users)


def _checked_labels(
    clusterer: Any,  # noqa: ANN401 - any scikit-learn clusterer
    embeddings: csr_array | AnyArray,
    n_users: int,
) -> AnyArray:
    labels: AnyArray = np.asarray(clusterer.fit_predict(embeddings))
    if labels.shape != (n_users,):
        raise ModelingError(f"{type(clusterer).__name__} gave {labels.shape} labels for {n_users} users.")
    return labels


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
