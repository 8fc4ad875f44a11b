"""The ways in which people and programs write times as text.

To add one, add its date, its clock or its zone here; templates are those of ``strptime``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import polars as pl

from persona_tui.engine.data.time_zones import UTC_MICROSECONDS, ClockChanges, to_utc

DateOrder: TypeAlias = Literal["day-first", "month-first"]

_CLOCKS: Final = ("%H:%M:%S%.f", "%H:%M", "%H:%M:%S,%3f")
_AM_PM: Final = ("%I:%M:%S %p", "%I:%M %p")
_ZONES: Final = ("", "%#z", " UTC", " GMT")
_ISO_DATES: Final = ("%Y-%m-%d", "%Y/%m/%d")
_DATES: Final = ("%d.%m.%Y", "%d.%m.%y", "%B %d, %Y", "%B %d %Y", "%d %B %Y", "%d-%B-%Y", "%d-%B-%y")
_OTHERS: Final = (
    *(f"%Y%m%dT{clock}{zone}" for clock in ("%H%M%S%.f", "%H%M") for zone in _ZONES),
    *(f"%a, %d %B %Y %H:%M:%S{zone}" for zone in _ZONES),
    "%d/%B/%Y:%H:%M:%S%#z",
)
_ORDERED_DATES: Final[dict[DateOrder, tuple[str, ...]]] = {
    "day-first": ("%d/%m/%Y", "%d/%m/%y", "%d-%m-%Y"),
    "month-first": ("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y"),
}
_CALENDAR: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Dates written as one number, by the digits that they have."""
_CALENDAR_YEARS: Final = (1900, 2200)
_QUICK_FRACTIONS: Final = ("", ".%3f", ".%6f")
_QUICK_ZONES: Final = ("Z", "+00:00")
_DATE_PART: Final = r"^\s*([\d/-]+)"
_ORDER_PATTERN: Final = r"^\s*(\d{1,2})(?:/(\d{1,2})/(?:\d{4}|\d{2})|-(\d{1,2})-\d{4})(?:\D|$)"
_YEAR_1000, _YEAR_10000 = -30_610_224_000_000_000, 253_402_300_800_000_000
"""Microseconds since 1970: before, a year of two digits was taken for one of four; after, none is meant."""


def general_formats(order: DateOrder | None) -> tuple[str, ...]:
    """Return the templates that may be tried on any text, with dates in slashes only in a known order."""
    iso = _combined(_ISO_DATES, ("T", " "), _CLOCKS)
    others = _combined(_DATES, (" ",), (*_CLOCKS, *_AM_PM))
    ordered = _combined(_ORDERED_DATES[order], (" ", ", "), (*_CLOCKS, *_AM_PM)) if order else ()
    return (*iso, *others, *ordered, *_OTHERS)


def _combined(dates: tuple[str, ...], joints: tuple[str, ...], clocks: tuple[str, ...]) -> tuple[str, ...]:
    clocked = (
        f"{date}{joint}{clock}{zone}"
        for date in dates
        for joint in joints
        for clock in clocks
        for zone in _ZONES
    )
    return (*clocked, *dates)


def has_zone(template: str) -> bool:
    """Return whether times of this form say their zone."""
    return template.endswith(("%#z", " UTC", " GMT", *_QUICK_ZONES))


def rank_formats(sample: pl.Series, order: DateOrder | None) -> tuple[str, ...]:
    """Return the templates that read some of a sample of texts, the most frequent first.

    Notes
    -----
    The first may be a narrow form of the most frequent one (a fraction of just three digits, ``Z`` for any
    zone), which is read five times as fast; the wide form follows it.
    """
    text = sample.str.strip_chars()
    counts: dict[str, int] = {}
    for template in general_formats(order):
        if text.is_empty():
            break
        unread = parse_format(text, template, "UTC").is_null()
        if n_read := len(text) - int(unread.sum()):
            counts[template] = n_read
            text = text.filter(unread)
    ranked = sorted(counts, key=lambda each: -counts[each])
    if not ranked:
        return ()
    quick = _quickest(sample, ranked[0], counts[ranked[0]])
    return (*([quick] if quick else []), *ranked)


def _quickest(sample: pl.Series, template: str, n_read: int) -> str | None:
    """Return the narrow form of a template that reads nearly as much, if there is one."""
    for fraction in _QUICK_FRACTIONS if "%S%.f" in template else ():
        narrow = template.replace("%S%.f", f"%S{fraction}")
        zones = _QUICK_ZONES if narrow.endswith("%#z") else (None,)
        for each in (narrow.replace("%#z", zone) if zone else narrow for zone in zones):
            if len(sample) - parse_format(sample, each, "UTC").null_count() >= 0.9 * n_read:
                return each
    return None


def parse_format(
    text: pl.Series, template: str, timezone: str, changes: ClockChanges | None = None
) -> pl.Series:
    """Return texts of one form as UTC microseconds, null where they are not of it."""
    parsed = text.str.to_datetime(template, strict=False, time_unit="us", cache=False)
    if has_zone(template):
        timezone = "UTC"
    return to_utc(_plausible(parsed), timezone, changes)


def _plausible(times: pl.Series) -> pl.Series:
    """Return times with those nulled whose year cannot be meant."""
    numbers = times.to_physical()
    is_meant = (numbers >= _YEAR_1000) & (numbers < _YEAR_10000)
    return times if is_meant.all() else times.set(~is_meant, None)


