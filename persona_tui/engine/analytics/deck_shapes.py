"""Text boxes, lists and tiles in house style; whatever they are given is made to fit.

Lengths are inches. Colours are those of the deck's theme, so that a reader can change them all at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from pptx.enum.dml import MSO_THEME_COLOR as THEME
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.shapes.autoshape import Shape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.slide import Slide
from pptx.text.text import TextFrame, _Paragraph
from pptx.util import Inches, Length, Pt

from persona_tui.engine.analytics.deck_text import LINE_HEIGHT, fit, shorten, unbroken, wrap
from persona_tui.engine.text import printable

INK, QUIET, PANEL, ACCENT = THEME.TEXT_1, THEME.TEXT_2, THEME.BACKGROUND_2, THEME.ACCENT_1
CONTROL, TREATMENT, RULE, BAR = THEME.ACCENT_2, THEME.ACCENT_3, THEME.ACCENT_4, THEME.ACCENT_5

TILE_PADDING = 0.18
_TILE_GAP = 0.25
_FIGURE_SIZES = (28, 26, 24, 22, 20, 18, 16)
_BULLET_INDENT = 0.2
_ITEM_LINES = 8
_PARAGRAPH_GAP = 6
_SLIDE_NUMBER_FIELD = "{C1FF6DA9-008F-8B48-92A6-B652298478BF}"
_ALIGN = {"left": "l", "right": "r", "center": "ctr"}


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a slide, inches."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """Return where the box ends."""
        return self.top + self.height

    def inset(self, by: float) -> Box:
        """Return the box less a margin on every side."""
        return Box(self.left + by, self.top + by, self.width - 2 * by, self.height - 2 * by)


@dataclass(frozen=True, slots=True)
class Style:
    """How a run of text looks."""

    size: float
    color: THEME = INK
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one style."""

    text: str
    style: Style


def add_text(
    slide: Slide,
    box: Box,
    text: str,
    style: Style,
    *,
    name: str,
    sizes: Sequence[float] = (),
    align: str = "left",
    anchor: MSO_ANCHOR = MSO_ANCHOR.TOP,
) -> Shape:
    """Add a text box; its size is the largest that fits, and the text is cut if none does."""
    shape = slide.shapes.add_textbox(*to_emu(box))
    shape.name = name
    fill_text(shape, box, text, style, sizes=sizes, align=align, anchor=anchor)
    return shape


def add_runs(slide: Slide, box: Box, runs: Sequence[Run], *, name: str, align: str = "left") -> Shape:
    """Add one line in several styles; the caller knows that it fits."""
    shape = slide.shapes.add_textbox(*to_emu(box))
    shape.name = name
    write_runs(_bare_frame(shape, MSO_ANCHOR.MIDDLE).paragraphs[0], runs, align)
    return shape


def add_footer(slide: Slide, boxes: tuple[Box, Box], text: str, number: int) -> None:
    """Add the footer and the slide number, as the placeholders that they are."""
    style = Style(10, QUIET)
    footer = add_text(slide, boxes[0], text, style, name="Footer", anchor=MSO_ANCHOR.MIDDLE)
    _as_placeholder(footer, "ftr", "11")
    shown = add_runs(slide, boxes[1], [Run(str(number), style)], name="Slide number", align="right")
    _as_placeholder(shown, "sldNum", "12")
    run = shown.text_frame.paragraphs[0].runs[0]._r
    run.tag = qn("a:fld")
    run.set("id", _SLIDE_NUMBER_FIELD)
    run.set("type", "slidenum")


def _as_placeholder(shape: Shape, kind: str, index: str) -> None:
    shape._element.find(".//" + qn("p:cNvSpPr")).attrib.pop("txBox", None)
    properties = shape._element.find(".//" + qn("p:nvPr"))
    properties.append(parse_xml(f'<p:ph {nsdecls("p")} type="{kind}" sz="quarter" idx="{index}"/>'))


def fill_text(
    shape: Shape,
    box: Box,
    text: str,
    style: Style,
    *,
    sizes: Sequence[float] = (),
    align: str = "left",
    anchor: MSO_ANCHOR = MSO_ANCHOR.TOP,
) -> None:
    """Place a shape, such as a placeholder, and write into it what fits."""
    shape.left, shape.top, shape.width, shape.height = to_emu(box)
    fitted = fit(unbroken(text), box.width, box.height, sizes or [style.size], bold=style.bold)
    frame = _bare_frame(shape, anchor)
    write_runs(frame.paragraphs[0], [Run(fitted.text, replace(style, size=fitted.size))], align)


def add_tiles(slide: Slide, box: Box, figures: Sequence[tuple[str, Sequence[Run], str]]) -> None:
    """Add panels beside each other: what each figure is, the number, and its doubt or scale.

    All numbers have the size at which the longest fits.
    """
    width = (box.width - _TILE_GAP * (len(figures) - 1)) / len(figures)
    largest = max(run.style.size for _, value, _ in figures for run in value)
    sizes = [size for size in _FIGURE_SIZES if size <= largest]
    numbers = ("".join(run.text for run in value) for _, value, _ in figures)
    size = min(fit(each, width - 2 * TILE_PADDING, 0.5, sizes, bold=True).size for each in numbers)
    for place, (label, value, note) in enumerate(figures):
        runs = [Run(run.text, replace(run.style, size=size)) for run in value]
        _add_tile(
            slide, Box(box.left + place * (width + _TILE_GAP), box.top, width, box.height), label, runs, note
        )


