"""What every effect is and does, and how its text is read; the effects themselves are in ``effects``.

Nothing here needs numpy until an effect is applied, so that help can list effects at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from persona_tui.engine.errors import PersonaError, SimulationError, unknown_name
from persona_tui.engine.params import (
    NUMBERS,
    Parameter,
    Range,
    faults_of,
    format_call,
    format_segment,
    param,
    parameters_of,
    parse_call,
    parse_segment,
    parse_value,
)
from persona_tui.engine.registry import Registry

if TYPE_CHECKING:
    from persona_tui.engine.simulation.flow import Flow
    from persona_tui.engine.types import BoolArray, FloatArray

THIN_SUPPORT = 30
"""Observed moves below which a result that rests on them is flagged."""

Values: TypeAlias = "Mapping[str, Any]"
"""Numbers by parameter: a float, or an array of shape (B, 1), one number a draw."""


def touched_personas() -> Any:  # noqa: ANN401 - as params.param
    """Declare the parameter that limits an effect to some personas."""
    return param(default=(), kind="personas", help="Only these personas, by name or number; all.")


def touched_segment() -> Any:  # noqa: ANN401 - as params.param
    """Declare the parameter that limits an effect to the users of an attribute's values."""
    return param(default="", kind="segment", help="Only these users, as attribute=value|value; all.")


class Effect(ABC):
    """One change to the chains; a frozen dataclass of parameters.

    A number may be a ``Range``; where nothing is drawn it then acts with its mean.
    A segment is kept in the one way that the grammar writes it.
    """

    __slots__ = ()
    name: ClassVar[str]
    personas: tuple[str, ...]
    segment: str

    def __post_init__(self) -> None:
        faults = faults_of(self)
        if faults:
            raise SimulationError(f"{self.name}: {' '.join(faults)}")
        if self.segment:
            object.__setattr__(self, "segment", format_segment(*parse_segment(self.segment)))

    @property
    @abstractmethod
    def neutral(self) -> bool:
        """Whether the parameters change nothing."""

    @abstractmethod
    def act(self, flow: Flow, values: Values) -> Flow:
        """Return the flow changed for all personas; only called where the effect is not neutral."""

    @abstractmethod
    def describe(self) -> str:
        """Return the effect in plain words."""

    def caveats(self, _flow: Flow) -> list[str]:
        """Return what the reader should know before trusting the effect on this flow."""
        return []

    def shift(
        self, shares: FloatArray, settled: BoolArray, _flow: Flow, _values: Values
    ) -> tuple[FloatArray, BoolArray]:
        """Return the chains' shares, shape (..., K), after the effect, and which of them are settled.

        Parameters
        ----------
        shares : array of shape (..., K)
        settled : bool array of shape (K,)
            Shares that an effect before has set.
        """
        return shares, settled

    def is_surely(self, name: str, number: float) -> bool:
        """Return whether a parameter is a number whatever is believed of it."""
        value = getattr(self, name)
        return value.low == value.high == number if isinstance(value, Range) else value == number

    def ranges(self) -> dict[str, Range]:
        """Return the parameters of which only a range is believed."""
        numbers = {each.name: getattr(self, each.name) for each in parameters_of(type(self))}
        return {name: value for name, value in numbers.items() if isinstance(value, Range)}

    def values(self, drawn: Values | None = None) -> dict[str, Any]:
        """Return the numbers that the effect acts with: those drawn, else the means of its ranges."""
        numbers = {
            each.name: getattr(self, each.name) for each in parameters_of(type(self)) if each.kind in NUMBERS
        }
        return {
            name: value.mean if isinstance(value, Range) else value for name, value in numbers.items()
        } | dict(drawn or {})

    def apply(self, flow: Flow, drawn: Values | None = None) -> Flow:
        """Return the changed flow, or the same object where the parameters change nothing.

        Parameters
        ----------
        flow : Flow
        drawn : mapping, optional
            Numbers to act with in place of ranges: floats, or arrays of shape (B, 1).

        Raises
        ------
        UnknownNameError
            If a parameter names an event, a persona or a segment that the flow does not know.
        SimulationError
            If a step cannot take the effect.
        """
        if self.neutral:
            return flow
        changed = self.act(flow, self.values(drawn))
        if not self.is_limited:
            return changed
        from persona_tui.engine.simulation.edits import only_for  # noqa: PLC0415 - 0.1 s, as numpy

        return only_for(changed, flow, self.touched(flow))

    @property
    def is_limited(self) -> bool:
        """Return whether the effect touches only some personas or users."""
        return bool(self.personas or self.segment)

    def touched(self, flow: Flow) -> BoolArray:
        """Return which chains the effect touches, shape (K,)."""
        return flow.persona_mask(self.personas, self.segment)

    def events(self) -> tuple[str, ...]:
        """Return the events that the parameters name, in the order of the parameters."""
        named: list[str] = []
        for each in parameters_of(type(self)):
            value = getattr(self, each.name)
            if each.kind == "events":
                named.extend(value)
            elif each.kind == "event" and value is not None:
                named.append(value)
        return tuple(named)

    def as_dict(self) -> dict[str, Any]:
        """Return the effect and its parameters by name, for results and recipes."""
        values = {each.name: getattr(self, each.name) for each in parameters_of(type(self))}
        return {"effect": self.name, **{name: _plain(value) for name, value in values.items()}}

    def support(self, flow: Flow) -> FloatArray:
        """Return the observed moves of those that it touches, shape (T, n, n + 2)."""
        return flow.support[self.touched(flow)] if self.is_limited else flow.support

    def audience_caveats(self, flow: Flow) -> list[str]:
        """Say where an effect that is limited touches hardly anybody whom the log has seen."""
        if not self.is_limited:
            return []
        moves = self.support(flow)
        journeys = moves[..., -2:].sum() + moves[..., : flow.n_states][..., flow.absorbing].sum()
        if journeys >= THIN_SUPPORT:
            return []
        return [f"{self.name}: the log has only {journeys:.0f} journeys{self.limited()}."]

    def went_on(self, flow: Flow) -> FloatArray:
        """Return how often those that it touches went on from each state, shape (n,)."""
        counted: FloatArray = self.support(flow)[..., ~flow.leaving_columns].sum(axis=(0, -1))
        return counted

    def limited(self) -> str:
        """Return for whom the effect acts, in plain words; empty for all."""
        who = f" for {', '.join(map(persona_in_words, self.personas))}" if self.personas else ""
        return f"{who} where {self.segment}" if self.segment else who

    def __str__(self) -> str:
        return format_call(self.name, self)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any parameter
    if isinstance(value, Range):
        return {"low": value.low, "mode": value.mode, "high": value.high}
    return list(value) if isinstance(value, tuple) else value


