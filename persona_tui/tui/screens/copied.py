"""What was copied, where the terminal may not have taken it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from persona_tui.tui.screens.dialog import Dialog


class CopiedScreen(Dialog[None]):
    """Shows a text that was sent to the clipboard, to be selected by hand where that did not work."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "close", "Close", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Build the text and what is to be known about it."""
        with Vertical(classes="dialog wide"):
            yield Static(
                "Sent to your clipboard through the terminal (OSC 52). If yours does not take it, select the "
                "text here with the mouse, holding shift.",
                markup=False,
            )
            yield TextArea(self._text, read_only=True, soft_wrap=True)
