"""Personas keep the names and places that a study settled, whatever shows them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from support import write_part_of_sample

from persona_tui.engine.errors import DataError, ExportError, ModelingError, SimulationError, UnknownNameError
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.fit import fit_flow, fit_personas, run_scenario
from persona_tui.study.kept_personas import (
    KeptPersona,
    KeptPersonas,
    PersonaChanges,
    name_fault,
    position_of,
    read_rename,
)
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings
from persona_tui.study.persona_files import PERSONAS_FILE, read_kept_personas, write_kept_personas
from persona_tui.study.personas import (
    check_memberships_file,
    describe_personas,
    membership_table,
    write_memberships,
)
from persona_tui.study.placing import place_personas
from persona_tui.study.runs import run_batch, run_simulation
from persona_tui.study.store import locked
from persona_tui.study.synth import run_synthesis

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


def segmentation_of(*names):
    shares = np.random.default_rng(0).dirichlet(np.ones(len(names)), 5)
    return SegmentationResult(
        user_ids=tuple("abcde"),
        names=names,
        memberships=shares,
        fitted_memberships=shares,
        mixture=None,
        selection=None,
    )


def kept_as(*personas, folder="study"):
    return KeptPersonas(folder=Path(folder), personas=personas)


def found_as(*names):
    return [KeptPersona(generated=name) for name in names]


@pytest.fixture(scope="module")
def sample_study(tmp_path_factory):
    """A study of the first users of the sample, its personas not yet settled."""
    folder = tmp_path_factory.mktemp("study")
    write_part_of_sample(folder / "log.csv", "u00")
    (folder / "study.toml").write_text('events = "log.csv"\nclusters = 2\nn_personas = 50\n')
    return folder


def settings_of(folder, **changed):
    return merge_settings(read_settings(folder / "study.toml"), changed)


@pytest.fixture
def unsettled(sample_study):
    yield sample_study
    (sample_study / PERSONAS_FILE).unlink(missing_ok=True)


def test_without_a_study_personas_are_as_found():
    found = segmentation_of("A", "B")
    placed = place_personas(found, None)
    assert placed.segmentation is found
    assert not placed.reordered


@given(st.permutations(range(5)), st.sets(st.integers(0, 4)))
def test_pinned_personas_keep_their_places_and_the_others_go_by_share(places, pinned):
    names = "ABCDE"
    kept = kept_as(*(KeptPersona(generated=names[k], place=places[k] + 1) for k in pinned))
    found = segmentation_of(*names)
    placed = place_personas(found, kept)
    shown = placed.segmentation.names
    assert sorted(shown) == list(names)
    assert all(shown[places[k]] == names[k] for k in pinned)
    others = [name for name in shown if names.index(name) not in pinned]
    assert others == sorted(others)
    assert np.array_equal(placed.segmentation.memberships, found.memberships[:, placed.order])
    assert placed.reordered == (list(shown) != list(names))


def test_a_place_that_a_smaller_fit_does_not_have_is_no_obstacle():
    kept = kept_as(KeptPersona(generated="B", place=7))
    assert place_personas(segmentation_of("A", "B"), kept).segmentation.names == ("A", "B")


def test_a_name_stays_with_its_persona_and_one_that_is_gone_is_told():
    kept = kept_as(KeptPersona(generated="B", name="Buyers"), KeptPersona(generated="Z", name="Lost"))
    placed = place_personas(segmentation_of("C", "B", "A"), kept)
    assert placed.segmentation.names == ("C", "Buyers", "A")
    assert placed.lost == (kept.personas[1],)
    assert "found as 'Z' and was called 'Lost'" in placed.lost[0].lost_sentence()


def test_a_name_of_the_fit_that_another_persona_was_given_gets_a_number():
    kept = kept_as(KeptPersona(generated="B", name="Search"))
    shown = place_personas(segmentation_of("search", "B", "search (2)"), kept).segmentation.names
    assert len({name.casefold() for name in shown}) == 3
    assert shown[1] == "Search"


def test_personas_are_meant_by_number_by_name_and_by_the_name_of_the_fit():
    found = [KeptPersona(generated="A", name="Ann"), *found_as("B", "C")]
    for meant in ("1", "Ann", "A"):
        (settled,) = PersonaChanges(renames=((meant, "Anna"),)).apply(kept_as(), found)
        assert settled == KeptPersona(generated="A", name="Anna")


def test_a_persona_is_meant_by_the_name_that_is_shown_where_another_was_given_its_own():
    kept = kept_as(KeptPersona(generated="B", name="Search"))
    placed = place_personas(segmentation_of("Search", "B"), kept)
    assert placed.segmentation.names == ("Search (2)", "Search")
    assert [position_of(name, placed.settled) for name in placed.segmentation.names] == [0, 1]
    changes = PersonaChanges(renames=(("Search (2)", "Seekers"),))
    assert KeptPersona(generated="Search", name="Seekers") in changes.apply(kept, placed.settled)


def test_two_personas_swap_their_names_at_once():
    found = [KeptPersona(generated="A", name="One"), KeptPersona(generated="B", name="Two")]
    settled = PersonaChanges(renames=(("1", "Two"), ("2", "One"))).apply(kept_as(), found)
    assert [each.name for each in settled] == ["Two", "One"]


def test_the_name_of_the_fit_undoes_a_renaming_and_unpin_a_pin():
    found = [KeptPersona(generated="A", name="Ann", place=1)]
    changes = PersonaChanges(renames=(("1", "A"),), unpins=("1",))
    assert changes.apply(kept_as(*found), found) == ()


def test_who_is_not_there_keeps_what_was_settled_until_others_take_it_over():
    lost = KeptPersona(generated="Z", name="Zoe", place=2)
    kept = kept_as(lost)
    found = found_as("A", "B")
    assert lost in PersonaChanges(renames=(("1", "Ann"),)).apply(kept, found)
    taken = PersonaChanges(renames=(("1", "zoe"),), pins=("2",)).apply(kept, found)
    assert {each.generated for each in taken} == {"A", "B"}


def test_every_fault_of_changes_is_told():
    changes = PersonaChanges(
        renames=(("9", "x"), ("1", ""), ("2", "a"), ("3", "n" * 41), ("3", "m")), pins=("2",), unpins=("B",)
    )
    with pytest.raises(SimulationError) as caught:
        changes.apply(kept_as(), found_as("A", "B", "C"))
    for words in ("persona '9'", "not be empty", "'a' names two", "at most 40", "settled twice"):
        assert words in str(caught.value)


def test_an_unknown_persona_is_told_with_the_near_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'Window shoppers'"):
        PersonaChanges(pins=("window shopers",)).apply(kept_as(), found_as("Window shoppers", "B"))


@pytest.mark.parametrize("name", [" ", " a", "a\x1b[31m", "a\u202eb", "n" * 41, "3"])
def test_a_name_that_cannot_be_shown_or_typed_is_refused_without_being_shown_raw(name):
    fault = name_fault(name)
    assert fault
    assert fault.isprintable()


@pytest.mark.parametrize("name", ["Window shoppers", "a, b|c=d", "[/red]", "n" * 40, "Ünïcødé 👩‍💻"])
def test_a_name_can_be_what_people_write(name):
    assert name_fault(name) == ""
    assert read_rename(f'2="{name}"') == ("2", name)


@pytest.mark.parametrize("text", ["2", "=name", '2="open'])
def test_a_renaming_that_says_nothing_is_refused(text):
    with pytest.raises(ValueError, match=r"write it as persona=name|is not closed"):
        read_rename(text)


@settings_of_hypothesis(max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=9), st.sampled_from(["", "Ann", 'B "q"', "[/red]"]), st.booleans()
        ),
        max_size=4,
        unique_by=(lambda each: each[0], lambda each: each[1] or each[0]),
    )
)
def test_what_is_settled_is_read_back_as_it_was_written(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("kept")
    personas = tuple(
        KeptPersona(generated=generated, name=name, place=number + 1 if pinned else None)
        for number, (generated, name, pinned) in enumerate(drawn)
    )
    write_kept_personas(folder, personas)
    assert read_kept_personas(folder).personas == personas


def test_every_fault_of_the_file_is_told_with_its_line(tmp_path):
    (tmp_path / "personas").mkdir()
    (tmp_path / PERSONAS_FILE).write_text(
        '[[personas]]\nname = "a"\n[[personas]]\ngenerated = "B"\nplace = 0\nnmae = "x"\n'
        '[[personas]]\ngenerated = "B"\nname = " "\n'
    )
    with pytest.raises(DataError) as caught:
        read_kept_personas(tmp_path)
    for words in (
        "generated must be",
        "line 5: place must be",
        "Did you mean 'name'",
        "line 9",
        "two personas",
    ):
        assert words in str(caught.value)


def test_a_log_keeps_no_names_and_says_how_to_make_a_study(sample_study):
    with pytest.raises(SimulationError, match=r"persona-tui batch .*log\.csv --output"):
        describe_personas(Settings(events=str(sample_study / "log.csv")), PersonaChanges(pins=("1",)))


def test_a_study_in_use_is_not_changed(unsettled):
    with locked(unsettled), pytest.raises(ExportError, match="Another persona-tui"):
        describe_personas(settings_of(unsettled), PersonaChanges(pins=("1",)))
    assert not (unsettled / PERSONAS_FILE).exists()


def test_more_personas_than_users_are_refused(sample_study):
    with pytest.raises(ModelingError, match="the number of users"):
        describe_personas(settings_of(sample_study, clusters="100000"))


def test_a_renamed_persona_is_called_so_by_every_later_command(unsettled):
    before = describe_personas(settings_of(unsettled))
    old = before.segmentation.names
    renamed = describe_personas(settings_of(unsettled), PersonaChanges(renames=(("2", "Window shoppers"),)))
    assert renamed.segmentation.names == (old[0], "Window shoppers")
    settings = settings_of(unsettled)
    prepared = prepare_log(settings)
    assert fit_flow(settings, prepared)[1].persona_names == renamed.segmentation.names
    fit = fit_personas(settings, prepared)
    totals = set()
    for meant in ("Window shoppers", old[1], "2"):
        scenario = Settings(modification=(f'friction:factor=0.1,personas="{meant}"',)).effective_scenarios()[
            0
        ]
        experiment = run_scenario(settings, fit, scenario, solver="exact")
        assert [part.name for part in experiment.personas] == list(renamed.segmentation.names)
        totals.add(experiment.total.uplifts["completion_rate"].total)
        if meant != "2":
            assert "Window shoppers" in experiment.modification.description
    assert len(totals) == 1


def test_a_synthetic_log_is_of_the_personas_as_the_study_calls_them(unsettled, tmp_path):
    old = describe_personas(settings_of(unsettled)).segmentation.names[1]
    describe_personas(settings_of(unsettled), PersonaChanges(renames=(("2", "Window shoppers"),)))
    change = f'mix_shift:persona="{old}",share=0.9'
    written = run_synthesis(
        settings_of(unsettled, modification=(change,), output=str(tmp_path / "log.csv"), n_personas=200)
    )
    tally = written.personas()[1]
    assert tally.name == "Window shoppers"
    assert tally.journeys / sum(each.journeys for each in written.personas()) > 0.8


def test_pins_move_personas_with_all_that_belongs_to_them(unsettled):
    settings = settings_of(unsettled)
    before = describe_personas(settings)
    first, second = before.cards
    write_kept_personas(unsettled, [KeptPersona(generated=first.name, place=2)])
    after = describe_personas(settings_of(unsettled))
    moved = (replace(second, id=1), replace(first, id=2))
    for card, expected in zip(after.cards, moved, strict=True):
        assert (card.id, card.name, card.users) == (expected.id, expected.name, expected.users)
        assert card.share == pytest.approx(expected.share, abs=1e-12)
        assert card.conversion_interval == pytest.approx(expected.conversion_interval, abs=1e-12)
    assert after.settled[1].place == 2
    whole = settings_of(unsettled, modification=("friction:factor=0.1",))
    prepared = prepare_log(whole)
    (scenario,) = whole.effective_scenarios()
    pinned, plain = (
        run_scenario(each, fit_personas(each, prepared), scenario, solver="exact")
        for each in (whole, replace(whole, personas=None))
    )
    one, other = (each.total.uplifts["completion_rate"] for each in (pinned, plain))
    assert one.total == pytest.approx(other.total, abs=1e-9)


def test_a_run_is_done_again_under_the_names_that_it_was_done_with(unsettled):
    describe_personas(settings_of(unsettled), PersonaChanges(renames=(("1", "Before"),)))
    run = run_simulation(settings_of(unsettled)).folder
    first = (run / "result.json").read_bytes()
    describe_personas(settings_of(unsettled), PersonaChanges(renames=(("1", "After"),)))
    again = run_simulation(merge_settings(read_settings(run / "run.toml"), {})).folder
    assert (again / "result.json").read_bytes() == first
    assert b'"Before"' in first
    assert str(PERSONAS_FILE) in json.loads((run / "manifest.json").read_text())["files"]
    with pytest.raises(SimulationError, match="is a run"):
        describe_personas(merge_settings(read_settings(run / "run.toml"), {}), PersonaChanges(pins=("1",)))


def test_a_batch_of_a_log_into_a_study_takes_its_names(unsettled):
    describe_personas(settings_of(unsettled), PersonaChanges(renames=(("1", "Mine"),)))
    bare = Settings(
        events=str(unsettled / "log.csv"), clusters="2", n_personas=50, output=str(unsettled), seed=0
    )
    assert run_batch(bare).result.report.personas[0].name == "Mine"


def test_memberships_of_a_user_sum_to_one_and_the_largest_is_the_persona():
    table = membership_table(segmentation_of("A", "B", "C"))
    chances = table.select("p_1", "p_2", "p_3").to_numpy()
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (chances.max(axis=1) == table["membership"].to_numpy()).all()
    assert (chances.argmax(axis=1) + 1 == table["persona_id"].to_numpy()).all()
    assert table["persona"].to_list() == ["ABC"[k - 1] for k in table["persona_id"]]


def test_memberships_are_a_csv_that_no_spreadsheet_runs(tmp_path):
    users = ("=cmd()", "@x", "a,b", 'q"', "plain")
    write_memberships(replace(segmentation_of("+A", "B"), user_ids=users), tmp_path / "m.csv")
    read = pl.read_csv(tmp_path / "m.csv")
    assert read.columns == ["user_id", "persona_id", "persona", "membership", "p_1", "p_2"]
    assert read["user_id"].to_list() == ["'=cmd()", "'@x", "a,b", 'q"', "plain"]
    assert set(read["persona"]) <= {"'+A", "B"}


def test_a_file_of_memberships_never_takes_the_place_of_the_log_or_of_a_folder(tmp_path):
    for path, error in (("log.csv", SimulationError), (".", SimulationError), ("none/m.csv", ExportError)):
        with pytest.raises(error, match=r"log itself|is a folder|does not exist"):
            check_memberships_file(tmp_path / path, tmp_path / "log.csv")
