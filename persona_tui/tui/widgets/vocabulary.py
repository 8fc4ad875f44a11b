"""The event types of a log, how common each is, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs, bar
from persona_tui.tui.widgets.figure import Figure, fitted

_MOST_NAME: Final = 40
_MOST_ROLE: Final = 24
_LEAST_BAR: Final = 6
"""Cells of what is lost before a step."""
SHARE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event type.

    Parameters
    ----------
    name : str
        From the data.
    count : int
    share : float
        Of all events.
    role : str
        What it is for: ``step 1`` of the funnel, ``completes``, ``drops``; empty for none.
    """

    name: str
    count: int
    share: float
    role: str = ""


class Vocabulary(Figure[tuple[EventRow, ...]]):
    """Event types with counts, shares and bars."""

    def draw(self, data: tuple[EventRow, ...], width: int, glyphs: Glyphs) -> list[Content]:
        """Return a line for each event type, the commonest first."""
        return event_lines(data, width, glyphs)


def event_lines(rows: tuple[EventRow, ...], width: int, glyphs: Glyphs) -> list[Content]:
    """Return a line for each event type, in common columns; measured once, for there can be thousands."""
    if not rows:
        return []
    count = max(len(f"{each.count:,}") for each in rows)
    longest = max(each.share for each in rows) or 1
    name = min(
        max(Content(printable(each.name)).cell_length for each in rows), _MOST_NAME, max(width // 3, 1)
    )
    role = min(max(len(each.role) for each in rows), _MOST_ROLE)
    role += 1 if role else 0
    bars = width - name - count - SHARE - role - 3

    def line(row: EventRow) -> Content:
        drawn = bar(row.share / longest, bars, glyphs) if bars >= _LEAST_BAR else ""
        return Content.assemble(
            fitted(row.name, name, glyphs),
            f" {row.count:>{count},}",
            f"{row.share:>{SHARE}.1%}",
            " ",
            (fitted(row.role, role, glyphs) if role else "", "$text-accent"),
            (drawn, "$primary"),
        ).truncate(width)

    return [line(each) for each in rows]
