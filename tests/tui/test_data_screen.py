"""The Data screen on real logs: what is said of them, and edits that read them anew."""

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static, TabbedContent

from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.recent import MOST, recent_sources, remember_source
from persona_tui.tui.screens.add_step import fault_of, step_text
from persona_tui.tui.screens.data_page import Tiles
from persona_tui.tui.screens.form import FormScreen
from persona_tui.tui.screens.open_source import OpenScreen, completed
from persona_tui.tui.widgets.text_table import Table
from persona_tui.tui.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


def app_of(source="", **more):
    return PersonaApp(Workspace(Settings(events=str(source))), **more)


async def settled(app, pilot):
    for _ in range(600):
        await pilot.pause(0.05)
        if app.running is None:
            await pilot.pause()
            return
    raise AssertionError("the work did not end")


def said(app):
    return str(app.screen.query_one("#said", Static).render())


def table(app, name):
    return app.screen.query_one(name, Table).data


async def test_the_sample_is_told_in_numbers():
    app = app_of(SAMPLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        tiles = {name: number for number, name in app.screen.query_one(Tiles).data}
        assert (tiles["events"], tiles["users"], tiles["sessions"]) == ("41,175", "3,200", "4,940")
        assert ("user_id", "user_id") in table(app, "#columns").rows
        assert {row[0] for row in table(app, "#vocabulary").rows} >= {"landing", "signup_complete"}
        roles = {row[0]: row[1] for row in table(app, "#vocabulary").rows}
        assert roles["signup_complete"] == "completion"


@pytest.mark.real
async def test_a_real_log_is_told_in_numbers(real_log):
    app = app_of(real_log("online_wizard"))
    async with app.run_test(size=(120, 35)) as pilot:
        await settled(app, pilot)
        tiles = {name: number for number, name in app.screen.query_one(Tiles).data}
        assert (tiles["events"], tiles["users"]) == ("100,601", "18,015")


async def test_nothing_open_says_how_to_begin():
    app = app_of()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "Press o to open one" in said(app)
        assert not app.screen.query_one("#tabs").display


async def test_a_fault_keeps_what_was_in_view_and_can_be_taken_back():
    app = app_of(SAMPLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        app.edit("columns", column=("user_id=nobody",))
        await settled(app, pilot)
        assert "nobody" in said(app)
        assert app.screen.query_one("#tabs").display
        await pilot.press("z")
        await settled(app, pilot)
        assert app.findings.log_fault is None
        assert said(app) == ""


async def test_a_path_that_is_not_there_keeps_the_input_and_says_why():
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        app.screen.query_one(Input).value = "missing.csv"
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, OpenScreen)
        assert "There is no 'missing.csv'" in str(app.screen.query_one("#fault", Static).render())
        assert app.screen.query_one(Input).value == "missing.csv"


async def test_a_log_is_opened_by_its_path_and_remembered(tmp_path):
    app = app_of(state_folder=tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o")
        await pilot.pause()
        app.screen.query_one(Input).value = str(SAMPLE)
        await pilot.press("enter")
        await settled(app, pilot)
        assert app.findings.inspection.n_users == 3_200
        assert recent_sources(tmp_path) == [str(SAMPLE)]


async def test_the_sample_is_there_without_any_file(tmp_path):
    app = app_of(state_folder=tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen._open("sample")
        await settled(app, pilot)
        assert app.findings.inspection.n_users == 3_200


async def test_a_step_is_added_and_taken_back():
    app = app_of(SAMPLE)
    async with app.run_test(size=(100, 40)) as pilot:
        await settled(app, pilot)
        await pilot.press("a")
        await pilot.pause()
        kinds = app.screen.query_one(OptionList)
        kinds.highlighted = kinds.get_option_index("drop")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, FormScreen)
        app.screen.query_one("#field-events", Input).value = "help"
        await pilot.press("enter")
        await settled(app, pilot)
        assert app.workspace.settings.prepare == ("drop:events=help",)
        assert "help" not in {row[0] for row in table(app, "#vocabulary").rows}
        assert app.screen.query_one("#steps", OptionList).option_count == 1
        await pilot.press("z")
        await settled(app, pilot)
        assert "help" in {row[0] for row in table(app, "#vocabulary").rows}


async def test_a_funnel_of_events_that_are_not_there_is_refused_in_the_form():
    app = app_of(SAMPLE)
    async with app.run_test(size=(100, 40)) as pilot:
        await settled(app, pilot)
        await pilot.press("f")
        await pilot.pause()
        app.screen.query_one("#field-funnel", Input).value = "landing,signup_strat"
        await pilot.press("enter")
        await pilot.pause()
        assert "Did you mean 'signup_start'?" in str(app.screen.query_one("#fault", Static).render())
        app.screen.query_one("#field-funnel", Input).value = "landing,signup_complete"
        await pilot.press("enter")
        await settled(app, pilot)
        assert [each.step for each in app.findings.inspection.funnel] == ["landing", "signup_complete"]


async def test_the_table_in_view_is_copied():
    app = app_of(SAMPLE)
    async with app.run_test(size=(100, 40)) as pilot:
        await settled(app, pilot)
        app.screen.query_one(TabbedContent).active = "events"
        await pilot.pause()
        assert app.screen.table_text().splitlines()[0].startswith("event type\trole")


def test_a_path_is_completed_as_a_shell_would(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "march.csv").touch()
    (tmp_path / ".hidden").touch()
    assert completed(f"{tmp_path}/lo") == f"{tmp_path}/logs/"
    assert completed(f"{tmp_path}/logs/m") == f"{tmp_path}/logs/march.csv"
    assert completed(f"{tmp_path}/nothing") is None
    assert completed("/no/such/folder/x") is None


def test_sources_that_were_opened_stand_with_the_latest_first(tmp_path):
    for number in range(MOST + 3):
        remember_source(tmp_path, f"{number}.csv")
    remember_source(tmp_path, "9.csv")
    found = recent_sources(tmp_path)
    assert found[0] == "9.csv"
    assert len(found) == len(set(found)) == MOST
    (tmp_path / "recent.json").write_text("{")
    assert recent_sources(tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "values", "fault"),
    [
        ("sample", {"share": "0.5", "seed": ""}, ""),
        ("sample", {"share": "2", "seed": ""}, "share"),
        ("rename", {"events": "view*|see*", "to": "view"}, ""),
        ("join", {"table": "my, table.csv", "on": "user_id"}, ""),
        ("period", {"after": "yesterday", "before": ""}, "yesterday"),
    ],
)
def test_a_step_is_checked_as_it_is_typed(kind, values, fault):
    told = fault_of(kind, values)
    assert (fault in told) if fault else (told == "")
    assert step_text(kind, values).startswith(kind)
