"""The rows of a log: its events as they are used, or the source as it is written around a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable
from persona_tui.tui.widgets.table_messages import ArrangementRefused, RowsArranged
from persona_tui.tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    import polars as pl

    from persona_tui.engine.data.event_log import EventLog

MOST_ROWS: Final = 1_000_000
MOST_LINES: Final = 1_000
"""Of the source, around a line."""
BEFORE: Final = 3
"""Lines before the one that is looked for."""
LINE: Final = "line"


class RowsPane(Vertical):
    """The table of rows with its filter."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Back")]

    class RowsRead(Message):
        """Rows are there to be shown; ``place`` is the row that the cursor goes to."""

        def __init__(self, pane: RowsPane, frame: pl.DataFrame, told: str, place: int | None = None) -> None:
            super().__init__()
            self.set_sender(pane)
            self.frame, self.told, self.place = frame, told, place

    class Unread(Message):
        """Rows cannot be read."""

        def __init__(self, pane: RowsPane, fault: PersonaError) -> None:
            super().__init__()
            self.set_sender(pane)
            self.fault = fault

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._log: EventLog | None = None
        self._told = ""

    def compose(self) -> ComposeResult:
        """Build the filter, what is shown, and the rows."""
        yield Input(
            placeholder="/ keeps the rows that hold a text, column:text or column>number",
            id="rows-filter",
            compact=True,
        )
        yield Static(id="rows-told", classes="hint", markup=False)
        yield VirtualTable(id="rows")

    def show_log(self, log: EventLog) -> None:
        """Show the events of a log, unless they are in view."""
        if log is not self._log:
            self._log = log
            self._read_log(log)

    def show_line(self, sources: Sequence[str], place: tuple[str, int], log: EventLog) -> None:
        """Show the source of a log as it is written around a file's line; escape brings the events back."""
        self._log = log
        self._read_source(sources, *place)

    def focus_filter(self) -> None:
        """Go to the filter."""
        self.query_one(Input).focus()

    @work(thread=True, exclusive=True, exit_on_error=False, group="rows", description="-")
    def _read_log(self, log: EventLog) -> None:
        import polars as pl  # noqa: PLC0415 - 0.1 s, only where rows are shown

        frames, n = [], 0
        for part in log.parts:
            frames.append(part.events())
            n += frames[-1].height
            if n >= MOST_ROWS:
                break
        frame = pl.concat(frames).head(MOST_ROWS)
        some = "All" if frame.height == log.n_events else f"The first {frame.height:,} of"
        told = f"{some} {log.n_events:,} events, in order of user and time"
        self.post_message(self.RowsRead(self, frame, told))

    @work(thread=True, exclusive=True, exit_on_error=False, group="rows", description="-")
    def _read_source(self, sources: Sequence[str], file: str, line: int) -> None:
        from persona_tui.engine.data.readers.sources import open_source  # noqa: PLC0415 - 0.2 s: polars

        try:
            table = open_source(sources)
            for batch in table.batches(table.schema.names()):
                if file not in {"", batch.file}:
                    continue
                name = batch.frame.columns[0]
                after = batch.frame.filter(batch.frame[name] >= line - BEFORE)
                if after.height:
                    shown = after.head(MOST_LINES).rename({name: LINE})
                    where = f"{Path(batch.file).name}, from line {shown[LINE][0]:,} on"
                    told = f"The source as it is written: {where} (escape: events)"
                    place = shown[LINE].index_of(line)
                    self.post_message(self.RowsRead(self, shown, told, place))
                    return
        except PersonaError as fault:
            self.post_message(self.Unread(self, fault))

    @on(RowsRead)
    def _show(self, read: RowsRead) -> None:
        table = self.query_one(VirtualTable)
        self._told = read.told
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        table.show_frame(read.frame)
        if read.place is not None:
            table.jump_to(read.place)
            table.focus()

    @on(Unread)
    def _say_fault(self, unread: Unread) -> None:
        self._say(unread.fault.message)

    @on(Input.Changed)
    def _filter(self, changed: Input.Changed) -> None:
        self.query_one(VirtualTable).filter(changed.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_leave()

    @on(RowsArranged)
    def _say_kept(self, arranged: RowsArranged) -> None:
        view = arranged.view
        kept = f"; {view.n_shown:,} hold '{view.query.text}'" if view.query.text else ""
        self._say(f"{self._told}{kept}.")

    @on(ArrangementRefused)
    def _say_refused(self, refused: ArrangementRefused) -> None:
        self._say(f"{refused.error.message} {refused.error.hint or ''}")

    def action_leave(self) -> None:
        """Go from the filter to the rows, and from the lines of the source to the events."""
        table = self.query_one(VirtualTable)
        if table.has_focus and self._log is not None:
            self._read_log(self._log)
        table.focus()

    def _say(self, text: str) -> None:
        self.query_one("#rows-told", Static).update(printable(text))
