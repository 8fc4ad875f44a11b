"""Read settings back from a study or a run: every fault at once, each with its line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field
from pathlib import Path
from typing import Any

from persona_tui.engine.errors import DataError
from persona_tui.study.options import options_by_name

RUN_FILE = "run.toml"
STUDY_FILE = "study.toml"


def settings_file(source: str) -> Path | None:
    """Return the settings file that a source stands for: one itself, or a study's or run's folder.

    Returns
    -------
    Path or None
        None where the source is a log.
    """
    path = Path(source)
    if path.suffix == ".toml":
        return path
    return next((path / name for name in (RUN_FILE, STUDY_FILE) if (path / name).is_file()), None)


def read_settings(path: Path) -> dict[str, Any]:
    """Return the options that a settings file gives, by name.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        With ``output``, the study that the file belongs to; a relative source is one beside the file.

    Raises
    ------
    DataError
        If the file cannot be read, or holds what is no option; every fault is named with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        given = tomllib.loads(text)
    except OSError as fault:
        raise DataError(f"'{path}' cannot be read: {fault.strerror or fault}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise DataError(f"'{path}' is not TOML: {fault}.") from None
    declared = options_by_name()
    faults = [
        f"line {_line_of(text, key)}: {wrong}"
        for key, value in given.items()
        if (wrong := _fault(key, value, declared))
    ]
    if faults:
        plural = "fault" if len(faults) == 1 else "faults"
        raise DataError(f"{len(faults)} {plural} in {path}: {' '.join(faults)}")
    folder = path.resolve().parent
    study = folder.parent.parent if path.name == RUN_FILE and folder.parent.name == "runs" else folder
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    if "events" in values:
        values["events"] = str(folder / given["events"])
    return {**values, "output": str(study)}


def _fault(key: str, value: object, declared: Mapping[str, Field[Any]]) -> str:
    if key not in declared:
        near = difflib.get_close_matches(key, declared, n=1)
        return f"unknown key '{key}'." + (f" Did you mean '{near[0]}'?" if near else "")
    default = declared[key].default
    if isinstance(default, tuple):
        fits = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return "" if fits else f"{key} must be a list of texts."
    wanted: type = int if declared[key].metadata["low"] is not None else str
    if isinstance(value, bool) or not isinstance(value, wanted):
        return f"{key} must be {'a whole number' if wanted is int else 'a text'}."
    return ""


def _line_of(text: str, key: str) -> int:
    found = re.compile(rf"^\s*(\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=\]]", re.MULTILINE).search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 1
