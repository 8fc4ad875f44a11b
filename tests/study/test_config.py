from pathlib import Path

import pytest

from persona_tui.engine.errors import DataError, SimulationError
from persona_tui.study.config import merge_settings, read_settings, settings_file
from persona_tui.study.kept_personas import KeptPersonas


def test_settings_are_found_in_a_study_a_run_and_a_file(tmp_path):
    run = tmp_path / "runs" / "20260101T000000Z-abc"
    run.mkdir(parents=True)
    (run / "run.toml").write_text('events = "a.csv"')
    (tmp_path / "study.toml").write_text('events = "a.csv"')
    assert settings_file(str(tmp_path)) == tmp_path / "study.toml"
    assert settings_file(str(run)) == run / "run.toml"
    assert settings_file("else/where.toml").name == "where.toml"
    assert settings_file("log.csv") is None


def test_a_run_belongs_to_its_study(tmp_path):
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    (run / "run.toml").write_text('events = "a.csv"\nmodification = ["friction:factor=0.1"]\nseed = 3\n')
    assert read_settings(run / "run.toml") == {
        "events": str(run / "a.csv"),
        "modification": ("friction:factor=0.1",),
        "seed": 3,
        "output": str(tmp_path),
        "personas": KeptPersonas(folder=run, settled_for_good=True),
    }


