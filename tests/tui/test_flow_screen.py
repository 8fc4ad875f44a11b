"""The Flow screen: effects are edited, and what they do is shown at every keystroke."""

import asyncio
import json
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from textual.widgets import Input, OptionList, Static, TabbedContent

from persona_tui.engine.params import Range, parameters_of
from persona_tui.engine.simulation.effects import EFFECTS
from persona_tui.study.options import Settings
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.study.study import forecast
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.screens.form import FormScreen
from persona_tui.tui.widgets.effect_form import effect_kinds, first_values, values_of_text
from persona_tui.tui.widgets.flow_diagram import FlowDiagram
from persona_tui.tui.widgets.funnel_bars import FunnelBars
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.widgets.slider import Slider, draw_slider, scale_of
from persona_tui.tui.widgets.step_list import step_text
from persona_tui.tui.widgets.text_table import Table
from persona_tui.tui.workspace import Workspace

REWARD = "reward:factor=0.2"
SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture(autouse=True, scope="module")
def kept_fits(tmp_path_factory):
    """Fits are kept between the tests of this file, as between sessions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A tenth of the sample's users: what is shown does not depend on how many there are."""
    events = pl.read_csv(SAMPLE)
    users = events["user_id"].unique(maintain_order=True)[::10]
    path = tmp_path_factory.mktemp("log") / "some.csv"
    events.filter(pl.col("user_id").is_in(users.implode())).write_csv(path)
    return path


@pytest.fixture
def app(log):
    return PersonaApp(Workspace(Settings(events=str(log), clusters="2")))


async def until(pilot, holds):
    for _ in range(400):
        await pilot.pause(0.05)
        if holds():
            await pilot.pause()
            return
    raise AssertionError("it did not come to hold")


async def opened(app, pilot):
    await until(pilot, lambda: app.running is None and app.findings.log is not None)
    await pilot.press("3")
    await until(pilot, lambda: app.findings.flow is not None and bool(answer(app)))


def answer(app):
    return str(app.screen.query_one("#answer", Static).render())


def uplift_of_all(app):
    data = app.screen.query_one("#uplifts", IntervalBars).data
    return None if data is None else data.rows[0]


async def test_what_the_screen_shows_is_what_the_command_predicts(app, log):
    expected = forecast(Settings(events=str(log), clusters="2"))
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: app.screen.query_one(FunnelBars).data is not None)
        total = expected.report.lead.experiment.total.uplifts["completion_rate"]
        row = uplift_of_all(app)
        assert (row.value, row.low, row.high) == (total.value, *total.total)
        arms = app.screen.query_one(FunnelBars).data.arms
        told = [each.treatment for each in expected.report.lead.funnel_arms]
        assert arms[1].reached == pytest.approx([1_000 * each for each in told], rel=1e-12)
        assert app.screen.command() == f"persona-tui preview {log} --clusters 2"


async def test_the_command_of_a_scenario_predicts_what_the_screen_shows(app, log, tmp_path):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        app._save(tmp_path / "study")
        app.edit(
            "another",
            scenarios=(ScenarioSettings(name="A", effects=("reward:factor=0.1", REWARD), off=(1,)),),
        )
        await until(pilot, lambda: uplift_of_all(app).value > 0)
        words = shlex.split(app.screen.command())
        assert words[1:3] == ["preview", str((tmp_path / "study").resolve())]
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "persona_tui", *words[1:], "--json"],
            capture_output=True,
            check=True,
        )
        document = json.loads(done.stdout)
        assert document["recipe"]["settings"]["modification"] == [REWARD]
        told = document["experiments"][0]["uplifts"]["treatment"]["completion_rate"]["value"]
        assert told == float(f"{uplift_of_all(app).value:.10g}")


