"""Who is new, comes back, or stays away, period by period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.periods import Period, active_periods, period_begins
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.unit_events import first_of_each
from persona_tui.engine.types import IntArray

_KINDS: Final = ("new", "returning", "resurrecting", "dormant")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lifecycle:
    """Users by what they do in each period, given what they did before.

    Parameters
    ----------
    period : {"day", "week", "month"}
    counts : DataFrame
        ``period`` (its number), ``new``, ``returning``, ``resurrecting``, ``dormant``; periods without
        any are left out, and the one after the last event is there.
    """

    period: Period
    counts: pl.DataFrame

    def table(self) -> pl.DataFrame:
        """Return one row a period, from that of the first event to that of the last.

        Returns
        -------
        DataFrame
            ``period`` (the day it begins); users who are ``active``, and of these ``new`` (no event
            before), ``returning`` (active in the period before too) and ``resurrecting`` (active before,
            but not in the period before); ``dormant`` (active in the period before, not in this one) and
            ``dormant_total`` (all who were active before and are not now).

        Notes
        -----
        ``active = new + returning + resurrecting``, and
        ``active = active of the period before - dormant + new + resurrecting``.
        """
        active = pl.sum_horizontal("new", "returning", "resurrecting")
        seen = self.counts.filter(active > 0)["period"].to_numpy()
        every = pl.DataFrame({"period": np.arange(seen.min(), seen.max() + 1)})
        filled = every.join(self.counts, on="period", how="left", maintain_order="left").fill_null(0)
        return filled.select(
            period_begins(pl.col("period"), self.period),
            active.alias("active"),
            *_KINDS,
            dormant_total=pl.col("new").cum_sum() - active,
        )


def measure_lifecycle(sequences: Sequences, period: Period = "week", *, timezone: str = "UTC") -> Lifecycle:
    """Return who is new, returning, resurrecting and dormant in each period.

    Parameters
    ----------
    sequences : Sequences
    period : {"day", "week", "month"}
        Of the calendar; weeks begin on Monday.
    timezone : str
        Where the calendar is read.

    Raises
    ------
    UnknownNameError
        If there is no such period or zone.

    Notes
    -----
    Users from before the log began count as new in its first period. O(N).

    Examples
    --------
    >>> day = 86_400_000_000
    >>> log = Sequences(vocabulary=("a",), user_ids=("u",), codes=np.zeros(3, np.int32),
    ...     users=np.zeros(3, np.int32), sessions=np.arange(3), times=np.array([0, 1, 3]) * day)
    >>> measure_lifecycle(log, "day").table().drop("period", "dormant_total").rows()
    [(1, 1, 0, 0, 0), (1, 0, 1, 0, 0), (0, 0, 0, 0, 1), (1, 0, 0, 1, 0)]
    """
    users, numbers = active_periods(sequences, period, timezone)
    new = first_of_each(users)
    returning = ~new & np.append(False, np.diff(numbers) == 1)
    stays = np.append(returning[1:], False)
    kinds = (
        ("new", numbers[new]),
        ("returning", numbers[returning]),
        ("resurrecting", numbers[~new & ~returning]),
        ("dormant", numbers[~stays] + 1),
    )
    counted = [_count(name, found) for name, found in kinds]
    return _lifecycle(period, pl.concat(counted, how="diagonal"))


def join_lifecycles(parts: Iterable[Lifecycle]) -> Lifecycle:
    """Return the lifecycle of a log, given those of its parts, measured alike."""
    parts = list(parts)
    return _lifecycle(parts[0].period, pl.concat([part.counts for part in parts]))


def _count(name: str, numbers: IntArray) -> pl.DataFrame:
    found, counts = np.unique(numbers, return_counts=True)
    return pl.DataFrame({"period": found, name: counts})


def _lifecycle(period: Period, counts: pl.DataFrame) -> Lifecycle:
    summed = counts.group_by("period").agg(pl.col(_KINDS).sum()).sort("period")
    return Lifecycle(period=period, counts=summed)
