"""A question before anything is lost."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class ConfirmScreen(ModalScreen[bool]):
    """Asks; escape is no."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(False)", "No")]

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
