"""The shell around the screens: its header and footer, by key and by mouse, at any size."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.screens.confirm import ConfirmScreen
from persona_tui.tui.screens.data import DataScreen
from persona_tui.tui.screens.data_columns import ColumnsScreen
from persona_tui.tui.screens.data_outcomes import OutcomesScreen
from persona_tui.tui.screens.data_source import SourceScreen
from persona_tui.tui.screens.form import Field, FormScreen
from persona_tui.tui.screens.help import HelpScreen
from persona_tui.tui.screens.work_screen import TooSmall
from persona_tui.tui.widgets.key_footer import KeyFooter, ShownKey, line_of_keys
from persona_tui.tui.widgets.study_bar import StudyBar
from persona_tui.tui.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
KEYS = st.builds(ShownKey, key=st.text(min_size=1, max_size=9), label=st.text(max_size=20))
HELP = ShownKey(key="?", label="Help", is_last=True)


@given(st.lists(KEYS), st.integers(6, 200))
def test_no_line_of_keys_is_wider_than_the_screen_and_help_is_on_every_one(keys, width):
    line = line_of_keys([HELP, *keys], width)
    assert line.cell_length <= width
    assert line.plain.endswith("? Help")


def test_keys_that_do_not_fit_are_left_out_whole():
    keys = [HELP, *(ShownKey(key=each, label="A label") for each in "abc")]
    assert line_of_keys(keys, 27).plain == "a A label b A label ? Help"
    assert line_of_keys(keys, 26).plain == "a A label ? Help"


def footer_of(app):
    return str(app.screen.query_one(KeyFooter).render())


@pytest.mark.parametrize("width", [40, 80, 120])
async def test_the_footer_shows_what_fits(width):
    app = PersonaApp(Workspace(Settings()))
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        assert footer_of(app).startswith("o Open c Columns")
        assert footer_of(app).endswith("? Help")
        assert ("^s Save" in footer_of(app)) == (width > 79)


async def test_a_dialogue_shows_its_own_keys_and_its_own_help():
    app = PersonaApp(Workspace(Settings()))
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(FormScreen("Rename", [Field(name="name", label="name")], lambda _: ""))
        await pilot.pause()
        assert footer_of(app) == "^s Apply ^q Quit esc Close f1 Help"
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        lines = app.screen._compositor.render_strips()
        shown = "\n".join("".join(part.text for part in line) for line in lines)
        assert "Apply what the dialogue says." in shown
        assert "Choose a log" not in shown


async def test_a_question_that_is_applied_by_no_key_does_not_show_one():
    app = PersonaApp(Workspace(Settings()))
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(ConfirmScreen("Leave?", "Leave"))
        await pilot.pause()
        assert "Apply" not in footer_of(app)


async def test_a_key_of_the_footer_can_be_clicked():
    app = PersonaApp(Workspace(Settings()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.click(KeyFooter, offset=(footer_of(app).index("Help"), 0))
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)


async def test_a_screen_can_be_chosen_with_the_mouse():
    app = PersonaApp(Workspace(Settings()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        tabs = str(app.screen.query_one(StudyBar).render()).splitlines()[0]
        await pilot.click(StudyBar, offset=(1 + tabs.index("Report"), 0))
        await pilot.pause()
        assert app.screen.NAME == "report"


async def test_the_app_can_be_used_with_the_mouse_alone():
    app = PersonaApp(Workspace(Settings(events=str(SAMPLE))))
    async with app.run_test(size=(120, 35)) as pilot:
        for _ in range(600):
            await pilot.pause(0.02)
            tab = app.screen.query("#--content-tab-journeys")
            if app.findings.inspection is not None and tab and tab.first().region.area:
                break
        await pilot.pause()
        await pilot.click("#--content-tab-journeys")
        for _ in range(100):
            await pilot.pause(0.02)
            if app.screen.query_one("#tabs").active == "journeys":
                break
        assert app.screen.query_one("#tabs").active == "journeys"
        for label, kind in (("Columns", ColumnsScreen), ("Open", SourceScreen), ("Funnel", OutcomesScreen)):
            await pilot.click(KeyFooter, offset=(footer_of(app).index(label), 0))
            await pilot.pause()
            assert isinstance(app.screen, kind)
            await pilot.click(KeyFooter, offset=(footer_of(app).index("Close"), 0))
            await pilot.pause()
            assert isinstance(app.screen, DataScreen)


@pytest.mark.parametrize(
    ("size", "is_told"), [((39, 24), True), ((80, 9), True), ((40, 10), False), ((1, 1), True)]
)
async def test_a_terminal_without_room_is_told_so(size, is_told):
    app = PersonaApp(Workspace(Settings()))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert app.screen.query_one(TooSmall).display == (size != (40, 10))
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not app.screen.query_one(TooSmall).display


async def test_a_step_is_added_on_its_own_tab_wherever_the_focus_was():
    app = PersonaApp(Workspace(Settings(events=str(SAMPLE))))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(600):
            await pilot.pause(0.02)
            if app.findings.inspection is not None:
                break
        await pilot.press("slash", "escape", "a")
        await pilot.pause(0.1)
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert app.screen.query_one("#tabs").active == "journeys"
        assert app.focused is None
