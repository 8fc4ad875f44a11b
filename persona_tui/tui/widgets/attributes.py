"""What is known of users besides their events: attributes with their commonest levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure, fitted

_MOST_NAME: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRow:
    """An attribute.

    Parameters
    ----------
    name : str
        From the data.
    n_levels : int
    levels : tuple of (str, int)
        The commonest, with their users.
    """

    name: str
    n_levels: int
    levels: tuple[tuple[str, int], ...]


class Attributes(Figure[tuple[AttributeRow, ...]]):
    """A line for each attribute."""

    def draw(self, data: tuple[AttributeRow, ...], width: int, glyphs: Glyphs) -> list[Content]:
        """Return name, number of levels and as many of the commonest levels as there is room for."""
        if not data:
            return []
        longest = max(Content(printable(each.name)).cell_length for each in data)
        name = max(min(longest, _MOST_NAME, width // 3), 1)
        count = max(len(f"{each.n_levels:,}") for each in data)
        head = name + count + len("  levels  ")
        return [
            Content.assemble(
                fitted(each.name, name, glyphs),
                f"  {each.n_levels:>{count},} levels  ",
                (_levels(each, width - head, glyphs), "$text-muted"),
            ).truncate(width)
            for each in data
        ]


def _levels(row: AttributeRow, room: int, glyphs: Glyphs) -> str:
    """Return the commonest levels that fit whole; the first is shortened where even that does not."""
    shown = ""
    for level, users in row.levels:
        longer = f"{shown}, {level} ({users:,})" if shown else f"{level} ({users:,})"
        if Content(longer).cell_length > room:
            break
        shown = longer
    if not shown and row.levels and room > 0:
        shown = f"{row.levels[0][0]} ({row.levels[0][1]:,})"
    return fitted(shown, room, glyphs) if room > 0 else ""
