"""From gathered rows to the parts of a log: time order, no copies, sessions, one vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.log_parts import (
    LogPart,
    copies,
    cut_sessions,
    number_sessions,
)
from persona_tui.engine.data.pipelines import in_order
from persona_tui.engine.data.preparation.preparation import Applied
from persona_tui.engine.data.rows import CODE, POSITION, as_numbers
from persona_tui.engine.data.schema import is_reserved
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.data.user_rows import UserRows, by_user
from persona_tui.engine.types import CodeArray

N_EXAMPLES: Final = 3
_PLAIN: Final = ("timestamp", CODE, POSITION)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """Event types by the code they got while rows were read.

    Parameters
    ----------
    names : tuple of str, length V
        Sorted.
    codes : int32 array
        Place in ``names`` by the code of reading.
    told : tuple of str
        What was renamed, a sentence each.
    """

    names: tuple[str, ...]
    codes: CodeArray
    told: tuple[str, ...]


def settle_vocabulary(read: list[str], present: Collection[str], renamed: Mapping[str, str]) -> Vocabulary:
    """Return the event types of a log; names that simulation needs for its own states get another.

    Parameters
    ----------
    read : list of str
        As read, by code.
    present : collection of str
        Those that some row has.
    renamed : mapping
        New names that the preparation gives.
    """
    names = [renamed.get(name, name) for name in read]
    present = {renamed.get(name, name) for name in present}
    told, moved = [], {}
    for name in sorted(filter(is_reserved, present)):
        candidate = f"event_{name}"
        while candidate in present:
            candidate = f"event_{candidate}"
        moved[name] = candidate
        present = (present - {name}) | {candidate}
        told.append(f"event '{name}' renamed to '{candidate}': the name is reserved")
    final = [moved.get(name, name) for name in names]
    sorted_names = tuple(sorted(present.intersection(final)))
    place = {name: position for position, name in enumerate(sorted_names)}
    codes = np.array([place.get(name, -1) for name in final], dtype=np.int32)
    return Vocabulary(names=sorted_names, codes=codes, told=tuple(told))


class PartBuilder:
    """Build the parts of one log, and count what is dropped on the way.

    Parameters
    ----------
    vocabulary : Vocabulary
    gap : int
        Microseconds of inactivity that end a session.
    applied : Applied
        The preparation, begun.
    session_prefix : str, optional
        Of sessions that are cut where the source names others; None where all are cut.
    duplicate_key : tuple of str
        Columns by which copies are known beside user and time; all where empty.
    keep : sequence of str, optional
        Attributes that the log has in the end; all without it.
    numeric : tuple of str
        Text columns that hold numbers.
    decimal_comma : bool
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        gap: int,
        applied: Applied,
        *,
        session_prefix: str | None,
        duplicate_key: tuple[str, ...] = (),
        keep: Sequence[str] | None = None,
        numeric: tuple[str, ...] = (),
        decimal_comma: bool = False,
        n_threads: int = 2,
    ) -> None:
        self._n_threads = n_threads
        self.vocabulary, self.gap, self._applied = vocabulary, gap, applied
        self.session_prefix = session_prefix
        self._key, self._keep = duplicate_key, keep
        self._numeric, self._decimal_comma = numeric, decimal_comma
        self._counting = Lock()
        self.n_duplicates = 0
        self.duplicate_positions: list[int] = []

    def parts(self, take: Callable[[], list[pl.DataFrame]]) -> Iterator[LogPart]:
        """Yield the parts of a bucket, given what gives its rows as ``RowReader`` makes them."""
        yield from in_order(
            self._piece, by_user(take, plain=_PLAIN, n_threads=self._n_threads), self._n_threads
        )

    def _piece(self, make: Callable[[], UserRows]) -> LogPart:
        return self._build(self._without_copies(make()))

    def _without_copies(self, found: UserRows) -> UserRows:
        repeated = copies(found, [CODE, *found.rows.columns])
        if self._key:  # of which some may not be read: too many copies are found, and all is read again
            told = [name for name in self._key if name in found.rows.columns]
            named = found.rows.select(pl.all_horizontal(pl.col(told).is_not_null())) if told else None
            by_key = copies(found, [CODE, *told])
            repeated = by_key if named is None else np.where(named.to_series().to_numpy(), by_key, repeated)
        n = int(repeated.sum())
        if not n:
            return found
        positions: list[int] = []
        if POSITION in found.plain:
            positions = found.plain[POSITION][repeated].tolist()
        with self._counting:
            self.n_duplicates += n
            self.duplicate_positions = sorted([*self.duplicate_positions, *positions])[:N_EXAMPLES]
        return found.without(repeated)

    def _build(self, found: UserRows) -> LogPart:
        rows, users, times = found.rows, found.users, found.plain["timestamp"]
        names: pl.Series | None = None
        if self.session_prefix is None:
            sessions = cut_sessions(users, times, self.gap)
        else:
            sessions, names = number_sessions(users, times, self.gap, rows["session_id"], self.session_prefix)
        columns = rows.drop("session_id", strict=False)
        if self._keep is not None:
            columns = columns.select(name for name in columns.columns if name in self._keep)
        part = LogPart(
            sequences=Sequences(
                vocabulary=self.vocabulary.names,
                user_ids=found.user_ids,
                codes=self.vocabulary.codes.take(found.plain[CODE], mode="clip"),
                users=users,
                sessions=sessions,
                times=times,
            ),
            session_ids=names,
            columns=columns.with_columns(
                as_numbers(columns[name], decimal_comma=self._decimal_comma)
                for name in self._numeric
                if name in columns.columns
            ),
        )
        return self._applied.journeys(part) if self._applied.changes_journeys else part
