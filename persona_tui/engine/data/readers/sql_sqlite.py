"""SQLite files, through ADBC, opened for reading only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import polars as pl

from persona_tui.engine.data.readers.sql_drivers import (
    STREAMED_ROWS,
    Column,
    ListedTable,
    Relation,
    detail,
    driver,
    existing_file,
    fault_of,
    quoted,
    selected,
)
from persona_tui.engine.data.readers.sql_urls import SqlUrl
from persona_tui.engine.errors import DataError

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

_WAIT_MILLISECONDS: Final = 2_000
"""How long a writer may hold the file before it counts as locked."""
_ERROR_TEXT: Final = r"(?s)(?:\[SQLite\] |step query: )(?:Failed to prepare query: )?(.*?)(?:\nquery:|$)"
_HINTS: Final = {
    "database is locked": "Close the program that writes to it, or read a copy.",
    "file is not a database": "Check the path: it is a file of another kind, or encrypted.",
    "readonly database": "A query here only reads: SELECT or WITH.",
}


def open_sqlite(url: SqlUrl) -> Sqlite:
    """Connect to a SQLite file.

    Raises
    ------
    DataError
        If there is no such file, or it is none of SQLite's.
    MissingExtraError
        If the driver is not installed.
    """
    dbapi, pyarrow = driver(url, "sqlite", "adbc_driver_sqlite.dbapi", "pyarrow")
    path = existing_file(url)
    faults = (dbapi.Error, OSError, pyarrow.ArrowInvalid)
    try:
        connection = dbapi.connect(f"file:{quote(str(path))}?mode=ro")
    except dbapi.Error as error:
        raise fault_of(url, detail(error, url), None, "Check that you may read it.") from None
    return Sqlite(url, connection, faults)


class Sqlite:
    """A connection to a SQLite file, within one transaction, so that every reading sees one state.

    Notes
    -----
    Every value of SQLite has a type of its own, and the driver takes a column's from the first rows. A row
    that has the types is therefore put before all others and dropped again; columns that are declared neither
    as whole numbers nor as floating-point ones are read as text.
    """

    def __init__(self, url: SqlUrl, connection: Connection, faults: tuple[type[Exception], ...]) -> None:
        self._url = url
        self._connection = connection
        self._models: dict[str, pl.DataType] = {}
        self.faults = faults

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def tables(self) -> list[ListedTable]:
        """Return the tables and views."""
        self._rows(f"PRAGMA busy_timeout = {_WAIT_MILLISECONDS}")
        rows = self._rows(
            "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        )
        return [
            ListedTable(schema="main", name=name, shown=name, stored=kind == "table") for name, kind in rows
        ]

    def columns(self, relation: Relation) -> list[Column]:
        """Return the columns, in the types that they are declared with; a view finds those of a query."""
        self._rows(f"CREATE TEMP VIEW persona_tui_source AS SELECT * FROM {relation.sql}")
        declared = self._rows("PRAGMA table_info(persona_tui_source)")
        self._rows("DROP VIEW persona_tui_source")
        self._models = {name: _held(kind) for _, name, kind, *_ in declared}
        return [_column(name, kind, self._models[name]) for _, name, kind, *_ in declared]

    def count(self, relation: Relation) -> int:
        """Return the number of rows."""
        return int(self._rows(f"SELECT count(*) FROM {relation.sql}")[0][0])

    def stream(
        self, relation: Relation, columns: Sequence[Column], limit: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows in the order of their row ids, or that the query gives."""
        held = pl.Schema({each.name: self._models[each.name] for each in columns})
        models = ", ".join(f"{_MODELS[kind]} AS {quoted(name)}" for name, kind in held.items())
        statement = f"SELECT {models} UNION ALL SELECT * FROM ({selected(relation, columns, limit)})"
        with closing(self._connection.cursor()) as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(STREAMED_ROWS)})
            cursor.execute(statement)
            first = 1
            with cursor.fetch_record_batch() as reader:
                for batch in reader:
                    batch.validate(full=True)  # bytes that are not UTF-8 would end the program later
                    frame = pl.DataFrame(batch)
                    if frame.schema != held:
                        raise OSError("[SQLite] Type mismatch")  # what the driver says in a later batch
                    yield frame[first:]
                    first = 0

    def fault(self, error: Exception, n_read: int | None = None) -> DataError:
        """Return what went wrong."""
        if "Type mismatch" in str(error):
            numbers = ", ".join(f"'{name}'" for name, kind in self._models.items() if kind != pl.String)
            said = f"a column that is declared as numbers ({numbers}) holds something else"
            hint = "Read it as text: '…#SELECT CAST(column AS TEXT) AS column, … FROM table'."
            return fault_of(self._url, said, n_read, hint)
        if "UTF8" in str(error) or "UTF-8" in str(error):
            hint = "Read its bytes: '…#SELECT hex(column) AS column, … FROM table'."
            return fault_of(self._url, "a cell is not UTF-8 text", n_read, hint)
        said = detail(error, self._url, _ERROR_TEXT)
        hint = next((hint for words, hint in _HINTS.items() if words in said), "")
        return fault_of(self._url, said, n_read, hint)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


_MODELS: Final = {pl.Int64(): "0", pl.Float64(): "0.5", pl.String(): "''"}


def _held(declared: str) -> pl.DataType:
    """Return the type of a column by SQLite's own rules of affinity."""
    if "INT" in declared.upper():
        return pl.Int64()
    if re.search("REAL|FLOA|DOUB", declared.upper()):
        return pl.Float64()
    return pl.String()


def _column(name: str, declared: str, held: pl.DataType) -> Column:
    source = quoted(name)
    if held != pl.String:
        return Column(name=name, sql=source)
    text = (
        f"CASE typeof({source}) WHEN 'blob' THEN hex({source})"
        f" WHEN 'real' THEN CASE WHEN CAST(CAST({source} AS TEXT) AS REAL) = {source}"
        f" THEN CAST({source} AS TEXT) ELSE printf('%!.17g', {source}) END ELSE CAST({source} AS TEXT) END"
    )
    note = f"The bytes of '{name}' are read as hexadecimal text." if "BLOB" in declared.upper() else ""
    return Column(name=name, sql=text, note=note)
