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
    "rejected": "Mend the rows in the source, or check the columns (c) and the dates.",
    "duplicates": "Nothing to do: copies are counted once.",
    "out_of_order": "Nothing to do: times decide the order.",
    "shared_sessions": "Check the session column (c), or cut sessions by inactivity (a, sessionise).",
    "one_event_users": "If they are bots or bounces, leave their events out (a).",
    "censored_users": "Nothing to do: they are not counted as lost.",
    "rare_events": "Fold rare event types into one (a, fold_rare).",
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
    line : int, optional
        Of the first example in the source.
    """

    kind: str
    count: str
    share: str
    done: str
    sentence: str
    examples: tuple[str, ...] = ()
    line: int | None = None

    @property
    def cure(self) -> str:
        """Return what to do about it, empty where nothing is known to help."""
        return CURES.get(self.kind, "")


def finding_lines(row: FindingRow, width: int, glyphs: Glyphs) -> list[Content]:
    """Return a finding at a width: its numbers, then what it is, where, and what to do."""
    numbers = Content.assemble(
        f"{row.count:>{_COUNT}}",
        f"{row.share:>{_SHARE}}",
        "  ",
        (f"{row.done:<{_DONE}}", STYLES.get(row.done, "")),
    )
    indent = numbers.cell_length + _GAP if width >= _BESIDE else min(4, width - 1)
    room = max(width - indent, 1)
    text = wrapped(row.sentence[:1].upper() + row.sentence[1:], room)
    if row.examples:
        shown = ", ".join(row.examples)
        text.append(Content.styled(fitted(f"e.g. {shown}", room, glyphs).rstrip(), "$text-muted"))
    if row.cure:
        text += [Content.assemble(each.stylize("$text-muted")) for each in wrapped(row.cure, room)]
    if width < _BESIDE:
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
