"""A funnel within a conversion window: who passes it, how often, and how long each step takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, TypeAlias, get_args

import numpy as np
import polars as pl

from persona_tui.engine.data.funnel import step_codes
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.unit_events import UnitEvents, events_by_unit, first_of_each
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.types import CodeArray, FloatArray, IntArray, Unit

Order: TypeAlias = Literal["loose", "strict", "any"]
"""Other events may stand between the steps; none may; or the steps come in any order."""

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunnelMeasure:
    """The pass of each unit that gets furthest, and how often the funnel is passed.

    Parameters
    ----------
    steps : tuple of str, length m
        Under any order ``1 of m``, ``2 of m``, …
    n_units : int
        Whether they start or not.
    elapsed : array of shape (n_started, m)
        Seconds from the start of a unit's pass to each step, nan where the step is not reached; the
        first column is zero.
    n_passes : int
        Passes of all units through all steps; the next begins after the end of the one before.
    """

    steps: tuple[str, ...]
    n_units: int
    elapsed: FloatArray
    n_passes: int

    def __post_init__(self) -> None:
        self.elapsed.setflags(write=False)

    @property
    def reached(self) -> IntArray:
        """Return the units whose pass reaches each step, shape (m,)."""
        reached: IntArray = np.isfinite(self.elapsed).sum(axis=0)
        return reached

    def table(self) -> pl.DataFrame:
        """Return one row a step.

        Returns
        -------
        DataFrame
            ``step``, ``reached`` (units), ``rate`` of all units and ``rate_of_previous`` (null where nobody
            reached the step before); ``median_seconds`` and ``p90_seconds`` from the step before, of the
            units that reached this one, null at the first.
        """
        reached = self.reached
        before = np.append(reached[:1], reached[:-1])
        times = [(None, None), *(_spread(column) for column in np.diff(self.elapsed, axis=1).T)]
        return pl.DataFrame(
            {
                "step": self.steps,
                "reached": reached,
                "rate": reached / self.n_units,
                "rate_of_previous": [n / m if m else None for n, m in zip(reached, before, strict=True)],
                "median_seconds": pl.Series([median for median, _ in times], dtype=pl.Float64),
                "p90_seconds": pl.Series([late for _, late in times], dtype=pl.Float64),
            }
        )

    def seconds_to_convert(self) -> tuple[float | None, float | None]:
        """Return the median and the 90th percentile from the first step to the last.

        Of the units that convert, ``reached[-1]`` in number; None where none does.
        """
        return _spread(self.elapsed[:, -1])


def measure_funnel(
    sequences: Sequences,
    steps: Sequence[str],
    *,
    unit: Unit = "user",
    window: timedelta | None = None,
    order: Order = "loose",
) -> FunnelMeasure:
    """Return how far units get through a funnel, how often, and how long they take.

    Parameters
    ----------
    sequences : Sequences
    steps : sequence of str, length m
    unit : {"user", "session"}
    window : timedelta, optional
        From the start of a pass; a step at its very end is within. Without it there is no limit.
    order : {"loose", "strict", "any"}
        Steps one after the other, with other events between them or without; or in any order.

    Returns
    -------
    FunnelMeasure
        ``join_funnels`` puts those of parts of a log together.

    Raises
    ------
    UnknownNameError
        If a step is not in the log, or there is no such order.
    DataError
        If there is no step, a step is named twice, or the window is not above zero.

    Notes
    -----
    Each event of the first step (under any order, of any step) starts a pass, which goes to the
    next event of each step in turn (strict: that must be the very next event; any order: the step
    whose event comes first) as long as the window lasts. Of a unit's passes the one with most steps
    counts, the earliest of several: without a window, in loose order, ``reached`` is the
    ``reached_in_order`` of ``count_funnel``. Of two events at the same time the later row comes later.
    Percentiles are interpolated linearly. O(N m), and O(p m log N) for p starts.

    Examples
    --------
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u", "v"), codes=np.array([0, 0, 1, 0], np.int32),
    ...     users=np.array([0, 0, 0, 1], np.int32), sessions=np.array([0, 0, 0, 1]),
    ...     times=np.array([0, 50, 60, 0]) * 1_000_000)
    >>> found = measure_funnel(log, ["a", "b"], window=timedelta(seconds=30))
    >>> found.reached, found.seconds_to_convert()
    (array([2, 1]), (10.0, 10.0))
    """
    if order not in get_args(Order):
        raise unknown_name("order", order, get_args(Order))
    if window is not None and window <= timedelta(0):
        raise DataError(f"window == {window}, must be above zero.")
    codes, events = step_codes(sequences, steps), events_by_unit(sequences, unit)
    places = _PASSES[order](events, codes)
    units = events.units[places[:, 0]]
    reached = places < events.offsets[units + 1][:, np.newaxis]
    since = np.append(events.times, 0)[places] - events.times[places[:, :1]]
    if window is not None:
        reached &= since <= window // timedelta(microseconds=1)
    # a strict pass can find a later step where it lost one between
    reached = np.logical_and.accumulate(reached, axis=1)
    chosen = _furthest(units, reached.sum(axis=1))
    done = reached[:, -1]
    m = len(steps)
    return FunnelMeasure(
        steps=tuple(f"{n} of {m}" for n in range(1, m + 1)) if order == "any" else tuple(steps),
        n_units=events.n_units,
        elapsed=np.where(reached[chosen], since[chosen] / _SECOND, np.nan),
        n_passes=_count_passes(places[done, 0], places[done, -1]),
    )


def join_funnels(parts: Iterable[FunnelMeasure]) -> FunnelMeasure:
    """Return the measure of a log, given those of its parts, measured alike."""
    parts = list(parts)
    return replace(
        parts[0],
        n_units=sum(part.n_units for part in parts),
        elapsed=np.concatenate([part.elapsed for part in parts]),
        n_passes=sum(part.n_passes for part in parts),
    )


def _loose(events: UnitEvents, steps: list[int]) -> IntArray:
    """Return where passes show each step, shape (n_starts, m); behind the unit's events where they do not."""
    places = [np.flatnonzero(events.codes == steps[0])]
    for step in steps[1:]:
        places.append(_next_shown(events, step, places[-1] + 1))
    return np.stack(places, axis=1)


