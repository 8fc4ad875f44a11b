"""Edits of scenarios, one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.errors import SimulationError
from persona_tui.study import scenario_edits as edits
from persona_tui.study.config import settings_from_toml
from persona_tui.study.options import Settings
from persona_tui.study.scenarios import Dose, ScenarioSettings

EFFECTS = ("reward:factor=0.1", "friction:factor=0.05", "insert_steps:count=2", "retime:factor=0.5")


@st.composite
def scenarios(draw):
    effects = draw(st.lists(st.sampled_from(EFFECTS), min_size=1, max_size=5))
    off = draw(st.lists(st.integers(1, len(effects)), unique=True))
    return ScenarioSettings(name="Change it", effects=tuple(effects), off=tuple(sorted(off)))


def acting(scenario):
    return [(text, place not in scenario.off) for place, text in enumerate(scenario.effects, start=1)]


@given(scenario=scenarios(), data=st.data())
def test_an_edit_changes_its_effect_and_no_other(scenario, data):
    place = data.draw(st.integers(0, len(scenario.effects) - 1))
    before = acting(scenario)
    assert edits.toggle_effect(edits.toggle_effect(scenario, place), place) == scenario
    copied = acting(edits.duplicate_effect(scenario, place))
    assert copied == [*before[: place + 1], *before[place:]]
    assert acting(edits.add_effect(scenario, EFFECTS[0])) == [*before, (EFFECTS[0], True)]
    replaced = acting(edits.replace_effect(scenario, place, EFFECTS[3]))
    assert replaced == [*before[:place], (EFFECTS[3], before[place][1]), *before[place + 1 :]]
    by = data.draw(st.integers(-6, 6))
    moved = edits.move_effect(scenario, place, by)
    assert sorted(acting(moved)) == sorted(before)
    if len(before) > 1:
        assert acting(edits.remove_effect(scenario, place)) == before[:place] + before[place + 1 :]


@given(scenario=scenarios())
def test_effects_that_are_off_are_kept_in_the_file_and_do_not_act(scenario):
    settings = Settings(events="log.csv", scenarios=(scenario,))
    again = settings_from_toml(settings.as_toml())
    assert again.scenarios == (scenario,)
    assert [str(each) for each in scenario.read_effects()] == [
        text for text, acts in acting(scenario) if acts
    ]


def test_one_change_without_a_name_of_its_own_stays_an_option_that_a_command_can_say():
    settings = Settings(events="log.csv")
    (only,) = settings.effective_scenarios()
    values = edits.values_of(settings, [edits.replace_effect(only, 0, EFFECTS[0])])
    assert values["modification"] == (EFFECTS[0],)
    assert values["scenarios"] == ()
    off = edits.values_of(settings, [edits.toggle_effect(only, 0)])
    assert off["modification"] == Settings().modification
    assert off["scenarios"][0].off == (1,)


def test_a_scenario_that_is_gone_leads_no_more():
    one = ScenarioSettings(name="One", effects=EFFECTS[:1])
    two = edits.duplicate_scenario([one], 0)
    assert [each.name for each in two] == ["One", "One 2"]
    settings = Settings(scenarios=two, lead="One 2")
    assert edits.values_of(settings, edits.remove_scenario(two, 1))["lead"] == ""
    with pytest.raises(SimulationError, match="at least one scenario"):
        edits.remove_scenario([one], 0)
    with pytest.raises(SimulationError, match="at least one effect"):
        edits.remove_effect(one, 0)


def test_an_edited_scenario_is_no_dose_of_its_group_any_more():
    dose = Dose(group="Friction", effect=1, parameter="factor", value=0.05)
    scenario = ScenarioSettings(name="Friction: 0.05", effects=(EFFECTS[1],), dose=dose)
    assert edits.replace_effect(scenario, 0, "friction:factor=0.2").dose is None


@pytest.mark.parametrize("off", [[0], [2], [1, 1], ["a"], 1])
def test_an_effect_that_is_not_there_cannot_be_off(off):
    given_ = {"scenarios": [{"name": "A", "effects": [EFFECTS[0]], "off": off}]}
    with pytest.raises(Exception, match="off"):
        settings_from_toml(given_)
