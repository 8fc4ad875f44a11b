"""``persona-tui batch``: the whole job in one command."""

from __future__ import annotations

from persona_tui.cli import output
from persona_tui.cli.commands.detached import DetachRequest, start_detached
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.params import parameters_of
from persona_tui.engine.simulation.effects import EFFECTS
from persona_tui.study.options import Settings, options_by_name


def _batch(settings: Settings, presentation: Presentation, request: DetachRequest) -> None:
    if not settings.events:
        raise SimulationError("No log was named.", hint="Try: persona-tui batch data/sample_events.csv")
    if request.detach:
        start_detached(settings, presentation, "batch")
        return
    from persona_tui.cli.summary import print_summary  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.runs import run_batch  # noqa: PLC0415 - 0.6 s: numpy, polars

    with presentation.reporting() as on_progress:
        finished = run_batch(settings, on_progress=on_progress, on_notice=presentation.narrate)
    presentation.narrate(f"Defaults used: {' '.join(finished.defaults_used())}")
    for sentence in finished.result.prepared.log.quality.sentences():
        presentation.narrate(f"{settings.source_shown()}: {sentence}")
    if without := finished.result.report.lead.experiment.without:
        presentation.narrate(f"Predictions are {without}.")
    for each in finished.result.fit.lost:
        presentation.narrate(each.lost_sentence())
    if presentation.as_json:
        output.write_json(finished.result.document)
    else:
        print_summary(finished)


def changes() -> str:
    """Return what a modification can be, from the registry."""
    lines = ["\b", "Changes (for --modification):"]
    for name in EFFECTS.names():
        lines.append(f"  {name}: {EFFECTS.help(name)}")
        for each in parameters_of(EFFECTS.get(name)):
            limits = ", ".join(filter(None, [each.unit, each.bounds, "required" if each.required else ""]))
            lines.append(f"    {each.name}: {each.help}" + (f" ({limits})" if limits else ""))
    return "\n".join(lines)


VERB = Verb(
    name="batch",
    help="Turn a log into personas, a simulated experiment and a deck. "
    "Prints a summary; writes persona_summary.csv, experiment_results.csv, result.json, "
    "simulation_report.pptx and manifest.json into the study folder.",
    options=tuple(options_by_name()),
    argument="A log (if not given by --events), or a study or a run to do again.",
    run=_batch,
    request=DetachRequest,
    epilog=changes(),
)
