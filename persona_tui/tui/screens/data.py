"""The Data screen: which log is open, how it is read, and what is wrong with it."""

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


class DataScreen(WorkScreen):
    """Shows the log."""

    NAME = "data"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("data")

    def compose_body(self) -> ComposeResult:
        """Build the page."""
        with VerticalScroll():
            yield Static(id="log", markup=False)

    def show(self, found: Findings) -> None:
        """Show the log, or why it could not be loaded."""
        page = self.query_one("#log", Static)
        if found.log_fault is not None:
            fault = found.log_fault
            page.update(Content(printable(f"{fault.message} {fault.hint}")))
        elif found.inspection is not None:
            page.update(Content(printable(found.inspection.recognition.sentence)))
        else:
            page.update(Content("No log is open: o chooses one."))
