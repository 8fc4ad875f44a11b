"""What a log shows as it is: moves between events, and who comes back."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.features import require_columns
from persona_tui.engine.data.periods import Period
from persona_tui.engine.data.retention import measure_retention
from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError
from persona_tui.engine.modeling.journeys import Journeys, cut_journeys
from persona_tui.engine.types import Unit

START: Final = "(start)"
EXIT: Final = "(exit)"
"""Where a journey comes from and goes to; in brackets, since logs have events that are called start."""


def transition_counts(events: pl.DataFrame, unit: Unit = "session") -> pl.DataFrame:
    """Return how often each event follows each other.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.
    unit : {"session", "user"}
        Under ``session`` moves stay within a session. Under ``user`` a user's sessions are
        joined in time, with the state ``return`` between two of them.

    Returns
    -------
    DataFrame
        ``source``, ``target``, ``count`` of moves and ``share`` of all moves out of the source. The
        word ``(start)`` is the source of each unit's first event, ``(exit)`` the target of its last.
        Ordered by source as the event types are, ``(start)`` first, then by count, the largest first.

    Raises
    ------
    DataError
        If a canonical column is missing, there is no event, or an event has one of these names.

    Notes
    -----
    Exits are what the log saw: a unit that was still active when the log ended counts as gone.

    Examples
    --------
    >>> from datetime import datetime
    >>> log = pl.DataFrame(
    ...     {
    ...         "user_id": ["ann", "ann", "bob"],
    ...         "session_id": ["1", "1", "2"],
    ...         "timestamp": [datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 10), datetime(2026, 3, 2, 11)],
    ...         "event_type": ["landing", "signup", "landing"],
    ...     }
    ... )
    >>> transition_counts(log).rows()
    [('(start)', 'landing', 2, 1.0), ('landing', '(exit)', 1, 0.5), ('landing', 'signup', 1, 0.5),
     ('signup', '(exit)', 1, 1.0)]
    """
    journeys = observed_journeys(events, unit)
    steps, firsts, lasts = journeys.steps, journeys.offsets[:-1], journeys.offsets[1:] - 1
    start, leave = journeys.n_states, journeys.n_states + 1
    sources = np.append(np.roll(steps, 1), steps[lasts])
    sources[firsts] = start
    moves = pl.DataFrame({"i": sources, "j": np.append(steps, np.full(len(lasts), leave, steps.dtype))})
    labels = pl.Series([*state_names(journeys), START, EXIT])
    counted = moves.group_by("i", "j").agg(count=pl.len().cast(pl.Int64))
    return (
        counted.with_columns(source=labels[counted["i"]], target=labels[counted["j"]])
        .sort(pl.col("i") != start, "i", "count", "target", descending=[False, False, True, False])
        .select("source", "target", "count", share=pl.col("count") / pl.col("count").sum().over("source"))
    )


def observed_journeys(events: pl.DataFrame, unit: Unit) -> Journeys:
    """Return the whole journeys of a log: nothing is cut, none counts as open.

    Raises
    ------
    DataError
        If a canonical column is missing, there is no event, or an event has a reserved name.
    """
    require_columns(events, ("user_id", "session_id", "timestamp", "event_type"))
    journeys = cut_journeys(encode_sequences(events), unit=unit, censor=False)
    reserved = [name for name in (START, EXIT, RETURN) if name in journeys.vocabulary]
    if reserved:
        raise DataError(f"An event is called '{reserved[0]}', which is reserved.", hint="Rename it.")
    return journeys


def state_names(journeys: Journeys) -> tuple[str, ...]:
    """Return the names of the states of journeys, by code."""
    return (*journeys.vocabulary, RETURN)[: journeys.n_states]


def retention(events: pl.DataFrame, period: Period = "week", n_periods: int = 8) -> pl.DataFrame:
    """Return which share of those who came first in one period are seen again in later ones.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.
    period : {"day", "week", "month"}
        Of the calendar, UTC; weeks begin on Monday.
    n_periods : int
        Periods that each cohort is followed, its own included; at least 1.

    Returns
    -------
    DataFrame
        One row a cohort and period: ``cohort`` (the day its first period begins), ``offset``
        (periods since then, 0 to ``n_periods - 1``), ``users`` of the cohort, ``retained`` (users with
        an event in that period), ``rate``, and ``complete``: whether the log goes on after the
        period. Periods that begin after the last event are null; the period of the last
        event is counted, but not complete.

    Raises
    ------
    UnknownNameError
        If there is no such period.
    DataError
        If a canonical column is missing, there is no event, or ``n_periods`` is below 1.

    Notes
    -----
    A cohort is those first seen in a period: users from before the log began count as new in its first.

    Examples
    --------
    >>> from datetime import datetime
    >>> log = pl.DataFrame(
    ...     {
    ...         "user_id": ["ann", "bob", "ann"],
    ...         "timestamp": [datetime(2026, 3, 2), datetime(2026, 3, 3), datetime(2026, 3, 10)],
    ...     }
    ... )
    >>> retention(log, n_periods=3)["rate"].to_list()
    [1.0, 0.5, None]
    """
    require_columns(events, ("user_id", "timestamp"))
    whole = events.select("user_id", "timestamp", session_id=pl.lit(""), event_type=pl.lit(""))
    table = measure_retention(encode_sequences(whole), period).table(n_periods)
    return table.select("cohort", "offset", "users", "retained", "rate", "complete")
