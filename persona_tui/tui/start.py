"""Begin a session of the app: what the terminal can do, what was open, and the exit code in the end."""

from __future__ import annotations

from persona_tui.tui.app import PersonaApp
from persona_tui.tui.preferences import read_preferences, state_folder
from persona_tui.tui.resume import begin_workspace
from persona_tui.tui.terminal import Terminal, animation_wanted, choose_glyphs, copies_sent
from persona_tui.tui.themes import ANSI


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
