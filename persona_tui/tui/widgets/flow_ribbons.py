"""Bands between two columns of cells, drawn as finely as the glyphs can show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.content import Content

from persona_tui.tui.glyphs import Glyphs

_GRIDS: Final = {"braille": (2, 4), "eighths": (2, 2), "halves": (1, 2), "ascii": (1, 1)}
"""Dots across and down a cell."""
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_QUADRANTS: Final = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_HALVES: Final = " ▀▄█"
_PLAIN: Final = "=-:"
_NOBODY: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """A band from the left to the right, its edges in rows from the top."""

    left: tuple[float, float]
    right: tuple[float, float]
    style: str


def drawn_ribbons(ribbons: Sequence[Ribbon], width: int, rows: int, glyphs: Glyphs) -> list[Content]:
    """Return so many rows of so many cells; thin ribbons cross above thick ones."""
    across, down = _GRIDS.get(glyphs.name, (1, 1))
    owners = [[_NOBODY] * (width * across) for _ in range(rows * down)]
    thickness = [max(ribbon.left[1] - ribbon.left[0], 0) for ribbon in ribbons]
    for place in sorted(range(len(ribbons)), key=lambda place: -thickness[place]):
        _paint(owners, ribbons[place], place, down)
    lines = []
    for row in range(rows):
        dots = owners[row * down : (row + 1) * down]
        cells = [
            _cell([line[cell * across : (cell + 1) * across] for line in dots], ribbons, glyphs)
            for cell in range(width)
        ]
        lines.append(Content.assemble(*cells))
    return lines


def full_cell(glyphs: Glyphs, place: int = 0) -> str:
    """Return the cell that the inside of a ribbon is made of."""
    if glyphs.name == "ascii":
        return _PLAIN[place % len(_PLAIN)]
    return "⣿" if glyphs.has_braille else glyphs.steps[-1]


def _paint(owners: list[list[int]], ribbon: Ribbon, place: int, down: int) -> None:
    """Own the dots of a ribbon, a dot of air kept to those beside it where it is thick enough."""
    n_dots = len(owners[0]) if owners else 0
    for x in range(n_dots):
        along = (x + 0.5) / n_dots
        along = along * along * (3 - 2 * along)
        top = ribbon.left[0] + (ribbon.right[0] - ribbon.left[0]) * along
        bottom = ribbon.left[1] + (ribbon.right[1] - ribbon.left[1]) * along
        first = min(round(top * down), len(owners) - 1)
        last = max(round(bottom * down), first + 1)
        if down > 1 and last - first > 2:
            last -= 1
        if down > 2:
            for y in {first - 1, last} & set(range(len(owners))):
                owners[y][x] = _NOBODY
        for y in range(max(first, 0), min(last, len(owners))):
            owners[y][x] = place


def _cell(dots: Sequence[Sequence[int]], ribbons: Sequence[Ribbon], glyphs: Glyphs) -> str | tuple[str, str]:
    """Return the glyph of the dots that are owned, in the style of most of them."""
    owned = Counter(owner for line in dots for owner in line if owner != _NOBODY)
    if not owned:
        return " "
    owner = owned.most_common(1)[0][0]
    on = [[int(dot != _NOBODY) for dot in line] for line in dots]
    if glyphs.name == "braille":
        mask = sum(
            bit * dot
            for line, bits in zip(on, _DOTS, strict=True)
            for dot, bit in zip(line, bits, strict=True)
        )
        glyph = chr(0x2800 + mask)
    elif glyphs.name == "eighths":
        glyph = _QUADRANTS[on[0][0] + 2 * on[0][1] + 4 * on[1][0] + 8 * on[1][1]]
    elif glyphs.name == "halves":
        glyph = _HALVES[on[0][0] + 2 * on[1][0]]
    else:
        glyph = full_cell(glyphs, owner)
    return glyph, ribbons[owner].style