def parse_texts(
    text: pl.Series,
    formats: Sequence[str],
    timezone: str,
    changes: ClockChanges | None = None,
) -> pl.Series:
    """Return texts as UTC microseconds, each by the first template that reads it.

    Parameters
    ----------
    text : Series of String
    formats : sequence of str
        The first should read most of them: the others are tried on what is left, without blanks around.
    timezone : str
        Of times without one.
    changes : ClockChanges, optional
    """
    if not formats:
        return pl.Series(text.name, [None], dtype=UTC_MICROSECONDS).new_from_index(0, len(text))
    parsed = parse_format(text, formats[0], timezone, changes)
    rows = (parsed.is_null() & text.is_not_null()).arg_true()
    left = text.gather(rows).str.strip_chars()
    filled = left != ""
    rows, left = rows.filter(filled), left.filter(filled)
    for template in formats:
        if left.is_empty():
            break
        more = parse_format(left, template, timezone, changes)
        read = more.is_not_null()
        if read.any():
            parsed = parsed.scatter(rows.filter(read), more.filter(read))
            rows, left = rows.filter(~read), left.filter(~read)
    return parsed


def date_in_words(text: str, order: DateOrder) -> str:
    """Return how a date with slashes is read.

    Examples
    --------
    >>> date_in_words("02/03/2026 9:14", "day-first"), date_in_words("02/03/26", "month-first")
    ('2 March 2026', '3 February 2026')
    """
    date = pl.Series([text]).str.extract(_DATE_PART)
    return str(parse_texts(date, _ORDERED_DATES[order], "UTC").dt.strftime("%-d %B %Y")[0])


def parse_calendar_numbers(
    digits: pl.Series, timezone: str, changes: ClockChanges | None = None
) -> pl.Series:
    """Return dates written as one number (``20260302``, ``20260302091405``) as UTC microseconds."""
    parsed = pl.Series(digits.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(digits))
    lengths = digits.str.len_bytes()
    first, last = (pl.datetime(year, 1, 1) for year in _CALENDAR_YEARS)
    for n_digits, template in _CALENDAR.items():
        rows = (lengths == n_digits).fill_null(value=False).arg_true()
        if rows.is_empty():
            continue
        times = digits.gather(rows).str.to_datetime(template, strict=False, time_unit="us", cache=False)
        plausible = pl.select((times >= first) & (times < last)).to_series()
        parsed = parsed.scatter(rows, times.set(~plausible, None))
    return to_utc(parsed, timezone, changes)


@dataclass(slots=True, kw_only=True)
class DateOrderEvidence:
    """What the dates with slashes of a column tell about which part is the day.

    Parameters
    ----------
    n_day_first, n_month_first : int
        Dates that can only be read in one of the two ways, for one part is above 12; equal ones of a
        batch count once.
    firsts, seconds : set of int
        The different first and second parts of all dates.
    example : str
        A date that decides, or the first one.
    """

    n_day_first: int
    n_month_first: int
    firsts: set[int]
    seconds: set[int]
    example: str

    @classmethod
    def none(cls) -> DateOrderEvidence:
        """Return that nothing has been seen."""
        return cls(n_day_first=0, n_month_first=0, firsts=set(), seconds=set(), example="")

    def add(self, text: pl.Series) -> None:
        """Take the dates of some texts into account."""
        dates = text.str.slice(0, 12).unique().sort()  # as long as two blanks and a date
        parts = (
            dates.str.extract_groups(_ORDER_PATTERN)
            .struct.unnest()
            .select(
                date=dates.str.extract(_DATE_PART),
                first=pl.col("1").cast(pl.Int64, strict=False),
                second=pl.coalesce("2", "3").cast(pl.Int64, strict=False),
            )
            .filter(pl.col("first").is_not_null())
        )
        by_day = parts.filter((pl.col("first") > 12) & (pl.col("second") <= 12))
        by_month = parts.filter((pl.col("second") > 12) & (pl.col("first") <= 12))
        decides = not self.is_decided
        for found in (by_day, by_month, parts):
            if found.height and decides and (found is not parts or not self.example):
                self.example = str(found["date"][0])
                break
        self.n_day_first += by_day.height
        self.n_month_first += by_month.height
        self.firsts |= set(parts["first"].to_list())
        self.seconds |= set(parts["second"].to_list())

    @property
    def is_decided(self) -> bool:
        """Return whether some date can be read in one way only."""
        return self.n_day_first != self.n_month_first

    @property
    def is_needed(self) -> bool:
        """Return whether there are dates whose order matters."""
        return bool(self.firsts)

    @property
    def is_contradictory(self) -> bool:
        """Return whether some dates can only be day-first and others only month-first."""
        return bool(self.n_day_first and self.n_month_first)

    @property
    def order(self) -> DateOrder:
        """Return the order that most deciding dates have; without any, the part that varies more is the day.

        Notes
        -----
        The days of a log change more often than its months; where both vary alike the day is first.
        """
        if self.is_decided:
            return "day-first" if self.n_day_first > self.n_month_first else "month-first"
        return "day-first" if len(self.firsts) >= len(self.seconds) else "month-first"
