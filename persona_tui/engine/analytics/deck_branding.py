"""A deck dressed for its house: opened on a template or in house style, then its accent and its logo."""

from __future__ import annotations

import io
from pathlib import Path

from pptx.parts.image import Image
from pptx.presentation import Presentation as Deck
from pptx.slide import Slide
from pptx.util import Emu, Inches

from persona_tui.engine.analytics.branding import Branding
from persona_tui.engine.analytics.deck_dressing import dress
from persona_tui.engine.analytics.deck_file import empty_deck, paint
from persona_tui.engine.analytics.deck_layouts import open_template

_LOGO_WIDTH, _LOGO_HEIGHT, _LOGO_MARGIN = 2.8, 0.7, 0.4
_LOGO_LEFT, _LOGO_TOP = 1.1, 0.5


def open_deck(branding: Branding) -> Deck:
    """Return a deck without slides, on the template of a house or in the style of the program.

    Raises
    ------
    ExportError
        If the accent is no colour, or the template cannot be used.
    """
    deck = open_template(Path(branding.template)) if branding.template else empty_deck()
    if accent := branding.colour():
        paint(deck, {"accent1": accent[1:].upper()})
    return deck


def finish_deck(deck: Deck, branding: Branding) -> None:
    """Move the slides onto the template, if there is one, and add the logo to the first.

    Raises
    ------
    ExportError
        If the logo cannot be used.
    """
    if branding.template:
        dress(deck)
    if found := branding.picture():
        _add_logo(deck, found[1], on_template=bool(branding.template))


def _add_logo(deck: Deck, content: bytes, *, on_template: bool) -> None:
    slide = deck.slides[0]
    across, down = Image.from_blob(content).size
    scale = min(Inches(_LOGO_WIDTH) / across, Inches(_LOGO_HEIGHT) / down)
    width, height = int(across * scale), int(down * scale)
    left, top = (
        _free_corner(deck, slide, width, height)
        if on_template
        else (int(Inches(_LOGO_LEFT)), int(Inches(_LOGO_TOP)))
    )
    shown = slide.shapes.add_picture(io.BytesIO(content), Emu(left), Emu(top), Emu(width), Emu(height))
    shown.name = "Logo"
    shown._element.nvPicPr.cNvPr.set("descr", "Logo")


def _free_corner(deck: Deck, slide: Slide, width: int, height: int) -> tuple[int, int]:
    """Return the first corner where a picture covers nothing that is written, else the last."""
    margin = Inches(_LOGO_MARGIN)
    right, bottom = int(deck.slide_width or 0) - margin - width, int(deck.slide_height or 0) - margin - height
    corners = [(right, margin), (margin, margin), (margin, bottom), (right, bottom)]
    for left, top in corners:
        if not any(
            left < shape.left + shape.width
            and shape.left < left + width
            and top < shape.top + shape.height
            and shape.top < top + height
            for shape in slide.shapes
        ):
            return left, top
    return corners[-1]
