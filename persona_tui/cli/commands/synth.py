"""``persona-tui synth``: a synthetic log of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persona_tui.cli import output
from persona_tui.cli.commands.asked import FIT_OPTIONS
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError
from persona_tui.study.declared import option
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.study.synth import FinishedSynthesis


def _synth(settings: Settings, presentation: Presentation) -> None:
    if not settings.events:
        raise SimulationError("No log was named.", hint="Try: persona-tui synth data/sample_events.csv")
    from persona_tui.study.runs import defaults_used  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.synth import run_synthesis  # noqa: PLC0415

    with presentation.reporting() as on_progress:
        finished = run_synthesis(settings, on_progress=on_progress)
    found = {**finished.resolved(), "seed": settings.seed, "output": str(finished.path)}
    defaults = defaults_used(settings, found)
    presentation.narrate(f"Defaults used: {' '.join(defaults)}")
    for sentence in finished.prepared.log.quality.sentences():
        presentation.narrate(f"{settings.source_shown()}: {sentence}")
    if presentation.as_json:
        output.write_json(finished.document())
    else:
        _print_summary(finished)


def _print_summary(finished: FinishedSynthesis) -> None:
    from persona_tui.engine.analytics.numbers import count, percent  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.engine.analytics.wording import UNIT_WORDS  # noqa: PLC0415

    tally, (first, last), page = finished.tally, finished.period, output.Page()
    observed, exact = finished.conversion
    units = UNIT_WORDS[finished.settings.unit]
    page.heading(f"Synthetic log in {finished.path}")
    page.sentence(
        f"{count(tally.n_events)} events, {count(int(tally.n_users.sum()))} users, "
        f"{count(tally.n_sessions)} sessions, {first:%Y-%m-%d} to {last:%Y-%m-%d} (UTC); "
        f"{percent(observed)} of {units} convert (exactly {percent(exact)})."
    )
    page.sentence(_flow_sentence(finished))
    page.sentence(
        "Users arrive within the real log's period and hours, however many they are, and stay as long as it "
        f"takes; {count(tally.n_truncated)} journeys were cut at {count(finished.max_length)} events. "
        "What would follow a completion is not in it."
    )
    page.heading("Personas")
    page.table(
        ("persona", "users", "share", "conversion", "exact"),
        [
            (
                each.name,
                count(each.users),
                percent(each.users / finished.settings.n_personas),
                percent(each.conversion),
                percent(each.exact),
            )
            for each in finished.personas()
        ],
    )
    page.heading("Privacy")
    page.sentence(_privacy_sentence(finished))
    for sentence in finished.caveats():
        page.sentence(sentence, bullet=True)
    page.print()


def _flow_sentence(finished: FinishedSynthesis) -> str:
    if not finished.modification.compile():
        return "The flow as it is; --modification changes it."
    return (
        f"The flow as changed: {finished.modification.description}. The names of inserted steps and "
        "'friction_drop' are reserved: loading this log puts 'event_' before them."
    )


def _privacy_sentence(finished: FinishedSynthesis) -> str:
    from persona_tui.engine.analytics.numbers import count, percent  # noqa: PLC0415 - as above

    found = finished.reproduction
    return (
        f"No real user's sequence of more than {found.rule.length} events is in the log unless "
        f"{found.rule.k} others share it. {count(found.n_rare)} sequences of {count(found.n_rare_users)} "
        f"users are protected; {count(found.n_synthetic)} journeys ({percent(found.share)}) were "
        f"{count(found.n_reproduced)} of them as first walked, and were walked again to the same outcome: "
        "conversion stays, the mix of journeys moves by that share. Counted on the rows as written, "
        f"{count(finished.left_in_file)} of {count(found.n_rare)} protected sequences are in the file. "
        "This is a rule about whole journeys, no proof of anonymity; event names are the real log's own."
    )


VERB = Verb(
    name="synth",
    help="Write a synthetic log, of any size, like a real one. Prints what is in it and what privacy cost; "
    "writes one Parquet or CSV file.",
    options=(
        *FIT_OPTIONS,
        *("modification", "n_personas", "max_length", "output"),
    ),
    argument="A log, or a study or a run whose log is meant.",
    run=_synth,
    own={
        "modification": option(
            "--modification",
            default=(),
            metavar="EFFECT",
            shown_default="none",
            help="A change to the flow, as batch takes it: name:key=value,key=value; repeatable.",
        ),
        "n_personas": option("--n-personas", default=10_000, metavar="N", help="Synthetic users in all."),
        "output": option(
            "--output",
            default="",
            metavar="FILE",
            shown_default="exports/NAME_synthetic.parquet",
            help="The file, replaced where it exists: .parquet, .csv or .csv.gz.",
        ),
    },
)