async def test_a_change_is_added_at_a_step_and_every_keystroke_is_answered(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        before = uplift_of_all(app).value
        app.screen.query_one("#steps", OptionList).focus()
        await pilot.press("a")
        kinds = app.screen.query_one("#kinds", OptionList)
        assert kinds.has_focus
        kinds.highlighted = [name for name, _ in effect_kinds()].index("friction")
        await pilot.press("enter")
        await until(pilot, lambda: uplift_of_all(app).value < before)
        entry = app.screen.query_one("#effect-factor", Input)
        step = app.screen._steps[0].state
        assert app.screen.query_one("#effect-at", Input).value == step
        at_first = uplift_of_all(app).value
        await pilot.press("5")  # 0.15
        await until(pilot, lambda: uplift_of_all(app).value < at_first)
        assert app.workspace.done == ()
        assert app.screen.query_one("#slide-factor", Slider).value == 0.15
        await pilot.press("x")
        assert "must be" in str(app.screen.query_one("#effect-fault", Static).render())
        await pilot.press("backspace", "enter")
        await pilot.pause()
        assert app.workspace.settings.modification[-1] == f"friction:factor=0.15,at={step}"
        assert len(app.workspace.done) == 1
        assert not entry.is_mounted or app.screen.query_one("#below").current == "step-list"
        await pilot.press("z")
        assert app.workspace.settings.modification == Settings().modification
        await until(pilot, lambda: uplift_of_all(app).value == before)


async def test_leaving_the_form_leaves_everything_as_it_was(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        before = uplift_of_all(app)
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query("#effect-count"))
        await pilot.press("0")  # 20 steps
        await until(pilot, lambda: uplift_of_all(app) != before)
        await pilot.press("escape")
        await until(pilot, lambda: uplift_of_all(app) == before)
        assert app.workspace.done == ()


async def test_a_fault_of_the_flow_is_told_in_the_form(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query("#effect-before"))
        app.screen.query_one("#effect-before", Input).value = "signup_startt"
        await until(
            pilot, lambda: "signup_start'" in str(app.screen.query_one("#effect-fault", Static).render())
        )
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.query_one("#below").current == "form"
        assert app.workspace.done == ()


async def test_changes_are_left_alone_while_a_form_is_open(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query("#effect-count"))
        app.screen.query_one("#slide-count").focus()
        await pilot.press("a", "d", "n", "D")
        assert app.screen.query_one("#below").current == "form"
        assert app.screen.focused.id == "slide-count"
        for listed in ("#scenarios", "#effects"):  # what is in the form would be lost
            await pilot.click(listed, offset=(2, 0))
            assert app.screen.query_one("#below").current == "form"
            assert app.screen.query_one(listed).disabled
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query_one("#below").current != "form")
        assert not app.screen.query_one("#effects").disabled


async def test_effects_are_switched_off_moved_copied_and_removed(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("x")
        assert app.screen.scenario.off == (1,)
        await until(pilot, lambda: uplift_of_all(app).value == 0)
        await pilot.press("D", "x")
        assert app.screen.scenario.off == (2,)
        await pilot.press("J")
        assert app.screen.scenario.off == (1,)
        await pilot.press("d")
        assert app.screen.scenario.effects == Settings().modification
        await pilot.press("d")
        assert "at least one effect" in next(each.message for each in app._notifications)
        while app.workspace.done:
            await pilot.press("z")
        assert app.workspace.settings.modification == Settings().modification


async def test_scenarios_are_added_named_and_removed(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        app.screen.query_one(Input).value = "[/b]Less friction"
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, FormScreen))
        await pilot.pause()
        assert [each.name for each in app.workspace.settings.scenarios] == ["change", "[/b]Less friction"]
        assert app.screen.scenario.name == "[/b]Less friction"
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        app.screen.query_one(Input).value = "CHANGE"
        await pilot.press("enter")
        assert "has this name" in str(app.screen.query_one("#fault", Static).render())
        await pilot.press("escape")
        await pilot.press("X")
        assert app.workspace.settings.scenarios == ()


