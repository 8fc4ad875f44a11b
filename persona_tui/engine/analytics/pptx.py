"""A report as a deck: one function a slide, in the order in which they are shown.

To add a slide, write a function that takes the deck and the report, and name it in ``_SLIDES``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pptx.presentation import Presentation as Deck

from persona_tui.engine.analytics.branding import HOUSE, Branding
from persona_tui.engine.analytics.deck_appendix import add_assumptions, add_quality, add_recipe
from persona_tui.engine.analytics.deck_branding import finish_deck, open_deck
from persona_tui.engine.analytics.deck_file import save_deck
from persona_tui.engine.analytics.deck_flow import add_flow
from persona_tui.engine.analytics.deck_funnel import add_funnel
from persona_tui.engine.analytics.deck_leaving import add_leaving
from persona_tui.engine.analytics.deck_opening import add_decision, add_reading, add_title
from persona_tui.engine.analytics.deck_personas import add_personas
from persona_tui.engine.analytics.deck_plan import add_plan
from persona_tui.engine.analytics.deck_portraits import add_portraits
from persona_tui.engine.analytics.deck_scenarios import add_drivers, add_scenarios
from persona_tui.engine.analytics.deck_trust import add_sections, add_trust
from persona_tui.engine.analytics.deck_uplifts import add_groups, add_uplifts
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report


def write_deck(report: Report, path: Path, branding: Branding = HOUSE) -> Path:
    """Write a report as a deck of native, editable slides.

    Parameters
    ----------
    report : Report
    path : Path
        Its folder exists; a file that is there is replaced.
    branding : Branding
        Whose author, logo, accent and template it has.

    Returns
    -------
    Path

    Raises
    ------
    ExportError
        If the file cannot be written, or the template, logo or accent cannot be used; then nothing is
        left of it.

    Notes
    -----
    The same report gives the same bytes. Text from the log is never interpreted: a name
    that a slide cannot hold is cut, and stands in full in the speaker notes.
    """
    deck = _filled(report, branding)
    finish_deck(deck, branding)
    properties = deck.core_properties
    properties.title = printable(report.title)[:255]
    properties.author = branding.author[:255] or "persona_tui"
    properties.last_modified_by = "persona_tui"
    properties.created = properties.modified = report.log.last
    save_deck(deck, path)
    return path


def outline(report: Report) -> tuple[str, ...]:
    """Return the title of every slide of a report's deck, in order."""
    titles_of = (slide.shapes.title for slide in _filled(report, HOUSE).slides)
    return tuple("" if title is None else title.text_frame.text for title in titles_of)


def _filled(report: Report, branding: Branding) -> Deck:
    deck = open_deck(branding)
    for add_slides in _SLIDES:
        add_slides(deck, report)
    return deck


_SLIDES: Final[tuple[Callable[[Deck, Report], None], ...]] = (
    add_title,
    add_reading,
    add_decision,
    add_personas,
    add_portraits,
    add_flow,
    add_funnel,
    add_uplifts,
    add_leaving,
    add_scenarios,
    add_drivers,
    add_plan,
    add_groups,
    add_trust,
    add_sections,
    add_assumptions,
    add_quality,
    add_recipe,
)
