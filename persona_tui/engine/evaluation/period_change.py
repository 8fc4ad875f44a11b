"""What changed from one period of a log to another: for whom, and by mix or by behaviour."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
from scipy import sparse

from persona_tui.engine.data.funnel import reached_in_order, step_codes
from persona_tui.engine.data.sequences import Sequences, take_events
from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.change_split import rates_of_kinds, split_change
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.statistics import Interval, benjamini_hochberg, interval, two_sided_p_values
from persona_tui.engine.types import BoolArray, FloatArray, RandomState

N_DRAWS: Final = 400
LEAST_USERS: Final = 30
"""Active in a period, below which nothing is told of it."""
_USERS_AT_ONCE: Final = 2**14
_ACTIVE, _COMPLETED, _DROPPED, _SESSIONS, _EVENTS, _FIRST_STEP = range(6)


@dataclass(frozen=True, slots=True)
class Period:
    """A part of a log's time, from a moment on and before another; both have a zone."""

    begins: datetime
    ends: datetime

    def covers(self, sequences: Sequences) -> BoolArray:
        """Return which events are in it."""
        begins, ends = (int(each.timestamp() * 1e6) for each in (self.begins, self.ends))
        inside: BoolArray = (sequences.times >= begins) & (sequences.times < ends)
        return inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One number in both periods.

    Parameters
    ----------
    name : str
    scale : {"share", "number", "points"}
        A share of something, any number, or points of a difference.
    before, after : float or None
        None for a part of a change.
    value : float
        After minus before.
    interval : (float, float)
        95 %: users reweighted, each in both periods at once.
    """

    name: str
    scale: Literal["share", "number", "points"]
    before: float | None
    after: float | None
    value: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaChanged:
    """What changed about one persona: its share of the active users, and how many of these complete."""

    name: str
    share: Changed
    completion: Changed


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChanged:
    """The share of active users who show an event.

    Parameters
    ----------
    change : Changed
    false_discovery : float
        Least rate of false discoveries at which it counts as changed, among all events.
    """

    change: Changed
    false_discovery: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodChange:
    """What changed from one period to another.

    Parameters
    ----------
    n_before, n_after, n_both : int
        Users active in each period, and in both.
    metrics, funnel : tuple of Changed
    events : tuple of EventChanged
        The largest change first.
    personas : tuple of PersonaChanged
    mix, behaviour : Changed
        Parts of the change in completion that add up to it: that other users were active, and that users of
        the same personas did otherwise.
    """

    n_before: int
    n_after: int
    n_both: int
    metrics: tuple[Changed, ...]
    funnel: tuple[Changed, ...]
    events: tuple[EventChanged, ...]
    personas: tuple[PersonaChanged, ...]
    mix: Changed
    behaviour: Changed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Counted:
    """What users did in one period: columns of (U, M), who showed which event (U, V)."""

    columns: FloatArray
    events: sparse.csr_array


def compare_periods(
    sequences: Sequences,
    before: Period,
    after: Period,
    *,
    completion: Collection[str],
    drop: Collection[str],
    steps: Sequence[str],
    memberships: FloatArray,
    names: Sequence[str],
    n_draws: int = N_DRAWS,
    random_state: RandomState = None,
) -> PeriodChange:
    """Return what changed from one period of a log to another.

    Parameters
    ----------
    sequences : Sequences
        The whole log.
    before, after : Period
        They do not overlap.
    completion, drop : collection of str
        Events that complete, and events of giving up.
    steps : sequence of str
        Of the funnel.
    memberships : array of shape (U, K)
        Of each user in each persona; the same in both periods.
    names : sequence of str, length K
    n_draws : int
    random_state : int, SeedSequence, Generator or None

    Raises
    ------
    DataError
        If the periods overlap, or fewer than 30 users are active in one.
    UnknownNameError
        If a step is not in the log.

    Notes
    -----
    A user counts in every period with an event of the user, by what was done in it. Every draw weights users
    by Exponential(1), the same in both periods, which takes account of who was active in both. The change of
    completion, ``Σ s₂c₂ - Σ s₁c₁`` over personas, splits exactly as ``split_change`` does.
    O(N + n_draws · U · (M + K)), and the users' events for the vocabulary.

    References
    ----------
    Rubin (1981), The Bayesian bootstrap, *Annals of Statistics* 9.
    """
    if before.begins < after.ends and after.begins < before.ends:
        raise DataError("The periods overlap.", hint="Let one end where or before the other begins.")
    step_codes(sequences, steps)
    counted = [
        _count(
            sequences,
            each.covers(sequences),
            completion=completion,
            drop=drop,
            steps=steps,
            memberships=memberships,
        )
        for each in (before, after)
    ]
    active = [each.columns[:, _ACTIVE] > 0 for each in counted]
    _require_users(*active)
    sums, seen = _weighted_sums(counted, n_draws, stream(normalise_seed(random_state), Stream.PERIODS))
    first = _FIRST_STEP + len(steps)
    shares = [each[:, first : first + len(names)] / each[:, [_ACTIVE]] for each in sums]
    rates = [rates_of_kinds(*np.split(each[:, first:], [len(names)], axis=1)) for each in sums]
    mix, behaviour = split_change((shares[0], shares[1]), (rates[0], rates[1]))
    return PeriodChange(
        n_before=int(active[0].sum()),
        n_after=int(active[1].sum()),
        n_both=int((active[0] & active[1]).sum()),
        metrics=_metrics(sums),
        funnel=tuple(_ratio(step, "share", sums, place) for place, step in enumerate(steps, _FIRST_STEP)),
        events=_events(sequences.vocabulary, seen, sums),
        personas=_personas(names, shares, rates),
        mix=_part("other users were active", mix),
        behaviour=_part("users of the same personas did otherwise", behaviour),
    )


def _require_users(before: BoolArray, after: BoolArray) -> None:
    for name, users in (("before", before), ("after", after)):
        if users.sum() < LEAST_USERS:
            raise DataError(
                f"{int(users.sum())} users are active in the period {name}; {LEAST_USERS} are needed.",
                hint="Take longer periods, within those of the log (persona-tui inspect).",
            )


def _personas(
    names: Sequence[str], shares: Sequence[FloatArray], rates: Sequence[FloatArray]
) -> tuple[PersonaChanged, ...]:
    return tuple(
        PersonaChanged(
            name=name,
            share=_changed(name, "share", shares[0][:, place], shares[1][:, place]),
            completion=_changed(name, "share", rates[0][:, place], rates[1][:, place]),
        )
        for place, name in enumerate(names)
    )


def _count(
    sequences: Sequences,
    inside: BoolArray,
    *,
    completion: Collection[str],
    drop: Collection[str],
    steps: Sequence[str],
    memberships: FloatArray,
) -> _Counted:
    n, size, present = sequences.n_users, len(sequences.vocabulary), frozenset(sequences.vocabulary)
    rows = np.flatnonzero(inside)
    users, codes = sequences.users[rows], sequences.codes[rows]
    n_events = np.bincount(users, minlength=n)
    pairs = np.unique(users.astype(np.int64) * size + codes)
    cells = (np.ones(len(pairs)), (pairs // size, pairs % size))
    events = sparse.csr_array(cells, shape=(n, size))
    completed, dropped = (
        events[:, sequences.positions(present.intersection(each))].sum(axis=1) > 0
        for each in (completion, drop)
    )
    _, firsts = np.unique(sequences.sessions[rows], return_index=True)
    reached = np.zeros((n, len(steps)))
    if len(rows):
        part, present_users = take_events(sequences, rows)
        reached[present_users] = reached_in_order(part, steps) >= 0
    active, completes = (n_events > 0).astype(float), completed.astype(float)
    columns = [
        active,
        completes,
        dropped * (1 - completes),
        np.bincount(users[firsts], minlength=n),
        n_events,
    ]
    weighted = (memberships * each[:, None] for each in (active, completes))
    return _Counted(columns=np.column_stack([*columns, reached, *weighted]), events=events)


def _weighted_sums(
    counted: Sequence[_Counted], n_draws: int, generator: np.random.Generator
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return sums over users of the columns and of the events, a row a draw; the first row is unweighted."""
    n = len(counted[0].columns)
    sums = [np.zeros((n_draws + 1, each.columns.shape[1])) for each in counted]
    seen = [np.zeros((n_draws + 1, each.events.shape[1])) for each in counted]
    for begin in range(0, n, _USERS_AT_ONCE):
        some = slice(begin, min(begin + _USERS_AT_ONCE, n))
        weights = np.ones((n_draws + 1, some.stop - begin))
        generator.standard_exponential(out=weights[1:])
        for place, each in enumerate(counted):
            sums[place] += weights @ each.columns[some]
            seen[place] += weights @ each.events[some]
    return sums, seen


