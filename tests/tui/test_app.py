"""The shell: screens, edits, saving, leaving, and work in the background."""

from pathlib import Path

import pytest
from textual.widgets import TextArea

from persona_tui.engine.errors import DataError
from persona_tui.study.config import read_settings
from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.screens.confirm import ConfirmScreen
from persona_tui.tui.screens.copied import CopiedScreen
from persona_tui.tui.screens.save import SaveScreen
from persona_tui.tui.telling import LONGEST_COPY
from persona_tui.tui.widgets.study_bar import StudyBar
from persona_tui.tui.workspace import Workspace, settings_of_source

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


def app_of(source="", **more):
    return PersonaApp(Workspace(Settings(events=str(source)), **more))


async def until_idle(app, pilot):
    for _ in range(600):
        await pilot.pause(0.05)
        if app.running is None:
            return
    raise AssertionError("the work did not end")


def bar_of(app):
    return str(app.screen.query_one(StudyBar).render())


async def test_the_bar_tells_study_data_seed_and_edits():
    app = app_of(SAMPLE)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_idle(app, pilot)
        assert "sample_events.csv" in bar_of(app)
        assert f"data {app.findings.log.fingerprint[:8]}" in bar_of(app)
        app.edit("seed", seed=7)
        await pilot.pause()
        assert "seed 7  not saved" in bar_of(app)


async def test_a_log_that_is_not_there_is_told_with_its_cure_and_the_session_goes_on():
    app = app_of("missing.csv")
    async with app.run_test() as pilot:
        await until_idle(app, pilot)
        assert isinstance(app.findings.log_fault, DataError)
        assert app.workspace.settings.events == "missing.csv"


async def test_undo_and_redo_say_what_they_did():
    app = app_of()
    async with app.run_test() as pilot:
        app.edit("seed 7", seed=7)
        await pilot.press("z")
        assert app.workspace.settings.seed == 0
        await pilot.press("Z")
        assert app.workspace.settings.seed == 7
        assert [each.message for each in app._notifications] == ["Taken back: seed 7", "Done again: seed 7"]


async def test_an_edit_that_makes_no_sense_is_refused_with_its_reason():
    app = app_of()
    async with app.run_test() as pilot:
        assert not app.edit("how many", clusters="many")
        await pilot.pause()
        assert app.workspace.settings.clusters == "auto"
        assert "clusters" in next(each.message for each in app._notifications)


async def test_saving_a_log_makes_a_study_where_the_analyst_says(tmp_path):
    app = app_of(SAMPLE)
    async with app.run_test() as pilot:
        await until_idle(app, pilot)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(app.screen, SaveScreen)
        app.screen.query_one("Input").value = str(tmp_path / "study")
        await pilot.press("enter")
        await pilot.pause()
        assert (tmp_path / "study" / "study.toml").is_file()
        assert app.workspace.study == tmp_path / "study"


async def test_a_study_that_another_program_saved_is_not_replaced_unasked(tmp_path):
    Workspace(Settings(events=str(SAMPLE))).save(tmp_path)
    app, other = (PersonaApp(Workspace(settings_of_source(str(tmp_path), {}))) for _ in range(2))
    async with app.run_test() as pilot:
        other.workspace.edit("seed", seed=8)
        other.workspace.save(tmp_path)
        app.edit("seed", seed=9)
        for answer, seed in (("no", 8), ("yes", 9)):
            await pilot.press("ctrl+s")
            await pilot.pause()
            assert isinstance(app.screen, ConfirmScreen)
            await pilot.click(f"#{answer}")
            await pilot.pause()
            assert read_settings(tmp_path / "study.toml")["seed"] == seed


async def test_leaving_while_work_goes_on_is_asked_about():
    app = app_of()
    async with app.run_test() as pilot:
        app._begin("load", lambda _settings: None)
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert app.is_running
        await pilot.press("ctrl+q")
        await pilot.pause()
        await pilot.click("#yes")
    assert app.return_code == 0


async def test_a_copied_command_is_sent_and_told_and_can_be_shown():
    app = app_of("log.csv")
    async with app.run_test() as pilot:
        await until_idle(app, pilot)
        await pilot.press("y")
        await pilot.pause()
        assert app.clipboard == "persona-tui inspect log.csv"
        (told,) = [each.message for each in app._notifications if each.title == "Copied"]
        assert told == "persona-tui inspect log.csv\n^y shows it, if it did not arrive."
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert app.screen.query_one(TextArea).text == "persona-tui inspect log.csv"


async def test_a_copy_is_shown_where_the_terminal_does_not_take_it():
    app = PersonaApp(Workspace(Settings()), sends_copies=False)
    async with app.run_test() as pilot:
        await pilot.press("y")
        await pilot.pause()
        assert isinstance(app.screen, CopiedScreen)
        assert not app.clipboard
        await pilot.press("q")
        app.copy("x" * (LONGEST_COPY + 1))
        await pilot.pause()
        assert isinstance(app.screen, CopiedScreen)


async def test_work_can_be_stopped_and_what_was_in_view_stays():
    app = app_of(SAMPLE)
    async with app.run_test() as pilot:
        await until_idle(app, pilot)
        log = app.findings.log
        app.fit()
        await pilot.press("ctrl+x")
        await until_idle(app, pilot)
        assert app.findings.personas is None
        assert app.findings.log is log


async def test_a_fault_nobody_foresaw_leaves_a_report_without_data(tmp_path, monkeypatch):
    monkeypatch.setattr("persona_tui.study.inspection.inspect_log", lambda *_: 1 / 0)
    app = app_of(SAMPLE)
    app.state_folder = tmp_path
    async with app.run_test() as pilot:
        await until_idle(app, pilot)
        await pilot.pause()
        assert "ZeroDivisionError" in app.findings.log_fault.message
    (report,) = tmp_path.glob("crash-*.txt")
    assert "app.py" in report.read_text()
    assert str(SAMPLE) not in report.read_text()


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (200, 60)])
async def test_it_begins_at_any_size_with_no_field_in_focus(size):
    app = app_of()
    async with app.run_test(size=size):
        assert app.focused is None
        assert len(bar_of(app).splitlines()) == 2


async def test_a_session_that_was_left_among_the_personas_finds_them_again():
    app = app_of(SAMPLE)
    app.workspace.view.screen = "personas"
    async with app.run_test() as pilot:
        for _ in range(600):
            await pilot.pause(0.02)
            if app.running is not None and app.running.name == "fit":
                break
        assert app.running is not None
        app.stop()
