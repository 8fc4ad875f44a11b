"""One table of actions feeds keys, footer, help and palette."""

from pathlib import Path

import pytest
from textual.binding import Binding

from persona_tui.tui.actions import ACTIONS, APP, DIALOG, IN_DIALOGS, SCREENS, actions_of, key_faults
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.screens.data import DataScreen
from persona_tui.tui.screens.flow import FlowScreen
from persona_tui.tui.screens.form import FormScreen
from persona_tui.tui.screens.help import HelpScreen, KeyLine
from persona_tui.tui.screens.personas import PersonasScreen
from persona_tui.tui.screens.report import ReportScreen
from persona_tui.tui.screens.simulate import SimulateScreen
from persona_tui.tui.screens.trust import TrustScreen
from persona_tui.tui.widgets.virtual_table import VirtualTable
from persona_tui.tui.workspace import Workspace, settings_of_source

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
MADE = {
    "data": DataScreen,
    "personas": PersonasScreen,
    "flow": FlowScreen,
    "report": ReportScreen,
    "simulate": SimulateScreen,
    "trust": TrustScreen,
    DIALOG: FormScreen,
}
"""Of each scope, one that has all of its actions."""


async def until(pilot, holds):
    for _ in range(600):
        await pilot.pause(0.02)
        if holds():
            return
    raise AssertionError("it did not come to pass")


@pytest.fixture
def app():
    return PersonaApp(Workspace(settings_of_source("", {})))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.id)
def test_every_action_has_a_method_where_it_says(action):
    owner = PersonaApp if action.scope == APP else MADE[action.scope]
    assert callable(getattr(owner, f"action_{action.id}", None))


@pytest.mark.parametrize("scope", [APP, *MADE])
def test_every_key_of_the_table_is_bound(scope):
    owner = PersonaApp if scope == APP else MADE[scope]
    declared = [each for kind in owner.__mro__ for each in vars(kind).get("BINDINGS", ())]
    bound = {each.id: each for each in declared if isinstance(each, Binding)}
    for action in actions_of(scope):
        assert set(bound[action.id].key.split(",")) == set(action.keys)
        assert bound[action.id].description == action.label


def test_no_key_stands_for_two_actions_at_once():
    for screen in SCREENS:
        keys = [key for each in actions_of(screen, APP) for key in each.keys]
        assert len(keys) == len(set(keys))
    in_dialogs = [each for each in ACTIONS if each.scope == DIALOG or each.id in IN_DIALOGS]
    keys = [key for each in in_dialogs for key in each.keys]
    assert len(keys) == len(set(keys))


async def test_the_palette_offers_every_action(app):
    async with app.run_test() as pilot:
        await pilot.pause()
        offered = {command.title for command in app.get_system_commands(app.screen)}
        for action in (each for each in ACTIONS if each.scope != DIALOG):
            assert action.id == "command_palette" or any(each.startswith(action.label) for each in offered)


async def test_the_palette_offers_what_can_be_done_where_the_focus_is():
    app = PersonaApp(Workspace(settings_of_source(str(SAMPLE), {})))
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: app.findings.log is not None)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: app.screen.query(VirtualTable))
        table = app.screen.query_one(VirtualTable)
        table.focus()
        await until(pilot, lambda: table.has_focus and table.virtual_size.height)
        here = {each.title: each for each in app.get_system_commands(app.screen) if "(here)" in each.title}
        assert {"Sort (here)", "Freeze (here)"} <= set(here)
        here["Freeze (here)"].callback()
        await until(pilot, lambda: table.frozen)


async def test_the_help_lists_every_action_of_the_screen_and_of_the_app(app):
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        shown = " ".join(" ".join(str(each.render()).split()) for each in app.screen.query(KeyLine))
        for action in actions_of("data", APP):
            assert action.help in shown


@pytest.mark.parametrize(
    ("chosen", "fault"),
    [
        ({"undo": "u"}, ""),
        ({"undo": "1"}, "'1' is for 'show_data' and for 'undo'."),
        ({"fit": "z"}, "'z' is for"),
        ({"fly": "u"}, "There is no action 'fly'."),
    ],
)
def test_keys_that_clash_are_told(chosen, fault):
    assert fault in " ".join(key_faults(chosen.items()))
    assert bool(key_faults(chosen.items())) == bool(fault)
