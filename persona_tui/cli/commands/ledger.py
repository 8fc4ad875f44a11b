"""``persona-tui ledger``: what was foretold, beside what was then found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from persona_tui.cli import output
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import DataError
from persona_tui.study.config import STUDY_FILE
from persona_tui.study.options import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRequest:
    """Whose ledger."""

    source: str = ""


def _ledger(_settings: Settings, presentation: Presentation, request: LedgerRequest) -> None:
    from persona_tui.cli.calibration_page import print_ledger  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.ledger import ledger_document, read_ledger  # noqa: PLC0415 - as above

    if not request.source or not (Path(request.source) / STUDY_FILE).is_file():
        raise DataError(f"'{request.source}' is no study.", hint="Name the folder of a study.")
    ledger = read_ledger(Path(request.source))
    if presentation.as_json:
        output.write_json(ledger_document(ledger))
    else:
        print_ledger(ledger)


VERB = Verb(
    name="ledger",
    help="Show what runs of a study foretold beside what real A/B tests then found, and how far predictions "
    "run too large or too small. `calibrate LOG --predicted RUN` enters a line.",
    options=(),
    argument="A study.",
    run=_ledger,
    request=LedgerRequest,
)