def _strict(events: UnitEvents, steps: list[int]) -> IntArray:
    starts = np.flatnonzero(events.codes == steps[0])
    places = [starts]
    for distance, step in enumerate(steps[1:], start=1):
        place = np.minimum(starts + distance, len(events.codes))
        places.append(np.where(np.append(events.codes, -1)[place] == step, place, len(events.codes)))
    return np.stack(places, axis=1)


def _any(events: UnitEvents, steps: list[int]) -> IntArray:
    starts = np.flatnonzero(np.isin(events.codes, steps))
    return np.sort(np.stack([_next_shown(events, step, starts) for step in steps], axis=1), axis=1)


_PASSES = {"loose": _loose, "strict": _strict, "any": _any}


def _next_shown(events: UnitEvents, step: int, places: IntArray) -> IntArray:
    """Return the first place of a step from some ascending places on; N where there is none."""
    shown = np.append(np.flatnonzero(events.codes == step), len(events.codes))
    return shown[np.minimum(np.searchsorted(shown, places), len(shown) - 1)]


def _furthest(units: CodeArray | IntArray, depths: IntArray) -> IntArray:
    """Return the pass of each unit that gets furthest, the earliest of several; units ascend."""
    firsts = first_of_each(units)
    begins = np.flatnonzero(firsts)
    if not len(begins):
        return begins
    most = np.maximum.reduceat(depths, begins)[np.cumsum(firsts) - 1]
    furthest = np.flatnonzero(depths == most)
    chosen: IntArray = furthest[first_of_each(units[furthest])]
    return chosen


def _count_passes(starts: IntArray, ends: IntArray) -> int:
    """Return how many passes follow each other without overlap, each unit's earliest first.

    Starts and ends ascend, so the pass that starts first is also over first: no choice gives more.
    Passes of different units never overlap.
    """
    following = np.searchsorted(starts, ends, side="right").tolist()
    n_passes, current = 0, 0
    while current < len(starts):
        n_passes += 1
        current = following[current]
    return n_passes


def _spread(seconds: FloatArray) -> tuple[float | None, float | None]:
    known = seconds[np.isfinite(seconds)]
    if not len(known):
        return None, None
    median, late = np.quantile(known, [0.5, 0.9])
    return float(median), float(late)
