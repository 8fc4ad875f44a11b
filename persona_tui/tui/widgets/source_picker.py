"""Ways to name a source: a field that completes paths, and a tree of folders and files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from textual.suggester import Suggester
from textual.widgets import DirectoryTree

from persona_tui.engine.text import printable


class PathSuggester(Suggester):
    """Completes what is typed to the first folder or file that begins so."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the completed path; slow file systems are asked in a thread."""
        return await asyncio.to_thread(completed, value)


def completed(value: str) -> str | None:
    """Return what is typed, completed by the first name that begins so; folders end in a slash."""
    if not value or "://" in value:
        return None
    folder, start = os.path.split(value)
    try:
        entries = [each for each in os.scandir(Path(folder or ".").expanduser()) if _begins(each, start)]
        first = min(entries, key=lambda each: each.name, default=None)
        if first is None or first.name != printable(first.name):
            return None
        return os.path.join(folder, first.name) + ("/" if first.is_dir() else "")  # noqa: PTH118 - as typed
    except (OSError, RuntimeError):
        return None


def _begins(entry: os.DirEntry[str], start: str) -> bool:
    return entry.name.startswith(start) and (bool(start) or not entry.name.startswith("."))


class LogTree(DirectoryTree):
    """Folders and files, hidden ones left out; enter opens a file as a log."""

    HELP = "Files: up and down choose, enter opens a folder, or takes a file as the log."

    ICON_NODE = "+ "
    ICON_NODE_EXPANDED = "- "
    ICON_FILE = "  "

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Return the paths that are not hidden."""
        return [each for each in paths if not each.name.startswith(".")]
