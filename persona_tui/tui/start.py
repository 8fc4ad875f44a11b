"""Begin a session of the app: what the terminal can do, what was open, and the exit code in the end."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender

from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.preferences import read_preferences, state_folder
from persona_tui.tui.terminal import Terminal, animation_wanted, choose_glyphs
from persona_tui.tui.themes import ANSI
from persona_tui.tui.workspace import Workspace


class PlainScrollBar(ScrollBarRender):
    """A scrollbar of whole cells, for terminals without blocks."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def run_app(settings: Settings, terminal: Terminal) -> int:
    """Run the app until it is left, and return the exit code.

    Raises
    ------
    DataError
        If the preferences make no sense.
    """
    preferences = read_preferences()
    if settings.personas is None:
        settings = replace(settings, **preferences.defaults)
    workspace = Workspace(settings, folder=state_folder() / "sessions")
    workspace.resume()
    theme = preferences.theme
    if preferences.origins["theme"] == "default" and terminal.colours in {"none", "16"}:
        theme = ANSI.name
    glyphs = choose_glyphs(preferences.glyphs, terminal)
    if glyphs == "ascii":
        ScrollBar.renderer = PlainScrollBar
    app = PersonaApp(
        workspace,
        glyphs=glyphs,
        theme=theme,
        keys=preferences.keys,
        defaults=preferences.defaults,
        state_folder=state_folder(),
    )
    app.animation_level = "full" if animation_wanted(preferences.animation, terminal) else "none"
    app.run()
    return app.return_code or 0
