"""Events and paths that a persona's journeys hold more often than the others', and its typical journey."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.statistics import NORMAL_QUANTILE, Interval
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PATH_LENGTHS: Final = (3, 4, 5)
N_PATHS: Final = 3
MIN_JOURNEYS: Final = 30
"""Journeys that hold a path; fewer make no pattern."""
_MIN_SHARE, _MIN_LIFT = 0.05, 1.1
_LONGEST_JOURNEY: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLift:
    """How much more often a persona's journeys hold something than those of the others.

    Parameters
    ----------
    events : tuple of str
        One event, or the events of a path, repeats told once.
    rate : float
        Of an event: times per journey. Of a path: share of journeys that hold it.
    others_rate : float
    lift : float
        ``(n + 1/2) / (journeys + 1)`` over the same of the others.
    interval : (float, float)
        95 %, of the lift.
    n : float
        Times, or journeys with the path, users counted by membership.
    """

    events: tuple[str, ...]
    rate: float
    others_rate: float
    lift: float
    interval: Interval
    n: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathTable:
    """Paths of three to five events that at least 30 journeys hold.

    Parameters
    ----------
    paths : tuple of tuples of int, length P
        Codes of event types.
    matrix : sparse array of shape (U, P)
        Journeys of each user that hold the path.
    """

    paths: tuple[tuple[int, ...], ...]
    matrix: csr_array


def find_paths(journeys: Journeys, *, min_journeys: int = MIN_JOURNEYS) -> PathTable:
    """Return the paths that many journeys hold.

    Parameters
    ----------
    journeys : Journeys
    min_journeys : int

    Notes
    -----
    A path is a run of events within a session, an event that repeats counted once. Completion and drop
    events and returns end a run: a path tells what led there, not how it ended. A path can only be common
    where it is without its last event (apriori), so O(events log events) time, and memory in events.

    References
    ----------
    Agrawal & Srikant (1995), Mining sequential patterns, *ICDE*, 3-14.

    Examples
    --------
    >>> import polars as pl
    >>> from persona_tui.engine.data.sequences import encode_sequences
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> log = pl.DataFrame({"user_id": ["ann"] * 4, "session_id": ["1"] * 4, "event_type": list("abbc")})
    >>> log = log.with_columns(timestamp=pl.datetime(2026, 1, 1, time_zone="UTC", time_unit="us"))
    >>> find_paths(cut_journeys(encode_sequences(log)), min_journeys=1).paths
    ((0, 1, 2),)
    """
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s

    codes, runs, owners = _runs(journeys)
    width = len(journeys.vocabulary)
    numbers = codes.copy()
    known: list[tuple[int, ...]] = [(code,) for code in range(width)]
    found: list[tuple[int, ...]] = []
    rows, columns = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for length in range(2, PATH_LENGTHS[-1] + 1):
        starts = np.flatnonzero(numbers[: len(runs) - length + 1] >= 0)
        starts = starts[runs[starts] == runs[starts + length - 1]]
        keys, place = np.unique(numbers[starts] * width + codes[starts + length - 1], return_inverse=True)
        pairs = np.sort(place * journeys.n_journeys + owners[starts])
        pairs = pairs[np.diff(pairs, prepend=-1) != 0]
        held = pairs // journeys.n_journeys
        common = np.bincount(held, minlength=len(keys)) >= min_journeys
        renumbered = np.where(common, np.cumsum(common) - 1, -1)
        known = [(*known[key // width], int(key % width)) for key in keys[common].tolist()]
        numbers = np.full(len(codes), -1)
        numbers[starts] = renumbered[place]
        if length in PATH_LENGTHS:
            kept = common[held]
            rows.append(journeys.users[pairs[kept] % journeys.n_journeys].astype(np.int64))
            columns.append(renumbered[held[kept]] + len(found))
            found += known
    places = (np.concatenate(rows), np.concatenate(columns))
    shape = (len(journeys.user_ids), len(found))
    return PathTable(paths=tuple(found), matrix=csr_array((np.ones(len(places[0])), places), shape=shape))


def _runs(journeys: Journeys) -> tuple[IntArray, IntArray, IntArray]:
    """Return the events that runs are made of, repeats once, with the run and journey of each."""
    steps = journeys.steps.astype(np.int64)
    owners = np.repeat(np.arange(journeys.n_journeys), np.diff(journeys.offsets))
    breaks = np.ones(journeys.n_states, dtype=bool)
    breaks[: len(journeys.vocabulary)] = journeys.completion | journeys.drop
    ends = breaks[steps]
    runs = np.cumsum(ends) + owners
    steps, runs, owners = steps[~ends], runs[~ends], owners[~ends]
    fresh = (np.diff(steps, prepend=-1) != 0) | (np.diff(runs, prepend=-1) != 0)
    return steps[fresh], runs[fresh], owners[fresh]


def choose_paths(table: PathTable, memberships: FloatArray, n_journeys: FloatArray) -> list[list[int]]:
    """Return the paths that set each persona apart, strongest first, as places in the table.

    Parameters
    ----------
    table : PathTable
    memberships : array of shape (U, K)
    n_journeys : array of shape (U,)

    Returns
    -------
    list of list of int
        Up to three a persona; none lies within another.

    Notes
    -----
    Ranked by ``share * log(share / share of the others)``; at least 5 % of the persona's journeys
    hold the path, and 1.1 times the share of the others'.
    """
    held = (table.matrix.T @ memberships).T
    journeys = n_journeys @ memberships
    lifts, rates, _ = _rate_lifts(held, journeys)
    good = (rates >= _MIN_SHARE) & (lifts >= _MIN_LIFT)
    score = np.where(good, rates * np.log(lifts), 0.0)
    return [_choose(row, table.paths) for row in score]


def _choose(score: FloatArray, paths: Sequence[tuple[int, ...]]) -> list[int]:
    chosen: list[int] = []
    for place in np.argsort(-score, kind="stable").tolist():
        if score[place] <= 0 or len(chosen) == N_PATHS:
            break
        if not any(_overlap(paths[place], paths[other]) for other in chosen):
            chosen.append(place)
    return chosen


def _overlap(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Return whether the shorter path lies within the longer one."""
    short, long = sorted((one, other), key=len)
    return any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))


