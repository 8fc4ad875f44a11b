"""Recognise how a column writes its times and turn it into UTC."""

from __future__ import annotations

import polars as pl

from persona_tui.engine.errors import DataError

UTC_MICROSECONDS = pl.Datetime("us", "UTC")
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y")
_CLOCKS = ("%H:%M:%S%.f", "%H:%M")
FORMATS = (
    *(f"{date}{joint}{clock}" for date in _DATES for joint in ("T", " ") for clock in _CLOCKS),
    "%Y%m%dT%H%M%S",
    *_DATES,
)
_PROBE = 1_000
_EPOCHS = (("s", 1e11, 1_000_000), ("ms", 1e14, 1_000), ("us", 1e17, 1))
_YEAR_1, _YEAR_10000 = -62_135_596_800_000_000, 253_402_300_800_000_000
"""Microseconds since 1970 that a date can express: from the first to before the second."""


def parse_times(column: pl.Series) -> pl.Series:
    """Return a column of times as UTC microseconds, null where a value cannot be read.

    Parameters
    ----------
    column : Series
        Text, numbers (seconds, milli-, micro- or nanoseconds since 1970, told by their size)
        or times; times without a zone are taken as UTC.

    Raises
    ------
    DataError
        If no value of the column can be read.

    Examples
    --------
    >>> parse_times(pl.Series(["2026-03-02T09:14:05.123Z", "soon"])).to_list()[1] is None
    True
    """
    if isinstance(column.dtype, (pl.Datetime, pl.Date)):
        return _as_utc(column)
    if column.dtype.is_numeric():
        parsed = _from_epoch(column)
    elif column.dtype == pl.Duration or column.dtype.is_nested():
        parsed = pl.Series(column.name, [None] * len(column), dtype=UTC_MICROSECONDS)
    else:
        text = column.cast(pl.String).str.strip_chars()
        numbers = text.cast(pl.Float64, strict=False)
        is_numeric = numbers.null_count() <= column.null_count() + 0.5 * len(column)
        parsed = _from_epoch(text) if is_numeric and numbers.drop_nulls().len() else _from_text(text)
    if parsed.null_count() == len(parsed):
        example = column.drop_nulls().head(1).to_list()
        raise DataError(
            f"No time of column '{column.name}' could be read; the first is {str(example[0])!r}."
            if example
            else f"Column '{column.name}' holds no time.",
            hint="Write times as 2026-03-02T09:14:05Z or as seconds since 1970, or name another column "
            "with --column timestamp=NAME",
        )
    return parsed


def _as_utc(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        return column.dt.convert_time_zone("UTC").cast(UTC_MICROSECONDS)
    return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _from_epoch(column: pl.Series) -> pl.Series:
    numbers = column.cast(pl.Float64, strict=False)
    finite = numbers.filter(numbers.is_finite())
    middle = abs(float(finite.median() or 0.0))  # type: ignore[arg-type]  # a float for a float column
    factor = next((each for _, below, each in _EPOCHS if middle < below), None)
    whole = (numbers * (factor or 1e-3)).round().cast(pl.Int64, strict=False)
    if factor is None:  # today's nanoseconds need more digits than a float has
        whole = (column.cast(pl.Int64, strict=False) // 1_000).fill_null(whole)
    known = whole.set((whole < _YEAR_1) | (whole >= _YEAR_10000), None)
    return known.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _from_text(text: pl.Series) -> pl.Series:
    text = text.str.replace(r"(?:Z| UTC)$", "+00:00")
    formats = [zone for each in FORMATS for zone in (each, f"{each}%#z")]
    probe = text.drop_nulls().head(_PROBE)
    ranked = sorted(formats, key=lambda each: _parse(probe, each).null_count())
    parsed = _parse(text, ranked[0])
    for each in ranked[1:]:
        left = parsed.is_null() & text.is_not_null()
        if not left.any():
            break
        more = _parse(text.filter(left), each)
        if more.null_count() < len(more):
            parsed = parsed.scatter(left.arg_true(), more)
    return parsed


def _parse(text: pl.Series, template: str) -> pl.Series:
    parsed = text.str.to_datetime(template, strict=False, time_unit="us", cache=False)
    return _as_utc(parsed)
