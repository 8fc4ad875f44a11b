"""What the analyst prefers: theme, glyphs, animation, keys and defaults, from a file and the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any, Final

from persona_tui.engine.errors import DataError, ExportError, unknown_name
from persona_tui.study.config import read_defaults
from persona_tui.study.places import Faults
from persona_tui.study.store import make_folder, write_text
from persona_tui.study.tables import unknown_key
from persona_tui.study.toml_files import read_toml, require_no_faults
from persona_tui.tui.actions import ACTIONS, key_faults
from persona_tui.tui.keys import key_fault

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "theme": ("persona-dark", "persona-light", "persona-contrast", "persona-ansi"),
    "glyphs": ("auto", "braille", "eighths", "halves", "ascii"),
    "animation": ("auto", "on", "off"),
}
"""What the settings that are one word may be."""
KEYS: Final = "keys"
DEFAULTS: Final = "defaults"
DEFAULT: Final = "default"
FILE: Final = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What holds, and where each value came from.

    Parameters
    ----------
    theme, glyphs, animation : str
        One of ``CHOICES``.
    keys : mapping of str to str
        Comma-separated keys by action, where they are not those of the table of actions.
    defaults : mapping
        Options by name, as ``Settings`` has them, for logs that are no study.
    origins : mapping of str to str
        ``default``, ``file`` or the name of a variable, by the name of the field.
    """

    theme: str = "persona-dark"
    glyphs: str = "auto"
    animation: str = "auto"
    keys: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def variable_of(name: str) -> str:
    """Return the environment variable that goes before a setting of the file."""
    return f"PERSONA_TUI_{name.upper()}"


def preferences_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the file of preferences is, or would be."""
    return _base("XDG_CONFIG_HOME", ".config", environment) / "persona-tui" / "config.toml"


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where sessions of the app, and reports of its crashes, are kept."""
    return _base("XDG_STATE_HOME", ".local/state", environment) / "persona-tui"


def read_preferences(environment: Mapping[str, str] = os.environ) -> Preferences:
    """Return the preferences: of the environment, else of the file, else the defaults.

    Raises
    ------
    DataError
        If something in the file or the environment has no meaning; every fault is named.
    """
    kept = _read_file(preferences_path(environment))
    origins = {name: FILE if kept.get(name) else DEFAULT for name in (*CHOICES, KEYS, DEFAULTS)}
    faults = []
    for name in CHOICES:
        variable = variable_of(name)
        if value := environment.get(variable, ""):
            faults += [fault] if (fault := _choice_fault(name, value)) else []
            kept[name], origins[name] = value, variable
    if faults:
        variables = " ".join(origin for origin in origins.values() if origin not in {DEFAULT, FILE})
        raise DataError(f"In the environment: {' '.join(faults)}", hint=f"Set another, or: unset {variables}")
    return Preferences(**kept, origins=origins)


def write_preferences(environment: Mapping[str, str] = os.environ) -> Path:
    """Write a file that shows every setting with its default, and return where it is.

    Raises
    ------
    ExportError
        If there is one, or it cannot be written.
    """
    from persona_tui.tui.preferences_file import preferences_text  # noqa: PLC0415 - only this needs its words

    path = preferences_path(environment)
    if path.exists() or path.is_symlink():
        raise ExportError(
            f"'{path}' exists, and is not replaced.",
            hint=f"To begin anew: mv {quote(str(path))} {quote(f'{path}.old')} && persona-tui config init",
        )
    make_folder(path.parent)
    write_text(path, preferences_text())
    return path


def _base(variable: str, otherwise: str, environment: Mapping[str, str]) -> Path:
    """Return a folder of the XDG specification, by which a path that is not absolute counts as none."""
    named = Path(environment.get(variable, ""))
    return named if named.is_absolute() else Path.home() / otherwise


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    text, given = read_toml(path)
    faults = Faults()
    kept = {name: _read_part(name, value, faults) for name, value in given.items()}
    require_no_faults(faults, path, text)
    return kept


def _read_part(name: str, value: object, faults: Faults) -> object:
    """Return the value of one key at the top of the file."""
    if name in CHOICES:
        faults.add((name,), _choice_fault(name, value))
    elif name in {KEYS, DEFAULTS} and not isinstance(value, dict):
        faults.add((name,), f"{name} must be a table, below [{name}].")
    elif name == KEYS and isinstance(value, dict):
        return _read_keys(value, faults)
    elif name == DEFAULTS and isinstance(value, dict):
        return read_defaults(value, (DEFAULTS,), faults)
    else:
        faults.add((name,), _misplaced(name) or unknown_key(name, (*CHOICES, KEYS, DEFAULTS)))
    return value


def _misplaced(name: str) -> str:
    """Return the fault of a key that belongs into a table; empty where it is none."""
    if not read_defaults({name: ""}, (), Faults()):
        return f"'{name}' belongs below [{KEYS}]." if name in _action_names() else ""
    return f"'{name}' belongs below [{DEFAULTS}]."


def _choice_fault(name: str, value: object) -> str:
    return "" if value in CHOICES[name] else str(unknown_name(name, str(value), CHOICES[name]))


def _action_names() -> tuple[str, ...]:
    return tuple(each.id for each in ACTIONS)


def _read_keys(value: Mapping[str, object], faults: Faults) -> dict[str, str]:
    """Return the keys of actions, each the name of a key and none of two actions."""
    known = _action_names()
    kept = {}
    for name, keys in value.items():
        if name not in known:
            faults.add((KEYS, name), str(unknown_name("action", name, known)))
        elif not isinstance(keys, str) or not keys.strip():
            faults.add((KEYS, name), f'{name} must be a text: the name of a key, or several as "z,ctrl+u".')
        else:
            kept[name] = ",".join(key.strip() for key in keys.split(","))
            for key in kept[name].split(","):
                faults.add((KEYS, name), key_fault(key))
    for fault in key_faults(kept.items()):
        culprits = [name for name in kept if f"'{name}'" in fault]
        faults.add((KEYS, *culprits[-1:]), fault)
    return kept
