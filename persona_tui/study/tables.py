"""Read the parts of a TOML table that has been parsed; what does not fit is a fault, not an error."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from persona_tui.study.options import options_by_name
from persona_tui.study.places import Faults, Place


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Return the fault of a key that has no meaning where it stands.

    Examples
    --------
    >>> unknown_key("funel", ["events", "funnel"])
    "unknown key 'funel'. Did you mean 'funnel'?"
    """
    if key in options_by_name():
        return f"'{key}' belongs at the top of the file, before the first table in brackets."
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1)
    suggestion = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(names)}."
    return f"unknown key '{key}'. {suggestion}"


def read_table(value: object, known: Sequence[str], place: Place, faults: Faults) -> dict[str, Any]:
    """Return a table without the keys that have no meaning; empty where the value is no table."""
    if not isinstance(value, Mapping):
        faults.add(place, f"{_key_of(place)} must be a table with {', '.join(known)}.")
        return {}
    for key in value:
        if key not in known:
            faults.add((*place, key), unknown_key(key, known))
    return {key: each for key, each in value.items() if key in known}


def read_text(table: Mapping[str, Any], key: str, place: Place, faults: Faults) -> str:
    """Return a text of a table, empty where it is missing."""
    value = table.get(key, "")
    if isinstance(value, str):
        return value
    faults.add((*place, key), f"{key} must be a text.")
    return ""


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is a number, whole or not, that a float can hold."""
    if isinstance(value, int):
        return is_whole(value) and abs(value) <= sys.float_info.max
    return isinstance(value, float)


def _key_of(place: Place) -> str:
    return str(next(each for each in reversed(place) if isinstance(each, str)))
