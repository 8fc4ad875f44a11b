"""The layouts of a deck, and a deck that takes them from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

from lxml.etree import XMLSyntaxError
from pptx.enum.shapes import PP_PLACEHOLDER as KIND
from pptx.exc import PythonPptxError
from pptx.opc.constants import CONTENT_TYPE as CT
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.package import Package
from pptx.parts.presentation import PresentationPart
from pptx.presentation import Presentation as Deck
from pptx.slide import SlideLayout

from persona_tui.engine.errors import ExportError
from persona_tui.engine.text import printable

TITLES: Final = frozenset({KIND.TITLE, KIND.CENTER_TITLE})
TEXTS: Final = frozenset({KIND.SUBTITLE, KIND.BODY})
FOOT: Final = frozenset({KIND.DATE, KIND.FOOTER, KIND.SLIDE_NUMBER})
_MACROS: Final = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
_LEFT_BEHIND: Final = (RT.THUMBNAIL, RT.PRINTER_SETTINGS, _MACROS)


def title_layout(deck: Deck) -> SlideLayout | None:
    """Return the layout of a first slide: by its name, else the first with a title and a text below."""
    return _find(deck, "title slide", lambda kinds: bool(kinds & TITLES) and bool(kinds & TEXTS))


def plain_layout(deck: Deck) -> SlideLayout | None:
    """Return the layout with a title alone: by its name, else the first whose other places are free."""
    return _find(deck, "title only", lambda kinds: bool(kinds & TITLES) and kinds <= TITLES | FOOT)


def _find(deck: Deck, name: str, fits: Callable[[frozenset[KIND]], bool]) -> SlideLayout | None:
    layouts = [layout for layout in _layouts(deck) if fits(_kinds(layout))]
    named = [layout for layout in layouts if layout.name.strip().casefold() == name]
    return next(iter(named or layouts), None)


def _layouts(deck: Deck) -> Iterator[SlideLayout]:
    for master in deck.slide_masters:
        yield from master.slide_layouts


def _kinds(layout: SlideLayout) -> frozenset[KIND]:
    return frozenset(each.placeholder_format.type for each in layout.placeholders)


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
        (title_layout(deck), "a title and a text below it, as 'Title Slide' has"),
        (plain_layout(deck), "a title alone, as 'Title Only' has"),
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
    except (PythonPptxError, BadZipFile, KeyError, ValueError, XMLSyntaxError) as error:
        raise ExportError(f"'{_shown(path)}' is no PowerPoint file.", hint=hint) from error
    if not isinstance(part, PresentationPart):
        raise ExportError(f"'{_shown(path)}' is no PowerPoint file.", hint=hint)
    part._content_type = CT.PML_PRESENTATION_MAIN  # of a template or with macros, it would not open as a deck
    return part.presentation


def _shown(path: Path) -> str:
    return printable(str(path))
