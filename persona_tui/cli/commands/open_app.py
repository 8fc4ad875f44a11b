"""``persona-tui open``: the app."""

from __future__ import annotations

from dataclasses import dataclass, replace

from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError
from persona_tui.study.declared import option
from persona_tui.study.options import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """How the app is to show itself."""

    plain: bool = option(
        "--plain",
        default=False,
        help="Ask questions and print tables instead: for screen readers, dumb terminals and pipes.",
    )


def _open(settings: Settings, presentation: Presentation, request: OpenRequest) -> None:
    if request.plain:
        _ask(settings, presentation)
        return
    from persona_tui.tui.terminal import read_terminal, refusal  # noqa: PLC0415 - only the app needs it

    terminal = read_terminal()
    refused = refusal(terminal)
    if refused is not None:
        raise SimulationError(refused[0], hint=refused[1])
    from persona_tui.tui.start import run_app  # noqa: PLC0415 - 0.2 s, only the app needs Textual

    raise SystemExit(run_app(settings, terminal))


def _ask(settings: Settings, presentation: Presentation) -> None:
    from persona_tui.cli.plain.session import PlainSession  # noqa: PLC0415 - only plain mode needs it
    from persona_tui.tui.preferences import read_preferences, state_folder  # noqa: PLC0415 - as above
    from persona_tui.tui.workspace import Workspace  # noqa: PLC0415 - as above

    if settings.personas is None:
        settings = replace(settings, **read_preferences().defaults)
    workspace = Workspace(settings, folder=state_folder() / "sessions")
    workspace.resume()
    PlainSession(workspace, presentation).run()


VERB = Verb(
    name="open",
    help="Open the app on a log or a study; without one, where the last session was.",
    options=(),
    argument="A log or a study folder.",
    run=_open,
    request=OpenRequest,
    presentation=(),
)
