"""Where a session begins: at what is named, or at what was open last."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from persona_tui.engine.errors import PersonaError
from persona_tui.tui.recent import recent_sources, remember_source
from persona_tui.tui.workspace import Workspace, settings_of_source


def begin_workspace(source: str, defaults: Mapping[str, Any], folder: Path) -> Workspace:
    """Return what is worked on, as the last session left it: a source, or what was open last.

    Raises
    ------
    PersonaError
        If the settings of a study that was named make no sense.
    """
    before = () if source else recent_sources(folder)
    try:
        settings = settings_of_source(source or next(iter(before), ""), defaults)
    except PersonaError:
        if source:
            raise
        settings = settings_of_source("", defaults)
    workspace = Workspace(settings, folder=folder)
    workspace.resume()
    if source:
        remember_source(folder, workspace.place)
    return workspace
