"""Begin a session of the app: what the terminal can do, what was open, and the exit code in the end."""

from __future__ import annotations

from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.workspace import Workspace


def run_app(settings: Settings) -> int:
    """Run the app until it is left, and return the exit code.

    Raises
    ------
    PersonaError
        If the terminal cannot show it, or the preferences make no sense.
    """
    workspace = Workspace(settings)
    app = PersonaApp(workspace)
    app.run()
    return app.return_code or 0
