"""The Trust screen: forecasts held against what they have not seen, drift, and real experiments."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static, TabbedContent, TabPane

from persona_tui.tui.findings import CHECKS, Findings
from persona_tui.tui.screens import trust_page as page
from persona_tui.tui.screens.faults import told, without_log
from persona_tui.tui.screens.form import Field, FormScreen
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.widgets.text_table import Table, TextTable

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.backtest import Backtest
    from persona_tui.study.drift import DriftFound
    from persona_tui.tui.checks import TriedExperiment


class TrustScreen(WorkScreen):
    """Shows how far forecasts can be trusted, one tab a check."""

    NAME = "trust"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("trust")

    def compose_body(self) -> ComposeResult:
        """Build a tab for each check: what it says, its pictures, its numbers."""
        with TabbedContent(id="tabs"):
            with TabPane("Backtest", id="backtest"), VerticalScroll():
                yield Static(id="backtest-said", classes="said", markup=False)
                yield IntervalBars(id="calibration", classes="part")
                yield IntervalBars(id="periods", classes="part")
                yield Static(id="checks", classes="part", markup=False)
                yield Table(id="likeness", classes="part")
            with TabPane("Drift", id="drift"), VerticalScroll():
                yield Static(id="drift-said", classes="said", markup=False)
                yield IntervalBars(id="divergence", classes="part")
                yield IntervalBars(id="split", classes="part")
                yield Table(id="drift-rows", classes="part")
            with TabPane("Real test", id="experiment"), VerticalScroll():
                yield Static(id="experiment-said", classes="said", markup=False)
                yield IntervalBars(id="differences", classes="part")
                yield IntervalBars(id="effects", classes="part")
                yield Static(id="explained", classes="part", markup=False)
                yield Table(id="ledger", classes="part")

    def on_mount(self) -> None:
        """Follow the work in the background."""
        super().on_mount()
        self.watch(self.app, "running", self._say)

    def show(self, _found: Findings) -> None:
        """Show every check that is known."""
        self._say()

    def _say(self, *_changed: object) -> None:
        app, found = self.persona_app, self.persona_app.findings
        for name in CHECKS:
            said, pane = self.query_one(f"#{name}-said", Static), self.query_one(f"#{name}", TabPane)
            result = self._known(name)
            for part in pane.query(".part"):
                part.display = result is not None
            checked = found.checks.get(name)
            if result is not None:
                self._show(name, result)
            elif found.log is None:
                said.update(without_log(found, app.running))
            elif app.running is not None and app.running.name == name:
                said.update("Under way (ctrl+x stops it) …")
            elif checked is not None and checked.fault is not None:
                said.update(told(checked.fault, shown_before=False))
            else:
                said.update(page.UNCHECKED[name])

    def _known(self, name: str) -> object | None:
        """Return what a check came to with the settings as they are; None where that is not known."""
        found = self.persona_app.findings
        if name == "backtest":
            return found.backtest
        checked = found.checks.get(name)
        is_now = checked is not None and checked.settings.as_toml() == self._settings_shown()
        return checked.found if checked is not None and is_now else None

    def _settings_shown(self) -> dict[str, object]:
        return self.persona_app.workspace.settings.as_toml()

    def _show(self, name: str, result: object) -> None:
        match name:
            case "backtest":
                self._show_backtest(result)  # type: ignore[arg-type]
            case "drift":
                self._show_drift(result)  # type: ignore[arg-type]
            case _:
                self._show_experiment(result)  # type: ignore[arg-type]

    def _show_backtest(self, found: Backtest) -> None:
        self.query_one("#backtest-said", Static).update(page.backtest_answer(found))
        self.query_one("#calibration", IntervalBars).data = page.calibration(found)
        rolling = next((each for each in found.periods if each.forecasts), None)
        bars = self.query_one("#periods", IntervalBars)
        bars.display = rolling is not None
        if rolling is not None:
            bars.data = page.periods(rolling)
        self.query_one("#checks", Static).update(page.checks(found))
        self.query_one("#likeness", Table).data = page.likeness(found)

    def _show_drift(self, found: DriftFound) -> None:
        self.query_one("#drift-said", Static).update(page.drift_answer(found))
        self.query_one("#divergence", IntervalBars).data = page.divergence(found)
        self.query_one("#split", IntervalBars).data = page.split(found)
        self.query_one("#drift-rows", Table).data = page.drift_rows(found)

    def _show_experiment(self, tried: TriedExperiment) -> None:
        self.query_one("#experiment-said", Static).update(page.experiment_answer(tried))
        self.query_one("#differences", IntervalBars).data = page.differences(tried)
        self.query_one("#effects", IntervalBars).data = page.effects(tried)
        self.query_one("#explained", Static).update(page.explained(tried))
        table = self.query_one("#ledger", Table)
        table.data = page.ledger(tried.ledger)
        table.display = bool(table.data.rows)

    # actions

    def action_check(self) -> None:
        """Work out the check in view."""
        app, name = self.persona_app, self.query_one(TabbedContent).active
        if app.findings.log is None:
            self.notify("There is no log yet.")
            return
        app.check(name, str(self.remembered("against") or "") if name == "drift" else "")

    def action_compare_with(self) -> None:
        """Ask what drift is looked for in, and look."""
        field = Field(
            name="against",
            label="Newer log, or days",
            value=str(self.remembered("against") or ""),
            help="A path; or FIRST..LAST, such as 2026-03-01..2026-03-31, of this log, held against the days "
            "before. Empty: the last quarter of its days.",
        )
        form = FormScreen("What drift is looked for in", [field], lambda _values: "", "Check")
        self.app.push_screen(form, self._compare_with)

    def _compare_with(self, values: dict[str, str] | None) -> None:
        if values is None:
            return
        against = values["against"].strip()
        self.remember("against", against)
        self.show_tab("drift")
        if self.persona_app.findings.log is not None:
            self.persona_app.check("drift", against)

    def command(self) -> str:
        """Return the command that does what the tab in view shows."""
        command = super().command()
        match self.query_one(TabbedContent).active:
            case "backtest":
                return command
            case "experiment":
                return command.replace(" backtest ", " calibrate ", 1)
        drift = command.replace(" backtest ", " drift ", 1)
        found, against = self._known("drift"), str(self.remembered("against") or "")
        if against and ".." not in against:
            return f"{drift} {shlex.quote(against)}"
        return drift if found is None else f"{drift} {page.period_options(found)}"  # type: ignore[arg-type]

    def table_text(self) -> str:
        """Return the tables of the tab in view."""
        pane = self.query_one(TabbedContent).active_pane
        if pane is None:
            return ""
        data: list[TextTable] = [table.data for table in pane.query(Table) if table.data is not None]
        return "\n\n".join(each.as_text() for each in data)
