"""Names of keys, as bindings write them: told apart from what no key sends."""

from __future__ import annotations

import difflib
import unicodedata
from typing import Final

_MODIFIERS: Final = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_NAMED: Final = (
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"),
    *("backspace", "enter", "tab", "escape", "space"),
    *(f"f{number}" for number in range(1, 25)),
)
_SIGNS: Final = (
    *("slash", "backslash", "at", "minus", "plus", "underscore"),
    *("less_than_sign", "greater_than_sign"),
)
"""Signs whose names are not Unicode's."""


def key_fault(key: str) -> str:
    """Return what is wrong with the name of a key, empty where nothing is.

    Examples
    --------
    >>> key_fault("ctrl+s"), key_fault("question_mark"), key_fault("?"), key_fault("ctlr+s")
    ('', '', '', "'ctlr+s' is no key. Did you mean 'ctrl+s'?")
    """
    *modifiers, base = key.split("+") if len(key) > 1 else [key]
    parts = [_nearest(each, _MODIFIERS) for each in modifiers]
    parts.append(base if _is_sign(base) else _nearest(base, (*_NAMED, *_SIGNS)))
    near = "+".join(parts)
    if near == key != "":
        return ""
    return f"'{key}' is no key." + (f" Did you mean '{near}'?" if all(parts) else "")


def _is_sign(name: str) -> bool:
    """Return whether a name stands for one character: by itself, or by its Unicode name."""
    if len(name) == 1:
        return name.isprintable() and name != " "
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return name == name.casefold()


def _nearest(name: str, known: tuple[str, ...]) -> str:
    """Return the known name that is meant, empty where none is near."""
    return next(iter(difflib.get_close_matches(name, known, n=1)), "")
