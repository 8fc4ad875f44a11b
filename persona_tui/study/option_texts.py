"""Texts that options hold: what they may be, and what they say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from persona_tui.engine.params import split, unquote

AUTO: Final = "auto"
CLUSTERS_PATTERN: Final = rf"{AUTO}|[1-9][0-9]*"
COLUMN_PATTERN: Final = r"[^=]*=[\s\S]*"
VALUE_PATTERN: Final = r"([^=]+=[\s\S]+)?"


def clusters_fault(text: str) -> str:
    """Return why a text is no number of personas, empty where it is."""
    fits = re.fullmatch(CLUSTERS_PATTERN, text)
    return "" if fits else f"== '{text}', must be a whole number from 1 or '{AUTO}'."


def column_fault(texts: tuple[str, ...]) -> str:
    """Return what is wrong with a mapping of columns, empty where nothing is."""
    return " ".join(fault for text in texts if (fault := fault_of(read_column, text)))


def fault_of(read: Callable[[str], object], text: str) -> str:
    """Return why a text cannot be read, empty where it can."""
    try:
        read(text)
    except ValueError as fault:
        return str(fault)
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
