"""``persona-tui open``: the app."""

from __future__ import annotations

from dataclasses import dataclass

from persona_tui.cli.entry import open_app
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
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
    source = next(iter(settings.sources()), "")
    if request.plain:
        _ask(source, presentation)
        return
    open_app(source)


def _ask(source: str, presentation: Presentation) -> None:
    from persona_tui.cli.plain.session import PlainSession  # noqa: PLC0415 - only plain mode needs it
    from persona_tui.tui.preferences import read_preferences, state_folder  # noqa: PLC0415 - as above
    from persona_tui.tui.resume import begin_workspace  # noqa: PLC0415 - as above

    defaults = read_preferences().defaults
    PlainSession(begin_workspace(source, defaults, state_folder() / "sessions"), presentation).run()


VERB = Verb(
    name="open",
    help="Open the app on a log or a study; without one, on what was open last.",
    options=(),
    argument="A log or a study folder.",
    run=_open,
    request=OpenRequest,
    presentation=(),
)
