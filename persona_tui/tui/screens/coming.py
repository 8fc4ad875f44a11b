"""The screens that are not built yet: what will be there, and which verb does the job today."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from persona_tui.tui.findings import Findings
from persona_tui.tui.screens.work_screen import WorkScreen

_PROMISES: Final = {
    "simulate": "Watch synthetic users walk the flow with and without the change, the exact values beside.",
}


class ComingScreen(WorkScreen):
    """Says what a screen will do, and the command that does it today."""

    DEFAULT_CSS = "ComingScreen > Static { padding: 1 2; }"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.NAME = name  # type: ignore[misc]

    def compose_body(self) -> ComposeResult:
        """Build the page."""
        yield Static(id="promise", markup=False)

    def show(self, found: Findings) -> None:  # noqa: ARG002 - the command depends on settings alone
        """Show the command for the log that is open."""
        shown = Content.assemble(
            (f"{self.NAME.capitalize()}\n\n", "bold"),
            _PROMISES[self.NAME],
            "\n\nThis screen is not built yet. Today, one command does the job (y copies it):\n\n",
            (f"  {self.command()}", "$text-accent"),
        )
        self.query_one("#promise", Static).update(shown)
