"""What drift and fairness came to, kept beside the fit that they are about, so that reports can tell it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal, TypeAlias

from persona_tui.engine.analytics.sections import Section
from persona_tui.engine.errors import ExportError
from persona_tui.engine.simulation.uncertainty import DEFAULT_N_DRAWS
from persona_tui.study.cache import SECTION_SUFFIXES, FitCache, cache_folder
from persona_tui.study.log import PreparedLog
from persona_tui.study.options import Settings
from persona_tui.study.rebuilding import rebuild
from persona_tui.study.store import write_text

Name: TypeAlias = Literal["drift", "fairness"]
FORMAT: Final = 1


def keep_section(settings: Settings, prepared: PreparedLog, name: Name, section: Section) -> None:
    """Keep a section for the reports of a log; a folder that cannot be written is no reason to fail.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        Of the same settings.
    name : {"drift", "fairness"}
    section : Section
        In place of the one before.
    """
    path = _path(settings, prepared, name)
    if not path.parent.is_dir():
        return
    try:
        write_text(path, json.dumps({"format": FORMAT, "section": asdict(section)}))
    except ExportError:
        return


def kept_sections(settings: Settings, prepared: PreparedLog) -> tuple[Section, ...]:
    """Return the sections that are kept for the reports of a log."""
    found = (_load(_path(settings, prepared, name)) for name in SECTION_SUFFIXES)
    return tuple(each for each in found if each is not None)


def _path(settings: Settings, prepared: PreparedLog, name: str) -> Path:
    fit = FitCache(cache_folder(settings), settings, prepared, DEFAULT_N_DRAWS).path
    return fit.with_suffix(SECTION_SUFFIXES[name])


def _load(path: Path) -> Section | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return rebuild(Section, kept["section"]) if kept["format"] == FORMAT else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
