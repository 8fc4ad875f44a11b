"""Numbers in words that every face uses: one decimal, a real minus sign, no empty precision.

Spaces inside a number are narrow and never break.
"""

from __future__ import annotations

import math

NARROW_SPACE = "\u202f"
MINUS = "\u2212"
UNKNOWN = "\u2013"
"""What stands for a number that does not exist, such as the mean of no journeys."""

_SMALLEST = 0.05
"""Below this a number with one decimal would read as zero."""
_ROUNDING_NOISE = 1e-10


def percent(share: float) -> str:
    r"""Return a share as a percentage.

    Parameters
    ----------
    share : float
        Between 0 and 1. What is not exactly 0 or 1 never reads as 0 % or 100 %.

    Examples
    --------
    >>> percent(0.6239), percent(0.0), percent(1.0)
    ('62.4\u202f%', '0.0\u202f%', '100.0\u202f%')
    >>> percent(0.0002), percent(0.9999), percent(float("nan"))
    ('<\u202f0.1\u202f%', '>\u202f99.9\u202f%', '–')
    """
    number = _percent_number(share)
    return number if number == UNKNOWN else f"{number}{NARROW_SPACE}%"


def percent_interval(low: float, high: float) -> str:
    r"""Return the two ends of an interval of a share.

    Examples
    --------
    >>> percent_interval(0.601, 0.6472)
    '60.1 to 64.7\u202f%'
    >>> percent_interval(0.0001, 0.0003)
    '<\u202f0.1\u202f%'
    """
    first, last = _percent_number(low), _percent_number(high)
    return percent(high) if _is_bound_twice(first, last) else f"{first} to {percent(high)}"


def points(difference: float) -> str:
    r"""Return a difference of two shares in percentage points, with its sign.

    Parameters
    ----------
    difference : float
        Between -1 and 1. What is not exactly 0 keeps its sign, however small.

    Examples
    --------
    >>> points(-0.0312), points(0.004), points(0.0)
    ('−3.1 points', '+0.4 points', '0.0 points')
    >>> points(-0.0002)
    '>\u202f−0.1 points'
    """
    return f"{points_number(difference)} points"


def points_number(difference: float) -> str:
    r"""Return a difference in percentage points without the unit, for columns that name it.

    Examples
    --------
    >>> points_number(-0.0312), points_number(0.0), points_number(float("nan"))
    ('−3.1', '0.0', '–')
    >>> points_number(-0.0002)
    '>\u202f−0.1'
    """
    if math.isnan(difference):
        return UNKNOWN
    size = abs(100 * difference)
    if size < _ROUNDING_NOISE:
        return "0.0"
    sign = "+" if difference > 0 else MINUS
    if size < _SMALLEST:
        return f"{'<' if difference > 0 else '>'}{NARROW_SPACE}{sign}0.1"
    return f"{sign}{size:,.1f}"


def interval_text(low: float, high: float) -> str:
    """Return the two ends of an interval of a difference; the unit stands with the value beside it.

    Examples
    --------
    >>> interval_text(-0.0402, 0.0021)
    '−4.0 to +0.2'
    """
    first, last = points_number(low), points_number(high)
    return last if _is_bound_twice(first, last) else f"{first} to {last}"


def relative(ratio: float | None) -> str:
    r"""Return a change as a share of where it started, with its sign.

    Parameters
    ----------
    ratio : float or None
        None where it started at zero.

    Examples
    --------
    >>> relative(-0.0499), relative(None)
    ('−5.0\u202f%', '–')
    """
    number = UNKNOWN if ratio is None else points_number(ratio)
    return number if number == UNKNOWN else f"{number}{NARROW_SPACE}%"


def count(number: int) -> str:
    """Return a whole number with its thousands set apart.

    Examples
    --------
    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def chance(share: float, n_draws: int) -> str:
    r"""Return a chance counted over draws, which never proves certainty.

    Examples
    --------
    >>> chance(0.42, 400), chance(1.0, 400), chance(0.0, 400)
    ('42.0\u202f%', '>\u202f99.8\u202f%', '<\u202f0.2\u202f%')
    >>> chance(0.0, 100_000)
    '<\u202f0.1\u202f%'
    """
    if 0 < share < 1:
        return percent(share)
    least = 1 / (n_draws + 1)
    bound, sign = (percent(least), "<") if share <= 0 else (percent(1 - least), ">")
    return bound if bound.startswith(sign) else f"{sign}{NARROW_SPACE}{bound}"


def signed(difference: float) -> str:
    """Return a difference with its sign and two decimals.

    Examples
    --------
    >>> signed(-0.684), signed(0.0)
    ('−0.68', '0.00')
    """
    sign = "" if round(difference, 2) == 0 else "+" if difference > 0 else MINUS
    return f"{sign}{abs(difference):.2f}"


def _is_bound_twice(first: str, last: str) -> bool:
    """Return whether both ends of an interval read as one that lies beyond the last digit told."""
    return first == last and NARROW_SPACE in first


def _percent_number(share: float) -> str:
    if math.isnan(share):
        return UNKNOWN
    number = 100 * share
    if _ROUNDING_NOISE < number < _SMALLEST:
        return f"<{NARROW_SPACE}0.1"
    if 100 - _SMALLEST <= number < 100 - _ROUNDING_NOISE:
        return f">{NARROW_SPACE}99.9"
    return f"{abs(number):.1f}"
