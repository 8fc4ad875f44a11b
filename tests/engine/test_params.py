import contextlib
import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.params import (
    faults_of,
    format_call,
    format_names,
    param,
    parameters_of,
    parse_call,
    parse_names,
    parse_value,
    quote,
    split,
    unquote,
)

names = st.text(st.characters(exclude_categories=["Cs"])) | st.text(",|:=\"\n 'a")
separators = st.sampled_from([",", "|"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudge:
    label: str = "no parameter"
    count: int = param(help="How many.", low=1, high=9, unit="steps")
    rate: float | None = param(help="How often.", default=None, low=0.0)
    ceiling: float = param(help="At most.", default=0.5, high=1.0)
    before: str = param(help="Where.", kind="event", default="")
    at: tuple[str, ...] = param(help="Which.", kind="events", default=())


@given(names)
def test_a_quoted_name_is_read_back(name):
    assert unquote(quote(name)) == name


@given(st.lists(names), separators)
def test_a_list_of_names_is_read_back(listed, separator):
    assert parse_names(format_names(listed, separator), separator) == tuple(listed)


@given(names, st.lists(names), st.sampled_from(",|:="))
def test_a_separator_inside_quotes_does_not_split(first, rest, separator):
    pieces = [quote(name) for name in (first, *rest)]
    assert split(separator.join(pieces), separator) == pieces


@given(
    names,
    st.builds(
        Nudge,
        count=st.integers(1, 9),
        rate=st.none() | st.floats(0, allow_nan=False),
        ceiling=st.floats(max_value=1, allow_nan=False),
        before=names,
        at=st.lists(names).map(tuple),
    ),
)
def test_a_call_is_read_back(name, nudge):
    read, given_text = parse_call(format_call(name, nudge))
    declared = {each.name: each for each in parameters_of(Nudge)}
    values = {key: parse_value(declared[key], text) for key, text in given_text.items()}
    assert read == name
    assert Nudge(**values) == nudge


@given(st.text(max_size=40) | st.text(',|:=" ab', max_size=20))
def test_any_text_is_a_call_or_refused_with_a_cause(text):
    with contextlib.suppress(ValueError):
        name, given_text = parse_call(text)
        assert all(key == key.strip() for key in given_text)
        assert isinstance(name, str)


def test_defaults_are_left_out_of_a_call():
    assert format_call("nudge", Nudge(count=2)) == "nudge:count=2"


def test_blanks_around_names_do_not_count():
    assert parse_names(' landing , "Add, to cart" ') == ("landing", "Add, to cart")


def test_no_text_is_no_name():
    assert parse_names("  ") == ()


def test_a_quote_inside_a_name_is_text():
    assert parse_names('5" screen,b') == ('5" screen', "b")


@pytest.mark.parametrize("text", ['"', '"open', '"a"b', '"a"b"'])
def test_a_quote_that_is_not_closed_is_refused(text):
    with pytest.raises(ValueError, match="is not closed"):
        unquote(text)


def test_a_parameter_without_a_value_is_refused():
    with pytest.raises(ValueError, match="'factor' is not key=value"):
        parse_call("friction:factor")


def test_a_parameter_cannot_be_given_twice():
    with pytest.raises(ValueError, match="'factor' is given twice"):
        parse_call("friction:factor=1, factor=2")


@pytest.mark.parametrize(("name", "wanted"), [("count", "a whole number"), ("rate", "a number")])
def test_a_value_that_is_no_number_is_named_with_what_is_wanted(name, wanted):
    declared = {each.name: each for each in parameters_of(Nudge)}
    with pytest.raises(ValueError, match=f"{name} == '1.x', must be {wanted}"):
        parse_value(declared[name], " 1.x ")


def test_only_declared_fields_are_parameters():
    assert [each.name for each in parameters_of(Nudge)] == ["count", "rate", "ceiling", "before", "at"]


def test_a_parameter_knows_its_kind_from_the_annotation():
    assert [each.kind for each in parameters_of(Nudge)] == ["int", "float", "float", "event", "events"]


def test_a_parameter_is_required_without_a_default():
    assert [each.name for each in parameters_of(Nudge) if each.required] == ["count"]


def test_bounds_are_told_in_words():
    assert [each.bounds for each in parameters_of(Nudge)] == ["1 to 9", "at least 0", "at most 1", "", ""]


def test_values_within_bounds_have_no_fault():
    assert faults_of(Nudge(count=1, rate=0.0, ceiling=1)) == []


def test_all_faults_are_told_at_once():
    assert faults_of(Nudge(count=10, rate=-0.5, ceiling=1.5)) == [
        "count == 10, must be <= 9.",
        "rate == -0.5, must be >= 0.",
        "ceiling == 1.5, must be <= 1.",
    ]


@pytest.mark.parametrize("value", [2.5, True, "2"])
def test_a_whole_number_is_no_other_type(value):
    assert faults_of(Nudge(count=value)) == [f"count == {value!r}, must be a whole number."]


@pytest.mark.parametrize("value", [True, "2"])
def test_a_number_is_no_other_type(value):
    assert faults_of(Nudge(count=2, rate=value)) == [f"rate == {value!r}, must be a number."]


def test_not_a_number_is_a_fault():
    assert faults_of(Nudge(count=2, rate=math.nan)) == ["rate is not a number."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    table: str = param(help="From.", kind="text")
    keys: tuple[str, ...] = param(help="What.", kind="texts")
    note: str = param(help="Why.", kind="text", default="")


@given(names.filter(bool), st.lists(names.filter(bool), min_size=1).map(tuple), names)
def test_free_texts_are_read_back(table, keys, note):
    written = Copying(table=table, keys=keys, note=note)
    declared = {each.name: each for each in parameters_of(Copying)}
    name, given_texts = parse_call(format_call("copy", written))
    read = {key: parse_value(declared[key], text) for key, text in given_texts.items()}
    assert (name, Copying(**read)) == ("copy", written)


@pytest.mark.parametrize("keys", [(), ("",), ("a", "")])
def test_free_texts_that_are_required_are_not_empty(keys):
    assert faults_of(Copying(table="", keys=keys)) == ["table is empty.", "keys is empty."]
