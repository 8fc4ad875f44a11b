"""The layouts of a deck, and a deck that takes them from a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final, cast
from zipfile import BadZipFile

from pptx.enum.shapes import PP_PLACEHOLDER as KIND
from pptx.exc import PythonPptxError
from pptx.opc.constants import CONTENT_TYPE as CT
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.package import Package
from pptx.parts.presentation import PresentationPart
from pptx.presentation import Presentation as Deck
from pptx.slide import SlideLayout, SlideMaster
from pptx.util import Emu

from persona_tui.engine.analytics.deck_shapes import Box
from persona_tui.engine.errors import ExportError
from persona_tui.engine.text import printable

TITLES: Final = frozenset({KIND.TITLE, KIND.CENTER_TITLE})
TEXTS: Final = frozenset({KIND.SUBTITLE, KIND.BODY})
FOOT: Final = frozenset({KIND.DATE, KIND.FOOTER, KIND.SLIDE_NUMBER})
_GAP, _INSET, _LOWEST = 0.1, 0.1, 0.97
_FOOT_STARTS: Final = 0.8
"""Of a slide's height; what a layout draws below that is its foot."""
_LEAST_PART: Final = 0.5
"""Of a slide's height and width, that has to be free below a title."""
_MACROS: Final = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
_LEFT_BEHIND: Final = (RT.THUMBNAIL, RT.PRINTER_SETTINGS, _MACROS)


def title_layout(deck: Deck) -> SlideLayout | None:
    """Return the layout of a first slide: by its name, else the first with a title and a text beside it."""
    fitting = (each for each in _layouts(deck) if _kinds(each) & TITLES and _kinds(each) & TEXTS)
    return _by_name(fitting, "title slide")


def plain_layout(deck: Deck) -> SlideLayout | None:
    """Return the layout with a title alone and room below it: by its name, else the first."""
    alone = (each for each in _layouts(deck) if _kinds(each) & TITLES and _kinds(each) <= TITLES | FOOT)
    return _by_name((each for each in alone if _is_roomy(deck, each)), "title only")


def _by_name(layouts: Iterable[SlideLayout], name: str) -> SlideLayout | None:
    found = list(layouts)
    return next(iter([each for each in found if each.name.strip().casefold() == name] or found), None)


def _layouts(deck: Deck) -> Iterator[SlideLayout]:
    for master in deck.slide_masters:
        yield from master.slide_layouts


def _kinds(layout: SlideLayout) -> frozenset[KIND]:
    return frozenset(each.placeholder_format.type for each in _places(layout))


def _places(page: SlideLayout | SlideMaster) -> list[Any]:
    """Return the placeholders of a page; python-pptx types what walks over them wrongly."""
    return list(cast("Iterable[Any]", page.placeholders))


def room_below_title(deck: Deck, layout: SlideLayout) -> Box:
    """Return where slides of a layout have room: as wide as the texts of its master, down to its foot."""
    height = _inches(deck.slide_height)
    title = next(each for each in _places(layout) if each.placeholder_format.type in TITLES)
    texts = [each for each in _places(layout.slide_master) if each.placeholder_format.type == KIND.BODY]
    across = texts[0] if texts else title
    top = _inches(title.top) + _inches(title.height) + _GAP
    bottom = min([_LOWEST * height, *_feet(layout, height)])
    return Box(_inches(across.left) + _INSET, top, _inches(across.width) - 2 * _INSET, bottom - top)


def _feet(layout: SlideLayout, height: float) -> Iterator[float]:
    """Yield where the drawings at the foot of a layout and its master begin; numbers and dates give way."""
    for page in (layout, layout.slide_master):
        for shape in page.shapes:
            if not shape.is_placeholder and _FOOT_STARTS * height < _inches(shape.top) < height:
                yield _inches(shape.top)


def _is_roomy(deck: Deck, layout: SlideLayout) -> bool:
    room = room_below_title(deck, layout)
    return room.height >= _LEAST_PART * _inches(deck.slide_height) and room.width >= _LEAST_PART * _inches(
        deck.slide_width
    )


def _inches(length: int | None) -> float:
    return Emu(length or 0).inches


def open_template(path: Path) -> Deck:
    """Return the deck of a file without its slides; masters, layouts and themes are kept.

    Raises
    ------
    ExportError
        If the file cannot be read, is no deck, or lacks a layout that is needed.
    """
    deck = _opened(path)
    for entry in list(deck.slides._sldIdLst):
        deck.part.drop_rel(entry.rId)
        deck.slides._sldIdLst.remove(entry)
    for listed in deck.element.findall("{*}custShowLst") + deck.element.findall("{*}extLst"):
        deck.element.remove(listed)  # they name slides that are gone
    for owner in (deck.part, deck.part.package):
        for rel_id in [rel.rId for rel in owner._rels.values() if rel.reltype in _LEFT_BEHIND]:
            owner.drop_rel(rel_id)
    for found, needed in (
        (title_layout(deck), "a title and a text beside it, as 'Title Slide' has"),
        (plain_layout(deck), "a title alone and room below it, as 'Title Only' has"),
    ):
        if found is None:
            raise ExportError(
                f"The template '{_shown(path)}' has no layout with {needed}.",
                hint="Add such a layout to its master, or choose another --template.",
            )
    return deck


def _opened(path: Path) -> Deck:
    hint = "Name a PowerPoint file: --template corporate.pptx"
    try:
        part = Package.open(BytesIO(path.read_bytes())).main_document_part
    except OSError as error:
        raise ExportError(f"'{_shown(path)}' cannot be read: {error.strerror}.", hint=hint) from error
    except (PythonPptxError, BadZipFile, KeyError, ValueError, SyntaxError) as error:
        raise ExportError(f"'{_shown(path)}' is no PowerPoint file.", hint=hint) from error
    if not isinstance(part, PresentationPart):
        raise ExportError(f"'{_shown(path)}' is no PowerPoint file.", hint=hint)
    part._content_type = CT.PML_PRESENTATION_MAIN  # of a template or with macros, it would not open as a deck
    return cast("Deck", part.presentation)


def _shown(path: Path) -> str:
    return printable(str(path))