EFFECTS: Registry[type[Effect]] = Registry("effect", home="persona_tui.engine.simulation.effects")


def steps_named(flow: Flow, names: Sequence[str]) -> BoolArray:
    """Return the steps that an effect acts at: those named, or all.

    Raises
    ------
    UnknownNameError
        If there is no such event.
    SimulationError
        If journeys do not go on from it.
    """
    import numpy as np  # noqa: PLC0415 - 0.1 s, not needed to list effects

    if not names:
        return flow.steps
    positions = [flow.index(name) for name in names]
    for position in positions:
        if not flow.steps[position]:
            raise SimulationError(
                f"'{flow.states[position]}' {_why_no_step(flow, position)}; no effect can act at it.",
                hint="Name steps that journeys go on from.",
            )
    return np.isin(np.arange(flow.n_states), positions)


def _why_no_step(flow: Flow, position: int) -> str:
    from persona_tui.engine.simulation.flow import StateKind  # noqa: PLC0415 - 0.1 s, as numpy

    reasons = {
        int(StateKind.RETURN): "joins two sessions",
        int(StateKind.REMOVED): "was removed by an earlier effect",
    }
    return reasons.get(int(flow.kinds[position]), "ends a journey")


def percent(share: float | Range) -> str:
    """Return a share in percent, a range as such."""
    if isinstance(share, Range):
        return f"{100 * share.low:g} to {100 * share.high:g} % (likeliest {100 * share.mode:g} %)"
    return f"{100 * share:g} %"


def persona_in_words(name: str) -> str:
    """Return a persona as a sentence names it: one known by its number is told to be a persona."""
    return f"persona {name}" if name.isdecimal() else name


def parse_effect(text: str) -> Effect:
    """Return the effect that ``name:key=value,…`` describes.

    Raises
    ------
    UnknownNameError
        If there is no such effect or parameter; the message suggests the nearest.
    SimulationError
        If a value is malformed, missing or out of bounds; every fault is named.

    Examples
    --------
    >>> effect = parse_effect("friction:factor=0.05,at=signup_start|form_step_1")
    >>> effect.describe()
    'lose 5 % more of those who would go on at signup_start, form_step_1'
    >>> str(effect)
    'friction:factor=0.05,at=signup_start|form_step_1'
    """
    try:
        name, given = parse_call(text)
    except ValueError as fault:
        raise SimulationError(f"Modification '{text}': {fault}", hint=_GRAMMAR) from None
    cls = EFFECTS.get(name)
    known = {each.name: each for each in parameters_of(cls)}
    faults, values = _read_values(known, given)
    missing = [each.name for each in known.values() if each.required and each.name not in given]
    faults += [f"{parameter} is missing." for parameter in missing]
    if not faults:
        try:
            return cls(**values)
        except SimulationError as fault:
            raise SimulationError(f"Modification '{text}': {fault.message}", hint=_GRAMMAR) from None
    raise SimulationError(f"Modification '{text}': {' '.join(faults)}", hint=_GRAMMAR)


_GRAMMAR = "Write name:key=value,key=value; items of a list are split by |, a range is low/mode/high."


def _read_values(known: dict[str, Parameter], given: dict[str, str]) -> tuple[list[str], dict[str, Any]]:
    faults: list[str] = []
    values: dict[str, Any] = {}
    for key, text in given.items():
        try:
            if key not in known:
                raise unknown_name("parameter", key, known)
            values[key] = parse_value(known[key], text)
        except (PersonaError, ValueError) as fault:
            faults.append(str(fault))
    return faults, values
