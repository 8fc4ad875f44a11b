"""What a journey is for: the steps of the funnel in their order, what completes it and what drops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from persona_tui.engine.params import format_names
from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.screens.data_choice import Outcomes
from persona_tui.tui.screens.dialog import Dialog
from persona_tui.tui.widgets.figure import fitted
from persona_tui.tui.widgets.vocabulary import EventRow, event_lines

HINT: Final = (
    "space: into the funnel or out of it · K and J: an earlier or later step · c: completes · d: drops\n"
    "x: as the log suggests · /: filter · ctrl+s: apply · escape: cancel"
)
_LONGEST: Final = 24
"""Cells of a step's name in the order of the funnel."""


class OutcomesScreen(Dialog[dict[str, Any]]):
    """Closes with the settings to change."""

    AUTO_FOCUS = "#events"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("space,enter", "give('funnel')", "Funnel"),
        ("c", "give('completion')", "Completes"),
        ("d", "give('drop')", "Drops"),
        ("K,shift+up", "move(-1)", "Earlier"),
        ("J,shift+down", "move(1)", "Later"),
        ("x", "suggest", "As the log suggests"),
        ("slash", "filter", "Filter"),
    ]

    def __init__(self, events: Sequence[EventRow], outcomes: Outcomes, suggested: Outcomes) -> None:
        super().__init__()
        self._all = self._events = tuple(events)
        self._outcomes, self._suggested = outcomes, suggested
        self._lines: list[Content] = []

    def compose(self) -> ComposeResult:
        """Build the events, the order of the steps and the keys."""
        with Vertical(classes="dialog wide"):
            yield Static(Content.styled("Funnel, completion and drop", "bold"), markup=False)
            search = Input(id="filter", placeholder="part of a name; enter goes to the events", compact=True)
            search.display = False
            yield search
            yield OptionList(id="events", markup=False, compact=True)
            yield Static(id="order", markup=False)
            yield Static(HINT, classes="hint", markup=False)

    def on_mount(self) -> None:
        """Begin at the commonest event."""
        self.query_one(OptionList).focus()

    def action_filter(self) -> None:
        """Ask for a part of the names of the events to choose from."""
        self.query_one("#filter").display = True
        self.query_one("#filter").focus()

    @on(Input.Changed)
    def _filtered(self) -> None:
        wanted = self.query_one(Input).value.casefold()
        self._events = tuple(each for each in self._all if wanted in each.name.casefold())
        self._draw()

    @on(Input.Submitted)
    def _go_to_events(self) -> None:
        self.query_one(OptionList).focus()

    def action_close(self) -> None:
        """Show all events again, or close without a choice where they are shown."""
        search = self.query_one(Input)
        if not search.display:
            super().action_close()
            return
        search.value, search.display = "", False
        self.query_one(OptionList).focus()

    def on_resize(self, _event: Resize) -> None:
        """Draw for the new width."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        events = self.query_one(OptionList)
        chosen = events.highlighted or 0
        glyphs = getattr(self.app, "glyphs", LADDER["eighths"])
        rows = tuple(replace(each, role=self._outcomes.role(each.name)) for each in self._events)
        width = events.scrollable_content_region.width - 2
        lines = event_lines(rows, width, glyphs)
        if events.option_count == len(lines):
            for number, line in enumerate(lines):
                if not line.is_same(self._lines[number]):
                    events.replace_option_prompt_at_index(number, line)
        else:
            events.set_options(Option(line) for line in lines)
            events.highlighted = chosen if lines else None
        self._lines = lines
        arrow = f" {glyphs.right} "
        names = (printable(each) for each in self._outcomes.funnel)
        short = (fitted(each, min(Content(each).cell_length, _LONGEST), glyphs).rstrip() for each in names)
        order = arrow.join(short) or "as the log suggests"
        self.query_one("#order", Static).update(f"Funnel: {order}")

    def _change(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes
        self._draw()

    @property
    def _event(self) -> str | None:
        chosen = self.query_one(OptionList).highlighted
        return self._events[chosen].name if chosen is not None else None

    def on_option_list_option_selected(self) -> None:
        """Put the event into the funnel, or take it out."""
        self.action_give("funnel")

    def action_give(self, kind: str) -> None:
        """Give the event a part, or take it away."""
        if self._event is not None:
            self._change(self._outcomes.toggled(kind, self._event))

    def action_move(self, by: int) -> None:
        """Make a step of the funnel an earlier or a later one."""
        if self._event is not None:
            self._change(self._outcomes.moved(self._event, by))

    def action_suggest(self) -> None:
        """Leave everything to the log."""
        self._change(self._suggested)

    def action_apply(self) -> None:
        """Close with the choice; what is as suggested is left open."""
        chosen = self._outcomes
        funnel = chosen.funnel if chosen.funnel != self._suggested.funnel else ()
        self.dismiss({"funnel": format_names(funnel), "completion": chosen.completion, "drop": chosen.drop})
