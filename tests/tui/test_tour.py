"""The tour of the app."""

import pytest

from persona_tui.tui.app import PersonaApp
from persona_tui.tui.recent import sample_source
from persona_tui.tui.widgets.tour import STOPS, Tour
from persona_tui.tui.workspace import Workspace, settings_of_source


@pytest.fixture
def app():
    return PersonaApp(Workspace(settings_of_source("", {})))


def told(app):
    tour = app.screen.query_one(Tour)
    return str(tour.render()) if tour.display else ""


async def test_who_opens_nothing_is_shown_around_the_sample(app):
    async with app.run_test(size=(100, 30)) as pilot:
        assert told(app) == ""
        for stop in STOPS:
            await pilot.press("f3")
            await pilot.pause()
            assert stop.screen == app.screen.NAME
            assert stop.title in told(app)
        assert app.workspace.settings.events == sample_source()
        await pilot.press("f3")
        await pilot.pause()
        assert told(app) == ""


async def test_the_tour_can_be_left_and_had_again(app):
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("f3", "f3", "f4")
        await pilot.pause()
        assert told(app) == ""
        assert STOPS[1].screen == app.screen.NAME
        await pilot.press("f3")
        await pilot.pause()
        assert STOPS[0].title in told(app)
        await pilot.click(Tour)
        await pilot.pause()
        assert STOPS[1].title in told(app)
