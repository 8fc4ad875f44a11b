"""``persona-tui personas``: who the users are, how many kinds, what they are called, and who counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError
from persona_tui.study.declared import option
from persona_tui.study.kept_personas import KeptPersona, PersonaChanges, position_of, read_rename
from persona_tui.study.option_texts import fault_of
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.engine.modeling.clusterer_comparison import ComparedClusterer
    from persona_tui.engine.progress import ProgressCallback
    from persona_tui.study.fit import LearnedPersonas
    from persona_tui.study.personas import DescribedPersonas, PersonaComparison


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
    exclude: tuple[str, ...] = option(
        "--exclude",
        default=(),
        metavar="N|NAME",
        shown_default="none",
        help="Leave the users of a persona, such as bots or staff, out of all predictions; the fit stays "
        "as it is; repeatable. The study keeps it.",
    )
    include: tuple[str, ...] = option(
        "--include",
        default=(),
        metavar="N|NAME",
        shown_default="none",
        help="Let predictions speak of a persona's users again; repeatable.",
    )
    assign: str = option(
        "--assign",
        default="",
        metavar="LOG",
        shown_default="none",
        help="Assign the users of a fresh log to these personas. --column holds for it too; columns that are "
        "not given are detected in it.",
    )
    persona: str = option(
        "--persona",
        default="",
        metavar="N|NAME",
        shown_default="none",
        help="Show one persona in full instead, by number or name.",
    )
    compare: tuple[str, ...] = option(
        "--compare",
        default=(),
        metavar="N|NAME",
        shown_default="none",
        help="Show two personas side by side instead; give it twice, once for each.",
    )
    clusterers: bool = option(
        "--clusterers",
        default=False,
        help="Show instead how well k-means and NMF group the same users, beside the mixture; takes longer.",
    )
    csv: str = option(
        "--csv",
        default="",
        metavar="FILE",
        shown_default="none",
        help="Write the memberships of every user, with --assign of the fresh log, to this file, replaced "
        "where it exists.",
    )

    def check(self) -> None:
        """Refuse a comparison of one persona, or of more than two, and what --assign does not answer."""
        beside = {"--persona": self.persona, "--compare": self.compare, "--clusterers": self.clusterers}
        if self.assign and (ignored := [name for name, given in beside.items() if given]):
            raise SimulationError(
                f"--assign answers with the users of the fresh log alone, not with {' and '.join(ignored)}.",
                hint="Ask for it on its own.",
            )
        if len(self.compare) not in (0, 2):
            raise SimulationError(
                f"--compare names {len(self.compare)} persona{'s' * (len(self.compare) > 1)}, must be two.",
                hint="Name each on its own: --compare 1 --compare 2",
            )

    def check_asked(self, settled: Sequence[KeptPersona]) -> None:
        """Refuse names of personas that are not there, before a change is kept."""
        from persona_tui.study.personas import positions_of_two  # noqa: PLC0415 - as below

        if self.persona:
            position_of(self.persona, settled)
        if self.compare:
            first, second = self.compare
            positions_of_two(first, second, settled)

    def changes(self) -> PersonaChanges:
        """Return what is to be settled anew, refusing what cannot be read."""
        faults = [f"--rename {fault}" for text in self.rename if (fault := fault_of(read_rename, text))]
        if faults:
            raise SimulationError(" ".join(faults))
        return PersonaChanges(
            renames=tuple(map(read_rename, self.rename)),
            pins=self.pin,
            unpins=self.unpin,
            excludes=self.exclude,
            includes=self.include,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """The personas, and what else was asked about them."""

    described: DescribedPersonas
    persona: str
    comparison: PersonaComparison | None
    clusterers: tuple[ComparedClusterer, ...] | None

    def document(self) -> dict[str, Any]:
        """Return all of it as one document."""
        from persona_tui.study.persona_document import persona_document  # noqa: PLC0415 - as below

        return persona_document(self.described, comparison=self.comparison, clusterers=self.clusterers)

    def print(self) -> None:
        """Print what was asked for; the overview where nothing else was."""
        from persona_tui.cli import persona_pages  # noqa: PLC0415 - as below
        from persona_tui.cli.movement_page import print_movement  # noqa: PLC0415 - as below

        page = output.Page()
        if self.persona:
            persona_pages.print_persona(page, self.described, self.persona)
        if self.comparison is not None:
            persona_pages.print_comparison(page, self.comparison)
        if self.clusterers is not None:
            persona_pages.print_clusterers(page, self.clusterers)
        if not self.persona and self.comparison is None and self.clusterers is None:
            persona_pages.print_overview(page, self.described)
        persona_pages.print_settled(page, self.described)
        print_movement(page, self.described.remembered)
        page.print()


def _answer(described: DescribedPersonas, request: PersonasRequest, on_progress: ProgressCallback) -> _Answer:
    """Return what was asked about personas."""
    from persona_tui.study.personas import compare_two, compare_ways_to_group  # noqa: PLC0415 - as below

    return _Answer(
        described=described,
        persona=request.persona,
        comparison=compare_two(described, *request.compare) if request.compare else None,
        clusterers=compare_ways_to_group(described, on_progress=on_progress) if request.clusterers else None,
    )


def _personas(settings: Settings, presentation: Presentation, request: PersonasRequest) -> None:
    require_source(settings, "personas")
    request.check()
    changes = request.changes()
    from persona_tui.study.personas import (  # noqa: PLC0415 - 0.6 s: numpy, polars
        check_memberships_file,
        describe_personas,
        settle_personas,
        write_memberships,
    )

    if request.csv:
        for log in filter(None, (*settings.sources(), request.assign)):
            check_memberships_file(Path(request.csv), Path(log))
    with presentation.reporting() as on_progress:
        if request.assign:
            learned = settle_personas(settings, changes, on_progress=on_progress)
            _assign(presentation, settings, learned, request, on_progress)
            return
        described = describe_personas(settings, changes, check=request.check_asked, on_progress=on_progress)
        answer = _answer(described, request, on_progress)
    if request.csv:
        write_memberships(described.segmentation, Path(request.csv))
    _narrate(presentation, settings, described.learned)
    if request.csv:
        presentation.narrate(f"Memberships of {len(described.segmentation.user_ids):,} users: {request.csv}")
    if presentation.as_json:
        output.write_json(answer.document())
    else:
        answer.print()


def _assign(
    presentation: Presentation,
    settings: Settings,
    learned: LearnedPersonas,
    request: PersonasRequest,
    on_progress: ProgressCallback,
) -> None:
    """Assign the users of a fresh log, and answer with them alone."""
    from persona_tui.cli.assign_page import print_assigned  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.assigning import assign_log  # noqa: PLC0415 - as above
    from persona_tui.study.personas import write_memberships  # noqa: PLC0415 - as above

    assigned = assign_log(learned, replace(settings, events=request.assign), on_progress=on_progress)
    _narrate(presentation, settings, learned)
    for sentence in assigned.log.quality.sentences():
        presentation.narrate(f"{request.assign}: {sentence}")
    if request.csv:
        write_memberships(assigned.segmentation, Path(request.csv))
        presentation.narrate(f"Memberships of {len(assigned.segmentation.user_ids):,} users: {request.csv}")
    if presentation.as_json:
        output.write_json(assigned.document())
    else:
        print_assigned(assigned)


def _narrate(presentation: Presentation, settings: Settings, learned: LearnedPersonas) -> None:
    """Say what options came to that were left open, and what was repaired in the log."""
    from persona_tui.study.personas import resolved_settings  # noqa: PLC0415 - as above
    from persona_tui.study.runs import defaults_used  # noqa: PLC0415 - as above

    found = {**settings.as_toml(), **resolved_settings(settings, learned)}
    mine = {name: value for name, value in found.items() if name in {*VERB.options, "columns"}}
    presentation.narrate(f"Defaults used: {' '.join(defaults_used(settings, mine))}")
    for sentence in learned.prepared.log.quality.sentences():
        presentation.narrate(f"{settings.source_shown()}: {sentence}")


VERB = Verb(
    name="personas",
    help="Show who the users are: how many personas and why, their share, conversion and what sets them "
    "apart. Writes what was learned from the log and, where asked, names, pins and who is excluded into the "
    "study and memberships into a file.",
    options=FIT_OPTIONS,
    argument="A log, or a study or a run whose personas are meant.",
    run=_personas,
    request=PersonasRequest,
)