def test_every_fault_is_named_with_its_line(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('events = 3\n# nothing\nfunel = "a,b"\nmodification = "friction"\nseed = "x"\n')
    with pytest.raises(DataError) as caught:
        read_settings(path)
    assert str(caught.value) == (
        f"4 faults in {path}: line 1: events must be a text or a list of texts. "
        "line 3: unknown key 'funel'. Did you mean 'funnel'? "
        "line 4: modification must be a list of at least one effect, as text or table. "
        "line 5: seed must be a whole number."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = ", "is not TOML"),
        (b"seed = 1\nseed = 2", "is not TOML: Cannot overwrite a value"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"seed = " + b"9" * 5000, "is not TOML: Exceeds the limit"),
        (b"", "holds no settings"),
        (b"# seed = 1\n", "holds no settings"),
        (b'events = "a"\n# caf\xe9\n', "is not UTF-8 text: line 2"),
        ('events = "a"\n'.encode("utf-16"), "is not UTF-8 text: line 1"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, words):
    path = tmp_path / "study.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_settings(path)


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    folder = tmp_path / "empty.toml"
    folder.mkdir()
    with pytest.raises(DataError, match=r"is a folder without a study\.toml or run\.toml"):
        read_settings(settings_file(str(folder)))
    (folder / "study.toml").write_text("seed = 1")
    assert settings_file(str(folder)) == folder / "study.toml"


def test_a_mark_of_byte_order_is_no_fault(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text("seed = 1", encoding="utf-8-sig")
    assert read_settings(path)["seed"] == 1


def test_a_file_that_only_describes_a_study_gets_a_folder_of_its_own(sample_study):
    given = read_settings(sample_study)
    assert given["events"] == str(sample_study.with_name("sample_events.csv"))
    assert given["output"] == str(Path("exports") / "sample_study")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("seed = -1", "1: seed == -1, must be >= 0."),
        ("seed = true", "1: seed must be a whole number."),
        ("n_personas = 1e4", "1: n_personas must be a whole number."),
        ("unit = 'users'", "1: Unknown value of unit 'users'. Known: user, session. Did you mean 'user'?"),
        ("clusters = 2.5", "1: clusters must be a text or a whole number."),
        ("clusters = 0", "1: clusters == '0', must be a whole number from 1 or 'auto'."),
        ("clusters = '²'", "1: clusters == '²', must be a whole number from 1 or 'auto'."),
        ("column = ['client']", "1: column client: write it as part=name, for example user_id=client."),
        ("column = 'user_id=client'", "1: column must be a list of texts."),
        ("drop = [1]", "1: drop must be a list of texts."),
        ("funnel = [1]", "1: funnel must be a text or a list of texts."),
        ("modification = []", "1: modification must be a list of at least one effect, as text or table."),
        ("output = 'there'", "1: output has no place in a file; give it as --output."),
        (
            "value = 'purchase'",
            "1: value 'purchase': write it as event=number or event=column, for example purchase=49.9.",
        ),
        ("[seed]", "1: seed must be a whole number."),
        ("[report]\nlead = 1", "2: lead must be a text."),
        ("report = 'x'", "1: report must be a table with title, lead, author, logo, accent, template."),
        ("[report]\ntitel = 'x'", "2: unknown key 'titel'. Did you mean 'title'?"),
        ("[report]\nlead = 'x'", "2: Unknown scenario 'x'. Known: change."),
        (
            "[report]\nseed = 1",
            "2: 'seed' belongs at the top of the file, before the first table in brackets.",
        ),
        (
            "modification = ['friction:factor=2']",
            "1: Modification 'friction:factor=2': friction: factor == 2, must be <= 1.",
        ),
    ],
)
def test_a_fault_of_an_option_says_what_it_must_be(faults_of, text, fault):
    assert faults_of(text) == [fault]


def test_a_funnel_is_text_or_names_and_a_number_of_personas_text_or_number(study_of):
    settings = study_of('funnel = ["landing", "Add, to cart"]\nclusters = 3')
    assert settings.funnel_steps() == ("landing", "Add, to cart")
    assert study_of('funnel = "landing,\\"Add, to cart\\""').funnel_steps() == settings.funnel_steps()
    assert settings.n_clusters() == 3


def test_a_modification_that_is_given_replaces_every_change_of_a_file(study_of, tmp_path):
    study_of('description = "Mine"\nmodification = ["reward:factor=0.1"]\nseed = 4')
    kept = read_settings(tmp_path / "study.toml")
    assert merge_settings(kept, {"seed": 5}).description == "Mine"
    replaced = merge_settings(kept, {"modification": ("friction:factor=0.1",)})
    assert (replaced.description, replaced.seed) == ("", 4)


def test_a_modification_that_is_given_replaces_the_scenarios_of_a_file(sample_study):
    kept = read_settings(sample_study)
    replaced = merge_settings(kept, {"modification": ("friction:factor=0.1",)})
    (scenario,) = replaced.effective_scenarios()
    assert (scenario.name, scenario.effects) == ("change", ("friction:factor=0.1",))
    assert replaced.lead_scenario() == scenario
    with pytest.raises(SimulationError, match="--description is for one change"):
        merge_settings(kept, {"description": "Words"})


def test_a_modification_can_be_read_from_a_file_among_others(tmp_path):
    file = tmp_path / "change.toml"
    file.write_text('effects = ["friction:factor=0.1", {effect = "reward", factor = 0.2, at = ["a"]}]')
    settings = merge_settings({}, {"modification": (f"@{file}", "insert_steps:count=1")})
    assert settings.modification == (
        "friction:factor=0.1",
        "reward:factor=0.2,at=a",
        "insert_steps:count=1",
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('efects = ["friction:factor=0.1"]', "line 1: unknown key 'efects'. Did you mean 'effects'"),
        ("effects = []", "at least one effect"),
        ('\neffects = ["friction:factor=2"]', "line 2: .*must be <= 1"),
        ("effects = [", "is not TOML"),
    ],
)
def test_faults_of_a_file_of_effects_are_told_with_their_line(tmp_path, content, fault):
    file = tmp_path / "change.toml"
    file.write_text(content)
    with pytest.raises(DataError, match=fault):
        merge_settings({}, {"modification": (f"@{file}",)})


def test_a_given_column_takes_the_place_of_the_saved_one_of_the_same_part():
    kept = {"column": ("user_id=client", "timestamp=at")}
    merged = merge_settings(kept, {"column": ("user_id=person",)})
    assert merged.columns() == {"user_id": "person", "timestamp": "at"}


def test_a_table_that_is_joined_is_one_beside_the_file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('events = "a.csv"\nprepare = ["drop:events=debug", "join:table=users.csv,on=id"]\n')
    assert read_settings(path)["prepare"] == (
        "drop:events=debug",
        f"join:table={tmp_path / 'users.csv'},on=id",
    )


def test_a_faulty_preparation_is_named_with_its_line(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('events = "a.csv"\nprepare = ["drip:events=debug"]\n')
    with pytest.raises(DataError, match=r"line 2: .*Unknown preparation step 'drip'"):
        read_settings(path)
