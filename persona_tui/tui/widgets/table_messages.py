"""What a table tells those who hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from persona_tui.engine.errors import DataError
    from persona_tui.tui.widgets.table_model import Query, TableView
    from persona_tui.tui.widgets.virtual_table import VirtualTable


class _TableMessage(Message):
    """A message that tells its table.

    The table is its sender also where a worker makes it: a worker inherits the sender of whoever asked for
    it, and what a parent is held to have sent itself never reaches that parent.
    """

    def __init__(self, table: VirtualTable) -> None:
        super().__init__()
        self.set_sender(table)
        self.table = table

    @property
    def control(self) -> VirtualTable:
        """Return the table, which selectors of handlers look at."""
        return self.table


class RowChosen(_TableMessage):
    """A row was chosen: its number in the frame, from 0."""

    def __init__(self, table: VirtualTable, row: int) -> None:
        super().__init__(table)
        self.row = row


class RowsArranged(_TableMessage):
    """Other rows are shown, or in another order."""

    def __init__(self, table: VirtualTable, view: TableView, position: int) -> None:
        super().__init__(table)
        self.view = view
        self.position = position


class ArrangementRefused(_TableMessage):
    """A filter or an order cannot be; the rows stay as they were."""

    def __init__(self, table: VirtualTable, query: Query, error: DataError) -> None:
        super().__init__(table)
        self.query = query
        self.error = error
