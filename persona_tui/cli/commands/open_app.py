"""``persona-tui open``: the app."""

from __future__ import annotations

from persona_tui.cli import output
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.options import Settings

_PROMISE = """\
persona-tui answers one question for product and growth analysts: what happens to conversion,
drop-off and engagement, and for whom, if we change this flow?

Here will be an app for the terminal: load a log, read its personas, edit the flow with an instant
preview, watch a simulated experiment, report. Until then, one command does the whole job:

  persona-tui batch {source}

See also: persona-tui --help
"""


def _open(settings: Settings, _presentation: Presentation) -> None:
    output.write(_PROMISE.format(source=settings.events or "data/sample_events.csv"))


VERB = Verb(
    name="open",
    help="Open the app on a log or a study (not built yet; says what it will be).",
    options=(),
    argument="A log or a study folder.",
    run=_open,
    presentation=(),
)
