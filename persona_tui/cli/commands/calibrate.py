"""``persona-tui calibrate``: what the change of a real experiment did at each step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, require_source
from persona_tui.cli.commands.experiment import ArmsRequest, read_allocation
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.declared import option
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.study.calibration import CalibratedExperiment


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateRequest(ArmsRequest):
    """Which experiment, and what becomes of it."""

    treatment: str = option(
        "--treatment", default="", metavar="ARM", help="Which arm is meant, where several were treated."
    )
    to: str = option(
        "--output",
        default="",
        metavar="FILE",
        shown_default="printed",
        help="Write the settled effects to a TOML file that --modification @FILE takes.",
    )
    predicted: str = option(
        "--predicted",
        default="",
        metavar="RUN|STUDY",
        help="Enter what this run foretold, beside what was found, into the ledger of its study.",
    )
    scenario: str = option(
        "--scenario", default="", metavar="NAME", help="Which scenario of that run was tried."
    )


def _calibrate(settings: Settings, presentation: Presentation, request: CalibrateRequest) -> None:
    require_source(settings, "calibrate")
    from persona_tui.cli.calibration_page import print_calibration, print_entry  # noqa: PLC0415 - 0.6 s
    from persona_tui.study.calibration import calibrate_experiment, calibration_document  # noqa: PLC0415 - as above

    with presentation.reporting() as on_progress:
        found = calibrate_experiment(
            settings,
            variant=request.variant,
            control=request.control,
            since=request.since,
            allocation=read_allocation(request.allocation),
            on_progress=on_progress,
        )
    document = calibration_document(found)
    if not presentation.as_json:
        print_calibration(found)
    if request.to:
        _write(found, presentation, request)
    if request.predicted:
        from persona_tui.study.ledger import enter, entry_document  # noqa: PLC0415 - as above

        entry, is_new = enter(
            found, Path(request.predicted), scenario=request.scenario, treatment=request.treatment
        )
        document["ledger"] = entry_document(entry)
        if not presentation.as_json:
            print_entry(entry, is_new=is_new)
    if presentation.as_json:
        output.write_json(document)


def _write(found: CalibratedExperiment, presentation: Presentation, request: CalibrateRequest) -> None:
    from persona_tui.study.calibration import write_modification  # noqa: PLC0415 - as above

    path = write_modification(found, Path(request.to), request.treatment)
    presentation.narrate(f"Written to {path}; replay it with --modification @{path}")


VERB = Verb(
    name="calibrate",
    help="Tell what the change of a real A/B test did at each step, as a friction or a reward with its 95 % "
    "interval, so that it can be replayed on another flow; and keep a ledger of what was foretold.",
    options=FIT_OPTIONS,
    argument="A log with an attribute that names each user's arm.",
    run=_calibrate,
    request=CalibrateRequest,
)
