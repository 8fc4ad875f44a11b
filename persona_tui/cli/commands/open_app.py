"""``persona-tui open``: the app."""

from __future__ import annotations

from persona_tui.cli.entry import open_app
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.options import Settings


def _open(settings: Settings, _presentation: Presentation) -> None:
    open_app(settings.events)


VERB = Verb(
    name="open",
    help="Open the app on a log or a study; without one, on what was open last.",
    options=(),
    argument="A log or a study folder.",
    run=_open,
    presentation=(),
)
