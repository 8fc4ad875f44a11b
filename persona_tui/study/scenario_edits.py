"""Edits of a study's scenarios, as an analyst makes them one by one; each returns what is to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.effects import parse_effect
from persona_tui.study.options import CHANGE_OPTIONS, Settings, options_by_name
from persona_tui.study.scenarios import CHANGE, ScenarioSettings

Scenarios = Sequence[ScenarioSettings]
_NOTHING: Final = "insert_steps:count=0"
_KEPT_EFFECT: Final = "Switch it off, or remove the scenario."


def values_of(settings: Settings, scenarios: Scenarios) -> dict[str, Any]:
    """Return the settings that hold some scenarios, by name.

    One change that was given no name of its own is held as the options of one change, so that a command
    line can say it.

    Parameters
    ----------
    settings : Settings
        As they were; a leading scenario that is gone leads no more.
    scenarios : sequence of ScenarioSettings
        At least one.

    Examples
    --------
    >>> change = ScenarioSettings(name="change", effects=("reward:factor=0.1",))
    >>> values_of(Settings(), [change])["modification"]
    ('reward:factor=0.1',)
    """
    lead = settings.lead if settings.lead in {each.name for each in scenarios} else ""
    only = scenarios[0]
    if len(scenarios) == 1 and only.name == CHANGE and not only.off and only.dose is None:
        return {
            "scenarios": (),
            "lead": lead,
            "modification": only.effects,
            "description": only.description,
        }
    declared = options_by_name()
    single = {name: declared[name].default for name in CHANGE_OPTIONS}
    return {"scenarios": tuple(scenarios), "lead": lead, **single}


def alone(settings: Settings, scenario: ScenarioSettings) -> Settings:
    """Return settings whose one change is what a scenario does; a command line can say them.

    Effects that are off are left out; where all are, the change inserts no steps, which is none.
    """
    acting = tuple(map(str, scenario.read_effects())) or (_NOTHING,)
    return replace(settings, scenarios=(), lead="", modification=acting, description=scenario.description)


def with_scenario(
    scenarios: Scenarios, place: int, scenario: ScenarioSettings
) -> tuple[ScenarioSettings, ...]:
    """Return scenarios with another one at a place, from 0."""
    return (*scenarios[:place], scenario, *scenarios[place + 1 :])


def add_scenario(scenarios: Scenarios, name: str, effects: Sequence[str]) -> tuple[ScenarioSettings, ...]:
    """Return scenarios with one more, under a name that none has yet."""
    return (*scenarios, ScenarioSettings(name=fresh_name(scenarios, name), effects=tuple(effects)))


def duplicate_scenario(scenarios: Scenarios, place: int) -> tuple[ScenarioSettings, ...]:
    """Return scenarios with a copy of one behind it; the copy is no dose of anything."""
    chosen = scenarios[place]
    copied = replace(chosen, name=fresh_name(scenarios, chosen.name), dose=None)
    return (*scenarios[: place + 1], copied, *scenarios[place + 1 :])


def remove_scenario(scenarios: Scenarios, place: int) -> tuple[ScenarioSettings, ...]:
    """Return scenarios without one.

    Raises
    ------
    SimulationError
        If it is the only one.
    """
    if len(scenarios) == 1:
        raise SimulationError(
            "A study has at least one scenario.", hint="Change this one, or add another first."
        )
    return (*scenarios[:place], *scenarios[place + 1 :])


def fresh_name(scenarios: Scenarios, wanted: str) -> str:
    """Return a name that no scenario has, case aside: the one wanted, or that with a number.

    Examples
    --------
    >>> taken = [ScenarioSettings(name=each, effects=("reward:factor=0.1",)) for each in ("Less", "less 2")]
    >>> fresh_name(taken, "Less"), fresh_name(taken, "More")
    ('Less 3', 'More')
    """
    taken = {each.name.casefold() for each in scenarios}
    number, name = 1, wanted
    while name.casefold() in taken:
        number += 1
        name = f"{wanted} {number}"
    return name


def add_effect(scenario: ScenarioSettings, text: str) -> ScenarioSettings:
    """Return a scenario with one more effect, which acts last."""
    return _rebuilt(scenario, [*_with_acts(scenario), (text, True)])


def replace_effect(scenario: ScenarioSettings, place: int, text: str) -> ScenarioSettings:
    """Return a scenario with another effect at a place, from 0; off if that was."""
    effects = _with_acts(scenario)
    effects[place] = (text, effects[place][1])
    return _rebuilt(scenario, effects)


def remove_effect(scenario: ScenarioSettings, place: int) -> ScenarioSettings:
    """Return a scenario without an effect.

    Raises
    ------
    SimulationError
        If it is the only one.
    """
    effects = _with_acts(scenario)
    if len(effects) == 1:
        raise SimulationError("A scenario has at least one effect.", hint=_KEPT_EFFECT)
    return _rebuilt(scenario, effects[:place] + effects[place + 1 :])


def duplicate_effect(scenario: ScenarioSettings, place: int) -> ScenarioSettings:
    """Return a scenario with a copy of an effect behind it."""
    effects = _with_acts(scenario)
    return _rebuilt(scenario, [*effects[: place + 1], *effects[place:]])


def toggle_effect(scenario: ScenarioSettings, place: int) -> ScenarioSettings:
    """Return a scenario with an effect off that was on, or on that was off."""
    effects = _with_acts(scenario)
    text, acts = effects[place]
    effects[place] = (text, not acts)
    return _rebuilt(scenario, effects)


def move_effect(scenario: ScenarioSettings, place: int, by: int) -> ScenarioSettings:
    """Return a scenario with an effect so many places later, or earlier; at the ends it stays."""
    effects = _with_acts(scenario)
    moved = effects.pop(place)
    effects.insert(min(max(place + by, 0), len(effects)), moved)
    return _rebuilt(scenario, effects)


def effect_words(text: str) -> str:
    """Return an effect in plain words.

    Examples
    --------
    >>> effect_words("reward:factor=0.1,at=cart")
    'keep 10 % of those who would leave at cart'
    """
    return parse_effect(text).describe()


def _with_acts(scenario: ScenarioSettings) -> list[tuple[str, bool]]:
    """Return the effects, each with whether it acts."""
    return [(text, place not in scenario.off) for place, text in enumerate(scenario.effects, start=1)]


def _rebuilt(scenario: ScenarioSettings, effects: Sequence[tuple[str, bool]]) -> ScenarioSettings:
    """Return a scenario with other effects; what was said of the old ones is not said of these."""
    off = tuple(place for place, (_, acts) in enumerate(effects, start=1) if not acts)
    texts = tuple(text for text, _ in effects)
    return replace(scenario, effects=texts, off=off, dose=None)
