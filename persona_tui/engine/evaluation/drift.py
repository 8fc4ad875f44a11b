"""Whether what users do has drifted from the log that personas were learned from, and what moved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from scipy import sparse

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.evaluation.change_split import rates_of_kinds, split_change
from persona_tui.engine.evaluation.drift_counts import LENGTHS, Counted, count_windows
from persona_tui.engine.evaluation.drift_rows import (
    AMBER_BELOW,
    RED_BELOW,
    UNKNOWN_SHARE,
    DriftRow,
    Table,
    compare_rates,
    compare_tables,
    rate_table,
)
from persona_tui.engine.evaluation.level import Level
from persona_tui.engine.evaluation.windows import Windows, cut_windows
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.statistics import Interval, benjamini_hochberg, interval
from persona_tui.engine.types import CodeArray, FloatArray, RandomState

N_DRAWS: Final = 400
_USERS_AT_ONCE: Final = 2**14
_SURELY_SEEN: Final = 10
"""Users that would show an event, were its share the one of before."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grouped:
    """An attribute of the users of both logs.

    Parameters
    ----------
    levels : tuple of str, length L
        Of both.
    before, after : int32 arrays of shape (U,)
        Level of each user of each log.
    """

    levels: tuple[str, ...]
    before: CodeArray
    after: CodeArray


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSeen:
    """An event that only one of two periods has.

    Parameters
    ----------
    name : str
    n_users : int
        Who show it.
    share : float
        Of all events of its period.
    """

    name: str
    n_users: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOfChange:
    """A change of completion, or a part of it.

    Parameters
    ----------
    value : float
    interval : (float, float)
        95 %: users of each period reweighted.
    """

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drift:
    """What moved from an earlier log to a later one.

    Parameters
    ----------
    windows : Windows
    n_before, n_after : int
        Users in the windows of each.
    rows : tuple of DriftRow
    new_events, gone_events : tuple of EventSeen
        The most shown first.
    completion, mix, behaviour : PartOfChange
        The change of the share of users who complete within a window, and its two parts.
    level : Level
        The worst of the rows.
    """

    windows: Windows
    n_before: int
    n_after: int
    rows: tuple[DriftRow, ...]
    new_events: tuple[EventSeen, ...]
    gone_events: tuple[EventSeen, ...]
    completion: PartOfChange
    mix: PartOfChange
    behaviour: PartOfChange
    level: Level


def find_drift(
    before: Sequences,
    after: Sequences,
    *,
    mixture: MarkovMixture,
    names: Sequence[str],
    completion: Collection[str],
    steps: Sequence[str],
    attributes: Mapping[str, Grouped] | None = None,
    random_state: RandomState = None,
) -> Drift:
    """Return what moved from the log that personas were learned from to a later one.

    Parameters
    ----------
    before, after : Sequences
        Of one vocabulary (``in_one_vocabulary``).
    mixture : MarkovMixture
        The personas, of the earlier log.
    names : sequence of str, length K
    completion : collection of str
    steps : sequence of str
        Of the funnel.
    attributes : mapping of str to Grouped, optional
    random_state : int, SeedSequence, Generator or None

    Raises
    ------
    DataError
        If a log has fewer than 30 users.
    ModelingError
        If the personas know none of the events of a log.

    Notes
    -----
    Both logs are cut into windows of one length (``cut_windows``) and every number is of users in windows,
    so that users of both had the same time and journeys are cut in the same way. Users belong to personas by
    what they did in the window. A row is red where its false discovery rate among all rows, against the
    earlier log's own variation (``judge_variation``), is at most 1 %, and its effect without the part of
    chance is one of consequence; amber where that rate is at most 5 % and the effect moderate. Where own
    variation is not known no row is worse than amber. O(N log N + n_draws U K).

    References
    ----------
    Benjamini & Hochberg (1995), Controlling the false discovery rate, *Journal of the Royal Statistical
    Society B* 57, 289-300.
    """
    windows = cut_windows(before, after)
    count = partial(count_windows, length=windows.length, mixture=mixture, completion=completion, steps=steps)
    first, second = count(before, windows.before), count(after, windows.after)
    rows = settle(
        [
            each
            for each in _rows(
                first,
                second,
                vocabulary=before.vocabulary,
                mixture=mixture,
                names=names,
                steps=steps,
                knows_own=windows.knows_own,
                attributes=attributes or {},
            )
            if each is not None
        ],
        knows_own=windows.knows_own,
    )
    generator = stream(normalise_seed(random_state), Stream.PERIODS, 1)
    whole, mix, behaviour = _split(first, second, generator)
    vocabulary = before.vocabulary
    return Drift(
        windows=windows,
        n_before=len(np.unique(first.users)),
        n_after=len(np.unique(second.users)),
        rows=rows,
        new_events=_only_in(vocabulary, second, first, least=0.0),
        gone_events=_only_in(vocabulary, first, second, least=_SURELY_SEEN),
        completion=whole,
        mix=mix,
        behaviour=behaviour,
        level=max((each.level for each in rows), default=Level.GREEN),
    )


def settle(rows: Sequence[DriftRow], *, knows_own: bool) -> tuple[DriftRow, ...]:
    """Return rows with the level that each gets among all.

    Parameters
    ----------
    rows : sequence of DriftRow
    knows_own : bool
        Whether the earlier log's own variation is known; without it none is worse than amber.
    """
    if not rows:
        return ()
    rates = benjamini_hochberg(np.array([each.p_value for each in rows]))
    settled = []
    for row, rate in zip(rows, rates, strict=True):
        surely = int(rate <= AMBER_BELOW) + int(rate <= RED_BELOW and knows_own)
        level = min(Level(surely), row.size)
        settled.append(replace(row, false_discovery=float(rate), level=level))
    return tuple(settled)


