"""Which formats a report leaves in, and where it goes."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static
from textual.widgets.selection_list import Selection

from persona_tui.engine.analytics.exporters import EXPORTERS
from persona_tui.tui.screens.dialog import Dialog
from persona_tui.tui.widgets.choices import Choices

Choice = tuple[tuple[str, ...], Path]


class ExportScreen(Dialog[Choice]):
    """Closes with the formats and the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def compose(self) -> ComposeResult:
        """Build the formats above the folder."""
        with Vertical(classes="dialog"):
            yield Static("Export: space chooses formats, tab goes to the folder, ctrl+s writes", markup=False)
            yield Choices(
                *(
                    Selection(Content.assemble((name, "bold"), f"  {EXPORTERS.help(name)}"), name, True)
                    for name in EXPORTERS.names()
                ),
                id="formats",
            )
            yield Input(str(self._folder), id="folder", compact=True)
            yield Static(
                "Files of the same names are replaced, each whole or not at all.",
                classes="hint",
                markup=False,
            )
            yield Static(id="fault", classes="fault", markup=False)

    def on_mount(self) -> None:
        """Begin at the formats."""
        self.query_one("#formats").focus()

    @on(Input.Submitted)
    def action_apply(self) -> None:
        """Close with what is chosen, or say what is missing."""
        chosen = set(self.query_one(Choices).selected)
        folder = self.query_one("#folder", Input).value.strip()
        if not chosen or not folder:
            self.query_one("#fault", Static).update(
                "Choose at least one format." if folder else "Name a folder."
            )
            return
        formats = tuple(name for name in EXPORTERS.names() if name in chosen)
        self.dismiss((formats, Path(folder).expanduser()))
