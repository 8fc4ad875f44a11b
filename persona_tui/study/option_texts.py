"""Texts that options hold: what they may be, and what they say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.params import split, unquote

_Text = TypeVar("_Text")

AUTO: Final = "auto"
CLUSTERS_PATTERN: Final = rf"{AUTO}|[1-9][0-9]*"
COLUMN_PATTERN: Final = r"[^=]*=[\s\S]*"
SIZE_PATTERN: Final = r"(\s*[0-9]*\.?[0-9]+\s*([kKmMgGtT]?i?[bB]?)\s*)?"
VALUE_PATTERN: Final = r"([^=]+=[\s\S]+)?"

STANDARD_INPUT: Final = "-"
"""The source that is what is piped in."""
LEAST_MEMORY: Final = 64 * 10**6
"""Below it not even a batch of rows fits."""
_SIZE: Final = re.compile(r"([0-9]*\.?[0-9]+)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_PREFIXES: Final = ("", "K", "M", "G", "T")


def clusters_fault(text: str) -> str:
    """Return why a text is no number of personas, empty where it is."""
    fits = re.fullmatch(CLUSTERS_PATTERN, text)
    return "" if fits else f"== '{text}', must be a whole number from 1 or '{AUTO}'."


def column_fault(texts: tuple[str, ...]) -> str:
    """Return what is wrong with a mapping of columns, empty where nothing is."""
    return " ".join(fault for text in texts if (fault := fault_of(read_column, text)))


def fault_of(read: Callable[[_Text], object], text: _Text) -> str:
    """Return why a text cannot be read, empty where it can."""
    try:
        read(text)
    except (PersonaError, ValueError) as fault:
        return " ".join(str(fault).splitlines())
    return ""


def read_column(text: str) -> tuple[str, str]:
    """Return the part and the name of ``part=name``.

    Raises
    ------
    ValueError
        If it is not that, or a quote is not closed.

    Examples
    --------
    >>> read_column("user_id=client")
    ('user_id', 'client')
    """
    part, *name = split(text, "=")
    if not name:
        raise ValueError(f"{text}: write it as part=name, for example user_id=client.")
    try:
        return unquote(part), unquote("=".join(name))
    except ValueError as fault:
        raise ValueError(f"{text}: {fault}") from None


def read_worth(text: str) -> tuple[str, float | str]:
    """Return the event of ``event=number`` or ``event=column``, and what it is worth.

    Returns
    -------
    tuple
        The event; a number, or the name of a column or metadata key. A quoted number is a name.

    Raises
    ------
    ValueError
        If it is neither, or a quote is not closed.

    Examples
    --------
    >>> read_worth("purchase=49.9"), read_worth("purchase=amount")
    (('purchase', 49.9), ('purchase', 'amount'))
    """
    piece, *rest = split(text, "=")
    amount = "=".join(rest).strip()
    event = unquote(piece)
    if not event or not amount:
        raise ValueError(f"'{text}': write it as event=number or event=column, for example purchase=49.9.")
    try:
        number = float(amount)
    except ValueError:
        return event, unquote(amount)
    if not math.isfinite(number):
        raise ValueError(f"'{text}': must be worth a finite number.")
    return event, number


def read_size(text: str) -> int:
    """Return a number of bytes that is written as ``2GB``, ``500MB``, ``1.5GiB`` or plainly.

    Raises
    ------
    ValueError
        If it is not that, or less than ``LEAST_MEMORY``.

    Examples
    --------
    >>> read_size("2GB"), read_size("1.5GiB"), read_size("64000000")
    (2000000000, 1610612736, 64000000)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"== '{text}', must be a size, for example 2GB or 500MB.")
    number, prefix, binary = found.groups()
    n_bytes = int(float(number) * (1024 if binary else 1000) ** _PREFIXES.index(prefix.upper()))
    if n_bytes < LEAST_MEMORY:
        raise ValueError(f"== {text.strip()}, must be >= {LEAST_MEMORY // 10**6}MB.")
    return n_bytes


def sources_fault(sources: str | tuple[str, ...]) -> str:
    """Return what is wrong with several sources, empty where nothing is."""
    empty = isinstance(sources, tuple) and not all(map(str.strip, sources))
    return "names a source that is empty." if empty else ""


def one_or_several(sources: Sequence[str]) -> str | tuple[str, ...]:
    """Return sources as settings keep them: one as it is.

    Examples
    --------
    >>> one_or_several(["a.csv"]), one_or_several(["a.csv", "b.csv"])
    ('a.csv', ('a.csv', 'b.csv'))
    """
    return sources[0] if len(sources) == 1 else tuple(sources)


def timezone_fault(name: str) -> str:
    """Return why a text names no time zone, empty where it does."""
    if name == "UTC":
        return ""
    from persona_tui.engine.data.time_zones import check_timezone  # noqa: PLC0415 - 0.1 s: polars

    return fault_of(check_timezone, name)


def share_fault(text: str) -> str:
    """Return why a text is no share, empty where it is."""
    if not text:
        return ""
    from persona_tui.engine.data.rejects import parse_share  # noqa: PLC0415 - 0.1 s: polars

    return fault_of(parse_share, text)


def preparation_fault(texts: tuple[str, ...]) -> str:
    """Return what is wrong with the steps of a preparation, empty where nothing is."""
    if not texts:
        return ""
    from persona_tui.engine.data.preparation.preparation import (  # noqa: PLC0415 - 0.1 s: polars
        parse_preparation,
    )

    return fault_of(parse_preparation, texts)


def with_tables(texts: tuple[str, ...], placed: Callable[[str], str]) -> tuple[str, ...]:
    """Return the steps of a preparation with the tables that they join named otherwise."""
    if not texts:
        return texts
    from persona_tui.engine.data.preparation.preparation import (  # noqa: PLC0415 - 0.1 s: polars
        parse_preparation,
    )

    return parse_preparation(texts).with_tables(placed).as_texts()


def is_placeless(source: str) -> bool:
    """Return whether a source is no path: a database's URL or standard input.

    Examples
    --------
    >>> is_placeless("postgresql://db.example/shop"), is_placeless("-"), is_placeless("logs/a.csv")
    (True, True, False)
    """
    return source == STANDARD_INPUT or bool(re.match(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]+://", source))
