"""The Report screen: scenarios and runs side by side, the decision, the plan of the real test, and export."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static, TabbedContent, TabPane

from persona_tui.engine.text import printable
from persona_tui.tui.findings import Findings, flow_is_stale, personas_are_stale, report_is_stale
from persona_tui.tui.screens import flow_page
from persona_tui.tui.screens import report_page as page
from persona_tui.tui.screens.export import Choice, ExportScreen
from persona_tui.tui.screens.faults import told, without_log
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.widgets.text_table import Table, TextTable

if TYPE_CHECKING:
    from persona_tui.study.reports import OpenReport
    from persona_tui.study.run_results import RunResult

_NOT_YET: Final = "The report needs the personas and the flow, which are found first (ctrl+x stops) …"
_STOPPED: Final = "There is no report yet: r works it out."
_STALE: Final = "This report is that of earlier settings; r works it out anew."


class ReportScreen(WorkScreen):
    """Shows the report of the scenarios, worked out exactly, and writes it to files."""

    NAME = "report"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("report")

    class RunsRead(Message):
        """What the finished runs of the study found is known."""

        def __init__(self, results: tuple[RunResult, ...]) -> None:
            super().__init__()
            self.results = results

    def __init__(self) -> None:
        super().__init__()
        self._report: OpenReport | None = None

    def compose_body(self) -> ComposeResult:
        """Build the scenarios beside what is said of the one that is chosen."""
        yield Static(id="said", markup=False)
        with Horizontal(id="report"):
            with Vertical(id="reported"):
                yield Static("Scenarios", classes="heading")
                yield OptionList(id="scenarios", markup=False, compact=True)
                yield Static("Exports (e writes them)", classes="heading")
                yield Static(id="folder", classes="hint", markup=False)
                yield Table(id="files")
            with TabbedContent(id="tabs"):
                with TabPane("Decision", id="decision"), VerticalScroll():
                    yield Static(id="answer", markup=False)
                    yield IntervalBars(id="uplifts")
                    yield Table(id="metrics")
                    yield Static(id="doubts", classes="hint", markup=False)
                with TabPane("Side by side", id="beside"), VerticalScroll():
                    yield IntervalBars(id="all-uplifts")
                    yield Table(id="ranking")
                    yield Table(id="beats")
                    yield IntervalBars(id="run-uplifts")
                    yield Table(id="run-table")
                    yield Static(id="run-decisions", markup=False)
                with TabPane("Real test", id="plan"), VerticalScroll():
                    yield Static(id="plan-text", markup=False)
                with TabPane("Mind", id="mind"), VerticalScroll():
                    yield Static(id="mind-text", markup=False)
                with TabPane("Page", id="page"), VerticalScroll():
                    yield Static(id="page-text", markup=False)
                with TabPane("Deck", id="deck"), VerticalScroll():
                    yield Static(id="deck-text", markup=False)

    def on_mount(self) -> None:
        """Follow the settings and the work in the background."""
        super().on_mount()
        self.follow("running", self._say)
        self.follow("edits", self._say)

    def on_screen_resume(self) -> None:
        """Work the report out where it is not that of the settings."""
        super().on_screen_resume()
        self._work_out()
        self._read_runs()

    def show(self, found: Findings) -> None:
        """Show the report once it is there; work out what it needs first."""
        self._work_out()
        self.query_one("#report").display = found.report is not None
        self._say()
        if found.report is None:
            return
        self._show_files()
        if found.report is not self._report:
            self._report = found.report
            self._show_report(found.report)

    def _work_out(self) -> None:
        """Begin the next piece of work that the report needs, one after the other, while it is in view."""
        app, found = self.persona_app, self.persona_app.findings
        faults = (found.flow_fault, found.report_fault, found.fit_fault)
        is_known = found.personas is not None and not personas_are_stale(found, app.workspace.settings)
        if app.screen is not self or app.running is not None or not is_known or any(faults):
            return
        if flow_is_stale(found):
            app.open_flow()
        elif report_is_stale(found, app.workspace.settings):
            app.open_report()

    def _say(self, *_changed: object) -> None:
        app, found = self.persona_app, self.persona_app.findings
        said = self.query_one("#said", Static)
        fault = found.report_fault or (found.report is None and (found.flow_fault or found.fit_fault))
        text: Content | str = ""
        if fault:
            text = told(fault, shown_before=found.report is not None)
        elif found.log is None:
            text = without_log(found, app.running)
        elif found.report is None:
            text = _STOPPED if app.running is None else _NOT_YET
        elif app.running is None and report_is_stale(found, app.workspace.settings):
            text = _STALE
        said.update(text)
        said.display = bool(str(text))

    def _show_report(self, opened: OpenReport) -> None:
        report = opened.result.report
        listed = self.query_one("#scenarios", OptionList)
        chosen = listed.highlighted
        listed.clear_options()
        listed.add_options(Content(printable(each.name)) for each in report.scenarios)
        lead = report.scenarios.index(report.lead)
        listed.highlighted = lead if chosen is None else min(chosen, len(report.scenarios) - 1)
        self.query_one("#all-uplifts", IntervalBars).data = page.side_by_side(report)
        self.query_one("#ranking", Table).data = page.ranking(report)
        self.query_one("#beats", Table).data = page.beats(report)
        self.query_one("#page-text", Static).update(Content(opened.markdown))
        self.query_one("#deck-text", Static).update(Content(page.outline(opened.outline)))

        self._read_runs()

    @work(thread=True, exclusive=True, exit_on_error=False, group="runs", description="-")
    def _read_runs(self) -> None:
        from persona_tui.study.run_results import run_results  # noqa: PLC0415 - with the report
        from persona_tui.study.runs import study_folder  # noqa: PLC0415 - with the report

        if self.persona_app.findings.report is not None:
            self.post_message(self.RunsRead(run_results(study_folder(self.persona_app.workspace.settings))))

    @on(RunsRead)
    def _show_runs(self, read: RunsRead) -> None:
        opened = self.persona_app.findings.report
        if opened is None:
            return
        report = opened.result.report
        bars, table = self.query_one("#run-uplifts", IntervalBars), self.query_one("#run-table", Table)
        bars.display = table.display = bool(read.results)
        bars.data = page.run_uplifts(read.results, report)
        table.data = page.run_table(read.results, datetime.now(UTC))
        self.query_one("#run-decisions", Static).update(Content(page.run_decisions(read.results, report)))

    def _show_files(self) -> None:
        from persona_tui.study.exports import export_folder, exported_files  # noqa: PLC0415 - with the report

        folder = export_folder(self.persona_app.workspace.settings)
        self.query_one("#folder", Static).update(Content(printable(str(folder))))
        self.query_one("#files", Table).data = page.files(exported_files(folder))

    @on(OptionList.OptionHighlighted, "#scenarios")
    def _show_scenario(self, highlighted: OptionList.OptionHighlighted) -> None:
        opened = self.persona_app.findings.report
        if opened is None:
            return
        report = opened.result.report
        scenario = report.scenarios[min(highlighted.option_index, len(report.scenarios) - 1)]
        self.query_one("#answer", Static).update(page.decision(report, scenario))
        self.query_one("#uplifts", IntervalBars).data = flow_page.uplifts(scenario.experiment)
        self.query_one("#metrics", Table).data = flow_page.outcomes(scenario.experiment)
        self.query_one("#doubts", Static).update(page.doubts(scenario))
        self.query_one("#plan-text", Static).update(Content(page.real_test(scenario)))
        mind = (*scenario.experiment.caveats, *report.assumptions)
        self.query_one("#mind-text", Static).update(Content(page.bullets(mind)))

    # actions

    def action_work_out(self) -> None:
        """Work the report out anew."""
        app = self.persona_app
        if app.findings.flow is None:
            app.show_screen("personas") if app.findings.log is not None else None
            return
        app.open_report()

    def action_export(self) -> None:
        """Ask for formats and folder, and write the report in view."""
        from persona_tui.study.exports import export_folder  # noqa: PLC0415 - with the report

        if self.persona_app.findings.report is None:
            self.notify("There is no report yet.")
            return
        folder = export_folder(self.persona_app.workspace.settings)
        self.app.push_screen(ExportScreen(folder), self._export)

    def _export(self, choice: Choice | None) -> None:
        if choice is not None:
            self.persona_app.export(*choice)

    def action_copy_folder(self) -> None:
        """Copy the path of the folder that exports go to."""
        from persona_tui.study.exports import export_folder  # noqa: PLC0415 - with the report

        self.persona_app.copy(str(export_folder(self.persona_app.workspace.settings).resolve()))

    def table_text(self) -> str:
        """Return the tables, or the text, of the tab in view."""
        opened = self.persona_app.findings.report
        pane = self.query_one(TabbedContent).active_pane
        if opened is None or pane is None:
            return ""
        if pane.id == "page":
            return opened.markdown
        data: list[TextTable] = [table.data for table in pane.query(Table) if table.data is not None]
        return "\n\n".join(each.as_text() for each in data)
