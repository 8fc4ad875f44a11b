"""A few numbers that say how much there is of something, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content

from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure, fitted

NARROWEST: Final = 17
"""Cells of a tile."""
GAP: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number.

    Parameters
    ----------
    label : str
        What it counts.
    value : str
    note : str
        What it is made of, or how much of the whole it is.
    style : str
        Of the value.
    """

    label: str
    value: str
    note: str = ""
    style: str = "bold"


class Tiles(Figure[tuple[Tile, ...]]):
    """Tiles in rows that are all equally long."""

    def draw(self, data: tuple[Tile, ...], width: int, glyphs: Glyphs) -> list[Content]:
        """Return value, label and note of every tile, one above the other."""
        n = tiles_per_row(len(data), width)
        cells = max((width - GAP * (n - 1)) // n, 1)
        lines: list[Content] = []
        for start in range(0, len(data), n):
            row = data[start : start + n]
            parts = (
                [(each.value, each.style) for each in row],
                [(each.label, "$text-muted") for each in row],
                [(each.note, "$text-muted") for each in row],
            )
            lines += [
                Content(" " * GAP).join(
                    Content.styled(fitted(text, cells, glyphs), style) for text, style in line
                )
                for line in parts
                if any(text for text, _ in line)
            ]
            lines.append(Content(""))
        return [each.truncate(width) for each in lines[:-1]]


def tiles_per_row(n: int, width: int) -> int:
    """Return how many tiles stand side by side, so that no row is shorter than the others.

    Examples
    --------
    >>> tiles_per_row(6, 78), tiles_per_row(6, 120), tiles_per_row(6, 10)
    (3, 6, 1)
    """
    fit = max((width + GAP) // (NARROWEST + GAP), 1)
    return next((each for each in range(min(fit, n), 1, -1) if n % each == 0), 1)
