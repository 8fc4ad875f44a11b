"""What is wrong or odd in a log, a finding at a time, with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from persona_tui.tui.glyphs import LADDER, Glyphs
from persona_tui.tui.widgets.figure import fitted
from persona_tui.tui.widgets.recognised import wrapped

CURES: Final = {
    "rejected": "Mend these rows at the source, or check columns and dates (c).",
    "shared_sessions": "If sessions are wrong: another session column (c), or a step sessionise (a).",
    "spellings": "A step rename makes one event type of them (a).",
    "absurd_users": "If they are robots or tests, leave them out: a step where (a).",
    "vocabulary": "A step fold_rare keeps the commonest (a).",
    "future": "Check the time column, the zone and the order of dates (c).",
    "ancient": "Check the time column, the zone and the order of dates (c).",
}
"""By the kind of a finding."""
STYLES: Final = {"dropped": "$error", "repaired": "$warning", "kept": "$text-muted"}
_COUNT, _SHARE, _DONE, _GAP = 16, 7, 8, 2
_BESIDE: Final = 72
"""Cells from which the sentence stands beside the numbers, else it stands below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A finding as it is shown.

    Parameters
    ----------
    kind : str
    count : str
        With what it counts.
    share : str
    done : str
        ``dropped``, ``repaired`` or ``kept``.
    sentence : str
    examples : tuple of str
    place : (str, int), optional
        File and line of the first example in the source.
    """

    kind: str
    count: str
    share: str
    done: str
    sentence: str
    examples: tuple[str, ...] = ()
    place: tuple[str, int] | None = None

    @property
    def cure(self) -> str:
        """Return what to do about it, empty where nothing is known to help."""
        return CURES.get(self.kind, "")


def finding_lines(row: FindingRow, width: int, glyphs: Glyphs) -> list[Content]:
    """Return a finding at a width: its numbers, then what it is, where, and what to do."""
    is_wide = width >= _BESIDE
    numbers = Content.assemble(
        (f"{row.count:>{_COUNT}}" if is_wide else row.count, "bold"),
        f"{row.share:>{_SHARE}}  ",
        (f"{row.done:<{_DONE}}", STYLES.get(row.done, "")),
    )
    indent = numbers.cell_length + _GAP if is_wide else min(2, width - 1)
    room = max(width - indent, 1)
    text = wrapped(row.sentence[:1].upper() + row.sentence[1:], room)
    if row.examples:
        shown = f"First: {row.examples[0]}"
        text.append(Content.styled(fitted(shown, room, glyphs).rstrip(), "$text-muted"))
    if row.cure:
        text += [each.stylize("$text-muted") for each in wrapped(row.cure, room)]
    if not is_wide:
        return [numbers.truncate(width), *(Content.assemble(" " * indent, each) for each in text)]
    first, *rest = text
    lines = [Content.assemble(numbers, " " * _GAP, first)]
    return lines + [Content.assemble(" " * indent, each) for each in rest]


class QualityTable(OptionList):
    """The findings; enter goes to the first row that one is about."""

    HELP = "Findings about the log: up and down choose one, enter shows the first row that it is about."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, markup=False, compact=True)
        self._rows: tuple[FindingRow, ...] = ()

    @property
    def rows(self) -> tuple[FindingRow, ...]:
        """Return the findings in view."""
        return self._rows

    def show(self, rows: Sequence[FindingRow]) -> None:
        """Show some findings."""
        self._rows = tuple(rows)
        self._draw()

    def on_resize(self, _event: Resize) -> None:
        """Draw for the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width - 2
        if width < 1:
            return
        glyphs = getattr(self.app, "glyphs", LADDER["eighths"])
        chosen = self.highlighted
        self.clear_options()
        if not self._rows:
            self.add_option(Option("Nothing: every row was used as it is.", disabled=True))
        self.add_options(
            Option(Content("\n").join(finding_lines(row, width, glyphs)), id=str(number))
            for number, row in enumerate(self._rows)
        )
        if chosen is not None and chosen < self.option_count:
            self.highlighted = chosen
