"""What is said of a run in words and numbers; every face says the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from persona_tui.engine.analytics.numbers import count, percent, points
from persona_tui.study.run_state import ScenarioState, Standing

NONE: Final = "–"
"""What stands for a number that is not known yet."""


def enough_sentence(scenario: ScenarioState) -> str:
    """Return whether more synthetic users would still help."""
    own = f"the log's own, ±{_error(scenario.own_error)} points"
    if scenario.standing.uplift_error is None:
        return ""
    if scenario.enough_at is not None:
        n = count(scenario.enough_at)
        return f"More synthetic users stopped helping at {n} per arm: their error is below a tenth of {own}."
    if scenario.enough_needed is None:
        return ""
    n = count(_round(scenario.enough_needed))
    return f"More synthetic users stop helping at about {n} per arm: their error is then a tenth of {own}."


def seconds_text(seconds: float) -> str:
    """Return a time as people read it.

    Examples
    --------
    >>> [seconds_text(each) for each in (0.42, 9.96, 75, 7_300)]
    ['0.4 s', '10 s', '1 min 15 s', '2 h 01 min']
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60:02d} min"


def mean_text(value: float | None, error: float | None) -> str:
    """Return a simulated share with its standard error."""
    return NONE if value is None or error is None else f"{percent(value)} ±{_error(error)}"


def uplift_text(standing: Standing, shown: Callable[[float], str] = points) -> str:
    """Return a simulated uplift with its standard error."""
    value, error = standing.uplift, standing.uplift_error
    return NONE if value is None or error is None else f"{shown(value)} ±{_error(error)}"


def _error(error: float) -> str:
    """Return a standard error in percentage points with the digits that it has."""
    number = 100 * error
    if not number:
        return "0"
    digits = min(max(1, 1 - math.floor(math.log10(number))), 4)
    return f"{number:.{digits}f}"


def _round(number: int) -> int:
    """Return a number with two digits that count."""
    return round(number, 2 - len(str(number)))
