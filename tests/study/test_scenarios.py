from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from persona_tui.engine.errors import PersonaError, SimulationError
from persona_tui.engine.params import Range
from persona_tui.engine.simulation.effects import EFFECTS, Friction, Redirect, parse_effect
from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.kept_personas import KeptPersonas
from persona_tui.study.options import Settings
from persona_tui.study.runs import settings_text
from persona_tui.study.scenarios import Dose, ScenarioSettings, at_dose, name_fault

names = st.text(min_size=1, max_size=12).filter(lambda text: not name_fault(text))
shares = st.floats(0, 1)
beliefs = shares | st.lists(shares, min_size=3, max_size=3).map(lambda ends: Range(*sorted(ends)))
events = st.text(min_size=1, max_size=6)
effects = st.builds(
    Friction,
    factor=beliefs,
    at=st.lists(events, max_size=2).map(tuple),
    personas=st.lists(events, max_size=2).map(tuple),
) | st.builds(Redirect, source=events, target=events, to=events, share=beliefs)


@st.composite
def scenarios(draw):
    changes = tuple(map(str, draw(st.lists(effects, min_size=1, max_size=3))))
    plain = ScenarioSettings(name=draw(names), effects=changes, description=draw(st.text(max_size=9)))
    if not draw(st.booleans()):
        return plain
    which = draw(st.integers(1, len(changes)))
    parameter = "factor" if changes[which - 1].startswith("friction") else "share"
    return at_dose(plain, effect=which, parameter=parameter, value=draw(shares))


@given(
    st.lists(scenarios(), min_size=1, max_size=4, unique_by=lambda each: each.name.casefold()),
    st.text(max_size=9),
    st.integers(0, 9),
)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_scenarios_come_back_as_they_were_written(tmp_path, listed, title, lead):
    assume(len({each.name.casefold() for each in listed}) == len(listed))
    settings = Settings(
        events="/log.csv",
        scenarios=tuple(listed),
        report_title=title,
        lead=listed[lead].name if lead < len(listed) else "",
        output=str(tmp_path),
        personas=KeptPersonas(folder=tmp_path),
    )
    path = tmp_path / "study.toml"
    path.write_text(settings_text(settings), encoding="utf-8", newline="")
    again = merge_settings(read_settings(path), {})
    assert again == settings
    assert settings_text(again) == settings_text(settings)


def test_each_scenario_is_written_as_a_table_of_its_own(sample_study):
    settings = merge_settings(read_settings(sample_study), {})
    assert settings_text(settings).count("[[scenarios]]") == len(settings.scenarios) == 7
    assert "modification" not in settings_text(settings)


@given(effects)
def test_a_table_and_a_text_of_an_effect_are_the_same(effect):
    from persona_tui.study.effect_tables import read_effects
    from persona_tui.study.places import Faults

    faults = Faults()
    (text,) = read_effects([effect.as_dict()], ("effects",), faults, key="effects")
    assert not faults
    assert parse_effect(text) == effect


def test_parameters_can_be_tables_texts_and_numbers(study_of):
    settings = study_of("""
[[scenarios]]
name = "All forms"
[[scenarios.effects]]
effect = "reward"
factor.low = 0
factor.mode = 0.1
factor.high = 1
at = ["Add, to cart", "checkout"]
personas = [2, "Compare plans"]
[[scenarios.effects]]
effect = "friction"
factor = "0.05/0.1/0.2"
[[scenarios.effects]]
effect = "mix_shift"
persona = 1
share = 1
""")
    (scenario,) = settings.scenarios
    assert scenario.effects == (
        'reward:factor=0.0/0.1/1.0,at="Add, to cart"|checkout,personas=2|Compare plans',
        "friction:factor=0.05/0.1/0.2",
        "mix_shift:persona=1,share=1.0",
    )


def test_a_number_that_varies_makes_one_scenario_a_value(study_of):
    settings = study_of("""
[[scenarios]]
name = "Longer"
description = "Pages"
effects = ["friction:factor=0.1", "insert_steps:count=2,before=done"]
vary = { effect = 2, parameter = "count", values = [1, 4] }
""")
    assert settings.scenarios == (
        ScenarioSettings(
            name="Longer: count=1",
            description="Pages",
            effects=("friction:factor=0.1", "insert_steps:count=1,before=done"),
            dose=Dose(group="Longer", effect=2, parameter="count", value=1),
        ),
        ScenarioSettings(
            name="Longer: count=4",
            description="Pages",
            effects=("friction:factor=0.1", "insert_steps:count=4,before=done"),
            dose=Dose(group="Longer", effect=2, parameter="count", value=4),
        ),
    )


def test_every_fault_of_scenarios_is_named_with_its_line(faults_of):
    known = ", ".join(EFFECTS.names())
    assert faults_of("""modification = ["friction:factor=0.1"]
[[scenarios]]
name = "Control"
effects = [
  "friction:factor=2",
  3, # neither text nor table
  { effect = "rewrad", factor = 1 }, { effect = "reward", factr = 1 },
]
seed = 3
[scenarios.vary]
effect = 7
values = []
[[scenarios]]
name = "a"
[[scenarios.effects]]
effect = "reward"
factor = { low = 0.5, mode = 0.1, high = 1.2, hgih = 3 }
at = "checkout"
[[scenarios.effects]]
effect = "insert_steps"
count = { low = 1, mode = 2, high = 3 }
exit_rate = "low"
[[scenarios]]
name = "A"
effects = ["friction:factor=0.1"]
vary = { parameter = "at", values = [1] }
""") == [
        "1: modification is for one change; scenarios have their own.",
        "3: name == 'Control', which results use for something else; choose another.",
        "5: Modification 'friction:factor=2': friction: factor == 2, must be <= 1.",
        "6: an effect must be a text like name:key=value, or a table.",
        f"7: Unknown effect 'rewrad'. Known: {known}. Did you mean 'reward'?",
        "7: unknown key 'factr'. Did you mean 'factor'?",
        "7: reward: factor is missing.",
        "9: 'seed' belongs at the top of the file, before the first table in brackets.",
        "10: parameter must be the name of a number of the effect.",
        "11: effect == 7, must be from 1 to 4, the number of effects.",
        "12: values must be a list of at least one number.",
        "17: unknown key 'hgih'. Did you mean 'high'?",
        "17: factor (high) == 1.2, must be <= 1.",
        "18: at must be a list of texts.",
        "21: count must be a whole number.",
        "22: exit_rate must be a number or low/mode/high.",
        "24: 'A' names another scenario already; case does not count.",
        "26: Unknown number of friction 'at'. Known: factor.",
    ]


