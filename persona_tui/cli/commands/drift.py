"""``persona-tui drift``: whether a newer log still is what personas were learned from."""

from __future__ import annotations

from dataclasses import dataclass

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, fail_on_option, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError
from persona_tui.study.declared import option
from persona_tui.study.options import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRequest:
    """What is compared with the log that personas were learned from, and when that is a failure."""

    new: str = option("NEW", default="", help="The newer log.")
    before: str = option(
        "--before",
        default="",
        metavar="FIRST..LAST",
        shown_default="none",
        help="Instead of NEW: the earlier period of the log, days of UTC, the last one whole. Personas are "
        "found in it alone.",
    )
    after: str = option(
        "--after", default="", metavar="FIRST..LAST", shown_default="none", help="The later period."
    )
    fail_on: str = fail_on_option()

    def check(self) -> None:
        """Refuse what cannot be meant."""
        if self.new and (self.before or self.after):
            raise SimulationError(
                "Two logs have no periods.", hint="Give either NEW, or --before and --after."
            )
        if not self.new and not (self.before and self.after):
            raise SimulationError(
                "What is to be compared with it?",
                hint="A newer log: persona-tui drift BASELINE NEW; or two periods of a log: "
                "persona-tui drift LOG --before 2026-03-01..2026-03-31 --after 2026-04-01..2026-04-07",
            )


def _drift(settings: Settings, presentation: Presentation, request: DriftRequest) -> None:
    require_source(settings, "drift")
    request.check()
    from persona_tui.cli.drift_page import print_drift  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.drift import drift_document, measure_drift  # noqa: PLC0415 - as above
    from persona_tui.study.period_diff import read_period  # noqa: PLC0415 - as above
    from persona_tui.study.thresholds import require_better  # noqa: PLC0415 - as above

    periods = None
    if not request.new:
        periods = read_period(request.before, "--before"), read_period(request.after, "--after")
    with presentation.reporting() as on_progress:
        found = measure_drift(settings, request.new, periods=periods, on_progress=on_progress)
    if presentation.as_json:
        output.write_json(drift_document(found))
    else:
        print_drift(found)
    require_better(found.drift.level, request.fail_on, "Drift")


VERB = Verb(
    name="drift",
    help="Tell whether a newer log still is what personas were learned from: a verdict (green, amber, red) "
    "with its reasons, what moved beyond the earlier log's own variation, and what it did to completion. "
    "Writes no file.",
    options=FIT_OPTIONS,
    argument="The log that personas were learned from, or a study of it.",
    run=_drift,
    request=DriftRequest,
)
