"""The slide that says what a real test of the leading scenario takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pptx.presentation import Presentation as Deck

from persona_tui.engine.analytics.deck_page import BODY, ROOM, add_caption, add_slide, in_full, write_notes
from persona_tui.engine.analytics.deck_shapes import Box, Style, add_bullets, flow_bullets
from persona_tui.engine.analytics.deck_tables import Column, add_table, row_heights
from persona_tui.engine.analytics.numbers import UNKNOWN, count

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report
    from persona_tui.engine.simulation.planning import Design, Plan

_DESIGNS: Final = {
    "fixed": "Fixed size",
    "O'Brien-Fleming": "May end at a look (O'Brien-Fleming)",
    "Pocock": "May end at a look (Pocock)",
    "always valid": "Watched all the time (always valid)",
}
_COLUMNS = (
    Column(title="Design", width=4.4, bold=True),
    Column(title="Control", width=1.6, align="right"),
    Column(title="Treatment", width=1.6, align="right"),
    Column(title="Weeks at most", width=1.9, align="right"),
    Column(title="Weeks on average", width=ROOM - 9.5, align="right"),
)
_DESIGNS_HEIGHT = 2.3
_BULLET_SIZE = 15


def add_plan(deck: Deck, report: Report) -> None:
    """Add what a real test of the leading scenario takes, by design, and what to mind."""
    plan = report.lead.plan
    told, remarks, top = plan.sentences(), plan.remarks(), BODY.top
    slide = add_slide(deck, report, "The real test", told[1] if len(told) > 1 else told[0])
    designs = [design for design in plan.designs if design.weeks is not None]
    if designs:
        body = add_table(
            slide,
            (BODY.left, BODY.top),
            _COLUMNS,
            [_cells(plan, design) for design in designs],
            row_heights=row_heights(len(designs), _DESIGNS_HEIGHT, tallest=0.5),
            name="Designs",
            description="Units of both arms and weeks that each design of a test takes.",
        )
        add_caption(
            slide,
            f"{plan.trial.unit.capitalize()}s of each arm, at most; weeks on average if the uplift is as "
            "predicted. A test watched all the time has no end: by then it has ended with that chance.",
        )
        top = body.bottom + 0.25
    room = Box(BODY.left, top, ROOM * 0.85, BODY.bottom - top)
    (shown, *_) = flow_bullets(remarks, room.width, room.height, _BULLET_SIZE) or [[]]
    add_bullets(slide, room, shown, Style(_BULLET_SIZE), name="Plan")
    write_notes(
        slide,
        "A prediction is settled by a real test of the change; this is how large it has to be.",
        *map(in_full, told),
    )


def _cells(plan: Plan, design: Design) -> list[str]:
    units = design.expected_units
    return [
        _DESIGNS[design.kind],
        count(design.control or 0),
        count(design.treatment or 0),
        f"{design.weeks:,.1f}",
        UNKNOWN if units is None else f"{plan.trial.weeks(units):,.1f}",
    ]
