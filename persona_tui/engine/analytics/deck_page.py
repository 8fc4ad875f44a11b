"""What every slide of a deck has: a message, a place for its body, a footer, and notes on how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar, cast

from pptx.presentation import Presentation as Deck
from pptx.shapes.autoshape import Shape
from pptx.slide import Slide

from persona_tui.engine.analytics.deck_file import WIDTH
from persona_tui.engine.analytics.deck_layouts import plain_layout
from persona_tui.engine.analytics.deck_shapes import (
    ACCENT,
    CONTROL,
    INK,
    QUIET,
    TREATMENT,
    Box,
    Run,
    Style,
    add_footer,
    add_runs,
    add_text,
    fill_text,
)
from persona_tui.engine.analytics.deck_titles import origin
from persona_tui.engine.analytics.numbers import NARROW_SPACE
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report

T = TypeVar("T")

MARGIN: Final = 0.6
ROOM: Final = WIDTH - 2 * MARGIN
BODY: Final = Box(MARGIN, 1.85, ROOM, 4.65)
TITLE: Final = Box(MARGIN, 0.72, ROOM, 0.9)
TITLE_SIZES: Final = (26, 24, 22, 20)
INTERVAL: Final = f"95{NARROW_SPACE}% interval"

_KICKER = Box(MARGIN, 0.4, ROOM, 0.24)
_CAPTION = Box(MARGIN, 6.6, ROOM, 0.24)
_FOOTER = Box(MARGIN, 7.04, ROOM - 1.2, 0.22)
_NUMBER = Box(WIDTH - MARGIN - 1.0, 7.04, 1.0, 0.22)
_GAP = 0.1
_LONGEST_NAME = 2000
_LEGEND_SIZE = 12


def add_slide(
    deck: Deck,
    report: Report,
    topic: str,
    message: str,
    *,
    title_box: Box = TITLE,
    sizes: Sequence[float] = TITLE_SIZES,
) -> Slide:
    """Add a slide with its topic, its message as title, and the footer."""
    slide: Slide = deck.slides.add_slide(plain_layout(deck))
    fill_text(
        cast("Shape", slide.shapes.title), title_box, message, Style(sizes[0], INK, bold=True), sizes=sizes
    )
    add_text(slide, _KICKER, topic.upper(), Style(11, ACCENT, bold=True), name="Topic")
    add_footer(slide, (_FOOTER, _NUMBER), f"persona_tui · {origin(report)}", len(deck.slides))
    return slide


def beside(body: Box) -> Box:
    """Return the place to the right of a table, level with its rows."""
    left = body.left + body.width + _GAP
    return Box(left, body.top, BODY.left + ROOM - left, body.height)


def add_caption(slide: Slide, text: str) -> None:
    """Add a line on how to read what is above it."""
    add_text(slide, _CAPTION, text, Style(12, QUIET), sizes=(12, 11, 10), name="How to read it")


def add_arm_legend(slide: Slide, box: Box) -> None:
    """Add which colour is which arm."""
    runs = [
        Run("■ ", Style(_LEGEND_SIZE, CONTROL)),
        Run("Control    ", Style(_LEGEND_SIZE, QUIET)),
        Run("■ ", Style(_LEGEND_SIZE, TREATMENT)),
        Run("Treatment", Style(_LEGEND_SIZE, QUIET)),
    ]
    add_runs(slide, box, runs, name="Legend", align="center")


def write_notes(slide: Slide, *lines: str) -> None:
    """Write the speaker notes, a paragraph a line; a template may have no place for them."""
    frame = slide.notes_slide.notes_text_frame
    if frame is not None:
        frame.text = "\n".join(printable(line) for line in lines)


def in_full(name: str) -> str:
    """Return a name for the notes, where all but absurd lengths have room.

    Examples
    --------
    >>> in_full("signup"), len(in_full("x" * 1_000_000))
    ('signup', 2001)
    """
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"


def numbered(message: str, number: int, n_pages: int) -> str:
    """Return a message that says which part of several it heads.

    Examples
    --------
    >>> numbered("Who they are", 2, 3), numbered("Who they are", 1, 1)
    ('Who they are (2 of 3)', 'Who they are')
    """
    return message if n_pages == 1 else f"{message} ({number} of {n_pages})"


def pages(items: Sequence[T], largest: int) -> list[Sequence[T]]:
    """Split items into as few, as equal pages as there can be.

    Examples
    --------
    >>> pages("abcdefghi", 4)
    ['abc', 'def', 'ghi']
    """
    n_pages = -(-len(items) // largest)
    cuts = [len(items) * page // max(n_pages, 1) for page in range(n_pages + 1)]
    return [items[start:end] for start, end in pairwise(cuts)]
