"""The app in ASCII: no screen or dialogue draws anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.plain import PlainGlyphs
from persona_tui.tui.workspace import Workspace

BLACK = Color(0, 0, 0)
OPENING = {
    "data": ("1",),
    "preparation": ("right_square_bracket",),
    "rows": ("right_square_bracket",),
    "filter": ("slash",),
    "source": ("o",),
    "columns": ("c",),
    "columns to choose from": ("c", "enter"),
    "step": ("a",),
    "outcomes": ("f",),
    "save": ("ctrl+s",),
    "help": ("question_mark",),
    "palette": ("ctrl+p", "f", "u"),
    "copied": ("y",),
    "flow": ("3",),
    "simulate": ("4",),
    "report": ("5",),
    "personas": ("2",),
    "moves": ("tab", "tab", "right", "right"),
    "number of personas": ("k",),
    "comparison": ("c",),
    "nothing to take back": ("z",),
}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "log.csv"
    users = [f"{user},2026-03-{1 + user % 28:02d}T10:0{at}:00,{name}" for user in range(60)
             for at, name in enumerate(("landing", "help", "signup" if user % 2 else "leave"))]  # fmt: skip
    path.write_text("user_id,timestamp,event_type\n" + "\n".join(users) + "\n")
    return path


def drawn(app):
    return "\n".join("".join(part.text for part in line) for line in app.screen._compositor.render_strips())


async def test_every_screen_and_dialogue_is_ascii(log):
    app = PersonaApp(Workspace(Settings(events=str(log), clusters="2")), glyphs="ascii", theme="persona-ansi")
    async with app.run_test(size=(80, 24)) as pilot:
        for name, keys in OPENING.items():
            await pilot.press(*keys)
            for _ in range(400):
                await pilot.pause(0.02)
                if app.running is None:
                    break
            await pilot.pause(0.05)
            others = {each for each in drawn(app) if not each.isascii()}
            assert not others, (name, others)
            while app.screen.is_modal:
                await pilot.press("escape")


@given(st.text())
def test_what_is_drawn_in_ascii_takes_as_many_cells_and_keeps_letters(text):
    (plain,) = PlainGlyphs().apply([Segment(text)], BLACK)
    assert cell_len(plain.text) == cell_len(text)
    assert [each for each in plain.text if each.isalnum()] == [each for each in text if each.isalnum()]


def test_lines_arrows_and_blocks_become_signs_of_ascii():
    (plain,) = PlainGlyphs().apply([Segment("│ a → b … ▼ ├─┤ 日本")], BLACK)
    assert plain.text == "| a > b ~ v +-+ 日本"
