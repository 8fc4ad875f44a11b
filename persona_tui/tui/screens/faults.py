"""How a fault is told on a screen: what went wrong, what to do, and what is in view all the same."""

from __future__ import annotations

from typing import Final

from textual.content import Content

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable
from persona_tui.tui.findings import Findings, Work

NO_LOG: Final = "No log is open: 1 goes to the Data screen, o opens one there."
_LOADING: Final = "The log is being loaded (ctrl+x stops that) …"

_HERE: Final = {
    "--column": "Here: c, on the Data screen (1), chooses the columns.",
    "--timezone": "Here: c, on the Data screen (1), sets the zone.",
    "--dates": "Here: c, on the Data screen (1), says which comes first.",
    "--completion": "Here: f, on the Data screen (1), chooses them.",
    "--funnel": "Here: f, on the Data screen (1), chooses it.",
    "--clusters": "Here: k, on the Personas screen (2), chooses their number.",
}
"""What does in the app what an option does on the command line, which the hints of faults speak of."""


def cure(fault: PersonaError) -> str:
    """Return what to do about a fault, in the app too, as it can be shown."""
    hint = fault.hint or ""
    here = next((sentence for flag, sentence in _HERE.items() if flag in hint), "")
    return "\n".join(filter(None, (printable(hint), here)))


def told(fault: PersonaError, *, shown_before: bool) -> Content:
    """Return what went wrong, what to do, and that what is in view was there before."""
    before = "\nBelow is what was there before; z takes the last edit back." if shown_before else ""
    return Content.assemble(
        (printable(fault.message), "$text-error"), "\n", cure(fault), (before, "$text-muted")
    )


def without_log(found: Findings, running: Work | None) -> Content:
    """Return why a screen that needs a log has none."""
    if running is not None:
        return Content(_LOADING)
    return Content(NO_LOG) if found.log_fault is None else told(found.log_fault, shown_before=False)
