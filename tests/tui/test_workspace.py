"""What is edited can be taken back, and outlives the process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.errors import SimulationError
from persona_tui.study.config import read_settings, settings_from_toml
from persona_tui.study.options import Settings
from persona_tui.tui.workspace import MOST_EDITS, Workspace, settings_of_source

LOG = Settings(events="log.csv")


@given(st.lists(st.one_of(st.integers(0, 5), st.sampled_from(["undo", "redo"])), max_size=30))
def test_undo_and_redo_walk_the_edits_as_a_plain_list_would(steps):
    workspace, seeds, at = Workspace(LOG), [0], 0
    for step in steps:
        if step == "undo":
            assert (workspace.undo() is None) == (at == 0)
            at = max(at - 1, 0)
        elif step == "redo":
            assert (workspace.redo() is None) == (at + 1 == len(seeds))
            at = min(at + 1, len(seeds) - 1)
        else:
            workspace.edit("seed", seed=step)
            if step != seeds[at]:
                seeds, at = [*seeds[: at + 1], step], at + 1
        assert workspace.settings.seed == seeds[at]
        assert len(workspace.done) == at


def test_an_edit_that_makes_no_sense_changes_nothing():
    workspace = Workspace(LOG)
    with pytest.raises(SimulationError, match="clusters"):
        workspace.edit("how many", clusters="many")
    assert workspace.settings == LOG
    assert not workspace.done


def test_the_oldest_edits_make_room():
    workspace = Workspace(LOG)
    for seed in range(1, MOST_EDITS + 5):
        workspace.edit("seed", seed=seed)
    assert len(workspace.done) == MOST_EDITS - 1
    assert workspace.settings.seed == MOST_EDITS + 4


def test_a_session_that_was_killed_goes_on_where_it_was(tmp_path):
    first = Workspace(LOG, folder=tmp_path)
    first.edit("seed", seed=3)
    first.edit("how many", clusters="4")
    first.undo()
    first.view.screen, first.view.details = "personas", {"personas": {"tab": "paths"}}
    first.remember()
    again = Workspace(LOG, folder=tmp_path)
    assert again.resume()
    assert again.settings.seed == 3
    assert again.view == first.view
    assert again.redo() == "how many"
    assert again.settings.clusters == "4"


def test_sessions_of_other_sources_are_others(tmp_path):
    Workspace(LOG, folder=tmp_path).edit("seed", seed=3)
    assert not Workspace(Settings(events="other.csv"), folder=tmp_path).resume()


@pytest.mark.parametrize("content", ["", "{", '{"schema": "persona-tui/session/9"}', '{"edits": 3}', "[]"])
def test_a_session_that_cannot_be_read_is_passed_over(tmp_path, content):
    workspace = Workspace(LOG, folder=tmp_path)
    workspace.edit("seed", seed=3)
    next(tmp_path.iterdir()).write_text(content)
    assert not Workspace(LOG, folder=tmp_path).resume()


def test_a_study_that_was_changed_by_others_begins_anew(tmp_path):
    study = tmp_path / "study"
    workspace = Workspace(Settings(events="log.csv"), folder=tmp_path / "sessions")
    workspace.save(study)
    mine = Workspace(settings_of_source(str(study), {}), folder=tmp_path / "sessions")
    mine.edit("seed", seed=3)
    (study / "study.toml").write_text('events = "log.csv"\nseed = 8\n')
    again = Workspace(settings_of_source(str(study), {}), folder=tmp_path / "sessions")
    assert not again.resume()
    assert again.settings.seed == 8


def test_edits_after_a_save_outlive_the_process_too(tmp_path):
    study = tmp_path / "study"
    Workspace(LOG).save(study)
    first = Workspace(settings_of_source(str(study), {}), folder=tmp_path / "sessions")
    first.edit("seed", seed=3)
    first.save(study)
    first.edit("seed", seed=4)
    again = Workspace(settings_of_source(str(study), {}), folder=tmp_path / "sessions")
    assert again.resume()
    assert again.settings.seed == 4
    assert again.is_unsaved
    again.undo()
    assert not again.is_unsaved


def test_what_another_program_saved_is_known_before_it_is_replaced(tmp_path):
    study = tmp_path / "study"
    Workspace(LOG).save(study)
    first, second = (Workspace(settings_of_source(str(study), {})) for _ in range(2))
    first.edit("seed", seed=3)
    first.save(study)
    first.edit("seed", seed=4)
    assert not first.would_replace(study)
    second.edit("seed", seed=5)
    assert second.would_replace(study)
    second.save(study)
    assert not second.would_replace(study)
    assert first.would_replace(study)
    assert Workspace(LOG).would_replace(study)
    assert not Workspace(LOG).would_replace(tmp_path / "elsewhere")
    (study / "study.toml").write_text("seed = [")
    assert second.would_replace(study)


def test_a_saved_study_holds_the_edits_and_is_no_longer_unsaved(tmp_path):
    workspace = Workspace(LOG)
    workspace.edit("seed", seed=3)
    assert workspace.is_unsaved
    path = workspace.save(tmp_path / "study")
    assert read_settings(path)["seed"] == 3
    assert not path.read_text().startswith("# Written by persona-tui")  # which the next run would replace
    assert not workspace.is_unsaved
    assert workspace.study == tmp_path / "study"
    workspace.undo()
    assert workspace.is_unsaved
    assert workspace.study == tmp_path / "study"


@given(
    st.builds(
        Settings,
        events=st.sampled_from(["", "a b.csv"]),
        column=st.sampled_from([(), ("user_id=client", "timestamp=the time")]),
        funnel=st.sampled_from(["", "a,b", '"a,b",c']),
        drop=st.sampled_from([(), ("x", "y z")]),
        clusters=st.sampled_from(["auto", "3"]),
        seed=st.integers(0, 9),
        output=st.sampled_from(["", "/tmp/study"]),
    )
)
def test_settings_come_back_from_what_is_kept(settings):
    assert settings_from_toml(settings.as_toml()) == settings


def test_defaults_hold_for_logs_and_not_for_studies(tmp_path):
    Workspace(LOG).save(tmp_path / "study")
    assert settings_of_source("log.csv", {"seed": 5}).seed == 5
    assert settings_of_source(str(tmp_path / "study"), {"seed": 5}).seed == 0
