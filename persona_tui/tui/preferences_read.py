"""The file of preferences as it is read: each fault with its line, near names told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from persona_tui.engine.errors import unknown_name
from persona_tui.study.config import read_defaults
from persona_tui.study.option_texts import is_placeless, with_tables
from persona_tui.study.places import Faults
from persona_tui.study.tables import unknown_key
from persona_tui.study.toml_files import read_toml, require_no_faults
from persona_tui.tui.actions import ACTIONS, key_faults
from persona_tui.tui.keys import key_fault
from persona_tui.tui.preferences import CHOICES, DEFAULTS, KEYS, choice_fault


def read_file(path: Path) -> dict[str, Any]:
    """Return what a file of preferences sets.

    Raises
    ------
    DataError
        If something in it has no meaning; every fault is named with its line.
    """
    text, given = read_toml(path)
    faults = Faults()
    kept: dict[str, Any] = {name: _read_part(name, value, faults) for name, value in given.items()}
    require_no_faults(faults, path, text)
    return kept | {DEFAULTS: _placed(kept.get(DEFAULTS, {}), path)}


def _placed(defaults: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the defaults of a file with the tables that they join where they are."""
    if "prepare" not in defaults:
        return dict(defaults)
    return {**defaults, "prepare": with_tables(defaults["prepare"], lambda table: _beside(path, table))}


def _beside(path: Path, table: str) -> str:
    """Return where a table is that a file names: beside the file, unless it says otherwise."""
    return table if is_placeless(table) else str(path.resolve().parent / table)


def _read_part(name: str, value: object, faults: Faults) -> object:
    """Return the value of one key at the top of the file."""
    if name in CHOICES:
        faults.add((name,), choice_fault(name, value))
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
