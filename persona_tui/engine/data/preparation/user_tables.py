"""Join a table of users, of any format that logs have, to the rows of a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.preparation.attribute_texts import as_texts
from persona_tui.engine.data.preparation.distinct import DistinctHashes
from persona_tui.engine.data.preparation.steps import PREPARATIONS, Doing, free_name
from persona_tui.engine.data.readers.tables import LINE, Table, no_rejects
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.params import param

_KEY: Final = "__key__"
_ROW: Final = "__row__"
_FILE: Final = "__file__"


@PREPARATIONS.register("join", help="Add the columns of a table of users as attributes.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Add the columns of a table of users as attributes."""

    table: str = param(kind="text", help="The table: a file of any format that logs have.")
    on: str = param(kind="text", default="user_id", help="Its column of user ids.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Joining(self)


class _Joining(Doing):
    changes_rows = True

    def __init__(self, step: Join) -> None:
        from persona_tui.engine.data.readers.sources import open_source  # noqa: PLC0415 - imports this package

        table = open_source(step.table)
        self._name = table.name
        self._users, self._told = _read_users(table, step.on)
        self._met = np.zeros(self._users.height, dtype=bool)
        self._strangers = DistinctHashes()
        self._stranger = ""

    def settle(self, names: tuple[str, ...]) -> tuple[str, ...]:
        calls: dict[str, str] = {}
        for name in self._users.columns[2:]:
            calls[name] = called = free_name(name, "users.", names)
            names = (*names, called)
            if called != name:
                self._told.append(f"column '{name}' of '{self._name}' called '{called}'")
        self._users = self._users.rename(calls)  # at once: one may get the name that another had
        return names

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        distinct = rows.select(pl.col("user_id").unique())
        met = distinct.with_columns(pl.col("user_id").cast(pl.String).alias(_KEY)).join(
            self._users, on=_KEY, how="left"
        )
        self._met[met[_ROW].drop_nulls().to_numpy()] = True
        strangers = met.filter(pl.col(_ROW).is_null())[_KEY]
        self._strangers.add(strangers.hash())
        self._stranger = self._stranger or str(strangers.min() or "")
        known = met.filter(pl.col(_ROW).is_not_null()).drop(_KEY, _ROW)
        return rows.join(known, on="user_id", how="left", maintain_order="left")

    def told(self) -> tuple[str, ...]:
        without = self._strangers.count()
        n = int(self._met.sum()) + without
        if n == without > 0:
            known = f"'{self._users[_KEY][0]}'" if self._users.height else "nobody"
            raise DataError(
                f"No user is in '{self._name}': it has {known}, the log '{self._stranger}'.",
                hint="Name its column of user ids: join:table=FILE,on=COLUMN",
            )
        return (f"users joined with '{self._name}': {without:,} of {n:,} users are not in it", *self._told)


def _read_users(table: Table, on: str) -> tuple[pl.DataFrame, list[str]]:
    """Return a table with its row and its key first, and what was left out of it.

    A user twice in it is an error.
    """
    if on not in table.schema:
        raise unknown_name(f"column of '{table.name}'", on, list(table.schema))
    for name in (_KEY, _ROW, _FILE):
        if name in table.schema:
            raise DataError(f"'{table.name}' has a column '{name}', a reserved name.", hint="Rename it.")
    frames, rejects = [], [no_rejects()]
    for batch in table.batches(list(table.schema)):
        rejects.append(batch.rejects)
        frames.append(batch.frame.with_columns(pl.lit(batch.file).alias(_FILE)))
    if not frames:
        raise DataError(f"'{table.name}' holds no rows.")
    frame, rejected = pl.concat(frames), pl.concat(rejects)
    keys = as_texts(frame[on]).str.strip_chars().replace("", None).alias(_KEY)
    _require_once(frame.select(LINE, _FILE, keys).drop_nulls(_KEY))
    users = frame.drop(LINE, _FILE, on).insert_column(0, keys).drop_nulls(_KEY).with_row_index(_ROW)
    told = []
    if rejected.height:
        first = f"{rejected['reason'][0]} (line {rejected['line'][0]})"
        told.append(f"rows of '{table.name}' that could not be read: {rejected.height:,}, the first: {first}")
    if n_without := keys.null_count():
        told.append(f"rows of '{table.name}' without '{on}' left out: {n_without:,}")
    return users, told


def _require_once(places: pl.DataFrame) -> None:
    twice = places.filter(pl.col(_KEY).is_duplicated())
    if twice.is_empty():
        return
    user = twice[_KEY][0]
    found = twice.filter(pl.col(_KEY) == user)
    lines = [f"{file} line {line}" for file, line in found.select(_FILE, LINE).head(2).iter_rows()]
    raise DataError(
        f"User '{user}' is in the table more than once: {lines[0]}, {lines[1]}.",
        hint="Keep one row for each user.",
    )
