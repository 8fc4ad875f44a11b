"""What the app tells in a line: faults, and what was copied."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from textual.binding import Binding

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable
from persona_tui.tui.actions import ACTIONS, Action
from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.guided import GuidedApp
from persona_tui.tui.screens.work_screen import WorkScreen
from persona_tui.tui.workspace import Workspace

LONGEST_COPY: Final = 50_000
"""In bytes; xterm and others take no more than 75 000 once encoded."""
LONGEST_TOAST: Final = 300


class TellingApp(GuidedApp):
    """An app that tells faults, and copies to the clipboard where the terminal lets it.

    Parameters
    ----------
    workspace : Workspace
    state_folder : Path, optional
    sends_copies : bool
        Whether the terminal takes a clipboard; what is copied is shown otherwise.
    """

    glyphs: Glyphs

    def __init__(
        self, workspace: Workspace, *, state_folder: Path | None = None, sends_copies: bool = True
    ) -> None:
        super().__init__(workspace, state_folder=state_folder)
        self._sends_copies, self._copied = sends_copies, ""

    def tell(self, fault: PersonaError) -> None:
        """Say what went wrong and what to do about it."""
        text = f"{fault.message}\n{fault.hint}" if fault.hint else fault.message
        self.notify(self._short(text.replace("\n", " ")), severity="error", markup=False)

    def action_copy_command(self) -> None:
        """Copy the command that does what the screen shows."""
        if not isinstance(self.screen, WorkScreen):
            return
        try:
            self.copy(self.screen.command())
        except PersonaError as fault:
            self.tell(fault)

    def action_copy_table(self) -> None:
        """Copy the table in view."""
        text = self.screen.table_text() if isinstance(self.screen, WorkScreen) else ""
        if text:
            self.copy(text)
        else:
            self.notify("There is no table in view.", markup=False)

    def copy(self, text: str) -> None:
        """Send a text to the clipboard; show it where that would be in vain."""
        self._copied = text
        if not self._sends_copies or len(text.encode()) > LONGEST_COPY:
            self.action_show_copied()
            return
        self.copy_to_clipboard(text)
        first, *others = text.splitlines()
        rest = f" and {len(others):,} more lines" if others else ""
        key = self.shown_keys(next(each for each in ACTIONS if each.id == "show_copied"))
        shown = self._short(first.replace("\t", "  "))
        self.notify(f"{shown}{rest}\n{key} shows it, if it did not arrive.", title="Copied", markup=False)

    def action_show_copied(self) -> None:
        """Show what was copied last."""
        from persona_tui.tui.screens.copied import CopiedScreen  # noqa: PLC0415 - 9 ms before the first frame

        if self._copied:
            self.push_screen(CopiedScreen(self._copied))
        else:
            self.notify("Nothing was copied yet.")

    def _short(self, text: str) -> str:
        """Return a text from the data as it can be shown, no longer than a toast."""
        shown = printable(text)
        return shown if len(shown) <= LONGEST_TOAST else shown[: LONGEST_TOAST - 1] + self.glyphs.ellipsis

    def shown_keys(self, action: Action) -> str:
        """Return the keys of an action as they are called, the analyst's own where there are some."""
        keys = self._keymap.get(action.id, ",".join(action.keys)).split(",")
        return " ".join(self.get_key_display(Binding(key, action.id)) for key in keys)
