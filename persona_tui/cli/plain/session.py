"""The jobs of the app as questions and tables, over the functions that the app itself calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from persona_tui.cli.output import Page
from persona_tui.cli.plain.changes import ask_effect
from persona_tui.cli.plain.questions import Back, Left, ask, ask_until, choose, complain, say
from persona_tui.cli.presentation import Presentation
from persona_tui.engine.errors import PersonaError, SimulationError
from persona_tui.engine.params import format_names, parse_names
from persona_tui.study import scenario_edits as edits
from persona_tui.study.options import Settings
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.tui.commands import command_of
from persona_tui.tui.recent import sample_source
from persona_tui.tui.workspace import Workspace, settings_of_source

if TYPE_CHECKING:
    from persona_tui.study.personas import DescribedPersonas
    from persona_tui.study.study import StudyResult

WELCOME: Final = (
    "persona-tui, in plain words: one question a line. Enter takes the answer in brackets, b goes back, "
    "q leaves. Nothing is lost: every change is kept, and undo takes it back."
)
JOBS: Final = (
    ("data", "load and check a log"),
    ("personas", "find and read personas"),
    ("flow", "change the flow and see what that does"),
    ("simulate", "run a simulated experiment"),
    ("report", "read the decision and export"),
    ("undo", "take back the last change"),
    ("save", "keep all of it as a study"),
)
_NEXT: Final = {"data": "personas", "personas": "flow", "flow": "simulate", "simulate": "report"}


class PlainSession:
    """A session of questions.

    Parameters
    ----------
    workspace : Workspace
    presentation : Presentation
        How progress is told.
    """

    def __init__(self, workspace: Workspace, presentation: Presentation) -> None:
        self._workspace, self._presentation = workspace, presentation
        self._described: tuple[Settings, DescribedPersonas] | None = None
        self._reported: tuple[Settings, StudyResult] | None = None

    @property
    def settings(self) -> Settings:
        """Return the settings as they are now."""
        return self._workspace.settings

    def run(self) -> None:
        """Ask until the analyst leaves."""
        say(WELCOME)
        following = "data"
        try:
            while True:
                say()
                if self.settings.events:
                    say(f"Open: {self.settings.source_shown()}")
                job = choose("What next", JOBS, following)
                following = self._do(job, following)
        except (Left, Back):
            self._workspace.remember()
            say("Left; the session is kept." if self.settings.events else "Left.")

    def _do(self, job: str, following: str) -> str:
        """Do a job and return which one comes next."""
        jobs: dict[str, Callable[[], None]] = {
            "data": self.data,
            "personas": self.personas,
            "flow": self.flow,
            "simulate": self.simulate,
            "report": self.report,
            "undo": self.undo,
            "save": self.save,
        }
        if job != "data" and not self.settings.events:
            say("No log is open; data comes first.")
            return "data"
        try:
            jobs[job]()
        except Back:
            return job
        except PersonaError as fault:
            complain(fault)
            return job
        return _NEXT.get(job, following)

    # the jobs

    def data(self) -> None:
        """Open a log or a study, and say what it is."""
        from persona_tui.cli.inspect_page import print_inspection  # noqa: PLC0415 - 0.6 s with the engine
        from persona_tui.study.inspection import inspect_log  # noqa: PLC0415 - as above
        from persona_tui.study.log import load_log  # noqa: PLC0415 - as above

        source = ask(
            "Log or study (a path, a quoted glob, or a URL)", self.settings.source_shown() or sample_source()
        )
        before = self.settings
        if source != before.source_shown():
            self._workspace.open(settings_of_source(source, {}))
        try:
            with self._presentation.reporting() as on_progress:
                log = load_log(self.settings, on_progress=on_progress)
        except PersonaError:  # what cannot be read leaves open what was
            if source != before.source_shown():
                self._workspace.open(before)
            raise
        print_inspection(inspect_log(self.settings, log))
        funnel = self.settings.funnel or "as suggested"
        answer = ask("Steps of the funnel, separated by commas", funnel)
        if answer != funnel:
            self._edit("funnel", funnel=format_names(parse_names(answer)))

    def personas(self) -> None:
        """Find the personas and tell of them, of one in full where that is asked."""
        self._tell_personas()
        while answer := ask("N tells one persona in full, k N (or k auto) finds so many, enter goes on"):
            try:
                self._answer_personas(answer)
            except PersonaError as fault:
                complain(fault)

    def _answer_personas(self, answer: str) -> None:
        from persona_tui.cli import persona_pages  # noqa: PLC0415 - as the data

        if answer.startswith("k "):
            clusters = answer[1:].strip()
            self._edit(f"{clusters} personas", clusters=clusters)
            self._tell_personas()
            return
        page = Page()
        persona_pages.print_persona(page, self._describe(), answer)
        page.print()

    def _tell_personas(self) -> None:
        from persona_tui.cli import persona_pages  # noqa: PLC0415 - as the data

        page = Page()
        persona_pages.print_overview(page, self._describe())
        page.print()

    def flow(self) -> None:
        """Change the scenario and tell what it does."""
        place = self._choose_scenario()
        while True:
            scenario = self.settings.effective_scenarios()[place]
            say(f"Scenario {scenario.name}:")
            for number, effect in enumerate(scenario.effects, start=1):
                off = " (off)" if number in scenario.off else ""
                say(f"  {number} {edits.effect_words(effect)}{off}")
            answer = ask("add, off N, remove N, or enter to see what it does")
            if not answer:
                break
            try:
                self._keep(place, self._edited(scenario, answer))
            except Back:
                continue
            except PersonaError as fault:
                complain(fault)
        self._preview(self.settings.effective_scenarios()[place])

    def simulate(self) -> None:
        """Let synthetic users walk both arms of every scenario, and keep the run."""
        from persona_tui.cli.pages import print_simulation  # noqa: PLC0415 - as the data
        from persona_tui.study.runs import run_simulation  # noqa: PLC0415 - as the data

        ask_until("Synthetic users per arm", str(self.settings.n_personas), self._set_n_personas)
        with self._presentation.reporting() as on_progress:
            finished = run_simulation(
                self.settings, on_progress=on_progress, on_notice=self._presentation.narrate
            )
        print_simulation(finished.result.report, finished.folder)

    def report(self) -> None:
        """Tell how the scenarios compare, and write the report to files."""
        from persona_tui.cli.pages import print_comparison, print_plans  # noqa: PLC0415 - as the data
        from persona_tui.engine.analytics.exporters import EXPORTERS  # noqa: PLC0415 - as the data
        from persona_tui.study.exports import export_folder, export_report  # noqa: PLC0415 - as the data

        result = self._report(self.settings)
        print_comparison(result.report)
        print_plans(result.report)
        for name in EXPORTERS.names():
            say(f"{name}: {EXPORTERS.help(name)}")
        formats = parse_names(ask("Formats to export, separated by commas", ", ".join(EXPORTERS.names())))
        folder = Path(ask("Folder", str(export_folder(self.settings))))
        for path in export_report(self.settings, result, formats, folder):
            say(f"Written: {path}")

    def undo(self) -> None:
        """Take back the last change."""
        what = self._workspace.undo()
        say(f"Taken back: {what}" if what else "There is nothing to take back.")

    def save(self) -> None:
        """Keep all of it as a study."""
        from persona_tui.study.runs import default_output  # noqa: PLC0415 - as the data

        folder = self._workspace.study or default_output(self.settings)
        say(f"Saved: {self._workspace.save(Path(ask('Folder of the study', str(folder))))}")

    # what the jobs share

    def _edit(self, what: str, **values: object) -> None:
        self._workspace.edit(what, **values)

    def _keep(self, place: int, scenario: ScenarioSettings) -> None:
        scenarios = edits.with_scenario(self.settings.effective_scenarios(), place, scenario)
        self._edit(f"scenario {scenario.name}", **edits.values_of(self.settings, scenarios))

    def _choose_scenario(self) -> int:
        names = [each.name for each in self.settings.effective_scenarios()]
        if len(names) == 1:
            return 0
        return names.index(choose("Which scenario", [(name, "") for name in names], names[0]))

    def _edited(self, scenario: ScenarioSettings, answer: str) -> ScenarioSettings:
        word, _, number = answer.partition(" ")
        if word == "add":
            return edits.add_effect(scenario, ask_effect())
        known = {"off": edits.toggle_effect, "remove": edits.remove_effect}
        if word not in known or not number.isdecimal() or not 1 <= int(number) <= len(scenario.effects):
            raise SimulationError(
                f"'{answer}' is no answer here.", hint="Answer add, off 1, remove 1, or just enter."
            )
        return known[word](scenario, int(number) - 1)

    def _preview(self, scenario: ScenarioSettings) -> None:
        from persona_tui.cli.pages import print_preview  # noqa: PLC0415 - as the data

        alone = edits.alone(self.settings, scenario)
        print_preview(self._report(alone).report)
        say(f"The same: {command_of('flow', alone, self._workspace.saved)}")

    def _set_n_personas(self, answer: str) -> None:
        if not answer.isdecimal():
            raise SimulationError(f"'{answer}' is no number of users.", hint="For example: 10000")
        self._edit(f"{answer} users per arm", n_personas=int(answer))

    def _describe(self) -> DescribedPersonas:
        from persona_tui.study.personas import describe_personas  # noqa: PLC0415 - as the data

        if self._described is None or self._described[0] is not self.settings:
            with self._presentation.reporting() as on_progress:
                self._described = (self.settings, describe_personas(self.settings, on_progress=on_progress))
        return self._described[1]

    def _report(self, settings: Settings) -> StudyResult:
        from persona_tui.study.study import forecast  # noqa: PLC0415 - as the data

        if self._reported is None or self._reported[0] != settings:
            with self._presentation.reporting() as on_progress:
                self._reported = (replace(settings), forecast(settings, on_progress=on_progress))
        return self._reported[1]