def in_one_vocabulary(before: Sequences, after: Sequences) -> tuple[Sequences, Sequences]:
    """Return two logs whose codes are of the event types of both."""
    union = tuple(sorted({*before.vocabulary, *after.vocabulary}))
    position = {name: code for code, name in enumerate(union)}
    first, second = (
        replace(
            each,
            vocabulary=union,
            codes=np.array([position[name] for name in each.vocabulary], np.int32)[each.codes],
        )
        for each in (before, after)
    )
    return first, second


def _rows(
    before: Counted,
    after: Counted,
    *,
    vocabulary: Sequence[str],
    mixture: MarkovMixture,
    names: Sequence[str],
    steps: Sequence[str],
    knows_own: bool,
    attributes: Mapping[str, Grouped],
) -> Iterator[DriftRow | None]:
    rates = partial(compare_rates, knows_own=knows_own)
    tables = partial(compare_tables, knows_own=knows_own)
    both = (before, after)
    yield rates("outcome", "users who complete", *(_rate(each, each.completes) for each in both))
    for place, step in enumerate(steps):
        yield rates("funnel", step, *(_rate(each, each.reached[:, place]) for each in both))
    known = np.isin(vocabulary, mixture.vocabulary).astype(float)
    yield rates(
        "vocabulary",
        "events that the personas do not know",
        *(_table(each, each.events @ np.column_stack([1 - known, known])) for each in both),
        thresholds=UNKNOWN_SHARE,
    )
    yield tables(
        "personas",
        "shares of personas",
        names,
        *(_table(each, each.memberships * each.knows[:, None]) for each in both),
    )
    moves = _move_names(mixture)
    for place, name in enumerate(names):
        yield tables(
            "transitions", name, moves, *(_table(each, _times(each.moves, each, place)) for each in both)
        )
    yield tables("events", "shares of events", vocabulary, *(_table(each, each.events) for each in both))
    yield tables("sessions", "events per session", LENGTHS, *(_table(each, each.lengths) for each in both))
    for name, grouped in attributes.items():
        levels = (grouped.before, grouped.after)
        yield tables(
            "attributes",
            name,
            grouped.levels,
            *(
                _table(each, _one_hot(codes[each.users], len(grouped.levels)))
                for each, codes in zip(both, levels, strict=True)
            ),
        )


def _rate(counted: Counted, hits: FloatArray) -> Table:
    return rate_table(hits, counted.users, counted.windows)


def _table(counted: Counted, counts: FloatArray | sparse.csr_array) -> Table:
    return Table(counts=sparse.csr_array(counts), users=counted.users, windows=counted.windows)


def _times(moves: sparse.csr_array, counted: Counted, place: int) -> sparse.csr_array:
    return moves.multiply(counted.memberships[:, [place]]).tocsr()


def _one_hot(codes: CodeArray, size: int) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=(len(codes), size))


def _move_names(mixture: MarkovMixture) -> list[str]:
    """Return what the moves are called, in the order of their numbers."""
    states = [*mixture.vocabulary, *(["return"] if mixture.unit == "user" else [])]
    starts = [f"start → {state}" for state in states]
    return starts + [f"{state} → {target}" for state in states for target in (*states, "exit")]


def _only_in(
    vocabulary: Sequence[str], has: Counted, lacks: Counted, *, least: float
) -> tuple[EventSeen, ...]:
    """Return events that one period has and the other has not, where that had enough users to show it."""
    totals = [np.asarray(each.events.sum(axis=0), float).ravel() for each in (has, lacks)]
    shown = np.asarray((has.events > 0).sum(axis=0), float).ravel()
    expected = shown / max(len(has.users), 1) * len(lacks.users)
    codes = np.flatnonzero((totals[0] > 0) & (totals[1] == 0) & (expected >= least)).tolist()
    found = [
        EventSeen(
            name=vocabulary[code], n_users=int(shown[code]), share=float(totals[0][code] / totals[0].sum())
        )
        for code in codes
    ]
    return tuple(sorted(found, key=lambda each: (-each.share, each.name)))


def _split(before: Counted, after: Counted, generator: np.random.Generator) -> tuple[PartOfChange, ...]:
    """Return the change of completion, what other users gave of it, and what other behaviour gave."""
    drawn = [_weighted_sums(each, generator) for each in (before, after)]
    shares = [active / active.sum(axis=1, keepdims=True) for active, _ in drawn]
    rates = [rates_of_kinds(*each) for each in drawn]
    mix, behaviour = split_change((shares[0], shares[1]), (rates[0], rates[1]))
    return tuple(
        PartOfChange(value=float(each[0]), interval=interval(each[1:]))
        for each in (mix + behaviour, mix, behaviour)
    )


def _weighted_sums(counted: Counted, generator: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return users of each persona, and who of them complete, a row a draw; the first is unweighted."""
    _, users = np.unique(counted.users, return_inverse=True)
    n, n_personas = int(users.max()) + 1, counted.memberships.shape[1]
    columns = np.column_stack([counted.memberships, counted.memberships * counted.completes[:, None]])
    joins = sparse.csr_array((np.ones(len(users)), (users, np.arange(len(users)))))
    by_user = joins @ columns
    sums = np.zeros((N_DRAWS + 1, 2 * n_personas))
    for begin in range(0, n, _USERS_AT_ONCE):
        some = by_user[begin : begin + _USERS_AT_ONCE]
        weights = np.ones((N_DRAWS + 1, len(some)))
        generator.standard_exponential(out=weights[1:])
        sums += weights @ some
    return sums[:, :n_personas], sums[:, n_personas:]
