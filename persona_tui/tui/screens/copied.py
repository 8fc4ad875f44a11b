"""What was copied, for terminals that do not take it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from persona_tui.tui.screens.dialog import Dialog


class CopiedScreen(Dialog[None]):
    """Shows a text, to be selected by hand."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "close", "Close", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Build the text and what is to be known about it."""
        with Vertical(classes="dialog wide"):
            yield Static(
                "To copy this, select it with the mouse, holding shift, and copy it as your terminal does.",
                markup=False,
            )
            yield TextArea(self._text, read_only=True, soft_wrap=True)
