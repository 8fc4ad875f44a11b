"""Numbers as figures and tables print them: those of every other face, in characters of one cell."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Final, Literal

from persona_tui.engine.analytics.numbers import (
    MINUS,
    NARROW_SPACE,
    UNKNOWN,
    count,
    percent,
    points_number,
    signed,
)

Kind = Literal["percent", "points", "number", "count", "signed", "lift"]
"""``points`` are differences of percentages, ``signed`` are others, ``lift`` says how many times as common;
``count`` is a whole number."""
_PLAIN = str.maketrans({NARROW_SPACE: " ", MINUS: "-"})
_TEXTS: Final[dict[Kind, Callable[[float], str]]] = {
    "percent": percent,
    "points": points_number,
    "number": lambda value: f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}",
    "count": lambda value: count(round(value)),
    "signed": signed,
    "lift": lambda value: f"{value:.2f}×",
}


def in_cells(text: str) -> str:
    """Return words of another face in characters of one cell."""
    return text.translate(_PLAIN)


def shown(value: float, kind: Kind) -> str:
    """Return a number in the form of its kind; differences carry their sign.

    Examples
    --------
    >>> shown(0.1234, "percent"), shown(-0.0123, "points"), shown(12345.0, "count"), shown(0.5, "number")
    ('12.3 %', '-1.2', '12,345', '0.50')
    """
    if not isfinite(value):
        return UNKNOWN
    return in_cells(_TEXTS[kind](value))


def shown_interval(low: float, high: float, kind: Kind) -> str:
    """Return the two ends of an interval, a unit told once.

    Examples
    --------
    >>> shown_interval(0.11, 0.139, "percent"), shown_interval(-0.02, 0.01, "points")
    ('11.0 to 13.9 %', '-2.0 to +1.0')
    """
    first = shown(low, kind)
    return f"{first.removesuffix(' %').removesuffix('×')} to {shown(high, kind)}"
