"""What was wrong with a log, row by row, and what it holds in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import polars as pl

MAX_EXAMPLES: Final = 3
MAX_CHARACTERS: Final = 40
"""Of a name or a value in an example."""
REJECT_COLUMNS: Final = {"line": pl.Int64, "reason": pl.String, "content": pl.String}

Severity: TypeAlias = Literal["dropped", "repaired", "kept"]
"""What was done with what a finding is about."""
Counted: TypeAlias = Literal["rows", "users", "sessions", "event types", "columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a reader of the log should know.

    Parameters
    ----------
    kind : str
        Its name for programs, as ``out_of_order``.
    count : int
        How many rows (users, …) it is about.
    share : float
        Of all rows (users, …), from 0 to 1.
    sentence : str
        What it is, in plain words.
    examples : tuple of str
        The first places or names, at most three.
    severity : {"dropped", "repaired", "kept"}
        What was done.
    counted : {"rows", "users", "sessions", "event types", "columns"}
        What ``count`` counts.
    """

    kind: str
    count: int
    share: float
    sentence: str
    examples: tuple[str, ...] = ()
    severity: Severity = "kept"
    counted: Counted = "rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRow:
    """A row of the quality table, as it is shown."""

    reason: str
    count: str
    share: str
    done: str
    examples: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quality:
    """What was dropped or repaired while loading, and what is odd in what was kept.

    Parameters
    ----------
    rejects : DataFrame
        ``file``, ``line`` (in it, the header being line 1), ``reason`` and ``content`` of every row left out.
    n_duplicates : int
        Rows left out because an earlier row is equal in every column.
    repairs : tuple of str
        What was changed, a sentence each.
    duplicate_examples : tuple of str
        Where the first duplicates stand, as ``place`` writes it.
    findings : tuple of Finding
        What the checks of rows and of the log found.
    n_rows_read : int
        All rows of the source, with those left out.
    """

    rejects: pl.DataFrame
    n_duplicates: int = 0
    repairs: tuple[str, ...] = ()
    duplicate_examples: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    n_rows_read: int = 0

    @property
    def n_rejected(self) -> int:
        """Return the number of rows left out because they could not be used."""
        return self.rejects.height

    @property
    def rejected_share(self) -> float:
        """Return the share of the rows read that could not be used, from 0 to 1."""
        return share_of(self.n_rejected, self.n_rows_read)

    def sentences(self) -> list[str]:
        """Return what was dropped and repaired in plain words, with lines as examples."""
        several = self.rejects["file"].n_unique() > 1
        told = []
        for reason, n_rows, files, lines in self._by_reason():
            places = [place(*each) for each in zip(files, lines, strict=True)]
            shown = ", ".join(places if several else map(str, lines))
            more = ", …" if n_rows > MAX_EXAMPLES else ""
            told.append(f"{n_rows:,} rejected: {reason} ({shown if several else f'line {shown}'}{more})")
        if self.n_duplicates:
            told.append(f"{self.n_duplicates:,} exact duplicates dropped")
        return told + list(self.repairs)

    def everything(self) -> tuple[Finding, ...]:
        """Return rejects by reason, duplicates and the other findings, what was dropped first."""
        rejected = [
            Finding(
                kind="rejected",
                count=n_rows,
                share=share_of(n_rows, self.n_rows_read),
                sentence=reason,
                examples=tuple(place(*each) for each in zip(files, lines, strict=True)),
                severity="dropped",
            )
            for reason, n_rows, files, lines in self._by_reason()
        ]
        copies = (duplicates(self.n_duplicates, self.n_rows_read, self.duplicate_examples),)
        order: tuple[Severity, ...] = ("dropped", "repaired", "kept")
        others = sorted(self.findings, key=lambda each: order.index(each.severity))
        return (*rejected, *(copies if self.n_duplicates else ()), *others)

    def table(self) -> list[QualityRow]:
        """Return the quality table as text: what, how many, which share, what was done, where.

        Examples
        --------
        >>> from persona_tui.engine.data.readers.tables import REJECT_COLUMNS
        >>> rejects = pl.DataFrame([("a.csv", 7, "no user", "")], REJECT_COLUMNS, orient="row")
        >>> Quality(rejects=rejects, n_rows_read=1_000).table()[0]
        QualityRow(reason='no user', count='1 row', share='0.1%', done='dropped', examples='a.csv line 7')
        """
        return [
            QualityRow(
                reason=each.sentence,
                count=f"{each.count:,} {each.counted if each.count != 1 else each.counted[:-1]}",
                share=percent(each.share),
                done=each.severity,
                examples=", ".join(each.examples) + (", …" if each.count > len(each.examples) > 0 else ""),
            )
            for each in self.everything()
        ]

    def as_document(self) -> dict[str, Any]:
        """Return the report for JSON."""
        return {
            "rows_read": self.n_rows_read,
            "rejected": self.n_rejected,
            "rejected_share": self.rejected_share,
            "duplicates": self.n_duplicates,
            "repairs": list(self.repairs),
            "findings": [
                {
                    "kind": each.kind,
                    "count": each.count,
                    "counted": each.counted,
                    "share": each.share,
                    "sentence": each.sentence,
                    "severity": each.severity,
                    "examples": list(each.examples),
                }
                for each in self.everything()
            ],
        }

    def as_kept(self) -> dict[str, Any]:
        """Return what ``from_kept`` makes it of again, beside the rejects."""
        kept = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "rejects"}
        return {**kept, "findings": [asdict(each) for each in self.findings]}

    @classmethod
    def from_kept(cls, kept: Mapping[str, Any], rejects: pl.DataFrame) -> Quality:
        """Return the report that ``as_kept`` was called on."""
        findings = tuple(
            Finding(**{**each, "examples": tuple(each["examples"])}) for each in kept["findings"]
        )
        texts = {name: tuple(kept[name]) for name in ("repairs", "duplicate_examples")}
        return cls(rejects=rejects, **{**kept, **texts, "findings": findings})

    def _by_reason(self) -> list[tuple[str, int, list[str], list[int]]]:
        """Return reason, number, and files and lines of the first rejects, the commonest reason first."""
        return (
            self.rejects.group_by("reason", maintain_order=True)
            .agg(n=pl.len(), files=pl.col("file").head(MAX_EXAMPLES), lines=pl.col("line").head(MAX_EXAMPLES))
            .sort("n", "reason", descending=[True, False])
            .rows()
        )


