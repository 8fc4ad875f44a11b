"""The tour of the app: where it is, and the log that it needs."""

from __future__ import annotations

from textual.reactive import reactive

from persona_tui.tui.background import WorkingApp
from persona_tui.tui.recent import sample_source
from persona_tui.tui.widgets.tour import STOPS
from persona_tui.tui.workspace import settings_of_source


class GuidedApp(WorkingApp):
    """An app that shows newcomers around."""

    stop_of_tour: reactive[int | None] = reactive(None)

    def action_tour(self) -> None:
        """Begin the tour, on the sample log where none is open, or go on with it."""
        here = self.stop_of_tour
        if here is None and not self.workspace.settings.events:
            sample = sample_source()
            if not sample:
                self.notify("The sample log is not installed; open a log of yours first: 1, then o.")
                return
            self.open_source(settings_of_source(sample, {}))
        following = 0 if here is None else here + 1
        if following == len(STOPS):
            self.action_end_tour()
            return
        self.stop_of_tour = following
        self.show_screen(STOPS[following].screen)

    def action_end_tour(self) -> None:
        """End the tour; it can be had again at any time."""
        self.stop_of_tour = None
