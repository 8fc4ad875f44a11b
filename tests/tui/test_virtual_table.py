"""The virtual table in an app: keys, mouse, order and filter."""

import subprocess
import sys
from contextlib import asynccontextmanager

import polars as pl
import pytest
from textual import on
from textual.app import App

from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.widgets import virtual_table
from persona_tui.tui.widgets.table_messages import ArrangementRefused, RowChosen, RowsArranged
from persona_tui.tui.widgets.virtual_table import VirtualTable

N = 1_000_000


@pytest.fixture(scope="module")
def million():
    numbers = pl.int_range(N, eager=True)
    columns = {f"column_{i}": numbers + i for i in range(48)}
    return pl.DataFrame({"user": "u" + numbers.cast(pl.String), "down": N - numbers, **columns})


class TableApp(App):
    """A table and what it told."""

    glyphs = LADDER["ascii"]

    def __init__(self, frame):
        super().__init__()
        self.frame = frame
        self.told = []

    def compose(self):
        yield VirtualTable(self.frame, id="rows")

    @on(RowChosen, "#rows")
    @on(RowsArranged, "#rows")
    @on(ArrangementRefused, "#rows")
    def hear(self, message):
        self.told.append(message)


class Driver:
    """A table in an app, driven by keys."""

    def __init__(self, app, pilot):
        self.app, self.pilot = app, pilot
        self.table = app.query_one(VirtualTable)

    async def settled(self):
        while any(not worker.is_finished for worker in self.app.workers):
            await self.pilot.pause(0.01)
        await self.pilot.pause()
        await self.pilot.pause()

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)
        await self.settled()

    async def filter(self, text):
        self.table.filter(text)
        await self.settled()

    @property
    def lines(self):
        table = self.table
        size = table.scrollable_size
        strips = [table.render_line(y) for y in range(size.height)]
        assert all(strip.cell_length == size.width for strip in strips)
        return [strip.text.rstrip() for strip in strips]

    @property
    def detail(self):
        return self.lines[-1]


@asynccontextmanager
async def opened(frame, size=(80, 24)):
    app = TableApp(frame)
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot)
        await driver.settled()
        yield driver


async def test_a_million_rows_are_drawn_by_touching_those_in_view(million, monkeypatch):
    n_read = 0
    to_list = pl.Series.to_list

    def counted(series):
        nonlocal n_read
        n_read += len(series)
        return to_list(series)

    monkeypatch.setattr(pl.Series, "to_list", counted)
    async with opened(million) as driver:
        assert driver.lines[1].split()[:4] == [">", "1", "u0", "1000000"]
        await driver.press("ctrl+end")
        assert driver.lines[-2].split()[:4] == [">", "1000000", "u999999", "1"]
    assert n_read < 20_000


async def test_keys_reach_every_row_and_column(million):
    async with opened(million) as driver:
        await driver.press("down", "down", "right")
        assert driver.detail.startswith("row 3, down: 999998")
        await driver.press("pagedown")
        page = driver.table.scrollable_size.height - 2
        assert driver.detail.startswith(f"row {3 + page},")
        await driver.press("pageup", "up", "left")
        assert driver.detail.startswith("row 2, user: u1")
        await driver.press("end")
        assert driver.detail.startswith("row 2, column_47: 48")
        assert driver.lines[0].rstrip().endswith("column_47")
        await driver.press("right", "ctrl+end", "down")
        assert driver.detail.startswith("row 1000000, column_47: 1000046")
        await driver.press("home", "ctrl+home", "up")
        assert driver.detail.startswith("row 1, user: u0")
        assert driver.lines[0].startswith("      row  user")


async def test_enter_tells_the_row_of_the_frame_also_where_rows_are_sorted(million):
    async with opened(million) as driver:
        await driver.press("right", "s", "enter")
        assert "^ down" in driver.lines[0]
        assert driver.app.told[-1].row == N - 1
        await driver.press("s", "enter")
        assert "v down" in driver.lines[0]
        assert driver.app.told[-1].row == 0
        await driver.press("down", "s", "enter")
        assert not {"^", "v"} & set(driver.lines[0].split())
        assert driver.app.told[-1].row == 1


async def test_a_filter_keeps_the_row_under_the_cursor_and_counts(million):
    async with opened(million) as driver:
        driver.table.jump_to(500_000)
        await driver.filter("U5000")
        assert driver.detail.startswith("row 500001, user: u500000")
        assert driver.detail.endswith("111 of 1,000,000 rows")
        assert driver.app.told[-1].view.n_shown == 111
        await driver.filter("down<=2")
        assert driver.detail.startswith("row 999999,")
        assert driver.detail.endswith("2 of 1,000,000 rows")
        await driver.filter("nobody")
        assert driver.lines[1].startswith("No row holds 'nobody'.")
        await driver.press("enter", "down", "ctrl+end", "s")
        await driver.filter("")
        assert driver.detail.endswith(" 1,000,000 rows")


async def test_a_filter_that_cannot_be_leaves_the_rows(million):
    async with opened(million) as driver:
        await driver.filter("u77")
        await driver.filter("down>lots")
        refused = driver.app.told[-1]
        assert isinstance(refused, ArrangementRefused)
        assert refused.query.text == "down>lots"
        assert "'lots' is no number" in refused.error.message
        assert driver.detail.endswith("11,111 of 1,000,000 rows")
        assert driver.table.query_shown.text == "u77"


