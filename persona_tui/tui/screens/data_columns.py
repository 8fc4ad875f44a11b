"""Which column of the source plays which part, and how its times are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Select, Static

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.params import quote
from persona_tui.engine.text import printable
from persona_tui.study.options import Settings
from persona_tui.tui.screens.dialog import Dialog
from persona_tui.tui.widgets.recognised import PARTS

DATES = (
    ("as the other dates show", "auto"),
    ("day first", "day-first"),
    ("month first", "month-first"),
)


class ColumnsScreen(Dialog[dict[str, Any]]):
    """Closes with the settings to change."""

    class ColumnsRead(Message):
        """The columns of the source are known."""

        def __init__(self, names: Sequence[str]) -> None:
            super().__init__()
            self.names = tuple(names)

    class Unread(Message):
        """The source cannot be read any more."""

        def __init__(self, fault: PersonaError) -> None:
            super().__init__()
            self.fault = fault

    def __init__(self, settings: Settings, recognised: Mapping[str, str]) -> None:
        super().__init__()
        self._settings, self._recognised = settings, recognised

    def compose(self) -> ComposeResult:
        """Build a line for each part, the time zone and the dates."""
        given = self._settings.columns()
        with Vertical(classes="dialog"):
            yield Static("Columns of the log", markup=False)
            for part, word in PARTS.items():
                chosen = given.get(part)
                with Horizontal(classes="field"):
                    yield Static(word, classes="label", markup=False)
                    yield Select(
                        [(Content(printable(chosen)), chosen)] if chosen else [],
                        prompt=_prompt(self._recognised.get(part)),
                        value=chosen or Select.NULL,
                        id=f"part-{part}",
                        compact=True,
                    )
            with Horizontal(classes="field"):
                yield Static("time zone", classes="label", markup=False)
                yield Input(self._settings.timezone, id="timezone", compact=True)
            with Horizontal(classes="field"):
                yield Static("02/03/2026 is", classes="label", markup=False)
                yield Select(DATES, value=self._settings.dates, allow_blank=False, id="dates", compact=True)
            yield Static("The zone is of times that name none, as Europe/Berlin.", classes="hint")
            yield Static(id="refused", classes="fault", markup=False)
            with Horizontal(classes="answers"):
                yield Button("Apply", variant="primary", id="apply", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Read the names of the columns."""
        self.query_one("#part-user_id", Select).focus()
        self._read(self._settings.sources())

    @work(thread=True, exclusive=True, exit_on_error=False, group="columns")
    def _read(self, sources: Sequence[str]) -> None:
        from persona_tui.engine.data.readers.sources import open_source  # noqa: PLC0415 - 0.2 s: polars

        try:
            names = open_source(sources).schema.names()
        except PersonaError as fault:
            self.post_message(self.Unread(fault))
        else:
            self.post_message(self.ColumnsRead(names))

    @on(ColumnsRead)
    def _offer(self, read: ColumnsRead) -> None:
        for part in PARTS:
            select = self.query_one(f"#part-{part}", Select)
            chosen = select.value
            names = list(read.names)
            if isinstance(chosen, str) and chosen not in names:
                names.insert(0, chosen)
            select.set_options([(Content(printable(each)), each) for each in names])
            select.value = chosen

    @on(Unread)
    def _say(self, unread: Unread) -> None:
        self._refuse(unread.fault)

    def _refuse(self, fault: PersonaError) -> None:
        text = " ".join(filter(None, (fault.message, fault.hint)))
        self.query_one("#refused", Static).update(printable(text.replace("\n", " ")))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#apply")
    @on(Input.Submitted)
    def _pressed(self) -> None:
        self.action_apply()

    def action_apply(self) -> None:
        """Close with what is chosen, unless it makes no sense."""
        chosen = {part: self.query_one(f"#part-{part}", Select).value for part in PARTS}
        values: dict[str, Any] = {
            "column": tuple(
                f"{part}={quote(name)}" for part, name in chosen.items() if isinstance(name, str)
            ),
            "timezone": self.query_one("#timezone", Input).value.strip() or "UTC",
            "dates": self.query_one("#dates", Select).value,
        }
        try:
            replace(self._settings, **values)
        except PersonaError as fault:
            self._refuse(fault)
            return
        self.dismiss(values)


def _prompt(column: str | None) -> str:
    """Return what a part is without a choice."""
    return f"as recognised: {printable(column)}" if column else "none recognised"
