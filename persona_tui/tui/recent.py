"""The sources that were opened last, kept beside the sessions; no passwords."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from persona_tui.engine.errors import PersonaError
from persona_tui.study.store import make_folder, write_text

FILE: Final = "recent.json"
MOST: Final = 20


def recent_sources(folder: Path | None) -> tuple[str, ...]:
    """Return the sources that were opened, the last one first; what cannot be read is none."""
    if folder is None:
        return ()
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(each for each in kept if isinstance(each, str)) if isinstance(kept, list) else ()


def remember_source(folder: Path | None, place: str) -> None:
    """Put a source, as ``Settings.source_places`` writes it, before the others; a full disk is no fault."""
    if folder is None:
        return
    try:
        make_folder(folder)
        write_text(folder / FILE, json.dumps(_first(place, recent_sources(folder))))
    except (OSError, PersonaError):
        return


def _first(place: str, others: Iterable[str]) -> list[str]:
    return [place, *(each for each in others if each != place)][:MOST]


def sample_source() -> str:
    """Return where the sample log is, empty where the installation has none."""
    beside_package = Path(__file__).parents[2] / "data" / "sample_events.csv"
    return str(beside_package) if beside_package.is_file() else ""
