"""A table of any number of rows that draws only those in view."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import Worker, WorkerState, get_current_worker

from persona_tui.engine.errors import DataError
from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import LADDER, Glyphs
from persona_tui.tui.widgets.figure import fitted
from persona_tui.tui.widgets.table_layout import (
    Layout,
    Line,
    Role,
    detail_line,
    header_line,
    laid_out,
    nothing_told,
    row_line,
)
from persona_tui.tui.widgets.table_messages import ArrangementRefused, RowChosen, RowsArranged
from persona_tui.tui.widgets.table_model import Query, TableView, arranged

if TYPE_CHECKING:
    import polars as pl

_FRAMING = 2
"""Lines of header and detail."""
_REMEMBERED_LINES = 512


class VirtualTable(ScrollView, can_focus=True):
    """Rows of a frame under a frozen header, over a line that tells the cell under the cursor in full."""

    HELP = """
    Move with the arrows, page up and page down; home and end go to the first and last column,
    ctrl+home and ctrl+end to the first and last row. Filters: `text`, `column:text`, `column>number`.
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "virtual-table--header",
        "virtual-table--header-cursor",
        "virtual-table--detail",
        "virtual-table--muted",
        "virtual-table--row",
        "virtual-table--cursor-row",
        "virtual-table--cursor-cell",
    }
    DEFAULT_CSS = """
    VirtualTable {
        height: 1fr;
        min-height: 4;
        & > .virtual-table--header { background: $panel; text-style: bold; }
        & > .virtual-table--header-cursor { background: $panel; color: $primary; text-style: bold underline; }
        & > .virtual-table--muted { color: $text-muted; }
        & > .virtual-table--cursor-row { background: $block-hover-background; text-style: bold; }
        & > .virtual-table--cursor-cell { background: $block-hover-background; text-style: bold underline; }
        &:focus > .virtual-table--cursor-cell {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
        }
        & > .virtual-table--detail { background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Choose row"),
        Binding("s", "sort", "Sort", tooltip="By the column under the cursor: ascending, descending, off."),
        Binding("f", "freeze", "Freeze", tooltip="The columns up to the cursor; again to let them go."),
        Binding("up", "move(-1, 0)", "Row up", show=False),
        Binding("down", "move(1, 0)", "Row down", show=False),
        Binding("left", "move(0, -1)", "Column left", show=False),
        Binding("right", "move(0, 1)", "Column right", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "to_column(0)", "First column", show=False),
        Binding("end", "to_column(-1)", "Last column", show=False),
        Binding("ctrl+home", "to_row(0)", "First row", show=False),
        Binding("ctrl+end", "to_row(-1)", "Last row", show=False),
    ]

    cursor_row: reactive[int] = reactive(0)
    cursor_column: reactive[int] = reactive(0)
    frozen: reactive[int] = reactive(0)
    glyphs: reactive[Glyphs] = reactive(LADDER["eighths"])

    def __init__(
        self,
        frame: pl.DataFrame | None = None,
        *,
        empty: str = "No rows yet.",
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._frame = frame
        self._empty = empty
        self._query = Query()
        self._view: TableView | None = None
        self._layout_now: Layout | None = None
        self._lines: LRUCache[tuple[int, int, int | None], Strip] = LRUCache(_REMEMBERED_LINES)

    def on_mount(self) -> None:
        """Take the glyphs of the app where it has chosen some, and begin to read the frame."""
        self.glyphs = getattr(self.app, "glyphs", self.glyphs)
        self.show_frame(self._frame)

    @property
    def view(self) -> TableView | None:
        """Return the rows that are shown, none before they are known."""
        return self._view

    @property
    def query_shown(self) -> Query:
        """Return the filter and the order that were asked for last."""
        return self._query

    def show_frame(self, frame: pl.DataFrame | None) -> None:
        """Show another frame from its first row, unfiltered and in its own order."""
        self._frame = frame if frame is not None and frame.width else None
        if not self.is_attached:
            return
        self._view = None
        self.workers.cancel_group(self, "arrange")
        self.set_reactive(VirtualTable.frozen, 0)
        self.set_reactive(VirtualTable.cursor_column, 0)
        self._lay_out()
        self._arrange(Query(), None)

    def filter(self, text: str) -> None:
        """Show only rows that a filter lets through; an empty one lets all through."""
        self._arrange(replace(self._query, text=text), self._row_under_cursor())

    def jump_to(self, row: int) -> None:
        """Move to a row of the frame, counted from 0; a filter that hides it is lifted."""
        position = self._view.position_of(row) if self._view is not None else None
        if position is not None and self._view is not None and self._view.query == self._query:
            self.cursor_row = position
        elif self._frame is not None and 0 <= row < self._frame.height:
            self._arrange(replace(self._query, text="") if self._view is not None else self._query, row)

    def as_text(self, max_rows: int = 500) -> str:
        """Return the first rows as they are arranged, tab separated, for the clipboard."""
        return self._view.as_text(max_rows) if self._view is not None else ""

    def _row_under_cursor(self) -> int | None:
        view = self._view
        return view.frame_row(self.cursor_row) if view is not None and view.n_shown else None

    def _arrange(self, query: Query, row: int | None) -> None:
        self._query = query
        if self._frame is not None:
            self._work_out(self._frame, query, row)
            self._refresh_detail()

    @work(thread=True, exclusive=True, exit_on_error=False, group="arrange", description="-")
    def _work_out(self, frame: pl.DataFrame, query: Query, row: int | None) -> None:
        worker = get_current_worker()
        try:
            view = arranged(frame, query)
        except DataError as error:
            if not worker.is_cancelled:
                self.post_message(ArrangementRefused(self, query, error))
            return
        position = view.position_of(row) if row is not None else None
        if not worker.is_cancelled:
            self.post_message(RowsArranged(self, view, position or 0))

    @on(RowsArranged)
    def _show_rows(self, message: RowsArranged) -> None:
        if message.view.frame is not self._frame or message.view.query != self._query:
            message.stop()
            return
        self._view = message.view
        self.set_reactive(VirtualTable.cursor_row, message.position)
        self._lay_out()
        self._bring_into_view()

    @on(ArrangementRefused)
    def _keep_rows(self, message: ArrangementRefused) -> None:
        if message.query != self._query:
            message.stop()
            return
        self._stay()

    @on(Worker.StateChanged)
    def _tell_failure(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self.notify(printable(str(event.worker.error)), title="The rows stay as they were", markup=False)
            self._stay()

    def _stay(self) -> None:
        self._query = self._view.query if self._view is not None else Query()
        self._refresh_detail()

    def _lay_out(self) -> None:
        self._lines.clear()
        view = self._view
        if view is None:
            self._layout_now = None
            self.virtual_size = Size(0, 0)
        else:
            self._layout_now = laid_out(view.columns, view.n_rows, self.scrollable_size.width, self.frozen)
            self.virtual_size = Size(self._layout_now.total, view.n_shown + _FRAMING)
        self.refresh()

    def on_resize(self) -> None:
        """Give the columns the width that there is."""
        self._lay_out()
        self._bring_into_view()

    def watch_show_vertical_scrollbar(self) -> None:
        """Leave the cells of the scrollbar to it."""
        self.on_resize()

    def watch_show_horizontal_scrollbar(self) -> None:
        """Leave the line of the scrollbar to it."""
        self.on_resize()

    def notify_style_update(self) -> None:
        """Draw lines anew in another theme."""
        super().notify_style_update()
        self._lines.clear()

    def validate_cursor_row(self, row: int) -> int:
        """Keep the cursor on a row."""
        return min(max(row, 0), max((self._view.n_shown if self._view else 0) - 1, 0))

    def validate_cursor_column(self, column: int) -> int:
        """Keep the cursor on a column."""
        return min(max(column, 0), max(len(self._view.columns) if self._view else 0, 1) - 1)

    def watch_cursor_row(self, old: int, new: int) -> None:
        """Draw the rows that the cursor left and reached."""
        self._bring_into_view()
        for row in (old, new):
            self._refresh_line(row + 1 - self.scroll_offset.y)
        self._refresh_detail()

    def watch_cursor_column(self) -> None:
        """Draw the row under the cursor and the header."""
        self._bring_into_view()
        self._refresh_line(self.cursor_row + 1 - self.scroll_offset.y)
        self._refresh_line(0)
        self._refresh_detail()

    def watch_frozen(self) -> None:
        """Place the columns anew."""
        self._lay_out()
        self._bring_into_view()

    def watch_glyphs(self) -> None:
        """Draw all lines anew."""
        self._lay_out()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show by the row under the cursor whether keys come here."""
        super().watch_has_focus(has_focus)
        self._lines.clear()

    def _refresh_line(self, y: int) -> None:
        if 0 <= y < self.scrollable_size.height:
            self.refresh(Region(0, y, self.scrollable_size.width, 1))

    def _refresh_detail(self) -> None:
        self._refresh_line(self.scrollable_size.height - 1)

    def _bring_into_view(self) -> None:
        layout, page = self._layout_now, self._page
        if layout is None:
            return
        top = self.scroll_offset.y
        y = min(max(top, self.cursor_row - page + 1), self.cursor_row)
        x = layout.scroll_to_show(self.cursor_column, self.scroll_offset.x)
        self.scroll_to(x, y, animate=False, force=True)

    @property
    def _page(self) -> int:
        return max(self.scrollable_size.height - _FRAMING, 1)

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor."""
        self.cursor_row += rows
        self.cursor_column += columns

    def action_page(self, pages: int) -> None:
        """Move the cursor by as many rows as are in view."""
        self.cursor_row += pages * self._page

    def action_to_row(self, row: int) -> None:
        """Move to a row that is shown; -1 is the last."""
        self.cursor_row = row if row >= 0 or self._view is None else self._view.n_shown + row

    def action_to_column(self, column: int) -> None:
        """Move to a column; -1 is the last."""
        self.cursor_column = column if column >= 0 or self._view is None else len(self._view.columns) + column

    def action_choose(self) -> None:
        """Tell which row of the frame is under the cursor."""
        row = self._row_under_cursor()
        if row is not None:
            self.post_message(RowChosen(self, row))

    def action_sort(self) -> None:
        """Sort by the column under the cursor: ascending, descending, off."""
        if self._view is not None:
            query = self._query.sorted_next(self._view.columns[self.cursor_column].name)
            self._arrange(query, None if query.column else self._row_under_cursor())

    def action_freeze(self) -> None:
        """Freeze the columns up to the cursor, or let them go where they are frozen."""
        columns = self.cursor_column + 1
        self.frozen = 0 if self.frozen == columns else columns
        if self._layout_now is not None and self._layout_now.frozen < self.frozen:
            room = self._layout_now.frozen
            self.notify(f"There is room to freeze {room} of {columns} columns.", severity="warning")
            self.frozen = room

    def on_click(self, event: events.Click) -> None:
        """Move to the cell clicked; choose its row at a double click, sort by a header."""
        layout, view = self._layout_now, self._view
        offset = event.get_content_offset(self)
        if layout is None or view is None or offset is None or offset.y >= self._page + 1:
            return
        for placed in layout.placed(self.scroll_offset.x):
            if placed.x <= offset.x < placed.x + placed.width:
                self.cursor_column = placed.column
                if offset.y == 0:
                    self.action_sort()
        row = offset.y - 1 + self.scroll_offset.y
        if offset.y > 0 and row < view.n_shown:
            self.cursor_row = row
            if event.chain == 2:
                self.action_choose()

    def render_line(self, y: int) -> Strip:
        """Return a line of what is in view: header, row or detail."""
        view, layout, scroll = self._view, self._layout_now, self.scroll_offset
        if view is None or layout is None:
            return self._told("" if y else self._empty if self._frame is None else "Reading the rows.")
        position = y - 1 + scroll.y
        if y == 0:
            line = header_line(view, layout, scroll_x=scroll.x, column=self.cursor_column, glyphs=self.glyphs)
            return self._strip(line, "header", "header-cursor")
        if y == self.scrollable_size.height - 1 and view.n_shown:
            return self._detail(view)
        if position < view.n_shown:
            return self._row(view, layout, position)
        return self._told(nothing_told(view) if y == 1 else "")

    def _row(self, view: TableView, layout: Layout, position: int) -> Strip:
        column = self.cursor_column if position == self.cursor_row else None
        key = (position, self.scroll_offset.x, column)
        strip = self._lines.get(key)
        if strip is None:
            line = row_line(
                view, layout, position, scroll_x=self.scroll_offset.x, cursor=column, glyphs=self.glyphs
            )
            strip = self._strip(line, "row" if column is None else "cursor-row", "cursor-cell")
            self._lines[key] = strip
        return strip

    def _detail(self, view: TableView) -> Strip:
        note = "" if view.query == self._query else "arranging the rows"
        row, column, width = self.cursor_row, self.cursor_column, self.scrollable_size.width
        line = detail_line(view, row, column, width=width, glyphs=self.glyphs, note=note)
        return self._strip(line, "detail", "detail")

    def _told(self, text: str) -> Strip:
        line = [(fitted(text, max(self.scrollable_size.width, 1), self.glyphs), Role.MUTED)]
        return self._strip(line, "row", "row")

    def _strip(self, line: Line, base: str, cursor: str) -> Strip:
        """Return a line in the styles of its roles, in exactly the cells that there are."""
        styles = {
            Role.CELL: self._style(base),
            Role.CURSOR_CELL: self._style(cursor),
            Role.MUTED: self._style(base) + Style(color=self._style("muted").color),
        }
        strip = Strip([Segment(text, styles[role]) for text, role in line])
        return strip.adjust_cell_length(self.scrollable_size.width, styles[Role.CELL])

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"virtual-table--{name}")
