"""A notebook that is run from top to bottom gives the report that it was written from."""

from pathlib import Path

import nbclient
import nbformat
import pytest
from support import write_part_of_sample

from persona_tui.engine.analytics.report_figures import FIGURES
from persona_tui.study.exports import export_report
from persona_tui.study.options import Settings
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.study.study import forecast

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
SCENARIOS = (
    ScenarioSettings(name="'Less' \\ =1+1", effects=("reward:factor=0.2,at=form_step_3",)),
    ScenarioSettings(name="[/b]More", effects=("friction:factor=0.1",)),
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_part_of_sample(tmp_path_factory.mktemp("small") / "small.csv", "u00")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_notebook_runs_from_top_to_bottom_and_says_the_same(small, tmp_path):
    settings = Settings(events=str(small), clusters="2", scenarios=SCENARIOS, output=str(tmp_path / "study"))
    result = forecast(settings)
    (path,) = export_report(settings, result, ["ipynb"], tmp_path)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=120).execute()
    outputs = [each["outputs"] for each in notebook.cells if each["cell_type"] == "code"]
    assert outputs[1][0]["data"]["text/plain"] == repr(result.report.lead.decision)
    shown = [set(each[0]["data"]) for each in outputs[2:]]
    assert all("text/html" in each or "image/svg+xml" in each for each in shown)
    assert sum("image/svg+xml" in each for each in shown) == len(FIGURES)
