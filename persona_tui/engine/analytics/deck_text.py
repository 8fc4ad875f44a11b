"""Text for slides: how wide it is, where it wraps, and how to make it fit.

No font file is read: widths are those of Calibri (Carlito has the same) for ASCII, and
generous guesses for the rest, so that what is said to fit does fit. Lengths are inches,
sizes are points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from persona_tui.engine.text import printable

LINE_HEIGHT = 1.2
"""Distance of two baselines, in font sizes; set exactly, so that no fallback font changes it."""
ELLIPSIS = "…"

_ASCII_WIDTHS = (
    "23 33 40 50 51 71 68 22 30 30 50 50 25 31 25 39 51 51 51 51 51 51 51 51 51 51 27 27 50 50 50 46 "
    "89 58 54 53 62 49 46 63 62 25 32 52 42 85 65 66 52 67 54 46 49 64 57 89 52 49 47 31 39 31 50 50 "
    "29 48 53 42 53 50 31 47 53 23 24 45 23 80 53 53 53 53 35 39 33 53 45 71 43 45 40 31 46 31 50"
)
_WIDTHS = {
    **{chr(32 + place): int(width) / 100 for place, width in enumerate(_ASCII_WIDTHS.split())},
    **dict.fromkeys("\u00a0\u202f", 0.23),
    **dict.fromkeys("·’‘", 0.27),
    **dict.fromkeys("–−“”", 0.5),
    ELLIPSIS: 0.7,
    "\u2e3b": 3.0,
    "\ufdfd": 10.0,
}
_LATIN, _OTHER, _WIDE, _EMOJI = 0.62, 0.8, 1.02, 1.4
_BOLD = 1.07
_SAFETY = 1.02
_JOINERS = "\u200d\ufe0e\ufe0f"
_NARROWEST = 0.2
_WIDE_CHARS = "\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60"
_WORDS = re.compile(f"[{_WIDE_CHARS}] *|[^ {_WIDE_CHARS}]+ *| +")
"""A line can break after each of these, whatever the program."""
_PARTS = re.compile(r"[^/\\|}?!–—-]*[/\\|}?!–—-]+ *|[^/\\|}?!–—-]+")
"""Inside an overlong word, some programs break after each of these."""


def unbroken(text: str) -> str:
    r"""Return prose in which no line ends inside a number or a range.

    Examples
    --------
    >>> unbroken("95 % interval") == "95\u202f% interval"
    True
    """
    return re.sub(r"(?<=\d) to (?=[−+\d])", "\u00a0to\u00a0", re.sub(r"(?<=\d) %", "\u202f%", text))


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return a width that a line of text does not exceed.

    Examples
    --------
    >>> text_width("signup", 12) < text_width("SIGNUP", 12) < text_width("登録登録登録", 12)
    True
    """
    return _ems(text) * _inches_per_em(size, bold)


def _ems(text: str) -> float:
    return sum(map(_char_width, text))


def _inches_per_em(size: float, bold: bool) -> float:
    return size / 72 * _SAFETY * (_BOLD if bold else 1)


@lru_cache(maxsize=4096)
def _char_width(char: str) -> float:
    """Return the width of a character in font sizes."""
    if char in _WIDTHS:
        return _WIDTHS[char]
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0.0
    if char >= "\U0001f000":
        return _EMOJI
    if unicodedata.east_asian_width(char) in "WF":
        return _WIDE
    return _LATIN if char < "\u0250" else _OTHER


def wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Return the lines that a text takes at most; a word that is wider than a line is cut.

    Programs differ in where they break a long word, so it is given lines of its own.

    Examples
    --------
    >>> wrap("what if nothing changes", 1.0, 12)
    ['what if', 'nothing', 'changes']
    >>> wrap("at http://example.com/sign-up", 1.0, 12)
    ['at', 'http://', 'example.com/', 'sign-', 'up']
    """
    room = width / _inches_per_em(size, bold)
    lines, line, used = [], "", 0.0
    for word in _WORDS.findall(text):
        length = _ems(word.rstrip(" "))
        if line and used + length > room:
            lines.append(line.rstrip(" "))
            line, used = "", 0.0
        if length > room:
            *full, line = [cut for part in _PARTS.findall(word) for cut in _cuts(part, room)]
            lines += full
            used = _ems(line)
        else:
            line += word
            used += _ems(word)
    return [*lines, line.rstrip(" ")]


def _cuts(word: str, room: float) -> Iterator[str]:
    """Yield a word in parts that fit a line, at least a character each."""
    start, used = 0, 0.0
    for place, char in enumerate(word):
        width = _char_width(char)
        if place > start and used + width > room and not belongs_to_last(char):
            yield word[start:place]
            start, used = place, 0.0
        used += width
    yield word[start:]


def _whole(text: str, cut: int) -> int:
    """Return the nearest earlier cut that tears no accent or joined emoji from what it belongs to."""
    while 0 < cut < len(text) and (belongs_to_last(text[cut]) or text[cut - 1] == "\u200d"):
        cut -= 1
    return cut


def belongs_to_last(char: str) -> bool:
    """Return whether a character is part of the one before it: an accent, a joiner, a tone of skin."""
    return char in _JOINERS or unicodedata.combining(char) > 0 or "\U0001f3fb" <= char <= "\U0001f3ff"


def shorten(text: str, width: float, size: float, *, bold: bool = False, lines: int = 1) -> str:
    """Return the text as it can be shown, cut with an ellipsis where it takes more than some lines.

    Examples
    --------
    >>> shorten("signup_complete_with_invitation", 1.0, 12)
    'signup_com…'
    >>> shorten("signup", 1.0, 12)
    'signup'
    """
    most = int(lines * width / (_NARROWEST * _inches_per_em(size, bold))) + 1
    whole, text = len(text) <= most, printable(text[:most])
    if whole and len(wrap(text, width, size, bold=bold)) <= lines:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(wrap(_cut(text, middle), width, size, bold=bold)) <= lines:
            low = middle
        else:
            high = middle - 1
    return _cut(text, low)


def _cut(text: str, length: int) -> str:
    return text[: _whole(text, length)].rstrip(" ") + ELLIPSIS


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text that fits, and the size at which it does."""

    text: str
    size: float


def fit(text: str, width: float, height: float, sizes: Sequence[float], *, bold: bool = False) -> Fitted:
    """Return the text at the largest size at which it fits, cut at the smallest if at none.

    Parameters
    ----------
    text : str
    width, height : float
        Of the box, inches.
    sizes : sequence of float
        Falling.
    bold : bool

    Examples
    --------
    >>> fit("What if nothing changes?", 2.0, 0.4, [32, 24, 14]).size
    14
    """
    whole = printable(text)
    for size in sizes[:-1]:
        if shorten(text, width, size, bold=bold, lines=n_lines(height, size)) == whole:
            return Fitted(whole, size)
    return Fitted(shorten(text, width, sizes[-1], bold=bold, lines=n_lines(height, sizes[-1])), sizes[-1])


def n_lines(height: float, size: float) -> int:
    """Return how many lines a height holds."""
    return max(int(height * 72 / (size * LINE_HEIGHT) + 1e-6), 1)
