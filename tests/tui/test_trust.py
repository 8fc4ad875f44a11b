"""The Trust screen: what forecasts were held against, as pictures first."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted_tests import STEPS, plant_test
from textual.widgets import Static, TabbedContent

from persona_tui.engine.evaluation.level import Level
from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.screens.trust import TrustScreen
from persona_tui.tui.screens.trust_words import UNCHECKED
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.widgets.study_bar import StudyBar
from persona_tui.tui.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


async def until(pilot, holds):
    for _ in range(3_000):
        await pilot.pause(0.02)
        if holds():
            return
    raise AssertionError("it did not come to pass")


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """A log of a real experiment of 1,200 users over two weeks."""
    path = tmp_path_factory.mktemp("trust") / "ab.csv"
    planted = plant_test(np.random.default_rng(1), (0.2, 0.0, -0.4), n_users=1_200)
    log = planted.sequences
    pl.DataFrame(
        {
            "user_id": [log.user_ids[user] for user in log.users],
            "timestamp": pl.Series(log.times + 1_767_600_000 * 10**6).cast(pl.Datetime("us", "UTC")),
            "event_type": [STEPS[code] for code in log.codes],
            "variant": [("control", "new")[planted.arms.of_users[user]] for user in log.users],
        }
    ).write_csv(path)
    return path


@pytest.fixture
def app(tested, monkeypatch):
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", str(tested.parent / "cache"))
    return PersonaApp(Workspace(Settings(events=str(tested), completion=("d_buy",), clusters="2")))


def said(app, name):
    return str(app.screen.query_one(f"#{name}-said", Static).render())


async def at_rest(pilot):
    await until(pilot, lambda: pilot.app.running is None and pilot.app.findings.log is not None)


async def test_it_says_what_each_check_does_before_it_is_done(app):
    async with app.run_test(size=(120, 45)) as pilot:
        await pilot.press("6")
        await at_rest(pilot)
        assert isinstance(app.screen, TrustScreen)
        for name, sentence in UNCHECKED.items():
            assert said(app, name) == sentence
        assert not app.screen.query_one("#calibration").display


async def test_a_backtest_shows_its_verdict_here_and_above_every_screen(app):
    async with app.run_test(size=(120, 45)) as pilot:
        await pilot.press("6")
        await at_rest(pilot)
        await pilot.press("r")
        await until(pilot, lambda: app.findings.backtest is not None)
        level = app.findings.backtest.verdict.level.word
        assert said(app, "backtest").startswith(f"Trust: {level}")
        bars = app.screen.query_one("#calibration", IntervalBars)
        assert bars.display
        assert len(bars.data.rows) == len(app.findings.backtest.outcomes.bins)
        for key in "345":
            await pilot.press(key)
            await pilot.pause()
            assert f"trust {level}" in str(app.screen.query_one(StudyBar).render())


async def test_a_kept_verdict_stands_there_as_soon_as_the_personas_are_known(app):
    """The same log and settings as before: nothing is worked out again."""
    async with app.run_test(size=(120, 45)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.findings.personas is not None)
        assert app.findings.backtest is not None
        await pilot.press("6")
        await pilot.pause()
        assert said(app, "backtest").startswith("Trust:")


async def test_drift_is_looked_for_in_the_last_quarter_or_in_what_is_named(app, tested):
    async with app.run_test(size=(120, 45)) as pilot:
        await pilot.press("6", "right_square_bracket")
        await at_rest(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "drift" in app.findings.checks)
        found = app.findings.checks["drift"].found
        assert found.drift.level.word in said(app, "drift").casefold()
        assert "--before" in app.screen.command()
        await pilot.press("n")
        await pilot.pause()
        await pilot.press(*str(tested), "enter")
        await until(pilot, lambda: app.findings.checks["drift"].found is not found)
        assert app.findings.checks["drift"].found.drift.level is Level.GREEN
        assert app.screen.command().endswith(str(tested))


async def test_fairness_needs_groups_and_takes_those_that_are_named(app):
    async with app.run_test(size=(120, 45)) as pilot:
        await pilot.press("6", "right_square_bracket", "right_square_bracket")
        await at_rest(pilot)
        await pilot.press("n")
        await pilot.pause()
        await pilot.press(*"variant", "enter")
        await until(pilot, lambda: "fairness" in app.findings.checks)
        assert "represented by the personas" in said(app, "fairness")
        labels = [row.label for row in app.screen.query_one("#group-rates", IntervalBars).data.rows]
        assert set(labels) == {"variant=control", "variant=new"}
        assert app.screen.command().endswith("--group variant")


async def test_a_real_test_is_read_with_the_lot_before_its_effects(app):
    async with app.run_test(size=(120, 45)) as pilot:
        await pilot.press("6", "left_square_bracket")
        await at_rest(pilot)
        assert app.screen.query_one(TabbedContent).active == "experiment"
        await pilot.press("r")
        await until(pilot, lambda: "experiment" in app.findings.checks)
        assert said(app, "experiment").startswith("Nothing speaks against a fair lot.")
        rows = {row.label: row for row in app.screen.query_one("#effects", IntervalBars).data.rows}
        assert rows["a_landing"].low < 0.2 < rows["a_landing"].high
        assert app.screen.command().startswith("persona-tui calibrate ")
        assert "friction:factor=" in str(app.screen.query_one("#explained", Static).render())


async def test_a_log_without_arms_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path))
    app = PersonaApp(Workspace(Settings(events=str(SAMPLE))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6", "left_square_bracket")
        await at_rest(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "experiment" in app.findings.checks)
        assert "Which attribute names the arm?" in said(app, "experiment")


async def test_without_a_log_there_is_nothing_to_check():
    app = PersonaApp(Workspace(Settings(events="")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6", "r")
        await pilot.pause()
        assert "No log is open" in said(app, "backtest")
        assert app.running is None
