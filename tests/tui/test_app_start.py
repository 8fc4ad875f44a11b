"""What is open when the app begins."""

from pathlib import Path

import pytest

from persona_tui.engine.errors import DataError
from persona_tui.tui.recent import recent_sources
from persona_tui.tui.resume import begin_workspace

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.toml").write_text(f'events = "{SAMPLE}"\nseed = 7\n')
    return folder


def test_a_study_that_is_named_opens_as_a_study(study, tmp_path):
    workspace = begin_workspace(str(study), {"seed": 3}, tmp_path / "sessions")
    assert workspace.study == study
    assert workspace.settings.seed == 7


def test_what_is_named_becomes_recent(study, tmp_path):
    begin_workspace(str(SAMPLE), {}, tmp_path / "sessions")
    begin_workspace(str(study), {}, tmp_path / "sessions")
    assert recent_sources(tmp_path / "sessions") == (str(study), str(SAMPLE))


def test_without_a_source_the_app_goes_on_with_what_was_open_last(study, tmp_path):
    begin_workspace(str(SAMPLE), {}, tmp_path / "sessions").edit("seed 9", seed=9)
    again = begin_workspace("", {}, tmp_path / "sessions")
    assert again.settings.events == str(SAMPLE)
    assert again.settings.seed == 9


def test_the_first_session_has_no_log_but_the_defaults(tmp_path):
    workspace = begin_workspace("", {"seed": 3}, tmp_path / "sessions")
    assert workspace.settings.events == ""
    assert workspace.settings.seed == 3


def test_a_study_spoilt_since_is_a_fault_where_it_is_named_and_nothing_is_open_otherwise(study, tmp_path):
    begin_workspace(str(study), {}, tmp_path / "sessions")
    (study / "study.toml").write_text("sed = 7")
    assert begin_workspace("", {}, tmp_path / "sessions").settings.events == ""
    with pytest.raises(DataError, match="sed"):
        begin_workspace(str(study), {}, tmp_path / "sessions")
