"""Scenarios of a study: named changes of the flow, each simulated beside the control."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from persona_tui.engine.errors import PersonaError, SimulationError, UnknownNameError, unknown_name
from persona_tui.engine.params import NUMBERS, Parameter, parameters_of
from persona_tui.engine.simulation.effects import Effect, parse_effect
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from persona_tui.engine.simulation.environment import FlowModification

CHANGE: Final = "change"
"""Name of the one scenario of settings that list none."""
RESERVED_NAMES: Final = ("control", "treatment", "all")
"""What results call other things than scenarios."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """Where a scenario stands in a group that differ in one number.

    Parameters
    ----------
    group : str
        Name that the scenarios of the group share.
    effect : int
        Which of the scenario's effects holds the number, from 1.
    parameter : str
        Name of the number.
    value : float
        The number, in the parameter's unit.
    """

    group: str
    effect: int
    parameter: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSettings:
    """One scenario as it is asked for, before it meets the data.

    Parameters
    ----------
    name : str
        Printable; unique in a study, case aside.
    effects : tuple of str
        At least one, as ``name:key=value,key=value``; they act in this order.
    description : str
        The change in words; made from the effects where empty.
    dose : Dose, optional
        Where the scenario is one of several that differ in one number.
    off : tuple of int
        Effects, by their place from 1, that are kept but do not act.

    Raises
    ------
    SimulationError
        If the name cannot be used, an effect is malformed, the dose is not what the effects say, or an
        effect is off that is not there; every fault is named.

    Examples
    --------
    >>> less = ScenarioSettings(name="Less friction", effects=("reward:factor=0.1,at=checkout",))
    >>> less.read_effects()[0].describe()
    'keep 10 % of those who would leave at checkout'
    """

    name: str
    effects: tuple[str, ...]
    description: str = ""
    dose: Dose | None = None
    off: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        faults = [name_fault(self.name), "" if self.effects else "it names no effect."]
        faults += [effect_fault(text) for text in self.effects]
        faults.append(off_fault(self.off, len(self.effects)))
        if not any(faults) and self.dose is not None:
            faults.append(_dose_fault(self.dose, read_effects(self.effects)))
        if any(faults):
            raise SimulationError(f"Scenario '{printable(self.name)}': {' '.join(filter(None, faults))}")

    def read_effects(self) -> tuple[Effect, ...]:
        """Return the effects that act, in the order in which they do."""
        return read_effects(each for place, each in enumerate(self.effects, start=1) if place not in self.off)

    def read_modification(self) -> FlowModification:
        """Return the modification of the flow that the scenario stands for."""
        from persona_tui.engine.simulation.environment import (  # noqa: PLC0415 - 0.5 s with numpy, polars
            FlowModification,
        )

        return FlowModification(description=self.description, effects=self.read_effects())

    def as_toml(self) -> dict[str, Any]:
        """Return the scenario as a table of a study file; what is left open is left out."""
        described = {"description": self.description} if self.description else {}
        kept: dict[str, Any] = {"name": self.name, **described, "effects": list(self.effects)}
        if self.off:
            kept["off"] = list(self.off)
        if self.dose is None:
            return kept
        return kept | {
            "dose": {name: getattr(self.dose, name) for name in ("group", "effect", "parameter", "value")}
        }


def name_fault(name: str) -> str:
    """Return why a scenario cannot have a name, empty where it can."""
    if not name.strip():
        return "name must not be empty."
    if name != name.strip():
        return f"name == '{name}', must not begin or end with a blank."
    if printable(name) != name:
        return f"name == '{printable(name)}', must be printable."
    if name.casefold() in RESERVED_NAMES:
        return f"name == '{name}', which results use for something else; choose another."
    return ""


def off_fault(off: Sequence[int], n_effects: int) -> str:
    """Return why these effects cannot be off, empty where they can."""
    if len(set(off)) == len(off) and all(1 <= place <= n_effects for place in off):
        return ""
    return f"off == {list(off)}, must be different places from 1 to {n_effects}, the number of effects."


def repeated_names(names: Iterable[str]) -> list[str]:
    """Return the names that were there before, case aside."""
    seen: set[str] = set()
    repeated = []
    for name in names:
        if name.casefold() in seen:
            repeated.append(name)
        seen.add(name.casefold())
    return repeated


def effect_fault(text: str) -> str:
    """Return what is wrong with the text of an effect, empty where nothing is."""
    try:
        parse_effect(text)
    except (SimulationError, UnknownNameError) as fault:
        return fault.message
    return ""


def read_effects(texts: Iterable[str]) -> tuple[Effect, ...]:
    """Return the effects that texts of the grammar describe.

    Raises
    ------
    SimulationError, UnknownNameError
        If one is malformed; every fault of every text is named.
    """
    effects: list[Effect] = []
    faults: list[SimulationError | UnknownNameError] = []
    for text in texts:
        try:
            effects.append(parse_effect(text))
        except (SimulationError, UnknownNameError) as fault:
            faults.append(fault)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        hint = next(filter(None, (fault.hint for fault in faults)), "")
        raise SimulationError(" ".join(fault.message for fault in faults), hint=hint)
    return tuple(effects)


def number_of(effect: Effect, parameter: str) -> Parameter:
    """Return the parameter of an effect that is a number and has this name.

    Raises
    ------
    UnknownNameError
        If there is none; the message suggests the nearest.
    """
    numbers = {each.name: each for each in parameters_of(type(effect)) if each.kind in NUMBERS}
    if parameter not in numbers:
        raise unknown_name(f"number of {effect.name}", parameter, numbers)
    return numbers[parameter]


def at_dose(scenario: ScenarioSettings, *, effect: int = 1, parameter: str, value: float) -> ScenarioSettings:
    """Return a scenario with another number in one of its effects.

    Parameters
    ----------
    scenario : ScenarioSettings
    effect : int
        Which of its effects, from 1.
    parameter : str
        A number of that effect.
    value : float
        In the parameter's unit and bounds.

    Returns
    -------
    ScenarioSettings
        Named after the scenario and the number; its group is the scenario.

    Raises
    ------
    SimulationError, UnknownNameError
        If there is no such effect or number, or the value is out of bounds.

    Examples
    --------
    >>> friction = ScenarioSettings(name="Friction", effects=("friction:factor=0.05,at=cart",))
    >>> more = at_dose(friction, parameter="factor", value=0.1)
    >>> more.name, more.effects
    ('Friction: factor=0.1', ('friction:factor=0.1,at=cart',))
    """
    effects = read_effects(scenario.effects)
    if not 1 <= effect <= len(effects):
        raise SimulationError(_no_such_effect(effect, effects))
    changed = effects[effect - 1]
    if number_of(changed, parameter).kind == "float":
        value = float(value)
    changed = replace(changed, **{parameter: value})  # type: ignore[type-var]  # all are dataclasses
    texts = list(scenario.effects)
    texts[effect - 1] = str(changed)
    return ScenarioSettings(
        name=f"{scenario.name}: {parameter}={value!r}",
        description=scenario.description,
        effects=tuple(texts),
        off=scenario.off,
        dose=Dose(group=scenario.name, effect=effect, parameter=parameter, value=value),
    )


def _no_such_effect(effect: int, effects: Sequence[Effect]) -> str:
    return f"effect == {effect}, must be from 1 to {len(effects)}, the number of effects."


def _dose_fault(dose: Dose, effects: Sequence[Effect]) -> str:
    """Return why a dose is not what the effects of its scenario say, empty where it is."""
    if not 1 <= dose.effect <= len(effects):
        return _no_such_effect(dose.effect, effects)
    effect = effects[dose.effect - 1]
    try:
        number_of(effect, dose.parameter)
    except PersonaError as fault:
        return fault.message
    held = getattr(effect, dose.parameter)
    if held == dose.value:
        return ""
    return f"the dose says {dose.parameter} == {dose.value!r}, the effect has {held}."
