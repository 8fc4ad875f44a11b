"""How a database and what to read of it are named: ``scheme://database#what``.

``duckdb:///shop.db#events``, ``sqlite:////var/shop.db#events`` (three slashes and a relative path, four and
an absolute one), ``postgresql://ann@db.example:5432/shop?sslmode=require#analytics.events``. What follows the
first ``#`` is taken as it is written, never percent-decoded: a table (``events``, ``schema.events``,
``"odd name"``) or a query (``SELECT …``). In a shell a table needs no quotes and a query one pair. Without
``#`` the only table of the database is meant. ``?name=value`` is passed to PostgreSQL's own driver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, unquote

from persona_tui.engine.errors import DataError, unknown_name

Scheme: TypeAlias = Literal["duckdb", "sqlite", "postgresql"]

_SCHEMES: Final[dict[str, Scheme]] = {
    "duckdb": "duckdb",
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
}
_FILE_SCHEMES: Final = {"duckdb", "sqlite", "file"}
_SECRET: Final = re.compile(r"pass|pwd|secret|token|credential|(api|access|private)_?key", re.IGNORECASE)
_ASSIGNMENT: Final = re.compile(r"(?:^|(?<=[?&;#\s]))([^=?&;#\s]+)\s*=")
_IDENTIFIER: Final = re.compile(r'"((?:[^"]|"")+)"|([\w$-]+)')
_HOSTS: Final = re.compile(r"[\w.,%-]*(\[[\w:.%]*\])?(:\d*)?(,[\w.%-]+(:\d*)?)*")
_ENCODE_HINT: Final = (
    "In a password or a user's name write @ as %40, / as %2F, : as %3A, # as %23, ? as %3F and % as %25."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlUrl:
    """A database, and what is read of it.

    Parameters
    ----------
    scheme : {"duckdb", "sqlite", "postgresql"}
    database : str
        Path of the file, or name of the database.
    user, password, hosts : str
        Of a server; empty where its driver is to find them.
    parameters : tuple of (str, str)
        For the driver; they may hold secrets too.
    table : tuple of str
        Schema, if given, and table; empty where a query or nothing is named.
    query : str
        One statement without a semicolon at its end.
    """

    scheme: Scheme
    database: str
    user: str = ""
    password: str = field(default="", repr=False)
    hosts: str = ""
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    table: tuple[str, ...] = ()
    query: str = ""

    @property
    def place(self) -> str:
        """Return what the database is called in messages; it has no password and no parameters."""
        if self.scheme != "postgresql":
            return f"{self.scheme}:///{self.database}"
        return f"postgresql://{quote(self.user)}{'@' if self.user else ''}{self.hosts}/{quote(self.database)}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what no message may hold."""
        hidden = [value for name, value in self.parameters if _SECRET.search(name)]
        return tuple(each for each in (self.password, *hidden) if each)


def is_sql_url(source: str) -> bool:
    """Return whether a source is a database by its scheme.

    Examples
    --------
    >>> is_sql_url("postgres://host/shop"), is_sql_url("shop/events.csv")
    (True, False)
    """
    return source.partition("://")[0].casefold() in _SCHEMES and "://" in source


def redact(url: str) -> str:
    """Return a URL, or a driver's ``name=value`` text, without what is secret in it.

    What stands between the user's name and the last ``@``, and everything from the value of a parameter
    like ``password=`` on, becomes ``***``: characters that should have been percent-encoded hide no part of
    a password, at the price of hiding more than it.

    Examples
    --------
    >>> redact("postgresql://ann:pa/s@s@db.example/shop#events")
    'postgresql://ann:***@db.example/shop#events'
    >>> redact("postgresql://db.example/shop?user=ann&password=s3cret&sslmode=require")
    'postgresql://db.example/shop?user=ann&password=***'
    """
    scheme, mark, rest = url.partition("://")
    if mark and scheme.casefold() not in _FILE_SCHEMES:
        end, colon = rest.rfind("@"), rest.find(":")
        if -1 < colon < end:
            rest = f"{rest[:colon]}:***{rest[end:]}"
    shown = f"{scheme}{mark}{rest}"
    for assignment in _ASSIGNMENT.finditer(shown):
        if _SECRET.search(unquote(assignment[1])):
            return f"{shown[: assignment.end()]}***"
    return shown


