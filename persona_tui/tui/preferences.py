"""What the analyst prefers: theme, glyphs, keys and defaults, from a file and the environment."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from persona_tui.engine.errors import DataError, SimulationError
from persona_tui.study.config import settings_from_toml
from persona_tui.study.places import Faults, Place
from persona_tui.study.toml_files import read_toml, require_no_faults
from persona_tui.tui.actions import ACTIONS, key_faults

THEMES: Final = ("persona-dark", "persona-light", "persona-contrast", "persona-ansi")
GLYPHS: Final = ("auto", "braille", "eighths", "halves", "ascii")
ANIMATION: Final = ("auto", "on", "off")
_CHOICES: Final[dict[str, tuple[str, ...]]] = {"theme": THEMES, "glyphs": GLYPHS, "animation": ANIMATION}
_VARIABLE: Final = "PERSONA_TUI_{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What holds, and where each value came from.

    Parameters
    ----------
    theme, glyphs, animation : str
    keys : mapping of str to str
        Comma-separated keys by action, where they are not those of the table.
    defaults : mapping
        Settings of logs that are no study.
    origins : mapping of str to str
        ``default``, ``file`` or the variable, by name.
    """

    theme: str = "persona-dark"
    glyphs: str = "auto"
    animation: str = "auto"
    keys: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def preferences_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the file of preferences is, or would be."""
    return _base("XDG_CONFIG_HOME", ".config", environment) / "persona-tui" / "config.toml"


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where sessions and reports of crashes are kept."""
    return _base("XDG_STATE_HOME", ".local/state", environment) / "persona-tui"


def _base(variable: str, otherwise: str, environment: Mapping[str, str]) -> Path:
    given = environment.get(variable, "")
    return Path(given) if Path(given).is_absolute() else Path.home() / otherwise


def read_preferences(environment: Mapping[str, str] = os.environ) -> Preferences:
    """Return the preferences: of the environment, else of the file, else the defaults.

    Raises
    ------
    DataError
        If something in the file or the environment has no meaning; every fault is named.
    """
    path = preferences_path(environment)
    kept: dict[str, Any] = {}
    if path.is_file():
        text, given = read_toml(path)
        faults = Faults()
        kept = _read(given, faults)
        require_no_faults(faults, path, text)
    origins = {each.name: "file" if each.name in kept else "default" for each in fields(Preferences)}
    del origins["origins"]
    for name, choices in _CHOICES.items():
        variable = _VARIABLE.format(name.upper())
        if value := environment.get(variable, ""):
            if fault := _choice_fault(variable, value, choices):
                raise DataError(fault, hint=f"Set it to another value, or not at all: unset {variable}")
            kept[name], origins[name] = value, variable
    return Preferences(**kept, origins=origins)


def _read(given: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in given.items():
        place: Place = (name,)
        if name in _CHOICES:
            faults.add(place, _choice_fault(name, value, _CHOICES[name]))
            kept[name] = value
        elif name == "keys":
            kept[name] = _keys(value, faults)
        elif name == "defaults":
            kept[name] = _defaults(value, faults)
        else:
            known = (*_CHOICES, "keys", "defaults")
            faults.add(place, f"Unknown key '{name}'. Known: {', '.join(known)}.{_near(name, known)}")
    return kept


def _choice_fault(name: str, value: object, choices: tuple[str, ...]) -> str:
    if value in choices:
        return ""
    return f"{name} == '{value}', must be one of {', '.join(choices)}.{_near(str(value), choices)}"


def _near(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def _keys(value: object, faults: Faults) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) and each for each in value.values()):
        faults.add(("keys",), 'keys must be a table of texts: undo = "u"')
        return {}
    known = tuple(each.id for each in ACTIONS)
    for name in value:
        if name not in known:
            faults.add(("keys", name), f"There is no action '{name}'.{_near(name, known)}")
    for fault in key_faults((name, keys) for name, keys in value.items() if name in known):
        faults.add(("keys",), fault)
    return dict(value)


def _defaults(value: object, faults: Faults) -> dict[str, Any]:
    """Return defaults of settings, in the form that settings have."""
    if not isinstance(value, dict):
        faults.add(("defaults",), "defaults must be a table of options: seed = 7")
        return {}
    try:
        settings = settings_from_toml(value)
    except (DataError, SimulationError) as fault:
        faults.add(("defaults",), fault.message)
        return {}
    return {name: getattr(settings, name) for name in value}
