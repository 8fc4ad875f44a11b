"""Read the effects of a study file, each a text in the grammar or a table of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.engine.params import (
    LISTS,
    NUMBERS,
    Parameter,
    Range,
    parameters_of,
    parse_value,
    value_faults,
)
from persona_tui.engine.simulation.effects import EFFECTS, Effect
from persona_tui.study.places import Faults, Place
from persona_tui.study.scenarios import effect_fault
from persona_tui.study.tables import is_number, is_whole, read_table, unknown_key

EFFECT_KEY: Final = "effect"
RANGE_KEYS: Final = ("low", "mode", "high")
PERSONAS: Final = frozenset({"persona", "personas"})
"""Kinds of parameters that name personas, which have numbers too."""


def read_effects(value: object, place: Place, faults: Faults, *, key: str) -> tuple[str, ...]:
    """Return a list of effects as the grammar writes them.

    Parameters
    ----------
    value : object
        What the file holds there.
    place : tuple
        Where that is.
    faults : Faults
        Gets what is wrong.
    key : str
        What the list is called in the file.

    Returns
    -------
    tuple of str
        One text an effect; empty where that has faults.
    """
    if not isinstance(value, list) or not value:
        faults.add(place, f"{key} must be a list of at least one effect, as text or table.")
        return ()
    return tuple(_read_either(each, (*place, position), faults) for position, each in enumerate(value))


def _read_either(value: object, place: Place, faults: Faults) -> str:
    if isinstance(value, Mapping):
        return _read_effect(value, place, faults)
    if not isinstance(value, str):
        faults.add(place, "an effect must be a text like name:key=value, or a table.")
        return ""
    fault = effect_fault(value)
    faults.add(place, fault)
    return "" if fault else value


def _read_effect(table: Mapping[str, Any], place: Place, faults: Faults) -> str:
    """Return the effect of a table as the grammar writes it, empty where it has faults."""
    name = table.get(EFFECT_KEY)
    if not isinstance(name, str):
        faults.add((*place, EFFECT_KEY), f"effect must be one of {', '.join(EFFECTS.names())}.")
        return ""
    try:
        cls = EFFECTS.get(name)
    except UnknownNameError as fault:
        faults.add((*place, EFFECT_KEY), fault.message)
        return ""
    mine = Faults()
    values = _read_values(cls, table, place, mine)
    text = ""
    if not mine:
        try:
            text = str(cls(**values))
        except SimulationError as fault:
            mine.add(place, fault.message)
    faults.extend(mine)
    return text


def _read_values(cls: type[Effect], table: Mapping[str, Any], place: Place, faults: Faults) -> dict[str, Any]:
    known = {each.name: each for each in parameters_of(cls)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in known:
            values[key] = _read_value(known[key], value, (*place, key), faults)
        elif key != EFFECT_KEY:
            faults.add((*place, key), unknown_key(key, known))
    for each in known.values():
        if each.required and each.name not in table:
            faults.add(place, f"{cls.name}: {each.name} is missing.")
    return values


def _read_value(parameter: Parameter, value: object, place: Place, faults: Faults) -> object:
    """Return the value of a parameter as the effect keeps it; none where it has a fault."""
    if parameter.kind in NUMBERS:
        number = _read_number(parameter, value, place, faults)
        for fault in value_faults(parameter, number):
            faults.add(place, fault)
        return number
    is_persona = parameter.kind in PERSONAS
    if parameter.kind in LISTS:
        if isinstance(value, list) and all(_is_name(each, is_persona) for each in value):
            return tuple(map(str, value))
        wanted = "a list of names or numbers" if is_persona else "a list of texts"
    else:
        if _is_name(value, is_persona):
            return str(value)
        wanted = "a name or a number" if is_persona else "a text"
    faults.add(place, f"{parameter.name} must be {wanted}.")
    return None


def _is_name(value: object, is_persona: bool) -> bool:
    return isinstance(value, str) or (is_persona and is_whole(value))


def fits(parameter: Parameter, value: object) -> bool:
    """Return whether a value is a number as the parameter wants one, whatever its bounds."""
    return is_whole(value) if parameter.kind == "int" else is_number(value)


def wanted_number(parameter: Parameter) -> str:
    """Return what a single number of an effect must be, in words."""
    return "a whole number" if parameter.kind == "int" else "a number"


def _read_number(
    parameter: Parameter, value: object, place: Place, faults: Faults
) -> int | float | Range | None:
    """Return a number or a range; none, with a fault, where it is neither."""
    if parameter.takes_range and isinstance(value, Mapping):
        return _read_range(parameter, value, place, faults)
    if parameter.takes_range and isinstance(value, str):
        try:
            believed = parse_value(parameter, value)
        except ValueError:
            believed = None
        if isinstance(believed, Range):
            return believed
    if fits(parameter, value):
        return float(value) if parameter.kind == "float" else value  # type: ignore[arg-type, return-value]
    alternative = " or low/mode/high" if parameter.takes_range else ""
    faults.add(place, f"{parameter.name} must be {wanted_number(parameter)}{alternative}.")
    return None


def _read_range(parameter: Parameter, value: object, place: Place, faults: Faults) -> Range | None:
    table = read_table(value, RANGE_KEYS, place, faults)
    ends: list[float] = []
    for key in RANGE_KEYS:
        if key not in table:
            faults.add(place, f"{parameter.name}: {key} is missing.")
        elif not is_number(table[key]):
            faults.add((*place, key), f"{parameter.name} ({key}) must be a number.")
        else:
            ends.append(float(table[key]))
    return Range(*ends) if len(ends) == len(RANGE_KEYS) else None
