from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.attributes import MAX_NUMBERS, UNKNOWN, attributes_of
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, UnknownNameError
from persona_tui.engine.params import format_segment

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


def log_of(users, events="", **columns):
    """Return a log of one event a row, a minute apart in the order of the rows; each a view if not named."""
    return pl.DataFrame(
        {
            "user_id": users,
            "session_id": users,
            "timestamp": [BEGIN + timedelta(minutes=place) for place in range(len(users))],
            "event_type": list(events) or ["view"] * len(users),
            **columns,
        }
    )


def attributes(users, **columns):
    events = log_of(users, **columns)
    return attributes_of(events, encode_sequences(events))


def test_the_sample_log_has_the_attributes_of_its_metadata(sample):
    found = attributes_of(sample.events, sample.sequences)
    assert found.names == ("age_band", "channel", "country", "device", "plan")
    assert found.user_ids == sample.sequences.user_ids
    assert sum(found.values_of("device").values()) == sample.sequences.n_users


def test_a_user_takes_the_first_value_in_time():
    found = attributes(["a", "b", "a", "a"], device=[None, "desktop", "mobile", "tablet"])
    assert found.table["device"].to_list() == ["mobile", "desktop"]


def test_rows_out_of_time_order_count_by_their_time():
    events = log_of(["a", "a"], device=["mobile", "desktop"]).reverse()
    assert attributes_of(events, encode_sequences(events)).table["device"].to_list() == ["mobile"]


def test_who_has_no_value_or_an_empty_one_is_unknown():
    found = attributes(["a", "b", "c"], device=["", None, "mobile"])
    assert found.values_of("device") == {UNKNOWN: 2, "mobile": 1}


def before_order(users, events, **columns):
    """Return the attributes where an ``o`` converts."""
    log = log_of(users, events, **columns)
    return attributes_of(log, encode_sequences(log), completion={"o"})


def test_what_is_known_from_the_first_completion_on_is_unknown():
    device = [None, "mobile", "tablet", "desktop", "tablet"]
    found = before_order(list("aaabc"), "vovov", device=device)
    assert found.table["device"].to_list() == [UNKNOWN, UNKNOWN, "tablet"]


def test_an_attribute_that_is_filled_at_completion_only_is_no_segment():
    found = before_order(list("aabb"), "vovo", paid=[None, "card", None, "cash"], device=list("xxyy"))
    assert found.names == ("device",)
    with pytest.raises(DataError, match="Attribute 'paid' is first known at completion"):
        found.in_segment("paid=card")


def test_a_key_of_the_metadata_that_is_filled_at_completion_only_is_no_segment():
    found = before_order(list("aab"), "vov", metadata=['{"device":"mobile"}', '{"paid":"card"}', None])
    assert (found.names, found.left_out) == (("device",), {"paid": "is first known at completion"})


def test_an_attribute_that_nobody_ever_has_still_has_no_value():
    found = before_order(list("aa"), "vo", thing=[None, None], empty=["", ""])
    assert set(found.left_out.values()) == {"has no value"}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("vo")), min_size=1, max_size=12))
def test_what_a_log_says_from_a_completion_on_changes_no_attribute(rows):
    users, events = zip(*rows, strict=True)
    done, told = set(), []
    for user, event in rows:
        done |= {user} if event == "o" else set()
        told.append(user in done)
    honest = [None if late else "early" for late in told]
    leaking = ["late" if late else "early" for late in told]
    log = log_of(users, [*events], device=honest)
    known = attributes_of(log, encode_sequences(log), completion={"o"} & {*events})
    log = log_of(users, [*events], device=leaking)
    leaked = attributes_of(log, encode_sequences(log), completion={"o"} & {*events})
    assert known.table.equals(leaked.table)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.integers(0, 4),
            st.sampled_from("vo"),
            st.sampled_from(["", None, "x", "y"]),
        ),
        min_size=1,
        max_size=15,
    )
)
def test_attributes_follow_their_definition_in_any_order_of_rows(rows):
    users, minutes, events, device = zip(*rows, strict=True)
    times = [BEGIN + timedelta(minutes=minute) for minute in minutes]
    log = log_of([*users], [*events], device=pl.Series(device, dtype=pl.String))
    log = log.with_columns(timestamp=pl.Series(times))
    expected = {}
    for user in sorted(set(users)):
        expected[user] = UNKNOWN
        for _, _, event, value in sorted((row for row in rows if row[0] == user), key=lambda row: row[1]):
            if event == "o":
                break
            if value:
                expected[user] = value
                break
    found = attributes_of(log, encode_sequences(log), completion={"o"} & {*events})
    if found.names:
        assert dict(found.table.rows()) == expected
    else:
        assert set(expected.values()) == {UNKNOWN}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('\n {"k": "x"}\t', ("k",)),
        ('{"k": "x"} {"k": "y"}', ()),
        ('\ufeff{"k": "x"}', ()),
        ('\xa0{"k": "x"}', ()),
        ("", ()),
    ],
)
def test_metadata_is_one_json_object_with_nothing_but_blanks_around(text, names):
    assert attributes(["a"], metadata=[text]).names == names


