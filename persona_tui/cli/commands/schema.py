"""``persona-tui schema``: what a study file may hold."""

from __future__ import annotations

from persona_tui.cli import output
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.options import Settings


def _schema(_settings: Settings, _presentation: Presentation) -> None:
    from persona_tui.study.schema import study_schema  # noqa: PLC0415 - only this verb needs it
    from persona_tui.study.store import dump_json  # noqa: PLC0415

    output.write(dump_json(study_schema()))


VERB = Verb(
    name="schema",
    help="Print the JSON Schema of study.toml. With or without --json it is one JSON object; editors that "
    "check TOML read it from a first line '#:schema study.schema.json'.",
    options=(),
    argument="",
    run=_schema,
    presentation=("as_json",),
)
