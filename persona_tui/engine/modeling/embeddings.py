"""Users as weighted counts of their events and moves, for clusterers that need a table."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.types import IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import TfidfVectorizer

BIGRAM_ARROW = " → "


def event_ngrams(names: list[str]) -> list[str]:
    """Return the events of a journey and the moves between them; names stay whole.

    Examples
    --------
    >>> event_ngrams(["landing", "Add to Cart"])
    ['landing', 'Add to Cart', 'landing → Add to Cart']
    """
    pairs = [f"{first}{BIGRAM_ARROW}{second}" for first, second in pairwise(names)]
    return [*names, *pairs]


def embed(sequences: Sequences) -> tuple[csr_array, TfidfVectorizer]:
    """Return weighted terms of every user, rows of length one, and what weighed them.

    Parameters
    ----------
    sequences : Sequences

    Returns
    -------
    embeddings : sparse array of shape (U, n_terms)
    vectorizer : TfidfVectorizer
    """
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - 0.95 s, only this needs it

    vectorizer = TfidfVectorizer(analyzer=event_ngrams)
    return csr_array(vectorizer.fit_transform(_documents(sequences))), vectorizer


def count_terms(sequences: Sequences) -> csr_array:
    """Return how often every user has each term, shape (U, n_terms)."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415 - 0.95 s, as above

    return csr_array(CountVectorizer(analyzer=event_ngrams).fit_transform(_documents(sequences)))


def weigh_terms(terms: csr_array, rows: IntArray) -> csr_array:
    """Return counts of terms weighted as ``embed`` does, by how rare they are among some of the rows.

    Parameters
    ----------
    terms : sparse array of shape (U, n_terms)
    rows : int64 array
        The users that the weights are learned from, some perhaps more than once.

    Returns
    -------
    sparse array of shape (U, n_terms)
        Rows of length one.
    """
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s
    from sklearn.feature_extraction.text import TfidfTransformer  # noqa: PLC0415 - 0.95 s, as above

    return csr_array(TfidfTransformer().fit(terms[rows]).transform(terms))


def _documents(sequences: Sequences) -> list[list[str]]:
    names = np.array(sequences.vocabulary, dtype=object)[sequences.codes]
    bounds = np.flatnonzero(np.diff(sequences.users)) + 1
    return [each.tolist() for each in np.split(names, bounds)]