def duplicates(n_duplicates: int, n_rows: int, examples: tuple[str, ...]) -> Finding:
    """Return that rows were left out because an earlier one is equal in every column."""
    return Finding(
        kind="duplicates",
        count=n_duplicates,
        share=share_of(n_duplicates, n_rows),
        sentence="exact duplicates of an earlier row",
        examples=examples[:MAX_EXAMPLES],
        severity="dropped",
    )


def place(file: str | None, line: int) -> str:
    """Return where a row stands, as it is told.

    Examples
    --------
    >>> place("logs/march.csv", 7), place(None, 7)
    ('logs/march.csv line 7', 'line 7')
    """
    return f"{file} line {line}" if file else f"line {line}"


def shortened(text: str) -> str:
    """Return a name or a value as an example shows it.

    Examples
    --------
    >>> shortened("https://shop.example/basket?utm_source=newsletter&utm_medium=email")
    'https://shop.example/basket?utm_source=n…'
    """
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def share_of(part: int, whole: int) -> float:
    """Return a share; 0 of nothing."""
    return part / whole if whole else 0.0


def percent(share: float) -> str:
    """Return a share with the digits that it needs to differ from none and from all.

    Examples
    --------
    >>> percent(0.018), percent(1.0), percent(0.00001), percent(0.99999)
    ('1.8%', '100%', '0.001%', '99.999%')
    """
    hundredfold = 100 * share
    digits = next((n for n in range(1, 9) if round(hundredfold, n) not in {0.0, 100.0}), 1)
    return f"{hundredfold:.{digits}f}".rstrip("0").rstrip(".") + "%"


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
