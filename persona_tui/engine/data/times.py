"""Recognise how a column writes its times and turn it into UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Literal, TypeAlias

import polars as pl

from persona_tui.engine.data.time_formats import (
    DateOrder,
    DateOrderEvidence,
    date_in_words,
    has_zone,
    parse_calendar_numbers,
    parse_texts,
    rank_formats,
)
from persona_tui.engine.data.time_zones import UTC_MICROSECONDS, ClockChanges, check_timezone, to_utc
from persona_tui.engine.errors import DataError, unknown_name

__all__ = ["UTC_MICROSECONDS", "ClockChanges", "TimeReading", "TimeUnit", "parse_times", "read_times"]

TimeUnit: TypeAlias = Literal["s", "ms", "us", "ns", "excel", "calendar"]
"""What a time that is a number counts: since 1970, days since 1900, or the digits of a date."""

_PROBE: Final = 1_000
_UNITS: Final[dict[str, str]] = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
_BELOW: Final[dict[TimeUnit, float]] = {"s": 1e11, "ms": 1e14, "us": 1e17}
"""Up to what size a number counts seconds, …; the sizes of 1973 to 5138 do not overlap."""
_MICROSECONDS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
_YEAR_1, _YEAR_10000 = -62_135_596_800_000_000, 253_402_300_800_000_000
"""Microseconds since 1970 that a date can express: from the first to before the second."""
_EXCEL_EPOCH_DAYS: Final = 25_569
"""Of 1970-01-01 in a spreadsheet."""
_DAY_MICROSECONDS: Final = 86_400_000_000
_HINT: Final = (
    "Write times as 2026-03-02T09:14:05Z or as seconds since 1970, or name another column "
    "with --column timestamp=NAME"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeReading:
    """How a column writes its times, so that every batch of it is read in the same way.

    Parameters
    ----------
    sample : Series
        What it was told from.
    formats : tuple of str
        Templates of times that are text, the most frequent first.
    unit : {"s", "ms", "us", "ns", "excel", "calendar"}, optional
        What times that are numbers count; ``calendar`` writes the digits of a date (``20260302``).
    timezone : str
        Of times that do not say theirs.
    order : {"day-first", "month-first"}, optional
        Of dates such as ``03/02/2026``.
    ambiguous : bool
        If the sample does not tell: ``settle`` looks at more.
    notes : tuple of str
        What was settled, a sentence each.
    """

    sample: pl.Series
    formats: tuple[str, ...] = ()
    unit: TimeUnit | None = None
    timezone: str = "UTC"
    order: DateOrder | None = None
    ambiguous: bool = False
    notes: tuple[str, ...] = ()

    def parse(self, column: pl.Series, changes: ClockChanges | None = None) -> pl.Series:
        """Return times as UTC microseconds, null where they cannot be read.

        Parameters
        ----------
        column : Series
            Text, numbers, dates or datetimes.
        changes : ClockChanges, optional
            Counted up by local times that a change of the clocks made doubtful.

        Returns
        -------
        Series of Datetime("us", "UTC")
        """
        if isinstance(column.dtype, (pl.Datetime, pl.Date)):
            return to_utc(column, self.timezone, changes)
        if column.dtype.is_numeric():
            return _from_numbers(column, self.unit, self.timezone, changes)
        if not _is_text(column.dtype):
            return pl.Series(column.name, [None] * len(column), dtype=UTC_MICROSECONDS)
        text = column.cast(pl.String)
        if self.unit is None:
            parsed = parse_texts(text, self.formats, self.timezone, changes)
        else:
            parsed = _from_numbers(text, self.unit, self.timezone, changes)
        rows = (parsed.is_null() & text.is_not_null()).arg_true()
        left = text.gather(rows)
        others = rank_formats(left.unique(), self.order)
        if not others:
            return parsed
        return parsed.scatter(rows, parse_texts(left, others, self.timezone, changes))

    def settle(self, columns: Iterator[pl.Series]) -> TimeReading:
        """Return the reading with nothing ambiguous, looking through the column until a value decides.

        Parameters
        ----------
        columns : iterator of Series
            The batches of the column, from the first.

        Raises
        ------
        DataError
            If the column holds no time at all.

        Notes
        -----
        Where no date decides, the part that varies more is taken as the day; the note gives both readings.
        """
        if not self.ambiguous:
            return self
        evidence = DateOrderEvidence.none()
        for column in columns:
            values = column.drop_nulls()
            if self.sample.is_empty() and len(values):
                found = read_times(values.head(_PROBE), timezone=self.timezone, unit=self.unit)
                return found.settle(chain([values], columns))
            if len(values):
                evidence.add(values.cast(pl.String))
            if evidence.is_decided:
                break
        if self.sample.is_empty():
            raise DataError(f"Column '{self.sample.name}' holds no time.", hint=_HINT)
        return _with_text(self, evidence)


def read_times(
    head: pl.Series, *, timezone: str = "UTC", unit: str | None = None, dates: DateOrder | None = None
) -> TimeReading:
    """Tell from the first values of a column how it writes its times.

    Parameters
    ----------
    head : Series
        The first values: text, numbers, dates or datetimes.
    timezone : str
        Of times that do not say theirs, as ``Europe/Berlin``.
    unit : {"s", "ms", "us", "ns", "excel"}, optional
        Of times that are numbers; told by their size where it is not given.
    dates : {"day-first", "month-first"}, optional
        Of dates such as ``03/02/2026``; told by parts above 12 where it is not given.

    Raises
    ------
    DataError
        If there are values and none can be read.
    UnknownNameError
        If the zone or the unit is not known.

    Examples
    --------
    >>> reading = read_times(pl.Series(["03/25/2026 9:14 PM", "03/26/2026 8:00 AM"]))
    >>> reading.order, reading.parse(pl.Series(["04/01/2026 0:05 PM", "01/04/2026 12:05 AM"]))[1].isoformat()
    ('month-first', '2026-01-04T00:05:00+00:00')
    """
    check_timezone(timezone)
    if unit is not None and unit not in {*_UNITS, "excel"}:
        raise unknown_name("time unit", unit, [*_UNITS, "excel"])
    sample = head.drop_nulls()
    reading = TimeReading(sample=sample, timezone=timezone, unit=unit, order=dates)  # type: ignore[arg-type]
    if sample.is_empty():
        return replace(reading, ambiguous=True)
    if isinstance(sample.dtype, (pl.Datetime, pl.Date)):
        naive = isinstance(sample.dtype, pl.Date) or sample.dtype.time_zone is None
        return replace(reading, notes=_zone_notes(timezone) if naive else ())
    if sample.dtype.is_numeric():
        reading = _with_numbers(reading, sample)
    elif _is_text(sample.dtype):
        text = sample.cast(pl.String).str.strip_chars()
        numbers = text.cast(pl.Float64, strict=False).drop_nulls()
        if len(numbers) >= max(0.5 * len(text), 1):
            reading = _with_numbers(reading, text)
        else:
            evidence = DateOrderEvidence.none()
            evidence.add(text)
            reading = replace(reading, sample=text, unit=None)
            if evidence.is_needed and not evidence.is_decided and dates is None:
                return replace(reading, ambiguous=True)
            reading = _with_text(reading, evidence)
    if reading.parse(sample).null_count() == len(sample):
        raise DataError(
            f"No time of column '{head.name}' could be read; the first is {str(sample[0])!r}.", hint=_HINT
        )
    return reading


def parse_times(column: pl.Series, *, timezone: str = "UTC", unit: str | None = None) -> pl.Series:
    """Return a column of times as UTC microseconds, null where a value cannot be read.

    Parameters
    ----------
    column : Series
        Text, numbers (seconds, milli-, micro- or nanoseconds since 1970, told by their size)
        or times.
    timezone : str
        Of times that do not say theirs.
    unit : {"s", "ms", "us", "ns", "excel"}, optional
        Of times that are numbers.

    Raises
    ------
    DataError
        If no value of the column can be read.
    UnknownNameError
        If the zone or the unit is not known.

    Examples
    --------
    >>> parse_times(pl.Series(["2026-03-02T09:14:05.123Z", "soon"])).to_list()[1] is None
    True
    """
    values = column.drop_nulls()
    reading = read_times(values.head(_PROBE), timezone=timezone, unit=unit)
    return reading.settle(iter([values])).parse(column)


def _is_text(dtype: pl.DataType) -> bool:
    """Return whether values that are no numbers and no times have a text that might be a time."""
    return not dtype.is_nested() and dtype not in (pl.Duration, pl.Binary)


def _with_text(reading: TimeReading, evidence: DateOrderEvidence) -> TimeReading:
    """Return how texts are read, given what is known of the order of day and month."""
    order = reading.order or (evidence.order if evidence.is_needed else None)
    formats = rank_formats(reading.sample.cast(pl.String), order)
    notes: list[str] = []
    if any(not has_zone(each) for each in formats):
        notes.extend(_zone_notes(reading.timezone))
    if any("%y" in each for each in formats):
        notes.append("years of two digits are read as 1969 to 2068")
    if reading.order is None and evidence.is_needed:
        notes.append(_order_note(evidence))
    return replace(reading, formats=formats, order=order, ambiguous=False, notes=tuple(notes))


def _order_note(evidence: DateOrderEvidence) -> str:
    order, example = evidence.order, evidence.example
    other: DateOrder = "month-first" if order == "day-first" else "day-first"
    if evidence.is_contradictory:
        return (
            f"some dates can only be day-first and others only month-first: all are read {order}, "
            f"and rows that cannot be are rejected (--dates {other} for the other way)"
        )
    if evidence.is_decided:
        return f"dates are read {order}: '{example}' can be read in no other way"
    taken, rejected = (date_in_words(example, each) for each in (order, other))
    return (
        f"whether dates are day-first or month-first is not certain: '{example}' is read as {taken}, "
        f"not as {rejected} (--dates {other} for the other way)"
    )


def _zone_notes(timezone: str) -> tuple[str, ...]:
    hint = " (--timezone NAME for another)" if timezone == "UTC" else ""
    return (f"times without a zone are read as {timezone}{hint}",)


def _with_numbers(reading: TimeReading, values: pl.Series) -> TimeReading:
    """Return how numbers are read: by the unit that is given, or by their size."""
    if reading.unit == "excel":
        return replace(reading, notes=("times are days of a spreadsheet", *_zone_notes(reading.timezone)))
    if reading.unit is not None:
        return replace(reading, notes=(f"times are read as {_UNITS[reading.unit]} since 1970",))
    whole = values.cast(pl.Int64, strict=False).drop_nulls()
    calendar = parse_calendar_numbers(whole.cast(pl.String), "UTC")
    if len(whole) and calendar.null_count() <= 0.1 * len(whole):
        told = ("numbers are read as dates, as 20260302", *_zone_notes(reading.timezone))
        return replace(reading, unit="calendar", notes=told)
    numbers = values.cast(pl.Float64, strict=False)
    sizes = numbers.filter(numbers.is_finite()).abs()
    unit = _unit_of(float(sizes.median() or 0.0))  # type: ignore[arg-type]  # a float for a float column
    notes = [f"times are read as {_UNITS[unit]} since 1970"]
    others = [each for each in map(_unit_of, sizes.to_list()) if each != unit]
    if others:
        named = " and ".join(_UNITS[each] for each in sorted(set(others)))
        notes.append(
            f"{len(others):,} of the first {len(sizes):,} times have the size of {named}: "
            f"they are read as {_UNITS[unit]} all the same"
        )
    return replace(reading, unit=unit, notes=tuple(notes))


def _unit_of(size: float) -> TimeUnit:
    return next((unit for unit, below in _BELOW.items() if size < below), "ns")


def _from_numbers(
    column: pl.Series, unit: TimeUnit | None, timezone: str, changes: ClockChanges | None
) -> pl.Series:
    """Return numbers, or texts that are numbers, as UTC microseconds."""
    if unit is None:
        return pl.Series(column.name, [None], dtype=UTC_MICROSECONDS).new_from_index(0, len(column))
    if unit == "calendar":
        whole = column if column.dtype == pl.String else column.cast(pl.Int64, strict=False)
        return parse_calendar_numbers(whole.cast(pl.String).str.strip_chars(), timezone, changes)
    if unit == "excel":
        days = _as_floats(column)
        return to_utc(_known((days - _EXCEL_EPOCH_DAYS) * _DAY_MICROSECONDS), timezone, changes)
    if column.dtype.is_integer() or column.dtype == pl.String:
        whole = column.cast(pl.Int64, strict=False)
        exact = _scaled(whole, unit)
        rows = (whole.is_null() & column.is_not_null()).arg_true()
        if rows.is_empty():
            return exact
        return exact.scatter(rows, _from_numbers(_as_floats(column.gather(rows)), unit, timezone, changes))
    factor = _MICROSECONDS.get(unit, 1e-3)
    return to_utc(_known(_as_floats(column) * factor), "UTC")


def _as_floats(column: pl.Series) -> pl.Series:
    text = column.str.strip_chars() if column.dtype == pl.String else column
    return text.cast(pl.Float64, strict=False)


def _scaled(whole: pl.Series, unit: TimeUnit) -> pl.Series:
    """Return whole numbers as UTC microseconds, exactly; null beyond the calendar."""
    if unit == "ns":
        return to_utc((whole // 1_000).cast(pl.Datetime("us")), "UTC")
    factor = _MICROSECONDS[unit]
    known = (whole >= _YEAR_1 // factor) & (whole < _YEAR_10000 // factor)
    whole = whole if known.all() else whole.set(~known, None)
    return to_utc((whole * factor).cast(pl.Datetime("us")), "UTC")


def _known(microseconds: pl.Series) -> pl.Series:
    """Return microseconds since 1970 as times without a zone; null beyond the calendar."""
    known = (microseconds >= _YEAR_1) & (microseconds < _YEAR_10000) & microseconds.is_finite()
    rounded = microseconds.set(~known, None).round().cast(pl.Int64, strict=False)
    return rounded.cast(pl.Datetime("us"))
