"""The rows of a log: its events as they are used, or the source as it is written around a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable
from persona_tui.tui.widgets.row_table import MOST_SHOWN, RowTable

if TYPE_CHECKING:
    import polars as pl

    from persona_tui.engine.data.event_log import EventLog

MOST_ROWS: Final = 1_000
BEFORE: Final = 3
"""Lines before the one that is looked for."""
LINE: Final = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows as text.

    Parameters
    ----------
    names : tuple of str
    cells : tuple of tuple of str
    told : str
        What the rows are.
    line : int, optional
        That the cursor goes to.
    """

    names: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    told: str
    line: int | None = None


class RowsPane(Vertical):
    """The table of rows with its filter."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Back")]

    class RowsRead(Message):
        """Rows are there to be shown."""

        def __init__(self, rows: Rows) -> None:
            super().__init__()
            self.rows = rows

    class Unread(Message):
        """Rows cannot be read."""

        def __init__(self, fault: PersonaError) -> None:
            super().__init__()
            self.fault = fault

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._log: EventLog | None = None
        self._told = ""

    def compose(self) -> ComposeResult:
        """Build the filter, what is shown, and the rows."""
        yield Input(placeholder="keep the rows that hold this text ( / )", id="rows-filter", compact=True)
        yield Static(id="rows-told", classes="hint", markup=False)
        yield RowTable(id="rows")

    def show_log(self, log: EventLog) -> None:
        """Show the events of a log, unless they are in view."""
        if log is not self._log:
            self._log = log
            self._read_log(log)

    def show_line(self, source: str, line: int, log: EventLog) -> None:
        """Show the source of a log as it is written around a line; escape brings the events back."""
        self._log = log
        self._read_source(source, line)

    def focus_filter(self) -> None:
        """Go to the filter."""
        self.query_one(Input).focus()

    @work(thread=True, exclusive=True, exit_on_error=False, group="rows")
    def _read_log(self, log: EventLog) -> None:
        frame = next(iter(log.parts)).events().head(MOST_ROWS)
        told = f"The first {frame.height:,} of {log.n_events:,} events, in order of user and time"
        self.post_message(self.RowsRead(_as_rows(frame, told)))

    @work(thread=True, exclusive=True, exit_on_error=False, group="rows")
    def _read_source(self, source: str, line: int) -> None:
        from persona_tui.engine.data.readers.sources import open_source  # noqa: PLC0415 - 0.2 s: polars

        try:
            table = open_source(source)
            for batch in table.batches(table.schema.names()):
                name = batch.frame.columns[0]
                after = batch.frame.filter(batch.frame[name] >= line - BEFORE)
                if after.height:
                    shown = after.head(MOST_ROWS).rename({name: LINE})
                    told = f"The source as it is written, from line {shown[LINE][0]:,} on (escape: events)"
                    self.post_message(self.RowsRead(_as_rows(shown, told, line)))
                    return
        except PersonaError as fault:
            self.post_message(self.Unread(fault))

    @on(RowsRead)
    def _show(self, read: RowsRead) -> None:
        rows = read.rows
        table = self.query_one(RowTable)
        self._told = rows.told
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        table.show(rows.names, rows.cells)
        self._say("")
        if rows.line is not None:
            table.jump_to(str(rows.line))
            table.focus()

    @on(Unread)
    def _say_fault(self, unread: Unread) -> None:
        self.query_one("#rows-told", Static).update(printable(unread.fault.message))

    @on(Input.Changed)
    def _filter(self, changed: Input.Changed) -> None:
        self.query_one(RowTable).filter(changed.value)
        self._say(changed.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        """Go from the filter to the rows, and from the lines of the source to the events."""
        table = self.query_one(RowTable)
        if table.has_focus and self._log is not None:
            self._read_log(self._log)
        table.focus()

    def _say(self, wanted: str) -> None:
        n = len(self.query_one(RowTable).kept)
        kept = f"; {n:,} hold '{printable(wanted)}'" if wanted else ""
        drawn = f"; {MOST_SHOWN} are drawn" if n > MOST_SHOWN else ""
        self.query_one("#rows-told", Static).update(f"{self._told}{kept}{drawn}.")


def _as_rows(frame: pl.DataFrame, told: str, line: int | None = None) -> Rows:
    """Return a frame as text: times to the second, nothing for what is missing."""
    from polars import selectors  # noqa: PLC0415 - 0.1 s, only where rows are shown

    texts = frame.with_columns(selectors.datetime().dt.strftime("%Y-%m-%d %H:%M:%S"))
    cells = tuple(tuple("" if each is None else str(each) for each in row) for row in texts.rows())
    return Rows(names=tuple(frame.columns), cells=cells, told=told, line=line)
