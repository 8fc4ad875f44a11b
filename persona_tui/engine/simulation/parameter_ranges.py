"""Ranges in which a parameter of a modification moves where none is stated."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import takewhile

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.params import Parameter
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import Flow
from persona_tui.engine.statistics import Interval

RELATIVE_RANGE = 0.5
"""Half-width of the range of a parameter for which none is given, as a share of its value."""
N_SCANNED = 33


def default_range(parameter: Parameter, value: float) -> Interval:
    """Return 50 % either way of a value, within the bounds of its parameter, rounded outward if whole.

    Parameters
    ----------
    parameter : Parameter
    value : float

    Examples
    --------
    >>> from persona_tui.engine.params import parameters_of
    >>> from persona_tui.engine.simulation.effects import Friction
    >>> default_range(parameters_of(Friction)[0], 0.8)
    (0.4, 1)
    """
    half = RELATIVE_RANGE * abs(value)
    low, high = value - half, value + half
    if parameter.kind == "int":
        low, high = math.floor(low), math.ceil(high)
    least = low if parameter.low is None else parameter.low
    return max(low, least), high if parameter.high is None else min(high, parameter.high)


def possible_values(
    control: Flow, build: Callable[[float], FlowModification], stated: float, bounds: Interval
) -> Interval:
    """Return the part of a range, about the stated value, in which a modification can be made.

    Parameters
    ----------
    control : Flow
    build : callable
        Makes the modification at one value.
    stated : float
        A value at which it can be made.
    bounds : (float, float)
        The range; it is returned as it is where the modification can be made at both ends.

    Notes
    -----
    At its bound an effect may leave nothing for a later one to act on: friction of 1 lets nobody come
    to a step that is to be inserted. The ends are then the outermost of 33 values that are possible;
    33 chains are made, none is solved.

    Examples
    --------
    >>> from persona_tui.engine.simulation.effects import Friction, InsertSteps
    >>> stays = np.array([[[0, 0.8, 0.2, 0], [0, 0, 0, 0]]])
    >>> page = Flow(
    ...     states=("pay", "done"), kinds=np.array([0, 1]), unit="session", starts=np.array([[1.0, 0.0]]),
    ...     transitions=stays, support=100 * stays, friction_is_drop=False)
    >>> after = InsertSteps(count=1, exit_rate=0.1)
    >>> possible_values(
    ...     page, lambda factor: FlowModification(effects=(Friction(factor=factor), after)), 0.1, (0.0, 1.0))
    (0.0, 0.96875)
    """

    def is_possible(value: float) -> bool:
        try:
            build(value).apply(control)
        except SimulationError:
            return False
        return True

    if all(map(is_possible, bounds)):
        return bounds
    values = np.linspace(*bounds, N_SCANNED).tolist()
    below = takewhile(is_possible, (value for value in reversed(values) if value < stated))
    above = takewhile(is_possible, (value for value in values if value > stated))
    return min(below, default=stated), max(above, default=stated)
