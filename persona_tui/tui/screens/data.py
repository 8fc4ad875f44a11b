"""The Data screen: which log is open, how it is read, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static, TabbedContent, TabPane

from persona_tui.engine.text import printable
from persona_tui.study.options import Settings
from persona_tui.tui.findings import Findings
from persona_tui.tui.screens import data_facts as facts
from persona_tui.tui.screens.data_choice import Outcomes
from persona_tui.tui.screens.data_rows import RowsPane
from persona_tui.tui.screens.faults import cure
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of
from persona_tui.tui.widgets.attributes import Attributes
from persona_tui.tui.widgets.funnel_bars import FunnelBars
from persona_tui.tui.widgets.histogram import Histogram
from persona_tui.tui.widgets.quality_table import QualityTable
from persona_tui.tui.widgets.recognised import RecognisedColumns
from persona_tui.tui.widgets.step_list import StepList, step_sentence
from persona_tui.tui.widgets.tiles import Tiles
from persona_tui.tui.widgets.virtual_table import VirtualTable
from persona_tui.tui.widgets.vocabulary import Vocabulary

if TYPE_CHECKING:
    from persona_tui.study.inspection import Inspection

EMPTY = (
    "No log is open. o opens one: a file, a folder, a sample, or a database.\n\n"
    "New here? f3 opens the sample log and shows you around the five jobs, in two minutes.\n"
    "? tells the keys, ctrl+p finds any action by its words, q leaves."
)
LOADING = "Loading {source} … the line above says how far it is; ctrl+x stops."
NOT_LOADED = "{source} is not loaded. o opens another log."


class DataScreen(WorkScreen):
    """Shows the log: an overview, its preparation, its outcomes and its rows."""

    NAME = "data"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("data")
    HORIZONTAL_BREAKPOINTS: ClassVar = [(0, "-narrow"), (120, "-wide")]  # type: ignore[misc]

    def compose_body(self) -> ComposeResult:
        """Build the tabs, and what stands in their place while there is no log."""
        yield Static(id="fault", classes="fault", markup=False)
        yield Static(id="empty", markup=False)
        with TabbedContent(id="tabs"):
            with TabPane("Overview", id="overview"), VerticalScroll(classes="page"):
                yield from self._compose_overview()
            with TabPane("Preparation and funnel", id="journeys"), VerticalScroll(classes="page"):
                yield from self._compose_journeys()
            with TabPane("Rows", id="rows-tab"):
                yield RowsPane(id="rows-pane")

    def _compose_overview(self) -> ComposeResult:
        yield Tiles(id="tiles")
        with Container(classes="beside"):
            with Vertical(classes="half left"):
                yield Static("What it was taken for", classes="title", markup=False)
                yield RecognisedColumns(id="recognised")
                yield Static("Events over time", classes="title", markup=False)
                yield Histogram(id="time")
                yield Static(id="time-words", classes="hint", markup=False)
                yield Static("Attributes of users", classes="title", markup=False)
                yield Attributes(id="attributes")
                yield Static(id="keys", classes="hint", markup=False)
            with Vertical(classes="half"):
                yield Static("Quality", classes="title", markup=False)
                yield QualityTable(id="quality")

    def _compose_journeys(self) -> ComposeResult:
        with Container(classes="beside"):
            with Vertical(classes="half left"):
                yield Static("Preparation", classes="title", markup=False)
                yield StepList(id="steps")
                yield Static(id="repairs", classes="hint", markup=False)
                yield Static("Funnel, reached in order", classes="title", markup=False)
                yield Static(id="outcome-words", classes="hint", markup=False)
                yield FunnelBars(id="funnel")
            with Vertical(classes="half"):
                yield Static("Event types", classes="title", markup=False)
                yield Vocabulary(id="vocabulary")

    def on_mount(self) -> None:
        """Show the log as it is known, and as it is edited."""
        super().on_mount()
        self.follow("edits", self._edited)
        self.follow("running", self._say)

    @property
    def settings(self) -> Settings:
        """Return the settings as they are now."""
        return self.persona_app.workspace.settings

    def _edited(self, *_changed: object) -> None:
        self.show(self.persona_app.findings)

    def show(self, found: Findings) -> None:
        """Show the log, or why there is none."""
        self._say()
        inspection = found.inspection
        self.query_one("#empty").display = inspection is None
        self.query_one(TabbedContent).display = inspection is not None
        if inspection is None:
            return
        self.query_one(Tiles).data = facts.tiles_of(inspection)
        self.query_one(RecognisedColumns).data = facts.recognised_of(inspection, self.settings)
        self.query_one(Histogram).data = facts.events_over_time(inspection)
        self.query_one("#time-words", Static).update(facts.time_sentence(inspection))
        self.query_one(Attributes).data = facts.attributes_of(inspection)
        keys = self.query_one("#keys", Static)
        keys.update(facts.keys_sentence(inspection))
        keys.display = bool(facts.keys_sentence(inspection))
        self.query_one(QualityTable).show(facts.findings_of(inspection))
        self._show_steps(inspection)
        self.query_one("#outcome-words", Static).update(facts.funnel_sentence(inspection, self.settings))
        self.query_one(FunnelBars).data = facts.funnel_of(inspection, self.settings)
        self.query_one(Vocabulary).data = facts.events_of(inspection, self.settings)
        self._show_rows(found)

    def _say(self, *_changed: object) -> None:
        """Say what is wrong, or under way where nothing can be shown yet."""
        found = self.persona_app.findings
        self._show_fault(found)
        if found.inspection is None:
            self.query_one("#empty", Static).update(self._instead(found))

    def _show_steps(self, inspection: Inspection) -> None:
        """Show the steps of the settings, and what those did that the log in view was loaded with."""
        steps = self.settings.prepare
        self.query_one(StepList).show(steps)
        did = self.query_one("#repairs", Static)
        did.display = bool(steps)
        did.update(Content("\n").join(Content(printable(each)) for each in inspection.quality.repairs))

    def _instead(self, found: Findings) -> str:
        source = printable(self.settings.source_shown())
        if not source:
            return EMPTY
        loads = found.log_fault is None or self.persona_app.running is not None
        return (LOADING if loads else NOT_LOADED).format(source=source)

    def _show_fault(self, found: Findings) -> None:
        fault = found.log_fault if self.persona_app.running is None else None
        line = self.query_one("#fault", Static)
        line.display = fault is not None
        if fault is not None:
            back = "\nz takes the last edit back." if self.persona_app.workspace.done else ""
            line.update("\n".join(filter(None, (printable(fault.message), cure(fault)))) + back)

    @on(TabbedContent.TabActivated)
    def _show_rows_in_view(self) -> None:
        self._show_rows(self.persona_app.findings)

    def _show_rows(self, found: Findings) -> None:
        if found.log is not None and self.query_one(TabbedContent).active == "rows-tab":
            self.query_one(RowsPane).show_log(found.log)

    @on(OptionList.OptionSelected, "#quality")
    def _show_example(self, selected: OptionList.OptionSelected) -> None:
        row = self.query_one(QualityTable).rows[selected.option_index]
        log = self.persona_app.findings.log
        if row.place is None or log is None:
            self.notify("This finding is about the log as a whole, not about one row.", markup=False)
            return
        self.query_one(RowsPane).show_line(self.settings.sources(), row.place, log)
        self.show_tab("rows-tab")

    def action_open_source(self) -> None:
        """Choose another log."""
        from persona_tui.tui.screens.data_source import SourceScreen  # noqa: PLC0415 - not before the first frame

        workspace = self.persona_app.workspace
        self.app.push_screen(
            SourceScreen(
                next(iter(self.settings.sources()), ""), self.persona_app.defaults, workspace.folder
            ),
            self._open,
        )

    def _open(self, settings: Settings | None) -> None:
        if settings is not None:
            self.persona_app.open_source(settings)

    def action_edit_columns(self) -> None:
        """Choose which column is what."""
        found = self.persona_app.findings.inspection
        if not self._has_source():
            return
        from persona_tui.tui.screens.data_columns import ColumnsScreen  # noqa: PLC0415 - not before the first frame

        recognised = found.recognition.columns if found is not None else {}
        self.app.push_screen(ColumnsScreen(self.settings, recognised), self._set_columns)

    def _set_columns(self, values: dict[str, Any] | None) -> None:
        if values is not None:
            self.persona_app.edit("columns and times", **values)

    def action_add_step(self) -> None:
        """Add a step to the preparation."""
        found = self.persona_app.findings.inspection
        if not self._has_source():
            return
        from persona_tui.tui.screens.data_step import StepScreen  # noqa: PLC0415 - not before the first frame

        self.show_tab("journeys")
        events = [name for name, _ in found.events] if found is not None else []
        self.app.push_screen(StepScreen(self.settings.prepare, events), self._add_step)

    def _add_step(self, step: str | None) -> None:
        if step is not None:
            what = f"step {step_sentence(step)}"
            if self.persona_app.edit(what, prepare=(*self.settings.prepare, step)):
                self.query_one(StepList).focus()

    def action_remove_step(self) -> None:
        """Remove the chosen step."""
        steps = self.settings.prepare
        if not steps:
            self.notify("The preparation has no steps.", markup=False)
            return
        if not self.query_one(StepList).has_focus:
            self.show_tab("journeys")
            self.query_one(StepList).focus()
            self.notify("Choose the step, then remove it.", markup=False)
            return
        chosen = self.query_one(StepList).highlighted or 0
        what = f"without step {step_sentence(steps[chosen])}"
        self.persona_app.edit(what, prepare=(*steps[:chosen], *steps[chosen + 1 :]))

    def action_choose_outcomes(self) -> None:
        """Choose the funnel, what completes and what drops."""
        found = self.persona_app.findings.inspection
        if found is None:
            self.notify("The funnel is chosen once a log is loaded.", markup=False)
            return
        from persona_tui.tui.screens.data_outcomes import OutcomesScreen  # noqa: PLC0415 - not before the first frame

        self.show_tab("journeys")
        shown = tuple(each.step for each in found.funnel)
        suggested = Outcomes(funnel=() if found.funnel_is_given else shown)
        chosen = Outcomes(
            funnel=self.settings.funnel_steps() or shown,
            completion=self.settings.completion,
            drop=self.settings.drop,
        )
        rows = facts.events_of(found, self.settings)
        self.app.push_screen(OutcomesScreen(rows, chosen, suggested), self._set_outcomes)

    def _set_outcomes(self, values: dict[str, Any] | None) -> None:
        if values is not None:
            self.persona_app.edit("funnel, completion and drop", **values)

    def action_filter_rows(self) -> None:
        """Go to the filter of the rows."""
        if self.persona_app.findings.log is None:
            self.notify("There are no rows yet.", markup=False)
            return
        self.show_tab("rows-tab")
        self.call_after_refresh(self.query_one(RowsPane).focus_filter)

    def _has_source(self) -> bool:
        if not self.settings.events:
            self.notify("No log is open: o chooses one.", markup=False)
        return bool(self.settings.events)

    def table_text(self) -> str:
        """Return the table of the tab in view."""
        found = self.persona_app.findings.inspection
        if found is None:
            return ""
        tab = self.query_one(TabbedContent).active
        if tab == "journeys" and self.query_one(StepList).has_focus:
            return facts.as_table([["step"], *([step_sentence(each)] for each in self.settings.prepare)])
        if tab == "rows-tab":
            return self.query_one(VirtualTable).as_text()
        if tab == "journeys":
            rows = facts.events_of(found, self.settings)
            return facts.as_table(
                [["event", "count", "share", "role"], *((e.name, e.count, e.share, e.role) for e in rows)]
            )
        return facts.as_table(
            [
                ["finding", "count", "share", "done", "examples"],
                *(
                    (e.sentence, e.count, e.share, e.done, ", ".join(e.examples))
                    for e in facts.findings_of(found)
                ),
            ]
        )
