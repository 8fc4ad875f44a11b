"""``persona-tui personas``: who the users are, how many kinds there are, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError
from persona_tui.study.kept_personas import PersonaChanges, read_rename
from persona_tui.study.option_texts import fault_of
from persona_tui.study.options import Settings, option

if TYPE_CHECKING:
    from persona_tui.study.personas import DescribedPersonas


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonasRequest:
    """What this verb is asked to do beside showing personas; no setting of a study."""

    rename: tuple[str, ...] = option(
        "--rename",
        default=(),
        metavar="N=NAME",
        shown_default="none",
        help='Give a persona, by number or name, another name: 2="Window shoppers"; repeatable. The study '
        "keeps it.",
    )
    pin: tuple[str, ...] = option(
        "--pin",
        default=(),
        metavar="N|NAME",
        shown_default="none",
        help="Keep a persona at its number, whatever its share becomes; repeatable. The study keeps it.",
    )
    unpin: tuple[str, ...] = option(
        "--unpin",
        default=(),
        metavar="N|NAME",
        shown_default="none",
        help="Let a persona go by its share again; repeatable.",
    )
    assign: str = option(
        "--assign",
        default="",
        metavar="LOG",
        shown_default="none",
        help="Assign the users of a fresh log to these personas. --column holds for it too; columns that are "
        "not given are detected in it.",
    )
    csv: str = option(
        "--csv",
        default="",
        metavar="FILE",
        shown_default="none",
        help="Write the memberships of every user, with --assign of the fresh log, to this file, replaced "
        "where it exists.",
    )

    def changes(self) -> PersonaChanges:
        """Return what is to be settled anew, refusing what cannot be read."""
        faults = [f"--rename {fault}" for text in self.rename if (fault := fault_of(read_rename, text))]
        if faults:
            raise SimulationError(" ".join(faults))
        return PersonaChanges(renames=tuple(map(read_rename, self.rename)), pins=self.pin, unpins=self.unpin)


def _personas(settings: Settings, presentation: Presentation, request: PersonasRequest) -> None:
    require_source(settings, "personas")
    changes = request.changes()
    from persona_tui.cli.persona_page import print_personas  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.personas import (  # noqa: PLC0415 - 0.6 s: numpy, polars
        check_memberships_file,
        describe_personas,
        write_memberships,
    )

    if request.csv:
        for log in filter(None, (settings.events, request.assign)):
            check_memberships_file(Path(request.csv), Path(log))
    with presentation.reporting() as on_progress:
        described = describe_personas(settings, changes, on_progress=on_progress)
    if request.assign:
        _assign(presentation, described, request)
        return
    if request.csv:
        write_memberships(described.segmentation, Path(request.csv))
    _narrate(presentation, described)
    if request.csv:
        presentation.narrate(f"Memberships of {len(described.segmentation.user_ids):,} users: {request.csv}")
    if presentation.as_json:
        output.write_json(described.document())
    else:
        print_personas(described)


def _assign(presentation: Presentation, described: DescribedPersonas, request: PersonasRequest) -> None:
    """Assign the users of a fresh log, and answer with them alone."""
    from persona_tui.cli.assign_page import print_assigned  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.assigning import assign_log  # noqa: PLC0415 - as above
    from persona_tui.study.personas import write_memberships  # noqa: PLC0415 - as above

    with presentation.reporting() as on_progress:
        columns = described.settings.columns()
        assigned = assign_log(described.learned, request.assign, columns=columns, on_progress=on_progress)
    _narrate(presentation, described)
    for sentence in assigned.log.quality.sentences():
        presentation.narrate(f"{request.assign}: {sentence}")
    if request.csv:
        write_memberships(assigned.segmentation, Path(request.csv))
        presentation.narrate(f"Memberships of {len(assigned.segmentation.user_ids):,} users: {request.csv}")
    if presentation.as_json:
        output.write_json(assigned.document())
    else:
        print_assigned(assigned)


def _narrate(presentation: Presentation, described: DescribedPersonas) -> None:
    """Say what options came to that were left open, and what was repaired in the log."""
    from persona_tui.study.runs import defaults_used  # noqa: PLC0415 - as above

    settings = described.settings
    found = {**settings.as_toml(), **described.resolved()}
    mine = {name: value for name, value in found.items() if name in {*VERB.options, "columns"}}
    presentation.narrate(f"Defaults used: {' '.join(defaults_used(settings, mine))}")
    for sentence in described.prepared.log.quality.sentences():
        presentation.narrate(f"{settings.events}: {sentence}")


VERB = Verb(
    name="personas",
    help="Show who the users are: how many personas and why, their share, conversion and what sets them "
    "apart. Writes what was learned from the log and, where asked, names and pins into the study and "
    "memberships into a file.",
    options=FIT_OPTIONS,
    argument="A log, or a study or a run whose personas are meant.",
    run=_personas,
    request=PersonasRequest,
)
