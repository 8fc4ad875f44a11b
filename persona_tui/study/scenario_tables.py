"""Read the scenarios of a study file: every fault at once, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from persona_tui.engine.errors import PersonaError, SimulationError, UnknownNameError
from persona_tui.engine.params import Parameter, value_faults
from persona_tui.engine.simulation.effects import parse_effect
from persona_tui.study.effect_tables import fits, read_effects, wanted_number
from persona_tui.study.places import Faults, Place
from persona_tui.study.scenarios import (
    Dose,
    ScenarioSettings,
    at_dose,
    name_fault,
    number_of,
    off_fault,
    repeated_names,
)
from persona_tui.study.tables import is_whole, read_table, read_text

SCENARIO_KEYS: Final = ("name", "description", "effects", "off", "vary", "dose")
VARY_KEYS: Final = ("effect", "parameter", "values")
DOSE_KEYS: Final = ("group", "effect", "parameter", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vary:
    """Which number of a scenario varies, and over what."""

    effect: int
    parameter: str
    values: tuple[float, ...]


def read_scenarios(value: object, place: Place, faults: Faults) -> tuple[ScenarioSettings, ...]:
    """Return the scenarios of a study file; one that varies a number becomes one for each value.

    Parameters
    ----------
    value : object
        What the file holds under ``scenarios``.
    place : tuple
        Where that stands.
    faults : Faults
        Gets what is wrong; scenarios with faults are left out.
    """
    if not isinstance(value, list) or not value:
        faults.add(place, "scenarios must be tables, each headed [[scenarios]].")
        return ()
    scenarios: list[ScenarioSettings] = []
    names: list[str] = []
    for position, each in enumerate(value):
        here = (*place, position)
        read = _read_scenario(each, here, faults)
        title = each.get("name") if isinstance(each, Mapping) else None
        added = dict.fromkeys([title if isinstance(title, str) else "", *(one.name for one in read)])
        names += [name for name in added if name]
        for name in repeated_names(names):
            faults.add((*here, "name"), f"'{name}' names another scenario already; case does not count.")
            names.remove(name)
        scenarios += read
    return tuple(scenarios)


def _read_scenario(value: object, place: Place, faults: Faults) -> list[ScenarioSettings]:
    """Return one scenario, or one for each value where it varies; none where it has faults."""
    mine = Faults()
    table = read_table(value, SCENARIO_KEYS, place, mine)
    scenarios = _read_parts(table, place, mine) if isinstance(value, Mapping) else []
    faults.extend(mine)
    return [] if mine else scenarios


def _read_parts(table: Mapping[str, Any], place: Place, faults: Faults) -> list[ScenarioSettings]:
    name = read_text(table, "name", place, faults)
    if isinstance(table.get("name", ""), str):
        faults.add((*place, "name"), name_fault(name))
    description = read_text(table, "description", place, faults)
    effects = read_effects(table.get("effects"), (*place, "effects"), faults, key="effects")
    off = _read_off(table["off"], effects, (*place, "off"), faults) if "off" in table else ()
    vary = _read_vary(table["vary"], effects, (*place, "vary"), faults) if "vary" in table else None
    dose = _read_dose(table["dose"], effects, (*place, "dose"), faults) if "dose" in table else None
    if "vary" in table and "dose" in table:
        faults.add((*place, "dose"), "a scenario varies a number or is one dose of it, not both.")
    if faults:
        return []
    try:
        scenario = ScenarioSettings(name=name, description=description, effects=effects, dose=dose, off=off)
    except SimulationError as fault:
        faults.add((*place, "dose"), fault.message)
        return []
    return [scenario] if vary is None else _doses(scenario, vary, (*place, "vary", "values"), faults)


def _read_off(value: object, effects: tuple[str, ...], place: Place, faults: Faults) -> tuple[int, ...]:
    """Return which effects do not act, from 1."""
    if not isinstance(value, list) or not all(map(is_whole, value)):
        faults.add(place, "off must be a list of whole numbers, the places of effects from 1.")
        return ()
    if effects:
        faults.add(place, off_fault(value, len(effects)))
    return tuple(value)


def _doses(scenario: ScenarioSettings, vary: _Vary, place: Place, faults: Faults) -> list[ScenarioSettings]:
    scenarios = []
    for position, value in enumerate(vary.values):
        try:
            scenarios.append(at_dose(scenario, effect=vary.effect, parameter=vary.parameter, value=value))
        except PersonaError as fault:
            faults.add((*place, position), fault.message)
    return scenarios


def _read_vary(value: object, effects: tuple[str, ...], place: Place, faults: Faults) -> _Vary | None:
    table = read_table(value, VARY_KEYS, place, faults)
    if not isinstance(value, Mapping):
        return None
    effect, parameter = _read_target(table, effects, place, faults)
    values = table.get("values")
    here = (*place, "values")
    if not isinstance(values, list) or not values:
        faults.add(here, "values must be a list of at least one number.")
        return None
    if parameter is None:
        return None
    for position, each in enumerate(values):
        _check_value(parameter, each, (*here, position), faults, word="values")
        if fits(parameter, each) and each in values[:position]:
            faults.add((*here, position), f"{each!r} is given twice.")
    return _Vary(effect=effect, parameter=parameter.name, values=tuple(values))


def _read_dose(value: object, effects: tuple[str, ...], place: Place, faults: Faults) -> Dose | None:
    table = read_table(value, DOSE_KEYS, place, faults)
    if not isinstance(value, Mapping):
        return None
    group = read_text(table, "group", place, faults)
    if isinstance(table.get("group", ""), str):
        faults.add((*place, "group"), name_fault(group).replace("name", "group", 1))
    effect, parameter = _read_target(table, effects, place, faults)
    if parameter is None:
        return None
    number = table.get("value")
    _check_value(parameter, number, (*place, "value"), faults, word="value")
    if not fits(parameter, number):
        return None
    return Dose(group=group, effect=effect, parameter=parameter.name, value=number)  # type: ignore[arg-type]


def _check_value(parameter: Parameter, value: object, place: Place, faults: Faults, *, word: str) -> None:
    if not fits(parameter, value):
        each = " each" if word == "values" else ""
        faults.add(place, f"{word} must be {wanted_number(parameter)}{each}.")
        return
    for fault in value_faults(parameter, value):
        faults.add(place, fault)


def _read_target(
    table: Mapping[str, Any], effects: tuple[str, ...], place: Place, faults: Faults
) -> tuple[int, Parameter | None]:
    """Return which effect, from 1, and which of its numbers a table means.

    The number is none where it cannot be told, be it for faults of the effect itself.
    """
    effect = table.get("effect", 1)
    name = table.get("parameter")
    if not isinstance(name, str):
        faults.add((*place, "parameter"), "parameter must be the name of a number of the effect.")
    if not effects:
        return 1, None
    if not is_whole(effect) or not 1 <= effect <= len(effects):
        bound = f"must be from 1 to {len(effects)}, the number of effects."
        faults.add((*place, "effect"), f"effect == {effect!r}, {bound}")
        return 1, None
    text = effects[effect - 1]
    if not text or not isinstance(name, str):
        return effect, None
    try:
        return effect, number_of(parse_effect(text), name)
    except UnknownNameError as fault:
        faults.add((*place, "parameter"), fault.message)
        return effect, None
