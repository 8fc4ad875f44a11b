"""The Personas screen: how many, who they are, and how they differ."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from persona_tui.engine.text import printable
from persona_tui.tui.findings import Findings
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of


class PersonasScreen(WorkScreen):
    """Shows the personas."""

    NAME = "personas"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("personas")

    def compose_body(self) -> ComposeResult:
        """Build the page."""
        with VerticalScroll():
            yield Static(id="cards", markup=False)

    def show(self, found: Findings) -> None:
        """Show the personas, or why there are none."""
        page = self.query_one("#cards", Static)
        if found.fit_fault is not None:
            fault = found.fit_fault
            page.update(Content(printable(f"{fault.message} {fault.hint}")))
        elif found.personas is not None:
            page.update(Content(printable(", ".join(card.name for card in found.personas.cards))))
        else:
            page.update(Content("No personas yet."))
