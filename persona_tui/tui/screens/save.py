"""Where a log becomes a study."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from persona_tui.tui.screens.dialog import Dialog


class SaveScreen(Dialog[Path]):
    """Asks for the folder of a study."""

    def __init__(self, proposed: Path) -> None:
        super().__init__()
        self._proposed = proposed

    def compose(self) -> ComposeResult:
        """Build the question and its field."""
        with Vertical(classes="dialog"):
            yield Static("Save as a study in this folder (enter saves):", markup=False)
            yield Input(str(self._proposed), compact=True)
            yield Static(id="fault", markup=False)

    @on(Input.Submitted)
    def action_apply(self) -> None:
        """Close with the folder, unless it is none."""
        named = self.query_one(Input).value.strip()
        folder = Path(named).expanduser()
        if not named or folder.is_file():
            self.query_one("#fault", Static).update("Name a folder; it need not exist yet.")
            return
        self.dismiss(folder)
