"""A preparation: steps in their order, and those steps at work on one log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import polars as pl

from persona_tui.engine.data.log_parts import LogPart
from persona_tui.engine.data.preparation.steps import PREPARATIONS, Doing, Step
from persona_tui.engine.data.preparation.user_tables import Join
from persona_tui.engine.data.schema import CANONICAL
from persona_tui.engine.errors import DataError, PersonaError, unknown_name
from persona_tui.engine.params import faults_of, format_call, parameters_of, parse_call, parse_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Steps from a source to a log.

    Parameters
    ----------
    steps : tuple of Step
        In the order in which they act.

    Examples
    --------
    >>> parse_preparation(["drop:events=debug*", "sample:share=0.1"]).as_texts()
    ('drop:events=debug*', 'sample:share=0.1')
    """

    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if sum(isinstance(step, PREPARATIONS.get("sessionise")) for step in self.steps) > 1:
            raise DataError("sessionise is given twice; sessions are cut once.", hint="Keep one of them.")

    def begin(self, names: Iterable[str] = CANONICAL) -> Applied:
        """Return the steps at work on one log.

        Parameters
        ----------
        names : iterable of str
            Canonical columns and attributes of the source, whether they will be read or not.

        Raises
        ------
        DataError, UnknownNameError
            If a step needs one that is not there, or a table that it joins cannot be used.
        """
        return Applied([step.begin() for step in self.steps], names)

    def as_texts(self) -> tuple[str, ...]:
        """Return the steps as they are written; the inverse of ``parse_preparation``."""
        names = {PREPARATIONS.get(name): name for name in PREPARATIONS.names()}
        return tuple(format_call(names[type(step)], step) for step in self.steps)

    def with_tables(self, placed: Callable[[str], str]) -> Preparation:
        """Return the same steps with the tables that are joined named otherwise.

        Parameters
        ----------
        placed : callable
            From the name of a table to its new one.

        Examples
        --------
        >>> parse_preparation(["join:table=users.csv"]).with_tables(lambda name: f"/logs/{name}").as_texts()
        ('join:table=/logs/users.csv',)
        """
        return Preparation(
            steps=tuple(
                replace(step, table=placed(step.table)) if isinstance(step, Join) else step
                for step in self.steps
            )
        )

    def digest(self) -> list[str]:
        """Return the fingerprints of the tables that are joined, whose content results depend on too."""
        from persona_tui.engine.data.readers.sources import open_source  # noqa: PLC0415 - imports this package

        return [open_source(step.table).fingerprint() for step in self.steps if isinstance(step, Join)]


class Applied:
    """The steps of a preparation at work on one log.

    Parameters
    ----------
    doings : list of Doing
    names : iterable of str
        Canonical columns and attributes of the source.
    """

    def __init__(self, doings: list[Doing], names: Iterable[str]) -> None:
        self._doings = doings
        known = tuple(names)
        for each in doings:
            known = each.settle(known)
        self.needs = frozenset[str]().union(*(each.needs for each in doings))
        self._called: dict[str, str] = {}
        self.changes_journeys = any(each.changes_journeys for each in doings)

    @property
    def session_gap(self) -> timedelta | None:
        """Return after how much inactivity sessions end, where it is asked for: the last says it."""
        asked = [each.session_gap for each in self._doings if each.session_gap is not None]
        return asked[-1] if asked else None

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the next rows of the source, prepared; event types get their names when all are read.

        So a step on event types costs what the distinct ones cost, and two events at the same time that
        get the same name stay two events.
        """
        called: dict[str, str] = {}
        for each in self._doings:
            if each.names_events:
                rows, called = _named(rows, each, called)
            elif each.changes_rows:
                rows = each.rows(rows)
        self._called |= called
        return rows

    def rename_events(self, counts: Mapping[str, int]) -> dict[str, str]:
        """Return new names of event types, given the number of rows of each that were left."""
        renamed = {name: self._called.get(name, name) for name, n in counts.items() if n}
        for each in self._doings:
            if each.folds_events:
                now: Counter[str] = Counter()
                for name, called in renamed.items():
                    now[called] += counts[name]
                folded = each.fold_events(now)
                renamed = {name: folded.get(called, called) for name, called in renamed.items()}
        return {name: called for name, called in renamed.items() if name != called}

    def journeys(self, part: LogPart) -> LogPart:
        """Return a part of the log without events that steps on journeys leave out."""
        for each in self._doings:
            if each.changes_journeys:
                part = _filtered(part, each.keeps(part.sequences))
        return part

    def finish(self) -> tuple[str, ...]:
        """Return what was done to the whole log, a sentence each.

        Raises
        ------
        UnknownNameError
            If a step names something that was in no row.
        DataError
            If a step left nothing.
        """
        return tuple(sentence for each in self._doings for sentence in each.told())


def _named(rows: pl.DataFrame, step: Doing, called: Mapping[str, str]) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return the rows that a step on event types leaves, and what the event type of each is called now."""
    names = rows["event_type"].unique().cast(pl.String).to_list()
    new = {name: step.called(called.get(name, name)) for name in names}
    now = {name: word for name, word in new.items() if word is not None}
    kept = rows if len(now) == len(new) else rows.filter(pl.col("event_type").is_in(list(now)))
    step.counted(rows.height, kept.height)
    return kept, now


def _filtered(part: LogPart, kept: Any) -> LogPart:  # noqa: ANN401 - a bool array
    if kept.all():
        return part
    flat = part.sequences
    return replace(
        part,
        sequences=replace(
            flat,
            codes=flat.codes[kept],
            users=flat.users[kept],
            sessions=flat.sessions[kept],
            times=flat.times[kept],
        ),
        columns=part.columns.filter(pl.Series(kept)) if part.columns.width else part.columns,
    )


def parse_preparation(texts: Iterable[str]) -> Preparation:
    """Return the preparation that is written as texts.

    Parameters
    ----------
    texts : iterable of str
        Steps as ``name:key=value,key=value``.

    Raises
    ------
    DataError
        If a step is malformed; every fault is named.
    UnknownNameError
        If there is no such step or parameter, and nothing else is wrong.
    """
    steps, faults = [], []
    for text in texts:
        try:
            steps.append(_parse_step(text))
        except PersonaError as fault:
            faults.append(fault)
    if len(faults) > 1:
        raise DataError(" ".join(fault.message for fault in faults))
    if faults:
        raise faults[0]
    return Preparation(steps=tuple(steps))


def _parse_step(text: str) -> Step:
    try:
        name, given = parse_call(text)
    except ValueError as fault:
        raise DataError(f"--prepare '{text}': {fault}") from None
    kind = PREPARATIONS.get(name)
    declared = {each.name: each for each in parameters_of(kind)}
    for key in given:
        if key not in declared:
            raise unknown_name(f"parameter of {name}", key, declared)
    missing = [each.name for each in declared.values() if each.required and each.name not in given]
    if missing:
        raise DataError(f"{name} needs {missing[0]}: {declared[missing[0]].help}")
    try:
        values = {key: parse_value(declared[key], value) for key, value in given.items()}
    except ValueError as fault:
        raise DataError(f"{name}: {fault}") from None
    step = kind(**values)
    faults = faults_of(step)
    if faults:
        raise DataError(f"{name}: {' '.join(faults)}")
    return step
