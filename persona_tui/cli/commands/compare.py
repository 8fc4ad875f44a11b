"""``persona-tui compare``: the scenarios of a study side by side."""

from __future__ import annotations

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, narrate_defaults, narrate_source, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.options import Settings


def _compare(settings: Settings, presentation: Presentation) -> None:
    require_source(settings, "compare")
    from persona_tui.cli.pages import print_comparison  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.study import forecast  # noqa: PLC0415 - 0.6 s: numpy, polars

    with presentation.reporting() as on_progress:
        result = forecast(settings, on_progress=on_progress)
    narrate_defaults(presentation, settings, result, VERB.options)
    narrate_source(presentation, settings, result)
    if len(result.report.scenarios) == 1:
        presentation.narrate(
            "There is one scenario only; list more as [[scenarios]] in a study file "
            "(see persona-tui schema, or data/sample_study.toml)."
        )
    if presentation.as_json:
        output.write_json({**result.document, "schema": "persona-tui/comparison/1"})
    else:
        print_comparison(result.report)


VERB = Verb(
    name="compare",
    help="Rank the scenarios of a study, exactly and on the same draws: how surely each is best, and beats "
    "which other. Simulates nobody and writes nothing.",
    options=(*FIT_OPTIONS, "value", "max_length"),
    argument="A study, or its study.toml.",
    run=_compare,
)
