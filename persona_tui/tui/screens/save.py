"""Where a log becomes a study."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class SaveScreen(ModalScreen[Path | None]):
    """Asks for the folder of a study."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Cancel")]

    def __init__(self, proposed: Path) -> None:
        super().__init__()
        self._proposed = proposed

    def compose(self) -> ComposeResult:
        """Build the question and its field."""
        with Vertical(classes="dialog"):
            yield Static("Save as a study in this folder (enter saves, escape cancels):", markup=False)
            yield Input(str(self._proposed), compact=True)
            yield Static(id="fault", markup=False)

    @on(Input.Submitted)
    def answer(self, submitted: Input.Submitted) -> None:
        """Close with the folder, unless it is none."""
        folder = Path(submitted.value.strip()).expanduser()
        if not submitted.value.strip() or folder.is_file():
            self.query_one("#fault", Static).update("Name a folder; it need not exist yet.")
            return
        self.dismiss(folder)
