"""One thing that two periods are compared in, and what its difference amounts to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from scipy import sparse

from persona_tui.engine.evaluation.distances import (
    jensen_shannon,
    stability_index,
    total_variation,
)
from persona_tui.engine.evaluation.level import Level
from persona_tui.engine.evaluation.own_variation import (
    JS_SCALE,
    Moments,
    Variation,
    judge_variation,
    moments_of,
)
from persona_tui.engine.types import FloatArray, IntArray

Part: TypeAlias = Literal[
    "outcome", "funnel", "vocabulary", "personas", "transitions", "events", "sessions", "attributes"
]
RED_BELOW: Final = 0.01
"""False discovery rate."""
AMBER_BELOW: Final = 0.05
FAR: Final = (math.sqrt(0.1 / JS_SCALE), math.sqrt(0.25 / JS_SCALE))
"""Jensen-Shannon distances of amber and red: those of small moves with a stability index of 0.1 and 0.25."""
POINTS: Final = (0.03, 0.05)
"""Changes of a rate that are amber and red."""
RELATIVE: Final = (0.1, 0.2)
"""Parts of a rate that it changes by, amber and red where that is half a point, or one, at least."""
_LEAST_POINTS: Final = (0.005, 0.01)
UNKNOWN_SHARE: Final = (0.01, 0.05)
"""Shares of events that personas cannot know, which are amber and red."""
OTHER: Final = "(other)"
_MOST_KINDS: Final = 40
_LEAST_EXPECTED: Final = 5
_MOVED_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Counts of one thing in a period: a row for each user in each window.

    Parameters
    ----------
    counts : sparse array of shape (R, C)
    users, windows : int64 arrays of shape (R,)
    """

    counts: sparse.csr_array
    users: IntArray
    windows: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The share of one kind in both periods."""

    name: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """How one thing moved, and whether it matters.

    Parameters
    ----------
    part : str
    name : str
    is_rate : bool
        Whether it is one share, whose effect is told in points; else several, whose effect is a distance.
    before, after : float or None
        The share, of what is one.
    n_before, n_after : int
        Users counted.
    n_kinds, n_folded : int
        Kinds compared, and rare ones that are one of them together.
    jensen_shannon, total_variation : float
    stability_index : float
        With half a count more of every kind in both periods, so that it is finite.
    effect : float
        Of a rate its change, else the Jensen-Shannon distance.
    beyond_chance : float
        What is left of the effect, in its unit, without the part that few users alone give.
    usual : float
        Effect that the earlier period's own variation and chance exceed once in 20 times.
    p_value, false_discovery : float
        The latter among all rows.
    moved : tuple of Moved
        Kinds whose shares moved most.
    size, level : Level
        By the effect alone, and of the row.
    """

    part: Part
    name: str
    is_rate: bool
    before: float | None
    after: float | None
    n_before: int
    n_after: int
    n_kinds: int
    n_folded: int
    jensen_shannon: float
    total_variation: float
    stability_index: float
    effect: float
    beyond_chance: float
    usual: float
    p_value: float
    false_discovery: float
    moved: tuple[Moved, ...]
    size: Level
    level: Level


def rate_table(hits: FloatArray, users: IntArray, windows: IntArray) -> Table:
    """Return the table of who did something: two kinds, did and did not."""
    return Table(counts=sparse.csr_array(np.column_stack([hits, 1 - hits])), users=users, windows=windows)


def compare_tables(
    part: Part, name: str, kinds: Sequence[str], before: Table, after: Table, *, knows_own: bool
) -> DriftRow | None:
    """Return how one thing moved; None where there are fewer than two kinds, or a period without counts.

    Parameters
    ----------
    part, name : str
    kinds : sequence of str, length C
        Two whose first is a rate where the name is not of a distribution: see ``compare_rates``.
    before, after : Table
    knows_own : bool
        As ``judge_variation`` takes it.

    Notes
    -----
    Kinds of which fewer than five are expected in a window (in a period, where that leaves none), and all but
    the commonest 40, are one kind. The level is settled among all rows, by ``settle``.
    """
    folded = _fold(kinds, before, after)
    if folded is None:
        return None
    names, before, after, n_folded = folded
    return _row(part, name, names, before, after, n_folded=n_folded, knows_own=knows_own, thresholds=None)


def compare_rates(
    part: Part,
    name: str,
    before: Table,
    after: Table,
    *,
    knows_own: bool,
    thresholds: tuple[float, float] | None = POINTS,
) -> DriftRow | None:
    """Return how one rate moved; None where a period has no counts.

    Parameters
    ----------
    part, name : str
    before, after : Table
        Of two kinds, the first of which is told.
    knows_own : bool
    thresholds : (float, float)
        Changes that are amber and red.
    """
    if not (before.counts.sum() and after.counts.sum()):
        return None
    kinds = (name, OTHER)
    return _row(part, name, kinds, before, after, n_folded=0, knows_own=knows_own, thresholds=thresholds)


def _row(
    part: Part,
    name: str,
    kinds: Sequence[str],
    before: Table,
    after: Table,
    *,
    n_folded: int,
    knows_own: bool,
    thresholds: tuple[float, float] | None,
) -> DriftRow:
    first, second = (moments_of(each.counts, each.users) for each in (before, after))
    windows = _by_window(before) if knows_own else []
    found = judge_variation(windows, first, second, _n_windows(after), knows_own=knows_own)
    shares = first.shares, second.shares
    effect, beyond, usual = _effects(found, shares, is_rate=thresholds is not None)
    size = _size(beyond, shares, thresholds)
    smoothed = (each.sums + 0.5 for each in (first, second))
    return DriftRow(
        part=part,
        name=name,
        is_rate=thresholds is not None,
        before=None if thresholds is None else float(shares[0][0]),
        after=None if thresholds is None else float(shares[1][0]),
        n_before=first.n_users,
        n_after=second.n_users,
        n_kinds=len(kinds),
        n_folded=n_folded,
        jensen_shannon=float(jensen_shannon(*shares)),
        total_variation=float(total_variation(*shares)),
        stability_index=float(stability_index(*smoothed)),
        effect=effect,
        beyond_chance=beyond,
        usual=usual,
        p_value=found.p_value,
        false_discovery=1.0,
        moved=() if thresholds is not None else _moved(kinds, shares),
        size=size,
        level=Level.GREEN,
    )


def _effects(
    found: Variation, shares: tuple[FloatArray, FloatArray], *, is_rate: bool
) -> tuple[float, float, float]:
    """Return the effect, the part of it that chance does not give, and what is usual, in one unit."""
    if is_rate:
        change = float(shares[1][0] - shares[0][0])
        middle = float(shares[0][0] + shares[1][0]) / 2
        scale = 1 / max(middle * (1 - middle), 1e-300)
        beyond = math.sqrt(max(change**2 - found.sampling / scale, 0.0))
        return change, math.copysign(beyond, change), math.sqrt(found.usual / scale)
    distance = float(jensen_shannon(*shares))
    beyond = math.sqrt(max(distance**2 - found.sampling / JS_SCALE, 0.0))
    return distance, beyond, min(math.sqrt(found.usual / JS_SCALE), 1.0)


def _size(
    beyond: float, shares: tuple[FloatArray, FloatArray], thresholds: tuple[float, float] | None
) -> Level:
    if thresholds is None:
        return Level(sum(beyond >= far for far in FAR))
    by_points = sum(abs(beyond) >= each for each in thresholds)
    if thresholds is not POINTS:
        return Level(by_points)
    base = max(float(shares[0][0]), 1e-300)
    by_share = sum(
        abs(beyond) >= max(least, share * base) for least, share in zip(_LEAST_POINTS, RELATIVE, strict=True)
    )
    return Level(max(by_points, by_share))


def _n_windows(table: Table) -> int:
    return len(np.unique(table.windows))


def _by_window(table: Table) -> list[Moments]:
    parts = (np.flatnonzero(table.windows == each) for each in np.unique(table.windows))
    found = (moments_of(table.counts[rows], table.users[rows]) for rows in parts)
    return [each for each in found if each.total > 0]


def _fold(
    kinds: Sequence[str], before: Table, after: Table
) -> tuple[tuple[str, ...], Table, Table, int] | None:
    """Return tables in which rare kinds are one; None where fewer than two are left."""
    sums = [np.asarray(each.counts.sum(axis=0), float).ravel() for each in (before, after)]
    if not (sums[0].sum() and sums[1].sum()):
        return None
    shares = (sums[0] / sums[0].sum() + sums[1] / sums[1].sum()) / 2
    pairs = list(zip(sums, (before, after), strict=True))
    in_window = min(total.sum() / _n_windows(each) for total, each in pairs)
    order = np.argsort(-shares, kind="stable")[:_MOST_KINDS]
    kept = order[shares[order] * in_window >= _LEAST_EXPECTED]
    if not len(kept):
        kept = order[shares[order] * min(total.sum() for total in sums) >= _LEAST_EXPECTED]
    kept = np.sort(kept)
    rest = np.setdiff1d(np.flatnonzero(shares), kept)
    places = np.concatenate([kept, rest])
    targets = np.concatenate([np.arange(len(kept)), np.full(len(rest), len(kept))])
    names = (*(kinds[each] for each in kept), *([OTHER] if len(rest) else []))
    if len(names) < 2:
        return None
    joins = sparse.csr_array((np.ones(len(places)), (places, targets)), shape=(len(kinds), len(names)))
    tables = [
        Table(counts=(each.counts @ joins).tocsr(), users=each.users, windows=each.windows)
        for each in (before, after)
    ]
    return names, tables[0], tables[1], len(rest)


def _moved(kinds: Sequence[str], shares: tuple[FloatArray, FloatArray]) -> tuple[Moved, ...]:
    order = np.argsort(-np.abs(shares[1] - shares[0]), kind="stable")[:_MOVED_SHOWN]
    return tuple(
        Moved(name=kinds[each], before=float(shares[0][each]), after=float(shares[1][each]))
        for each in order
        if shares[1][each] != shares[0][each]
    )
