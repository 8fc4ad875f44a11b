import numpy as np
import polars as pl
import pytest
from support import make_log

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.naming import LONGEST_NAME, describe_styles, enriched_values, name_personas
from persona_tui.engine.modeling.segmentation import find_personas

SAMPLE_NAMES = (
    "Quick deciders: Form step 3",
    "Browsers: Compare plans",
    "Undecided: Watch demo",
    "Browsers: Help",
)


def count(journeys, completion=("buy",)):
    return count_transitions(cut_journeys(encode_sequences(make_log(journeys)), completion=set(completion)))


def hard_mass(counts, *starts):
    """Return memberships of users by how their names start."""
    of_user = np.array([[user.startswith(start) for start in starts] for user in counts.journeys.user_ids])
    mass = np.zeros((len(counts.multiplicity), len(starts)))
    np.add.at(mass, counts.row_of_user, of_user.astype(float))
    return mass


def crowd(n=40, **sessions_of):
    return {f"{start}{number}": sessions for start, sessions in sessions_of.items() for number in range(n)}


def styles_of(completion=("buy",), **sessions_of):
    counts = count(crowd(**sessions_of), completion)
    return describe_styles(counts, hard_mass(counts, *sessions_of))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_personas_of_the_sample_are_named_alike_with_any_seed(sample, seed):
    assert find_personas(sample.counts, 4, random_state=seed).names == SAMPLE_NAMES


@pytest.mark.parametrize(
    ("log", "completion", "names"),
    [
        ("online_wizard", "confirm", ("Deciders: Step 3", "Browsers: Step 1", "Undecided: Start")),
        ("restaurant_guide", "accept", ("Quick visitors", "Repeaters: Browse", "Returners: Browse")),
    ],
)
def test_personas_of_real_logs_are_named_for_what_they_do(real_log, log, completion, names):
    sequences = encode_sequences(load_event_log(real_log(log)).events)
    counts = count_transitions(cut_journeys(sequences, completion={completion}))
    found = find_personas(counts, 3, random_state=0).names
    assert all(name.startswith(expected) for name, expected in zip(found, names, strict=True))


def test_those_who_convert_in_few_events_are_quick_deciders_and_the_others_browse():
    assert styles_of(q=[["a", "buy"]], s=[["a", "b", "c", "b"]]) == ["Quick deciders", "Browsers"]


def test_those_who_come_back_and_convert_decide_late_and_those_who_do_not_are_undecided():
    late = [["a", "b", "a"], ["c", "buy"]]
    assert styles_of(late=late, never=[["a", "b", "b", "c"]])[0] == "Late deciders"
    assert styles_of(undecided=[["a", "b"], ["a"]], sure=[["a", "b", "buy"]])[0] == "Undecided"


def test_those_who_leave_after_few_events_are_quick_leavers():
    assert styles_of(out=[["a"]], sure=[["a", "b", "buy"]])[0] == "Quick leavers"


def test_personas_that_repeat_an_event_are_repeaters_where_conversion_is_alike():
    assert styles_of((), loop=[["a", "a", "a", "b"]], step=[["a", "b", "c", "b"]])[0] == "Repeaters"


def test_a_difference_that_chance_could_make_is_not_told():
    counts = count({"x0": [["a", "buy"]], "y0": [["a", "b", "c", "b"]], "x1": [["a"]], "y1": [["a", "buy"]]})
    assert describe_styles(counts, hard_mass(counts, "x", "y")) == ["", ""]


def test_one_persona_is_everyone():
    counts = count(crowd(a=[["a", "buy"]]))
    assert name_personas(counts, hard_mass(counts, "a")) == ("All users",)


def test_names_are_short_distinct_and_keep_the_script_of_the_events():
    long = "очень_длинное_название_события_в_журнале"
    counts = count(crowd(a=[["a", long]], b=[["a", long + "_2"]], c=[["a", "カートに入れる"]]), ())
    names = name_personas(counts, hard_mass(counts, "a", "b", "c"))
    assert len({name.casefold() for name in names}) == 3
    assert all(len(name) <= LONGEST_NAME for name in names)
    assert "カートに入れる" in names[2]
    assert names[0].startswith("Очень длинное")


@pytest.fixture(scope="module")
def alike():
    """Return two personas of one behaviour, no user of one like a user of the other, and devices."""
    users = {f"a{n}": [["a"] * (20 + 2 * (n % 10))] for n in range(60)}
    users |= {f"b{n}": [["a"] * (21 + 2 * (n % 10))] for n in range(60)}
    counts = count(users, completion=())
    ids = counts.journeys.user_ids
    table = pl.DataFrame({"user_id": ids, "device": ["phone" if user[0] == "b" else "desk" for user in ids]})
    return counts, hard_mass(counts, "a", "b"), table


def test_the_strongest_attribute_tells_personas_of_one_behaviour_apart(alike):
    assert name_personas(*alike) == ("Average journeys", "Average journeys: Phone")


def test_names_do_not_collide_where_nothing_tells_personas_apart(alike):
    counts, mass, _ = alike
    assert name_personas(counts, mass) == ("Average journeys", "Average journeys 2")


def test_attributes_are_silent_where_behaviour_tells_personas_apart():
    counts = count(crowd(a=[["a", "buy"]], b=[["a", "b", "c", "b"]]))
    mass, users = hard_mass(counts, "a", "b"), counts.journeys.user_ids
    table = pl.DataFrame({"user_id": users, "device": [user[0] for user in users]})
    assert name_personas(counts, mass, table) == name_personas(counts, mass)


def test_the_values_of_an_attribute_are_those_that_the_persona_has_more_often(alike):
    counts, mass, table = alike
    assert enriched_values(counts, mass, 1, table) == ["Phone"]
    with_noise = table.with_columns(device=pl.lit("any"), plan=pl.lit(None, dtype=pl.String))
    assert enriched_values(counts, mass, 1, with_noise) == []


def test_attributes_of_other_users_are_refused(alike):
    counts, mass, table = alike
    with pytest.raises(ModelingError, match="not of the users that were counted"):
        name_personas(counts, mass, table.reverse())


def test_no_name_is_a_number_which_stands_for_a_place():
    counts = count(crowd(a=[["a", "2"]], b=[["b", "1"]]), completion=())
    assert not any(name.isdecimal() for name in name_personas(counts, hard_mass(counts, "a", "b")))
    counts = count(crowd(n=40, **{"1": [["1"] * 3], "2": [["2"] * 3]}), completion=())
    names = name_personas(counts, hard_mass(counts, "1", "2"))
    assert names == ("Average journeys: 1", "Average journeys: 2")
