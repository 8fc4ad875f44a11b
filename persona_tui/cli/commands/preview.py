"""``persona-tui preview``: what a change does, exactly and at once."""

from __future__ import annotations

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, narrate_defaults, narrate_source, require_source
from persona_tui.cli.commands.batch import changes
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.options import Settings


def _preview(settings: Settings, presentation: Presentation) -> None:
    require_source(settings, "preview")
    from persona_tui.cli.pages import print_preview  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.study import forecast  # noqa: PLC0415 - 0.6 s: numpy, polars

    with presentation.reporting() as on_progress:
        result = forecast(settings, on_progress=on_progress)
    narrate_defaults(presentation, settings, result, VERB.options)
    narrate_source(presentation, settings, result)
    if presentation.as_json:
        output.write_json({**result.document, "schema": "persona-tui/preview/1"})
    else:
        print_preview(result.report)


VERB = Verb(
    name="preview",
    help="Show what a change does, exactly: outcomes, for whom, funnel of both arms, what drives it. "
    "Simulates nobody and writes nothing but what was learned from the log, which makes the next preview "
    "quick.",
    options=(*FIT_OPTIONS, "modification", "description", "value", "max_length", "budget"),
    argument="A log, or a study or a run whose scenarios are meant.",
    run=_preview,
    epilog=changes(),
)
