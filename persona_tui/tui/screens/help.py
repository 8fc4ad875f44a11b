"""What can be done here: about what has the focus, then the keys of this screen and of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from persona_tui.tui.actions import APP, Action, actions_of


class HelpScreen(ModalScreen[None]):
    """Lists the actions of a screen from the one table of actions."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,f1", "dismiss", "Close")]

    def __init__(self, screen: str, focused: str, shown_keys: Sequence[tuple[Action, str]]) -> None:
        super().__init__()
        self._screen, self._focused = screen, focused
        self._keys = {action.id: keys for action, keys in shown_keys}

    def compose(self) -> ComposeResult:
        """Build the page."""
        with VerticalScroll(classes="dialog wide"):
            if self._focused:
                yield Static(Content.assemble(("Here\n", "bold"), self._focused, "\n"))
            for title, scope in ((f"{self._screen.capitalize()} screen", self._screen), ("Everywhere", APP)):
                if actions := actions_of(scope):
                    yield Static(self._listed(title, actions))

    def _listed(self, title: str, actions: Sequence[Action]) -> Content:
        width = max(len(keys) for keys in self._keys.values())
        lines = [
            Content.assemble((f"{self._keys[each.id]:<{width}}", "$text-accent"), f"  {each.help}")
            for each in actions
        ]
        return Content("\n").join([Content.styled(title, "bold"), *lines, Content("")])
