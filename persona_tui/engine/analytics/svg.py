"""Marks of an SVG picture, placed in pixels: rectangles, lines, bands and texts that keep their room.

Room for text is measured for a font that is wider than the first one named, so that a machine
that has another shows nothing cut off.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from persona_tui.engine.analytics.deck_text import ELLIPSIS, belongs_to_last, shorten, text_width, wrap
from persona_tui.engine.analytics.palettes import PALETTES
from persona_tui.engine.text import printable

FONTS: Final = "Carlito, Calibri, 'Liberation Sans', Arial, 'DejaVu Sans', sans-serif"
_FOREIGN_FONTS: Final = "'Noto Sans CJK JP', 'Noto Sans', 'DejaVu Sans', sans-serif"
_FOREIGN: Final = re.compile("[\u0530-\u1dff\u2c00-\U0010ffff]")
"""What is neither Latin, Greek nor Cyrillic, nor a sign: a text with it has other fonts, of one look."""
_ROOM: Final = 1.22
"""How much wider than Carlito the widest of these fonts is."""
_INCH: Final = 72
"""Pixels for which a size in pixels is one in points."""
_MOST_A_SIZE: Final = 6
"""Characters in the width of one letter size: more than fit, whatever they are."""
LEADING: Final = 1.3
"""Distance of two lines, in font sizes."""
_COLOURS: Final = PALETTES["light"]

Anchor = Literal["start", "middle", "end"]


def width_of(text: str, size: float) -> float:
    """Return pixels that a line of text does not exceed."""
    return text_width(printable(text), size) * _INCH * _ROOM


def widest(texts: Sequence[str], size: float) -> float:
    """Return pixels that none of some texts exceeds."""
    return max((width_of(each, size) for each in texts), default=0.0)


def lines_of(text: str, width: float, size: float, most: int) -> list[str]:
    """Return the lines of a text in a width; what is too long ends in an ellipsis."""
    inches = width / _INCH / _ROOM
    return wrap(shorten(text, inches, size, lines=most), inches, size)


def short_name(name: str, width: float, size: float) -> str:
    """Return a name as it is shown in a width, cut in its middle: names of one family differ at the end.

    Examples
    --------
    >>> short_name("checkout_form_step_3", 80, 13)
    'check…p_3'
    """
    shown = printable(name)
    if width_of(shown, size) <= width:
        return shown
    low, high = 0, min(len(shown) - 1, int(width / size * _MOST_A_SIZE))
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(_without_middle(shown, middle), size) <= width:
            low = middle
        else:
            high = middle - 1
    return _without_middle(shown, low)


def _without_middle(text: str, length: int) -> str:
    """Return the ends of a text; no accent or joined emoji is torn from what it belongs to."""
    n_last = length * 2 // 5
    start, end = length - n_last, len(text) - n_last
    while start > 0 and _belongs(text, start):
        start -= 1
    while end < len(text) and _belongs(text, end):
        end += 1
    return f"{text[:start]}{ELLIPSIS}{text[end:]}"


def _belongs(text: str, place: int) -> bool:
    return belongs_to_last(text[place]) or text[place - 1] == "\u200d"


@dataclass(slots=True)
class Canvas:
    """A picture that is being drawn, from above.

    Parameters
    ----------
    width : int
        Pixels.
    """

    width: int
    _marks: list[str] = field(default_factory=list)

    def box(self, left: float, top: float, width: float, height: float, tone: str) -> None:
        """Draw a filled rectangle."""
        place = f'x="{_n(left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(height)}"'
        self._marks.append(f'<rect {place} fill="{_COLOURS[tone]}"/>')

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        tone: str,
        thick: float = 1.0,
        dash: str = "",
    ) -> None:
        """Draw a straight line."""
        place = f'x1="{_n(start[0])}" y1="{_n(start[1])}" x2="{_n(end[0])}" y2="{_n(end[1])}"'
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._marks.append(f'<line {place} stroke="{_COLOURS[tone]}" stroke-width="{_n(thick)}"{dashes}/>')

    def dot(self, x: float, y: float, radius: float, tone: str) -> None:
        """Draw a filled circle."""
        self._marks.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{_COLOURS[tone]}"/>')

    def band(self, start: tuple[float, float], end: tuple[float, float], thick: float, tone: str) -> None:
        """Draw a curved band between the tops of its two ends."""
        (x, y), (to_x, to_y) = start, end
        middle = _n((x + to_x) / 2)
        path = (
            f"M{_n(x)} {_n(y)}C{middle} {_n(y)} {middle} {_n(to_y)} {_n(to_x)} {_n(to_y)}"
            f"V{_n(to_y + thick)}C{middle} {_n(to_y + thick)} {middle} {_n(y + thick)} "
            f"{_n(x)} {_n(y + thick)}Z"
        )
        colour, opacity = _COLOURS[tone], 0.3
        self._marks.append(f'<path d="{path}" fill="{colour}" fill-opacity="{opacity}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        tone: str = "text",
        anchor: Anchor = "start",
        whole: str = "",
        halo: bool = False,
    ) -> None:
        """Write a line whose letters stand on ``y``; ``whole`` is told where the line is a part of it."""
        shown = printable(text)
        fonts = f' font-family="{_FOREIGN_FONTS}"' if _FOREIGN.search(shown) else ""
        around = f' stroke="{_COLOURS["ground"]}" stroke-width="3" paint-order="stroke"' if halo else ""
        full = printable(whole)
        title = f"<title>{_escaped(full)}</title>" if full and full != text else ""
        self._marks.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{_COLOURS[tone]}" '
            f'text-anchor="{anchor}"{fonts}{around}>{title}{_escaped(shown)}</text>'
        )

    def block(
        self, top: float, text: str, left: float, room: float, size: float, *, tone: str, most: int
    ) -> float:
        """Write lines from the left, and return where they end below."""
        for line in lines_of(text, room, size, most) if text else ():
            self.text(left, top + size, line, size, tone=tone, whole=text)
            top += LEADING * size
        return top

    def done(self, height: float, title: str, description: str) -> str:
        """Return the picture as a file that loads and runs nothing."""
        size = f"{self.width} {_n(height)}"
        words = f"<title>{_escaped(printable(title))}</title>"
        if description:
            words += f"<desc>{_escaped(printable(description))}</desc>"
        ground = f'<rect width="{self.width}" height="{_n(height)}" fill="{_COLOURS["ground"]}"/>'
        marks = "\n".join([ground, *self._marks])
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {size}" '
            f'width="{self.width}" height="{_n(height)}" font-family="{FONTS}">\n{words}\n{marks}\n</svg>\n'
        )


def _n(number: float) -> str:
    """Return a number of pixels, the same on every machine.

    Examples
    --------
    >>> _n(12.04), _n(3.25), _n(-0.01)
    ('12', '3.2', '0')
    """
    return f"{round(number, 1) + 0.0:.1f}".removesuffix(".0")


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)
