"""Times without a zone, and what a change of the clocks makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from persona_tui.engine.errors import unknown_name

UTC_MICROSECONDS: Final = pl.Datetime("us", "UTC")
_A_DAY: Final = pl.duration(days=1)


@dataclass(slots=True, kw_only=True)
class ClockChanges:
    """How many local times a change of the clocks made doubtful; counted up as columns are parsed.

    Parameters
    ----------
    n_ambiguous : int
        Times that the clocks showed twice, when they were set back.
    n_nonexistent : int
        Times that the clocks never showed, when they were set forward.
    """

    n_ambiguous: int = 0
    n_nonexistent: int = 0

    def sentences(self) -> tuple[str, ...]:
        """Return what was done, a sentence each.

        Examples
        --------
        >>> ClockChanges(n_ambiguous=2).sentences()
        ('2 local times happened twice when the clocks were set back: the earlier was taken',)
        """
        told = []
        if self.n_ambiguous:
            told.append(
                f"{self.n_ambiguous:,} local times happened twice when the clocks were set back: "
                "the earlier was taken"
            )
        if self.n_nonexistent:
            told.append(
                f"{self.n_nonexistent:,} local times were skipped when the clocks were set forward: "
                "read as if they had not been set yet"
            )
        return tuple(told)


def check_timezone(timezone: str) -> None:
    """Refuse a zone that is not known.

    Raises
    ------
    UnknownNameError
        With the near name, as ``Europe/Berlin`` for ``europe/berlin``.
    """
    if not _is_known(timezone):
        from zoneinfo import available_timezones  # noqa: PLC0415 - reads a folder, only for the message

        raise unknown_name("timezone", timezone, sorted(available_timezones()))


def _is_known(timezone: str) -> bool:
    try:
        pl.Series([0], dtype=pl.Datetime("us")).dt.replace_time_zone(timezone)
    except pl.exceptions.ComputeError:
        return False
    return bool(timezone)  # an empty one would be no zone at all


def to_utc(times: pl.Series, timezone: str, changes: ClockChanges | None = None) -> pl.Series:
    """Return times as UTC microseconds.

    Parameters
    ----------
    times : Series
        Dates or datetimes; those that have a zone keep it.
    timezone : str
        Of those that have none, as ``Europe/Berlin``.
    changes : ClockChanges, optional
        Counted up by the local times that a change of the clocks made doubtful.

    Returns
    -------
    Series of Datetime("us", "UTC")

    Notes
    -----
    Doubtful local times are read with the offset that held before the clocks were changed: the earlier
    of two, and one that was skipped as if the clocks had not been set yet (as RFC 5545 has it).

    Examples
    --------
    >>> from datetime import datetime
    >>> to_utc(pl.Series([datetime(2026, 3, 29, 2, 30)]), "Europe/Berlin")[0].isoformat()
    '2026-03-29T01:30:00+00:00'
    """
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone:
        return times.dt.convert_time_zone("UTC").cast(UTC_MICROSECONDS)
    naive = times.cast(pl.Datetime("us"))
    if timezone == "UTC":
        return naive.dt.replace_time_zone("UTC")
    local = naive.dt.replace_time_zone(timezone, ambiguous="null", non_existent="null")
    doubtful = local.is_null() & naive.is_not_null()
    if doubtful.any():
        settled = _before_the_change(naive.filter(doubtful), timezone, changes or ClockChanges())
        local = local.scatter(doubtful.arg_true(), settled)
    return local.dt.convert_time_zone("UTC")


def _before_the_change(naive: pl.Series, timezone: str, changes: ClockChanges) -> pl.Series:
    """Return doubtful local times with the offset of the day before."""
    earlier = naive.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    skipped = earlier.is_null()
    n_skipped = int(skipped.sum())
    changes.n_ambiguous += len(naive) - n_skipped
    changes.n_nonexistent += n_skipped
    if not n_skipped:
        return earlier
    day_before = pl.select(naive.filter(skipped) - _A_DAY).to_series()
    known = day_before.dt.replace_time_zone(timezone, ambiguous="earliest")
    on_time = pl.select(known.dt.convert_time_zone("UTC") + _A_DAY).to_series()
    return earlier.scatter(skipped.arg_true(), on_time.dt.convert_time_zone(timezone))
