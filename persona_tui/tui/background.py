"""The work of the app in the background: one thing at a time, told by messages, stopped when asked."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from textual import on, work
from textual.app import App
from textual.reactive import reactive
from textual.worker import Worker, WorkerState, get_current_worker

from persona_tui.engine.errors import PersonaError, RunCancelled
from persona_tui.engine.progress import Progress
from persona_tui.engine.text import printable
from persona_tui.study.options import Settings
from persona_tui.tui.findings import Checked, Findings, Work
from persona_tui.tui.lifecycle import write_crash_report
from persona_tui.tui.messages import (
    CheckDone,
    Exported,
    FlowOpened,
    LogLoaded,
    PersonasFound,
    Progressed,
    ReportOpened,
    WorkFailed,
)
from persona_tui.tui.settlements import Settlements, settlement
from persona_tui.tui.workspace import Workspace, settings_of_source

if TYPE_CHECKING:
    from persona_tui.study.kept_personas import KeptPersona

_RUN_EXPORT: Final = "export run"


class WorkingApp(App[int]):
    """An app that loads logs and finds personas in the background.

    Parameters
    ----------
    workspace : Workspace
    state_folder : Path, optional
        Where reports of crashes go.
    """

    findings: reactive[Findings] = reactive(Findings(), always_update=True)
    running: reactive[Work | None] = reactive(None)

    def __init__(self, workspace: Workspace, *, state_folder: Path | None = None) -> None:
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)  # else shades of grey
        self.workspace, self.state_folder = workspace, state_folder
        self.settlements = Settlements()
        self._asked: Settings | None = None

    @abstractmethod
    def open_source(self, settings: Settings) -> None:
        """Leave what is open and open something else."""

    @abstractmethod
    def show_screen(self, name: str) -> None:
        """Go to the screen of a job."""

    @abstractmethod
    def tell(self, fault: PersonaError) -> None:
        """Say what went wrong and what to do about it."""

    def load(self) -> None:
        """Load the log of the settings."""
        self._begin("load", self._load)

    def fit(self) -> None:
        """Find the personas of the settings."""
        self._begin("fit", self._fit)

    def settle(self, **changes: Any) -> None:  # noqa: ANN401 - of ``PersonaChanges``
        """Keep in the study how personas are called, where they stand and whether they are excluded."""
        self._begin("fit", lambda settings: self._fit(settings, changes))

    def restore(self, personas: Sequence[KeptPersona]) -> None:
        """Keep what was settled about some personas before, or after it was taken back."""
        self._begin("fit", lambda settings: self._fit(settings, {"restores": tuple(personas)}))

    def open_flow(self) -> None:
        """Open the flow of the personas in view for changes."""
        self._begin("flow", self._open_flow)

    def open_report(self) -> None:
        """Work out the report of the scenarios."""
        self._begin("report", self._open_report)

    def export(self, formats: Sequence[str], folder: Path) -> None:
        """Write the report in view in some formats."""
        self._begin("export", lambda settings: self._export(settings, tuple(formats), folder))

    def export_run(self, run: Path, formats: Sequence[str], folder: Path) -> None:
        """Write the report of a finished run in some formats."""
        self._begin(_RUN_EXPORT, lambda settings: self._export_run(settings, run, tuple(formats), folder))

    def check(self, name: str, against: str = "") -> None:
        """Work out a check of the Trust screen."""
        self._begin(name, lambda settings: self._check(settings, name, against))

    def stop(self) -> None:
        """Stop the work; what was in view stays."""
        self.workers.cancel_group(self, "work")
        self._asked = self.running = None

    def _begin(self, name: str, run: Callable[[Settings], object]) -> None:
        """Begin some work in place of what runs; its settings are a copy, which tells its messages apart."""
        self.running = Work(name=name, began=monotonic())
        self._asked = replace(self.workspace.settings)
        run(self._asked)

    def _is_over(self, settings: Settings) -> bool:
        """Note that the work on some settings is done; False where it was replaced or stopped."""
        if settings is not self._asked:
            return False
        self._asked = self.running = None
        return True

    def _report(self) -> Callable[[Progress], None]:
        worker = get_current_worker()

        def report(progress: Progress) -> None:
            if worker.is_cancelled:
                raise RunCancelled("Stopped.")
            self.post_message(Progressed(progress))

        return report

    @work(thread=True, exclusive=True, exit_on_error=False, group="work", description="-")
    def _load(self, settings: Settings) -> None:
        from persona_tui.study.inspection import inspect_log  # noqa: PLC0415 - 0.4 s, loads polars
        from persona_tui.study.log import load_log  # noqa: PLC0415 - 0.4 s, loads polars

        try:
            log = load_log(settings, on_progress=self._report())
            self.post_message(LogLoaded(settings, log, inspect_log(settings, log)))
        except RunCancelled:
            return
        except PersonaError as fault:
            self.post_message(WorkFailed("load", settings, fault))

    @work(thread=True, exclusive=True, exit_on_error=False, group="work", description="-")
    def _fit(self, settings: Settings, changes: Mapping[str, Any] | None = None) -> None:
        from persona_tui.study.kept_backtest import kept_backtest  # noqa: PLC0415 - with it
        from persona_tui.study.kept_personas import PersonaChanges  # noqa: PLC0415 - with it
        from persona_tui.study.personas import describe_personas  # noqa: PLC0415 - 0.8 s, loads scipy

        try:
            asked, kept = PersonaChanges(**changes) if changes else None, self._with_kept(settings)
            found = describe_personas(kept, asked, on_progress=self._report())
            noted = bool(changes) and "restores" not in (changes or {})
            settled = settlement(kept.personas, found.settled) if noted else None
            backtest = kept_backtest(kept, found.learned.prepared)
            self.post_message(PersonasFound(settings, found, settled, backtest))
        except RunCancelled:
            return
        except PersonaError as fault:
            self.post_message(WorkFailed("fit", settings, fault))

    @work(thread=True, exclusive=True, exit_on_error=False, group="work", description="-")
    def _open_flow(self, settings: Settings) -> None:
        from persona_tui.study.previews import open_flow  # noqa: PLC0415 - loads scipy

        personas = self.findings.personas
        try:
            learned = personas.learned if personas is not None else None
            flow = open_flow(self._with_kept(settings), learned, on_progress=self._report())
            self.post_message(FlowOpened(settings, flow))
        except RunCancelled:
            return
        except PersonaError as fault:
            self.post_message(WorkFailed("flow", settings, fault))

    @work(thread=True, exclusive=True, exit_on_error=False, group="work", description="-")
    def _open_report(self, settings: Settings) -> None:
        from persona_tui.study.reports import open_report  # noqa: PLC0415 - loads scipy, pptx

        flow = self.findings.flow
        assert flow is not None
        try:
            report = open_report(self._with_kept(settings), flow, on_progress=self._report())
            self.post_message(ReportOpened(settings, report))
        except RunCancelled:
            return
        except PersonaError as fault:
            self.post_message(WorkFailed("report", settings, fault))

    @work(thread=True, exclusive=True, exit_on_error=False, group="work", description="-")
    def _export(self, settings: Settings, formats: tuple[str, ...], folder: Path) -> None:
        from persona_tui.study.exports import export_report  # noqa: PLC0415 - loads the report

        report = self.findings.report
        assert report is not None
        try:
            files = export_report(report.settings, report.result, formats, folder, on_progress=self._report())
            self.post_message(Exported(settings, files))
        except RunCancelled:
            return
        except PersonaError as fault:
            self.post_message(WorkFailed("export", settings, fault))

    @work(thread=True, exclusive=True, exit_on_error=False, group="work", description="-")
    def _export_run(self, asked: Settings, run: Path, formats: tuple[str, ...], folder: Path) -> None:
        from persona_tui.study.exports import export_report  # noqa: PLC0415 - loads the report
        from persona_tui.study.run_reports import report_run  # noqa: PLC0415 - as above

        report = self._report()
        try:
            settings = settings_of_source(str(run), {})  # of the run, which are not those in view
            result = report_run(settings, run, on_progress=report)
            files = export_report(settings, result, formats, folder, on_progress=report)
            self.post_message(Exported(asked, files))
        except RunCancelled:
            return
        except PersonaError as fault:
            self.post_message(WorkFailed(_RUN_EXPORT, asked, fault))

    @work(thread=True, exclusive=True, exit_on_error=False, group="work", description="-")
    def _check(self, settings: Settings, name: str, against: str) -> None:
        from persona_tui.tui.checks import work_out  # noqa: PLC0415 - loads scipy

        try:
            found = work_out(name, self._with_kept(settings), against, self._report())
            self.post_message(CheckDone(settings, name, Checked(settings=settings, found=found)))
        except RunCancelled:
            return
        except PersonaError as fault:
            self.post_message(CheckDone(settings, name, Checked(settings=settings, fault=fault)))

    def _with_kept(self, settings: Settings) -> Settings:
        """Return settings with what the study keeps about its personas now."""
        if settings.personas is None:
            return settings
        from persona_tui.study.persona_files import read_kept_personas  # noqa: PLC0415 - with the fit

        return replace(settings, personas=read_kept_personas(settings.personas.folder))

    @on(Progressed)
    def _show_progress(self, message: Progressed) -> None:
        if self.running is not None:
            self.running = self.running.reported(message.progress)

    @on(LogLoaded)
    def _show_log(self, message: LogLoaded) -> None:
        if self._is_over(message.settings):
            self.findings = self.findings.with_log(message.settings, message.log, message.inspection)

    @on(PersonasFound)
    def _show_personas(self, message: PersonasFound) -> None:
        if self._is_over(message.settings):
            self.findings = self.findings.with_personas(message.settings, message.personas, message.backtest)
            if message.settled is not None:
                self.settlements.note(len(self.workspace.done), message.settled)

    @on(FlowOpened)
    def _show_flow(self, message: FlowOpened) -> None:
        if self._is_over(message.settings):
            self.findings = self.findings.with_flow(message.flow)

    @on(ReportOpened)
    def _show_report(self, message: ReportOpened) -> None:
        if self._is_over(message.settings):
            self.findings = self.findings.with_report(message.report)

    @on(CheckDone)
    def _show_check(self, message: CheckDone) -> None:
        if self._is_over(message.settings):
            self.findings = self.findings.with_check(message.name, message.checked)

    @on(Exported)
    def _tell_exported(self, message: Exported) -> None:
        if self._is_over(message.settings):
            where = printable(str(message.files[0].parent.resolve()))
            self.notify(f"{len(message.files)} files in {where}", markup=False)
            self.findings = replace(self.findings, report_fault=None)

    @on(WorkFailed)
    def _show_fault(self, message: WorkFailed) -> None:
        if self._is_over(message.settings):
            self._fail(message.name, message.fault)

    def _fail(self, name: str, fault: PersonaError) -> None:
        """Note why some work failed; what of a run failed says nothing of what is in view."""
        if name == _RUN_EXPORT:
            self.tell(fault)
        else:
            self.findings = self.findings.with_fault(name, fault)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what went wrong where work in the background met a fault that nobody foresaw."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and error is not None and event.worker.group == "work":
            name = self.running.name if self.running else "load"
            self._asked = self.running = None
            fault = PersonaError(self._reported(error), hint="Other work goes on; please send the report.")
            self._fail(name, fault)

    def _reported(self, error: BaseException) -> str:
        path = write_crash_report(error, self.state_folder) if self.state_folder else None
        where = f"A report is in '{path}'." if path else "No report could be written."
        return printable(
            f"A fault of persona-tui's own ({type(error).__name__}); your edits are kept. {where}"
        )
