"""``persona-tui export``: a report in the formats that others read."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, narrate_defaults, narrate_source, require_source
from persona_tui.cli.open_hints import open_hint
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.params import parse_names
from persona_tui.study.config import BRANDING_KEYS
from persona_tui.study.declared import option
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """Which formats, and where they go."""

    source: str = ""
    format: tuple[str, ...] = option(
        "--format",
        default=(),
        metavar="NAMES",
        help="Formats, as persona-tui formats lists them: pptx,md,csv; repeatable. Default: all.",
    )
    to: str = option(
        "--output",
        default="",
        metavar="DIR",
        help="Where the files go. Default: the folder exports of the study or the run.",
    )
    title: str = option("--title", default="", metavar="TEXT", help="Title in place of the study's.")
    author: str = option("--author", default="", metavar="TEXT", help="Author of the files.")
    logo: str = option("--logo", default="", metavar="FILE", help="A PNG or JPEG picture for the title.")
    accent: str = option(
        "--accent", default="", metavar="#RRGGBB", help="Colour of what stands out, such as #0b6e4f."
    )
    template: str = option(
        "--template",
        default="",
        metavar="FILE.pptx",
        help="A deck whose layouts, fonts and colours the deck takes.",
    )
    open_hint: bool = option(
        "--open-hint",
        default=False,
        help="Tell on stderr how to get at the files from here: a copy command over SSH, an open one else.",
    )

    def dressed(self, settings: Settings) -> Settings:
        """Return settings with what is given here in place of what the study says."""
        given = {name: getattr(self, name) for name in BRANDING_KEYS if getattr(self, name)}
        return replace(
            settings,
            report_title=self.title or settings.report_title,
            branding=replace(settings.branding, **given),
        )


def _export(settings: Settings, presentation: Presentation, request: ExportRequest) -> None:
    require_source(settings, "export")
    from persona_tui.engine.analytics.exporters import EXPORTERS  # noqa: PLC0415 - with the engine
    from persona_tui.study.exports import FOLDER, export_folder, export_report  # noqa: PLC0415 - 0.6 s: polars
    from persona_tui.study.run_reports import report_run, run_folder  # noqa: PLC0415 - as above
    from persona_tui.study.study import forecast  # noqa: PLC0415 - as above

    run = run_folder(request.source) if request.source else None
    asked = tuple(dict.fromkeys(name for text in request.format for name in parse_names(text)))
    for name in asked:
        EXPORTERS.get(name)
    settings = request.dressed(settings)
    settings.branding.picture()  # a logo that cannot be used is told before anything is worked out
    folder = Path(request.to) if request.to else export_folder(settings)
    if run is not None and not request.to:
        folder = run / FOLDER
    with presentation.reporting() as on_progress:
        result = (
            forecast(settings, on_progress=on_progress)
            if run is None
            else report_run(settings, run, on_progress=on_progress)
        )
        written = export_report(settings, result, asked or EXPORTERS.names(), folder, on_progress=on_progress)
    narrate_defaults(presentation, settings, result, VERB.options)
    narrate_source(presentation, settings, result)
    if presentation.as_json:
        output.write_json(_document(written))
    else:
        output.write("".join(f"{path}\n" for path in written))
    if request.open_hint:
        presentation.narrate(open_hint(written, os.environ))


def _document(written: Sequence[Path]) -> dict[str, Any]:
    return {"schema": "persona-tui/export/1", "files": [str(path) for path in written]}


VERB = Verb(
    name="export",
    help="Write the report of a change in formats that others read: a deck, a page, tables. Every number is "
    "exact; nobody is simulated. A finished run is told with what its synthetic users did. Prints the paths "
    "of the files, each of which appears whole or not at all.",
    options=(
        *FIT_OPTIONS,
        *("modification", "description", "value", "max_length", "budget"),
        *("power", "level", "exposed", "weeks"),
    ),
    argument="A log, a study whose scenarios are meant, or a run.",
    run=_export,
    request=ExportRequest,
)
