"""Slides in house style moved onto the layouts of a template: its titles, its size, its fonts and colours.

What stands below a title is scaled as a whole, so that what fitted still fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from xml.sax.saxutils import escape

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.oxml.xmlchemy import BaseOxmlElement
from pptx.presentation import Presentation as Deck
from pptx.shapes.autoshape import Shape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.slide import Slide, SlideLayout, SlideMaster
from pptx.util import Emu, Inches, Pt

from persona_tui.engine.analytics.deck_file import theme_of
from persona_tui.engine.analytics.deck_layouts import FOOT, TEXTS, TITLES, room_below_title
from persona_tui.engine.analytics.deck_page import MARGIN, ROOM
from persona_tui.engine.analytics.deck_shapes import Box
from persona_tui.engine.analytics.deck_text import fit

_HOUSE: Final = Box(MARGIN, 1.5, ROOM, 5.8)
"""What stands below a title in house style, with the topic above it and the footer."""
_SIDE_INSETS, _TOP_INSETS = 0.2, 0.1
_TITLE_SIZES: Final = (28, 26, 24, 22, 20, 18, 16, 14, 12, 10)
_FIRST_SIZES: Final = (40, 36, 32, *_TITLE_SIZES)
_TEXT_SIZES: Final = (20, 18, 16, 14, 12, 11, 10, 9, 8)
_FACTS_PART: Final = 0.4
"""Of the text below the title of the first slide, what the log and the recipe take."""
_FACTS_SIZE: Final = 0.75
"""Of the size of the answer, what they are written in at most."""
_FONT_WIDTHS: Final = {
    "calibri": 1.0,
    "carlito": 1.0,
    "times new roman": 1.0,
    "aptos": 1.08,
    "arial": 1.12,
    "helvetica": 1.12,
    "segoe ui": 1.12,
    "georgia": 1.12,
    "montserrat": 1.28,
    "verdana": 1.32,
}
"""How wide a font is beside the one that widths are reckoned with."""
_OTHER_FONT: Final = 1.2
_ON_LIGHT: Final = {
    "tx2": ("tx1", 65, 35),
    "bg2": ("bg1", 95, 0),
    "accent2": ("tx1", 50, 50),
    "accent3": ("accent2", 100, 0),
    "accent4": ("bg1", 85, 0),
    "accent5": ("accent1", 60, 40),
}
"""House colours by what any theme has: a colour, how much of its light is kept, and how much is added."""
_ON_DARK: Final = _ON_LIGHT | {
    "tx2": ("tx1", 75, 0),
    "bg2": ("bg1", 90, 10),
    "accent2": ("tx1", 60, 0),
    "accent4": ("bg1", 75, 25),
    "accent5": ("accent1", 75, 0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """How a place of the house style becomes one of the template.

    Parameters
    ----------
    scale : float
    left, top : int
        Where the corner of what stands below a title goes, as the file counts.
    font : float
        What sizes of fonts are multiplied by.
    """

    scale: float
    left: int
    top: int
    font: float

    def place(self, element: BaseOxmlElement) -> None:
        """Move an offset."""
        x, y = int(element.get("x")), int(element.get("y"))
        element.set("x", str(round(self.left + (x - Inches(_HOUSE.left)) * self.scale)))
        element.set("y", str(round(self.top + (y - Inches(_HOUSE.top)) * self.scale)))

    def lengths(self, element: BaseOxmlElement, names: tuple[str, ...]) -> None:
        """Scale lengths, where the element has them."""
        for name in names:
            if (length := element.get(name)) is not None:
                element.set(name, str(int(int(length) * self.scale)))

    def fonts(self, element: BaseOxmlElement, name: str) -> None:
        """Scale a size in hundredths of a point, where the element has it."""
        if (size := element.get(name)) is not None:
            element.set(name, str(max(int(int(size) * self.font), 100)))


_LENGTHS: Final = {
    qn("a:ext"): ("cx", "cy"),
    qn("a:chExt"): ("cx", "cy"),
    qn("a:gridCol"): ("w",),
    qn("a:tr"): ("h",),
    qn("a:pPr"): ("marL", "indent"),
    qn("a:tcPr"): ("marL", "marR", "marT", "marB"),
    qn("a:bodyPr"): ("lIns", "tIns", "rIns", "bIns"),
}
_OFFSETS: Final = frozenset({qn("a:off"), qn("a:chOff")})
_FONTS: Final = {qn("a:rPr"): "sz", qn("a:defRPr"): "sz", qn("a:endParaRPr"): "sz", qn("a:spcPts"): "val"}


def dress(deck: Deck) -> None:
    """Move every slide onto its layout, and take the fonts and colours of the template."""
    wider = _font_width(deck)
    first, *others = deck.slides
    _dress_first(first, wider)
    for slide in others:
        move = _move(deck, slide.slide_layout, wider)
        _dress_heading(slide, wider)
        for root in _below_title(slide):
            _rescale(root, move)
    for slide in deck.slides:
        tones = _ON_DARK if _is_dark(slide.slide_layout.slide_master) else _ON_LIGHT
        for root in (slide.shapes._spTree, *_charts(slide)):
            _recolour(root, tones)


def _font_width(deck: Deck) -> float:
    """Return how wide the fonts of the theme are at most, beside the one that was reckoned with."""
    fonts = re.findall(r'<a:latin typeface="([^"]*)"', theme_of(deck.slide_masters[0]).blob.decode("utf-8"))
    return max((_FONT_WIDTHS.get(name.casefold(), _OTHER_FONT) for name in fonts[:2]), default=_OTHER_FONT)


def _move(deck: Deck, layout: SlideLayout, wider: float) -> _Move:
    """Return how what stands below a title gets into the room that a layout leaves there."""
    room = room_below_title(deck, layout)
    scale = min(room.width / _HOUSE.width, room.height / _HOUSE.height)
    return _Move(scale=scale, left=Inches(room.left), top=Inches(room.top), font=scale / wider)


def _dress_heading(slide: Slide, wider: float) -> None:
    """Give the title back to its layout, and drop the empty places that the layout has beside it."""
    for shape in list(slide.placeholders):
        kind = shape.placeholder_format.type
        if kind in TITLES:
            _refill(shape, wider, sizes=_TITLE_SIZES, bold=True)
        elif kind not in FOOT:
            shape._element.getparent().remove(shape._element)


def _below_title(slide: Slide) -> Iterator[BaseOxmlElement]:
    """Yield what stands below the title, with the charts in it; the topic is moved there."""
    for shape in slide.shapes:
        if shape.is_placeholder and shape.placeholder_format.type in TITLES:
            continue
        if shape.name == "Topic":
            shape.top = Inches(_HOUSE.top)
        yield shape._element
    yield from _charts(slide)


def _charts(slide: Slide) -> Iterator[BaseOxmlElement]:
    return (cast("GraphicFrame", each).chart._chartSpace for each in slide.shapes if each.has_chart)


def _rescale(root: BaseOxmlElement, move: _Move) -> None:
    for element in root.iter():
        if element.tag in _OFFSETS:
            move.place(element)
        elif element.tag in _LENGTHS:
            move.lengths(element, _LENGTHS[element.tag])
        elif element.tag in _FONTS:
            move.fonts(element, _FONTS[element.tag])


def _is_dark(master: SlideMaster) -> bool:
    """Return whether the ground of a master's slides is darker than half."""
    name = master._element.find(qn("p:clrMap")).get("bg1")
    theme = theme_of(master).blob.decode("utf-8")
    found = re.search(rf'<a:{name}>.*?(?:lastClr|srgbClr val)="([0-9A-Fa-f]{{6}})"', theme, re.DOTALL)
    red, green, blue = bytes.fromhex(found[1]) if found else (255, 255, 255)
    return 0.30 * red + 0.59 * green + 0.11 * blue < 128


