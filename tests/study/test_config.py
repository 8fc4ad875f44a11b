import pytest

from persona_tui.engine.errors import DataError
from persona_tui.study.config import read_settings, settings_file


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
    }


def test_every_fault_is_named_with_its_line(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('events = 3\n# nothing\nfunel = "a,b"\nmodification = "friction"\nseed = "x"\n')
    with pytest.raises(DataError) as caught:
        read_settings(path)
    assert str(caught.value) == (
        f"4 faults in {path}: line 1: events must be a text. "
        "line 3: unknown key 'funel'. Did you mean 'funnel'? "
        "line 4: modification must be a list of texts. line 5: seed must be a whole number."
    )


@pytest.mark.parametrize(("text", "words"), [("a = ", "is not TOML"), (None, "cannot be read: No such file")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, text, words):
    path = tmp_path / "study.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_settings(path)
