"""What every line goes through, that of Textual's own widgets too: nothing faint, and ASCII if need be."""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
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

_FULL: Final = Style(dim=False)


class PlainGlyphs(LineFilter):
    """Draws a sign of ASCII in place of each that stands for a line, a block, an arrow or a mark."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - of any
        """Return the line in as many cells; letters of any alphabet stay."""
        return [
            segment if segment.text.isascii() else segment._replace(text=segment.text.translate(_PLAIN))
            for segment in segments
        ]


class NothingDim(LineFilter):
    """Draws in full what is dim: half of a colour is too faint to read on any ground."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - on any
        """Return the line with no style dim."""
        return [
            segment._replace(style=segment.style + _FULL) if segment.style and segment.style.dim else segment
            for segment in segments
        ]
