"""What workers tell the app; widgets change only where one of these is handled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.progress import Progress
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.engine.data.event_log import EventLog
    from persona_tui.engine.evaluation.backtest import Backtest
    from persona_tui.study.inspection import Inspection
    from persona_tui.study.personas import DescribedPersonas
    from persona_tui.study.previews import OpenFlow
    from persona_tui.study.reports import OpenReport
    from persona_tui.tui.findings import Checked
    from persona_tui.tui.settlements import Settlement


class Progressed(Message):
    """Work in the background has come further; of a flood of these, the last counts."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        """Return whether an older report is not worth handling any more."""
        return isinstance(message, Progressed)


class LogLoaded(Message):
    """A log was loaded and looked at."""

    def __init__(self, settings: Settings, log: EventLog, inspection: Inspection) -> None:
        super().__init__()
        self.settings, self.log, self.inspection = settings, log, inspection


class PersonasFound(Message):
    """Personas were found and described, and the backtest that is kept of them was read."""

    def __init__(
        self,
        settings: Settings,
        personas: DescribedPersonas,
        settled: Settlement | None = None,
        backtest: Backtest | None = None,
    ) -> None:
        super().__init__()
        self.settings, self.personas, self.settled = settings, personas, settled
        self.backtest = backtest


class CheckDone(Message):
    """A check of the Trust screen was worked out."""

    def __init__(self, settings: Settings, name: str, checked: Checked) -> None:
        super().__init__()
        self.settings, self.name, self.checked = settings, name, checked


class FlowOpened(Message):
    """The flow of the personas is open for changes."""

    def __init__(self, settings: Settings, flow: OpenFlow) -> None:
        super().__init__()
        self.settings, self.flow = settings, flow


class ReportOpened(Message):
    """The report of the scenarios is there."""

    def __init__(self, settings: Settings, report: OpenReport) -> None:
        super().__init__()
        self.settings, self.report = settings, report


class Exported(Message):
    """Files of the report were written."""

    def __init__(self, settings: Settings, files: tuple[Path, ...]) -> None:
        super().__init__()
        self.settings, self.files = settings, files


class WorkFailed(Message):
    """Work in the background failed; the message says why and what to do."""

    def __init__(self, name: str, settings: Settings, fault: PersonaError) -> None:
        super().__init__()
        self.name, self.settings, self.fault = name, settings, fault
