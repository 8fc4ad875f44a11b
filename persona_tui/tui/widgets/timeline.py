"""What users did over time: a line a user, a letter an event, on an axis of time that begins fast."""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from textual.content import Content

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure, fitted, widest
from persona_tui.tui.widgets.rows import MUTED, Cells, nothing, within

_LETTERS: Final = string.ascii_lowercase + string.ascii_uppercase
_OTHER: Final = "*"
_SOON: Final = 10.0
"""Seconds; from here on the axis is logarithmic."""
_TICKS: Final = (
    (0, "0"),
    (10, "10 s"),
    (60, "1 min"),
    (600, "10 min"),
    (3_600, "1 h"),
    (21_600, "6 h"),
    (86_400, "1 day"),
    (604_800, "1 week"),
    (2_592_000, "30 days"),
    (31_536_000, "1 year"),
)
_LEAST_PLOT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One user.

    Parameters
    ----------
    label, note : str
        Who, from the data, and a few words of ours.
    events : tuple of str
        From the data.
    seconds : tuple of float
        When, since the first; ascending.
    is_cut : bool
        Whether there are more events.
    """

    label: str
    note: str = ""
    events: tuple[str, ...]
    seconds: tuple[float, ...]
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timelines:
    """What a figure of timelines shows.

    Parameters
    ----------
    rows : tuple of TimelineRow
    good, bad : frozenset of str
        Events that complete a journey, or drop it.
    """

    rows: tuple[TimelineRow, ...]
    good: frozenset[str] = frozenset()
    bad: frozenset[str] = frozenset()


class Timeline(Figure[Timelines]):
    """Timelines, the axis, and what the letters say."""

    def draw(self, data: Timelines, width: int, glyphs: Glyphs) -> list[Content]:
        """Return a line a user; an event whose cell is taken stands in the next one that is free."""
        if not data.rows:
            return nothing("", width, glyphs, "No users to show.")
        letters = letters_of(data)
        label = min(widest(each.label for each in data.rows), max(width // 4, 4))
        note = widest(each.note for each in data.rows)
        note = note if width - label - note - 3 >= _LEAST_PLOT else 0
        plot = max(width - label - 1 - (note + 2 if note else 0), 1)
        longest = max((row.seconds[-1] for row in data.rows if row.seconds), default=0.0)
        lines = [
            Content.assemble(
                fitted(row.label, label, glyphs),
                " ",
                _plot(row, data, letters, _Axis(longest, plot), glyphs),
                (f"  {row.note:>{note}}", MUTED) if note else "",
            )
            for row in data.rows
        ]
        axis = [_indented(each, label + 1) for each in _axis_lines(_Axis(longest, plot), glyphs)]
        return within([*lines, *axis, *_legend(letters, width, glyphs)], width)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where a time stands among some cells."""

    longest: float
    width: int

    def cell(self, seconds: float) -> int:
        whole = math.log1p(max(self.longest, 1.0) / _SOON)
        return min(round(math.log1p(seconds / _SOON) / whole * (self.width - 1)), self.width - 1)


def letters_of(data: Timelines) -> Mapping[str, str]:
    """Return a letter for each event type, the most frequent first; those beyond 52 share one sign."""
    counts = Counter(event for row in data.rows for event in row.events)
    ranked = sorted(counts, key=lambda event: (-counts[event], event))
    return {event: _LETTERS[rank] if rank < len(_LETTERS) else _OTHER for rank, event in enumerate(ranked)}


def _plot(
    row: TimelineRow, data: Timelines, letters: Mapping[str, str], axis: _Axis, glyphs: Glyphs
) -> Content:
    is_cut = row.is_cut or len(row.events) > axis.width
    room = axis.width - is_cut
    shown = row.events[:room]
    cells, free = Cells(axis.width), 0
    for place, (event, seconds) in enumerate(zip(shown, row.seconds, strict=False)):
        cell = min(max(axis.cell(seconds), free), room - len(shown) + place)
        style = "$text-success" if event in data.good else "$text-error" if event in data.bad else "$primary"
        cells.put(cell, letters[event], style)
        free = cell + 1
    if is_cut:
        cells.put(free, glyphs.ellipsis, MUTED)
    return cells.content()


def _axis_lines(axis: _Axis, glyphs: Glyphs) -> tuple[Content, Content]:
    rule, words = Cells(axis.width), Cells(axis.width)
    rule.put(0, glyphs.rule * axis.width, MUTED)
    for seconds, text in _TICKS:
        if seconds <= axis.longest:
            cell = axis.cell(seconds)
            rule.put(cell, glyphs.tee, MUTED)
            words.put_apart(cell, text, MUTED)
    return rule.content(), words.content()


def _indented(line: Content, by: int) -> Content:
    return Content.assemble(" " * by, line)


def _legend(letters: Mapping[str, str], width: int, glyphs: Glyphs) -> list[Content]:
    """Return what the letters say, in lines that are filled."""
    named = [f"{letter} {printable(event)}" for event, letter in letters.items() if letter != _OTHER]
    named = [fitted(each, min(width, widest([each])), glyphs) for each in named]
    if len(letters) > len(_LETTERS):
        named.append(f"{_OTHER} {len(letters) - len(_LETTERS):,} others")
    lines: list[str] = []
    for each in named:
        if lines and Content(f"{lines[-1]}  {each}").cell_length <= width:
            lines[-1] += f"  {each}"
        else:
            lines.append(each)
    return [Content.styled(line, MUTED) for line in lines]
