"""``persona-tui open``: the app."""

from __future__ import annotations

from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError
from persona_tui.study.options import Settings


def _open(settings: Settings, _presentation: Presentation) -> None:
    from persona_tui.tui.terminal import read_terminal, refusal  # noqa: PLC0415 - only the app needs it

    terminal = read_terminal()
    refused = refusal(terminal)
    if refused is not None:
        raise SimulationError(refused[0], hint=refused[1])
    from persona_tui.tui.start import run_app  # noqa: PLC0415 - 0.2 s, only the app needs Textual

    raise SystemExit(run_app(settings, terminal))


VERB = Verb(
    name="open",
    help="Open the app on a log or a study; without one, where the last session was.",
    options=(),
    argument="A log or a study folder.",
    run=_open,
    presentation=(),
)
