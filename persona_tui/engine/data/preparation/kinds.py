"""The kinds of steps that act on events and sessions; those on users stand in ``user_kinds``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

import numpy as np
import polars as pl

from persona_tui.engine.data.preparation import user_kinds  # noqa: F401 - registers its kinds
from persona_tui.engine.data.preparation.event_names import EventPatterns, require_event_name
from persona_tui.engine.data.preparation.steps import PREPARATIONS, Doing
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError
from persona_tui.engine.params import param
from persona_tui.engine.types import BoolArray


@PREPARATIONS.register("sessionise", help="Cut sessions by inactivity, although the source has its own.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sessionise:
    """Cut sessions by inactivity."""

    gap: float = param(default=30.0, low=0.01, high=100_000, unit="minutes", help="Longer silence ends one.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        doing = Doing()
        doing.session_gap = timedelta(minutes=self.gap)
        return doing


@PREPARATIONS.register("rename", help="Give event types another name; several become one.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """Give event types another name."""

    events: tuple[str, ...] = param(kind="texts", help="Names or patterns such as signup*.")
    to: str = param(kind="text", help="The name they get.")

    def __post_init__(self) -> None:
        require_event_name(self.to, "rename")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Renaming(self)


class _Renaming(Doing):
    names_events = True

    def __init__(self, step: Rename) -> None:
        self._to, self._patterns = step.to, EventPatterns(step.events)

    def called(self, name: str) -> str:
        return self._to if self._patterns.is_chosen(name) else name

    def told(self) -> tuple[str, ...]:
        self._patterns.require_matches()
        names = self._patterns.all_chosen()
        return (f"events {_listed(names)} renamed to '{self._to}'",)


@PREPARATIONS.register("drop", help="Leave event types out.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Leave event types out."""

    events: tuple[str, ...] = param(kind="texts", help="Names or patterns such as debug*.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Choosing(self.events, keep=False)


@PREPARATIONS.register("keep", help="Leave all other event types out.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Leave all other event types out."""

    events: tuple[str, ...] = param(kind="texts", help="Names or patterns such as signup*.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Choosing(self.events, keep=True)


class _Choosing(Doing):
    names_events = True

    def __init__(self, events: tuple[str, ...], *, keep: bool) -> None:
        self._patterns, self._keep = EventPatterns(events), keep
        self._tally = Tally()

    def called(self, name: str) -> str | None:
        return name if self._patterns.is_chosen(name) == self._keep else None

    def counted(self, n_before: int, n_after: int) -> None:
        self._tally.count(n_before, n_after)

    def told(self) -> tuple[str, ...]:
        self._patterns.require_matches()
        names = _listed(self._patterns.all_chosen())
        what = f"events but {names}" if self._keep else f"events {names}"
        return (self._tally.sentence(f"{what} left out"),)


class Tally:
    """How many rows a filter left."""

    def __init__(self) -> None:
        self.n_before = self.n_after = 0

    def count(self, n_before: int, n_after: int) -> None:
        """Count rows, and those of them that are left."""
        self.n_before += n_before
        self.n_after += n_after

    def sentence(self, what: str) -> str:
        """Return what was done with its number.

        Raises
        ------
        DataError
            If nothing is left.
        """
        n = self.n_before - self.n_after
        if self.n_before and not self.n_after:
            raise DataError(
                f"Preparation leaves no row: {what}, {n:,} rows.", hint="Check the steps of --prepare."
            )
        return f"{what}: {n:,} of {self.n_before:,} rows"


@PREPARATIONS.register("period", help="Leave out what happened before or after.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Leave out what happened before or after."""

    after: str = param(
        kind="text", default="", help="First time that stays, in UTC, as 2026-01-31 or with a clock."
    )
    before: str = param(kind="text", default="", help="First time that does not stay, in UTC.")

    def __post_init__(self) -> None:
        if not (self.after or self.before):
            raise DataError("period needs after=, before= or both.")
        first, last = _moment(self.after), _moment(self.before)
        if first and last and first >= last:
            raise DataError(f"period: after == {self.after}, must be before {self.before}.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Cutting(self)


class _Cutting(Doing):
    changes_rows = True

    def __init__(self, step: Period) -> None:
        self._step, self._tally = step, Tally()
        self._first, self._last = _moment(step.after), _moment(step.before)

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        kept = rows
        if self._first:
            kept = kept.filter(pl.col("timestamp") >= self._first)
        if self._last:
            kept = kept.filter(pl.col("timestamp") < self._last)
        self._tally.count(rows.height, kept.height)
        return kept

    def told(self) -> tuple[str, ...]:
        words = [f"before {self._step.after}"] if self._first else []
        words += [f"from {self._step.before} on"] if self._last else []
        return (self._tally.sentence(f"rows {' and '.join(words)} left out"),)


def _moment(text: str) -> datetime | None:
    """Return a time as UTC, which it is in where it says no zone."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise DataError(f"period: '{text}' is no time; write it as 2026-01-31 or 2026-01-31T09:30.") from None


@PREPARATIONS.register("fold_rare", help="Make one event type of all but the commonest.")
@dataclass(frozen=True, slots=True, kw_only=True)
class FoldRare:
    """Make one event type of all but the commonest."""

    keep: int = param(default=200, low=1, high=1_000_000, unit="event types", help="How many stay.")
    to: str = param(kind="text", default="other", help="What the rest is called.")

    def __post_init__(self) -> None:
        require_event_name(self.to, "fold_rare")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Folding(self)


class _Folding(Doing):
    folds_events = True

    def __init__(self, step: FoldRare) -> None:
        self._step = step
        self._said = ""

    def fold_events(self, counts: Mapping[str, int]) -> dict[str, str]:
        ranked = sorted(counts, key=lambda name: (-counts[name], name))
        rare = ranked[self._step.keep :]
        if not rare:
            self._said = f"no event type folded: there are {len(ranked):,}, and {self._step.keep:,} stay"
            return {}
        n_events, n_rare = sum(counts.values()), sum(counts[name] for name in rare)
        self._said = (
            f"{len(rare):,} rare event types folded into '{self._step.to}': {n_rare:,} of {n_events:,} rows"
        )
        return dict.fromkeys(rare, self._step.to)

    def told(self) -> tuple[str, ...]:
        return (self._said,)


@PREPARATIONS.register("collapse", help="Of an event type that repeats itself in a session, keep the first.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Collapse:
    """Of an event type that repeats itself in a session, keep the first."""

    events: tuple[str, ...] = param(kind="texts", default=("*",), help="Names or patterns such as view*.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Collapsing(self)


class _Collapsing(Doing):
    changes_journeys = True

    def __init__(self, step: Collapse) -> None:
        self._patterns = EventPatterns(step.events)
        self._n_before = self._n_after = 0
        self._lock = Lock()  # parts are built in several threads

    def keeps(self, sequences: Sequences) -> BoolArray:
        with self._lock:
            meant = np.array([self._patterns.is_chosen(name) for name in sequences.vocabulary])
        by_session = np.argsort(sequences.sessions, kind="stable")
        sessions, codes = sequences.sessions[by_session], sequences.codes[by_session]
        repeats = np.append(False, (sessions[1:] == sessions[:-1]) & (codes[1:] == codes[:-1])) & meant[codes]
        kept = np.ones(len(codes), dtype=bool)
        kept[by_session[repeats]] = False
        with self._lock:
            self._n_before += len(kept)
            self._n_after += int(kept.sum())
        return kept

    def told(self) -> tuple[str, ...]:
        self._patterns.require_matches()
        n = self._n_before - self._n_after
        return (f"repeats of an event within a session collapsed: {n:,} of {self._n_before:,} events",)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return shown + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
