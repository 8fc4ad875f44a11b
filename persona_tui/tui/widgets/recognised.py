"""What a log was taken for: a sentence, how sure that is, and which column plays which part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs, bar
from persona_tui.tui.widgets.figure import Figure, fitted

PARTS: Final = {
    "user_id": "user",
    "session_id": "session",
    "timestamp": "time",
    "event_type": "event",
    "metadata": "metadata",
}
"""Canonical columns in words."""
MISSING: Final = {
    "session_id": "none: sessions are cut by inactivity",
    "metadata": "none",
}
SURE, LIKELY = 0.9, 0.6
_CONFIDENCE_BAR: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What the figure shows.

    Parameters
    ----------
    sentence : str
    confidence : float
    columns : tuple of (str, str)
        Canonical name and column of the source.
    given : frozenset of str
        Canonical names that the analyst has set.
    notes : tuple of str
        A sentence each: what was settled and repaired.
    """

    sentence: str
    confidence: float
    columns: tuple[tuple[str, str], ...]
    given: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


class RecognisedColumns(Figure[Recognised]):
    """Says how the log is read."""

    def draw(self, data: Recognised, width: int, glyphs: Glyphs) -> list[Content]:
        """Return the sentence, the confidence, the columns and the notes."""
        word, style = confidence_words(data.confidence)
        sure = Content.assemble(
            (bar(data.confidence, min(_CONFIDENCE_BAR, width), glyphs), style),
            f" {data.confidence:.0%} confident: {word}",
        )
        lines = [*wrapped(data.sentence, width), *sure.wrap(width), Content("")]
        found = dict(data.columns)
        label = min(max(map(len, PARTS.values())) + 2, width)
        for part, word in PARTS.items():
            column = found.get(part, MISSING.get(part, "not found"))
            told = f"{column} (set by you)" if part in data.given else column
            lines.append(
                Content.assemble(
                    (fitted(word, label, glyphs), "$text-muted"),
                    (fitted(told, max(width - label, 0), glyphs), "" if part in found else "$text-muted"),
                )
            )
        for note in data.notes:
            lines += listed(note, width)
        return [each.truncate(width) for each in lines]


def confidence_words(confidence: float) -> tuple[str, str]:
    """Return what a confidence means, and the style of its bar.

    Examples
    --------
    >>> confidence_words(0.7)
    ('likely; look at the columns below', '$warning')
    """
    if confidence >= SURE:
        return "sure", "$success"
    if confidence >= LIKELY:
        return "likely; look at the columns below", "$warning"
    return "a guess; check the columns below", "$error"


def wrapped(text: str, width: int) -> list[Content]:
    """Return text from the data on lines of at most so many cells."""
    return Content(printable(text)).wrap(width) if width > 0 else []


def listed(text: str, width: int, mark: str = "- ") -> list[Content]:
    """Return an item of a list, later lines standing under the first.

    Examples
    --------
    >>> [each.plain.rstrip() for each in listed("one two", 6)]
    ['- one', '  two']
    """
    rest = wrapped(text, max(width - len(mark), 1))
    return [
        Content.assemble((mark if number == 0 else " " * len(mark), "$text-muted"), each)
        for number, each in enumerate(rest)
    ]
