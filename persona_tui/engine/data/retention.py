"""Which share of the users who came first in one period are seen in later ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from persona_tui.engine.data.periods import Period, active_periods, period_begins
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.unit_events import first_of_each
from persona_tui.engine.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Retention:
    """Users by the period of their first event, and in which periods after it they are seen.

    Parameters
    ----------
    period : {"day", "week", "month"}
    counts : DataFrame
        ``cohort`` (number of the period), ``offset`` (periods since), ``retained`` (users with an event
        in that period) and ``last_seen`` (users whose last event is in it); without empty rows.
    """

    period: Period
    counts: pl.DataFrame

    def table(self, n_periods: int) -> pl.DataFrame:
        """Return the table of cohorts.

        Parameters
        ----------
        n_periods : int
            Periods that each cohort is followed, its own included; at least 1.

        Returns
        -------
        DataFrame
            One row a cohort and period: ``cohort`` (the day its period begins), ``offset``, ``users`` of
            the cohort, ``retained`` (with an event in that period) and ``rate``,
            ``retained_or_later`` (with an event in that period or after it: unbounded retention) and
            ``rate_or_later``, and ``complete``: whether the log goes on after the period. Periods that
            begin after the last event are null.

        Raises
        ------
        DataError
            If ``n_periods`` is below 1.
        """
        if n_periods < 1:
            raise DataError(f"n_periods == {n_periods}, must be >= 1.")
        last = (self.counts["cohort"] + self.counts["offset"]).max()
        observed = pl.col("cohort") + pl.col("offset") <= last
        users = self.counts.group_by("cohort").agg(users=pl.col("last_seen").sum())
        # whoever was last seen after the periods shown is retained in each of them
        seen = self.counts.group_by("cohort", pl.col("offset").clip(upper_bound=n_periods)).sum()
        grid = users.join(pl.DataFrame({"offset": np.arange(n_periods + 1)}), how="cross")
        return (
            grid.join(seen, on=["cohort", "offset"], how="left")
            .sort("cohort", "offset")
            .with_columns(pl.col("retained", "last_seen").fill_null(0))
            .with_columns(later=pl.col("last_seen").cum_sum(reverse=True).over("cohort"))
            .filter(pl.col("offset") < n_periods)
            .select(
                period_begins(pl.col("cohort"), self.period),
                *("offset", "users"),
                retained=pl.when(observed).then("retained"),
                rate=pl.when(observed).then(pl.col("retained") / pl.col("users")),
                retained_or_later=pl.when(observed).then("later"),
                rate_or_later=pl.when(observed).then(pl.col("later") / pl.col("users")),
                complete=pl.col("cohort") + pl.col("offset") < last,
            )
        )


def measure_retention(sequences: Sequences, period: Period = "week", *, timezone: str = "UTC") -> Retention:
    """Return when the users of each cohort are seen again.

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
    A cohort is those first seen in a period: users from before the log began count as new in its first.
    O(N).

    Examples
    --------
    >>> day = 86_400_000_000
    >>> log = Sequences(vocabulary=("a",), user_ids=("u", "v"), codes=np.zeros(3, np.int32),
    ...     users=np.array([0, 0, 1], np.int32), sessions=np.arange(3), times=np.array([0, 2, 0]) * day)
    >>> measure_retention(log, "day").table(4)["rate"].to_list()
    [1.0, 0.0, 0.5, None]
    """
    users, numbers = active_periods(sequences, period, timezone)
    firsts = first_of_each(users)
    cohorts = numbers[firsts][users]
    rows = pl.DataFrame(
        {
            "cohort": cohorts,
            "offset": numbers - cohorts,
            "last_seen": np.append(firsts[1:], True),
        }
    )
    counts = rows.group_by("cohort", "offset").agg(
        retained=pl.len().cast(pl.Int64), last_seen=pl.col("last_seen").sum().cast(pl.Int64)
    )
    return Retention(period=period, counts=counts.sort("cohort", "offset"))


def join_retention(parts: Iterable[Retention]) -> Retention:
    """Return the retention of a log, given those of its parts, measured alike."""
    parts = list(parts)
    counts = pl.concat([part.counts for part in parts]).group_by("cohort", "offset").sum()
    return Retention(period=parts[0].period, counts=counts.sort("cohort", "offset"))