def rate_lifts(
    events: Sequence[tuple[str, ...]],
    wanted: Sequence[Sequence[int]],
    *,
    held: FloatArray,
    journeys: FloatArray,
    drawn_held: FloatArray,
    drawn_journeys: FloatArray,
) -> list[tuple[RateLift, ...]]:
    """Return the lifts of some events or paths for each persona; none where there is one persona.

    Parameters
    ----------
    events : sequence of tuple of str, length Q
    wanted : sequence of sequences of int, length K
        Places among the events.
    held, journeys : arrays of shape (K, Q) and (K,)
        Times, or journeys that hold the path; and journeys. Users counted by membership.
    drawn_held, drawn_journeys : arrays of shape (B, K, Q) and (B, K)

    Notes
    -----
    The interval is normal on the log scale, with the variance over draws and that of the halves added
    (a weight of Gamma(1/2) each), which keeps it wide where the others hardly ever do it. What is looked
    at was chosen because its lift is high, and memberships saw it: a lift describes, it tests nothing.
    """
    if len(held) == 1:
        return [()]
    lifts, rates, others = _rate_lifts(held, journeys)
    spread = np.log(_rate_lifts(drawn_held, drawn_journeys)[0]).var(axis=0)
    elsewhere = held.sum(axis=0) - held
    added = 0.5 / (held + 0.5) ** 2 + 0.5 / (elsewhere + 0.5) ** 2
    factor = np.exp(NORMAL_QUANTILE * np.sqrt(spread + added))
    low, high = lifts / factor, lifts * factor
    return [
        tuple(
            RateLift(
                events=events[q],
                rate=float(rates[k, q]),
                others_rate=float(others[k, q]),
                lift=float(lifts[k, q]),
                interval=(float(low[k, q]), float(high[k, q])),
                n=float(held[k, q]),
            )
            for q in places
        )
        for k, places in enumerate(wanted)
    ]


def _rate_lifts(held: FloatArray, journeys: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return lifts, rates and rates of the others, each of shape (..., K, Q)."""
    others = held.sum(axis=-2, keepdims=True) - held
    mine, theirs = journeys[..., None], (journeys.sum(axis=-1, keepdims=True) - journeys)[..., None]
    lifts = (held + 0.5) / (mine + 1) * (theirs + 1) / (others + 0.5)
    return lifts, held / np.maximum(mine, 1e-12), others / np.maximum(theirs, 1e-12)


def typical_journey(chain: FloatArray, vocabulary: tuple[str, ...], ends: BoolArray) -> tuple[str, ...]:
    """Return the journey that follows the likeliest move at each step, no event twice.

    Parameters
    ----------
    chain : array of shape (n + 1, n + 1)
        Row 0 the starts, row i + 1 the moves out of state i, the last column the exit.
    vocabulary : tuple of str, length V
    ends : bool array of shape (V,)
        Events that a journey ends with.

    Returns
    -------
    tuple of str
        Events, and ``return`` where the user most likely leaves and comes back before the next.

    Notes
    -----
    It ends where leaving for good is likelier than a return and than any event that is new, and where
    who comes back most likely does again what was told; at most twelve events.

    Examples
    --------
    >>> moves = [[1, 0, 0], [0.5, 0.3, 0.2], [0, 0, 1]]
    >>> typical_journey(np.array(moves), ("landing", "signup"), np.array([False, True]))
    ('landing', 'signup')
    """
    names = (*vocabulary, RETURN)
    return tuple(names[code] for code in _walk(chain, ends))


def _walk(chain: FloatArray, ends: BoolArray) -> Iterator[int]:
    n_events, leaves = len(ends), len(chain) - 1
    may_follow = np.ones(len(chain), dtype=bool)
    row = 0
    for _ in range(min(_LONGEST_JOURNEY, n_events)):
        code = int(np.where(may_follow, chain[row], 0.0).argmax())
        comes_back = n_events <= code < leaves
        if comes_back:
            code = int(chain[code + 1].argmax())
        if code >= n_events or not may_follow[code]:
            return
        if comes_back:
            yield n_events
        yield code
        if ends[code]:
            return
        may_follow[code] = False
        row = code + 1
