"""When units arrive: how many a week, and at which hours of the week."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.types import FloatArray, IntArray, Unit

N_WEEKDAYS: Final = 7
N_HOURS: Final = 24
DEFAULT_SMOOTHING: Final = 4.0
"""Hours at the expected rate that are added to what a cell of the week was observed for."""

_MARGIN_SMOOTHING: Final = 0.5
"""The same for a whole weekday or hour of the day, of which much more is seen."""
_HOUR: Final = 3_600_000_000
_WEEK_HOURS: Final = N_WEEKDAYS * N_HOURS
_EPOCH_HOUR: Final = 3 * N_HOURS
"""Hour of the week, from Monday, at which 1970 began: a Thursday."""
_SHORTEST_LOG: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrivals:
    """How units arrive over the week.

    Parameters
    ----------
    unit : {"user", "session"}
        Users by their first event, or sessions by theirs.
    n_units : int
        Arrivals in the log.
    n_weeks : float
        Length of the log, at least a day; below 1 the rate is extrapolated, and weekdays
        that were not seen are taken as average ones.
    weights : array of shape (7, 24)
        Share of a week's arrivals in each hour of each weekday, UTC, Monday first; sums to one.
    """

    unit: Unit
    n_units: int
    n_weeks: float
    weights: FloatArray

    def __post_init__(self) -> None:
        self.weights.setflags(write=False)

    @property
    def per_week(self) -> float:
        """Return the mean number of arrivals in a week of the log."""
        return self.n_units / self.n_weeks

    def of_some(self, share: float) -> Arrivals:
        """Return the arrivals of a share of the units, at the same hours of the week."""
        return replace(self, n_units=round(share * self.n_units))

    def draw_times(self, generator: np.random.Generator, n: int, first: int, last: int) -> IntArray:
        """Draw when n units arrive.

        Parameters
        ----------
        generator : Generator
        n : int
        first, last : int
            Microseconds since 1970, UTC; arrivals are not before the first and before the last.

        Returns
        -------
        array of shape (n,)
            Ascending.

        Raises
        ------
        SimulationError
            If n is negative or the period is empty.

        Notes
        -----
        Given their number, arrivals of a Poisson process are independent draws from its rate,
        here constant within each hour: the inverse of the cumulated rate of sorted uniforms.
        O(n log n + hours of the period).
        """
        faults = [f"n == {n}, must be >= 0."] if n < 0 else []
        faults += [f"last == {last}, must be > first == {first}."] if last <= first else []
        if faults:
            raise SimulationError(" ".join(faults))
        hours = np.arange(first // _HOUR, -(-last // _HOUR))
        edges = np.clip(np.append(hours, hours[-1] + 1) * _HOUR, first, last) - first
        rates = self.weights.ravel()[(hours + _EPOCH_HOUR) % _WEEK_HOURS]
        reached = np.append(0.0, np.cumsum(rates * np.diff(edges)))
        uniforms = np.sort(generator.random(n)) * reached[-1]
        passed: IntArray = np.interp(uniforms, reached, edges).astype(np.int64)
        return first + np.minimum(passed, last - first - 1)


def fit_arrivals(
    sequences: Sequences, *, unit: Unit = "user", smoothing: float = DEFAULT_SMOOTHING
) -> Arrivals:
    """Return how the units of a log arrive.

    Parameters
    ----------
    sequences : Sequences
    unit : {"user", "session"}
    smoothing : float
        Hours at the expected rate that are added to each cell; above 0.

    Returns
    -------
    Arrivals

    Raises
    ------
    SimulationError
        If ``smoothing`` is not above 0.

    Notes
    -----
    With c arrivals in e observed hours of a cell and smoothing s, its rate is ``(c + s r) / (e + s)``, where
    r is the product of the rates of its weekday and of its hour of the day over the overall rate; these
    two are shrunk in the same way, by half an hour at the overall rate.

    Hours are counted as observed from the log's first event to its last, so that a log which covers
    some weekdays more often than others is not mistaken. Users who were there before the log began
    count as new when they are first seen in it, which overstates the rate of a short log.

    Examples
    --------
    >>> hours = np.arange(14 * 24) * 3_600_000_000
    >>> index = np.arange(len(hours))
    >>> log = Sequences(vocabulary=("a",), user_ids=tuple(map(str, index)), codes=0 * index,
    ...                 users=index, sessions=index, times=hours)
    >>> arrivals = fit_arrivals(log)
    >>> round(arrivals.per_week, 1), arrivals.weights.shape
    (168.5, (7, 24))
    """
    if not smoothing > 0:
        raise SimulationError(f"smoothing == {smoothing}, must be > 0.")
    groups = sequences.sessions if unit == "session" else sequences.users
    _, firsts = np.unique(groups, return_index=True)
    begin, end = int(sequences.times.min()), int(sequences.times.max())
    end = max(end, begin + _SHORTEST_LOG)
    cells = (sequences.times[firsts] // _HOUR + _EPOCH_HOUR) % _WEEK_HOURS
    counts = np.bincount(cells, minlength=_WEEK_HOURS).reshape(N_WEEKDAYS, N_HOURS)
    rates = _smooth_rates(counts.astype(float), _observed_hours(begin, end), smoothing)
    return Arrivals(
        unit=unit,
        n_units=len(firsts),
        n_weeks=(end - begin) / (_WEEK_HOURS * _HOUR),
        weights=rates / rates.sum(),
    )


def _observed_hours(begin: int, end: int) -> FloatArray:
    """Return for how many hours each cell of the week lies within a period, shape (7, 24)."""
    hours = np.arange(begin // _HOUR, -(-end // _HOUR))
    edges = np.clip(np.append(hours, hours[-1] + 1) * _HOUR, begin, end)
    cells = (hours + _EPOCH_HOUR) % _WEEK_HOURS
    inside = np.diff(edges) / _HOUR
    return np.asarray(np.bincount(cells, inside, minlength=_WEEK_HOURS), float).reshape(N_WEEKDAYS, N_HOURS)


def _smooth_rates(counts: FloatArray, observed: FloatArray, smoothing: float) -> FloatArray:
    """Return arrivals an hour in each cell of the week, shape (7, 24)."""
    overall = counts.sum() / observed.sum()
    margins = [
        (counts.sum(axis=axis, keepdims=True) + _MARGIN_SMOOTHING * overall)
        / (observed.sum(axis=axis, keepdims=True) + _MARGIN_SMOOTHING)
        for axis in (0, 1)
    ]
    expected = margins[0] * margins[1] / overall
    rates: FloatArray = (counts + smoothing * expected) / (observed + smoothing)
    return rates