ONE = '[[scenarios]]\nname = "a"\neffects = ["friction:factor=0.1"]\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("scenarios = 3", "1: scenarios must be tables, each headed [[scenarios]]."),
        ("scenarios = []", "1: scenarios must be tables, each headed [[scenarios]]."),
        (
            "scenarios = ['x']",
            "1: scenarios must be a table with name, description, effects, off, vary, dose.",
        ),
        ("[[scenarios]]\nname = 'a'", "1: effects must be a list of at least one effect, as text or table."),
        ('[[scenarios]]\neffects = ["friction:factor=0.1"]', "1: name must not be empty."),
        ('[[scenarios]]\nname = 1\neffects = ["friction:factor=0.1"]', "2: name must be a text."),
        (ONE.replace('"a"', '" a"'), "2: name == ' a', must not begin or end with a blank."),
        (ONE.replace('"a"', r'"a\u001b"'), r"2: name == 'a\x1b', must be printable."),
        (ONE + "nmae = 'b'", "4: unknown key 'nmae'. Did you mean 'name'?"),
        (ONE + "vary = 3", "4: vary must be a table with effect, parameter, values."),
        (ONE + "vary = {parameter = 'factor', values = [0, 2]}", "4: factor == 2, must be <= 1."),
        (ONE + "vary = {parameter = 'factor', values = [\n1, '2']}", "5: values must be a number each."),
        (ONE + "vary = {parameter = 'factor', values = [1, 0, 1.0]}", "4: 1.0 is given twice."),
        (ONE + "dose = {group = 'g', parameter = 'factor'}", "4: value must be a number."),
        (ONE + "dose = {parameter = 'factor', value = 0.1}", "4: group must not be empty."),
        (
            ONE + "dose = {group = 'g', parameter = 'factor', value = 0.2}",
            "4: Scenario 'a': the dose says factor == 0.2, the effect has 0.1.",
        ),
        (
            ONE
            + "vary = {parameter = 'factor', values = [0.1]}\n"
            + "dose = {group = 'g', parameter = 'factor', value = 0.1}",
            "5: a scenario varies a number or is one dose of it, not both.",
        ),
        (
            ONE + "vary = {parameter = 'factor', values = [0.1]}\n" + ONE.replace('"a"', '"A: factor=0.1"'),
            "6: 'A: factor=0.1' names another scenario already; case does not count.",
        ),
        (ONE + "[report]\nlead = 'b'", "5: Unknown scenario 'b'. Known: a."),
        (
            "[[scenarios]]\nname = 'a'\neffects = [{effect = 'reward', factor = {low = 1, mode = '1'}}]",
            "3: factor (mode) must be a number. line 3: factor: high is missing.",
        ),
        (
            "[[scenarios]]\nname = 'a'\neffects = [{effect = 'mix_shift', persona = true, share = nan}]",
            "3: persona must be a name or a number. line 3: share is not a number.",
        ),
    ],
)
def test_a_fault_of_a_scenario_says_what_it_must_be(faults_of, text, fault):
    assert " line ".join(faults_of(text)) == fault


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": ""}, "name must not be empty"),
        ({"name": "ALL"}, "choose another"),
        ({"effects": ()}, "it names no effect"),
        ({"effects": ("friction:factor=2", "x")}, "must be <= 1.* Unknown effect 'x'"),
        ({"dose": Dose(group="g", effect=2, parameter="factor", value=0.1)}, "must be from 1 to 1"),
        ({"dose": Dose(group="g", effect=1, parameter="at", value=0.1)}, "Unknown number of friction 'at'"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(changed, words):
    scenario = ScenarioSettings(name="a", effects=("friction:factor=0.1",))
    with pytest.raises(SimulationError, match=words):
        replace(scenario, **changed)


@pytest.mark.parametrize(
    ("effect", "parameter", "value", "words"),
    [(2, "factor", 0.1, "from 1 to 1"), (1, "facto", 0.1, "Did you mean"), (1, "factor", 2, "must be <= 1")],
)
def test_a_dose_that_makes_no_sense_is_refused(effect, parameter, value, words):
    scenario = ScenarioSettings(name="a", effects=("friction:factor=0.1",))
    with pytest.raises(PersonaError, match=words):
        at_dose(scenario, effect=effect, parameter=parameter, value=value)


def test_a_scenario_gives_its_modification_with_its_words():
    scenario = ScenarioSettings(name="a", effects=("friction:factor=0.1",), description="Words")
    modification = scenario.read_modification()
    assert modification.description == "Words"
    assert modification.compile() == scenario.read_effects() == (Friction(factor=0.1),)


@pytest.mark.parametrize("change", ['"friction:factor={}"', '{{ effect = "friction", factor = {} }}'])
def test_a_whole_number_greater_than_any_float_is_one_fault(faults_of, change):
    (fault,) = faults_of(f"modification = [{change.format('9' * 400)}]")
    assert "factor" in fault
