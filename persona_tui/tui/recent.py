"""The sources that were opened last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from persona_tui.study.store import make_folder, write_text

MOST: Final = 12
_FILE: Final = "recent.json"


def recent_sources(folder: Path | None) -> list[str]:
    """Return the sources that were opened last, the latest first; none where that is not known."""
    if folder is None:
        return []
    try:
        kept = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [each for each in kept if isinstance(each, str)][:MOST] if isinstance(kept, list) else []


def remember_source(folder: Path | None, source: str) -> None:
    """Put a source first; it must hold no password."""
    if folder is None or not source:
        return
    kept = [source, *(each for each in recent_sources(folder) if each != source)]
    write_text(make_folder(folder) / _FILE, json.dumps(kept[:MOST]))
