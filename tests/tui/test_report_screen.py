"""The Report screen: scenarios side by side, what the files would say, and export."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from textual.widgets import Input, OptionList, SelectionList, Static

from persona_tui.engine.analytics.exporters import EXPORTERS
from persona_tui.study.options import Settings
from persona_tui.study.run_results import RunResult
from persona_tui.study.runs import run_simulation
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.screens import report_page as page
from persona_tui.tui.screens.export import ExportScreen
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.widgets.text_table import Table
from persona_tui.tui.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
SCENARIOS = (
    ScenarioSettings(name="Less =1+1", effects=("reward:factor=0.2",)),
    ScenarioSettings(name="[/b]More", effects=("friction:factor=0.1",)),
)


@pytest.fixture(autouse=True, scope="module")
def kept_fits(tmp_path_factory):
    """Fits are kept between the tests of this file, as between sessions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def app(tmp_path_factory, tmp_path):
    events = pl.read_csv(SAMPLE)
    users = events["user_id"].unique(maintain_order=True)[::10]
    log = tmp_path / "some.csv"
    events.filter(pl.col("user_id").is_in(users.implode())).write_csv(log)
    settings = Settings(events=str(log), clusters="2", scenarios=SCENARIOS, output=str(tmp_path / "study"))
    return PersonaApp(Workspace(settings))


async def until(pilot, holds):
    for _ in range(400):
        await pilot.pause(0.05)
        if holds():
            await pilot.pause()
            return
    raise AssertionError("it did not come to hold")


async def opened(app, pilot):
    await until(pilot, lambda: app.running is None and app.findings.log is not None)
    await pilot.press("5")
    await until(pilot, lambda: app.findings.report is not None and app.running is None)


async def test_the_report_is_worked_out_on_the_way_to_its_screen(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        report = app.findings.report.result.report
        assert [each.name for each in report.ranking] == ["Less =1+1", "[/b]More"]
        listed = app.screen.query_one("#scenarios", OptionList)
        assert str(listed.get_option_at_index(1).prompt) == "[/b]More"
        listed.highlighted = 1
        await pilot.pause()
        assert report.scenarios[1].question in str(app.screen.query_one("#answer", Static).render())
        await pilot.press("]")
        assert "Less =1+1" in app.screen.table_text()
        app.edit("seed", seed=7)
        await until(pilot, lambda: "earlier settings" in str(app.screen.query_one("#said").render()))


async def test_finished_runs_stand_beside_the_scenarios(app, tmp_path):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("]")
        told = app.screen.query_one("#run-decisions", Static)
        await until(pilot, lambda: "No run of this study is finished" in str(told.render()))
        settings = replace(app.workspace.settings, n_personas=50)
        done = await asyncio.to_thread(run_simulation, settings)
        await pilot.press("4", "5")
        await until(pilot, lambda: bool(app.screen.query_one("#run-table", Table).data.rows))
        report = app.findings.report.result.report
        rows = app.screen.query_one("#run-table", Table).data.rows
        assert [row[1:4] for row in rows] == [
            row[:1] + row[2:4]
            for row in page.ranking(report).rows  # the same numbers, listed in this order
        ]
        assert {row[4:6] for row in rows} == {("50", "now")}
        assert [row.note for row in app.screen.query_one("#run-uplifts", IntervalBars).data.rows] == ["", ""]
        assert report.lead.decision.replace("−", "-").replace("\u202f", " ") in str(told.render())
        assert done.folder.is_dir()


def test_runs_of_other_data_are_told_apart():
    result = RunResult(
        run="20260301T101500Z-abcdef",
        ended=datetime(2026, 3, 1, 10, 20, tzinfo=UTC),
        scenario="[/b]日本",
        decision="Do it.",
        uplift=0.01,
        interval=(-0.01, 0.03),
        n_personas=1_000_000,
        completion=("buy",),
        fingerprint="other",
        unit="user",
    )
    report = SimpleNamespace(log=SimpleNamespace(fingerprint="this"), unit="user")
    assert page.run_uplifts([result], report).rows[0].note == "other data"
    assert page.run_decisions([result], report).splitlines() == [
        "1. Do it.",
        "1 of other data or unit than the report in view: not to be compared.",
    ]
    (row,) = page.run_table([result], datetime(2026, 3, 3, 10, 20, tzinfo=UTC)).rows
    assert row == ("1", "[/b]日本", "+1.0", "-1.0 to +3.0", "1,000,000", "2 d", "03-01 10:15")


async def test_chosen_formats_are_told_by_more_than_a_colour(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await pilot.press("e", "down", "space")
        formats = app.screen.query_one(SelectionList)
        lines = [formats.render_line(number).text for number in range(formats.option_count)]
        boxes = ["[x]", "[ ]", *["[x]"] * (formats.option_count - 2)]
        assert [line[:3] for line in lines] == boxes
        assert [line[4:].split()[0] for line in lines] == list(EXPORTERS.names())


async def test_the_files_are_written_where_the_dialogue_says(app, tmp_path):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("e")
        assert isinstance(app.screen, ExportScreen)
        assert app.screen.query_one("#folder", Input).value == str(tmp_path / "study" / "exports")
        app.screen.query_one(SelectionList).deselect_all()
        await pilot.press("ctrl+s")
        assert "at least one format" in str(app.screen.query_one("#fault", Static).render())
        app.screen.query_one(SelectionList).select("md").select("csv")
        await pilot.press("ctrl+s")
        await until(pilot, (tmp_path / "study" / "exports" / "report.md").exists)
        await until(pilot, lambda: app.running is None)
        listed = app.screen.query_one("#files", Table).data
        assert {row[0] for row in listed.rows} == {
            "report.md",
            "persona_summary.csv",
            "experiment_results.csv",
            "funnel.csv",
            "scenarios.csv",
        }
        page = (tmp_path / "study" / "exports" / "report.md").read_text()
        assert page == app.findings.report.markdown
        assert r"\[/b\]More" in page


async def test_a_folder_that_cannot_be_written_is_told_and_the_report_stays(app, tmp_path):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        (tmp_path / "file").write_text("")
        app.export(EXPORTERS.names(), tmp_path / "file" / "deep")
        await until(pilot, lambda: "cannot be created" in str(app.screen.query_one("#said").render()))
        assert app.findings.report is not None