def test_a_completion_that_is_not_in_the_log_is_refused():
    with pytest.raises(UnknownNameError, match="Unknown event 'o'"):
        before_order(["a"], "v", device=["x"])


def test_values_come_with_their_users_the_most_common_first():
    found = attributes(list("abcd"), device=["tablet", "mobile", "mobile", "desktop"])
    assert list(found.values_of("device").items()) == [("mobile", 2), ("desktop", 1), ("tablet", 1)]


def test_truth_and_few_whole_numbers_are_groups():
    found = attributes(["a", "b"], member=[True, False], seats=[1.0, 2.0], level=[3, 3])
    assert found.table.drop("user_id").rows() == [("true", "1", "3"), ("false", "2", "3")]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([0.5] * 60, "is a number with fractions"),
        (list(range(60)), "has 60 different values, so it has no groups"),
        ([BEGIN] * 60, "is of type Datetime"),
        ([[1]] * 60, "is of type List"),
        ([None] * 60, "has no value"),
    ],
)
def test_what_has_no_groups_is_refused_with_the_reason(values, why):
    assert MAX_NUMBERS < 60
    found = attributes([f"u{place:02}" for place in range(60)], thing=values)
    assert found.names == ()
    with pytest.raises(DataError, match=f"Attribute 'thing' {why}"):
        found.in_segment("thing=1")


def test_texts_that_tell_users_apart_are_no_groups():
    users = [f"u{place}" for place in range(1_001)]
    assert attributes(users, address=users).left_out == {"address": "has 1,001 different values"}


def test_metadata_gives_its_plain_keys_and_nothing_else():
    held = ['{"device":"mobile","tags":["x"],"inner":{"k":1},"vip":true,"seats":2}', "[1]", "not json", None]
    found = attributes(list("abcd"), metadata=held)
    assert found.names == ("device", "seats", "vip")
    assert found.table.row(0) == ("a", "mobile", "2", "true")
    assert found.table.row(1) == ("b", UNKNOWN, UNKNOWN, UNKNOWN)


def test_a_metadata_key_that_is_called_as_a_column_keeps_both():
    found = attributes(["a"], device=["mobile"], metadata=['{"device":"desktop"}'])
    assert found.table.row(0, named=True) == {
        "user_id": "a",
        "device": "mobile",
        "metadata.device": "desktop",
    }


def test_a_segment_of_several_values_holds_the_users_of_each():
    found = attributes(list("abc"), device=["mobile", "tablet", "desktop"])
    assert found.in_segment("device=tablet|mobile").tolist() == [True, True, False]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5))
def test_any_value_can_be_named_in_a_segment(values):
    found = attributes([f"u{place}" for place in range(len(values))], kind=values)
    for value in values:
        expected = [each == value for each in values]
        assert found.in_segment(format_segment("kind", [value])).tolist() == expected


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        (
            "devise=mobile",
            UnknownNameError,
            "Unknown attribute 'devise'.*Did you mean 'device'",
        ),
        ("device=mobil", UnknownNameError, "Unknown device 'mobil'.*Did you mean 'mobile'"),
        ("device=mobil|deskto", DataError, "'deskto'.*'mobil'"),
        ("mobile", DataError, "'mobile' is not attribute=value"),
    ],
)
def test_a_segment_that_nobody_is_in_is_refused(text, error, told):
    with pytest.raises(error, match=told):
        attributes(["a", "b"], device=["mobile", "desktop"]).in_segment(text)


def test_sequences_of_other_users_are_refused():
    with pytest.raises(DataError, match="not those of the users"):
        attributes_of(log_of(["a", "b"]), encode_sequences(log_of(["a", "c"])))
