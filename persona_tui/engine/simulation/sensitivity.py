"""How the uplift of completion depends on what was assumed: tornado, break-even and dose-response.

Every value is exact, without draws and without simulation: one solve of the flow a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np

from persona_tui.engine.errors import PersonaError, SimulationError, unknown_name
from persona_tui.engine.params import NUMBERS, Parameter, Range, parameters_of
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import Flow, solve
from persona_tui.engine.simulation.parameter_ranges import N_SCANNED, default_range, possible_values
from persona_tui.engine.statistics import Interval
from persona_tui.engine.types import FloatArray

Build: TypeAlias = Callable[[float], FlowModification]
"""Makes the modification at one value of the parameter that is varied; see ``vary``."""
Ranges: TypeAlias = Mapping[tuple[int, str], Interval]
"""Low and high by position in ``FlowModification.compile()`` and name of the parameter."""
Side: TypeAlias = Literal["above", "below", "at", "both"]

DATA = "data"
_Point: TypeAlias = tuple[float, float]  # a value, and how far its uplift lies above the target
_AT_TARGET = 1e-12
"""Uplift this close to the target counts as at it: it is the rounding of two solves."""


def vary(modification: FlowModification, effect_index: int, parameter: str, value: float) -> FlowModification:
    """Return the modification with one number of one of its effects changed.

    Parameters
    ----------
    modification : FlowModification
    effect_index : int
        Position in ``modification.compile()``: the shorthand's effects first, then those listed.
    parameter : str
    value : float

    Returns
    -------
    FlowModification
        All effects are listed, in the same order; the description is made anew.

    Raises
    ------
    UnknownNameError, SimulationError
        If there is no such effect or parameter, it is no number, or the value is out of bounds.

    Examples
    --------
    >>> change = FlowModification(additional_steps=2, friction_factor=0.1)
    >>> [str(effect) for effect in vary(change, 1, "factor", 0.2).compile()]
    ['insert_steps:count=2,exit_rate=0.0', 'friction:factor=0.2']
    """
    effects = modification.compile()
    if not 0 <= effect_index < len(effects):
        names = ", ".join(effect.name for effect in effects)
        raise SimulationError(f"There is no effect {effect_index}. Effects, from 0: {names or 'none'}.")
    effect: Any = effects[effect_index]
    kinds = {each.name: each.kind for each in parameters_of(type(effect))}
    if parameter not in kinds:
        raise unknown_name("parameter", parameter, kinds)
    if kinds[parameter] not in NUMBERS:
        raise SimulationError(f"{effect.name}: {parameter} is not a number, so it has no range.")
    number = int(value) if kinds[parameter] == "int" and float(value).is_integer() else value
    changed = replace(effect, **{parameter: number})
    shorthand: dict[str, Any] = {"additional_steps": 0, "friction_factor": 0.0, "reward_factor": 0.0}
    varied = (*effects[:effect_index], changed, *effects[effect_index + 1 :])
    return replace(modification, description="", effects=varied, **shorthand)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DoseResponse:
    """The uplift of completion at m values of a parameter: of all journeys (m,) and by persona (m, K)."""

    values: FloatArray
    uplift: FloatArray
    by_persona: FloatArray

    def __post_init__(self) -> None:
        for array in (self.values, self.uplift, self.by_persona):
            array.setflags(write=False)


def dose_response(
    control: Flow,
    build: Build,
    values: Sequence[float] | FloatArray,
    *,
    shares: FloatArray,
    max_length: int | None = None,
) -> DoseResponse:
    """Return the uplift of completion, of all and of each persona, at some values of a parameter.

    Parameters
    ----------
    control : Flow
        Without leading axes.
    build : callable
        Takes a value, returns the FlowModification.
    values : sequence of float, length m
    shares : array of shape (K,)
        Each persona's share of journeys.
    max_length : int, optional
        Events after which a journey counts as truncated.

    Returns
    -------
    DoseResponse

    Raises
    ------
    SimulationError
        If a value is out of bounds or leaves a walk that might never end.
    """
    grid, uplifts = np.array(values, dtype=float), _uplifts_over(control, shares, max_length)
    found = [uplifts(build(float(each))) for each in grid]
    by_persona = np.array([each for _, each in found]).reshape(-1, len(shares))
    return DoseResponse(values=grid, uplift=np.array([each for each, _ in found]), by_persona=by_persona)


def _uplifts_over(
    control: Flow, shares: FloatArray, max_length: int | None
) -> Callable[[FlowModification], tuple[float, FloatArray]]:
    """Return the function from a modification to the uplift of all and of each persona."""
    before = solve(control, max_length).converted

    def uplifts(modification: FlowModification) -> tuple[float, FloatArray]:
        after = solve(modification.apply(control), max_length).converted
        return float(modification.shift(shares, control) @ after - shares @ before), after - before

    return uplifts


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """What one source of doubt does to the uplift of completion.

    Parameters
    ----------
    name : str
        ``effect.parameter``, numbered where an effect occurs twice, or "data".
    values : (float, float) or None
        Low and high value of the parameter; None for data.
    uplifts : (float, float)
        Uplift at those values; for data, the ends of its interval.
    width : float
        From the least to the largest of both uplifts and the one as described.
    assumed : bool
        Whether the range is the default of 50 % either way.
    """

    name: str
    values: Interval | None
    uplifts: Interval
    width: float
    assumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tornado:
    """The uplift of completion as described, and the sources of doubt about it, the widest first."""

    uplift: float
    drivers: tuple[Driver, ...]


def tornado(
    control: Flow,
    modification: FlowModification,
    *,
    shares: FloatArray,
    max_length: int | None = None,
    ranges: Ranges | None = None,
    data: Interval | None = None,
) -> Tornado:
    """Return how far each parameter alone, and the data, can move the uplift of completion.

    Parameters
    ----------
    control, shares, max_length
        As ``dose_response``.
    modification : FlowModification
    ranges : mapping of (effect index, parameter) to (low, high), optional
    data : (float, float), optional
        Interval of the uplift that comes from the data, as an ``Estimate`` holds it.

    Returns
    -------
    Tornado
        A number moves in the range that is given, else the one it is stated with, else 50 % either way
        within its bounds and where the change can be made, rounded outward if whole; 0 and what is not
        set need a given range.

    Raises
    ------
    SimulationError
        If a range does not fit its parameter; every fault is named.

    Notes
    -----
    One parameter at a time: what two of them do together is not shown. Two solves a parameter.
    """
    given, effects = ranges or {}, modification.compile()
    faults = list(_range_faults(modification, given))
    if faults:
        raise SimulationError(" ".join(faults))
    uplifts = _uplifts_over(control, shares, max_length)
    centre = uplifts(modification)[0]
    drivers = [] if data is None else [_driver(DATA, None, data, centre, assumed=False)]
    for (index, parameter), values in {**_default_ranges(control, modification), **given}.items():
        low, high = (uplifts(vary(modification, index, parameter, value))[0] for value in values)
        name = _driver_name(modification, index, parameter)
        stated = (index, parameter) in given or parameter in effects[index].ranges()
        drivers.append(_driver(name, values, (low, high), centre, assumed=not stated))
    return Tornado(uplift=centre, drivers=tuple(sorted(drivers, key=lambda driver: -driver.width)))


def _range_faults(modification: FlowModification, ranges: Ranges) -> Iterator[str]:
    for (index, parameter), (low, high) in ranges.items():
        for value in (low, high):
            try:
                vary(modification, index, parameter, value)
            except PersonaError as fault:
                yield fault.message
        if low > high:
            yield f"{parameter}: the range {low:g} to {high:g} has its low above its high."


def _default_ranges(control: Flow, modification: FlowModification) -> Ranges:
    return {
        (index, each.name): _default_range(
            control, partial(vary, modification, index, each.name), each, value
        )
        for index, effect in enumerate(modification.compile())
        for each in parameters_of(type(effect))
        if each.kind in NUMBERS and (value := getattr(effect, each.name))
    }


def _default_range(control: Flow, build: Build, parameter: Parameter, value: float | Range) -> Interval:
    if isinstance(value, Range):
        return value.low, value.high
    return possible_values(control, build, value, default_range(parameter, value))


def _driver_name(modification: FlowModification, index: int, parameter: str) -> str:
    names = [effect.name for effect in modification.compile()]
    number = "" if names.count(names[index]) == 1 else f" {names[: index + 1].count(names[index])}"
    return f"{names[index]}{number}.{parameter}"


def _driver(name: str, values: Interval | None, uplifts: Interval, centre: float, *, assumed: bool) -> Driver:
    width = max(*uplifts, centre) - min(*uplifts, centre)
    return Driver(name=name, values=values, uplifts=uplifts, width=width, assumed=assumed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A value at which the uplift crosses its target, and whether it is above it at larger ones."""

    value: float
    rising: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Where the uplift of completion crosses its target, looked for between two values.

    ``uplifts`` are those at both values; ``crossings`` rise in value; ``side`` is where the uplift lies,
    "both" where it crosses, apart from values at which it only touches the target, as at no change.
    """

    values: Interval
    uplifts: Interval
    target: float
    side: Side
    crossings: tuple[Crossing, ...]

    def describe(self) -> str:
        """Return the finding in plain words."""
        low, high = self.values
        target = f"{100 * self.target:+.4g} points" if self.target else "zero"
        if not self.crossings:
            return f"The uplift is {self.side} {target} for all values from {low:g} to {high:g}."
        turns = [f"{'rises' if c.rising else 'falls'} through it at {c.value:.4g}" for c in self.crossings]
        return f"From {low:g} to {high:g} the uplift meets {target}: it {', '.join(turns)}."


def break_even(
    control: Flow,
    build: Build,
    low: float,
    high: float,
    *,
    shares: FloatArray,
    max_length: int | None = None,
    target: float = 0.0,
) -> BreakEven:
    """Return the values of a parameter at which the uplift of completion crosses a target.

    Parameters
    ----------
    control, build, shares, max_length
        As ``dose_response``; the parameter must be continuous.
    low, high : float
        Range of the parameter.
    target : float
        Uplift, as a difference of rates.

    Returns
    -------
    BreakEven
        All crossings, or the side on which the uplift always lies.

    Raises
    ------
    SimulationError
        If the range is empty, or as ``dose_response``.

    Notes
    -----
    33 values are scanned, so the uplift need not be monotone. Each change of side is solved by
    Brent's method; where three values turn towards the target without reaching it, the turning
    point is looked for too. What turns within one interval stays unseen. About 50 solves.

    References
    ----------
    Brent (1973), *Algorithms for Minimization Without Derivatives*, chapters 4 and 5.

    Examples
    --------
    >>> stays = np.array([[[0, 0.8, 0.2, 0], [0, 0, 0, 0]]])
    >>> page = Flow(
    ...     states=("pay", "done"), kinds=np.array([0, 1]), unit="session", starts=np.array([[1.0, 0.0]]),
    ...     transitions=stays, support=100 * stays, friction_is_drop=False)
    >>> change = FlowModification(friction_factor=0.1, reward_factor=0.5)
    >>> break_even(page, lambda f: vary(change, 0, "factor", f), 0.0, 1.0, shares=np.ones(1)).describe()
    'From 0 to 1 the uplift meets zero: it falls through it at 0.25.'
    """
    if not low < high:
        raise SimulationError(f"The range {low:g} to {high:g} holds no values.", hint="Set low below high.")
    uplifts = _uplifts_over(control, shares, max_length)

    def gap(value: float) -> float:
        return uplifts(build(float(value)))[0] - target

    scanned = [(float(value), gap(value)) for value in np.linspace(low, high, N_SCANNED)]
    points = sorted(scanned + list(_turning_points(gap, scanned)))
    sides = {_side(each) for _, each in points} - {"at"}
    return BreakEven(
        values=(low, high),
        uplifts=(scanned[0][1] + target, scanned[-1][1] + target),
        target=target,
        side="both" if len(sides) == 2 else sides.pop() if sides else "at",
        crossings=tuple(_crossings(gap, points)),
    )


def _side(gap: float) -> Side:
    return "at" if abs(gap) <= _AT_TARGET else "above" if gap > 0 else "below"


def _turning_points(gap: Callable[[float], float], scanned: list[_Point]) -> Iterator[_Point]:
    """Yield value and gap where the uplift turns back between scanned values without reaching the target."""
    for before, middle, after in zip(scanned, scanned[1:], scanned[2:], strict=False):
        sign = math.copysign(1.0, middle[1])
        outer = (sign * before[1], sign * after[1])
        if _side(middle[1]) != "at" and sign * middle[1] <= min(outer) < max(outer):
            from scipy.optimize import minimize_scalar  # noqa: PLC0415 - 0.3 s, only for curves that turn

            ends = (before[0], after[0])
            turn = minimize_scalar(lambda value, s=sign: s * gap(value), bounds=ends, method="bounded")
            yield float(turn.x), sign * float(turn.fun)


def _crossings(gap: Callable[[float], float], points: list[_Point]) -> Iterator[Crossing]:
    """Yield where neighbours lie on different sides; a stretch at the target counts once, at its start."""
    off_target = [number for number, point in enumerate(points) if _side(point[1]) != "at"]
    for left, right in pairwise(off_target):
        if _side(points[left][1]) == _side(points[right][1]):
            continue
        value = points[left + 1][0]
        if right == left + 1:
            from scipy.optimize import brentq  # noqa: PLC0415 - 0.3 s, only where the target is crossed

            value = float(brentq(gap, points[left][0], value, xtol=1e-13))
        yield Crossing(value=value, rising=points[right][1] > 0)
