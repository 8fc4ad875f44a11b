"""What all figures have in common: data, glyphs, and text that is drawn to the cells it has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import LADDER, Glyphs

Data = TypeVar("Data")


class Figure(Widget, Generic[Data]):
    """A figure that is drawn anew whenever its data, its glyphs or its size change.

    Subclasses draw in ``draw``, a function of data, size and glyphs alone.
    """

    DEFAULT_CSS = "Figure { height: auto; width: 1fr; }"

    data: reactive[Any] = reactive(None, layout=True)
    glyphs: reactive[Glyphs] = reactive(LADDER["eighths"])

    def __init__(
        self,
        data: Data | None = None,
        *,
        glyphs: Glyphs | None = None,
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.set_reactive(Figure.data, data)
        if glyphs is not None:
            self.set_reactive(Figure.glyphs, glyphs)

    def on_mount(self) -> None:
        """Take the glyphs of the app where it has chosen some."""
        self.glyphs = getattr(self.app, "glyphs", self.glyphs)

    @abstractmethod
    def draw(self, data: Data, width: int, glyphs: Glyphs) -> list[Content]:
        """Return the lines of the figure, none wider than ``width`` cells."""

    def render(self) -> Content:
        """Return the figure at the width that it has."""
        if self.data is None or self.size.width < 1:
            return Content("")
        return Content("\n").join(self.draw(self.data, self.size.width, self.glyphs))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002
        """Return how many lines the figure takes at a width."""
        return len(self.draw(self.data, width, self.glyphs)) if self.data is not None and width > 0 else 0


def fitted(text: str, width: int, glyphs: Glyphs) -> str:
    """Return text from the data as it can be shown, in exactly so many cells; shortened in its middle.

    Examples
    --------
    >>> fitted("onboarding_step_1", 10, LADDER["eighths"]), fitted("日本", 5, LADDER["eighths"])
    ('onboa…ep_1', '日本 ')
    """
    shown = Content(printable(text))
    if shown.cell_length > width:
        tail = (width - 1) // 2
        head = width - 1 - tail
        shown = Content.assemble(shown.truncate(head), glyphs.ellipsis, Content(_end(shown.plain, tail)))
    return shown.plain + " " * (width - shown.cell_length)


def widest(texts: Iterable[str]) -> int:
    """Return the cells that the widest of some texts from the data takes."""
    return max((Content(printable(text)).cell_length for text in texts), default=0)


def _end(text: str, width: int) -> str:
    """Return the longest end of a text that takes at most so many cells."""
    end = ""
    for char in reversed(text):
        if Content(char + end).cell_length > width:
            break
        end = char + end
    return end
