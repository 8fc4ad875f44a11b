"""Everything on the screen in ASCII, that of Textual's own widgets too, for terminals that show no more."""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_DRAWN: Final = {
    "-": "─━┄┅┈┉╌╍═╴╶╸╺╼╾▔–—−‐‑‒",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻▉▊▋▌▍▎▏▐▕·",
    "+": "┌┍┎┏┐┑┒┓└┕┖┗┘┙┚┛├┝┠┣┤┥┨┫┬┭┮┯┰┳┴┵┶┷┸┻┼┿╂╋╒╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡╢╣╤╥╦╧╨╩╪╫╬╭╮╯╰",
    "_": "▁",
    " ": "▂▃▄▅▆▇▀▖▗▘▙▚▛▜▝▞▟\N{NO-BREAK SPACE}",
    "#": "█",
    ".": "░∙",
    ":": "▒",
    "*": "▓•✓✔★☆",
    "x": "×✗✘✕",
    "o": "●○◉◌◦◆◇■□",
    "<": "◀◁◂←‹«≤",
    ">": "▶▷▸→›»≥",
    "^": "▲△▴↑",
    "v": "▼▽▾↓",
    "~": "…≈±",
    '"': "“”„",
    "'": "‘’‚",
}
_PLAIN: Final = str.maketrans(
    {glyph: plain for plain, glyphs in _DRAWN.items() for glyph in glyphs} | {"🔎": "/ "}
)


class PlainGlyphs(LineFilter):
    """Draws a sign of ASCII in place of each that stands for a line, a block, an arrow or a mark."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - of any
        """Return the line in as many cells; letters of any alphabet stay."""
        return [
            segment if segment.text.isascii() else segment._replace(text=segment.text.translate(_PLAIN))
            for segment in segments
        ]
