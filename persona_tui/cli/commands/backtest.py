"""``persona-tui backtest``: how far forecasts of a log can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, fail_on_option, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.options import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """What ends in an exit code of its own."""

    fail_on: str = fail_on_option()


def _backtest(settings: Settings, presentation: Presentation, request: BacktestRequest) -> None:
    require_source(settings, "backtest")
    from persona_tui.cli.backtest_page import print_backtest  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.backtest import backtest_document, check_forecasts  # noqa: PLC0415 - as above
    from persona_tui.study.thresholds import require_better  # noqa: PLC0415 - as above

    with presentation.reporting() as on_progress:
        checked = check_forecasts(settings, on_progress=on_progress)
    if presentation.as_json:
        output.write_json(backtest_document(checked))
    else:
        print_backtest(checked)
    require_better(checked.found.verdict.level, request.fail_on, "The backtest")


VERB = Verb(
    name="backtest",
    help="Tell how far forecasts of a log can be trusted: personas are fitted again without some users, "
    "weeks or the end of the log, and held against them. The verdict goes with every later result.",
    options=FIT_OPTIONS,
    argument="A log or a study.",
    run=_backtest,
    request=BacktestRequest,
)
