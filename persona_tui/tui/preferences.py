"""What the analyst prefers in the app, from a file and the environment: looks, keys and defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any, Final

from persona_tui.engine.errors import DataError, ExportError, unknown_name
from persona_tui.study.store import make_folder, write_text

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "theme": ("persona-dark", "persona-light", "persona-contrast", "persona-ansi"),
    "glyphs": ("auto", "braille", "eighths", "halves", "ascii"),
    "animation": ("auto", "on", "off"),
    "clipboard": ("auto", "osc52", "show"),
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
    theme, glyphs, animation, clipboard : str
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
    clipboard: str = "auto"
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
            faults += [fault] if (fault := choice_fault(name, value)) else []
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


def choice_fault(name: str, value: object) -> str:
    """Return what is wrong with a setting that is one word; empty where nothing is."""
    return "" if value in CHOICES[name] else str(unknown_name(name, str(value), CHOICES[name]))


def _read_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    from persona_tui.tui.preferences_read import read_file  # noqa: PLC0415 - 0.05 s, where there is a file

    return read_file(path)
