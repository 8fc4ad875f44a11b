"""Begin a session of the app: what the terminal can do, what was open, and the exit code in the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from persona_tui.engine.errors import PersonaError
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.preferences import read_preferences, state_folder
from persona_tui.tui.recent import recent_sources, remember_source
from persona_tui.tui.terminal import Terminal, animation_wanted, choose_glyphs, copies_sent
from persona_tui.tui.themes import ANSI
from persona_tui.tui.workspace import Workspace, settings_of_source


def run_app(source: str, terminal: Terminal) -> int:
    """Run the app until it is left, and return the exit code; without a source, on the one before.

    Raises
    ------
    PersonaError
        If the preferences, or the settings of the study, make no sense.
    """
    preferences = read_preferences()
    workspace = begin_workspace(source, preferences.defaults, state_folder() / "sessions")
    theme = preferences.theme
    if preferences.origins["theme"] == "default" and terminal.colours in {"none", "16"}:
        theme = ANSI.name
    glyphs = choose_glyphs(preferences.glyphs, terminal)
    app = PersonaApp(
        workspace,
        glyphs=glyphs,
        theme=theme,
        keys=preferences.keys,
        defaults=preferences.defaults,
        sends_copies=copies_sent(preferences.clipboard, terminal),
        state_folder=state_folder(),
    )
    app.animation_level = "full" if animation_wanted(preferences.animation, terminal) else "none"
    app.run()
    return app.return_code or 0


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
