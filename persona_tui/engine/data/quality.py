"""What was wrong with a log, row by row, and what it holds in the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

MAX_EXAMPLES = 3
REJECT_COLUMNS = {"line": pl.Int64, "reason": pl.String, "content": pl.String}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quality:
    """What was dropped or repaired while loading.

    Parameters
    ----------
    rejects : DataFrame
        ``line`` (in the source, the header being line 1), ``reason`` and ``content`` of every row left out.
    n_duplicates : int
        Rows left out because an earlier row is equal in every column.
    repairs : tuple of str
        What was changed, a sentence each.
    """

    rejects: pl.DataFrame
    n_duplicates: int
    repairs: tuple[str, ...]

    @property
    def n_rejected(self) -> int:
        """Return the number of rows left out because they could not be used."""
        return self.rejects.height

    def sentences(self) -> list[str]:
        """Return what was dropped and repaired in plain words, with lines as examples."""
        by_reason = (
            self.rejects.group_by("reason", maintain_order=True)
            .agg(n=pl.len(), lines=pl.col("line").head(MAX_EXAMPLES))
            .sort("n", "reason", descending=[True, False])
        )
        told = [
            f"{row['n']:,} rejected: {row['reason']} (line {', '.join(map(str, row['lines']))}"
            f"{', …' if row['n'] > MAX_EXAMPLES else ''})"
            for row in by_reason.iter_rows(named=True)
        ]
        if self.n_duplicates:
            told.append(f"{self.n_duplicates:,} exact duplicates dropped")
        return told + list(self.repairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """What a log holds once it is loaded and cut into journeys.

    Parameters
    ----------
    events, users, sessions, event_types : int
    first, last : datetime
        Of the events, UTC.
    rejected, duplicates : int
        Rows left out.
    censored_users : int
        Users with a journey that was still open at the end of the log.
    fingerprint : str
        Of the source's content.
    """

    events: int
    users: int
    sessions: int
    event_types: int
    first: datetime
    last: datetime
    rejected: int
    duplicates: int
    censored_users: int
    fingerprint: str
