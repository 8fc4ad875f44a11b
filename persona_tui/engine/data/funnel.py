"""The funnel of a log: found where it is not given, and counted by one definition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
    return _funnel_steps(steps, _count_steps(sequences, steps, unit, weights))


def count_funnel_of_parts(
    parts: Iterable[Sequences], steps: Sequence[str], unit: Unit = "user"
) -> tuple[FunnelStep, ...]:
    """Count as ``count_funnel`` does in a log in parts, one of them in memory at a time.

    Parameters
    ----------
    parts : iterable of Sequences
        Of one vocabulary; no user in two of them.
    steps : sequence of str
    unit : {"user", "session"}

    Raises
    ------
    UnknownNameError, DataError
        As ``count_funnel``.
    """
    counts = [_count_steps(part, steps, unit, None) for part in parts]
    return _funnel_steps(steps, np.sum(counts, axis=0))


def _count_steps(
    sequences: Sequences, steps: Sequence[str], unit: Unit, weights: FloatArray | None
) -> FloatArray:
    """Return the units that reach each step, those that do in order, and all; shape (n_steps, 3)."""
    events = events_by_unit(sequences, unit)
    codes = step_codes(sequences, steps)
    shown = [np.flatnonzero(events.codes == code) for code in codes]
    places = _places_in_order(events, shown)
    parts = np.ones(events.n_units)
    if weights is not None:
        parts = weights[sequences.users[events.log_rows(events.begins)]]
    units = [events.units[each] for each in shown]
    reached = [parts[each[first_of_each(each)]].sum() for each in units]
    in_order = [parts[place < len(events.codes)].sum() for place in places]
    return np.column_stack((reached, in_order, np.full(len(steps), parts.sum())))


def _funnel_steps(steps: Sequence[str], counts: FloatArray) -> tuple[FunnelStep, ...]:
    counted: list[FunnelStep] = []
    before = None
    for step, (reached, in_order, n_units) in zip(steps, counts.tolist(), strict=True):
        before = reached if before is None else before
        counted.append(
            FunnelStep(
                step=step,
                reached=round(reached),
                rate=reached / n_units,
                rate_of_previous=reached / before if before else 0.0,
                reached_in_order=round(in_order),
                rate_in_order=in_order / n_units,
            )
        )
        before = reached
    return tuple(counted)


def shares_of_step_before(steps: Sequence[FunnelStep]) -> tuple[float, ...]:
    """Return which share of the units at the step before, in order, goes on to each step; 1 at the first.

    Unlike ``rate_of_previous``, which is of units that reach steps in any order, it is never above 1; it is 0
    where nobody reaches the step before.

    Examples
    --------
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u", "v"), codes=np.array([0, 1, 1], np.int32),
    ...     users=np.array([0, 0, 1], np.int32), sessions=np.array([0, 0, 1]), times=np.arange(3))
    >>> steps = count_funnel(log, ["a", "b"])
    >>> [each.rate_of_previous for each in steps], shares_of_step_before(steps)
    ([1.0, 2.0], (1.0, 1.0))
    """
    reached = [each.reached_in_order for each in steps]
    return tuple(n / m if m else 0.0 for n, m in zip(reached, (reached[0], *reached), strict=False))


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
    return detect_funnel_of_parts([sequences], completion)


def detect_funnel_of_parts(parts: Iterable[Sequences], completion: str | None = None) -> tuple[str, ...]:
    """Return what ``detect_funnel`` does of a log in parts, one of them in memory at a time.

    Parameters
    ----------
    parts : iterable of Sequences
        Of one vocabulary; no user in two of them. Gone through twice.
    completion : str, optional

    Raises
    ------
    DataError
        If no event looks like a completion.
    """
    vocabulary: tuple[str, ...] = ()
    n_users = 0
    counts: list[IntArray] = []
    for part in parts:
        vocabulary, n_users = part.vocabulary, n_users + part.n_users
        begins = np.flatnonzero(np.diff(part.users, prepend=-1))
        ends = np.append(begins[1:], len(part.codes)) - 1
        first, last = (np.bincount(part.codes[at], minlength=len(vocabulary)) for at in (begins, ends))
        counts.append(np.stack((first, last, np.isfinite(_first_places(part)).sum(axis=0))))
    begun, ended, reached = np.sum(counts, axis=0)
    start = int(np.argmax(begun))
    if completion is None:
        goal = _guess_completion(vocabulary, reached / n_users, ended / n_users)
    else:
        goal = _index(vocabulary, completion)
    if goal == start or (middle := _middle(parts, start, goal)) is None:
        return (vocabulary[goal],)
    return tuple(vocabulary[step] for step in (start, *middle, goal))


def _middle(parts: Iterable[Sequences], start: int, goal: int) -> list[int] | None:
    """Return the steps between two events in the order of their typical place; None where nobody converts."""
    n_converting, names = 0, tuple[str, ...]()
    passed: list[IntArray] = []
    places: list[FloatArray] = []
    for part in parts:
        names = part.vocabulary
        first = _first_places(part)
        first = first[np.isfinite(first[:, goal]) & (first[:, start] < first[:, goal])]
        n_converting += len(first)
        passed.append(((first > first[:, [start]]) & (first < first[:, [goal]])).sum(axis=0))
        places.append(np.where(np.isfinite(first), first, 0.0).sum(axis=0))
    if not n_converting:
        return None
    on_path, typical = (np.sum(each, axis=0) / n_converting for each in (passed, places))
    drops = np.array([bool(DROP_PATTERN.match(name)) for name in names])
    middle = np.flatnonzero((on_path >= _ON_PATH) & ~drops)
    middle = middle[np.argsort(-on_path[middle], kind="stable")][: MAX_STEPS - 2]
    ordered: list[int] = middle[np.argsort(typical[middle], kind="stable")].tolist()
    return ordered


def _index(vocabulary: tuple[str, ...], event: str) -> int:
    if event not in vocabulary:
        raise unknown_name("event", event, vocabulary)
    return vocabulary.index(event)


def _first_places(sequences: Sequences) -> FloatArray:
    """Return where each user first shows each event; infinity where never."""
    n_users, n_events = sequences.n_users, len(sequences.vocabulary)
    begins = np.flatnonzero(np.diff(sequences.users, prepend=-1))
    place = np.arange(len(sequences.codes)) - begins[sequences.users]
    keys = sequences.users.astype(np.int64) * n_events + sequences.codes
    cells, index = np.unique(keys, return_index=True)
    first = np.full(n_users * n_events, np.inf)
    first[cells] = place[index]
    return first.reshape(n_users, n_events)


def _guess_completion(names: tuple[str, ...], reach: FloatArray, last: FloatArray) -> int:
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
