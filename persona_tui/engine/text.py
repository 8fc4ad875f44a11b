"""Text from data, made harmless to show: nothing in it styles or steers what displays it."""

from __future__ import annotations

import unicodedata

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = {"\u200d", "\ufe0f"}
"""They hold an emoji together."""
LONGEST_NAME = 40
"""Of a name in a table."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    r"""Return text with control, direction and invisible characters shown as escapes.

    Examples
    --------
    >>> printable("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE or char in _JOINERS:
        return char
    return (
        char.encode("unicode_escape").decode() if not 0xD800 <= ord(char) <= 0xDFFF else f"\\u{ord(char):04x}"
    )


def well_formed(text: str) -> str:
    r"""Return text that every file can hold: halves of characters, which have no bytes, as escapes.

    Examples
    --------
    >>> well_formed("a\ud83d") == r"a\ud83d"
    True
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shortened(name: str, most: int = LONGEST_NAME) -> str:
    """Return a name as a table shows it: printable, and not longer than a table can hold."""
    shown = printable(name)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def inert_cell(text: str) -> str:
    """Return text that a spreadsheet shows instead of running.

    Examples
    --------
    >>> inert_cell("=cmd()"), inert_cell("landing")
    ("'=cmd()", 'landing')
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
