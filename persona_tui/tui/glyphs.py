"""The characters that figures are drawn with, from the finest that a terminal can show down to ASCII."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """One rung of the ladder.

    Parameters
    ----------
    name : str
    levels : str
        Columns from empty to full; the more, the finer.
    steps : str
        Rows from empty to full, drawn from the left.
    shades : str
        Cells from faint to full, for heat.
    whisker, whisker_left, whisker_right, point : str
        Of an interval: its line, its ends and its estimate.
    rule, upright, tee, corner : str
        Of axes.
    left, right, up, down : str
    ellipsis : str
    has_braille : bool
        Whether lines can be drawn in dots, eight a cell.
    """

    name: str
    levels: str
    steps: str
    shades: str
    whisker: str
    whisker_left: str
    whisker_right: str
    point: str
    rule: str
    upright: str
    tee: str
    corner: str
    left: str
    right: str
    up: str
    down: str
    ellipsis: str
    has_braille: bool


_EIGHTHS: Final = Glyphs(
    name="eighths",
    levels=" ▁▂▃▄▅▆▇█",
    steps=" ▏▎▍▌▋▊▉█",
    shades=" ░▒▓█",
    whisker="─",
    whisker_left="├",
    whisker_right="┤",
    point="●",
    rule="─",
    upright="│",
    tee="┬",
    corner="└",
    left="◀",
    right="▶",
    up="▲",
    down="▼",
    ellipsis="…",
    has_braille=False,
)
LADDER: Final[dict[str, Glyphs]] = {
    "braille": replace(_EIGHTHS, name="braille", has_braille=True),
    "eighths": _EIGHTHS,
    "halves": replace(_EIGHTHS, name="halves", levels=" ▄█", steps=" ▌█"),
    "ascii": Glyphs(
        name="ascii",
        levels=" .:-=+*#@",
        steps=" #",
        shades=" .:*#",
        whisker="-",
        whisker_left="|",
        whisker_right="|",
        point="o",
        rule="-",
        upright="|",
        tee="+",
        corner="+",
        left="<",
        right=">",
        up="^",
        down="v",
        ellipsis="~",
        has_braille=False,
    ),
}
"""By name, the finest first."""


def bar(share: float, width: int, glyphs: Glyphs) -> str:
    """Return a bar of a share of some cells, filled to the fraction of a cell that the glyphs can show.

    Examples
    --------
    >>> bar(0.5, 5, LADDER["eighths"]), bar(0.5, 5, LADDER["ascii"])
    ('██▌  ', '##   ')
    """
    finest = len(glyphs.steps) - 1
    filled = round(min(max(share, 0), 1) * width * finest)
    whole, part = divmod(filled, finest)
    text = glyphs.steps[-1] * whole + (glyphs.steps[part] if part else "")
    return text.ljust(width)


def column(share: float, glyphs: Glyphs) -> str:
    """Return one cell that is filled from below; what is not zero shows.

    Examples
    --------
    >>> column(0.5, LADDER["eighths"]), column(0.001, LADDER["eighths"]), column(0, LADDER["ascii"])
    ('▄', '▁', ' ')
    """
    highest = len(glyphs.levels) - 1
    level = round(min(max(share, 0), 1) * highest)
    return glyphs.levels[max(level, 1) if share > 0 else 0]
