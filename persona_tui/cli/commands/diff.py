"""``persona-tui diff``: two runs, or two periods of one log, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError
from persona_tui.study.declared import option
from persona_tui.study.options import Settings


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


def _diff(settings: Settings, presentation: Presentation, request: DiffRequest) -> None:
    require_source(settings, "diff")
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
    from persona_tui.cli.diff_pages import print_run_diff  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.run_diff import diff_runs, run_document  # noqa: PLC0415 - as above

    diff = diff_runs(request.source, request.other)
    if presentation.as_json:
        output.write_json(run_document(diff))
    else:
        print_run_diff(diff)


def _periods(settings: Settings, presentation: Presentation, request: DiffRequest) -> None:
    from persona_tui.cli.diff_pages import print_period_diff  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.period_diff import (  # noqa: PLC0415 - as above
        diff_periods,
        period_document,
        read_period,
    )

    before, after = read_period(request.before, "--before"), read_period(request.after, "--after")
    with presentation.reporting() as on_progress:
        diff = diff_periods(settings, before, after, on_progress=on_progress)
    if presentation.as_json:
        output.write_json(period_document(diff))
    else:
        print_period_diff(diff)


VERB = Verb(
    name="diff",
    help="Lay two runs of one log side by side, or two periods of a log: what changed, for whom, and whether "
    "other users came or the same did otherwise. Writes nothing but what it learned.",
    options=FIT_OPTIONS,
    argument="A run or a study, or the log whose periods are meant.",
    run=_diff,
    request=DiffRequest,
)
