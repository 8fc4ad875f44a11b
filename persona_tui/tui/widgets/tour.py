"""A walk through the five jobs for who opens the app for the first time; below whatever screen it is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content
from textual.events import Click
from textual.reactive import reactive
from textual.widgets import Static


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One stop of the tour.

    Parameters
    ----------
    screen : str
        On which it is.
    title : str
    text : str
        What there is to see, and what to try.
    """

    screen: str
    title: str
    text: str


STOPS: Final = (
    Stop(
        screen="data",
        title="A log of what people did",
        text="Each row is an event: a user, a time, what happened. Above: how much there is, what was "
        "recognised, and what is wrong with it. Try ] for the preparation and the rows, f for the funnel.",
    ),
    Stop(
        screen="personas",
        title="Who the people are",
        text="Users who walk alike make a persona. Each has its share and its conversion, with an interval: "
        "the range that the log leaves open. Try up and down, then k: why there are so many.",
    ),
    Stop(
        screen="flow",
        title="What if the flow changes",
        text="On the left, the change; on the right, what it does, worked out anew at every key. Try e, "
        "another number, and enter. z takes it back. ] shows the funnel, and what drives the result.",
    ),
    Stop(
        screen="simulate",
        title="An experiment before it is built",
        text="Synthetic users walk the flow with and without the change, beside the exact values. It runs "
        "on its own: the app can be left meanwhile.",
    ),
    Stop(
        screen="report",
        title="What to decide, and the deck",
        text="The answer in one sentence, the scenarios side by side, what a real test would take. Try e: "
        "slides, a page, tables. y copies the command that does the same in a script.",
    ),
)


class Tour(Static):
    """The stop that the tour is at; nothing where there is no tour."""

    DEFAULT_CSS = """
    Tour {
        height: auto; padding: 0 1; display: none; background: $panel; border-top: solid $accent;
    }
    .-ascii Tour { border-top: ascii $accent; }
    """
    stop: reactive[int | None] = reactive(None)

    def __init__(self) -> None:
        super().__init__(markup=False)

    def watch_stop(self, stop: int | None) -> None:
        """Show the stop."""
        self.display = stop is not None
        if stop is None:
            return
        here = STOPS[stop]
        last = stop == len(STOPS) - 1
        keys = "f3 ends the tour (f4 repeats it)" if last else "f3 goes on, f4 ends the tour"
        self.update(
            Content.assemble(
                (f"{stop + 1} of {len(STOPS)}  {here.title}  ", "bold"),
                here.text,
                (f"  {keys}", "$text-muted"),
            )
        )

    def on_click(self, event: Click) -> None:
        """Go on."""
        event.stop()
        self.app.run_worker(self.app.run_action("app.tour"))
