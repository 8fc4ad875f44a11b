"""The report of a study whose flow is open: its scenarios worked out exactly, and what its files say."""

from __future__ import annotations

from dataclasses import dataclass

from persona_tui.engine.analytics.markdown import to_markdown
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.study.options import Settings
from persona_tui.study.previews import OpenFlow
from persona_tui.study.study import StudyResult, report_fit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenReport:
    """A report, and what it would say in a page and on slides.

    Parameters
    ----------
    settings : Settings
    flow : OpenFlow
    result : StudyResult
    markdown : str
    outline : tuple of str
        The titles of the deck's slides.
    """

    settings: Settings
    flow: OpenFlow
    result: StudyResult
    markdown: str
    outline: tuple[str, ...]


def open_report(
    settings: Settings, flow: OpenFlow, *, on_progress: ProgressCallback = ignore_progress
) -> OpenReport:
    """Return the report of every scenario of some settings, worked out exactly.

    Parameters
    ----------
    settings : Settings
    flow : OpenFlow
        Of the same settings, whatever its scenarios.
    on_progress : callable

    Raises
    ------
    SimulationError, UnknownNameError
        If a scenario does not fit the flow.
    """
    from persona_tui.engine.analytics.pptx import outline  # noqa: PLC0415 - 0.17 s, loads pptx

    prepared = flow.learned.prepared
    result = report_fit(settings, prepared, flow.fit, solver="exact", on_progress=on_progress)
    return OpenReport(
        settings=settings,
        flow=flow,
        result=result,
        markdown=to_markdown(result.report),
        outline=outline(result.report),
    )
