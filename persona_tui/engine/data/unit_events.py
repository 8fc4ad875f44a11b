"""The events of a log unit by unit: each user's, or each session's, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl
from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was found about a log: it serves several features, and goes with the log."""

    events: dict[Unit, UnitEvents] = field(default_factory=dict)
    sets: dict[Unit, NDArray[np.uint64]] = field(default_factory=dict)


_KEPT: Final[WeakKeyDictionary[Sequences, _Kept]] = WeakKeyDictionary()


def events_by_unit(sequences: Sequences, unit: Unit) -> UnitEvents:
    """Return the events of a log unit by unit.

    Parameters
    ----------
    sequences : Sequences
    unit : {"user", "session"}
        Units are numbered as the log numbers its users, or sessions.

    Notes
    -----
    O(N), once a log where its events stand unit by unit; one stable sort more where sessions stand between
    each other.

    Examples
    --------
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u",), codes=np.array([0, 1, 1], np.int32),
    ...     users=np.zeros(3, np.int32), sessions=np.array([0, 1, 0]), times=np.arange(3))
    >>> found = events_by_unit(log, "session")
    >>> found.offsets, found.rows
    (array([0, 2, 3]), array([0, 2, 1]))
    """
    kept = _KEPT.setdefault(sequences, _Kept())
    if unit not in kept.events:
        found = _events_by_unit(sequences, unit)
        if found.rows is not None:
            return found
        kept.events[unit] = found
    return kept.events[unit]


def _events_by_unit(sequences: Sequences, unit: Unit) -> UnitEvents:
    numbers = sequences.users if unit == "user" else sequences.sessions
    changes = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
    if (numbers[changes] > numbers[changes - 1]).all():
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


def count_distinct(sequences: Sequences, unit: Unit) -> IntArray:
    """Return how many different event types each unit has, shape (n_units,).

    Notes
    -----
    Up to 64 event types are the bits of one number a unit, O(N); more are sorted, O(N log N).
    """
    width = len(sequences.vocabulary)
    if width <= _BITS:
        return np.bitwise_count(_event_sets(sequences, unit)).astype(np.int64)
    events = events_by_unit(sequences, unit)
    keys = np.sort(np.multiply(events.units, width, dtype=np.int64) + events.codes)
    return np.bincount(keys[np.append(True, keys[1:] != keys[:-1])] // width, minlength=events.n_units)


def _event_sets(sequences: Sequences, unit: Unit) -> NDArray[np.uint64]:
    """Return the event types of each unit as bits, shape (n_units,); users have those of their sessions."""
    kept = _KEPT.setdefault(sequences, _Kept())
    if unit in kept.sets:
        return kept.sets[unit]
    events = events_by_unit(sequences, "session")
    if unit == "user" and events.rows is None:
        users = first_of_each(sequences.users[events.begins])
        held = np.bitwise_or.reduceat(_event_sets(sequences, "session"), np.flatnonzero(users))
    else:
        events = events_by_unit(sequences, unit)
        bits = np.left_shift(np.uint64(1), np.arange(_BITS, dtype=np.uint64))
        held = np.bitwise_or.reduceat(bits.take(events.codes, mode="clip"), events.begins)
    kept.sets[unit] = held
    return held


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
