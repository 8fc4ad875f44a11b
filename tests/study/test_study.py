from pathlib import Path

import pytest
from support import make_log

from persona_tui.engine.errors import DataError
from persona_tui.study import log as study_log
from persona_tui.study.options import Settings
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.study.study import forecast

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


def test_more_event_types_than_can_be_modelled_are_refused_with_the_limit_and_a_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(study_log, "MAX_EVENT_TYPES", 2)
    log = tmp_path / "log.parquet"
    make_log({"ann": [["a", "b", "c"]]}).write_parquet(log)
    with pytest.raises(DataError, match=r"3 event types are more than the 2(.|\n)*merge rare events"):
        study_log.prepare_log(Settings(events=str(log)))


@pytest.fixture(scope="module")
def two_scenarios(tmp_path_factory):
    scenarios = (
        ScenarioSettings(name="More friction", effects=("friction:factor=0.1",)),
        ScenarioSettings(
            name="Both", effects=("insert_steps:count=1", "friction:factor=0.2"), description="Two"
        ),
    )
    return forecast(
        Settings(
            events=str(SAMPLE),
            output=str(tmp_path_factory.mktemp("study")),
            clusters="1",
            scenarios=scenarios,
            lead="Both",
            weeks=3.0,
            budget=0.1,
        )
    )


def test_the_recipe_holds_every_scenario_and_the_change_of_the_one_that_leads(two_scenarios):
    found = two_scenarios.document["recipe"]["settings"]
    both = ["insert_steps:count=1", "friction:factor=0.2"]
    assert found["scenarios"] == {"More friction": ["friction:factor=0.1"], "Both": both}
    assert (found["lead"], found["modification"], found["description"]) == ("Both", both, "Two")
    planned = (found[name] for name in ("power", "level", "exposed", "weeks", "budget"))
    assert tuple(planned) == (0.8, 0.05, 1.0, 3.0, 0.1)


def test_a_recipe_that_simulates_nobody_says_so(two_scenarios):
    found = two_scenarios.document["recipe"]["settings"]
    assert (found["solver"], found["n_personas"]) == ("exact", 0)


def test_the_recipe_of_a_deck_lists_scenarios_a_line_each(two_scenarios):
    recipe = two_scenarios.report.recipe
    assert recipe["scenario 1"] == "More friction = friction:factor=0.1"
    assert recipe["scenario 2"] == "Both = insert_steps:count=1; friction:factor=0.2"
    assert recipe["lead"] == "Both"
    assert "modification" not in recipe


def test_the_recipe_says_how_times_were_read(two_scenarios):
    found = two_scenarios.document["recipe"]["settings"]
    assert (found["timezone"], found["dates"]) == ("UTC", "auto")
