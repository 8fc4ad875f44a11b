"""Ways a product change acts on the chain that personas walk.

To add one, write a frozen dataclass here and register it. The study file, the
command line and the effect form are built from its fields. Nothing here needs
numpy until an effect is applied, so that help can list effects at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from persona_tui.engine.errors import PersonaError, SimulationError, unknown_name
from persona_tui.engine.params import (
    Parameter,
    faults_of,
    format_call,
    param,
    parameters_of,
    parse_call,
    parse_value,
)
from persona_tui.engine.registry import Registry

if TYPE_CHECKING:
    from persona_tui.engine.simulation.flow import Flow
    from persona_tui.engine.types import BoolArray

THIN_SUPPORT = 30
"""Observed moves below which a result that rests on them is flagged."""


class Effect(ABC):
    """One change to a chain; a frozen dataclass of parameters."""

    __slots__ = ()
    name: ClassVar[str]

    def __post_init__(self) -> None:
        faults = faults_of(self)
        if faults:
            raise SimulationError(f"{self.name}: {' '.join(faults)}")

    @property
    @abstractmethod
    def neutral(self) -> bool:
        """Whether the parameters change nothing."""

    @abstractmethod
    def act(self, flow: Flow) -> Flow:
        """Return the changed flow; only called where the effect is not neutral."""

    @abstractmethod
    def describe(self) -> str:
        """Return the effect in plain words."""

    def caveats(self, _flow: Flow) -> list[str]:
        """Return what the reader should know before trusting the effect on this flow."""
        return []

    def apply(self, flow: Flow) -> Flow:
        """Return the changed flow, or the same object where the parameters change nothing.

        Raises
        ------
        UnknownNameError
            If a parameter names an event that the flow does not know.
        SimulationError
            If a step cannot take the effect.
        """
        return flow if self.neutral else self.act(flow)

    def as_dict(self) -> dict[str, Any]:
        """Return the effect and its parameters by name, for results and recipes."""
        values = {each.name: getattr(self, each.name) for each in parameters_of(type(self))}
        return {
            "effect": self.name,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in values.items()},
        }

    def __str__(self) -> str:
        return format_call(self.name, self)


EFFECTS: Registry[type[Effect]] = Registry("effect")


def _steps_named(flow: Flow, names: Sequence[str]) -> BoolArray:
    import numpy as np  # noqa: PLC0415 - 0.1 s, not needed to list effects

    if not names:
        return flow.steps
    positions = [flow.index(name) for name in names]
    for position in positions:
        if not flow.steps[position]:
            raise SimulationError(
                f"'{flow.states[position]}' ends a journey or joins two sessions; no effect can act at it.",
                hint="Name steps that journeys go on from.",
            )
    return np.isin(np.arange(flow.n_states), positions)


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


@EFFECTS.register("insert_steps", help="Put new steps in front of an event (default: of completion).")
@dataclass(frozen=True, slots=True, kw_only=True)
class InsertSteps(Effect):
    """Make every entry into an event first pass new steps."""

    name: ClassVar[str] = "insert_steps"

    count: int = param(low=0, high=100, unit="steps", help="Number of new steps.")
    before: str | None = param(default=None, kind="event", help="The event they precede; completion.")
    exit_rate: float | None = param(
        default=None,
        low=0,
        high=1,
        unit="probability per step",
        help="Chance of leaving at each; as at the steps that lead there.",
    )
    sources: tuple[str, ...] = param(default=(), kind="events", help="Only entries from these; all.")

    @property
    def neutral(self) -> bool:
        """Whether no step is inserted."""
        return self.count == 0

    def act(self, flow: Flow) -> Flow:
        """Return the flow with the new states."""
        from persona_tui.engine.simulation.edits import insert_steps  # noqa: PLC0415 - 0.1 s, as numpy

        sources = _steps_named(flow, self.sources) if self.sources else None
        for target in self._targets(flow):
            padded = None if sources is None else _pad(sources, flow.n_states)
            flow = insert_steps(flow, self.count, flow.index(target), self.exit_rate, padded)
        return flow

    def _targets(self, flow: Flow) -> list[str]:
        from persona_tui.engine.simulation.flow import StateKind  # noqa: PLC0415 - 0.1 s, as numpy

        if self.before is not None:
            if flow.kinds[flow.index(self.before)] == StateKind.RETURN:
                raise SimulationError("Steps cannot be inserted before 'return': it is not a step.")
            return [self.before]
        return [
            state for state, kind in zip(flow.states, flow.kinds, strict=True) if kind == StateKind.COMPLETION
        ]

    def caveats(self, flow: Flow) -> list[str]:
        """Say where the exit rate is taken from hardly any entries."""
        if self.exit_rate is not None:
            return []
        from persona_tui.engine.simulation.edits import entry_support  # noqa: PLC0415 - 0.1 s, as numpy

        return [
            f"insert_steps takes its exit rate from only {seen:.0f} moves into {target}; set exit_rate."
            for target in self._targets(flow)
            if (seen := entry_support(flow, flow.index(target))) < THIN_SUPPORT
        ]

    def describe(self) -> str:
        """Return the effect in plain words."""
        steps = "step" if self.count == 1 else "steps"
        where = f"before {self.before}" if self.before else "before completion"
        loss = "" if self.exit_rate is None else f", each losing {_percent(self.exit_rate)}"
        limit = f" for those who come from {', '.join(self.sources)}" if self.sources else ""
        return f"insert {self.count} {steps} {where}{limit}{loss}"


def _pad(mask: BoolArray, length: int) -> BoolArray:
    import numpy as np  # noqa: PLC0415 - 0.1 s, not needed to list effects

    return np.concatenate([mask, np.zeros(length - len(mask), dtype=bool)])


@EFFECTS.register("friction", help="Raise the chance of leaving at some steps (default: at all).")
@dataclass(frozen=True, slots=True, kw_only=True)
class Friction(Effect):
    """Raise the chance of leaving at every visit of a step."""

    name: ClassVar[str] = "friction"

    factor: float = param(
        low=0, high=1, unit="probability per step", help="Share of those who would go on and now leave."
    )
    at: tuple[str, ...] = param(default=(), kind="events", help="The steps; all.")

    @property
    def neutral(self) -> bool:
        """Whether nobody leaves more."""
        return self.factor == 0

    def act(self, flow: Flow) -> Flow:
        """Return the flow with more leaving."""
        from persona_tui.engine.simulation.edits import add_friction  # noqa: PLC0415 - 0.1 s, as numpy

        return add_friction(flow, self.factor, _steps_named(flow, self.at))

    def describe(self) -> str:
        """Return the effect in plain words."""
        where = f"at {', '.join(self.at)}" if self.at else "at every step"
        return f"lose {_percent(self.factor)} more of those who would go on {where}"


@EFFECTS.register("reward", help="Lower the chance of leaving at some steps (default: at all).")
@dataclass(frozen=True, slots=True, kw_only=True)
class Reward(Effect):
    """Lower the chance of leaving at every visit of a step."""

    name: ClassVar[str] = "reward"

    factor: float = param(
        low=0, high=1, unit="share of leaving", help="Share of those who would leave and now go on."
    )
    at: tuple[str, ...] = param(default=(), kind="events", help="The steps; all.")

    @property
    def neutral(self) -> bool:
        """Whether nobody stays longer."""
        return self.factor == 0

    def act(self, flow: Flow) -> Flow:
        """Return the flow with less leaving."""
        from persona_tui.engine.simulation.edits import add_reward, continuing_support  # noqa: PLC0415

        seen = continuing_support(flow).sum(axis=0)
        for name in self.at:
            if seen[flow.index(name)] <= 0:
                raise SimulationError(
                    f"Nobody was seen to go on from '{name}', so reward has nowhere to send those who stay.",
                    hint="Leave the step out, or redirect it.",
                )
        return add_reward(flow, self.factor, _steps_named(flow, self.at))

    def caveats(self, flow: Flow) -> list[str]:
        """Name the steps where the rescued are sent by little or no evidence."""
        from persona_tui.engine.simulation.edits import continuing_support  # noqa: PLC0415 - as numpy

        seen = continuing_support(flow).sum(axis=0)
        steps = _steps_named(flow, self.at)
        notes = [
            f"reward at {state}: only {count:.0f} moves were seen to go on from it."
            for state, count, step in zip(flow.states, seen, steps, strict=True)
            if step and 0 < count < THIN_SUPPORT
        ]
        idle = [s for s, count, step in zip(flow.states, seen, steps, strict=True) if step and count <= 0]
        if idle:
            notes.append(f"reward leaves {', '.join(idle)} as they are: nobody was seen to go on.")
        return notes

    def describe(self) -> str:
        """Return the effect in plain words."""
        where = f"at {', '.join(self.at)}" if self.at else "at every step"
        return f"keep {_percent(self.factor)} of those who would leave {where}"


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


_GRAMMAR = "Write name:key=value,key=value; items of a list are split by |."


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
