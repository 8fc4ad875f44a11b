import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.schema import CANONICAL, REQUIRED, SYNONYMS, detect_columns, is_reserved
from persona_tui.engine.errors import DataError, UnknownNameError


def test_canonical_names_are_found_as_they_are():
    assert detect_columns(CANONICAL) == {name: name for name in CANONICAL}


@given(st.sampled_from([(part, name) for part in CANONICAL for name in SYNONYMS[part]]), st.data())
def test_every_synonym_is_found_whatever_its_case_and_joints(known, data):
    part, synonym = known
    spelling = data.draw(st.sampled_from([str.upper, str.title, str]))
    joint = data.draw(st.sampled_from([" ", "-", "_"]))
    column = f" {spelling(synonym.replace('_', joint))} "
    others = [name for name in REQUIRED if name != part]
    assert detect_columns([*others, column])[part] == column


def test_a_name_that_both_parts_know_serves_once():
    found = detect_columns(["user", "time", "event", "type"])
    assert found["event_type"] == "event"


def test_the_likelier_name_wins():
    assert detect_columns(["client_id", "user_id", "time", "event"])["user_id"] == "user_id"


def test_a_given_column_is_not_guessed_again():
    found = detect_columns(["user_id", "client", "time", "event"], {"user_id": "client"})
    assert found["user_id"] == "client"


def test_parts_the_source_lacks_are_left_out():
    assert set(detect_columns(["user", "time", "event"])) == set(REQUIRED)


def test_a_missing_part_lists_the_columns_and_says_how_to_map_them():
    with pytest.raises(DataError) as caught:
        detect_columns(["who", "time", "event", "device"])
    assert caught.value.message == ("No user column was recognised. Columns found: who, time, event, device.")
    assert "--column user_id=NAME" in caught.value.hint


def test_all_missing_parts_are_named_at_once():
    with pytest.raises(DataError, match="No user column and no time column and no event column"):
        detect_columns(["a", "b"])


def test_a_given_column_that_is_not_there_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'client'"):
        detect_columns(["client", "time", "event"], {"user_id": "cleint"})


def test_a_part_that_does_not_exist_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'user_id'"):
        detect_columns(["client", "time", "event"], {"user_di": "client"})


def test_one_column_cannot_play_two_parts():
    with pytest.raises(DataError, match="Column 'id' cannot be both"):
        detect_columns(["id", "time", "event"], {"user_id": "id", "session_id": "id"})


@pytest.mark.parametrize("name", ["return", "friction_drop", "added_step_1", "added_step_"])
def test_names_of_simulated_states_are_reserved(name):
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["returned", "drop_off", "added", "start", "exit"])
def test_other_names_are_free(name):
    assert not is_reserved(name)
