"""The events of a log unit by unit: each user's, or each session's, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.types import BoolArray, CodeArray, IntArray, Unit

_BITS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitEvents:
    """Events of units, a unit's events together and in time order.

    Parameters
    ----------
    codes : int32 array of shape (N,)
    times : int64 array of shape (N,)
        Microseconds since 1970, UTC.
    units : int32 or int64 array of shape (N,)
        Ascending.
    offsets : int64 array of shape (n_units + 1,)
        Where each unit begins; the last is N.
    rows : int64 array of shape (N,), optional
        Row of the log of each event; None where the events stand as in the log.
    """

    codes: CodeArray
    times: IntArray
    units: CodeArray | IntArray
    offsets: IntArray
    rows: IntArray | None

    @property
    def n_units(self) -> int:
        """Return the number of units."""
        return len(self.offsets) - 1

    @property
    def begins(self) -> IntArray:
        """Return where each unit begins, shape (n_units,)."""
        return self.offsets[:-1]

    @property
    def lengths(self) -> IntArray:
        """Return the number of events of each unit, shape (n_units,)."""
        return np.diff(self.offsets)

    def log_rows(self, places: IntArray) -> IntArray:
        """Return the rows of the log of some events."""
        return places if self.rows is None else self.rows[places]


def events_by_unit(sequences: Sequences, unit: Unit) -> UnitEvents:
    """Return the events of a log unit by unit.

    Parameters
    ----------
    sequences : Sequences
    unit : {"user", "session"}
        Units are numbered as the log numbers its users, or sessions.

    Notes
    -----
    O(N); one stable sort more where sessions stand between each other.

    Examples
    --------
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u",), codes=np.array([0, 1, 1], np.int32),
    ...     users=np.zeros(3, np.int32), sessions=np.array([0, 1, 0]), times=np.arange(3))
    >>> found = events_by_unit(log, "session")
    >>> found.offsets, found.rows
    (array([0, 2, 3]), array([0, 2, 1]))
    """
    numbers = sequences.users if unit == "user" else sequences.sessions
    ascends = numbers[1:] >= numbers[:-1]
    if ascends.all():
        changes = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
        return UnitEvents(
            codes=sequences.codes,
            times=sequences.times,
            units=numbers,
            offsets=np.concatenate(([0], changes, [len(numbers)])),
            rows=None,
        )
    rows = np.argsort(numbers, kind="stable")
    return UnitEvents(
        codes=sequences.codes[rows],
        times=sequences.times[rows],
        units=numbers[rows],
        offsets=np.append(0, np.cumsum(np.bincount(numbers))),
        rows=rows,
    )


def count_distinct(events: UnitEvents, n_codes: int) -> IntArray:
    """Return how many different codes each unit has, shape (n_units,).

    Notes
    -----
    Up to 64 codes are the bits of one number a unit, O(N); more are sorted, O(N log N).
    """
    if n_codes <= _BITS:
        bits = np.left_shift(np.uint64(1), np.arange(n_codes, dtype=np.uint64))
        held = np.bitwise_or.reduceat(bits.take(events.codes, mode="clip"), events.begins)
        return np.bitwise_count(held).astype(np.int64)
    keys = np.sort(np.multiply(events.units, n_codes, dtype=np.int64) + events.codes)
    return np.bincount(keys[np.append(True, keys[1:] != keys[:-1])] // n_codes, minlength=events.n_units)


def within_units(events: UnitEvents) -> BoolArray:
    """Return which events follow another of the same unit, shape (N,)."""
    within = np.ones(len(events.codes), dtype=bool)
    within[events.begins] = False
    return within


def first_of_each(units: CodeArray | IntArray) -> BoolArray:
    """Return which of some units in ascending order differ from the one before."""
    first = np.ones(len(units), dtype=bool)
    np.not_equal(units[1:], units[:-1], out=first[1:])
    return first


def first_places(known: BoolArray, units: CodeArray | IntArray, n_units: int) -> pl.Series:
    """Return the first place of each unit that is marked, shape (n_units,); null where none is.

    Parameters
    ----------
    known : bool array of shape (N,)
        Which places are marked.
    units : int array of shape (N,)
        Ascending.
    n_units : int
    """
    places = np.flatnonzero(known)
    marked = units[places]
    firsts = first_of_each(marked)
    found = np.full(n_units, len(known))
    found[marked[firsts]] = places[firsts]
    return pl.Series(found).set(pl.Series(found == len(known)), None)


def as_times(microseconds: IntArray) -> pl.Series:
    """Return microseconds since 1970 as times, UTC."""
    return pl.Series(microseconds).cast(pl.Datetime("us", "UTC"))
