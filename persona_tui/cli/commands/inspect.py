"""``persona-tui inspect``: what a log is, before anything is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from persona_tui.cli import output
from persona_tui.cli.commands.asked import SOURCE_OPTIONS, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.declared import option
from persona_tui.study.options import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectRequest:
    """What is to be written besides the answer."""

    convert: str = option(
        "--convert",
        default="",
        metavar="FILE",
        help="Write the log as it was read: .parquet, .csv or .csv.gz.",
    )
    rejects: str = option(
        "--rejects",
        default="",
        metavar="FILE",
        help="Write the rows that could not be used, with line and reason, as CSV.",
    )


def _inspect(settings: Settings, presentation: Presentation, request: InspectRequest) -> None:
    require_source(settings, "inspect")
    from persona_tui.cli.inspect_page import print_inspection  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.inspection import (  # noqa: PLC0415 - as above
        check_targets,
        inspect_and_write,
        inspection_document,
    )

    convert, rejects = (Path(each) if each else None for each in (request.convert, request.rejects))
    check_targets(settings, convert=convert, rejects=rejects)
    with presentation.reporting() as on_progress:
        found = inspect_and_write(settings, convert=convert, rejects=rejects, on_progress=on_progress)
    if convert:
        presentation.narrate(f"{found.n_events:,} events: {convert}")
    if rejects:
        presentation.narrate(f"{found.quality.n_rejected:,} rejected rows: {rejects}")
    if presentation.as_json:
        output.write_json(inspection_document(found))
    else:
        print_inspection(found)


VERB = Verb(
    name="inspect",
    help="Tell what a log is: what was recognised, its events, users and period, a funnel, attributes and "
    "what is wrong with it. Writes no file unless asked; the prepared log is kept in the cache for the next "
    "start (persona-tui cache).",
    options=(*SOURCE_OPTIONS, "funnel", "completion", "drop", "unit", "workers"),
    argument="A log, or a study or a run whose log is meant.",
    run=_inspect,
    request=InspectRequest,
)
