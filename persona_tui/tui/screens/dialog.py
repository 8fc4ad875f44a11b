"""What all dialogues have in common: the keys of the table of actions, shown below, and a way out."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.binding import BindingType
from textual.screen import ModalScreen

from persona_tui.tui.actions import APP, DIALOG, IN_DIALOGS, actions_of
from persona_tui.tui.screens.work_screen import binding_of, bindings_of
from persona_tui.tui.widgets.key_footer import KeyFooter

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A question above a screen; closed without an answer, it changes nothing.

    One that is applied as a whole has a method ``action_apply``.
    """

    VERTICAL_BREAKPOINTS: ClassVar = [(0, "-short"), (18, "-middle"), (30, "-tall")]  # type: ignore[misc]
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(DIALOG),
        *(binding_of(each, "app.") for each in actions_of(APP) if each.id in IN_DIALOGS),
    ]

    def on_mount(self) -> None:
        """Show the keys that hold here, above those of the screen below."""
        self.mount(KeyFooter())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Return whether an action can be done here."""
        return action != "apply" or hasattr(self, "action_apply")

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
