"""Guess from what columns hold which is the user, the time and the event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from persona_tui.engine.data.schema import REQUIRED, detect_columns
from persona_tui.engine.data.times import read_times
from persona_tui.engine.errors import DataError

CONFIDENCE: Final = 0.5
_MOST_EVENTS: Final = 0.2
"""Different values a row: event names repeat."""
_CLEAR: Final = 1.5
"""How many times as good the best column must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """Which column looks like which part.

    Parameters
    ----------
    columns : dict
        Canonical name to column.
    reasons : dict
        Canonical name to why, in words.
    confidence : float
    """

    columns: dict[str, str]
    reasons: dict[str, str]
    confidence: float


def guess_columns(
    head: pl.DataFrame, given: Mapping[str, str], *, without: tuple[str, ...] = ()
) -> Guess | None:
    """Return which columns look like what a log needs, None where too little tells.

    Parameters
    ----------
    head : DataFrame
        The first rows of a table.
    given : mapping
        Canonical name to column, where it is known.
    without : tuple of str
        Parts that are had otherwise.

    Raises
    ------
    DataError
        If two columns are about equally good.
    """
    known = {**_by_name(list(head.columns), given, without)}
    reasons: dict[str, str] = {}
    n_rows = head.height
    if n_rows < 2:
        return None
    for part, measure in (("timestamp", _like_times), ("event_type", _like_events), ("user_id", _like_users)):
        if part in known or part in without:
            continue
        free = [name for name in head.columns if name not in known.values()]
        scored = sorted(((measure(head[name]), name) for name in free), reverse=True)
        if not scored or scored[0][0] <= 0:
            return None
        if len(scored) > 1 and scored[0][0] < _CLEAR * scored[1][0]:
            raise DataError(
                f"'{scored[0][1]}' and '{scored[1][1]}' could both be the {_WORDS[part]}.",
                hint=f"Say which one it is: --column {part}={scored[0][1]}",
            )
        known[part] = scored[0][1]
        n_distinct = head[known[part]].n_unique()
        reasons[part] = (
            f"'{known[part]}' looks like {_WORDS[part]}s ({n_distinct:,} different in {n_rows:,} rows)"
        )
    return Guess(columns=known, reasons=reasons, confidence=CONFIDENCE)


_WORDS: Final = {"user_id": "user", "timestamp": "time", "event_type": "event"}


def _by_name(names: list[str], given: Mapping[str, str], without: tuple[str, ...]) -> dict[str, str]:
    """Return the parts that names alone tell."""
    needed = tuple(part for part in REQUIRED if part not in given)
    return detect_columns(names, given, without=(*without, *needed), required=False)


def _like_times(column: pl.Series) -> float:
    """Return how much a column looks like times: the share that is read, if they are of our age."""
    if column.dtype == pl.Boolean or column.dtype.is_nested():
        return 0.0
    try:
        times = read_times(column.drop_nulls()).parse(column).drop_nulls()
    except DataError:
        return 0.0
    since, until = pl.datetime(1990, 1, 1, time_zone="UTC"), pl.datetime(2100, 1, 1, time_zone="UTC")
    plausible = times.to_frame().select(pl.all().is_between(since, until).mean()).item()
    varied = times.n_unique() > min(3, len(times) // 2)
    return len(times) / len(column) * float(plausible or 0.0) if varied else 0.0


def _like_events(column: pl.Series) -> float:
    """Return how much a column looks like names of events: text of few values that repeat."""
    texts = column.drop_nulls()
    if (
        column.dtype != pl.String
        or texts.is_empty()
        or texts.cast(pl.Float64, strict=False).null_count() == 0
    ):
        return 0.0
    n_distinct = texts.n_unique()
    if n_distinct < 2 or n_distinct > max(_MOST_EVENTS * len(texts), 3):
        return 0.0
    return len(texts) / len(column) * min(n_distinct, 12) / 12


def _like_users(column: pl.Series) -> float:
    """Return how much a column looks like ids: many values, each of which may repeat."""
    values = column.drop_nulls()
    if column.dtype.is_float() or column.dtype.is_nested() or column.dtype.is_temporal() or values.is_empty():
        return 0.0
    distinct = values.n_unique() / len(values)
    if not 0.01 < distinct < 0.95:
        return 0.0
    return len(values) / len(column) * distinct
