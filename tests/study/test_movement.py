"""The personas of a study stay who they are when it is fitted again, and what moved is told."""

import json
from dataclasses import replace

import numpy as np
import pytest

from persona_tui.engine.errors import DataError
from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.kept_personas import PersonaChanges
from persona_tui.study.movement import MOVED_FILE, read_movements
from persona_tui.study.persona_document import persona_document
from persona_tui.study.personas import describe_personas
from persona_tui.study.reference import read_references, reference_file
from persona_tui.study.runs import run_simulation
from persona_tui.study.store import locked

BUYERS = {"cart": 0.65, "home": 0.15, "pay": 0.1, "exit": 0.1}
READERS = {"blog": 0.65, "home": 0.23, "pay": 0.02, "exit": 0.1}
SEEKERS = {"help": 0.65, "home": 0.2, "pay": 0.05, "exit": 0.1}
HUNTERS = {"deals": 0.65, "home": 0.2, "cart": 0.02, "pay": 0.03, "exit": 0.1}


def write_log(path, *planted, seed=0):
    """Write a log of users who choose each event anew until they pay or leave; planted are their chances
    and their number."""
    generator = np.random.default_rng(seed)
    rows, user = ["user_id,timestamp,event_type"], 0
    for chances, n_users in planted:
        for _ in range(n_users):
            user += 1
            events = ["home"]
            while events[-1] not in {"pay", "exit"} and len(events) < 50:
                events.append(str(generator.choice(list(chances), p=list(chances.values()))))
            day = f"2025-01-{1 + user % 28:02d}"
            shown = (event for event in events if event != "exit")
            rows += [f"{seed}-{user},{day}T10:{minute:02d}:00Z,{event}" for minute, event in enumerate(shown)]
    path.write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    """Two months: readers grow, seekers go, hunters come."""
    folder = tmp_path_factory.mktemp("months")
    write_log(folder / "first.csv", (BUYERS, 300), (READERS, 200), (SEEKERS, 150), seed=1)
    write_log(folder / "second.csv", (BUYERS, 200), (READERS, 350), (HUNTERS, 150), seed=2)
    return folder


@pytest.fixture
def study(months, tmp_path):
    (tmp_path / "study.toml").write_text(
        f'events = "{months / "first.csv"}"\nclusters = 3\nn_personas = 50\ncompletion = ["pay"]\n'
    )
    return tmp_path


def describe(study, *, changes=None, **changed):
    return describe_personas(merge_settings(read_settings(study / "study.toml"), changed), changes)


def names(described):
    return [card.name for card in described.cards]


def test_another_seed_and_the_same_fit_move_nobody(study):
    first = describe(study)
    assert first.remembered.movement is None
    again = describe(study)
    assert again.remembered.movement is None
    assert not (study / MOVED_FILE).exists()
    other = describe(study, seed=5)
    assert names(other) == names(first)
    if other.remembered.movement:
        assert all(each.distance < 0.01 for each in other.remembered.movement.personas)


def test_the_next_month_keeps_who_stayed_and_tells_who_came_and_went(study, months):
    first = describe(
        study, changes=PersonaChanges(renames=(("1", "Buyers"), ("2", "Readers"), ("3", "Seekers")))
    )
    assert names(first) == ["Buyers", "Readers", "Seekers"]
    described = describe(study, events=str(months / "second.csv"))
    assert names(described)[:2] == ["Buyers", "Readers"]
    movement = described.remembered.movement
    buyers, readers, hunters, seekers = movement.personas
    assert [each.name for each in movement.continued] == ["Buyers", "Readers"]
    assert readers.share_after > readers.share_before + 0.15
    assert movement.appeared == (hunters,)
    assert (hunters.number_before, hunters.number_after) == (None, 3)
    assert movement.vanished == (seekers,)
    assert (seekers.name, seekers.number_before, seekers.share_after) == ("Seekers", 3, 0.0)
    assert buyers.distance < 0.1
    assert movement.fingerprint_before != movement.fingerprint_after
    assert [each.name for each in described.lost] == ["Seekers"]
    json.dumps(persona_document(described), allow_nan=False)


def test_one_more_persona_comes_after_the_others(study):
    first = describe(study)
    more = describe(study, clusters="4")
    kept = [name for name in names(more) if name in names(first)]
    assert kept == [name for name in names(first) if name in kept]
    assert len(kept) >= 2
    assert names(more)[: len(kept)] == kept


