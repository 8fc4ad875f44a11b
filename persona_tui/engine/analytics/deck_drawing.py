"""Drawings of native shapes: a named group of rectangles, bands with curved edges, and labels.

Their XML is written here, since python-pptx measures a group anew at each shape that it adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from pptx.enum.dml import MSO_THEME_COLOR as THEME
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.slide import Slide
from pptx.util import Inches, Pt

from persona_tui.engine.analytics.deck_shapes import Box, Run, paragraph_xml, to_emu
from persona_tui.engine.text import printable

_SEE_THROUGH = 45_000
"""Of 100 000; bands that cross stay visible."""
_LEAST = 0.01
"""Inches; less than that would not be seen."""
_OUTLINE = 0.75
_RECTANGLE = '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
_NO_TEXT = "<p:txBody><a:bodyPr/><a:p/></p:txBody>"
_BARE = '<a:bodyPr wrap="square" lIns="0" tIns="0" rIns="0" bIns="0" anchor="ctr"><a:noAutofit/></a:bodyPr>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A rectangle, filled or as an outline on the ground of the slide."""

    box: Box
    color: THEME
    name: str
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """A band between two blocks, inches.

    Parameters
    ----------
    left, right : float
        Where it begins and ends.
    start, end : float
        Its upper edge on either side.
    height : float
    color : theme colour
    name : str
    """

    left: float
    right: float
    start: float
    end: float
    height: float
    color: THEME
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One line of text, in the middle of the height of its box; the caller knows that it fits."""

    box: Box
    runs: tuple[Run, ...]
    name: str


def add_drawing(
    slide: Slide, parts: Sequence[Block | Ribbon | Label], *, name: str, description: str
) -> None:
    """Add shapes as one group; what comes first lies lowest."""
    first = max(int(each) for each in slide.shapes._spTree.xpath("//@id") if str(each).isdigit()) + 1
    drawn = [_part(part, number) for number, part in enumerate(parts, start=first + 1)]
    boxes = [box for box, _ in drawn]
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right = max(box.left + box.width for box in boxes)
    x, y, width, height = to_emu(Box(left, top, right - left, max(box.bottom for box in boxes) - top))
    group = (
        f"<p:grpSp {nsdecls('p', 'a')}><p:nvGrpSpPr>"
        f'<p:cNvPr id="{first}" name={_quoted(name)} descr={_quoted(description)}/><p:cNvGrpSpPr/><p:nvPr/>'
        f'</p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x="{x}" y="{y}"/><a:ext cx="{width}" cy="{height}"/>'
        f'<a:chOff x="{x}" y="{y}"/><a:chExt cx="{width}" cy="{height}"/></a:xfrm></p:grpSpPr>'
        f"{''.join(xml for _, xml in drawn)}</p:grpSp>"
    )
    slide.shapes._spTree.append(parse_xml(group))


def _part(part: Block | Ribbon | Label, number: int) -> tuple[Box, str]:
    """Return where a part is, and its XML."""
    match part:
        case Block(box=box, color=color, name=name, hollow=hollow):
            seen = Box(box.left, box.top, box.width, max(box.height, _LEAST))
            fill = _fill(THEME.BACKGROUND_1 if hollow else color)
            line = f'<a:ln w="{Pt(_OUTLINE)}">{_fill(color)}</a:ln>' if hollow else "<a:ln><a:noFill/></a:ln>"
            return seen, _shape(number, name, seen, _RECTANGLE + fill + line, _NO_TEXT)
        case Ribbon(color=color, name=name):
            box, outline = _curved(part)
            look = f"{outline}{_fill(color, _SEE_THROUGH)}<a:ln><a:noFill/></a:ln>"
            return box, _shape(number, name, box, look, _NO_TEXT)
        case Label(box=box, runs=runs, name=name):
            return box, _shape(
                number,
                name,
                box,
                f"{_RECTANGLE}<a:noFill/>",
                f"<p:txBody>{_BARE}{paragraph_xml(runs)}</p:txBody>",
            )


def _quoted(text: str) -> str:
    return quoteattr(printable(text))


def _fill(color: THEME, alpha: int = 100_000) -> str:
    seen = "" if alpha == 100_000 else f'<a:alpha val="{alpha}"/>'
    return f'<a:solidFill><a:schemeClr val="{THEME.to_xml(color)}">{seen}</a:schemeClr></a:solidFill>'


def _shape(number: int, name: str, box: Box, look: str, text: str) -> str:
    x, y, width, height = to_emu(box)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name={_quoted(name)}/><p:cNvSpPr/><p:nvPr/></p:nvSpPr>'
        f'<p:spPr><a:xfrm><a:off x="{x}" y="{y}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'
        f"{look}</p:spPr>{text}</p:sp>"
    )


def _curved(ribbon: Ribbon) -> tuple[Box, str]:
    """Return where a band is, and its outline: along the upper edge, down the end, back along the lower."""
    thickness = max(ribbon.height, _LEAST)
    top, bottom = min(ribbon.start, ribbon.end), max(ribbon.start, ribbon.end) + thickness
    box = Box(ribbon.left, top, ribbon.right - ribbon.left, bottom - top)
    width, middle, thick = Inches(box.width), Inches(box.width / 2), Inches(thickness)
    start, end = Inches(ribbon.start - top), Inches(ribbon.end - top)
    outline = (
        '<a:custGeom><a:avLst/><a:gdLst/><a:ahLst/><a:cxnLst/><a:rect l="0" t="0" r="r" b="b"/>'
        f'<a:pathLst><a:path w="{width}" h="{Inches(box.height)}">'
        f"<a:moveTo>{_point(0, start)}</a:moveTo>{_curve((middle, start), (middle, end), (width, end))}"
        f"<a:lnTo>{_point(width, end + thick)}</a:lnTo>"
        f"{_curve((middle, end + thick), (middle, start + thick), (0, start + thick))}"
        "<a:close/></a:path></a:pathLst></a:custGeom>"
    )
    return box, outline


def _point(x: int, y: int) -> str:
    return f'<a:pt x="{x}" y="{y}"/>'


def _curve(*points: tuple[int, int]) -> str:
    return f"<a:cubicBezTo>{''.join(_point(*each) for each in points)}</a:cubicBezTo>"
