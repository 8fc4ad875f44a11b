import pytest

from persona_tui.engine.errors import SimulationError
from persona_tui.study.option_texts import read_worth
from persona_tui.study.options import Settings, options_by_name
from persona_tui.study.scenarios import ScenarioSettings

FRICTION = ScenarioSettings(name="Friction", effects=("friction:factor=0.1",))
REWARD = ScenarioSettings(name="Reward", effects=("reward:factor=0.1",))


def test_what_only_a_study_file_can_say_is_no_option():
    assert not {"scenarios", "report_title", "lead"} & set(options_by_name())
    assert {"events", "value", "output"} <= set(options_by_name())


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ("purchase=49.9", ("purchase", 49.9)),
        ("purchase=-5", ("purchase", -5.0)),
        ("purchase = amount", ("purchase", "amount")),
        ('purchase="49.9"', ("purchase", "49.9")),
        ('"a=b"="c=d"', ("a=b", "c=d")),
    ],
)
def test_an_event_is_worth_a_number_or_a_column(text, worth):
    assert Settings(value=text).worth() == worth


def test_without_a_value_nothing_is_worth_anything():
    assert Settings().worth() is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("purchase", "write it as event=number or event=column"),
        ("=3", "write it as"),
        ("purchase=", "write it as"),
        ("purchase=nan", "must be worth a finite number"),
        ("purchase=-inf", "must be worth a finite number"),
        ('purchase="amo', "is not closed"),
    ],
)
def test_a_value_that_says_nothing_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        read_worth(text)
    with pytest.raises(SimulationError, match=f"--value .*{words}"):
        Settings(value=text)


def test_every_fault_of_settings_is_named_at_once():
    with pytest.raises(SimulationError) as caught:
        Settings(seed=-1, column=("client", "a"), clusters="x", power=2.0, lead="y")
    for words in (
        "--seed",
        "--column client",
        "a: write",
        "--clusters",
        "--power",
        "Unknown scenario",
    ):
        assert words in str(caught.value)


def test_without_scenarios_the_modification_is_the_one_called_change():
    settings = Settings(modification=("friction:factor=0.1",), description="Words")
    (scenario,) = settings.effective_scenarios()
    assert scenario == ScenarioSettings(
        name="change", effects=("friction:factor=0.1",), description="Words", dose=None
    )


def test_a_malformed_modification_keeps_its_own_error():
    with pytest.raises(LookupError, match="Did you mean 'friction'"):
        Settings(modification=("frictoin:factor=0.1",)).effective_scenarios()
    with pytest.raises(SimulationError) as caught:
        Settings(modification=("friction:factor=2", "reward", "reward:factor=0")).effective_scenarios()
    assert "must be <= 1." in caught.value.message
    assert "factor is missing" in caught.value.message
    assert "name:key=value" in caught.value.hint


def test_the_scenario_named_leads_else_the_first():
    assert Settings(scenarios=(FRICTION, REWARD)).lead_scenario() == FRICTION
    assert Settings(scenarios=(FRICTION, REWARD), lead="Reward").lead_scenario() == REWARD
    with pytest.raises(SimulationError, match="Did you mean 'Reward'"):
        Settings(scenarios=(FRICTION, REWARD), lead="Rewrad")


def test_scenarios_exclude_a_modification_and_names_that_differ_in_case():
    with pytest.raises(SimulationError, match="--modification is for one change"):
        Settings(scenarios=(FRICTION,), modification=("friction:factor=0.1",))
    other = ScenarioSettings(name="FRICTION", effects=FRICTION.effects)
    with pytest.raises(SimulationError, match="'FRICTION' names two scenarios"):
        Settings(scenarios=(FRICTION, other))


def test_with_scenarios_no_modification_is_told_as_a_default():
    assert "modification" in Settings().left_at_default()
    assert not {"modification", "description"} & set(Settings(scenarios=(FRICTION,)).left_at_default())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"memory": "lots"}, "--memory == 'lots', must be a size"),
        ({"memory": "1kB"}, "--memory == 1kB, must be >= 64MB"),
        ({"timezone": "Europe/Berln"}, "Did you mean 'Europe/Berlin'"),
        ({"dates": "day-frist"}, "Did you mean 'day-first'"),
        ({"max_rejected": "5"}, "Did you mean 5%"),
    ],
)
def test_an_option_of_reading_that_makes_no_sense_is_refused(given, words):
    with pytest.raises(SimulationError) as caught:
        Settings(**given)
    assert words in str(caught.value)


def test_memory_is_given_in_the_units_people_use():
    assert Settings(memory="2GB").memory_bytes() == 2 * 10**9
    assert Settings(memory="512MiB").memory_bytes() == 512 * 2**20
    assert Settings().memory_bytes() is None
