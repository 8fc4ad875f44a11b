"""Which rows a table shows, and as what text."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.errors import DataError
from persona_tui.tui.widgets.table_model import Kind, Query, arranged

FRAME = pl.DataFrame(
    {
        "user": ["ada", "Bob", None, "c:d", "ada"],
        "n": [3, 1, None, 2, 10],
        "share": [0.5, 0.25, None, 1.0, 0.125],
        "at": [datetime(2024, 1, day, 12, tzinfo=UTC) for day in (5, 4, 3, 2, 1)],
        "paid": [True, False, None, True, True],
    }
)
CHARS = st.characters(codec="utf-8")


def rows(text="", **order):
    view = arranged(FRAME, Query(text=text, **order))
    return [view.frame_row(position) for position in range(view.n_shown)]


def test_without_a_query_all_rows_stand_as_in_the_frame():
    assert rows() == [0, 1, 2, 3, 4]
    assert arranged(FRAME).rows is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("AD", [0, 4]),
        ("c:d", [3]),
        ("user:b", [1]),
        ("User = ada", [0, 4]),
        ("user!=ada", [1, 3]),
        ("n>2", [0, 4]),
        ("n >= 3", [0, 4]),
        ("n=3", [0]),
        ("n:10", [4]),
        ("n!=3", [1, 3, 4]),
        ("share<=0.25", [1, 4]),
        ("n>1,000", []),
        ("at:2024-01-0", [0, 1, 2, 3, 4]),
        ("at=2024-01-03", [2]),
        ("at>2024-01-04", [0, 1]),
        ("at<2024-01-02T13:00+01:00", [4]),
        ("paid:true", [0, 3, 4]),
        ("n>", [0, 1, 2, 3, 4]),
        ("  ", [0, 1, 2, 3, 4]),
        ("no_column>3", []),
        (".*", []),
    ],
)
def test_a_filter_keeps_the_rows_that_hold_it(text, shown):
    assert rows(text) == shown


@pytest.mark.parametrize(
    ("text", "cause", "cure"),
    [
        ("n>many", "'many' is no number", "n>10"),
        ("user>3", "'user' holds text", "user:3"),
        ("at>yesterday", "'yesterday' is no date", "at>2024-01-31"),
    ],
)
def test_a_filter_that_cannot_be_says_cause_and_cure(text, cause, cure):
    with pytest.raises(DataError) as caught:
        rows(text)
    assert cause in caught.value.message
    assert cure in caught.value.hint


def test_a_frame_without_text_asks_for_a_column():
    with pytest.raises(DataError, match="No column holds text"):
        arranged(pl.DataFrame({"n": [1]}), Query(text="x"))


def test_missing_values_come_last_in_either_order():
    assert rows(column="n") == [1, 3, 0, 4, 2]
    assert rows(column="n", descending=True) == [4, 0, 3, 1, 2]


def test_equal_values_keep_the_order_of_the_frame():
    assert rows("ada", column="user", descending=True) == [0, 4]


def test_an_order_comes_after_the_filter():
    assert rows("n>1", column="n", descending=True) == [4, 0, 3]


def test_sorting_again_goes_down_and_then_back():
    asked = [Query(text="a")]
    for column in ("n", "n", "n", "n", "user"):
        asked.append(asked[-1].sorted_next(column))
    told = [(query.column, query.descending) for query in asked]
    assert told == [
        (None, False), ("n", False), ("n", True), (None, False), ("n", False), ("user", False)
    ]  # fmt: skip
    assert {query.text for query in asked} == {"a"}


def test_a_row_of_the_frame_is_found_where_it_is_shown():
    view = arranged(FRAME, Query(text="n>1", column="n"))
    assert [view.position_of(row) for row in range(5)] == [1, None, None, 0, 2]
    assert view.position_of(99) is None
    assert arranged(FRAME).position_of(99) is None


def test_an_object_that_has_no_order_is_refused():
    frame = pl.DataFrame({"x": pl.Series([object(), object()], dtype=pl.Object)})
    with pytest.raises(DataError, match="'x' has no order"):
        arranged(frame, Query(column="x"))


def test_kinds_and_texts_of_all_sorts_of_columns():
    frame = pl.DataFrame(
        {
            "zoned": pl.Series([datetime(2024, 1, 1, tzinfo=UTC)]).dt.convert_time_zone("Europe/Rome"),
            "fine": [datetime(2024, 1, 1, 0, 0, 0, 5000)],
            "day": [date(2024, 2, 29)],
            "took": [timedelta(hours=25)],
            "whole": [12345678],
            "real": [0.1],
            "flag": [False],
            "list": [[1, 2]],
            "bytes": [b"a\x00"],
            "group": pl.Series(["x"], dtype=pl.Categorical),
            "nothing": pl.Series([None]),
        }
    )
    view = arranged(frame)
    assert [view.text(0, column) for column in range(frame.width)] == [
        "2024-01-01 00:00:00", "2024-01-01 00:00:00.005", "2024-02-29", "1d 1h", "12345678", "0.1", "no",
        "[1, 2]", "b'a\\x00'", "x", None,
    ]  # fmt: skip
    assert [column.kind for column in view.columns[:5]] == [Kind.TIME] * 4 + [Kind.NUMBER]
    assert [column.label for column in view.columns[:3]] == ["zoned UTC", "fine UTC", "day"]


def test_years_beyond_the_calendar_of_python_are_shown():
    view = arranged(pl.DataFrame({"at": pl.Series([2**62 // 10]).cast(pl.Datetime("us"))}))
    assert view.text(0, 0).startswith("+16583-11-07")


def test_decimals_of_a_column_agree_and_hide_nothing():
    view = arranged(pl.DataFrame({"x": [1.5, 20.25, 3.0, 1e-7, 1e20, float("nan"), float("inf")]}))
    assert [view.text(row, 0) for row in range(7)] == [
        "1.50",
        "20.25",
        "3.00",
        "1e-07",
        "1e+20",
        "nan",
        "inf",
    ]


def test_the_full_text_leaves_nothing_out():
    view = arranged(pl.DataFrame({"x": [1 / 3], "long": ["a" * 3000]}))
    assert view.full_text(0, 0) == repr(1 / 3)
    assert view.full_text(0, 1) == "a" * 3000


def test_a_copy_is_tab_separated_and_harmless():
    frame = pl.DataFrame({"name": ["=cmd()", "a\tb\x1b[31m", None], "n": [-1, 2, 3]})
    copied = arranged(frame, Query(column="n", descending=True)).as_text(2)
    assert copied == "name\tn\n\t3\na\\tb\\x1b[31m\t2\n"
    assert "'=cmd()\t-1" in arranged(frame).as_text(10)


def test_a_million_rows_cost_a_sample_until_a_filter_asks_for_more(monkeypatch):
    frame = pl.DataFrame({f"c{i}": pl.int_range(1_000_000, eager=True) for i in range(50)})
    n_read = 0
    to_list = pl.Series.to_list

    def counted(series):
        nonlocal n_read
        n_read += len(series)
        return to_list(series)

    monkeypatch.setattr(pl.Series, "to_list", counted)
    view = arranged(frame)
    for position in range(60):
        view.text(position, 0)
    assert view.rows is None
    assert n_read <= 50 * 100 + 64


@given(st.lists(st.text(CHARS, max_size=8)), st.text(CHARS, max_size=4))
def test_a_filter_is_text_and_never_a_pattern(names, text):
    frame = pl.DataFrame({"": pl.Series(names, dtype=pl.String)})
    view = arranged(frame, Query(text=text))
    exact = [row for row, name in enumerate(names) if text.strip() in name]
    shown = {view.frame_row(position) for position in range(view.n_shown)}
    assert shown >= set(exact)


@given(st.lists(st.integers(0, 5) | st.none()), st.booleans())
def test_an_order_loses_no_row(values, descending):
    frame = pl.DataFrame({"n": pl.Series(values, dtype=pl.Int64)})
    view = arranged(frame, Query(column="n", descending=descending))
    assert sorted(view.frame_row(position) for position in range(view.n_shown)) == list(range(len(values)))