def test_who_vanished_comes_back_under_the_old_name_and_number(study, months):
    describe(study, changes=PersonaChanges(renames=(("3", "Seekers"),)))
    describe(study, events=str(months / "second.csv"))
    back = describe(study)
    assert names(back)[2] == "Seekers"
    assert [each.name for each in back.remembered.movement.returned] == ["Seekers"]
    assert len(read_movements(study)) == 2


def test_a_move_is_told_until_the_next_fit_and_logged_once(study, months):
    describe(study)
    told = describe(study, events=str(months / "second.csv")).remembered.movement
    again = describe(study, events=str(months / "second.csv")).remembered.movement
    assert again.document() == told.document()  # chances that a fit does not know are no number
    assert len(read_movements(study)) == 1


def test_a_pin_goes_before_the_order_of_the_study_and_is_no_move(study):
    first = names(describe(study))
    pinned = describe(study, changes=PersonaChanges(pins=("3",), renames=(("3", "Last"),)))
    assert pinned.remembered.movement is None
    assert names(pinned) == [*first[:2], "Last"]


def test_users_and_sessions_have_personas_of_their_own(study):
    describe(study)
    sessions = describe(study, unit="session")
    assert sessions.remembered.movement is None
    assert [each.mixture.unit for each in read_references(study)] == ["user", "session"]


def test_a_reference_is_the_same_after_writing_and_holds_no_users(study):
    described = describe(study)
    (reference,) = read_references(study)
    assert reference.mixture.multiplicity.tolist() == [described.prepared.sequences.n_users]
    assert reference.same_as(replace(reference))
    assert b"1-17" not in (study / reference_file("user")).read_bytes()


@pytest.mark.parametrize("content", [b"", b"not an archive", None])
def test_a_damaged_reference_is_refused_with_what_to_do(study, content):
    describe(study)
    path = study / reference_file("user")
    path.write_bytes(path.read_bytes()[:-200] if content is None else content)
    with pytest.raises(DataError, match="reference-user") as refused:
        describe(study)
    assert "Delete the file" in refused.value.hint


def test_a_reference_of_another_unit_or_schema_is_refused(study):
    describe(study)
    path = study / reference_file("user")
    path.rename(study / reference_file("session"))
    with pytest.raises(DataError, match="personas by user"):
        read_references(study)
    arrays = dict(np.load(study / reference_file("session")))
    arrays["reference"] = np.array(str(arrays["reference"]).replace("reference/1", "reference/9"))
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="must be 'persona-tui/reference/1'"):
        read_references(study)


def test_a_damaged_log_of_movements_names_the_line(study):
    describe(study)
    (study / MOVED_FILE).write_text("{}\n")
    with pytest.raises(DataError, match="Line 1 of"):
        describe(study)


def test_a_study_that_another_program_writes_to_is_read_and_what_is_not_kept_is_told(study):
    with locked(study):
        described = describe(study)
    assert "Another persona-tui is writing" in described.remembered.fault
    assert not (study / reference_file("user")).exists()


def test_a_run_keeps_the_personas_that_settled_its_names_and_is_repeated_to_the_byte(study, months):
    describe(study, events=str(months / "second.csv"))
    done = run_simulation(merge_settings(read_settings(study / "study.toml"), {}))
    assert len(read_movements(study)) == 1
    describe(study, clusters="2")
    run = done.folder / "run.toml"
    again = run_simulation(merge_settings(read_settings(run), {"output": str(study / "again")}))
    assert (again.folder / "result.json").read_bytes() == (done.folder / "result.json").read_bytes()
    described = describe_personas(merge_settings(read_settings(run), {}))
    assert described.remembered.movement is None
    assert names(described) == [each["name"] for each in done.result.document["personas"]]


def test_an_exclusion_follows_its_persona_and_is_told_where_a_fit_has_it_not(study, months):
    changes = PersonaChanges(renames=(("3", "Seekers"),), excludes=("2", "3"))
    first = describe(study, changes=changes)
    assert [each.excluded for each in first.settled] == [False, True, True]
    assert [card.excluded for card in first.cards] == [False, True, True]
    described = describe(study, events=str(months / "second.csv"))
    assert [each.excluded for each in described.settled] == [False, True, False]
    (lost,) = described.lost
    assert "nobody is left out of predictions in its place" in lost.lost_sentence()
    document = json.loads(json.dumps(persona_document(described), allow_nan=False))
    assert document["not_found"] == [lost.document()]
    assert [each.get("excluded") for each in document["personas"]] == [None, True, None]
    back = describe(study)
    assert [each.excluded for each in back.settled] == [False, True, True]
