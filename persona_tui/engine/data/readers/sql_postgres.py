"""PostgreSQL, through ADBC: one read-only transaction, binary COPY, a batch at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import polars as pl

from persona_tui.engine.data.readers.sql_drivers import (
    Column,
    ListedTable,
    Relation,
    detail,
    driver,
    fault_of,
    quoted,
    selected,
)
from persona_tui.engine.data.readers.sql_urls import SqlUrl
from persona_tui.engine.errors import DataError

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection, Cursor

_WAIT_SECONDS: Final = 10
_BEGINNING: Final = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    # Scans by one worker from the first block on: every reading comes in the same order.
    "SET LOCAL synchronize_seqscans = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
    "SAVEPOINT reading",
)
_PLAIN: Final = re.compile(r"bool|int[248]|float[48]|text|varchar|bpchar|name|date|time|timestamp(tz)?")
_TEXT_BY_NATURE: Final = {"uuid", "json", "jsonb", "citext"}
_LONGEST_INTEGER: Final = 18
_ERROR_TEXT: Final = r"(?s)(?:ERROR|FATAL|failed):\s+(?:FATAL:\s+)?(.*?)(?:\n|$)"
_HINTS: Final = {
    "password": "Give it in the URL (percent-encoded), in PGPASSWORD, or in ~/.pgpass.",
    "does not exist": "Check its name; `psql -l` lists databases, `\\d` what is in one.",
    "permission denied": "Ask for the right to SELECT from it, or connect as another user.",
    "Connection refused": "Check host and port, and that the server runs and takes connections from here.",
    "translate host name": "Check the host's name, and that this machine can reach it (a VPN or a tunnel?).",
    "timeout expired": "Check host and port; a firewall may stand between.",
    "read-only transaction": "A query here only reads: SELECT or WITH.",
    "syntax error": "A query is one SELECT or WITH statement.",
    "SSL": "See sslmode in the manual of libpq: '?sslmode=require'.",
}
_LOST: Final = re.compile(
    r"closed the connection|terminating connection|PQgetCopyData|no connection|could not receive"
)


def open_postgres(url: SqlUrl) -> Postgres:
    """Connect to a PostgreSQL server.

    Raises
    ------
    DataError
        If it cannot be reached within 10 s (or ``connect_timeout``), or lets nobody in by that name.
    MissingExtraError
        If the driver is not installed.
    """
    dbapi, _ = driver(url, "postgres", "adbc_driver_postgresql.dbapi", "pyarrow")
    try:
        connection = dbapi.connect(_address(url), autocommit=True)
    except dbapi.Error as error:
        said = detail(error, url, _ERROR_TEXT)
        raise fault_of(url, said, None, _hint(str(error))) from None
    database = Postgres(url, connection, (dbapi.Error, OSError))
    try:
        for statement in _BEGINNING:
            database.run(statement)
    except database.faults as error:
        database.close()
        raise database.fault(error) from None
    return database


def _address(url: SqlUrl) -> str:
    user = quote(url.user, safe="")
    credentials = f"{user}:{quote(url.password, safe='')}@" if url.password else f"{user}@" if user else ""
    parameters = {"connect_timeout": str(_WAIT_SECONDS), "application_name": "persona_tui"} | dict(
        url.parameters
    )
    options = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items()
    )
    return f"postgresql://{credentials}{url.hosts}/{quote(url.database, safe='')}?{options}"


def _hint(said: str) -> str:
    return next((hint for words, hint in _HINTS.items() if words in said), "")


class Postgres:
    """A connection within one transaction; a reading that is given up is cancelled, not drained.

    The transaction is kept by hand: the driver's own cannot go on after a statement that was cancelled.
    """

    def __init__(self, url: SqlUrl, connection: Connection, faults: tuple[type[Exception], ...]) -> None:
        self._url = url
        self._connection = connection
        self._reading: Cursor | None = None
        self.faults = faults

    def run(self, statement: str) -> None:
        """Run a statement that gives no rows."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def tables(self) -> list[ListedTable]:
        """Return the tables and views, those that the search path finds first."""
        rows = self._rows(
            "SELECT n.nspname::text, c.relname::text, c.relkind::text, pg_table_is_visible(c.oid)"
            " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema$)'"
            " ORDER BY NOT pg_table_is_visible(c.oid), 1, 2"
        )
        return [
            ListedTable(
                schema=schema, name=name, shown=name if visible else f"{schema}.{name}", stored=kind in "rpm"
            )
            for schema, name, kind, visible in rows
        ]

    def columns(self, relation: Relation) -> list[Column]:
        """Return the columns, in types that can be held."""
        with closing(self._connection.cursor()) as cursor:
            schema = cursor.adbc_execute_schema(f"SELECT * FROM {relation.sql}")
        return [_column(field.name, field.metadata) for field in schema]

    def count(self, relation: Relation) -> int:
        """Return the number of rows, at the cost of one scan on the server."""
        return int(self._rows(f"SELECT count(*) FROM {relation.sql}")[0][0])

    def stream(
        self, relation: Relation, columns: Sequence[Column], limit: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows in the order in which they are stored, or that the query gives."""
        self._give_up()
        cursor = self._reading = self._connection.cursor()
        try:
            cursor.execute(selected(relation, columns, limit))
            reader = cursor.fetch_record_batch()
            yield pl.DataFrame(reader.schema.empty_table())
            for batch in reader:
                yield pl.DataFrame(batch)
                if self._reading is not cursor:
                    raise OSError("ERROR: it was read anew before this reading came to its end")
            cursor.close()
            self._reading = None
        finally:
            if self._reading is cursor:
                with suppress(*self.faults):
                    self._give_up()

    def _give_up(self) -> None:
        """End a reading that did not come to its end; the transaction goes on."""
        if self._reading is None:
            return
        cursor, self._reading = self._reading, None
        with suppress(*self.faults):
            cursor.adbc_cancel()
        cursor.close()
        self.run("ROLLBACK TO SAVEPOINT reading")

    def fault(self, error: Exception, n_read: int | None = None) -> DataError:
        """Return what went wrong; a connection that ends before the rows do is said to."""
        text = str(error)
        if "ERROR:" not in text and _LOST.search(text):
            after = "" if n_read is None else f" after {n_read:,} rows"
            return DataError(
                f"The connection to '{self._url.place}' was lost{after}.",
                hint="None of these rows is used. Check the network and the server's log, then read again.",
            )
        return fault_of(self._url, detail(error, self._url, _ERROR_TEXT), n_read, _hint(text))

    def close(self) -> None:
        """Let go of the connection, and of the transaction with it."""
        with suppress(*self.faults):
            self._give_up()
        self._connection.close()


def _column(name: str, metadata: dict[bytes, bytes]) -> Column:
    source = quoted(name)
    kind = metadata[b"POSTGRESQL:type"].decode()
    if _PLAIN.fullmatch(kind):
        return Column(name=name, sql=source)
    if kind in _TEXT_BY_NATURE:
        return Column(name=name, sql=f"{source}::text")
    if kind == "oid":
        return Column(name=name, sql=f"{source}::int8")
    if kind == "numeric":
        return _number(name, int(metadata.get(b"POSTGRESQL:typmod", b"-1")))
    return Column(name=name, sql=f"{source}::text", note=f"'{name}' ({kind}) is read as text.")


def _number(name: str, modifier: int) -> Column:
    """Return how a ``numeric`` is read: its modifier holds precision and scale, where they are declared."""
    source = quoted(name)
    if modifier < 0:
        note = f"'{name}' (numeric without a declared scale) is read as text, digit by digit."
        return Column(name=name, sql=f"{source}::text", note=note)
    precision, scale = ((modifier - 4) >> 16) & 0xFFFF, (modifier - 4) & 0x7FF
    if scale:
        note = f"The exact decimals of '{name}' are read as floating-point numbers."
        return Column(name=name, sql=f"{source}::float8", note=note)
    return Column(name=name, sql=f"{source}::{'int8' if precision <= _LONGEST_INTEGER else 'text'}")
