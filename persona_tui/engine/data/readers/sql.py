"""Read a table or a query of a database, streamed, by its URL (``sql_urls`` says how one is written).

To add a kind of database, write its ``Database`` in a module of its own, name it here and its scheme in
``sql_urls``.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl
import polars.selectors as cs

from persona_tui.engine.data.readers.sql_digest import ColumnDigest, combined
from persona_tui.engine.data.readers.sql_drivers import (
    Column,
    Database,
    ListedTable,
    Opener,
    Relation,
    quoted,
)
from persona_tui.engine.data.readers.sql_urls import SqlUrl, parse_sql_url
from persona_tui.engine.data.readers.tables import LINE, Batch, Table, no_rejects
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.registry import Registry

_PACKAGE: Final = "persona_tui.engine.data.readers"
DATABASES: Final[Registry[Opener]] = Registry("kind of database")
DATABASES.add("duckdb", f"{_PACKAGE}.sql_duckdb:open_duckdb", help="DuckDB, a file.")
DATABASES.add("sqlite", f"{_PACKAGE}.sql_sqlite:open_sqlite", help="SQLite, a file.")
DATABASES.add("postgresql", f"{_PACKAGE}.sql_postgres:open_postgres", help="PostgreSQL, a server.")
_SHOWN_TABLES: Final = 12
_DAYS: Final = (-719_162, 2_932_897)
"""From 1 January 1 to the end of 9999, in days from 1970."""
_PER_DAY: Final = {"ms": 86_400_000, "us": 86_400_000_000}


def open_sql(url: str) -> Table:
    """Open a table or a query of a database for reading.

    Parameters
    ----------
    url : str
        ``scheme://database#table`` or ``scheme://database#SELECT …``; see ``sql_urls``.

    Returns
    -------
    Table
        One state of the database for as long as it is held; every reading gives the same rows in the same
        order. ``fingerprint`` is over the content of all columns, whatever was read before: columns that
        ``batches`` gave to the end are not read again for it.

    Raises
    ------
    DataError
        If the database cannot be reached or read, or has no such table; the hint says what to do.
    MissingExtraError
        If its driver is not installed.

    Notes
    -----
    Rows are streamed. Those of the same time come in the order that the database gives them.
    """
    address = parse_sql_url(url)
    database = DATABASES.get(address.scheme)(address)
    try:
        return _open(address, database)
    except database.faults as error:
        database.close()
        raise database.fault(error) from None
    except BaseException:
        database.close()
        raise


def _open(url: SqlUrl, database: Database) -> SqlTable:
    notes: list[str] = []
    if url.query:
        relation = Relation(sql=f'({url.query}\n) AS "source"', title="a query", counted=False)
    else:
        tables = database.tables()
        found = _wanted(url, tables)
        relation = Relation(sql=quoted(found.schema, found.name), title=found.shown, counted=found.stored)
        if not url.table:
            notes.append(f"The database holds one table, '{found.shown}': it is the one that is read.")
    columns = database.columns(relation)
    _refuse_repeated(url, columns)
    notes += [each.note for each in columns if each.note]
    if not re.search(r"\border\s+by\b", url.query, re.IGNORECASE):
        notes.append("Rows of the same time come in the order that the database gives them.")
    table = SqlTable(f"{url.place}#{relation.title}", database, relation, columns, tuple(notes))
    if table.head(1).is_empty():
        raise DataError(f"'{table.name}' holds no rows.")
    return table


def _wanted(url: SqlUrl, tables: list[ListedTable]) -> ListedTable:
    """Return the table that a URL names, or the only one."""
    if not tables:
        raise DataError(
            f"'{url.place}' holds no table that can be seen.",
            hint="Check the name of the database, and your rights.",
        )
    if not url.table:
        if len(tables) == 1:
            return tables[0]
        names = [each.shown for each in tables]
        shown = ", ".join(names[:_SHOWN_TABLES]) + (", …" if len(names) > _SHOWN_TABLES else "")
        raise DataError(
            f"'{url.place}' holds {len(tables)} tables: {shown}.",
            hint=f"Name one after '#': '{url.place}#{names[0]}', or write a query there.",
        )
    wanted = ".".join(url.table)
    called = [(each, _names_of(each)) for each in tables]
    exact = [each for each, names in called if wanted in names]
    folded = [each for each, names in called if wanted.casefold() in {name.casefold() for name in names}]
    if exact or len(folded) == 1:
        return (exact or folded)[0]
    raise DataError(str(unknown_name("table", wanted, [each.shown for each in tables])))


def _names_of(table: ListedTable) -> set[str]:
    return {table.shown, f"{table.schema}.{table.name}"}


def _refuse_repeated(url: SqlUrl, columns: list[Column]) -> None:
    names = [each.name for each in columns]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1 or name == LINE]
    if repeated:
        raise DataError(
            f"The query on '{url.place}' gives the column '{repeated[0]}' twice.",
            hint="Name one of them anew: SELECT … AS other_name.",
        )


class SqlTable:
    """A table or a query of a database, open for as long as this object is held."""

    def __init__(
        self, name: str, database: Database, relation: Relation, columns: list[Column], notes: tuple[str, ...]
    ) -> None:
        self._database = database
        self._relation = relation
        self._columns = {each.name: each for each in columns}
        self._digests: dict[str, bytes] = {}
        self.name = name
        self.notes = notes
        self.n_rows = database.count(relation) if relation.counted else None
        self.schema = self.head(0).schema
        weakref.finalize(self, database.close)

    @property
    def size(self) -> int:
        """Return the number of rows; 0 if it is not known."""
        return self.n_rows or 0

    def __repr__(self) -> str:
        return f"SqlTable({self.name!r})"

    def head(self, n_rows: int = 1_000) -> pl.DataFrame:
        """Return the first rows."""
        return pl.concat(list(self._frames(list(self._columns.values()), n_rows)))

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Yield the rows with some columns.

        Raises
        ------
        DataError
            If the database stops before the rows do; never a short reading taken for a whole one.
        UnknownNameError
            If there is no such column.
        """
        for name in columns:
            if name not in self._columns:
                raise unknown_name("column", name, self._columns)
        chosen = [self._columns[name] for name in columns]
        digests = {name: ColumnDigest(self.schema[name]) for name in columns if name not in self._digests}
        done = 0
        for frame in self._frames(chosen):
            for name, digest in digests.items():
                digest.update(frame[name])
            if frame.height:
                lines = frame.with_row_index(LINE, offset=done + 1).with_columns(pl.col(LINE).cast(pl.Int64))
                done += frame.height
                yield Batch(frame=lines, rejects=no_rejects(), file=self.name, done=done)
        if self.n_rows is not None and done != self.n_rows:
            raise DataError(
                f"'{self.name}' gave {done:,} of its {self.n_rows:,} rows.", hint="Read it again."
            )
        self._digests |= {name: digest.digest() for name, digest in digests.items()}

    def fingerprint(self) -> str:
        """Return the SHA-256 of all columns; reads those that ``batches`` has not given to the end, once."""
        rest = [name for name in self._columns if name not in self._digests]
        if rest:
            for _ in self.batches(rest):
                pass
        return combined({name: self._digests[name] for name in self._columns})

    def _frames(self, columns: Sequence[Column], limit: int | None = None) -> Iterator[pl.DataFrame]:
        done = 0
        try:
            for frame in self._database.stream(self._relation, columns, limit):
                self._refuse_infinite(frame)
                yield frame.with_columns(cs.datetime(time_zone="*").dt.convert_time_zone("UTC"))
                done += frame.height
        except self._database.faults as error:
            raise self._database.fault(error, done or None) from None

    def _refuse_infinite(self, frame: pl.DataFrame) -> None:
        """Stop at ``infinity``, which databases keep as a time that no calendar has."""
        for values in frame.select(cs.date(), cs.datetime(["ms", "us"])):
            per_day = 1 if values.dtype == pl.Date else _PER_DAY[str(getattr(values.dtype, "time_unit", ""))]
            numbers = values.to_physical().drop_nulls()
            first, last = (per_day * each for each in _DAYS)
            if not numbers.is_between(first, last, closed="left").all():
                raise DataError(
                    f"The column '{values.name}' of '{self.name}' holds times like 'infinity'"
                    ", in no year that can be written.",
                    hint=f"Leave them out: '…#SELECT … FROM … WHERE isfinite({quoted(values.name)})'.",
                )
