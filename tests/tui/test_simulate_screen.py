"""The Simulate screen: a run in a process of its own, watched, stopped, resumed, replayed, and left alone."""

import json
from pathlib import Path

import pytest
from processes import alive
from support import write_part_of_sample
from textual.widgets import Input, OptionList, SelectionList, Static, TabbedContent

from persona_tui.study.following import ListedRun, list_runs
from persona_tui.study.options import Settings
from persona_tui.study.run_state import ALIVE, RunState, Stage
from persona_tui.study.runs import run_simulation
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.screens import simulate
from persona_tui.tui.screens.export import ExportScreen
from persona_tui.tui.screens.form import FormScreen
from persona_tui.tui.screens.simulate import SimulateScreen
from persona_tui.tui.screens.simulate_page import headline as headline_of
from persona_tui.tui.screens.simulate_page import run_line, run_name
from persona_tui.tui.widgets.convergence import ConvergenceChart
from persona_tui.tui.widgets.text_table import Table
from persona_tui.tui.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
LONG = 20_000_000


@pytest.fixture(autouse=True, scope="module")
def kept_fits(tmp_path_factory):
    """Fits are kept between the tests of this file, as between sessions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_part_of_sample(tmp_path_factory.mktemp("log") / "some.csv", "u00")


def app_of(log, study, n_personas=2_000, **more):
    settings = Settings(
        events=str(log),
        clusters="1",
        output=str(study),
        n_personas=n_personas,
        solver="paths",
        workers=1,
        **more,
    )
    return PersonaApp(Workspace(settings))


async def until(pilot, holds):
    for _ in range(600):
        await pilot.pause(0.05)
        if holds():
            await pilot.pause()
            return
    raise AssertionError("it did not come to hold")


async def opened(app, pilot):
    await until(pilot, lambda: app.findings.log is not None)
    await pilot.press("4")
    await pilot.pause()


def state(app):
    return app.screen._state


def status(app):
    return None if state(app) is None else state(app).status


def headline(app):
    return str(app.screen.query_one("#headline", Static).render())


async def test_a_run_is_started_watched_and_says_what_the_command_says(log, tmp_path, monkeypatch):
    monkeypatch.setattr(simulate, "QUICK", 1e9)  # on a slow machine too
    app = app_of(log, tmp_path / "study")
    expected = run_simulation(
        Settings(
            events=str(log), clusters="1", output=str(tmp_path / "other"), n_personas=2_000, solver="paths"
        )
    )
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: status(app) == "finished")
        run = list_runs(tmp_path / "study")[0].folder
        assert (run / "result.json").read_bytes() == (expected.folder / "result.json").read_bytes()
        total = expected.result.report.lead.experiment.total
        scenario = state(app).scenario
        assert scenario.standing.uplift == pytest.approx(
            total.simulated_uplifts["completion_rate"], abs=1e-12
        )
        assert scenario.exact_treatment == pytest.approx(
            total.arms["treatment"]["completion_rate"], abs=1e-12
        )
        assert app.screen.query_one(ConvergenceChart).data.n[-1] == 2_000
        assert app.screen.query_one("#standing", Table).data.rows[2][0] == "uplift, points"
        assert run_name(run.name)[-6:] in str(app.screen.query_one("#runs", OptionList).options[0].prompt)
        await until(pilot, lambda: "Replay" in headline(app))  # it was over before anybody saw it


async def test_the_report_of_a_finished_run_is_written_or_it_is_told_why_not(log, tmp_path):
    run = run_simulation(
        Settings(events=str(log), clusters="1", output=str(tmp_path / "study"), n_personas=500)
    ).folder
    app = app_of(log, tmp_path / "study")
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: status(app) == "finished")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen))
        app.screen.query_one(SelectionList).deselect_all().select("md")
        await pilot.press("ctrl+s")
        await until(pilot, (run / "exports" / "report.md").exists)
        await until(pilot, lambda: app.running is None)
        written = (run / "exports" / "report.md").read_text(encoding="utf-8")
        assert "500 synthetic users" in written
        log.write_text(log.read_text(encoding="utf-8") + "late,s9,2026-03-09T00:00:00Z,signup,\n", "utf-8")
        app.clear_notifications()
        await pilot.press("e", "ctrl+s")
        await until(pilot, lambda: any("other data" in each.message for each in app._notifications))
        assert app.findings.report_fault is None
        assert app.findings.fit_fault is None


async def test_a_run_is_paused_stopped_and_resumed_to_the_same_end(log, tmp_path):
    app = app_of(log, tmp_path / "study", LONG)
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: status(app) == "running" and state(app).phase == "walks")
        await pilot.press("1", "4")  # away, and back: it is watched again
        done = state(app).stage.done
        await until(pilot, lambda: state(app).stage.done > done)
        await pilot.press("p")
        await until(pilot, lambda: status(app) == "paused")
        await pilot.press("p")
        await until(pilot, lambda: status(app) == "running")
        await pilot.press("x")
        await until(pilot, lambda: status(app) == "stopped")
        assert "stopped" in headline(app)
        await pilot.press("r")
        await until(pilot, lambda: status(app) == "running" and state(app).attempts == 2)
        await pilot.press("x")
        await until(pilot, lambda: status(app) == "stopped")
        await pilot.press("e")
        await until(pilot, lambda: bool(app._notifications))  # of what is not finished there is no report
        assert isinstance(app.screen, SimulateScreen)
        app.clear_notifications()
        await pilot.press("p")
        await until(pilot, lambda: bool(app._notifications))


async def test_leaving_the_app_leaves_the_run_and_another_session_attaches_to_it(log, tmp_path):
    first = app_of(log, tmp_path / "study", LONG)
    async with first.run_test(size=(120, 35)) as pilot:
        await opened(first, pilot)
        await pilot.press("s")
        await until(pilot, lambda: status(first) == "running" and state(first).phase == "walks")
    (run,) = list_runs(tmp_path / "study")
    assert run.state.status in ALIVE
    assert alive(run.state.process["pid"])
    second = app_of(log, tmp_path / "study", LONG)
    async with second.run_test(size=(80, 24)) as pilot:
        await opened(second, pilot)
        await until(pilot, lambda: status(second) == "running")
        assert second.screen._watched == run.folder
        await pilot.press("x")
        await until(pilot, lambda: status(second) == "stopped")


async def test_what_the_next_run_is_to_be_is_asked_and_refused_where_it_makes_no_sense(log, tmp_path):
    app = app_of(log, tmp_path / "study")
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        app.screen.query_one("#field-n_personas", Input).value = "0"
        await pilot.press("enter")
        assert "must be >= 1" in str(app.screen.query_one("#fault", Static).render())
        app.screen.query_one("#field-n_personas", Input).value = "3,000"
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, FormScreen))
        assert app.workspace.settings.n_personas == 3_000
        assert "3,000" in str(app.screen.query_one("#wanted", Static).render())
        assert "--n-personas 3000" in app.screen.command()


def test_the_clock_of_a_run_goes_on_within_a_long_block():
    stage = Stage(name="walks", phase="walks", done=50, total=100, began=0, told=5, first_done=0)
    state = RunState(status="running", seconds=5, stages=(stage,))
    told, later = (str(headline_of(state, "a", LADDER["eighths"], silent=each)) for each in (0.0, 2.0))
    assert "5.0 s" in told
    assert "5.0 s left" in told
    assert "7.0 s" in later
    assert "3.0 s left" in later
    assert "50 of 100" in later


def test_a_view_is_given_up_for_a_newer_one_but_not_for_silence():
    full, silent = (SimulateScreen.Seen(Path(), RunState(), silent=each) for each in (0.0, 0.3))
    assert full.can_replace(full)
    assert silent.can_replace(full)
    assert silent.can_replace(silent)
    assert not full.can_replace(silent)


async def test_a_run_that_failed_says_why(log, tmp_path):
    app = app_of(log, tmp_path / "study", modification=("friction:factor=0.1,at=nowhere",))
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("s")
        await until(pilot, lambda: status(app) == "failed" or bool(app._notifications))
        told = headline(app) + " ".join(each.message for each in app._notifications)
        assert "nowhere" in told


async def test_every_view_of_a_run_holds_what_its_journal_tells(log, tmp_path):
    run_simulation(
        Settings(
            events=str(log), clusters="1", output=str(tmp_path / "study"), n_personas=2_000, solver="paths"
        )
    )
    app = app_of(log, tmp_path / "study")
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: status(app) == "finished")
        for name, words in {"steps": "leave for good after", "live": "exact"}.items():
            app.screen.query_one(TabbedContent).active = name
            await pilot.pause()
            assert words in app.screen.table_text()
        assert "control" in str(app.screen.query_one("#walk-text", Static).render())
        assert "walks" in str(app.screen.query_one("#log-text", Static).render())
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        app.screen.query_one(Input).value = "1000"
        await pilot.press("enter")
        await until(pilot, lambda: "Replay at 1e+03 x" in headline(app) and status(app) == "finished")


def test_the_document_of_a_run_is_there_for_others(log, tmp_path):
    done = run_simulation(
        Settings(
            events=str(log), clusters="1", output=str(tmp_path / "study"), n_personas=500, solver="paths"
        )
    )
    assert json.loads((done.folder / "result.json").read_text())["experiments"]


def test_a_run_in_a_narrow_list_shows_when_it_began():
    run = ListedRun(folder=Path("20261123T044918Z-74276d"), state=RunState(status="running"))
    lines = [run_line(run, width, LADDER["eighths"]).plain.split() for width in (24, 40)]
    assert lines == [["11-23", "04:49", "running"], ["11-23", "04:49", "74276d", "running"]]
