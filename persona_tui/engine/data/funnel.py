"""The funnel of a log: found where it is not given, and counted by one definition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.types import BoolArray, FloatArray, IntArray, Unit

DROP_PATTERN = re.compile(r"^(drop_?off|abandon(ed)?|friction_drop)$", re.IGNORECASE)
COMPLETION_PATTERN = re.compile(
    r"(^|[^a-z])(complete[d]?|completion|purchase[d]?|order(ed)?|confirm(ed|ation)?|paid|success|subscribe[d]?"
    r"|activated|converted|accept(ed)?|thank_?you)($|[^a-z])",
    re.IGNORECASE,
)
MAX_STEPS = 7
_ON_PATH = 0.8
_MIN_REACH = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStep:
    """How many units reach one step.

    Parameters
    ----------
    step : str
    reached : int
        Units with the event at least once, in any order.
    rate : float
        Of all units.
    rate_of_previous : float
        Units that reach it, as a share of those that reach the step before; 1 at the first.
    reached_in_order : int
        Units with the event after all steps before it, in their order.
    rate_in_order : float
        Of all units.
    """

    step: str
    reached: int
    rate: float
    rate_of_previous: float
    reached_in_order: int
    rate_in_order: float


def count_funnel(sequences: Sequences, steps: Sequence[str], unit: Unit = "user") -> tuple[FunnelStep, ...]:
    """Count the units that reach each step.

    Parameters
    ----------
    sequences : Sequences
    steps : sequence of str
    unit : {"user", "session"}

    Raises
    ------
    UnknownNameError
        If a step is not in the log.
    DataError
        If there is no step, or a step is named twice.

    Notes
    -----
    In order means at a later place of the log: of two events at the same time, the one in the later row.
    """
    order = _unit_order(sequences, unit)
    units = _units(sequences, unit)[order]
    places = reached_in_order(sequences, steps, unit)
    n_units = len(places)
    counted: list[FunnelStep] = []
    for position, step in enumerate(steps):
        shown = units[sequences.codes[order] == sequences.vocabulary.index(step)]
        reached, in_order = int(np.unique(shown).size), int((places[:, position] >= 0).sum())
        before = counted[-1].reached if counted else reached
        counted.append(
            FunnelStep(
                step=step,
                reached=reached,
                rate=reached / n_units,
                rate_of_previous=reached / before,
                reached_in_order=in_order,
                rate_in_order=in_order / n_units,
            )
        )
    return tuple(counted)


def _units(sequences: Sequences, unit: Unit) -> IntArray:
    return sequences.sessions if unit == "session" else sequences.users.astype(np.int64)


def _unit_order(sequences: Sequences, unit: Unit) -> IntArray:
    return np.argsort(_units(sequences, unit), kind="stable")


def reached_in_order(sequences: Sequences, steps: Sequence[str], unit: Unit = "user") -> IntArray:
    """Return where each unit reaches each step after all steps before it.

    Parameters
    ----------
    sequences : Sequences
    steps : sequence of str, length m
    unit : {"user", "session"}

    Returns
    -------
    int64 array of shape (n_units, m)
        Position of the event among those of ``sequences`` grouped by unit; -1 where it is not reached.

    Raises
    ------
    UnknownNameError
        If a step is not in the log.
    DataError
        If there is no step, or a step is named twice.
    """
    _check_steps(sequences, steps)
    order = _unit_order(sequences, unit)
    codes, units = sequences.codes[order], _units(sequences, unit)[order]
    n_units = int(units[-1]) + 1
    place = np.full(n_units, -1, dtype=np.int64)
    alive = np.ones(n_units, dtype=bool)
    places = []
    for step in steps:
        positions = np.flatnonzero(codes == sequences.vocabulary.index(step))
        place, alive = _next_place(positions, units, place, alive)
        places.append(np.where(alive, place, -1))
    return np.stack(places, axis=1)


def _check_steps(sequences: Sequences, steps: Sequence[str]) -> None:
    if not steps:
        raise DataError("The funnel has no step.", hint="Name at least one event.")
    for position, step in enumerate(steps):
        if step not in sequences.vocabulary:
            raise unknown_name("event", step, sequences.vocabulary)
        if step in steps[:position]:
            raise DataError(f"The funnel names '{step}' twice.")


def _next_place(
    positions: IntArray, units: IntArray, place: IntArray, alive: BoolArray
) -> tuple[IntArray, BoolArray]:
    """Return where each unit first shows the event after its last step, and which units do."""
    begins = np.searchsorted(units, np.arange(len(place)))
    after = np.maximum(place + 1, begins)
    found = np.searchsorted(positions, after)
    inside = alive & (found < len(positions))
    spot = np.where(inside, np.append(positions, 0)[np.minimum(found, len(positions))], 0)
    alive = inside & (units[spot] == np.arange(len(place)))
    return np.where(alive, spot, place), alive


def detect_drop_events(vocabulary: Sequence[str]) -> tuple[str, ...]:
    """Return the events whose names say that the user gave up."""
    return tuple(name for name in vocabulary if DROP_PATTERN.match(name))


def detect_funnel(sequences: Sequences, completion: str | None = None) -> tuple[str, ...]:
    """Return the steps that lead from the commonest first event to completion.

    Parameters
    ----------
    sequences : Sequences
    completion : str, optional
        The last step, where it is known.

    Returns
    -------
    tuple of str
        At most seven: those that at least 80 % of converting users pass between start and
        completion, in the order of their typical place.

    Raises
    ------
    DataError
        If no event looks like a completion.
    """
    first, last = _first_places(sequences)
    reached = np.isfinite(first)
    reach = reached.mean(axis=0)
    start = int(np.bincount(sequences.codes[np.flatnonzero(np.diff(sequences.users, prepend=-1))]).argmax())
    goal = _guess_completion(sequences, reach, last) if completion is None else _index(sequences, completion)
    if goal == start:
        return (sequences.vocabulary[goal],)
    converting = reached[:, goal] & (first[:, start] < first[:, goal])
    if not converting.any():
        return (sequences.vocabulary[goal],)
    places = first[converting]
    with np.errstate(invalid="ignore"):
        on_path = ((places > places[:, [start]]) & (places < places[:, [goal]])).mean(axis=0)
    drops = np.array([bool(DROP_PATTERN.match(name)) for name in sequences.vocabulary])
    middle = np.flatnonzero((on_path >= _ON_PATH) & ~drops)
    middle = middle[np.argsort(-on_path[middle], kind="stable")][: MAX_STEPS - 2]
    typical = [float(np.mean(np.where(np.isfinite(places[:, e]), places[:, e], 0.0))) for e in middle]
    steps = [start, *middle[np.argsort(typical, kind="stable")].tolist(), goal]
    return tuple(sequences.vocabulary[step] for step in steps)


def _index(sequences: Sequences, event: str) -> int:
    if event not in sequences.vocabulary:
        raise unknown_name("event", event, sequences.vocabulary)
    return sequences.vocabulary.index(event)


def _first_places(sequences: Sequences) -> tuple[FloatArray, FloatArray]:
    """Return where each user first shows each event (never: infinity), and how often each is last."""
    n_users, n_events = sequences.n_users, len(sequences.vocabulary)
    begins = np.flatnonzero(np.diff(sequences.users, prepend=-1))
    place = np.arange(len(sequences.codes)) - begins[sequences.users]
    keys = sequences.users.astype(np.int64) * n_events + sequences.codes
    cells, index = np.unique(keys, return_index=True)
    first = np.full(n_users * n_events, np.inf)
    first[cells] = place[index]
    ends = np.append(begins[1:], len(sequences.codes)) - 1
    return first.reshape(n_users, n_events), np.bincount(sequences.codes[ends], minlength=n_events) / n_users


def _guess_completion(sequences: Sequences, reach: FloatArray, last: FloatArray) -> int:
    names = sequences.vocabulary
    likely = [
        position
        for position, name in enumerate(names)
        if COMPLETION_PATTERN.search(name) and not DROP_PATTERN.match(name) and reach[position] >= _MIN_REACH
    ]
    if not likely:
        shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        raise DataError(
            f"No event looks like a completion. Events: {shown}.",
            hint="Name it: --completion EVENT, or --funnel FIRST,…,LAST",
        )
    return max(likely, key=lambda position: (last[position] / reach[position], -reach[position]))
