"""The Simulate screen: runs in processes of their own, begun, watched, paused, stopped and replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static, TabbedContent, TabPane
from textual.widgets.option_list import Option
from textual.worker import get_current_worker

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable
from persona_tui.study.options import Settings
from persona_tui.study.run_state import ALIVE
from persona_tui.tui.findings import Findings
from persona_tui.tui.screens import run_form
from persona_tui.tui.screens import simulate_page as page
from persona_tui.tui.screens.export import Choice, ExportScreen
from persona_tui.tui.screens.faults import NO_LOG
from persona_tui.tui.screens.form import Field, FormScreen
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of
from persona_tui.tui.widgets.convergence import ConvergenceChart
from persona_tui.tui.widgets.funnel_bars import FunnelBars
from persona_tui.tui.widgets.text_table import Table, TextTable

if TYPE_CHECKING:
    from persona_tui.study.following import ListedRun
    from persona_tui.study.run_state import RunState

_NO_RUNS: Final = "No runs yet: s starts one."
QUICK: Final = 2.0
"""Seconds below which a run is over before anybody has seen it: it is then shown again, slowly."""
_REPLAY: Final = 8.0
"""Seconds that such a replay takes."""


class SimulateScreen(WorkScreen):
    """Shows a run while it works; leaving the screen, or the app, leaves the run alone."""

    NAME = "simulate"
    HORIZONTAL_BREAKPOINTS: ClassVar = [(0, "-narrow"), (110, "-wide"), (150, "-broad")]  # type: ignore[misc]
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("simulate")

    class Seen(Message):
        """How a run stands, and how long nothing new was told; of a flood of these the last counts."""

        def __init__(self, folder: Path, state: RunState, replayed: str = "", silent: float = 0.0) -> None:
            super().__init__()
            self.folder, self.state, self.replayed, self.silent = folder, state, replayed, silent

        def can_replace(self, message: Message) -> bool:
            """Return whether this view is not worth drawing any more; one of silence replaces its kind."""
            return isinstance(message, SimulateScreen.Seen) and bool(self.silent or not message.silent)

    class Listed(Message):
        """The runs of the study are known."""

        def __init__(self, runs: list[ListedRun], watched: Path | None) -> None:
            super().__init__()
            self.runs, self.watched = runs, watched

    class Failed(Message):
        """What was asked of a run cannot be done."""

        def __init__(self, fault: PersonaError) -> None:
            super().__init__()
            self.fault = fault

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[ListedRun] = []
        self._watched: Path | None = None
        self._state: RunState | None = None
        self._only = run_form.ALL

    def compose_body(self) -> ComposeResult:
        """Build what is asked for and the runs beside the one that is watched."""
        yield Static(id="said", markup=False)
        with Horizontal(id="simulate"):
            with Vertical(id="asked"):
                yield Static("The next run", classes="heading")
                yield Static(id="wanted", markup=False)
                yield Static("Runs", classes="heading")
                yield OptionList(id="runs", markup=False, compact=True)
            with Vertical(id="watched"):
                yield Static(id="headline", markup=False)
                with TabbedContent(id="tabs"):
                    with TabPane("Live", id="live"), VerticalScroll():
                        yield ConvergenceChart(id="chart")
                        yield Static(id="enough", classes="hint", markup=False)
                        with Horizontal(id="numbers"):
                            yield Table(id="standing")
                            yield Table(id="by-persona")
                    with TabPane("Steps", id="steps"), VerticalScroll():
                        yield Static("Followed users, reached at all", classes="title", markup=False)
                        yield FunnelBars(id="arms")
                        yield Table(id="drop-off")
                    with TabPane("Walks", id="walks"), VerticalScroll():
                        yield Static(id="walk-text", markup=False)
                    with TabPane("Log", id="log"), VerticalScroll():
                        yield Static(id="log-text", markup=False)

    def on_mount(self) -> None:
        """Follow the settings."""
        super().on_mount()
        self.follow("edits", self._show_wanted)

    def on_screen_resume(self) -> None:
        """Look for runs, and at the newest that is under way."""
        super().on_screen_resume()
        self._list()

    def on_screen_suspend(self) -> None:
        """Look away; the run goes on."""
        self.workers.cancel_group(self, "watch")

    def show(self, found: Findings) -> None:
        """Show what is asked for."""
        said = self.query_one("#said", Static)
        nothing = not self.persona_app.workspace.settings.events
        said.update(NO_LOG)
        said.display = nothing
        self.query_one("#simulate").display = not nothing
        self._show_wanted()
        if found.log is not None and not self._runs:
            self._list()

    def _show_wanted(self, *_changed: object) -> None:
        settings = self.persona_app.workspace.settings
        names = [each.name for each in settings.effective_scenarios()]
        if self._only not in names:
            self._only = run_form.ALL
        which = f"{len(names)} scenarios" if self._only == run_form.ALL and len(names) > 1 else self._only
        if self._only == run_form.ALL and len(names) == 1:
            which = names[0]
        told = (
            f"{printable(which)}\n{settings.n_personas:,} synthetic users per arm\nseed {settings.seed}, "
            f"{settings.workers or 'all'} workers, {settings.solver}"
        )
        self.query_one("#wanted", Static).update(Content(told))

    # the runs

    @property
    def study(self) -> Path:
        """Return the folder of the study that runs are kept in."""
        from persona_tui.study.runs import study_folder  # noqa: PLC0415 - 0.4 s, imports the engine

        return study_folder(self.persona_app.workspace.settings)

    @work(thread=True, exclusive=True, exit_on_error=False, group="list", description="-")
    def _list(self, wanted: Path | None = None) -> None:
        from persona_tui.study.following import list_runs  # noqa: PLC0415 - with the study

        runs = list_runs(self.study)
        alive = [each.folder for each in runs if each.state.status in ALIVE]
        known = [each.folder for each in runs]
        candidates = [wanted, *alive, self._watched, *known]
        self.post_message(self.Listed(runs, next((each for each in candidates if each in known), None)))

    @on(Listed)
    def _show_runs(self, listed: Listed) -> None:
        self._runs = listed.runs
        self.query_one("#watched").display = listed.watched is not None
        self.call_after_refresh(self._fill_list, listed)  # its width is that beside what is watched
        if listed.watched is not None and self.persona_app.screen is self:
            watching = any(each.group == "watch" and each.is_running for each in self.workers)
            now = next(each.state.status for each in listed.runs if each.folder == listed.watched)
            is_over = now not in ALIVE and self._state is not None and self._state.status == now
            if listed.watched != self._watched or not (watching or is_over):
                self._look_at(listed.watched)

    def _fill_list(self, listed: Listed) -> None:
        shown = self.query_one("#runs", OptionList)
        width = max(self.query_one("#asked").content_size.width - 2, 12)
        with self.prevent(OptionList.OptionHighlighted):
            shown.clear_options()
            if not listed.runs:
                shown.add_option(Option(_NO_RUNS, disabled=True))
            shown.add_options(page.run_line(each, width, self.persona_app.glyphs) for each in listed.runs)
            folders = [each.folder for each in listed.runs]
            if listed.watched in folders:
                shown.highlighted = folders.index(listed.watched)

    @on(OptionList.OptionHighlighted, "#runs")
    def _choose(self, highlighted: OptionList.OptionHighlighted) -> None:
        if highlighted.option_index < len(self._runs):
            self._look_at(self._runs[highlighted.option_index].folder)

    def _look_at(self, folder: Path) -> None:
        self._watched = folder
        self._follow(folder)

    @work(thread=True, exclusive=True, exit_on_error=False, group="watch", description="-")
    def _follow(self, folder: Path) -> None:
        from persona_tui.study.following import follow  # noqa: PLC0415 - with the study

        worker = get_current_worker()
        seen_alive, before, at = False, None, monotonic()
        for state in follow(folder):
            if worker.is_cancelled:
                return
            silent = monotonic() - at if state == before else 0.0
            if not silent:
                before, at = state, monotonic()
            if not silent or state.status == "running":  # one that is paused stands still
                self.post_message(self.Seen(folder, state, silent=silent))
            quick = seen_alive and state.status == "finished" and state.seconds < QUICK
            seen_alive = True
            if quick and state.scenario is not None:
                self._show_again(folder, max(state.seconds, 0.1) / _REPLAY)

    def _show_again(self, folder: Path, speed: float) -> None:
        """Show a run as it went, in the thread that watches it."""
        from persona_tui.study.following import frames  # noqa: PLC0415 - with the study

        worker = get_current_worker()
        before = 0.0
        told = f"Replay at {speed:.2g} x"
        for seconds, state in frames(folder):
            worker.cancelled_event.wait((seconds - before) / speed)
            if worker.is_cancelled:
                return
            before = seconds
            self.post_message(self.Seen(folder, state, told))

    @work(thread=True, exclusive=True, exit_on_error=False, group="watch", description="-")
    def _replay(self, folder: Path, speed: float) -> None:
        self._show_again(folder, speed)

    @on(Seen)
    def _show_state(self, seen: Seen) -> None:
        if seen.folder != self._watched:
            return
        was, self._state = self._state, seen.state
        state, scenario = seen.state, seen.state.scenario
        glyphs = self.persona_app.glyphs
        self.query_one("#headline", Static).update(
            page.headline(state, seen.folder.name, glyphs, replayed=seen.replayed, silent=seen.silent)
        )
        if seen.silent:
            return
        self.query_one("#tabs").display = scenario is not None
        self.query_one("#log-text", Static).update(Content(page.log(state)))
        if scenario is not None:
            self.query_one(ConvergenceChart).data = page.convergence(scenario)
            self.query_one("#enough", Static).update(page.enough(scenario))
            self.query_one("#standing", Table).data = page.standing(scenario)
            self.query_one("#by-persona", Table).data = page.by_persona(scenario)
            self.query_one(FunnelBars).data = page.funnel(scenario)
            self.query_one("#drop-off", Table).data = page.drop_off(scenario)
            self.query_one("#walk-text", Static).update(page.walks(scenario))
        if not seen.replayed and was is not None and was.status != state.status:
            self._list(seen.folder)

    # actions

    def shown_settings(self) -> Settings:
        """Return the settings of the next run."""
        settings = self.persona_app.workspace.settings
        if self._only == run_form.ALL:
            return settings
        chosen = tuple(each for each in settings.effective_scenarios() if each.name == self._only)
        return replace(settings, scenarios=chosen, lead="") if settings.scenarios else settings

    def action_start(self) -> None:
        """Start a run of what is asked for."""
        if self.persona_app.workspace.settings.events:
            self._ask_of_run("start", self.shown_settings())

    def action_pause(self) -> None:
        """Let the run in view wait, or go on."""
        paused = self._state is not None and self._state.status == "paused"
        self._ask_of_run("unpause" if paused else "pause", self._watched)

    def action_stop_run(self) -> None:
        """Stop the run in view; what is done is kept."""
        self._ask_of_run("stop", self._watched)

    def action_resume_run(self) -> None:
        """Let the run in view go on from its last finished block."""
        self._ask_of_run("resume", self._watched)

    def action_replay(self) -> None:
        """Ask how fast the run in view is to be shown again."""
        if self._watched is None:
            return
        field = Field(name="speed", label="speed", value="1", help="Times as fast as it went: 0.5, 1, 10.")
        form = FormScreen("Show the run again", [field], run_form.speed_fault, "Replay")
        self.app.push_screen(form, self._begin_replay)

    def _begin_replay(self, values: dict[str, str] | None) -> None:
        if values is not None and self._watched is not None:
            self._replay(self._watched, float(values["speed"]))

    def action_export_run(self) -> None:
        """Ask for formats and folder, and write the report of the run in view."""
        run = self._watched
        if run is None or self._state is None or self._state.status != "finished":
            self.notify("A report is written of a run that is finished.")
            return
        from persona_tui.study.exports import FOLDER  # noqa: PLC0415 - with the report

        def write(choice: Choice | None) -> None:
            if choice is not None:
                self.persona_app.export_run(run, *choice)

        self.app.push_screen(ExportScreen(run / FOLDER), write)

    @work(thread=True, exit_on_error=False, group="ask", description="-")
    def _ask_of_run(self, what: str, of: Any) -> None:  # noqa: ANN401 - settings, or a folder
        from persona_tui.study import background  # noqa: PLC0415 - 0.4 s, imports the engine

        if of is None:
            return
        known: dict[str, Callable[[Any], Any]] = {
            "start": lambda settings: background.start_run(settings, "simulate"),
            "pause": background.pause_run,
            "unpause": background.unpause_run,
            "stop": background.stop_run,
            "resume": background.resume_run,
        }
        try:
            folder = known[what](of)
        except PersonaError as fault:
            self.post_message(self.Failed(fault))
            return
        self._list(folder if what == "start" else of)

    @on(Failed)
    def _tell(self, failed: Failed) -> None:
        self.persona_app.tell(failed.fault)

    def action_ask_for(self) -> None:
        """Ask what the next run is to be."""
        settings = self.persona_app.workspace.settings
        fields = run_form.fields(settings, self._only)
        self.app.push_screen(FormScreen("The next run", fields, run_form.run_fault, "Keep"), self._take)

    def _take(self, values: dict[str, str] | None) -> None:
        if values is None:
            return
        self._only = values.get("only", run_form.ALL) or run_form.ALL
        self.persona_app.edit("the next run", **run_form.asked(values))
        self._show_wanted()

    def table_text(self) -> str:
        """Return the tables of the tab in view."""
        pane = self.query_one(TabbedContent).active_pane
        if pane is None:
            return ""
        data: list[TextTable] = [table.data for table in pane.query(Table) if table.data is not None]
        return "\n\n".join(each.as_text() for each in data)
