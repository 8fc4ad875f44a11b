"""What figures of rows share: cells that are drawn over, columns of numbers, and an axis below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len
from textual.content import Content

from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import fitted, widest
from persona_tui.tui.widgets.measures import Scale, in_glyphs

MUTED = "$text-muted"
_GAP = 2


class Cells:
    """Cells of one line that are drawn over one another."""

    def __init__(self, width: int) -> None:
        self._chars = [" "] * width
        self._styles = [""] * width

    def put(self, start: int, text: str, style: str = "") -> None:
        """Draw text from a cell on; what lies outside is left out."""
        cell = start
        for char in text:
            size = cell_len(char)
            if size and cell >= 0 and cell + size <= len(self._chars):
                self._chars[cell : cell + size] = [char, *[""] * (size - 1)]
                self._styles[cell : cell + size] = [style] * size
            cell += size

    def put_apart(self, centre: int, text: str, style: str = "") -> bool:
        """Draw text around a cell, inside and a cell away from what is drawn; return whether it has room."""
        size, width = cell_len(text), len(self._chars)
        start = min(max(centre - size // 2, 0), width - size)
        if start < 0 or "".join(self._chars[max(start - 1, 0) : start + size + 1]).strip():
            return False
        self.put(start, text, style)
        return True

    def content(self) -> Content:
        """Return the cells, in as few pieces as styles allow."""
        pieces: list[tuple[str, str]] = []
        for style, run in groupby(zip(self._chars, self._styles, strict=True), key=lambda cell: cell[1]):
            pieces.append(("".join(char for char, _ in run), style))
        return Content.assemble(*pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the width of a figure is dealt out: a label, a plot, and columns of numbers to its right.

    Parameters
    ----------
    label, plot : int
        Cells.
    numbers : tuple of int
        Cells of each column; 0 where it has nothing to say, and the least needed ones are left out.
    """

    label: int
    plot: int
    numbers: tuple[int, ...]

    @property
    def first_end(self) -> int:
        """Return the cell after the first column of numbers."""
        return self.label + 1 + self.plot + (_GAP + self.numbers[0] if self.numbers[0] else 0)

    def line(self, label: Content, plot: Content, numbers: Sequence[tuple[str, str]]) -> Content:
        """Return one line: the parts side by side, numbers (text and style) to the right of theirs."""
        parts: list[Content | str | tuple[str, str]] = [label, " ", plot]
        for (text, style), room in zip(numbers, self.numbers, strict=False):
            if room:
                parts.append((" " * (_GAP + room - cell_len(text)) + text, style))
        return Content.assemble(*parts)

    def titles(self, title: str, numbers: Sequence[str], glyphs: Glyphs) -> list[Content]:
        """Return the line above all others, if it says what is shown or what a column of numbers is."""
        if not title and not any(numbers):
            return []
        room = self.label + 1 + self.plot
        blank = self.line(
            Content(" " * self.label), Content(" " * self.plot), [(text, MUTED) for text in numbers]
        )
        return [Content.assemble(label_content(title, room, glyphs, "bold"), blank[room:])]


def deal_width(
    labels: Sequence[str],
    numbers: Sequence[Sequence[str]],
    width: int,
    *,
    least_plot: int = 12,
    needed: int = 1,
    smallest_plot: int = 12,
) -> Layout:
    """Return how a width is dealt out: columns of numbers go, the last first, until the plot has room.

    ``numbers`` holds columns, the most needed first; what stays of the width is the plot's. The ``needed``
    columns stay as long as the plot has the smallest size that it can be read at.
    """
    longest = widest(labels)
    rooms = [max(map(cell_len, column), default=0) for column in numbers]
    label = min(longest, max(width * 3 // 10, 8))
    while len(rooms) > 1:
        enough = smallest_plot if len(rooms) <= needed else least_plot
        if _left(width, label, rooms) >= enough:
            break
        rooms.pop()
    spare = _left(width, label, rooms)
    growth = max(spare - max(width * 2 // 9, least_plot), 0)
    label = min(longest, label + growth) if spare > 0 else max(label + spare - 1, 1)
    return Layout(label=label, plot=max(_left(width, label, rooms), 0), numbers=tuple(rooms))


def _left(width: int, label: int, rooms: Sequence[int]) -> int:
    """Return how many cells a label and columns leave of a width."""
    return width - label - 1 - sum(room + _GAP for room in rooms if room)


def label_content(text: str, width: int, glyphs: Glyphs, style: str = "") -> Content:
    """Return a label from the data in exactly so many cells."""
    return Content.assemble((fitted(text, width, glyphs), style)) if width > 0 else Content("")


def axis_lines(scale: Scale, glyphs: Glyphs) -> tuple[Content, Content]:
    """Return the line of an axis with its ticks, and the numbers below them that do not touch."""
    line, numbers = Cells(scale.width), Cells(scale.width)
    line.put(0, glyphs.rule * scale.width, MUTED)
    origin = scale.measure.place(scale.measure.origin)
    for place in sorted(
        scale.ticks, key=lambda place: (place != origin, place not in {scale.low, scale.high})
    ):
        cell = scale.cell_of_place(place)
        line.put(cell, glyphs.tee, MUTED)
        numbers.put_apart(cell, in_glyphs(scale.measure.tick(scale.measure.value_at(place)), glyphs), MUTED)
    return line.content(), numbers.content()


def nothing(title: str, width: int, glyphs: Glyphs, words: str = "Nothing to show.") -> list[Content]:
    """Return what a figure without data says."""
    said = label_content(words, width, glyphs, MUTED)
    return within([label_content(title, width, glyphs, "bold"), said] if title else [said], width)


def within(lines: Sequence[Content], width: int) -> list[Content]:
    """Return lines of which none is wider than so many cells, without blanks at their ends."""
    return [line.rstrip().truncate(width) if width > 0 else Content("") for line in lines]
