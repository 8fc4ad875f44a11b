"""DuckDB files, through DuckDB itself, opened for reading only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

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
    from duckdb import DuckDBPyConnection

_PLAIN: Final = re.compile(
    r"BOOLEAN|U?(TINY|SMALL|BIG)INT|U?INTEGER|FLOAT|DOUBLE|VARCHAR|DATE|TIME|TIMESTAMP(_S|_MS|_NS)?"
    r"|TIMESTAMP WITH TIME ZONE"
)
_TEXT_BY_NATURE: Final = re.compile(r"UUID|JSON|ENUM\(.*", re.DOTALL)
_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_NESTED: Final = re.compile(r"(?s)STRUCT\(|.*\]$")
_UNHELD: Final = re.compile(
    r"DECIMAL|HUGEINT|INTERVAL|BIT\b|BLOB|MAP|UNION|VARIANT|TIME_NS|TIME WITH|UUID|ENUM"
)
_LONGEST_INTEGER: Final = 18
_QUIET: Final = "SET enable_progress_bar = false"  # it would draw one itself where Python is interactive
_ERROR_TEXT: Final = r"(?s)^(?:[A-Z]\w*(?: \w+)* Error: )?(.*?)(?:\n\n|$)"


def open_duckdb(url: SqlUrl) -> DuckDb:
    """Connect to a DuckDB file.

    Raises
    ------
    DataError
        If there is no such file, it is another program's, or it is locked.
    MissingExtraError
        If the driver is not installed.
    """
    duckdb, _ = driver(url, "duckdb", "duckdb", "pyarrow")
    path = existing_file(url)
    try:
        bounds = {"threads": pl.thread_pool_size()}
        return DuckDb(url, duckdb.connect(str(path), read_only=True, config=bounds), (duckdb.Error, OSError))
    except duckdb.Error as error:
        said = detail(error, url, _ERROR_TEXT)
        hint = "Close the program that writes to it, or read a copy." if "lock" in said.casefold() else ""
        raise fault_of(url, said, None, hint) from None


class DuckDb:
    """A connection to a DuckDB file; nobody can write to it meanwhile: every reading sees one state."""

    def __init__(
        self, url: SqlUrl, connection: DuckDBPyConnection, faults: tuple[type[Exception], ...]
    ) -> None:
        self._url = url
        self._connection = connection
        self.faults = faults
        connection.execute(_QUIET)

    def tables(self) -> list[ListedTable]:
        """Return the tables and views, those of the schema ``main`` first."""
        rows = self._connection.sql(
            "SELECT table_schema, table_name, table_type FROM information_schema.tables"
            " WHERE table_catalog = current_database() ORDER BY table_schema <> 'main', 1, 2"
        ).fetchall()
        return [
            ListedTable(
                schema=schema,
                name=name,
                shown=name if schema == "main" else f"{schema}.{name}",
                stored=kind == "BASE TABLE",
            )
            for schema, name, kind in rows
        ]

    def columns(self, relation: Relation) -> list[Column]:
        """Return the columns, in types that can be held."""
        found = self._connection.sql(f"SELECT * FROM {relation.sql} LIMIT 0")
        return [_column(name, str(kind)) for name, kind in zip(found.columns, found.types, strict=True)]

    def count(self, relation: Relation) -> int:
        """Return the number of rows, which the file keeps."""
        return int(self._connection.sql(f"SELECT count(*) FROM {relation.sql}").fetchall()[0][0])

    def stream(
        self, relation: Relation, columns: Sequence[Column], limit: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows in the order in which they were inserted, or that the query gives."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(_QUIET)
            reader = cursor.sql(selected(relation, columns, limit)).to_arrow_reader(STREAMED_ROWS)
            yield pl.DataFrame(reader.schema.empty_table())
            for batch in reader:
                yield pl.DataFrame(batch)
        finally:
            cursor.close()

    def fault(self, error: Exception, n_read: int | None = None) -> DataError:
        """Return what went wrong; DuckDB says it well."""
        return fault_of(self._url, detail(error, self._url, _ERROR_TEXT), n_read)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _column(name: str, kind: str) -> Column:
    source = quoted(name)
    if _PLAIN.fullmatch(kind) or (_NESTED.match(kind) and not _UNHELD.search(kind)):
        return Column(name=name, sql=source)
    if _TEXT_BY_NATURE.fullmatch(kind):
        return Column(name=name, sql=f"CAST({source} AS VARCHAR)")
    if decimal := _DECIMAL.fullmatch(kind):
        precision, scale = int(decimal[1]), int(decimal[2])
        if scale:
            note = f"The exact decimals of '{name}' are read as floating-point numbers."
            return Column(name=name, sql=f"CAST({source} AS DOUBLE)", note=note)
        whole = "BIGINT" if precision <= _LONGEST_INTEGER else "VARCHAR"
        return Column(name=name, sql=f"CAST({source} AS {whole})")
    if _NESTED.match(kind):
        note = f"'{name}' ({kind[:60]}) is read as JSON text."
        return Column(name=name, sql=f"CAST(to_json({source}) AS VARCHAR)", note=note)
    return Column(
        name=name, sql=f"CAST({source} AS VARCHAR)", note=f"'{name}' ({kind[:60]}) is read as text."
    )
