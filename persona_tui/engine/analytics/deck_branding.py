"""A deck dressed for its house: opened on a template or in house style, then its accent and its logo."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pptx.parts.image import Image
from pptx.presentation import Presentation as Deck
from pptx.slide import Slide
from pptx.util import Emu, Inches

from persona_tui.engine.analytics.branding import Branding
from persona_tui.engine.analytics.deck_dressing import dress
from persona_tui.engine.analytics.deck_file import empty_deck, paint
from persona_tui.engine.analytics.deck_layouts import open_template
from persona_tui.engine.errors import ExportError
from persona_tui.engine.text import printable

_LOGO_WIDTH, _LOGO_HEIGHT, _LOGO_MARGIN = 2.8, 0.7, 0.4
_LOGO_LEFT, _LOGO_TOP = 1.1, 0.5
_PICTURES: Final = ("png", "jpg")


def open_deck(branding: Branding) -> Deck:
    """Return a deck without slides, on the template of a house or in the style of the program.

    Raises
    ------
    ExportError
        If the accent is no colour, or the template cannot be used.
    """
    deck = open_template(Path(branding.template)) if branding.template else empty_deck()
    if branding.accent:
        if not re.fullmatch("#[0-9a-fA-F]{6}", branding.accent):
            raise ExportError(
                f"accent == '{printable(branding.accent)}', must be #rrggbb.", hint="As in --accent '#1b3a57'"
            )
        paint(deck, {"accent1": branding.accent[1:].upper()})
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
    if branding.logo:
        _add_logo(deck, Path(branding.logo), on_template=bool(branding.template))


def _add_logo(deck: Deck, path: Path, *, on_template: bool) -> None:
    hint = "Name a PNG or JPEG picture: --logo logo.png"
    try:
        picture = Image.from_file(str(path))
        kind = picture.ext
    except (OSError, ValueError) as error:
        raise ExportError(f"The logo '{printable(str(path))}' cannot be read.", hint=hint) from error
    if kind not in _PICTURES:
        raise ExportError(f"The logo '{printable(str(path))}' is no PNG or JPEG picture.", hint=hint)
    slide = deck.slides[0]
    across, down = picture.size
    scale = min(Inches(_LOGO_WIDTH) / across, Inches(_LOGO_HEIGHT) / down)
    width, height = int(across * scale), int(down * scale)
    left, top = (
        _free_corner(deck, slide, width, height)
        if on_template
        else (int(Inches(_LOGO_LEFT)), int(Inches(_LOGO_TOP)))
    )
    shown = slide.shapes.add_picture(str(path), Emu(left), Emu(top), Emu(width), Emu(height))
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
