"""SVG pictures read back: where their marks and words are, and that they do no harm."""

import io
import re
import unicodedata
from functools import cache
from importlib import resources
from xml.etree import ElementTree

from PIL import ImageFont

SVG = "{http://www.w3.org/2000/svg}"
PLACES = ("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r")
MARKS = {"svg", "title", "desc", "rect", "line", "circle", "path", "text"}


@cache
def font(size):
    face = resources.files("persona_tui.engine.analytics") / "fonts" / "Carlito-Regular.ttf"
    return ImageFont.truetype(io.BytesIO(face.read_bytes()), size)


def drawn_width(text, size):
    """Return the width of a text in pixels: by the font for what it has, else as wide as is usual."""
    latin = "".join(char for char in text if char < "\u0500")
    others = [char for char in text if char >= "\u0500" and not unicodedata.combining(char)]
    wide = sum(1.4 if char > "\U0001f000" else 1.0 for char in others if char not in "\u200d\ufe0f")
    return font(100).getlength(latin) * size / 100 + size * wide


def words_of(text):
    """Return what a text shows, without what it tells where it is pointed at."""
    told = [child.text for child in text if child.tag == f"{SVG}title"]
    return "".join(text.itertext()).removeprefix("".join(told))


def box_of(text):
    """Return left, right, top and bottom of a text of a picture."""
    size, x, y = (float(text.get(name)) for name in ("font-size", "x", "y"))
    width = drawn_width(words_of(text), size)
    left = x - {"start": 0, "middle": width / 2, "end": width}[text.get("text-anchor")]
    return left, left + width, y - 0.75 * size, y + 0.2 * size


def read(svg):
    root = ElementTree.fromstring(svg)
    _, _, width, height = map(float, root.get("viewBox").split())
    return root, width, height


def ends_of(mark):
    """Return the corners of a mark that is no text."""
    get = {name: float(value) for name, value in mark.attrib.items() if name in PLACES}
    if mark.tag == f"{SVG}rect":
        right, bottom = get["x"] + float(mark.get("width")), get["y"] + float(mark.get("height"))
        return [(get["x"], get["y"]), (right, bottom)]
    if mark.tag == f"{SVG}line":
        return [(get["x1"], get["y1"]), (get["x2"], get["y2"])]
    if mark.tag == f"{SVG}circle":
        return [(get["cx"] - get["r"], get["cy"] - get["r"]), (get["cx"] + get["r"], get["cy"] + get["r"])]
    numbers = [float(each) for each in re.findall(r"-?[\d.]+", re.sub(r"V(\S+?)C", r" ", mark.get("d")))]
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def assert_inside(svg):
    root, width, height = read(svg)
    for text in root.iter(f"{SVG}text"):
        left, right, top, bottom = box_of(text)
        assert left >= 0
        assert right <= width
        assert top >= 0
        assert bottom <= height
    for mark in root:
        if mark.tag.removeprefix(SVG) in {"line", "circle", "path"} or mark.get("x"):
            for x, y in ends_of(mark) if mark.tag != f"{SVG}text" else ():
                assert -0.1 <= x <= width + 0.1
                assert -0.1 <= y <= height + 0.1


def assert_harmless(svg):
    root, _, _ = read(svg)
    for each in root.iter():
        assert each.tag.removeprefix(SVG) in MARKS
        assert not [
            name for name in each.attrib if name.startswith("on") or "href" in name or name == "style"
        ]
    words = "".join(root.itertext())
    assert not [char for char in words if unicodedata.category(char) in {"Cc", "Cs"} and char != "\n"]
    assert "\u202e" not in words
