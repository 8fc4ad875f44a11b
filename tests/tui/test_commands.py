"""Copy as command: what a command line can say of a screen, and what it cannot."""

from dataclasses import replace
from pathlib import Path

import pytest

from persona_tui.engine.errors import SimulationError
from persona_tui.study.kept_personas import KeptPersonas
from persona_tui.study.options import Settings
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.tui.commands import command_of

LOG = Settings(events="log.csv")
SCENARIOS = (
    ScenarioSettings(name="A", effects=("reward:factor=0.1",)),
    ScenarioSettings(name="B", effects=("friction:factor=0.1",)),
)
STUDY = replace(LOG, scenarios=SCENARIOS, personas=KeptPersonas(folder=Path("study")))


def test_scenarios_of_a_saved_study_are_said_by_its_name():
    assert command_of("simulate", replace(STUDY, seed=3), STUDY) == "persona-tui simulate study --seed 3"


@pytest.mark.parametrize("screen", ["simulate", "report"])
@pytest.mark.parametrize("saved", [None, STUDY])
def test_scenarios_that_no_study_holds_are_not_said_as_something_else(screen, saved):
    settings = replace(STUDY, scenarios=SCENARIOS[:1]) if saved else replace(LOG, scenarios=SCENARIOS)
    with pytest.raises(SimulationError, match="saved study"):
        command_of(screen, settings, saved)


def test_what_is_no_simulation_is_said_whatever_the_scenarios():
    assert command_of("personas", replace(LOG, scenarios=SCENARIOS)) == "persona-tui personas log.csv"


def test_one_change_is_said_where_the_study_has_scenarios():
    one = replace(STUDY, scenarios=())
    command = "persona-tui simulate study --modification insert_steps:count=2"
    assert command_of("simulate", one, STUDY) == command
