"""Numbers as figures and tables print them: short, aligned, with their intervals."""

from __future__ import annotations

from typing import Literal

Kind = Literal["percent", "points", "number", "count"]
"""``points`` are differences of percentages; ``count`` is a whole number."""


def shown(value: float, kind: Kind) -> str:
    """Return a number in the form of its kind; differences carry their sign.

    Examples
    --------
    >>> shown(0.1234, "percent"), shown(-0.0123, "points"), shown(12345.6, "count"), shown(0.5, "number")
    ('12.3 %', '-1.2', '12,346', '0.50')
    """
    match kind:
        case "percent":
            return f"{value:.1%}".replace("%", " %")
        case "points":
            return f"{value * 100:+.1f}"
        case "count":
            return f"{value:,.0f}"
        case _:
            return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def shown_interval(low: float, high: float, kind: Kind) -> str:
    """Return an interval, its unit told once.

    Examples
    --------
    >>> shown_interval(0.11, 0.139, "percent"), shown_interval(-0.02, 0.01, "points")
    ('11.0–13.9 %', '-2.0 to +1.0')
    """
    first, last = shown(low, kind), shown(high, kind)
    if kind == "percent":
        return f"{first.removesuffix(' %')}–{last}"
    return f"{first} to {last}" if kind == "points" else f"{first}–{last}"
