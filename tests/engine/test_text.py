import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.text import inert_cell, printable

JOINERS = {"\u200d", "\ufe0f"}


@given(st.text(st.characters(exclude_categories=[])))
def test_what_is_shown_never_steers_a_terminal(text):
    unsafe = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [
        each for each in printable(text) if unicodedata.category(each) in unsafe and each not in JOINERS
    ]


@given(st.text(st.characters(exclude_categories=[])))
def test_what_is_shown_can_be_encoded(text):
    assert printable(text).encode("utf-8").decode() == printable(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_words_in_any_script_are_left_alone(text):
    assert printable(text) == text


@pytest.mark.parametrize("emoji", ["👩\u200d💻", "❤\ufe0f"])
def test_an_emoji_stays_in_one_piece(emoji):
    assert printable(emoji) == emoji


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\u202egnp", "\\u202egnp"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_an_escape(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_showing_twice_changes_nothing_more(text):
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(start):
    assert inert_cell(f"{start}1+1") == f"'{start}1+1"


@given(st.text())
def test_a_cell_never_begins_as_a_formula(text):
    assert not inert_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")))
def test_a_cell_that_is_harmless_is_left_alone(text):
    cell = inert_cell(text)
    assert cell in {text, f"'{text}"}
    written = io.StringIO()
    csv.writer(written).writerow([cell])
    assert next(csv.reader(io.StringIO(written.getvalue(), newline=""))) == [cell]
