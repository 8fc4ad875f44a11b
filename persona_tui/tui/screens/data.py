"""The Data screen: which log is open, how it is read, and what is wrong with it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static, TabbedContent, TabPane

from persona_tui.engine.errors import PersonaError, unknown_name
from persona_tui.engine.params import format_names, parse_names, quote
from persona_tui.engine.text import printable
from persona_tui.study.options import Settings
from persona_tui.tui.findings import Findings
from persona_tui.tui.recent import recent_sources, remember_source
from persona_tui.tui.screens import data_page as page
from persona_tui.tui.screens.form import Field, FormScreen
from persona_tui.tui.screens.open_source import OpenScreen
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of
from persona_tui.tui.widgets.funnel_bars import FunnelBars
from persona_tui.tui.widgets.histogram import Histogram
from persona_tui.tui.widgets.text_table import Table, TextTable

_PARTS: Final = ("user_id", "session_id", "timestamp", "event_type", "metadata")
_NOTHING: Final = "No log is open. Press o to open one: a file, a folder, a database, or the sample."


class DataScreen(WorkScreen):
    """Shows the log; edits are of the settings, and the log is read again."""

    NAME = "data"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("data")

    def compose_body(self) -> ComposeResult:
        """Build the tiles and the tabs."""
        yield Static(_NOTHING, id="said", markup=False)
        yield page.Tiles(id="tiles")
        with TabbedContent(id="tabs"):
            with TabPane("Overview", id="overview"), VerticalScroll(), Container(id="halves"):
                with Vertical():
                    yield Static(id="recognised", markup=False)
                    yield Table(id="columns")
                with Vertical():
                    yield Static("Events over time (UTC)", classes="heading")
                    yield Histogram(id="over-time")
                    yield Static(id="funnel-heading", classes="heading", markup=False)
                    yield FunnelBars(id="funnel")
            with TabPane("Quality", id="quality"), VerticalScroll():
                yield Table(id="findings")
                yield Static("Changed while loading", classes="heading")
                yield Static(id="repairs", markup=False)
            with TabPane("Events", id="events"), VerticalScroll():
                yield Table(id="vocabulary")
                yield Static("Attributes", classes="heading")
                yield Table(id="attributes")
            with TabPane("Preparation", id="preparation"):
                yield Static(
                    "Steps from the source to the log, in order: a adds one, d removes the chosen one.",
                    classes="hint",
                )
                yield OptionList(id="steps", markup=False)

    def on_mount(self) -> None:
        """Show the steps as they are edited, too."""
        super().on_mount()
        self.watch(self.app, "edits", self._show_steps)
        self.watch(self.app, "running", self._show_said)

    # what is shown

    def show(self, found: Findings) -> None:
        """Show the log, or why it could not be loaded."""
        self._show_said()
        inspection = found.inspection
        for each in ("#tiles", "#tabs"):
            self.query_one(each).display = inspection is not None
        if inspection is None:
            return
        self.query_one(page.Tiles).data = page.tiles(inspection)
        self.query_one("#recognised", Static).update(page.recognised(inspection))
        self.query_one("#columns", Table).data = page.columns_table(inspection)
        self.query_one(Histogram).data = page.events_over_time(inspection)
        funnel = page.funnel_of(inspection)
        heading = "Funnel" if inspection.funnel_is_given else "Funnel, as it looks (f changes it)"
        self.query_one("#funnel-heading", Static).update(
            heading if funnel else "No event looks like a completion: f names the funnel."
        )
        self.query_one(FunnelBars).data = funnel
        self.query_one("#findings", Table).data = page.quality_table(inspection)
        self.query_one("#repairs", Static).update(page.repairs(inspection))
        glyphs = self.persona_app.glyphs
        self.query_one("#vocabulary", Table).data = page.vocabulary_table(inspection, self._roles(), glyphs)
        self.query_one("#attributes", Table).data = page.attributes_table(inspection)

    def _show_said(self, *_changed: object) -> None:
        """Say what is not to be seen below: nothing open, a fault, work under way."""
        app, found = self.persona_app, self.persona_app.findings
        said = self.query_one("#said", Static)
        text: Content | str = ""
        if found.log_fault is not None:
            text = told(found.log_fault, shown_before=found.inspection is not None)
        elif not app.workspace.settings.events:
            text = _NOTHING
        elif found.inspection is None:
            text = Content(f"Loading {printable(app.workspace.settings.source_shown())} (ctrl+x stops it) …")
        said.update(text)
        said.display = bool(text)

    def _show_steps(self, *_changed: object) -> None:
        steps = self.query_one("#steps", OptionList)
        steps.clear_options()
        steps.add_options([Content(printable(each)) for each in self.persona_app.workspace.settings.prepare])

    def _roles(self) -> dict[str, str]:
        found, settings = self.persona_app.findings.inspection, self.persona_app.workspace.settings
        roles = {each.step: f"step {n}" for n, each in enumerate(found.funnel, start=1)} if found else {}
        completion = settings.completion or (found.funnel[-1].step,) if found and found.funnel else ()
        roles |= dict.fromkeys(completion, "completion") | dict.fromkeys(settings.drop, "drop")
        return roles

    def table_text(self) -> str:
        """Return the table of the tab in view."""
        names = {"overview": "#columns", "quality": "#findings", "events": "#vocabulary"}
        name = names.get(self.query_one(TabbedContent).active)
        data = self.query_one(name, Table).data if name else None
        return data.as_text() if isinstance(data, TextTable) else ""

    # actions

    def action_open_source(self) -> None:
        """Choose a log."""
        app = self.persona_app
        screen = OpenScreen(app.workspace.settings.source_shown(), recent_sources(app.state_folder))
        app.push_screen(screen, self._open)

    def _open(self, source: str | None) -> None:
        app = self.persona_app
        if source is None:
            return
        try:
            settings = app.settings_of(source)
        except PersonaError as fault:
            app.tell(fault)
            return
        remember_source(app.state_folder, settings.source_shown() if "://" in source else source)
        app.open_source(settings)

    def action_edit_columns(self) -> None:
        """Say which column plays which part."""
        found = self.persona_app.findings.inspection
        if found is None:
            self.notify("Open a log first.")
            return
        settings, known = self.persona_app.workspace.settings, found.recognition.columns
        given = settings.columns()
        fields = [
            Field(name=part, label=part, value=given.get(part, ""), help=f"now: {known.get(part, 'none')}")
            for part in _PARTS
        ]
        zone = Field(name="timezone", label="time zone of times without one", value=settings.timezone)
        title = "Which column plays which part (empty: as recognised)"
        self.app.push_screen(FormScreen(title, [*fields, zone], settings_fault), self._set_columns)

    def _set_columns(self, values: dict[str, str] | None) -> None:
        if values is not None:
            self.persona_app.edit("columns", **columns_of(values))

    def action_choose_outcomes(self) -> None:
        """Choose the funnel, the completion and the drop events."""
        found, settings = self.persona_app.findings.inspection, self.persona_app.workspace.settings
        if found is None:
            self.notify("Open a log first.")
            return
        names = {name for name, _ in found.events}
        steps = settings.funnel_steps() or tuple(each.step for each in found.funnel)
        fields = [
            Field(
                name="funnel",
                label="funnel",
                value=format_names(steps),
                help="The steps in order, with commas.",
            ),
            Field(
                name="completion",
                label="completion",
                value=format_names(settings.completion),
                help="Events that complete a journey; empty: the last step.",
            ),
            Field(
                name="drop",
                label="drop",
                value=format_names(settings.drop),
                help="Events that say the user gave up; empty: those named so.",
            ),
        ]
        form = FormScreen("Funnel and outcomes", fields, lambda values: unknown_events(values, names))
        self.app.push_screen(form, self._set_outcomes)

    def _set_outcomes(self, values: dict[str, str] | None) -> None:
        if values is not None:
            lists = {name: parse_names(values[name]) for name in ("completion", "drop")}
            self.persona_app.edit("funnel and outcomes", funnel=values["funnel"], **lists)

    def action_add_step(self) -> None:
        """Add a step to the preparation."""
        from persona_tui.tui.screens.add_step import AddStepScreen  # noqa: PLC0415 - 0.4 s, loads polars

        self.app.push_screen(AddStepScreen(), self._add_step)

    def _add_step(self, step: str | None) -> None:
        if step:
            prepare = (*self.persona_app.workspace.settings.prepare, step)
            self.persona_app.edit(f"step {step}", prepare=prepare)

    def action_remove_step(self) -> None:
        """Remove the step that is chosen."""
        chosen, prepare = (
            self.query_one("#steps", OptionList).highlighted,
            self.persona_app.workspace.settings.prepare,
        )
        if chosen is None or chosen >= len(prepare):
            self.query_one(TabbedContent).active = "preparation"
            self.notify("Choose the step in the list, then press d.")
            return
        left = (*prepare[:chosen], *prepare[chosen + 1 :])
        self.persona_app.edit(f"without step {prepare[chosen]}", prepare=left)

    @on(TabbedContent.TabActivated)
    def remember_tab(self, activated: TabbedContent.TabActivated) -> None:
        """Keep in mind which tab is in view."""
        if activated.pane.id:
            self.persona_app.workspace.view.details["data"] = {"tab": activated.pane.id}


def told(fault: PersonaError, *, shown_before: bool) -> Content:
    """Return what went wrong, what to do, and what is in view all the same."""
    before = "\nBelow is what was loaded before; z takes the last edit back." if shown_before else ""
    return Content.assemble(
        (printable(fault.message), "$text-error"), "\n", printable(fault.hint or ""), (before, "$text-muted")
    )


def columns_of(values: dict[str, str]) -> dict[str, Any]:
    """Return the settings that the form of columns stands for."""
    column = tuple(f"{part}={quote(values[part])}" for part in _PARTS if values[part])
    return {"column": column, "timezone": values["timezone"] or "UTC"}


def settings_fault(values: dict[str, str]) -> str:
    """Return what is wrong with the columns and the time zone; empty where nothing is."""
    try:
        Settings(**columns_of(values))
    except PersonaError as fault:
        return fault.message
    return ""


def unknown_events(values: dict[str, str], known: set[str]) -> str:
    """Return which of the events in some fields the log does not have, with near names."""
    faults = []
    for text in values.values():
        try:
            names = parse_names(text)
        except PersonaError as fault:
            return fault.message
        faults += [str(unknown_name("event", name, sorted(known))) for name in names if name not in known]
    return " ".join(faults[:2])
