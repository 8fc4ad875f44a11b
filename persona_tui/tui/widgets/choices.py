"""A list of which several can be chosen; what is chosen is told by a mark, not by its colour alone."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import SelectionList
from textual.widgets.option_list import OptionDoesNotExist

_CHOSEN, _LEFT = "[x]", "[ ]"


class Choices(SelectionList[str]):
    """A selection list whose boxes can be read without colours."""

    def render_line(self, y: int) -> Strip:
        """Draw a line with its box, empty where it is not chosen."""
        line = super().render_line(y)
        try:
            option = self.get_option_at_index(self.scroll_offset.y + y)
        except OptionDoesNotExist:
            return line
        _, button, _, *rest = line
        box = _CHOSEN if option.value in self.selected else _LEFT
        return Strip([Segment(box, button.style), *rest])
