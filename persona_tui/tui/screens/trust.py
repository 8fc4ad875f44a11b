"""The Trust screen: forecasts held against what they have not seen, drift, and real experiments."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static, TabbedContent, TabPane

from persona_tui.tui.findings import CHECKS, Findings, names_days
from persona_tui.tui.screens import trust_page as page
from persona_tui.tui.screens import trust_words as words
from persona_tui.tui.screens.faults import told, without_log
from persona_tui.tui.screens.form import Field, FormScreen
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.widgets.text_table import Table, TextTable

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.backtest import Backtest
    from persona_tui.study.drift import DriftFound
    from persona_tui.study.fairness import Fairness
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
            with TabPane("Fairness", id="fairness"), VerticalScroll():
                yield Static(id="fairness-said", classes="said", markup=False)
                yield IntervalBars(id="group-uplifts", classes="part")
                yield IntervalBars(id="group-rates", classes="part")
                yield Table(id="represented", classes="part")
            with TabPane("Real test", id="experiment"), VerticalScroll():
                yield Static(id="experiment-said", classes="said", markup=False)
                yield IntervalBars(id="differences", classes="part")
                yield IntervalBars(id="effects", classes="part")
                yield Static(id="explained", classes="part", markup=False)
                yield Table(id="ledger", classes="part")

    def on_mount(self) -> None:
        """Follow the work in the background."""
        super().on_mount()
        self.follow("running", self._say)

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
                said.update(words.UNCHECKED[name])

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
            case "fairness":
                self._show_fairness(result)  # type: ignore[arg-type]
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

    def _show_fairness(self, found: Fairness) -> None:
        self.query_one("#fairness-said", Static).update(page.fairness_answer(found))
        bars = self.query_one("#group-uplifts", IntervalBars)
        bars.data = page.group_uplifts(found)
        bars.display = bool(found.uplifts)
        self.query_one("#group-rates", IntervalBars).data = page.group_rates(found)
        self.query_one("#represented", Table).data = page.represented(found)

    def _show_experiment(self, tried: TriedExperiment) -> None:
        self.query_one("#experiment-said", Static).update(page.experiment_answer(tried))
        self.query_one("#differences", IntervalBars).data = page.differences(tried)
        bars = self.query_one("#effects", IntervalBars)
        bars.data = page.effects(tried)
        bars.display = bool(bars.data.rows)
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
        app.check(name, str(self.remembered(name) or ""))

    def action_name(self) -> None:
        """Ask what drift is looked for in, or whose fairness is judged, and work that out."""
        name = self.query_one(TabbedContent).active
        if name not in words.ASKED:
            self.notify("For a backtest there is nothing to name.", markup=False)
            return
        title, label, sentence = words.ASKED[name]
        field = Field(name=name, label=label, value=str(self.remembered(name) or ""), help=sentence)
        self.app.push_screen(FormScreen(title, [field], lambda _values: "", "Check"), self._named)

    def _named(self, values: dict[str, str] | None) -> None:
        for name, value in (values or {}).items():
            self.remember(name, value.strip())
            if self.persona_app.findings.log is not None:
                self.persona_app.check(name, value.strip())

    def command(self) -> str:
        """Return the command that does what the tab in view shows."""
        command, name = super().command(), self.query_one(TabbedContent).active
        verb = {"experiment": "calibrate"}.get(name, name)
        command = command.replace(" backtest ", f" {verb} ", 1)
        asked, found = str(self.remembered(name) or ""), self._known(name)
        if name == "drift" and asked and not names_days(asked):
            return f"{command} {shlex.quote(asked)}"
        if name == "drift" and found is None:
            return f"{command} --before FIRST..LAST --after FIRST..LAST"
        if name == "experiment" and asked:
            flags = zip(("--variant", "--control"), asked.split(","), strict=False)
            return " ".join([command, *(f"{flag} {shlex.quote(each.strip())}" for flag, each in flags)])
        if name in {"drift", "fairness"} and found is not None:
            return f"{command} {page.options_of(name, found)}".strip()  # type: ignore[arg-type]
        return command

    def table_text(self) -> str:
        """Return the tables of the tab in view."""
        pane = self.query_one(TabbedContent).active_pane
        if pane is None:
            return ""
        data: list[TextTable] = [table.data for table in pane.query(Table) if table.data is not None]
        return "\n\n".join(each.as_text() for each in data)
