"""The whole way by keys alone, from a log that is opened to the files that leave; every face tells one truth.

On the sample what the screens show, what the verb prints and what the files hold is compared to the printed
digit; on real logs the way is gone to its end.
"""

import asyncio
import csv
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from pptx import Presentation
from textual.widgets import Input, OptionList, SelectionList

from persona_tui.study.following import list_runs
from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.widgets.effect_form import effect_kinds
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.workspace import Workspace

ROOT = Path(__file__).parents[2]
DEFAULTS = {"n_personas": 2_000, "solver": "paths"}
COMPLETION = {"online_wizard": "confirm", "loan_applications": "A_ACTIVATED", "restaurant_guide": "accept"}
METRICS = {"completion": "completion_rate", "drop-off": "drop_off_rate"}
"""Those that are shares and change, by what the screens call them."""
EXACT = ("scenario", "arms", "uplifts", "harm", "decision", "personas", "funnel", "plan")
"""What a report holds whether anybody was simulated or not."""


@dataclass
class Way:
    """What a session left: two screens as they were drawn, the files, and the command that was copied."""

    report: str
    simulate: str
    exports: Path
    run: Path
    command: str


async def until(pilot, holds):
    for _ in range(1200):
        await pilot.pause(0.05)
        if holds():
            await pilot.pause()
            return
    raise AssertionError("it did not come to hold")


def drawn(app):
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(part.text for part in line) for line in lines)


async def load(app, pilot, log):
    await pilot.press("o")
    app.screen.query_one(Input).value = str(log)
    await pilot.press("enter")
    await until(pilot, lambda: app.running is None and app.findings.log is not None)


async def edit_the_flow(app, pilot):
    """Keep some of those who leave at the first step, besides the change that a session begins with."""
    await pilot.press("3")
    uplifts = app.screen.query_one("#uplifts", IntervalBars)
    await until(pilot, lambda: app.running is None and uplifts.data is not None)
    before = uplifts.data.rows[0].value
    app.screen.query_one("#steps", OptionList).focus()
    await pilot.press("a")
    kinds = app.screen.query_one("#kinds", OptionList)
    kinds.highlighted = [name for name, _ in effect_kinds()].index("reward")
    await pilot.press("enter")
    await until(pilot, lambda: uplifts.data.rows[0].value > before)
    await pilot.press("enter")
    await until(pilot, lambda: len(app.workspace.settings.modification) == 2)


async def export_all(app, pilot):
    """Return the Report screen and the folder where everything but Markdown's preview went."""
    await pilot.press("5")
    await until(pilot, lambda: app.findings.report is not None and app.running is None)
    report = drawn(app)
    await pilot.press("e")
    app.screen.query_one(SelectionList).select_all()
    folder = Path(app.screen.query_one("#folder", Input).value).resolve()
    await pilot.press("ctrl+s")
    await until(pilot, lambda: app.running is None and bool(list(folder.glob("*.pptx"))))
    assert len(Presentation(folder / "simulation_report.pptx").slides) == len(app.findings.report.outline)
    return report, folder


async def go(log, **more):
    """Go the whole way: load, fit, edit, simulate, and meanwhile report and export."""
    app = PersonaApp(Workspace(Settings()), defaults={**DEFAULTS, **more})
    async with app.run_test(size=(200, 60)) as pilot:
        await load(app, pilot, log)
        await pilot.press("2")
        await until(pilot, lambda: app.running is None and app.findings.personas is not None)
        await edit_the_flow(app, pilot)
        await pilot.press("4", "s")
        await until(pilot, lambda: bool(list_runs(app.screen.study)))
        (run,) = list_runs(app.screen.study)
        report, exports = await export_all(app, pilot)
        await pilot.press("4")
        await until(pilot, lambda: app.screen._state is not None and app.screen._state.status == "finished")
        app.screen.workers.cancel_group(app.screen, "watch")  # a replay of what was too quick to see
        await pilot.press("y")
        return Way(
            report=report,
            simulate=drawn(app),
            exports=exports,
            run=run.folder.resolve(),
            command=app._copied,
        )


