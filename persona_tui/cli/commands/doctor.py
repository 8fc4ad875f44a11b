"""``persona-tui doctor``: whether the app will work here, and how well."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from persona_tui.cli import output
from persona_tui.cli.diagnostics import USAGE
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.cli.doctor_checks import Check

_HEADINGS: Final = {
    "terminal": "Terminal",
    "drawing": "What is drawn",
    "machine": "Machine",
    "places": "Places",
    "versions": "Versions",
}


def _doctor(_settings: Settings, presentation: Presentation) -> None:
    from persona_tui.cli.doctor_checks import all_checks  # noqa: PLC0415 - 0.03 s with psutil
    from persona_tui.tui.terminal import read_terminal  # noqa: PLC0415 - as above

    terminal = read_terminal()
    checks = all_checks(terminal)
    if presentation.as_json:
        output.write_json(_document(checks) | {"terminal": asdict(terminal)})
    else:
        _print(checks)
    if any(each.standing == "problem" for each in checks):
        raise SystemExit(USAGE)


def _document(checks: list[Check]) -> dict[str, Any]:
    counts = {
        f"{standing}s": sum(each.standing == standing for each in checks) for standing in ("problem", "note")
    }
    return {"schema": "persona-tui/doctor/1", **counts, "checks": [asdict(each) for each in checks]}


def _print(checks: list[Check]) -> None:
    from persona_tui.cli.doctor_checks import samples  # noqa: PLC0415 - as above

    page = output.Page()
    widest = max(len(each.name) for each in checks)
    for part, members in groupby(checks, key=lambda check: check.part):
        page.heading(_HEADINGS[part])
        rows = []
        for each in members:
            rows.append((f"  {each.standing:7}", each.name.ljust(widest), each.found))
            rows += [("", "", f"→ {each.cure}")] if each.cure else []
        page.aligned(rows)
    page.heading("Glyphs; take the finest that you see whole: export PERSONA_TUI_GLYPHS=NAME")
    page.aligned([(f"  {name}", sample) for name, sample in samples()])
    page.heading(_verdict(checks))
    page.print()


def _verdict(checks: list[Check]) -> str:
    document = _document(checks)
    if document["problems"]:
        return f"The app cannot open here: {_many(document['problems'], 'problem')} to mend."
    notes = document["notes"]
    return f"The app can open here; {_many(notes, 'note') if notes else 'nothing'} to mind."


def _many(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


VERB = Verb(
    name="doctor",
    help="Say whether the app will work here: terminal, colours, glyphs, clipboard, machine, versions. "
    "A note tells what could be better, and how; a problem would stop the app, and the exit code is 2.",
    options=(),
    argument="",
    run=_doctor,
    presentation=("as_json",),
)
