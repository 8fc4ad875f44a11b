"""How often each event follows each other event within a session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.unit_events import events_by_unit, within_units
from persona_tui.engine.errors import DataError
from persona_tui.engine.types import IntArray

MAX_TABLE: Final = 2_000
"""Event types; the table of more takes over 32 MB, nearly all of it zeros."""


def count_moves(sequences: Sequences) -> IntArray:
    """Return how often each event follows each other, within sessions.

    Parameters
    ----------
    sequences : Sequences
        Of at most ``MAX_TABLE`` event types; counts of parts of a log add up to those of the log.

    Returns
    -------
    array of shape (V, V)
        Rows are sources, columns are targets, in the order of the vocabulary.

    Raises
    ------
    DataError
        If there are more event types.

    Notes
    -----
    O(N + V²).

    Examples
    --------
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u",), codes=np.array([0, 1, 1, 0], np.int32),
    ...     users=np.zeros(4, np.int32), sessions=np.array([0, 0, 0, 1]), times=np.arange(4))
    >>> count_moves(log)
    array([[0, 1],
           [0, 1]])
    """
    size = len(sequences.vocabulary)
    if size > MAX_TABLE:
        raise DataError(
            f"A table of moves between {size:,} event types is too large; the most is {MAX_TABLE:,}.",
            hint="Count the pairs that occur (count_move_pairs), or fold rare events into one.",
        )
    events = events_by_unit(sequences, "session")
    pairs = np.multiply(events.codes[:-1], size, dtype=np.int64)
    pairs += events.codes[1:]
    between_sessions = pairs[events.begins[1:] - 1]
    counts = np.bincount(pairs, minlength=size**2) - np.bincount(between_sessions, minlength=size**2)
    return counts.reshape(size, size)


def count_move_pairs(sequences: Sequences) -> pl.DataFrame:
    """Return the moves that occur within sessions, for any number of event types.

    Returns
    -------
    DataFrame
        ``source`` and ``target`` (Enum), ``n_moves``; in the order of the vocabulary.

    Notes
    -----
    O(N log N).
    """
    events = events_by_unit(sequences, "session")
    size, within = len(sequences.vocabulary), within_units(events)[1:]
    pairs = np.multiply(events.codes[:-1], size, dtype=np.int64) + events.codes[1:]
    found, counts = np.unique(pairs[within], return_counts=True)
    names = pl.Enum(sequences.vocabulary)
    return pl.DataFrame(
        {
            "source": pl.Series((found // size).astype(np.uint32)).cat.to(names),
            "target": pl.Series((found % size).astype(np.uint32)).cat.to(names),
            "n_moves": counts,
        }
    )


def join_move_pairs(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the moves of a log, given those of its parts as ``count_move_pairs`` returns them."""
    joined = pl.concat(parts).group_by("source", "target").agg(pl.col("n_moves").sum())
    return joined.sort("source", "target")