async def test_only_the_last_of_many_filters_is_shown(million):
    async with opened(million) as driver:
        n_told = len(driver.app.told)
        for text in ("u1", "u12", "u123", "u12345"):
            driver.table.filter(text)
        await driver.settled()
        assert driver.table.view.query.text == "u12345"
        assert len(driver.app.told) == n_told + 1


async def test_a_jump_lifts_the_filter_that_hides_the_row(million):
    async with opened(million) as driver:
        await driver.filter("u77")
        driver.table.jump_to(123_456)
        await driver.settled()
        assert driver.detail.startswith("row 123457, user: u123456")
        assert driver.table.query_shown.text == ""
        driver.table.jump_to(N)
        await driver.settled()
        assert driver.detail.startswith("row 123457,")


async def test_a_jump_waits_for_the_rows_to_be_read(million):
    async with opened(None) as driver:
        assert driver.lines[0] == "No rows yet."
        driver.table.show_frame(million)
        driver.table.jump_to(999_000)
        await driver.settled()
        assert driver.detail.startswith("row 999001,")
        assert any(line.startswith(">  999001") for line in driver.lines)


async def test_freezing_keeps_columns_and_says_so(million):
    async with opened(million) as driver:
        await driver.press("f", "end")
        assert driver.lines[0].split()[:3] == ["frozen", "user", "|"]
        assert driver.lines[0].rstrip().endswith("column_47")
        await driver.press("f")
        assert driver.table.frozen < 49
        assert "room" in next(iter(driver.app._notifications)).message
        await driver.press("home", "f")
        await driver.press("f") if driver.table.frozen else None
        assert "frozen" not in driver.lines[0]


async def test_the_mouse_moves_sorts_chooses_and_scrolls(million):
    async with opened(million) as driver:
        await driver.pilot.click(VirtualTable, offset=(14, 3))
        await driver.settled()
        assert driver.detail.startswith("row 3, user")
        await driver.pilot.click(VirtualTable, offset=(14, 4), times=2)
        await driver.settled()
        assert driver.app.told[-1].row == 3
        await driver.pilot.click(VirtualTable, offset=(24, 0))
        await driver.settled()
        assert driver.lines[1].split()[1] == "1000000"
        driver.table.scroll_relative(y=50, animate=False)
        await driver.settled()
        assert driver.lines[1].split()[0] == "999950"
        assert driver.detail.startswith("row 1000000, down: 1")


async def test_another_frame_starts_anew(million):
    async with opened(million) as driver:
        await driver.press("f", "right", "s")
        await driver.filter("u9")
        driver.table.show_frame(pl.DataFrame({"name": ["日本", "[b]x"]}))
        await driver.settled()
        assert driver.lines[:3] == ["  row  name", ">   1  日本", "    2  [b]x"]
        driver.table.show_frame(pl.DataFrame({"name": []}))
        await driver.settled()
        assert driver.lines[1] == "This table has no rows."
        assert driver.table.as_text() == "name\n"
        for nothing in (None, pl.DataFrame()):
            driver.table.show_frame(nothing)
            await driver.settled()
            assert driver.lines[0] == "No rows yet."
            assert driver.table.as_text() == ""


async def test_a_frame_can_be_given_before_the_table_is_in_the_app(million):
    table = VirtualTable()
    table.show_frame(million)
    async with opened(None) as driver:
        await driver.app.mount(table)
        await driver.settled()
        assert table.view.n_shown == N


async def test_a_failure_that_nobody_foresaw_is_told_and_leaves_the_rows(million, monkeypatch):
    def fails(frame, query):
        raise RuntimeError("out of [b]luck")

    async with opened(million) as driver:
        monkeypatch.setattr(virtual_table, "arranged", fails)
        await driver.press("s")
        assert next(iter(driver.app._notifications)).message == "out of [b]luck"
        assert driver.detail.endswith(" 1,000,000 rows")
        assert driver.table.query_shown.column is None


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (40, 10), (200, 60)])
async def test_any_size_is_drawn(million, size):
    async with opened(million, size) as driver:
        await driver.press("end", "f", "ctrl+end", "home")
        assert len(driver.lines) == driver.table.scrollable_size.height
        await driver.pilot.resize_terminal(80, 24)
        await driver.settled()
        assert any(line.startswith("> 1000000") for line in driver.lines)


async def test_a_copy_follows_order_and_filter(million):
    async with opened(million.select("user", "down")) as driver:
        await driver.press("right", "s")
        assert driver.table.as_text(2) == "user\tdown\nu999999\t1\nu999998\t2\n"


async def test_every_theme_and_a_terminal_without_colour_draw_it(million, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(million) as driver:
        for theme in ("textual-dark", "textual-light", "ansi-dark"):
            driver.app.theme = theme
            await driver.settled()
            assert driver.lines[1].startswith(">")


def test_the_table_is_imported_without_polars_and_numpy():
    code = (
        "import sys, persona_tui.tui.widgets.virtual_table\n"
        "sys.exit(bool({'polars', 'numpy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