def _recolour(root: BaseOxmlElement, tones: Mapping[str, tuple[str, int, int]]) -> None:
    for color in list(root.iter(qn("a:schemeClr"))):
        if (name := color.get("val")) in tones:
            base, kept, added = tones[name]
            color.set("val", base)
            for place, (tag, part) in enumerate((("lumMod", kept), ("lumOff", added))):
                if part not in {0, 100}:
                    tone = parse_xml(f'<a:{tag} {nsdecls("a")} val="{1000 * part}"/>')
                    color.insert(place, tone)


def _dress_first(slide: Slide, wider: float) -> None:
    """Write the question, the answer and where they come from into the places of the layout."""
    facts = [cast("Shape", each).text_frame.text for each in slide.shapes if each.name in {"Log", "Recipe"}]
    answered = False
    for shape in list(slide.placeholders):
        kind = shape.placeholder_format.type
        if kind in TITLES:
            _refill(shape, wider, sizes=_FIRST_SIZES, bold=True)
        elif kind in TEXTS and not answered:
            answered = True
            _refill(shape, wider, sizes=_TEXT_SIZES, below=facts)
        else:
            shape._element.getparent().remove(shape._element)
    for shape in list(slide.shapes):
        if shape.name in {"Edge", "Log", "Recipe"}:
            shape._element.getparent().remove(shape._element)


def _refill(
    shape: Shape, wider: float, *, sizes: Sequence[float], bold: bool = False, below: Sequence[str] = ()
) -> None:
    """Write the text of a place anew, in the style of the layout, and some smaller lines below it."""
    for place in shape._element.spPr.findall(qn("a:xfrm")):
        shape._element.spPr.remove(place)
    body: Any = shape._element.txBody
    body.replace(body.find(qn("a:bodyPr")), parse_xml(f"<a:bodyPr {nsdecls('a')}><a:noAutofit/></a:bodyPr>"))
    width = (Emu(shape.width).inches - _SIDE_INSETS) / wider
    height = Emu(shape.height).inches - _TOP_INSETS
    part = 1 - _FACTS_PART if below else 1.0
    said = fit(shape.text_frame.text, width, part * height, sizes, bold=bold)
    smaller = [size for size in sizes if size <= _FACTS_SIZE * said.size] or sizes[-1:]
    each_part = (1 - part) * height / max(len(below), 1)
    size = min((fit(text, width, each_part, smaller).size for text in below), default=0.0)
    for paragraph in body.findall(qn("a:p")):
        body.remove(paragraph)
    _add_line(body, said.text, said.size)
    for number, text in enumerate(below):
        _add_line(body, fit(text, width, each_part, [size]).text, size, apart=number == 0)


def _add_line(body: BaseOxmlElement, text: str, size: float, *, apart: bool = False) -> None:
    """Add a paragraph of which only the size is not the layout's."""
    before = f'<a:spcBef><a:spcPts val="{int(100 * size)}"/></a:spcBef>' if apart else ""
    body.append(
        parse_xml(
            f'<a:p {nsdecls("a")}><a:pPr marL="0" indent="0"><a:lnSpc><a:spcPct val="100000"/></a:lnSpc>'
            f'{before}<a:buNone/></a:pPr><a:r><a:rPr sz="{Pt(size).centipoints}" noProof="1"/>'
            f"<a:t>{escape(text)}</a:t></a:r></a:p>"
        )
    )
