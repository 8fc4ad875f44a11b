"""What was learned about the log in view, as the screens show it, and the work that is under way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

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


CHECKS: Final = ("backtest", "drift", "fairness", "experiment")
"""What the Trust screen can work out, in the order of its tabs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checked:
    """What a check of the Trust screen came to.

    Parameters
    ----------
    settings : Settings
        That it was worked out with.
    found : object, optional
        None where it failed.
    fault : PersonaError, optional
    """

    settings: Settings
    found: Any = None
    fault: PersonaError | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """All that is known; each part names the settings that it was found with.

    Parameters
    ----------
    log : EventLog, optional
    inspection : Inspection, optional
        Of the log.
    loaded_with : Settings, optional
    log_fault : PersonaError, optional
        Why the last attempt to load a log failed; an older log stays in view.
    personas : DescribedPersonas, optional
    fitted_with : Settings, optional
    fit_fault : PersonaError, optional
    flow : OpenFlow, optional
        Of personas that may be older than those in view.
    flow_fault : PersonaError, optional
    report : OpenReport, optional
    report_fault : PersonaError, optional
    backtest : Backtest, optional
        That is kept of the personas in view.
    checks : mapping of str to Checked
        By the names of ``CHECKS``.
    """

    log: EventLog | None = None
    inspection: Inspection | None = None
    loaded_with: Settings | None = None
    log_fault: PersonaError | None = None
    personas: DescribedPersonas | None = None
    fitted_with: Settings | None = None
    fit_fault: PersonaError | None = None
    flow: OpenFlow | None = None
    flow_fault: PersonaError | None = None
    report: OpenReport | None = None
    report_fault: PersonaError | None = None
    backtest: Backtest | None = None
    checks: Mapping[str, Checked] = field(default_factory=dict)

    def with_log(self, settings: Settings, log: EventLog, inspection: Inspection) -> Findings:
        """Return what is known with another log."""
        return replace(self, log=log, inspection=inspection, loaded_with=settings, log_fault=None)

    def with_personas(
        self, settings: Settings, personas: DescribedPersonas, backtest: Backtest | None = None
    ) -> Findings:
        """Return what is known with other personas, and the backtest that is kept of them."""
        return replace(
            self,
            personas=personas,
            fitted_with=settings,
            fit_fault=None,
            flow_fault=None,
            backtest=backtest,
        )

    def with_check(self, name: str, checked: Checked) -> Findings:
        """Return what is known after a check."""
        found = replace(self, checks={**self.checks, name: checked})
        if name == "backtest" and checked.found is not None:
            return replace(found, backtest=checked.found.found, report=None)
        return found

    def with_flow(self, flow: OpenFlow) -> Findings:
        """Return what is known with the flow of the personas open for changes."""
        return replace(self, flow=flow, flow_fault=None)

    def with_report(self, report: OpenReport) -> Findings:
        """Return what is known with a report of the scenarios."""
        return replace(self, report=report, report_fault=None)

    def without_fault(self) -> Findings:
        """Return what is known once the settings are again those of the log in view."""
        return replace(self, log_fault=None)

    def with_fault(self, name: str, fault: PersonaError) -> Findings:
        """Return what is known after work has failed."""
        match name:
            case "load":
                return replace(self, log_fault=fault)
            case "flow":
                return replace(self, flow_fault=fault)
            case "report" | "export":
                return replace(self, report_fault=fault)
            case _:
                return replace(self, fit_fault=fault)


def names_days(text: str) -> bool:
    """Return whether a text names days, not a file."""
    return re.match(r"\d{4}-\d\d-\d\d.*\.\.", text) is not None


READING: Final = ("events", "column", "timezone", "dates", "prepare", "max_rejected", "memory")
MEANING: Final = ("funnel", "completion", "drop", "unit")
FITTING: Final = ("clusters", "seed")
"""Settings by what they decide: how a log is read, what its events mean, which personas are found."""


def log_is_stale(found: Findings, settings: Settings) -> bool:
    """Return whether settings ask for another log, or another look at it, than the one in view."""
    return _differ(found.loaded_with, settings, (*READING, *MEANING))


def personas_are_stale(found: Findings, settings: Settings) -> bool:
    """Return whether settings ask for other personas than those in view."""
    return _differ(found.fitted_with, settings, (*READING, *MEANING, *FITTING))


def flow_is_stale(found: Findings) -> bool:
    """Return whether the flow that is open is not that of the personas in view."""
    return found.personas is not None and (
        found.flow is None or found.flow.learned is not found.personas.learned
    )


def report_is_stale(found: Findings, settings: Settings) -> bool:
    """Return whether the report in view is not that of the flow that is open and of these settings."""
    report = found.report
    return report is None or report.flow is not found.flow or report.settings.as_toml() != settings.as_toml()


def _differ(before: Settings | None, now: Settings, names: tuple[str, ...]) -> bool:
    return before is None or any(getattr(before, name) != getattr(now, name) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work in the background.

    Parameters
    ----------
    name : str
        What it is for: ``load``, ``fit``, ``flow``, ``report`` or ``export``.
    began : float
        On the monotonic clock.
    progress : Progress, optional
    stage_began : float
    """

    name: str
    began: float
    progress: Progress | None = None
    stage_began: float = 0.0

    def reported(self, progress: Progress) -> Work:
        """Return the work after a report."""
        same = self.progress is not None and self.progress.stage == progress.stage
        return Work(
            name=self.name,
            began=self.began,
            progress=progress,
            stage_began=self.stage_began if same else monotonic(),
        )

    def sentence(self) -> str:
        """Return where it stands: stage, share, and how long the stage will still take.

        Examples
        --------
        >>> Work(name="fit", began=0.0).sentence()
        'fit …'
        """
        progress = self.progress
        if progress is None:
            return f"{self.name} …"
        if not progress.total:
            return f"{progress.stage} …"
        share = progress.done / progress.total
        spent = monotonic() - self.stage_began
        left = f" · {_duration(spent / share - spent)} left" if share > 0 and spent > 1 else ""
        return f"{progress.stage} {share:.0%}{left}"


def _duration(seconds: float) -> str:
    """Return a duration to the second, or to the minute where there are many."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
