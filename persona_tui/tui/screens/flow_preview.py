"""What a scenario does, worked out in the background and shown part by part."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import sleep
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static, TabbedContent, TabPane
from textual.worker import get_current_worker

from persona_tui.engine.errors import PersonaError
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.tui.screens import flow_page as page
from persona_tui.tui.screens.faults import told
from persona_tui.tui.widgets.flow_diagram import FlowDiagram
from persona_tui.tui.widgets.funnel_bars import FunnelBars
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.widgets.text_table import Table, TextTable
from persona_tui.tui.widgets.tornado import Tornado

if TYPE_CHECKING:
    from persona_tui.engine.simulation.experiments import Experiment
    from persona_tui.study.previews import OpenFlow, PreviewDetails

_PAUSE: Final = 0.15
"""Seconds between the outcomes and what stands behind them, in which another key may come."""
Part: TypeAlias = "Experiment | PreviewDetails | PersonaError"


class FlowPreview(Vertical):
    """Shows what one scenario does; what was being worked out for another is forgotten."""

    class Previewed(Message):
        """A part of what a scenario does is known."""

        def __init__(self, scenario: ScenarioSettings, part: Part) -> None:
            super().__init__()
            self.scenario, self.part = scenario, part

    class Grouped(Message):
        """What a scenario does to groups of users is known."""

        def __init__(self, scenario: ScenarioSettings, experiment: Experiment) -> None:
            super().__init__()
            self.scenario, self.experiment = scenario, experiment

    class Refused(Message):
        """The flow does not take the scenario that is being edited."""

        def __init__(self, fault: PersonaError) -> None:
            super().__init__()
            self.fault = fault

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._one_at_a_time = Lock()
        self._flow: OpenFlow | None = None
        self._scenario: ScenarioSettings | None = None
        self._grouped: ScenarioSettings | None = None
        self._is_draft = False
        self._experiment: Experiment | None = None
        self._persona: int | None = None
        self._arm = "treatment"

    def compose(self) -> ComposeResult:
        """Build the answer above the tabs."""
        yield Static(id="answer", markup=False)
        with TabbedContent(id="tabs"):
            with TabPane("Outcomes", id="outcomes"), VerticalScroll():
                yield IntervalBars(id="uplifts")
                yield Table(id="metrics")
                yield Table(id="by-persona")
                yield Static(id="doubts", classes="hint", markup=False)
            with TabPane("Funnel", id="funnel"), VerticalScroll():
                yield FunnelBars(id="arms")
                yield Table(id="in-order")
            with TabPane("Diagram", id="diagram"):
                yield Static(id="diagram-title", classes="hint", markup=False)
                yield FlowDiagram(id="drawn")
            with TabPane("Why", id="why"), VerticalScroll():
                yield Tornado(id="drivers")
                yield Static(id="break-even", markup=False)
                yield Table(id="leaving")
            with TabPane("Chains", id="chains"), VerticalScroll():
                yield Table(id="chain-changes")
            with TabPane("Groups", id="groups"), VerticalScroll():
                yield Static(id="group-title", classes="hint", markup=False)
                yield IntervalBars(id="group-uplifts")

    def work_out(self, flow: OpenFlow, scenario: ScenarioSettings, *, is_draft: bool) -> None:
        """Work out what a scenario does, in place of what was being worked out."""
        if flow is not self._flow:
            self._grouped = self._persona = None
        self._flow, self._scenario, self._is_draft = flow, scenario, is_draft
        self._work_out(flow, scenario)
        self._group()

    def fault_of(self, scenario: ScenarioSettings) -> PersonaError | None:
        """Return why the flow does not take a scenario, None where it does."""
        from persona_tui.study import previews  # noqa: PLC0415 - loaded with the flow

        try:
            if self._flow is not None:
                previews.check_scenario(self._flow, scenario)
        except PersonaError as fault:
            return fault
        return None

    @work(thread=True, exclusive=True, exit_on_error=False, group="preview", description="-")
    def _work_out(self, flow: OpenFlow, scenario: ScenarioSettings) -> None:
        from persona_tui.study import previews  # noqa: PLC0415 - loaded with the flow

        worker = get_current_worker()
        steps: tuple[Callable[[Experiment | None], Experiment | PreviewDetails], ...] = (
            lambda _: previews.preview_outcomes(flow, scenario),
            lambda before: previews.preview_details(flow, before),  # type: ignore[arg-type]
            lambda _: previews.preview_outcomes(flow, scenario, models=True),
        )
        known: Experiment | None = None
        for step in steps:
            if known is not None:
                sleep(_PAUSE)  # who types on gets the next answer sooner
            with self._one_at_a_time:  # the next keystroke waits for a step, never for all of them
                if worker.is_cancelled:
                    return
                try:
                    part = step(known)
                except PersonaError as fault:
                    self.post_message(self.Previewed(scenario, fault))
                    return
            known = known or part  # type: ignore[assignment]
            self.post_message(self.Previewed(scenario, part))

    @on(Previewed)
    def _show_part(self, message: Previewed) -> None:
        if message.scenario != self._scenario or not self.query("#tabs"):  # the app is closing
            return
        part = message.part
        if isinstance(part, PersonaError):
            self._refuse(part)
        elif hasattr(part, "insights"):
            self._show_details(cast("PreviewDetails", part))
        else:
            self._experiment = part
            self._show_outcomes(part)

    def _refuse(self, fault: PersonaError) -> None:
        if self._is_draft:
            self.post_message(self.Refused(fault))
            return
        self.query_one("#answer", Static).update(told(fault, shown_before=False))
        self.query_one("#tabs").display = False

    def _show_outcomes(self, experiment: Experiment) -> None:
        self.query_one("#tabs").display = True
        self.query_one("#answer", Static).update(page.answer(experiment))
        self.query_one("#uplifts", IntervalBars).data = page.uplifts(experiment)
        self.query_one("#metrics", Table).data = page.outcomes(experiment)
        self.query_one("#by-persona", Table).data = page.by_persona(experiment)
        self.query_one("#doubts", Static).update(page.doubts(experiment))
        self._draw()

    def _show_details(self, details: PreviewDetails) -> None:
        if self._experiment is not None:
            self.query_one(FunnelBars).data = page.funnel(self._experiment, details.funnel)
        self.query_one("#in-order", Table).data = page.in_order(details)
        self.query_one(Tornado).data = page.drivers(details.insights)
        self.query_one("#break-even", Static).update(page.break_evens(details.insights))
        self.query_one("#leaving", Table).data = page.leaving(details.insights)
        self.query_one("#chain-changes", Table).data = page.changes(details)

    def look_at(self, persona: int | None) -> None:
        """Draw the flow of one persona, by its place, or of all."""
        self._persona = persona
        self._draw()

    def other_arm(self) -> None:
        """Draw the flow of the other arm."""
        self._arm = "control" if self._arm == "treatment" else "treatment"
        self._draw()

    @on(TabbedContent.TabActivated)
    def _draw(self) -> None:
        """Draw the flow where it is in view."""
        if (
            self._flow is None
            or self._experiment is None
            or self.query_one(TabbedContent).active != "diagram"
        ):
            return
        flow, persona = self._flow, self._persona
        cells = None if persona is None else flow.cells(self._experiment, persona)
        who = "all personas" if persona is None else flow.personas[persona]
        drawn = page.diagram(self._experiment, cells, self._arm, self.size.width)
        self.query_one(FlowDiagram).data = drawn
        self.query_one("#diagram-title", Static).update(
            page.plain(f"{self._arm.capitalize()}, {who}, of 1,000 journeys (v: the other arm, p: whose)")
        )

    @on(TabbedContent.TabActivated)
    def _group(self) -> None:
        """Work out what the scenario does to groups of users, which takes longer, where they are in view."""
        in_view = self.query_one(TabbedContent).active == "groups"
        if self._flow is None or self._scenario is None or not in_view or self._is_draft:
            return
        if self._grouped != self._scenario:
            self.query_one("#group-title", Static).update("Being worked out …")
            self._work_out_groups(self._flow, self._scenario)

    @work(thread=True, exclusive=True, exit_on_error=False, group="groups", description="-")
    def _work_out_groups(self, flow: OpenFlow, scenario: ScenarioSettings) -> None:
        from persona_tui.study.previews import preview_whole  # noqa: PLC0415 - loaded with the flow

        try:
            self.post_message(self.Grouped(scenario, preview_whole(flow, scenario)))
        except PersonaError as fault:
            self.post_message(self.Previewed(scenario, fault))

    @on(Grouped)
    def _show_groups(self, message: Grouped) -> None:
        if message.scenario != self._scenario:
            return
        self._grouped = message.scenario
        title = "Uplift of completion by group of users, in points, those that differ most first"
        if not message.experiment.groups:
            title = "The log holds no attribute of users with groups that are large enough."
        self.query_one("#group-title", Static).update(title)
        self.query_one("#group-uplifts", IntervalBars).data = page.groups(message.experiment)

    def table_text(self) -> str:
        """Return the tables of the tab in view."""
        pane = self.query_one(TabbedContent).active_pane
        if pane is None:
            return ""
        data: list[TextTable] = [table.data for table in pane.query(Table) if table.data is not None]
        return "\n\n".join(each.as_text() for each in data)
