"""What the screens of the five jobs have in common: the bar above, the keys below, and what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer

from persona_tui.study.options import Settings
from persona_tui.tui.actions import actions_of
from persona_tui.tui.findings import Findings
from persona_tui.tui.widgets.study_bar import StudyBar
from persona_tui.tui.widgets.tour import STOPS, Tour

if TYPE_CHECKING:
    from persona_tui.tui.app import PersonaApp


def bindings_of(*scopes: str) -> list[BindingType]:
    """Return the bindings of the actions of some scopes."""
    return [
        Binding(
            ",".join(each.keys),
            each.id,
            each.label,
            show=each.in_footer,
            id=each.id,
            tooltip=each.help,
            priority=each.id == "quit",
        )
        for each in actions_of(*scopes)
    ]


class WorkScreen(Screen[None]):
    """A screen of a job; no field has the focus at first."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS: ClassVar = [(0, "-narrow"), (110, "-wide")]  # type: ignore[misc]
    NAME: ClassVar[str]

    @property
    def persona_app(self) -> PersonaApp:
        """Return the app, as what it is."""
        return self.app  # type: ignore[return-value]

    def compose(self) -> ComposeResult:
        """Build the bar, the body and the footer."""
        yield StudyBar()
        yield from self.compose_body()
        yield Tour()
        yield Footer(show_command_palette=False, compact=True)

    def compose_body(self) -> ComposeResult:
        """Build what is between the bar and the footer."""
        yield from ()

    def on_mount(self) -> None:
        """Show what is known, and whatever is learned later."""
        self.watch(self.app, "findings", self._show_bar)
        self.watch(self.app, "running", self._show_bar)
        self.watch(self.app, "edits", self._show_bar)
        self.watch(self.app, "findings", self.show)
        self.watch(self.app, "stop_of_tour", self._show_stop)

    def on_screen_resume(self) -> None:
        """Tell the bar that this screen is in view."""
        self._show_bar()

    def _show_bar(self, *_changed: object) -> None:
        app = self.persona_app
        self.query_one(StudyBar).facts = (app.workspace, app.findings, app.running, self.NAME)

    def _show_stop(self, stop: int | None) -> None:
        here = stop is not None and STOPS[stop].screen == self.NAME
        self.query_one(Tour).stop = stop if here else None

    def show(self, found: Findings) -> None:
        """Show what is known of the log and its personas."""

    def table_text(self) -> str:
        """Return the table in view, its columns separated by tabs; empty where there is none."""
        return ""

    def command(self) -> str:
        """Return the command that does what the screen shows."""
        from persona_tui.tui.commands import command_of  # noqa: PLC0415 - imports the study's runs

        workspace = self.persona_app.workspace
        return command_of(self.NAME, self.shown_settings(), workspace.saved)

    def shown_settings(self) -> Settings:
        """Return the settings that the screen shows."""
        return self.persona_app.workspace.settings
