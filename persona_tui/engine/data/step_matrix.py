"""Which share of units is at each event type at the first, second, … step of their journeys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.unit_events import events_by_unit
from persona_tui.engine.errors import DataError
from persona_tui.engine.types import FloatArray, IntArray, Unit

ENDED: Final = "ENDED"
"""The last row: units whose journey is over; an event type of that name has a row of its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepMatrix:
    """How many units are at each event type at each step.

    Parameters
    ----------
    vocabulary : tuple of str, length V
    counts : int64 array of shape (n_steps, V + 1)
        Units by the event type at their first, second, … event; the last column counts those that
        have ended. Each row sums to ``n_units``.
    n_units : int
    """

    vocabulary: tuple[str, ...]
    counts: IntArray
    n_units: int

    def __post_init__(self) -> None:
        self.counts.setflags(write=False)

    def shares(self) -> FloatArray:
        """Return the counts as shares of all units, shape (n_steps, V + 1); rows sum to one."""
        return self.counts / self.n_units

    def table(self) -> pl.DataFrame:
        """Return one row an event type, the commonest first and ``ENDED`` last.

        Returns
        -------
        DataFrame
            ``event_type``, then the share of units at step ``1``, ``2``, …
        """
        shares = self.shares().T
        order = [*np.argsort(-self.counts[:, :-1].sum(axis=0), kind="stable"), len(self.vocabulary)]
        names = (*self.vocabulary, ENDED)
        columns = {str(step): column[order] for step, column in enumerate(shares.T, start=1)}
        return pl.DataFrame({"event_type": [names[place] for place in order], **columns})


def count_steps(sequences: Sequences, n_steps: int = 20, unit: Unit = "user") -> StepMatrix:
    """Count the units at each event type at each of their first steps.

    Parameters
    ----------
    sequences : Sequences
    n_steps : int
        At least 1.
    unit : {"user", "session"}

    Raises
    ------
    DataError
        If ``n_steps`` is below 1.

    Notes
    -----
    O(N + n_steps (V + units)).

    Examples
    --------
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u", "v"), codes=np.array([0, 1, 0], np.int32),
    ...     users=np.array([0, 0, 1], np.int32), sessions=np.array([0, 0, 1]), times=np.arange(3))
    >>> count_steps(log, 2).shares()
    array([[1. , 0. , 0. ],
           [0. , 0.5, 0.5]])
    """
    if n_steps < 1:
        raise DataError(f"n_steps == {n_steps}, must be >= 1.")
    events, width = events_by_unit(sequences, unit), len(sequences.vocabulary)
    counts = np.zeros((n_steps, width + 1), dtype=np.int64)
    for step in range(n_steps):
        there = events.begins[events.lengths > step] + step
        counts[step, :width] = np.bincount(events.codes[there], minlength=width)
        counts[step, width] = events.n_units - len(there)
    return StepMatrix(vocabulary=sequences.vocabulary, counts=counts, n_units=events.n_units)


def join_step_matrices(parts: Iterable[StepMatrix]) -> StepMatrix:
    """Return the step matrix of a log, given those of its parts, with as many steps."""
    parts = list(parts)
    return StepMatrix(
        vocabulary=parts[0].vocabulary,
        counts=np.sum([part.counts for part in parts], axis=0),
        n_units=sum(part.n_units for part in parts),
    )