def _add_tile(slide: Slide, box: Box, label: str, value: Sequence[Run], note: str) -> Shape:
    """Add a panel with a key figure: what it is, the number, and its doubt or scale."""
    shape = add_panel(slide, box, name=f"Key figure: {label}")
    frame = _bare_frame(shape, MSO_ANCHOR.TOP, padding=TILE_PADDING)
    room = box.inset(TILE_PADDING)
    write_runs(frame.paragraphs[0], [Run(label, Style(14, QUIET, bold=True))])
    number = _next_paragraph(frame)
    number.space_before = number.space_after = Pt(_PARAGRAPH_GAP)
    write_runs(number, value)
    fitted = fit(unbroken(note), room.width, 3 * 13 * LINE_HEIGHT / 72, [13, 12, 11])
    write_runs(_next_paragraph(frame), [Run(fitted.text, Style(fitted.size, QUIET))])
    return shape


def add_bullets(slide: Slide, box: Box, items: Sequence[str], style: Style, *, name: str) -> Shape:
    """Add a list of items that ``flow_bullets`` found to fit, each cut where it is too long."""
    shape = slide.shapes.add_textbox(*to_emu(box))
    shape.name = name
    frame = _bare_frame(shape, MSO_ANCHOR.TOP)
    for place, item in enumerate(items):
        shown = _shown_item(item, box.width, style.size)
        paragraph = frame.paragraphs[0] if place == 0 else _next_paragraph(frame)
        write_runs(paragraph, [Run(shown, style)])
        paragraph.space_after = Pt(_PARAGRAPH_GAP)
        _bullet(paragraph)
    return shape


def flow_bullets(items: Sequence[str], width: float, height: float, size: float) -> list[list[str]]:
    """Return the items page by page."""
    pages: list[list[str]] = [[]]
    used = 0.0
    for item in items:
        lines = len(wrap(_shown_item(item, width, size), width - _BULLET_INDENT, size))
        needed = (lines * size * LINE_HEIGHT + _PARAGRAPH_GAP) / 72
        if pages[-1] and used + needed > height:
            pages.append([])
            used = 0.0
        pages[-1].append(item)
        used += needed
    return pages


def _shown_item(item: str, width: float, size: float) -> str:
    return shorten(unbroken(item), width - _BULLET_INDENT, size, lines=_ITEM_LINES)


def line_xml(tag: str, color: THEME, width: float) -> str:
    """Return the XML of a line, which has no other interface in cells and error bars."""
    fill = f'<a:solidFill><a:schemeClr val="{THEME.to_xml(color)}"/></a:solidFill>'
    return f'<{tag} {nsdecls("a")} w="{Pt(width)}">{fill}</{tag}>'


def describe(frame: GraphicFrame, description: str) -> None:
    """Set what is read out in place of a table or chart."""
    frame._element.nvGraphicFramePr.cNvPr.set("descr", printable(description))


def add_panel(slide: Slide, box: Box, color: THEME = PANEL, *, name: str) -> Shape:
    """Add a coloured rectangle without text."""
    shape = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *to_emu(box))
    shape.name = name
    _paint(shape, color)
    return shape


def _paint(shape: Shape, color: THEME) -> None:
    """Fill a shape without a border and without a shadow."""
    shape._element.remove(shape._element.find(qn("p:style")))
    shape.fill.solid()
    shape.fill.fore_color.theme_color = color
    shape.line.fill.background()


def write_runs(paragraph: _Paragraph, runs: Sequence[Run], align: str = "left") -> None:
    """Write runs into an empty paragraph, lines set apart by the largest size."""
    written = parse_xml(paragraph_xml(runs, align))
    for part in list(written):
        paragraph._p.append(part)


def paragraph_xml(runs: Sequence[Run], align: str = "left") -> str:
    """Return the XML of a paragraph, which takes a fifth of the time that setting each property does."""
    distance = round(100 * LINE_HEIGHT * max(run.style.size for run in runs), -1)
    written = "".join(
        f'<a:r><a:rPr sz="{Pt(run.style.size).centipoints}" b="{int(run.style.bold)}" noProof="1">'
        f'<a:solidFill><a:schemeClr val="{THEME.to_xml(run.style.color)}"/></a:solidFill></a:rPr>'
        f"<a:t>{escape(printable(run.text))}</a:t></a:r>"
        for run in runs
    )
    spacing = f'<a:lnSpc><a:spcPts val="{distance:.0f}"/></a:lnSpc>'
    return f'<a:p {nsdecls("a")}><a:pPr algn="{_ALIGN[align]}">{spacing}</a:pPr>{written}</a:p>'


def _bullet(paragraph: _Paragraph) -> None:
    properties = paragraph._p.get_or_add_pPr()
    properties.set("marL", str(Inches(_BULLET_INDENT)))
    properties.set("indent", str(-Inches(_BULLET_INDENT)))
    properties.append(parse_xml(f'<a:buFont {nsdecls("a")} typeface="Arial"/>'))
    properties.append(parse_xml(f'<a:buChar {nsdecls("a")} char="•"/>'))


def _next_paragraph(frame: TextFrame) -> _Paragraph:
    paragraph: _Paragraph = frame.add_paragraph()  # type: ignore[no-untyped-call]
    return paragraph


def _bare_frame(shape: Shape, anchor: MSO_ANCHOR, padding: float = 0.0) -> TextFrame:
    frame: TextFrame = shape.text_frame
    frame.word_wrap = True
    frame.auto_size = MSO_AUTO_SIZE.NONE
    frame.vertical_anchor = anchor
    frame.margin_left = frame.margin_right = Inches(padding)
    frame.margin_top = frame.margin_bottom = Inches(padding)
    return frame


def to_emu(box: Box) -> tuple[Length, Length, Length, Length]:
    """Return left, top, width and height as the file counts them."""
    return Inches(box.left), Inches(box.top), Inches(box.width), Inches(box.height)
