"""One truth: what the screens show, what a verb prints and what files hold agree to the printed digit."""

import asyncio
import csv
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from persona_tui.study.following import list_runs
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.workspace import Workspace, settings_of_source

ROOT = Path(__file__).parents[2]
STUDY = f"""
events = "{ROOT / "data" / "sample_events.csv"}"
clusters = "2"
n_personas = 2000
solver = "paths"

[[scenarios]]
name = "Easier form"
effects = ["reward:factor=0.05/0.1/0.2,at=form_step_3", "insert_steps:count=1"]
"""
METRICS = {"completion": "completion_rate", "drop-off": "drop_off_rate"}
"""Those that are shares and change, by what the screens call them."""
EXACT = ("scenario", "arms", "uplifts", "harm", "decision", "personas", "funnel", "plan")
"""What a report holds whether anybody was simulated or not."""


@dataclass
class Faces:
    """What each face told of one study: two screens, a verb, and the files of an export and of a run."""

    report: str
    simulate: str
    printed: str
    exports: Path
    run: Path

    @property
    def document(self):
        return json.loads(self.printed)

    @property
    def experiment(self):
        (found,) = self.document["experiments"]
        return found


async def until(pilot, holds):
    for _ in range(600):
        await pilot.pause(0.05)
        if holds():
            await pilot.pause()
            return
    raise AssertionError("it did not come to hold")


def drawn(app):
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(part.text for part in line) for line in lines)


async def screens(folder):
    """Return the Report and the Simulate screen of a study, its report exported and its run finished."""
    app = PersonaApp(Workspace(settings_of_source(str(folder), {})))
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: app.running is None and app.findings.log is not None)
        await pilot.press("5")
        await until(pilot, lambda: app.findings.report is not None and app.running is None)
        report = drawn(app)
        app.export(("csv", "json", "md"), folder / "exports")
        await until(pilot, lambda: app.running is None)
        await pilot.press("4", "s")
        await until(pilot, lambda: app.screen._state is not None and app.screen._state.status == "finished")
        app.screen.workers.cancel_group(app.screen, "watch")  # a replay of what was too quick to see
        await pilot.pause()
        return report, drawn(app)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.toml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        report, simulate = asyncio.run(screens(folder))
        ((run),) = (each.folder for each in list_runs(folder))
        done = subprocess.run(
            [sys.executable, "-m", "persona_tui", "simulate", folder, "--json", "--quiet"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
    return Faces(report=report, simulate=simulate, printed=done.stdout, exports=folder / "exports", run=run)


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


def test_a_run_that_the_app_starts_leaves_what_the_verb_prints(faces):
    assert (faces.run / "result.json").read_text() == faces.printed


def test_an_export_holds_the_numbers_of_the_verb(faces):
    (exported,) = json.loads((faces.exports / "result.json").read_text())["experiments"]
    for name in EXACT:
        assert without_errors(exported[name]) == without_errors(faces.experiment[name]), name


def without_errors(value):
    """Return a document without what only a simulation knows."""
    if isinstance(value, dict):
        return {key: without_errors(each) for key, each in value.items() if key != "simulation_error"}
    return [without_errors(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("label", METRICS)
def test_the_report_and_its_page_print_the_numbers_of_the_verb(faces, label):
    cells = shares_row(faces.experiment, label, METRICS[label])
    page = (faces.exports / "report.md").read_text()
    assert row(faces.report, *cells), cells
    assert row(page, *cells), cells


def test_the_decision_is_the_same_sentence_everywhere(faces):
    decision = faces.experiment["decision"]
    for text in (faces.report, (faces.exports / "report.md").read_text()):
        assert row(text, *decision.replace("−", "-").replace("\u202f", " ").split())


def test_the_table_for_a_spreadsheet_holds_the_numbers_of_the_verb(faces):
    with (faces.exports / "experiment_results.csv").open() as file:
        rows = {each["metric"]: each for each in csv.DictReader(file) if each["persona"] == "all"}
    for name, estimate in faces.experiment["uplifts"]["treatment"].items():
        told = [float(rows[name][each] or "nan") for each in ("uplift", "total_low", "total_high")]
        assert told == [estimate["value"], *estimate["total"]]
        assert float(rows[name]["control"]) == faces.experiment["arms"]["control"][name]


@pytest.mark.parametrize("arm", ["control", "treatment"])
def test_the_live_screen_ends_with_the_numbers_of_the_verb(faces, arm):
    simulated = percent(faces.experiment["simulated"]["arms"][arm]["completion_rate"])
    exact = percent(faces.experiment["arms"][arm]["completion_rate"])
    assert re.search(rf"{arm} +{simulated} ±[\d.]+ +{exact} ", faces.simulate)


def test_the_live_screen_ends_with_the_uplifts_of_the_verb(faces):
    for part in (faces.experiment, *faces.experiment["personas"]):
        estimate = part["uplifts"]["treatment"]["completion_rate"]
        error = re.escape(f"±{100 * estimate['simulation_error']:.2f}")
        exact = re.escape(points(estimate["value"]))
        name = re.escape(part.get("name", "uplift, points"))
        share = rf"{percent(part['share'])} +[\d,]+" if "name" in part else ""
        assert re.search(rf"{name} +{share} +[-+][\d.]+ {error} +{exact} ", faces.simulate), part["uplifts"]
    simulated = points(faces.experiment["simulated"]["uplifts"]["completion_rate"])
    assert re.search(rf"uplift, points +{re.escape(simulated)} ±", faces.simulate)
