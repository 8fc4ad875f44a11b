"""Lines as they are drawn in ASCII."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from persona_tui.tui.plain import PlainGlyphs

BLACK = Color(0, 0, 0)


@given(st.text())
def test_what_is_drawn_in_ascii_takes_as_many_cells_and_keeps_letters(text):
    (plain,) = PlainGlyphs().apply([Segment(text)], BLACK)
    assert cell_len(plain.text) == cell_len(text)
    if all(each.isalnum() or each.isascii() for each in text):
        assert plain.text == text


def test_lines_arrows_and_blocks_become_signs_of_ascii():
    (plain,) = PlainGlyphs().apply([Segment("│ a → b … ▼ ├─┤ 日本")], BLACK)
    assert plain.text == "| a > b ~ v +-+ 日本"
