import tomllib

import pytest
from jsonschema import Draft202012Validator

from persona_tui.engine.params import parameters_of
from persona_tui.engine.simulation.effects import EFFECTS
from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.options import Settings, options_by_name
from persona_tui.study.runs import settings_text
from persona_tui.study.schema import study_schema

ONE = '[[scenarios]]\nname = "a"\neffects = ["friction:factor=0.1"]\n'


@pytest.fixture(scope="module")
def validator():
    schema = study_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_every_option_and_parameter_is_described():
    schema = study_schema()
    assert set(schema["properties"]) == {*options_by_name(), "scenarios", "report"} - {"output"}
    for name in EFFECTS.names():
        properties = schema["$defs"][f"effect_{name}"]["properties"]
        for each in parameters_of(EFFECTS.get(name)):
            assert each.help in properties[each.name]["description"]


def test_the_sample_study_and_what_a_run_of_it_writes_are_valid(validator, sample_study):
    validator.validate(tomllib.loads(sample_study.read_text()))
    settings = merge_settings(read_settings(sample_study), {})
    validator.validate(tomllib.loads(settings_text(settings)))
    validator.validate(tomllib.loads(settings_text(Settings(events="a.csv"))))


@pytest.mark.parametrize(
    "text",
    [
        "clusters = 3",
        'clusters = "auto"',
        'funnel = "a,b"',
        'modification = [{effect = "friction", factor = "0.1/0.2/0.3"}]',
        'modification = [" friction : factor=0.1"]',
        '[[scenarios]]\nname = "a b"\neffects = [{effect = "mix_shift", persona = 1, share = 0.1}]',
    ],
)
def test_what_the_program_takes_is_valid(validator, study_of, text):
    validator.validate(tomllib.loads(text))
    study_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "funel = 'a'",
        "seed = -1",
        "seed = '1'",
        "unit = 'users'",
        "clusters = 'some'",
        "output = 'x'",
        "value = 'purchase'",
        "modification = []",
        "modification = ['friktion:factor=0.1']",
        "scenarios = []",
        "[report]\ntitel = 'x'",
        "[[scenarios]]\nname = 'a'",
        ONE.replace('"a"', '"control"'),
        ONE.replace('"a"', '"a "'),
        ONE + "nmae = 'b'",
        "modification = ['friction:factor=0.1']\n" + ONE,
        "description = 'x'\n" + ONE,
        ONE + "vary = {parameter = 'factor', values = []}",
        ONE + "vary = {parameter = 'factor', values = [1, 1]}",
        "modification = [{effect = 'friction'}]",
        "modification = [{effect = 'friction', factor = 2}]",
        "modification = [{effect = 'friction', factor = '0.1'}]",
        "modification = [{effect = 'friction', factor = {low = 0, mode = 0.1}}]",
        "modification = [{effect = 'friction', factor = {low = 0, mode = 0.1, high = 2}}]",
        "modification = [{effect = 'friction', factor = 0.1, facto = 1}]",
        "modification = [{effect = 'friction', factor = 0.1, at = 'a'}]",
        "modification = [{effect = 'insert_steps', count = {low = 0, mode = 1, high = 2}}]",
    ],
)
def test_what_is_not_valid_is_refused_by_the_program_too(validator, faults_of, tmp_path, text):
    assert not validator.is_valid(tomllib.loads(text))
    if text:
        faults_of(text)
