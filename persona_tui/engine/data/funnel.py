"""The funnel of a log: found where it is not given, and counted by one definition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.unit_events import UnitEvents, events_by_unit, first_of_each
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.types import FloatArray, IntArray, Unit

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
        Units with the event at least once, in any order; where users count in parts, to whole units.
    rate : float
        Of all units.
    rate_of_previous : float
        Units that reach it, as a share of those that reach the step before; 1 at the
        first, 0 where nobody does.
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


def count_funnel(
    sequences: Sequences, steps: Sequence[str], unit: Unit = "user", weights: FloatArray | None = None
) -> tuple[FunnelStep, ...]:
    """Count the units that reach each step.

    Parameters
    ----------
    sequences : Sequences
    steps : sequence of str
    unit : {"user", "session"}
    weights : array of shape (U,), optional
        What part of each user counts; all of each where left out.

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
    events = events_by_unit(sequences, unit)
    codes = step_codes(sequences, steps)
    shown = [np.flatnonzero(events.codes == code) for code in codes]
    places = _places_in_order(events, shown)
    parts = np.ones(events.n_units)
    if weights is not None:
        parts = weights[sequences.users[events.log_rows(events.begins)]]
    n_units = parts.sum()
    counted: list[FunnelStep] = []
    before = None
    for position, step in enumerate(steps):
        units = events.units[shown[position]]
        reached = float(parts[units[first_of_each(units)]].sum())
        in_order = float(parts[places[position] < len(events.codes)].sum())
        before = reached if before is None else before
        counted.append(
            FunnelStep(
                step=step,
                reached=round(reached),
                rate=float(reached / n_units),
                rate_of_previous=reached / before if before else 0.0,
                reached_in_order=round(in_order),
                rate_in_order=float(in_order / n_units),
            )
        )
        before = reached
    return tuple(counted)


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
    events = events_by_unit(sequences, unit)
    shown = [np.flatnonzero(events.codes == code) for code in step_codes(sequences, steps)]
    places = np.stack(_places_in_order(events, shown), axis=1)
    return np.where(places < len(events.codes), places, -1)


def _places_in_order(events: UnitEvents, steps: Sequence[IntArray]) -> list[IntArray]:
    """Return for each step the first event of each unit after that of the step before; N where none is.

    ``steps`` are the places of the events of each step.
    """
    place, places = np.full(events.n_units, -1), []
    for shown in steps:
        units = events.units[shown]
        after = np.flatnonzero(shown > place[units])
        units = units[after]
        firsts = first_of_each(units)
        place = np.full(events.n_units, len(events.codes))
        place[units[firsts]] = shown[after[firsts]]
        places.append(place)
    return places


def step_codes(sequences: Sequences, steps: Sequence[str]) -> list[int]:
    """Return the codes of the steps of a funnel.

    Raises
    ------
    UnknownNameError
        If a step is not in the log.
    DataError
        If there is no step, or a step is named twice.
    """
    if not steps:
        raise DataError("The funnel has no step.", hint="Name at least one event.")
    for position, step in enumerate(steps):
        if step not in sequences.vocabulary:
            raise unknown_name("event", step, sequences.vocabulary)
        if step in steps[:position]:
            raise DataError(f"The funnel names '{step}' twice.")
    return [sequences.vocabulary.index(step) for step in steps]


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
