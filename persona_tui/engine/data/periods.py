"""Days, weeks and months of the calendar, and in which of them users are active."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import polars as pl

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.time_zones import check_timezone
from persona_tui.engine.data.unit_events import as_times, first_of_each
from persona_tui.engine.errors import unknown_name
from persona_tui.engine.types import IntArray

Period: TypeAlias = Literal["day", "week", "month"]
"""Of the calendar; weeks begin on Monday."""

_DAY: Final = 86_400_000_000
_MONDAY: Final = 3
"""Days from a Monday to 1970-01-01."""


def active_periods(sequences: Sequences, period: Period, timezone: str = "UTC") -> tuple[IntArray, IntArray]:
    """Return in which periods each user has an event.

    Parameters
    ----------
    sequences : Sequences
    period : {"day", "week", "month"}
    timezone : str
        Where the calendar is read.

    Returns
    -------
    users, numbers : int64 arrays of shape (A,)
        Each user and period once, ascending; periods that follow each other differ by one, and 0 is the
        one that holds 1970-01-01.

    Raises
    ------
    UnknownNameError
        If there is no such period or zone.

    Notes
    -----
    O(N).
    """
    if period not in get_args(Period):
        raise unknown_name("period", period, get_args(Period))
    check_timezone(timezone)
    days = _local_times(sequences.times, timezone) // _DAY
    changes = first_of_each(days) | first_of_each(sequences.users)
    numbers = _numbers(days[changes], period)
    lowest = numbers.min()
    n_numbers = numbers.max() - lowest + 1
    # sorted again: clocks that are set back at midnight show the day before once more
    pairs = np.unique(sequences.users[changes] * n_numbers + (numbers - lowest))
    return pairs // n_numbers, pairs % n_numbers + lowest


def period_begins(numbers: pl.Expr, period: Period) -> pl.Expr:
    """Return the first day of some periods, as dates."""
    if period == "month":
        return pl.date(1970 + numbers.floordiv(12), numbers % 12 + 1, 1).alias(numbers.meta.output_name())
    days = numbers if period == "day" else numbers * 7 - _MONDAY
    return days.cast(pl.Int32).cast(pl.Date)


def _numbers(days: IntArray, period: Period) -> IntArray:
    """Return the period that each day is in; days and periods are counted from 1970-01-01."""
    if period == "day":
        return days
    if period == "week":
        return (days + _MONDAY) // 7
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _local_times(times: IntArray, timezone: str) -> IntArray:
    """Return what the clocks of a zone show, microseconds."""
    if timezone == "UTC":
        return times
    local = as_times(times).dt.convert_time_zone(timezone).dt.replace_time_zone(None)
    return local.to_physical().to_numpy()
