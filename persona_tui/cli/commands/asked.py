"""What verbs that only ask the engine have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from persona_tui.cli.presentation import Presentation
from persona_tui.engine.errors import SimulationError
from persona_tui.study.declared import option
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.study.study import StudyResult

SOURCE_OPTIONS: Final = ("events", "column", "timezone", "dates", "prepare", "max_rejected", "memory")
"""Options that say which log is meant and how it is read."""
FIT_OPTIONS: Final = (
    *SOURCE_OPTIONS,
    *("funnel", "completion", "drop", "unit", "clusters"),
    *("seed", "workers"),
)
"""Options that say which log is meant and how personas are found in it."""


def fail_on_option() -> Any:  # noqa: ANN401 - as option
    """Return the option that makes a verdict the end of a command."""
    return option(
        "--fail-on",
        default="",
        choices=("amber", "red"),
        metavar="amber|red",
        shown_default="never",
        help="Exit with code 4 where the verdict is this or worse, for cron and CI.",
    )


def require_source(settings: Settings, verb: str) -> None:
    """Refuse to go on without a log."""
    if not settings.events:
        raise SimulationError("No log was named.", hint=f"Try: persona-tui {verb} data/sample_events.csv")


def narrate_defaults(
    presentation: Presentation, settings: Settings, result: StudyResult, options: Sequence[str], **found: str
) -> None:
    """Say what the options of a verb came to that were left open."""
    from persona_tui.study.runs import defaults_used  # noqa: PLC0415 - 0.6 s with the engine

    resolved = {**settings.as_toml(), **result.document["recipe"]["settings"], **found}
    mine = {name: value for name, value in resolved.items() if name in {*options, "columns"}}
    presentation.narrate(f"Defaults used: {' '.join(defaults_used(settings, mine))}")


def narrate_source(presentation: Presentation, settings: Settings, result: StudyResult) -> None:
    """Say what was repaired or rejected in the log, and which settled personas it does not have."""
    for sentence in result.prepared.log.quality.sentences():
        presentation.narrate(f"{settings.source_shown()}: {sentence}")
    if without := result.report.lead.experiment.without:
        presentation.narrate(f"Predictions are {without}.")
    for each in result.fit.lost:
        presentation.narrate(each.lost_sentence())
