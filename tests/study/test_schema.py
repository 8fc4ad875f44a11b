import tomllib

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from persona_tui.engine.errors import DataError
from persona_tui.engine.params import parameters_of
from persona_tui.engine.simulation.effects import EFFECTS
from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.options import Settings, options_by_name
from persona_tui.study.runs import settings_text
from persona_tui.study.schema import study_schema

KEYS = st.sampled_from(
    [
        *options_by_name(),
        *("scenarios", "report", "title", "lead", "name", "effects", "vary", "dose", "effect", "factor"),
        *("at", "personas", "persona", "share", "parameter", "values", "value", "group"),
        *("low", "mode", "high", "count", "speling"),
    ]
)
TEXTS = st.sampled_from(
    [
        *("", "a", "user", "auto", "a=b", "a=1", "friction", "mix_shift", "factor", "0.1/0.2/0.3", "change"),
        *("friction:factor=0.1", "friction:factor=2", "all", " a", "control"),
        "insert_steps:count=" + "9" * 400,
    ]
)
VALUES = st.recursive(
    TEXTS | st.sampled_from([0, 1, -1, 10**400, 0.1, 2.5, float("nan"), float("inf"), True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
FACTORS = st.floats(0, 1) | VALUES
RIGHT = st.sampled_from(["friction:factor=0.1", "friction:factor=0.1,at=a", "reward:factor=0.2"])
FRICTIONS = st.fixed_dictionaries({"effect": st.just("friction"), "factor": st.floats(0, 1)})
WRONG = TEXTS | st.fixed_dictionaries({"effect": TEXTS, "factor": FACTORS}, optional={"at": VALUES})
EFFECTS_READ = st.lists(RIGHT | FRICTIONS, min_size=1, max_size=2) | st.lists(WRONG, max_size=2)
VARIES = {"parameter": st.just("factor") | TEXTS, "values": st.lists(st.floats(0, 1) | FACTORS, max_size=2)}
DOSES = {"group": TEXTS, "parameter": st.just("factor"), "value": st.just(0.1) | FACTORS}
SCENARIOS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abc") | TEXTS, "effects": EFFECTS_READ},
        optional={
            "description": TEXTS,
            "vary": st.fixed_dictionaries(VARIES),
            "dose": st.fixed_dictionaries(DOSES),
        },
    ),
    max_size=2,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4) | st.fixed_dictionaries(
    {}, optional={"scenarios": SCENARIOS, "modification": EFFECTS_READ, "seed": st.integers(-1, 9)}
)

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
    kept = merge_settings(read_settings(sample_study), {})
    validator.validate(tomllib.loads(settings_text(kept)))
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


@given(DOCUMENTS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_is_refused_or_valid(validator, tmp_path, document):
    path = tmp_path / "study.toml"
    path.write_text(tomli_w.dumps(document), encoding="utf-8", newline="")
    try:
        merge_settings(read_settings(path), {})
    except DataError:
        return
    validator.validate(document)
