"""A question before anything is lost."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from persona_tui.tui.screens.dialog import Dialog


class ConfirmScreen(Dialog[bool]):
    """Asks; escape is no."""

    def __init__(self, question: str, yes: str) -> None:
        super().__init__()
        self._question, self._yes = question, yes

    def compose(self) -> ComposeResult:
        """Build the question and its two answers."""
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            with Horizontal(classes="answers"):
                yield Button("No", id="no", compact=True)
                yield Button(self._yes, id="yes", variant="warning", compact=True)

    @on(Button.Pressed)
    def answer(self, pressed: Button.Pressed) -> None:
        """Close with the answer."""
        self.dismiss(pressed.button.id == "yes")