def parse_sql_url(url: str) -> SqlUrl:
    """Return the parts of a URL of a database.

    Parameters
    ----------
    url : str
        ``scheme://database#what``, as the module says.

    Returns
    -------
    SqlUrl

    Raises
    ------
    DataError
        If it is none, or could be read in two ways.

    Examples
    --------
    >>> parse_sql_url("sqlite:////var/shop.db#events")
    SqlUrl(scheme='sqlite', database='/var/shop.db', user='', hosts='', table=('events',), query='')
    """
    name, _, rest = url.partition("://")
    scheme = _SCHEMES.get(name.casefold())
    if scheme is None:
        raise DataError(str(unknown_name("kind of database", redact(name), _SCHEMES)))
    address, _, what = rest.partition("#")
    table, query = _named(url, what.strip())
    head, _, options = address.partition("?")
    authority, _, path = head.partition("/")
    parameters = _parameters(url, options)
    if any(key in {"table", "query"} for key, _ in parameters):
        raise DataError(
            f"'{redact(url)}' names what to read after '?'.",
            hint=f"Write it after '#': '{scheme}://…#events', or '{scheme}://…#SELECT … FROM events'.",
        )
    if scheme != "postgresql":
        return SqlUrl(scheme=scheme, database=_file(url, head, parameters), table=table, query=query)
    credentials, _, hosts = authority.rpartition("@")
    if "@" in path or "@" in options or not _HOSTS.fullmatch(hosts):
        raise DataError(f"It is not clear where the host of '{redact(url)}' begins.", hint=_ENCODE_HINT)
    user, _, password = credentials.partition(":")
    return SqlUrl(
        scheme=scheme,
        database=unquote(path),
        user=unquote(user),
        password=unquote(password),
        hosts=hosts,
        parameters=parameters,
        table=table,
        query=query,
    )


def _file(url: str, head: str, parameters: tuple[tuple[str, str], ...]) -> str:
    if parameters:
        names = ", ".join(f"'{name}'" for name, _ in parameters)
        raise DataError(
            f"{names} in '{redact(url)}': a file takes no parameters.",
            hint="A '?' in the path itself is written %3F.",
        )
    path = unquote(head.removeprefix("/"))
    if not head.startswith("/") or not path:
        raise DataError(
            f"'{redact(url)}' names no file.",
            hint="Three slashes and a relative path, four and an absolute one: 'sqlite:////var/shop.db#events'.",
        )
    return path


def _parameters(url: str, options: str) -> tuple[tuple[str, str], ...]:
    pairs = [each.partition("=") for each in options.split("&") if each]
    if any(not mark or not name for name, mark, _ in pairs):
        raise DataError(
            f"What follows '?' in '{redact(url)}' is not 'name=value&name=value'.", hint=_ENCODE_HINT
        )
    return tuple((unquote(name), unquote(value)) for name, _, value in pairs)


def _named(url: str, what: str) -> tuple[tuple[str, ...], str]:
    """Return the table, or the query, that stands after ``#``."""
    parts, position = [], 0
    while match := _IDENTIFIER.match(what, position):
        parts.append(match[1].replace('""', '"') if match[1] else match[2])
        position = match.end()
        if position == len(what):
            return tuple(parts), ""
        if what[position] != ".":
            break
        position += 1
    if not what:
        return (), ""
    if re.match(r"\(*\s*(--|/\*|[a-z]+[\s(*])", what, re.IGNORECASE):
        return (), what.rstrip("; \t\r\n")
    raise DataError(
        f"What follows '#' in '{redact(url)}' is neither a table nor a query.",
        hint=f"'#events', '#schema.events', '#\"odd name\"' or '#SELECT … FROM events'. {_ENCODE_HINT}",
    )
