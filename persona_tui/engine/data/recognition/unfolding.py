"""Tables whose rows hold several events each, unfolded to one event a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from persona_tui.engine.data.readers.tables import LINE, Batch, Table

ACTIONS: Final = "actionDetails"
_FIELDS: Final = (
    *("timestamp", "type", "url", "pageTitle", "eventCategory", "eventAction", "eventName", "subtitle"),
)
_PREFIX: Final = "action_"


def unfold(table: Table) -> Table:
    """Return a table of one event a row: itself, but for visits that list their actions.

    Parameters
    ----------
    table : Table

    Notes
    -----
    Matomo gives a row a visit, and its actions within ``actionDetails``; they become columns
    ``action_timestamp``, ``action_type``, …, and the columns of the visit stand beside each.
    """
    return _Unfolded(table) if {ACTIONS, "idVisit", "visitorId"} <= set(table.schema) else table


class _Unfolded:
    def __init__(self, table: Table) -> None:
        self._table = table
        kind = table.schema[ACTIONS]
        own = {f"{_PREFIX}{name}": pl.String() for name in _FIELDS}
        if isinstance(kind, pl.List) and isinstance(kind.inner, pl.Struct):
            present = {each.name for each in kind.inner.fields}
            own = {name: each for name, each in own.items() if name.removeprefix(_PREFIX) in present}
        self._own = own
        outer = {name: each for name, each in table.schema.items() if name not in {ACTIONS, *_OF_THE_VISIT}}
        self.schema = pl.Schema({**outer, **own})

    @property
    def name(self) -> str:
        return self._table.name

    @property
    def size(self) -> int:
        return self._table.size

    @property
    def n_rows(self) -> None:
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self._table.notes, "visits are unfolded: a row for each of their actions")

    @property
    def decimal_comma(self) -> bool:
        return getattr(self._table, "decimal_comma", False)

    def head(self, n_rows: int = 1_000) -> pl.DataFrame:
        return self._unfolded(self._table.head(n_rows), list(self.schema)).head(n_rows)

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        outer = [name for name in columns if name not in self._own]
        for batch in self._table.batches([*outer, ACTIONS]):
            yield replace(batch, frame=self._unfolded(batch.frame, [LINE, *columns]))

    def fingerprint(self) -> str:
        return self._table.fingerprint()

    def _unfolded(self, frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
        names = [name.removeprefix(_PREFIX) for name in self._own]
        actions = pl.col(ACTIONS)
        if frame.schema[ACTIONS] == pl.String:
            actions = actions.str.json_decode(pl.List(pl.Struct(dict.fromkeys(names, pl.String))))
        rows = frame.with_columns(actions).explode(ACTIONS, empty_as_null=True)  # no action is no event
        fields = [
            pl.col(ACTIONS).struct.field(name).cast(pl.String).alias(f"{_PREFIX}{name}") for name in names
        ]
        return rows.with_columns(fields).select(columns)


_OF_THE_VISIT: Final = ("timestamp", "serverTimestamp", "serverTimePretty", "serverTimePrettyFirstAction")
"""Times of the visit, where those of its actions are at hand."""