def _metrics(sums: Sequence[FloatArray]) -> tuple[Changed, ...]:
    dropping = [_ratio("users who drop off", "share", sums, _DROPPED)] if sums[0][0, _DROPPED] else []
    return (
        _ratio("users who complete", "share", sums, _COMPLETED),
        *dropping,
        _ratio("sessions per user", "number", sums, _SESSIONS),
        _ratio("events per user", "number", sums, _EVENTS),
    )


def _ratio(name: str, scale: Literal["share", "number"], sums: Sequence[FloatArray], place: int) -> Changed:
    return _changed(name, scale, *(each[:, place] / each[:, _ACTIVE] for each in sums))


def _changed(name: str, scale: Literal["share", "number"], before: FloatArray, after: FloatArray) -> Changed:
    change = after - before
    return Changed(
        name=name,
        scale=scale,
        before=float(before[0]),
        after=float(after[0]),
        value=float(change[0]),
        interval=interval(change[1:]),
    )


def _part(name: str, change: FloatArray) -> Changed:
    ends = interval(change[1:])
    return Changed(name=name, scale="points", before=None, after=None, value=float(change[0]), interval=ends)


def _events(
    vocabulary: Sequence[str], seen: Sequence[FloatArray], sums: Sequence[FloatArray]
) -> tuple[EventChanged, ...]:
    shares = [each / total[:, [_ACTIVE]] for each, total in zip(seen, sums, strict=True)]
    change = shares[1] - shares[0]
    spread = change[1:].std(axis=0)
    scores = np.divide(change[0], spread, out=np.zeros(len(vocabulary)), where=spread > 0)
    rates = benjamini_hochberg(two_sided_p_values(scores))
    found = [
        EventChanged(
            change=_changed(name, "share", shares[0][:, place], shares[1][:, place]),
            false_discovery=float(rates[place]),
        )
        for place, name in enumerate(vocabulary)
        if shares[0][0, place] or shares[1][0, place]
    ]
    return tuple(sorted(found, key=lambda each: (-abs(each.change.value), each.change.name)))
