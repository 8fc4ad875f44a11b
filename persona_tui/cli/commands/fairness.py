"""``persona-tui fairness``: how groups of users fare."""

from __future__ import annotations

from dataclasses import dataclass

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.params import parse_names
from persona_tui.study.declared import option
from persona_tui.study.options import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessRequest:
    """Which groups."""

    group: tuple[str, ...] = option(
        "--group",
        default=(),
        metavar="COLUMNS",
        help="Attributes of users: device,age_band; several are also told of together. Repeatable.",
    )

    def attributes(self) -> tuple[str, ...]:
        """Return the attributes, each once."""
        return tuple(dict.fromkeys(name for text in self.group for name in parse_names(text)))


def _fairness(settings: Settings, presentation: Presentation, request: FairnessRequest) -> None:
    require_source(settings, "fairness")
    from persona_tui.cli.fairness_page import print_fairness  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.fairness import judge_fairness  # noqa: PLC0415 - as above
    from persona_tui.study.fairness_document import fairness_document  # noqa: PLC0415 - as above

    with presentation.reporting() as on_progress:
        found = judge_fairness(settings, request.attributes(), on_progress=on_progress)
    if presentation.as_json:
        output.write_json(fairness_document(found))
    else:
        print_fairness(found)


VERB = Verb(
    name="fairness",
    help="Tell how groups of users fare: whether the personas represent them, who converts less, and whom a "
    "change would hurt although the total improves. Groups of fewer than 30 users are told of nowhere.",
    options=(*FIT_OPTIONS, "modification"),
    argument="A log or a study.",
    run=_fairness,
    request=FairnessRequest,
)
