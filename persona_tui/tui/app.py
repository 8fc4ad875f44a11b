"""The app: one workspace, a screen for each job, and the actions that all of them share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from rich.text import Text
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable
from persona_tui.study.options import Settings
from persona_tui.tui.actions import ACTIONS, APP, DIALOG, Action
from persona_tui.tui.findings import Findings, log_is_stale, personas_are_stale
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.lifecycle import leave_for_sure, on_hangup, on_signals
from persona_tui.tui.plain import NothingDim, PlainGlyphs
from persona_tui.tui.recent import remember_source
from persona_tui.tui.screens.data import DataScreen
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of, bindings_of_focus
from persona_tui.tui.settling import SettlingApp
from persona_tui.tui.themes import DARK, THEMES, register
from persona_tui.tui.workspace import Workspace


def _personas_screen() -> WorkScreen:
    from persona_tui.tui.screens.personas import PersonasScreen  # noqa: PLC0415 - 0.2 s, loads numpy

    return PersonasScreen()


def _flow_screen() -> WorkScreen:
    from persona_tui.tui.screens.flow import FlowScreen  # noqa: PLC0415 - loads the engine's words

    return FlowScreen()


def _simulate_screen() -> WorkScreen:
    from persona_tui.tui.screens.simulate import SimulateScreen  # noqa: PLC0415 - loads the engine's words

    return SimulateScreen()


def _report_screen() -> WorkScreen:
    from persona_tui.tui.screens.report import ReportScreen  # noqa: PLC0415 - loads the engine's words

    return ReportScreen()


def _trust_screen() -> WorkScreen:
    from persona_tui.tui.screens.trust import TrustScreen  # noqa: PLC0415 - loads the engine's words

    return TrustScreen()


_MADE: Final[dict[str, Callable[[], WorkScreen]]] = {
    "data": DataScreen,
    "personas": _personas_screen,
    "flow": _flow_screen,
    "simulate": _simulate_screen,
    "report": _report_screen,
    "trust": _trust_screen,
}
_NOTHING_DIM: Final = NothingDim()


class PersonaApp(SettlingApp):
    """The terminal app.

    Parameters
    ----------
    workspace : Workspace
    glyphs : str
        Rung of the ladder that figures are drawn with.
    theme : str
    keys : mapping of str to str, optional
        Comma-separated keys by action, where they are not those of the table.
    defaults : mapping, optional
        Settings of logs that are no study.
    sends_copies : bool
        Whether what is copied is sent through the terminal, in place of shown.
    state_folder : Path, optional
        Where reports of crashes go.
    """

    TITLE = "persona-tui"
    CSS_PATH: ClassVar = [
        "styles/app.tcss",
        "styles/data.tcss",
        "styles/personas.tcss",
        "styles/flow.tcss",
        "styles/simulate.tcss",
        "styles/report.tcss",
        "styles/trust.tcss",
    ]
    BINDINGS: ClassVar[list[BindingType]] = bindings_of(APP)

    SCREENS: ClassVar[dict[str, Callable[[], Screen[Any]]]] = {**_MADE}

    edits: reactive[int] = reactive(0)

    def __init__(
        self,
        workspace: Workspace,
        *,
        glyphs: str = "eighths",
        theme: str = DARK.name,
        keys: Mapping[str, str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        sends_copies: bool = True,
        state_folder: Path | None = None,
    ) -> None:
        super().__init__(workspace, state_folder=state_folder, sends_copies=sends_copies)
        register(self)
        self.theme = theme
        self.set_keymap(dict(keys or {}))
        self.defaults = dict(defaults or {})
        self.glyphs = LADDER[glyphs]
        self.set_class(glyphs == "ascii", "-ascii")
        self._last_filters = [PlainGlyphs()] if glyphs == "ascii" else []

    def on_mount(self) -> None:
        """Show the screen where the session was, and load its log."""
        if not self.is_headless:
            on_signals(self.leave)
            on_hangup(self._hung_up)
        self.push_screen(self.workspace.view.screen)
        if self.workspace.settings.events:
            self.call_after_refresh(self.load)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what every line goes through before it is drawn."""
        return [_NOTHING_DIM, *super().get_line_filters(), *self._last_filters]

    def get_key_display(self, binding: Binding) -> str:
        """Return what a key is called: by its word where Textual's sign for it is in few fonts."""
        return super().get_key_display(binding).replace("\N{RETURN SYMBOL}", "enter")

    # the end

    def leave(self, code: int) -> None:
        """Leave in order; what was edited is remembered."""
        self.workspace.remember()
        leave_for_sure(code)
        self.exit(code, return_code=code)

    def _hung_up(self, code: int) -> None:
        self.workspace.remember()
        os._exit(code)

    def _fatal_error(self) -> None:
        """Say where the report of a crash is, in place of a page of code; the session is remembered."""
        error = self._exception
        if error is None:
            super()._fatal_error()
            return
        self.workspace.remember()
        self._exit_renderables.append(Text(self._reported(error)))
        self._close_messages_no_wait()

    # what is worked on

    def edit(self, what: str, **values: object) -> bool:
        """Change settings; say what is wrong with them and return False where they make no sense."""
        try:
            self.workspace.edit(what, **values)
        except PersonaError as fault:
            self.tell(fault)
            return False
        self.settings_changed()
        return True

    def settings_changed(self) -> None:
        """Show the settings as they are now, and load the log anew where they read it in another way."""
        self.edits += 1
        if not self.workspace.settings.events:
            return
        if log_is_stale(self.findings, self.workspace.settings):
            self.load()
        elif self.findings.log_fault is not None:
            self.findings = self.findings.without_fault()

    def open_source(self, settings: Settings) -> None:
        """Leave what is open, which is remembered, and open something else."""
        self.workspace.open(settings)
        remember_source(self.workspace.folder, self.workspace.place)
        self.findings = Findings()
        self.settings_changed()

    # actions

    def show_screen(self, name: str) -> None:
        """Go to the screen of a job, and find personas where they are wanted and not known."""
        self.switch_screen(name)
        self.workspace.view.screen = name
        self.workspace.remember()
        self._find_what_is_wanted(self.findings)

    def watch_findings(self, found: Findings) -> None:
        """Go on to the personas where a session was left among them."""
        if found.fit_fault is None:
            self._find_what_is_wanted(found)

    def _find_what_is_wanted(self, found: Findings) -> None:
        idle = self.running is None and found.log is not None
        wanted = self.workspace.view.screen in {"personas", "flow", "report"}
        if idle and wanted and personas_are_stale(found, self.workspace.settings):
            self.fit()

    def action_show_data(self) -> None:
        """Go to the data screen."""
        self.show_screen("data")

    def action_show_personas(self) -> None:
        """Go to the personas screen."""
        self.show_screen("personas")

    def action_show_flow(self) -> None:
        """Go to the flow screen."""
        self.show_screen("flow")

    def action_show_simulate(self) -> None:
        """Go to the simulate screen."""
        self.show_screen("simulate")

    def action_show_report(self) -> None:
        """Go to the report screen."""
        self.show_screen("report")

    def action_show_trust(self) -> None:
        """Go to the trust screen."""
        self.show_screen("trust")

    def action_next_tab(self) -> None:
        """Show the next tab of the screen."""
        self._turn_tab(1)

    def action_previous_tab(self) -> None:
        """Show the tab before."""
        self._turn_tab(-1)

    def _turn_tab(self, by: int) -> None:
        if isinstance(self.screen, WorkScreen):
            self.screen.turn_tab(by)

    def action_save(self) -> None:
        """Save the study, or make one of the log."""
        if self.workspace.study is not None:
            self._save(self.workspace.study)
            return
        if not self.workspace.settings.events:
            self.notify("There is no log to save a study of.", markup=False)
            return
        from persona_tui.study.runs import default_output  # noqa: PLC0415 - 0.4 s, imports the engine
        from persona_tui.tui.screens.save import SaveScreen  # noqa: PLC0415 - not before the first frame

        self.push_screen(SaveScreen(default_output(self.workspace.settings)), self._save)

    def _save(self, folder: Path | None) -> None:
        if folder is None:
            return
        if not self.workspace.would_replace(folder):
            self._write(folder)
            return
        from persona_tui.tui.screens.confirm import ConfirmScreen  # noqa: PLC0415 - not before the first frame

        question = (
            f"The study in '{printable(str(folder))}' holds settings that this session has never had: "
            "another program saved them. Replace them by those in view?"
        )
        self.push_screen(ConfirmScreen(question, "Replace"), lambda yes: self._write(folder) if yes else None)

    def _write(self, folder: Path) -> None:
        try:
            path = self.workspace.save(folder)
            remember_source(self.workspace.folder, self.workspace.place)
        except PersonaError as fault:
            self.tell(fault)
            return
        self.edits += 1
        self.notify(f"Saved: {printable(str(path))}", markup=False)

    def action_next_theme(self) -> None:
        """Change to the next theme."""
        names = [each.name for each in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]

    def action_help(self) -> None:
        """Say what can be done here."""
        from persona_tui.tui.screens.help import (  # noqa: PLC0415 - not before the first frame
            HelpScreen,
            help_sections,
        )

        self.push_screen(HelpScreen(help_sections(self)))

    def action_cancel(self) -> None:
        """Stop the work in the background."""
        if self.running is None:
            self.notify("Nothing runs in the background.")
            return
        self.notify(f"The {self.running.name} was stopped; what was in view stays.", markup=False)
        self.stop()

    async def action_back(self) -> None:
        """Leave; what is open above a screen closes itself."""
        await self.action_quit()

    async def action_quit(self) -> None:
        """Leave; work in the background that would be lost is asked about."""
        if self.running is None:
            self.exit(0)
            return
        from persona_tui.tui.screens.confirm import ConfirmScreen  # noqa: PLC0415 - not before the first frame

        question = f"The {self.running.name} is not finished. Leave and stop it?"
        self.push_screen(ConfirmScreen(question, "Leave"), lambda yes: self.exit(0) if yes else None)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield every action: of what has the focus, of the screen in view, then the others."""
        for each in bindings_of_focus(screen):
            keys = self.get_key_display(each.binding)
            sentence = f"{each.binding.tooltip or each.binding.description} {keys}"
            do = partial(self.call_after_refresh, self.run_action, each.binding.action, each.node)
            yield SystemCommand(f"{each.binding.description} (here)", sentence, do)
        here = screen.NAME if isinstance(screen, WorkScreen) else APP
        for action in sorted(ACTIONS, key=lambda each: (each.scope != here, each.scope != APP)):
            if action.id != "command_palette" and action.scope != DIALOG:
                where = "" if action.scope in {here, APP} else f" ({action.scope})"
                yield SystemCommand(
                    f"{action.label}{where}",
                    f"{action.help} {self.shown_keys(action)}",
                    partial(self.do, action),
                )

    def do(self, action: Action) -> None:
        """Do an action, on its own screen."""
        if action.scope not in {APP, getattr(self.screen, "NAME", APP)}:
            self.show_screen(action.scope)
        target = "app" if action.scope == APP else "screen"
        self.call_after_refresh(self.run_action, f"{target}.{action.id}")