@pytest.fixture(scope="module")
def way(tmp_path_factory):
    """The whole way on the sample, in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("sample"))
        patch.setenv("PERSONA_TUI_CACHE_DIR", "cache")
        yield asyncio.run(go(ROOT / "data" / "sample_events.csv", clusters="2"))


@pytest.fixture(scope="module")
def printed(way):
    """What the copied command prints in a shell."""
    program = f"{shlex.quote(sys.executable)} -m persona_tui"
    done = subprocess.run(
        ["sh", "-c", f"{way.command.replace('persona-tui', program, 1)} --json --quiet"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def experiment(printed):
    (found,) = json.loads(printed)["experiments"]
    return found


@pytest.mark.real
@pytest.mark.parametrize("name", COMPLETION)
async def test_a_real_log_goes_the_whole_way_to_a_deck(real_log, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", "cache")
    left = await go(real_log(name), completion=(COMPLETION[name],), clusters="1")
    assert (left.exports / "simulation_report.pptx").stat().st_size > 10_000
    assert json.loads((left.run / "result.json").read_text())["experiments"][0]["n_personas"] == 2_000


def test_the_copied_command_gives_the_bytes_of_the_run_that_the_app_began(way, printed):
    words = shlex.split(way.command)
    assert words[:2] == ["persona-tui", "simulate"]
    assert words.count("--modification") == 2
    assert (way.run / "result.json").read_text() == printed


def percent(value):
    return f"{100 * value:.1f} %"


def points(value):
    return f"{100 * value:+.1f}"


def row(text, *cells):
    """Return whether a text holds some cells one after the other, with nothing but space between."""
    between = r"[\s|│]+"
    return re.search(between.join(map(re.escape, cells)), text.replace("−", "-").replace("\u202f", " "))


def shares_row(comparison, label, metric):
    """Return a metric as the tables of every face print it."""
    estimate = comparison["uplifts"]["treatment"][metric]
    low, high = map(points, estimate["total"])
    arms = (percent(comparison["arms"][arm][metric]) for arm in ("control", "treatment"))
    return (label, *arms, points(estimate["value"]), f"{low} to {high}")


def test_an_export_holds_the_numbers_of_the_verb(way, experiment):
    (exported,) = json.loads((way.exports / "result.json").read_text())["experiments"]
    for name in EXACT:
        assert without_errors(exported[name]) == without_errors(experiment[name]), name


def without_errors(value):
    """Return a document without what only a simulation knows."""
    if isinstance(value, dict):
        return {key: without_errors(each) for key, each in value.items() if key != "simulation_error"}
    return [without_errors(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("label", METRICS)
def test_the_report_and_its_page_print_the_numbers_of_the_verb(way, experiment, label):
    cells = shares_row(experiment, label, METRICS[label])
    page = (way.exports / "report.md").read_text()
    assert row(way.report, *cells), cells
    assert row(page, *cells), cells


def test_the_decision_is_the_same_sentence_everywhere(way, experiment):
    decision = experiment["decision"]
    for text in (way.report, (way.exports / "report.md").read_text()):
        assert row(text, *decision.replace("−", "-").replace("\u202f", " ").split())


def test_the_table_for_a_spreadsheet_holds_the_numbers_of_the_verb(way, experiment):
    with (way.exports / "experiment_results.csv").open() as file:
        rows = {each["metric"]: each for each in csv.DictReader(file) if each["persona"] == "all"}
    for name, estimate in experiment["uplifts"]["treatment"].items():
        told = [float(rows[name][each] or "nan") for each in ("uplift", "total_low", "total_high")]
        assert told == [estimate["value"], *estimate["total"]]
        assert float(rows[name]["control"]) == experiment["arms"]["control"][name]


@pytest.mark.parametrize("arm", ["control", "treatment"])
def test_the_live_screen_ends_with_the_numbers_of_the_verb(way, experiment, arm):
    simulated = percent(experiment["simulated"]["arms"][arm]["completion_rate"])
    exact = percent(experiment["arms"][arm]["completion_rate"])
    assert re.search(rf"{arm} +{simulated} ±[\d.]+ +{exact} ", way.simulate)


def test_the_live_screen_ends_with_the_uplifts_of_the_verb(way, experiment):
    for part in (experiment, *experiment["personas"]):
        estimate = part["uplifts"]["treatment"]["completion_rate"]
        name = re.escape(part.get("name", "uplift, points"))
        share = rf"{percent(part['share'])} +[\d,]+" if "name" in part else ""
        exact = re.escape(points(estimate["value"]))
        found = re.search(rf"{name} +{share} +[-+][\d.]+ ±([\d.]+) +{exact} ", way.simulate)
        assert found, part["uplifts"]
        n_digits = len(found[1].partition(".")[2])
        assert found[1] == f"{100 * estimate['simulation_error']:.{n_digits}f}"
    simulated = points(experiment["simulated"]["uplifts"]["completion_rate"])
    assert re.search(rf"uplift, points +{re.escape(simulated)} ±", way.simulate)
