"""``persona-tui simulate``: synthetic users walk both arms."""

from __future__ import annotations

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, narrate_defaults, narrate_source, require_source
from persona_tui.cli.commands.batch import changes
from persona_tui.cli.commands.detached import DetachRequest, start_detached
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.options import Settings


def _simulate(settings: Settings, presentation: Presentation, request: DetachRequest) -> None:
    require_source(settings, "simulate")
    if request.detach:
        start_detached(settings, presentation, "simulate")
        return
    from persona_tui.cli.pages import print_simulation  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.runs import run_simulation  # noqa: PLC0415 - 0.6 s: numpy, polars

    with presentation.reporting() as on_progress:
        finished = run_simulation(settings, on_progress=on_progress, on_notice=presentation.narrate)
    result = finished.result
    narrate_defaults(presentation, settings, result, VERB.options, output=str(finished.study))
    narrate_source(presentation, settings, result)
    if presentation.as_json:
        output.write_json(result.document)
    else:
        print_simulation(result.report, finished.folder)


VERB = Verb(
    name="simulate",
    help="Let synthetic users walk every scenario beside the control, on common random numbers, and keep "
    "the run in the study: run.toml, result.json and experiment_results.csv, no deck.",
    options=(
        *FIT_OPTIONS,
        *("modification", "description", "value", "solver", "n_personas", "max_length", "output"),
    ),
    argument="A log, or a study or a run whose scenarios are meant.",
    run=_simulate,
    request=DetachRequest,
    epilog=changes(),
)
