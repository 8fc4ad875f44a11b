"""What each kind of database must be able to do, whatever its driver."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final, Protocol, TypeAlias

import polars as pl

from persona_tui.engine.data.readers.sql_urls import SqlUrl
from persona_tui.engine.errors import DataError, MissingExtraError

STREAMED_ROWS: Final = 2**17
"""How many rows are asked of a driver at a time: rows of a database can be wide."""
_SHOWN_DETAIL: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table of the database, or a query.

    Parameters
    ----------
    sql : str
        What stands after ``FROM``, quoted.
    title : str
        As told to people.
    counted : bool
        Whether its rows can be counted at little cost.
    """

    sql: str
    title: str
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a relation.

    Parameters
    ----------
    name : str
    sql : str
        The expression that reads it in a type that can be held.
    note : str
        What is lost in that, a sentence; empty if nothing.
    """

    name: str
    sql: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTable:
    """A table that the database says it has.

    Parameters
    ----------
    schema, name : str
    shown : str
        Its name as one would write it in a URL: without the schema where that is not needed.
    stored : bool
        Whether it is a table rather than a view.
    """

    schema: str
    name: str
    shown: str
    stored: bool


class Database(Protocol):
    """A connection that reads, and reads one state of the database for as long as it is open."""

    def tables(self) -> list[ListedTable]:
        """Return the tables and views, those that need no schema first."""

    def columns(self, relation: Relation) -> list[Column]:
        """Return the columns of a relation in their order."""

    def count(self, relation: Relation) -> int:
        """Return the number of rows."""

    def stream(
        self, relation: Relation, columns: Sequence[Column], limit: int | None
    ) -> Iterator[pl.DataFrame]:
        """Yield ``limit`` rows at most, in the database's order; at least one frame, perhaps empty."""

    def fault(self, error: Exception, n_read: int | None = None) -> DataError:
        """Return what went wrong, with what to do; ``n_read`` rows had come, where rows were read."""

    @property
    def faults(self) -> tuple[type[Exception], ...]:
        """Return what the driver raises."""

    def close(self) -> None:
        """Let go of the connection; once is enough."""


def driver(url: SqlUrl, extra: str, *modules: str) -> list[ModuleType]:
    """Return modules of a driver.

    Raises
    ------
    MissingExtraError
        If one is not installed; the hint is the line that installs it.
    """
    try:
        return [importlib.import_module(each) for each in modules]
    except ImportError as error:
        missing = (error.name or modules[0]).partition(".")[0].replace("_", "-")
        raise MissingExtraError(
            f"'{url.scheme}://' needs the package {missing}.", hint=f"pip install 'persona-tui[{extra}]'"
        ) from None


def quoted(*names: str) -> str:
    """Return an identifier as SQL.

    Examples
    --------
    >>> quoted("analytics", 'an "odd" name')
    '"analytics"."an ""odd"" name"'
    """
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def selected(relation: Relation, columns: Sequence[Column], limit: int | None = None) -> str:
    """Return the statement that reads some columns."""
    names = ", ".join(f"{each.sql} AS {quoted(each.name)}" for each in columns)
    return f"SELECT {names} FROM {relation.sql}" + ("" if limit is None else f" LIMIT {limit:d}")


def detail(error: Exception, url: SqlUrl, pattern: str = "") -> str:
    """Return what a driver said, on one line, or nothing where it holds a secret.

    ``pattern`` finds the part that matters, as its first group.
    """
    text = str(error)
    found = re.search(pattern, text) if pattern else None
    line = " ".join((found[1] if found else text).split())[:_SHOWN_DETAIL].rstrip(".")
    return "" if any(each in line for each in url.secrets) else line


def fault_of(url: SqlUrl, said: str, n_read: int | None, hint: str = "") -> DataError:
    """Return the error for what a database said, before or while rows were read."""
    where = f"'{url.place}'" if n_read is None else f"'{url.place}' stopped after {n_read:,} rows"
    return DataError(f"{where}: {said or 'the driver gave no reason that can be shown'}.", hint=hint)


def existing_file(url: SqlUrl) -> Path:
    """Return the path of a database that is a file.

    Raises
    ------
    DataError
        If there is none.
    """
    path = Path(url.database)
    if path.is_file():
        return path
    if path.is_dir():
        raise DataError(f"'{path}' is a folder, not a database.", hint="Name a file in it.")
    if not path.parent.is_dir():
        raise DataError(f"There is no file '{path}'.", hint=f"There is no folder '{path.parent}' either.")
    names = [each.name for each in path.parent.iterdir() if each.is_file()]
    near = difflib.get_close_matches(path.name, names, n=3)
    hint = f"Near it: {', '.join(near)}." if near else _slashes_hint(url)
    raise DataError(f"There is no file '{path}'.", hint=hint)


def _slashes_hint(url: SqlUrl) -> str:
    return f"Three slashes and a relative path, four and an absolute one: '{url.scheme}:////var/shop.db'."


Opener: TypeAlias = Callable[[SqlUrl], Database]
