"""Read a TOML file that people may write: what is wrong with it is told with its name, and its lines."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from persona_tui.engine.errors import DataError
from persona_tui.study.places import Faults


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a file and what it holds.

    Raises
    ------
    DataError
        If it cannot be read, or is no TOML.
    """
    text = _read_text(path)
    try:
        return text, tomllib.loads(text)
    except ValueError as fault:  # a number of thousands of digits is one that the parser does not wrap
        raise DataError(f"'{path}' is not TOML: {fault}.") from None
    except RecursionError:
        raise DataError(f"'{path}' cannot be read: its lists are nested too deeply.") from None


def require_no_faults(faults: Faults, path: Path, text: str) -> None:
    """Refuse a file in which something has no meaning.

    Raises
    ------
    DataError
        If there is a fault; every one is named with its line.
    """
    if not faults:
        return
    told = faults.told(text)
    plural = "fault" if len(told) == 1 else "faults"
    raise DataError(f"{len(told)} {plural} in {path}: {' '.join(told)}")


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as fault:
        raise DataError(f"'{path}' cannot be read: {fault.strerror or fault}.") from None
    except UnicodeDecodeError as fault:
        line = fault.object.count(b"\n", 0, fault.start) + 1
        raise DataError(f"'{path}' is not UTF-8 text: line {line}.", hint="Save it as UTF-8.") from None
