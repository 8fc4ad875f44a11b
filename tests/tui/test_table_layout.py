"""Where the columns of a table stand, and what its lines say."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.widgets.table_layout import detail_line, header_line, laid_out, row_line
from persona_tui.tui.widgets.table_model import Query, arranged

NAMES = ["checkout_started", "日本語の名前", "[red]x\x1b[31m", None, ""]
FRAME = pl.DataFrame({"event": NAMES, "n": [1, 20, 300, None, 5], "rate": [0.5, 0.25, 1.0, 2.0, 3.0]})
TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("日本😀👩‍👩‍👧\u202e\u200b[]\x1b"), max_size=30)


def plain(line):
    return "".join(text for text, _ in line)


def drawn(view, width, glyphs="eighths", frozen=0, scroll_x=0, column=0, row=1):
    shape, rung = laid_out(view.columns, view.n_rows, width, frozen), LADDER[glyphs]
    lines = [header_line(view, shape, scroll_x=scroll_x, column=column, glyphs=rung)]
    for position in range(view.n_shown):
        cursor = column if position == row else None
        lines.append(row_line(view, shape, position, scroll_x=scroll_x, cursor=cursor, glyphs=rung))
    if view.n_shown:
        lines.append(detail_line(view, row, column, width=width, glyphs=rung))
    return lines


def test_a_table_reads_as_one_expects():
    lines = [plain(line).rstrip() for line in drawn(arranged(FRAME, Query(column="n")), 48)]
    assert lines == [
        "  row  event             ▲ n  rate",
        "    1  checkout_started    1  0.50",
        "▶   5                      5  3.00",
        "    2  日本語の名前       20  0.25",
        "    3  [red]x\\x1b[31m    300  1.00",
        "    4  ─                   ─  2.00",
        "row 5, event: empty text                  5 rows",
    ]


def test_in_ascii_everything_but_the_data_is_ascii():
    view = arranged(FRAME.filter(pl.col("n") != 20), Query(column="event", descending=True))
    lines = [plain(line).rstrip() for line in drawn(view, 60, "ascii", frozen=1)]
    assert lines == [
        "  frozen  event v          |   n  rate",
        "       1  checkout_started |   1   0.5",
        ">      2  [red]x\\x1b[31m   | 300   1.0",
        "       3                   |   5   3.0",
        "row 2, event: [red]x\\x1b[31m                          3 rows",
    ]


def test_the_detail_tells_how_many_rows_a_filter_lets_through():
    view = arranged(FRAME, Query(text="check"))
    assert plain(detail_line(view, 0, 1, width=60, glyphs=LADDER["ascii"])).endswith("1 of 5 rows")
    assert plain(detail_line(view, 0, 1, width=15, glyphs=LADDER["ascii"])).startswith("row 1,")


def test_columns_are_wider_where_there_is_room():
    view = arranged(pl.DataFrame({"a": ["x" * 60], "b": ["y" * 60]}))
    assert laid_out(view.columns, 1, 80, 0).widths == (32 + 80 - 73, 32)
    assert laid_out(view.columns, 1, 200, 0).widths == (60, 60)


def test_numbers_are_never_shown_with_their_middle_gone():
    view = arranged(pl.DataFrame({"number": [123456789012345678901.0], "whole": [2**60]}))
    line = plain(drawn(view, 24, row=0)[1])
    assert "1.23457e+20" in line
    assert line.rstrip().endswith(("…", "1.15e+18"))


def test_frozen_columns_leave_a_third_to_the_others():
    view = arranged(pl.DataFrame({f"column_number_{i}": [1] for i in range(10)}))
    shape = laid_out(view.columns, 1, 80, 9)
    assert 0 < shape.frozen < 9
    assert shape.left <= 80 * 2 // 3


def test_frozen_columns_stay_when_others_scroll():
    view = arranged(pl.DataFrame({f"column_number_{i}": [i] for i in range(10)}))
    shape = laid_out(view.columns, 1, 80, 1)
    shown = [placed.column for placed in shape.placed(shape.scroll_to_show(9, 0))]
    assert shown[0] == 0
    assert shown[-1] == 9
    assert 1 not in shown


def test_a_frame_without_columns_or_rows_is_drawn():
    assert plain(drawn(arranged(pl.DataFrame()), 20)[0]).strip() == ""
    assert "a" in plain(drawn(arranged(pl.DataFrame({"a": []})), 40)[0])


@pytest.mark.parametrize("width", [30, 80, 200])
def test_every_column_can_be_scrolled_into_view(width):
    view = arranged(pl.DataFrame({f"{'name' * (i % 7)}{i}": ["v" * (i * 3)] for i in range(20)}))
    shape = laid_out(view.columns, 1, width, 2)
    for scroll_x in range(0, shape.total, 7):
        for column in range(20):
            placed = {each.column: each for each in shape.placed(shape.scroll_to_show(column, scroll_x))}
            assert column in placed
            whole = shape.widths[column] <= width - shape.left
            assert placed[column].width == shape.widths[column] or not whole


@given(
    st.lists(st.tuples(TEXT | st.none(), st.floats() | st.none(), TEXT), min_size=1, max_size=5),
    TEXT,
    st.integers(1, 200),
    st.sampled_from(sorted(LADDER)),
    st.integers(0, 3),
    st.integers(0, 60),
)
def test_no_piece_of_a_line_is_wider_than_its_place(values, name, width, glyphs, frozen, scroll_x):
    schema = {f"a{name}": pl.String, "n": pl.Float64, f"b{name}": pl.String}
    view = arranged(pl.DataFrame(values, schema, orient="row"), Query(column="n"))
    for line in drawn(view, width, glyphs, frozen, scroll_x, row=0):
        taken = sum(Content(text).cell_length for text, _ in line)
        assert taken == width
        assert "\x1b" not in plain(line)
        assert "\u202e" not in plain(line)
