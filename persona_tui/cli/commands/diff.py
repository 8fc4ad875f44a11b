"""``persona-tui diff``: two runs, or two periods of one log, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.params import parse_names
from persona_tui.study.config import EXPORTS
from persona_tui.study.declared import option
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.study.diff_files import Diff


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffRequest:
    """What stands beside what."""

    source: str = ""
    other: str = option("OTHER", default="", help="A second run or study.")
    before: str = option(
        "--before",
        default="",
        metavar="FIRST..LAST",
        help="The earlier period: days of UTC, the last one whole.",
    )
    after: str = option("--after", default="", metavar="FIRST..LAST", help="The later period.")
    format: tuple[str, ...] = option(
        "--format",
        default=(),
        metavar="NAMES",
        shown_default="printed",
        help="Write files instead: md, html, json, csv; repeatable.",
    )
    to: str = option(
        "--output", default="", metavar="DIR", shown_default="exports/diff", help="Where the files go."
    )

    def formats(self) -> tuple[str, ...]:
        """Return the formats of the files, each once."""
        return tuple(dict.fromkeys(name for text in self.format for name in parse_names(text)))


def _diff(settings: Settings, presentation: Presentation, request: DiffRequest) -> None:
    require_source(settings, "diff")
    if request.format:
        from persona_tui.study.diff_files import check_formats  # noqa: PLC0415 - 0.6 s with the engine

        check_formats(request.formats())
    if request.other and (request.before or request.after):
        raise SimulationError("Two runs have no periods.", hint="Give either OTHER, or --before and --after.")
    if request.other:
        _runs(presentation, request)
    elif request.before and request.after:
        _periods(settings, presentation, request)
    else:
        raise SimulationError(
            "What is to stand beside it?",
            hint="A second run: persona-tui diff RUN OTHER; or two periods of a log: "
            "persona-tui diff LOG --before 2026-03-01..2026-03-31 --after 2026-04-01..2026-04-30",
        )


def _runs(presentation: Presentation, request: DiffRequest) -> None:
    from persona_tui.study.run_diff import diff_runs  # noqa: PLC0415 - 0.6 s with the engine

    _tell(diff_runs(request.source, request.other), presentation, request)


def _periods(settings: Settings, presentation: Presentation, request: DiffRequest) -> None:
    from persona_tui.study.period_diff import diff_periods, read_period  # noqa: PLC0415 - as above

    before, after = read_period(request.before, "--before"), read_period(request.after, "--after")
    with presentation.reporting() as on_progress:
        diff = diff_periods(settings, before, after, on_progress=on_progress)
    _tell(diff, presentation, request)


def _tell(diff: Diff, presentation: Presentation, request: DiffRequest) -> None:
    """Print a difference, or the paths of the files that it is written to."""
    from persona_tui.study.diff_files import document_of, page_of, write_diff  # noqa: PLC0415 - as above

    if request.format:
        written = write_diff(diff, request.formats(), Path(request.to) if request.to else EXPORTS / "diff")
        paths = [str(path) for path in written]
        if presentation.as_json:
            output.write_json({"schema": "persona-tui/export/1", "files": paths})
        else:
            output.write("".join(f"{path}\n" for path in paths))
    elif presentation.as_json:
        output.write_json(document_of(diff))
    else:
        output.print_blocks(page_of(diff))


VERB = Verb(
    name="diff",
    help="Lay two runs of one log side by side, or two periods of a log: what changed, for whom, and whether "
    "other users came or the same did otherwise. Prints it, or writes it as files.",
    options=FIT_OPTIONS,
    argument="A run or a study, or the log whose periods are meant.",
    run=_diff,
    request=DiffRequest,
)
