"""What the screens have in common: the bar above, the keys below, and what they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Static, TabbedContent, TabPane

from persona_tui.study.options import Settings
from persona_tui.tui.actions import Action, actions_of
from persona_tui.tui.findings import Findings
from persona_tui.tui.widgets.key_footer import KeyFooter
from persona_tui.tui.widgets.study_bar import StudyBar
from persona_tui.tui.widgets.tour import STOPS, Tour

LEAST_WIDTH: Final = 40
LEAST_HEIGHT: Final = 10

if TYPE_CHECKING:
    from persona_tui.tui.app import PersonaApp


def bindings_of(*scopes: str) -> list[BindingType]:
    """Return the bindings of the actions of some scopes."""
    return [binding_of(each) for each in actions_of(*scopes)]


def binding_of(action: Action, namespace: str = "") -> Binding:
    """Return the binding of an action, which is done by what has it, or by what the namespace names."""
    return Binding(
        ",".join(action.keys),
        f"{namespace}{action.id}",
        action.label,
        show=action.in_footer,
        id=action.id,
        tooltip=action.help,
        priority=action.id == "quit",
    )


def bindings_of_focus(screen: Screen[Any]) -> list[ActiveBinding]:
    """Return the keys that what has the focus tells, beside those of its screen and of the app."""
    active = screen.active_bindings.values()
    above = (screen, screen.app)
    return [each for each in active if each.binding.show and each.enabled and each.node not in above]


class TooSmall(Static):
    """Stands before a screen that has no room."""


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
        yield KeyFooter()
        yield TooSmall(
            f"persona-tui needs {LEAST_WIDTH} columns and {LEAST_HEIGHT} lines. Make the terminal larger.",
            markup=False,
        )

    def compose_body(self) -> ComposeResult:
        """Build what is between the bar and the footer."""
        yield from ()

    def on_mount(self) -> None:
        """Show what is known, and whatever is learned later, where the last session looked at it."""
        kept = self.remembered("tab")
        if kept in {pane.id for pane in self.query(TabPane)}:
            self.query_one(TabbedContent).active = kept
        self.follow("findings", self._show_bar)
        self.follow("running", self._show_bar)
        self.follow("edits", self._show_bar)
        self.follow("findings", self.show)
        self.follow("stop_of_tour", self._show_stop)

    def follow(self, name: str, show: Callable[[Any], object]) -> None:
        """Call with a value of the app's, and whenever it changes, until the app ends.

        Work may still report while the screens are taken apart: one that has lost some of its parts shows
        nothing more.
        """

        def shown(value: object) -> None:
            if self.app.is_running:
                show(value)

        self.watch(self.app, name, shown)

    @on(Resize)
    def _say_what_is_needed(self, resized: Resize) -> None:
        """Say so where the terminal is too small to show anything of use."""
        self.set_class(resized.size.width < LEAST_WIDTH or resized.size.height < LEAST_HEIGHT, "-tiny")

    @on(TabbedContent.TabActivated)
    def _remember_tab(self, activated: TabbedContent.TabActivated) -> None:
        self.remember("tab", activated.pane.id)

    def remembered(self, what: str) -> Any:  # noqa: ANN401 - of any kind
        """Return what the last session was looking at, None where it did not."""
        return self.persona_app.workspace.view.details.get(self.NAME, {}).get(what)

    def remember(self, what: str, value: object) -> None:
        """Let the next session begin where this one looks now."""
        workspace = self.persona_app.workspace
        if self.remembered(what) != value:
            workspace.view.details.setdefault(self.NAME, {})[what] = value
            workspace.remember()

    def show_tab(self, name: str) -> None:
        """Show a tab; the focus leaves the one before, which would be shown again wherever it went there."""
        tabs = self.query_one(TabbedContent)
        if tabs.active != name and self.focused is not None and tabs.active_pane in self.focused.ancestors:
            self.set_focus(None)
        tabs.active = name

    def turn_tab(self, by: int) -> None:
        """Show the tab that stands so many places on; after the last comes the first."""
        tabs = self.query_one(TabbedContent)
        names = [pane.id or "" for pane in self.query(TabPane)]
        self.show_tab(names[(names.index(tabs.active) + by) % len(names)])

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
