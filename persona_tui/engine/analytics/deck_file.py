"""The file of a deck: an empty one in house style, and how it gets to disk whole and reproducible."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.opc.package import Part
from pptx.presentation import Presentation as Deck
from pptx.slide import SlideMaster
from pptx.util import Inches, Pt

from persona_tui.engine.files import write_whole

WIDTH, HEIGHT = 13.333, 7.5
"""Of a slide, inches."""
FONT = "Calibri"
COLORS = {
    "dk1": "1F2933",
    "lt1": "FFFFFF",
    "dk2": "5B6673",
    "lt2": "F3F5F7",
    "accent1": "1B3A57",
    "accent2": "7C8896",
    "accent3": "C2410C",
    "accent4": "D5DAE0",
    "accent5": "9FB3C8",
    "accent6": "E8A87C",
}
"""Theme colours: text, ground, quiet text, panels, accent, control, treatment, rules, bars, a spare."""

_KEPT_LAYOUTS = ("Title Slide", "Title and Content", "Title Only", "Blank")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_TEMPLATE_WIDTH = 10.0


def empty_deck() -> Deck:
    """Return a deck without slides: 16:9, house colours and fonts, so that slides added later match."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
    deck.element.find(".//{*}sldSz").attrib.pop("type", None)
    for layout in list(deck.slide_layouts):
        if layout.name not in _KEPT_LAYOUTS:
            deck.slide_layouts.remove(layout)
    for page in (deck.slide_master, *deck.slide_layouts):
        for shape in page.shapes:
            if shape.element.find(".//{*}xfrm") is not None:
                shape.left = int(shape.left * WIDTH / _TEMPLATE_WIDTH)
                shape.width = int(shape.width * WIDTH / _TEMPLATE_WIDTH)
    paint(deck, COLORS)
    _style_titles(deck)
    _drop_leftovers(deck)
    return deck


def theme_of(master: SlideMaster) -> Part:
    """Return the theme that a master takes its fonts and colours from."""
    part: Part = master.part.part_related_by(RT.THEME)
    return part


def paint(deck: Deck, colors: Mapping[str, str]) -> None:
    """Set some colours of the themes of a deck, by their names there, as ``rrggbb``."""
    for master in deck.slide_masters:
        theme = theme_of(master)
        xml = theme.blob.decode("utf-8")
        for name, color in colors.items():
            filled = rf'\g<1><a:srgbClr val="{color}"/>\g<2>'
            xml = re.sub(rf"(<a:{name}>).*?(</a:{name}>)", filled, xml, flags=re.DOTALL)
        theme.blob = xml.encode("utf-8")


def _style_titles(deck: Deck) -> None:
    first_level = deck.slide_master.element.find(".//{*}titleStyle/{*}lvl1pPr")
    first_level.set("algn", "l")
    run = first_level.find("{*}defRPr")
    run.set("sz", str(Pt(26).centipoints))
    run.set("b", "1")


def _drop_leftovers(deck: Deck) -> None:
    """Drop what the template carries of another machine: its preview picture and its printer."""
    package = deck.part.package
    for rel_id in [rel.rId for rel in package.iter_rels() if rel.reltype == RT.THUMBNAIL]:
        package.drop_rel(rel_id)
    for rel_id in [rel.rId for rel in deck.part.rels.values() if rel.reltype == RT.PRINTER_SETTINGS]:
        deck.part.drop_rel(rel_id)


def save_deck(deck: Deck, path: Path) -> None:
    """Save a deck: the file appears whole or not at all, and holds no time of its writing.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    deck.save(buffer)
    content = _undated(buffer)
    write_whole(path, lambda temporary: temporary.write_bytes(content))


def _undated(package: io.BytesIO) -> bytes:
    """Return a package with the dates of its entries set to the earliest there is."""
    undated = io.BytesIO()
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(undated, "w") as target:
        for entry in source.infolist():
            fixed = zipfile.ZipInfo(entry.filename, _EPOCH)
            fixed.compress_type = zipfile.ZIP_DEFLATED
            fixed.create_system = 0
            target.writestr(fixed, source.read(entry))
    return undated.getvalue()
