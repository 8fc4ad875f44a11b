"""How a fault is told on a screen: what went wrong, what to do, and what is in view all the same."""

from __future__ import annotations

from textual.content import Content

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable


def told(fault: PersonaError, *, shown_before: bool) -> Content:
    """Return what went wrong, what to do, and that what is in view was there before."""
    before = "\nBelow is what was there before; z takes the last edit back." if shown_before else ""
    return Content.assemble(
        (printable(fault.message), "$text-error"), "\n", printable(fault.hint or ""), (before, "$text-muted")
    )