async def test_groups_are_worked_out_when_they_are_looked_at(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        app.screen.query_one(TabbedContent).active = "groups"
        await until(pilot, lambda: app.screen.query_one("#group-uplifts", IntervalBars).data is not None)
        rows = app.screen.query_one("#group-uplifts", IntervalBars).data.rows
        assert rows[0].label == "all"
        assert any(each.label.startswith("device=") for each in rows)
        app.screen.query_one(TabbedContent).active = "chains"
        await pilot.pause()
        assert app.screen.query_one("#chain-changes", Table).data.rows
        assert "control" not in app.screen.table_text()


async def test_the_diagram_is_of_the_arm_and_the_personas_in_view(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        app.screen.query_one(TabbedContent).active = "diagram"
        await pilot.pause()
        whole = app.screen.query_one(FlowDiagram).data
        assert sum(node.volume for node in whole.nodes if node.step == 0) == pytest.approx(1_000)
        await pilot.press("v")
        assert app.screen.query_one(FlowDiagram).data.style != whole.style
        app.edit("some", modification=("friction:factor=0.1,segment=device=mobile",))
        await until(pilot, lambda: uplift_of_all(app).value < 0)
        parts = []
        for _ in app.findings.flow.personas:
            await pilot.press("p")
            parts.append(app.screen.query_one(FlowDiagram).data)
        for part in parts:
            assert sum(node.volume for node in part.nodes if node.step == 0) == pytest.approx(1_000)
        assert parts[0].nodes != parts[1].nodes


def test_every_effect_has_a_form_that_writes_it_back():
    for name, _ in effect_kinds():
        for text in (
            EXAMPLES[name],
            f"{EXAMPLES[name]},personas=1" if name != "mix_shift" else EXAMPLES[name],
        ):
            kind, values = values_of_text(text)
            assert kind == name
            assert set(values) <= {each.name for each in parameters_of(EFFECTS.get(name))}
        assert set(first_values(name, "a, b"))


EXAMPLES = {
    "insert_steps": 'insert_steps:count=2,before="a, b"',
    "remove_step": "remove_step:event=a",
    "friction": 'friction:factor=0.02/0.05/0.1,at="a, b"|c',
    "reward": "reward:factor=0.1",
    "redirect": "redirect:source=a,target=b,to=c,share=0.5",
    "mix_shift": "mix_shift:persona=1,share=0.4",
    "retime": "retime:factor=0.5,at=a|b",
}


def test_names_with_commas_survive_the_form():
    kind, held = values_of_text(EXAMPLES["friction"])
    assert held == {"factor": "0.02/0.05/0.1", "at": '"a, b", c'}
    assert step_text(kind, parameters_of(EFFECTS.get(kind)), held) == EXAMPLES["friction"]


@pytest.mark.parametrize("rung", LADDER)
@pytest.mark.parametrize("width", [0, 1, 2, 17, 80])
@pytest.mark.parametrize("value", [None, 0.0, 1.0, 0.37, Range(0.0, 0.2, 1.0), Range(0.5, 0.5, 0.5)])
def test_a_slider_is_as_wide_as_its_cells(rung, width, value):
    factor = next(each for each in parameters_of(EFFECTS.get("friction")) if each.name == "factor")
    drawn = draw_slider(scale_of(factor, value), value, 1, width, LADDER[rung])
    assert drawn.cell_length == width


async def test_a_slider_moves_becomes_a_range_and_stays_in_order(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("a")
        kinds = app.screen.query_one("#kinds", OptionList)
        kinds.highlighted = [name for name, _ in effect_kinds()].index("friction")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query("#slide-factor"))
        slider = app.screen.query_one(Slider)
        slider.focus()
        await pilot.press("right")
        assert app.screen.query_one("#effect-factor", Input).value == "0.11"
        await pilot.press("r")
        assert slider.value == Range(0.055, 0.11, 0.165)
        await pilot.press("m", "end")
        assert slider.value == Range(0.055, 0.11, 1.0)
        await pilot.press("m", "end")
        assert slider.value == Range(1.0, 1.0, 1.0)
        await pilot.press("r")
        assert slider.value == 1.0


async def test_a_field_left_empty_says_what_it_stands_for(app):
    async with app.run_test(size=(120, 35)) as pilot:
        await opened(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query("#effect-before"))
        fields = {each.id: each.placeholder for each in app.screen.query(Input) if each.id}
        assert fields["effect-before"] == "completion"
        assert fields["effect-sources"] == "all"
