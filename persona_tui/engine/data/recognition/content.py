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
_MOST_EVENTS: Final = 0.05
"""Different values a row: event names are few."""
_FEWEST_USERS: Final = 0.05
_MOST_USERS: Final = 0.95
"""Different values a row: ids are many, and come again."""
_CLEAR: Final = 1.5
"""How many times as good a time column must be, and how many more users than events there must be."""
_VARIED: Final = 0.5
"""Share of users who do different things: what is told of users does not change, what they do does."""
_LOCATION: Final = r"[/\s]"
"""Ids have neither slashes nor blanks."""


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
    coded = [name for name, kind in head.schema.items() if isinstance(kind, pl.Categorical | pl.Enum)]
    head = head.with_columns(pl.col(coded).cast(pl.String))
    known = detect_columns(head.columns, given, without=without, required=False)
    guessed = [part for part in REQUIRED if part not in known and part not in without]
    if head.height < 2:
        return None
    if "timestamp" in guessed:
        free = [name for name in head.columns if name not in known.values()]
        scored = sorted(((_like_times(head[name]), name) for name in free), reverse=True)
        if not scored or scored[0][0] <= 0:
            return None
        if len(scored) > 1 and scored[0][0] < _CLEAR * scored[1][0]:
            raise _unclear("timestamp", [scored[0][1], scored[1][1]])
        known["timestamp"] = scored[0][1]
    pairs = [] if set(guessed) <= {"timestamp"} else _pairs(head, known, without)
    for place, part in enumerate(("user_id", "event_type")):
        if part not in guessed:
            continue
        names = list(dict.fromkeys(pair[place] for pair in pairs))
        if not names:
            return None
        if len(names) > 1:
            raise _unclear(part, names)
        known[part] = names[0]
    reasons = {part: _reason(part, head[known[part]]) for part in guessed}
    return Guess(columns=known, reasons=reasons, confidence=CONFIDENCE)


_WORDS: Final = {"user_id": "user", "timestamp": "time", "event_type": "event"}


def _reason(part: str, column: pl.Series) -> str:
    n_distinct, n_rows = column.drop_nulls().n_unique(), column.len()
    return f"'{column.name}' looks like {_WORDS[part]}s ({n_distinct:,} different in {n_rows:,} rows)"


def _unclear(part: str, names: list[str]) -> DataError:
    return DataError(
        f"'{names[0]}' and '{names[1]}' could both be the {_WORDS[part]}.",
        hint=f"Say which one it is: --column {part}={names[0]}",
    )


def _pairs(head: pl.DataFrame, known: Mapping[str, str], without: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the columns that could be user and event together; a part had otherwise is an empty name."""
    free = [name for name in head.columns if name not in known.values()]
    users, events = (
        [""] if part in without else [known[part]] if part in known else list(filter(fits, free))
        for part, fits in (
            ("user_id", lambda name: _like_users(head[name])),
            ("event_type", lambda name: _like_events(head[name])),
        )
    )
    return [(user, event) for user in users for event in events if _fit_together(head, user, event)]


def _fit_together(head: pl.DataFrame, user: str, event: str) -> bool:
    """Return whether there are clearly more users than events, and most users do different things."""
    if not user or not event:
        return True
    if user == event:
        return False
    rows = head.select(user=user, event=event).drop_nulls()
    if rows["user"].n_unique() < _CLEAR * rows["event"].n_unique():
        return False
    by_user = rows.group_by("user").agg(n=pl.len(), n_events=pl.col("event").n_unique())
    several = by_user.filter(pl.col("n") > 1)["n_events"]
    return several.len() > 0 and (several > 1).sum() >= _VARIED * several.len()


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


def _like_events(column: pl.Series) -> bool:
    """Return whether a column looks like names of events: text of few values that repeat."""
    texts = column.drop_nulls()
    if column.dtype != pl.String or texts.cast(pl.Float64, strict=False).null_count() == 0:
        return False
    return 2 <= texts.n_unique() <= max(5, _MOST_EVENTS * len(texts)) and len(texts) > len(column) / 2


def _like_users(column: pl.Series) -> bool:
    """Return whether a column looks like ids: text or whole numbers, many values that come again."""
    values = column.drop_nulls()
    if column.dtype != pl.String and not column.dtype.is_integer():
        return False
    if column.dtype == pl.String and values.str.contains(_LOCATION).any():
        return False
    least, most = max(3, _FEWEST_USERS * len(values)), _MOST_USERS * len(values)
    return least <= values.n_unique() <= most and len(values) > len(column) / 2
