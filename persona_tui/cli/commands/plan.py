"""``persona-tui plan``: what a real test of a change takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, narrate_defaults, narrate_source, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.study.study import StudyResult


def _plan(settings: Settings, presentation: Presentation) -> None:
    require_source(settings, "plan")
    from persona_tui.cli.pages import print_plans  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.study import forecast  # noqa: PLC0415 - 0.6 s: numpy, polars

    with presentation.reporting() as on_progress:
        result = forecast(settings, on_progress=on_progress)
    narrate_defaults(presentation, settings, result, VERB.options)
    narrate_source(presentation, settings, result)
    if presentation.as_json:
        output.write_json(_document(result))
    else:
        print_plans(result.report)


def _document(result: StudyResult) -> dict[str, Any]:
    from persona_tui.study.results import plan_document  # noqa: PLC0415 - as above

    return {
        "schema": "persona-tui/plan/1",
        "plans": [plan_document(scenario) for scenario in result.report.scenarios],
        "recipe": result.document["recipe"],
    }


VERB = Verb(
    name="plan",
    help="Plan the real test of a change: users per arm and weeks, for tests of fixed size, ended early, or "
    "watched all the time, from the predicted uplift and the log's own traffic.",
    options=(
        *FIT_OPTIONS,
        *("modification", "description", "max_length", "power", "level", "exposed", "weeks"),
    ),
    argument="A log, or a study or a run whose scenarios are meant.",
    run=_plan,
)
