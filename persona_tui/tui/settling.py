"""An app that takes edits back and does them again: those of settings and those about personas."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from persona_tui.engine.text import printable
from persona_tui.tui.telling import TellingApp

_TOLD: Final = 2.0
"""Seconds that what was taken back is told: often the next one follows."""


class SettlingApp(TellingApp):
    """An app that takes edits back, those of settings and those about personas."""

    @abstractmethod
    def settings_changed(self) -> None:
        """Show that the settings are others."""

    def action_undo(self) -> None:
        """Take back the last edit."""
        settled = self.settlements.undo(len(self.workspace.done), self.workspace.study)
        if settled is not None:
            self.restore(settled.before)
        what = self.workspace.undo() if settled is None else settled.what
        self._moved(what, "Taken back", "There is nothing to take back.", by_settings=settled is None)

    def action_redo(self) -> None:
        """Do again what was taken back."""
        settled = self.settlements.redo(len(self.workspace.done), self.workspace.study)
        if settled is not None:
            self.restore(settled.after)
        what = self.workspace.redo() if settled is None else settled.what
        self._moved(what, "Done again", "There is nothing to do again.", by_settings=settled is None)

    def _moved(self, what: str | None, done: str, nothing: str, *, by_settings: bool) -> None:
        told = f"{done}: {printable(what)}" if what else nothing
        self.notify(told, timeout=_TOLD, markup=False)
        if what and by_settings:
            self.settings_changed()
