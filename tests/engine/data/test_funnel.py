import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from parts_of_logs import parts_by_user

from persona_tui.engine.data.funnel import (
    count_funnel,
    count_funnel_of_parts,
    detect_drop_events,
    detect_funnel,
    detect_funnel_of_parts,
    reached_in_order,
)
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, UnknownNameError

units = st.sampled_from(["user", "session"])


def unit_events(events, unit):
    """Return the events of each unit in time, ties in the order of the log: the definition, literally."""
    found = {}
    ordered = sorted(events.rows(), key=lambda row: row[2])
    for user, session, _, event in ordered:
        found.setdefault(user if unit == "user" else (user, session), []).append(event)
    return found


def depth_in_order(journey, steps):
    """Return how many steps a journey passes one after the other."""
    depth = 0
    for event in journey:
        if depth < len(steps) and event == steps[depth]:
            depth += 1
    return depth


def draw_funnel(data, events):
    names = sorted(set(events["event_type"]))
    return data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))


@given(data=st.data(), unit=units)
def test_reached_counts_units_with_the_event_in_any_order(small_logs, data, unit):
    events = data.draw(small_logs)
    steps, journeys = draw_funnel(data, events), unit_events(events, unit).values()
    counted = count_funnel(encode_sequences(events), steps, unit)
    assert [each.step for each in counted] == steps
    assert [each.reached for each in counted] == [sum(step in each for each in journeys) for step in steps]


@given(data=st.data(), unit=units)
def test_reached_in_order_counts_units_that_pass_all_steps_before(small_logs, data, unit):
    events = data.draw(small_logs)
    steps, journeys = draw_funnel(data, events), unit_events(events, unit).values()
    depths = [depth_in_order(each, steps) for each in journeys]
    counted = count_funnel(encode_sequences(events), steps, unit)
    expected = [sum(depth > position for depth in depths) for position in range(len(steps))]
    assert [each.reached_in_order for each in counted] == expected


@given(data=st.data(), unit=units)
def test_rates_are_shares_of_all_units_and_of_the_step_before(small_logs, data, unit):
    events = data.draw(small_logs)
    n_units = len(unit_events(events, unit))
    counted = count_funnel(encode_sequences(events), draw_funnel(data, events), unit)
    for before, step in zip((counted[0], *counted), counted, strict=False):
        assert step.rate == step.reached / n_units
        assert step.rate_in_order == step.reached_in_order / n_units
        assert step.rate_of_previous == step.reached / before.reached


@given(data=st.data())
def test_places_name_the_step_and_rise(small_logs, data):
    events = data.draw(small_logs)
    sequences, steps = encode_sequences(events), draw_funnel(data, events)
    for user, places in enumerate(reached_in_order(sequences, steps)):
        reached = places[places >= 0]
        assert (places[: len(reached)] == reached).all()
        assert sorted(set(reached)) == reached.tolist()
        assert (sequences.users[reached] == user).all()
        assert [sequences.vocabulary[code] for code in sequences.codes[reached]] == steps[: len(reached)]


@given(data=st.data(), unit=units)
def test_fewer_units_reach_a_step_in_order_than_the_step_before(small_logs, data, unit):
    events = data.draw(small_logs)
    counted = count_funnel(encode_sequences(events), draw_funnel(data, events), unit)
    in_order = [each.reached_in_order for each in counted]
    assert in_order == sorted(in_order, reverse=True)
    assert all(each.reached_in_order <= each.reached for each in counted)


def test_of_two_events_at_one_time_the_later_row_is_the_later_step(make_log):
    sequences = encode_sequences(make_log([("u", "1", 0, "a"), ("u", "1", 0, "b")]))
    assert count_funnel(sequences, ["a", "b"])[1].reached_in_order == 1
    assert count_funnel(sequences, ["b", "a"])[1].reached_in_order == 0


def test_sessions_that_overlap_keep_their_own_order(make_log):
    rows = [("u", "1", 0, "a"), ("u", "2", 1, "b"), ("u", "1", 2, "b"), ("u", "2", 3, "a")]
    counted = count_funnel(encode_sequences(make_log(rows)), ["a", "b"], "session")
    assert [each.reached_in_order for each in counted] == [2, 1]


@pytest.fixture
def sequences(make_log):
    return encode_sequences(make_log([("u", "1", 0, "landing"), ("u", "1", 1, "signup")]))


def test_a_step_that_is_no_event_suggests_the_nearest(sequences):
    with pytest.raises(UnknownNameError, match="Did you mean 'landing'"):
        count_funnel(sequences, ["lnading"])


def test_a_step_cannot_be_named_twice(sequences):
    with pytest.raises(DataError, match="names 'signup' twice"):
        count_funnel(sequences, ["signup", "landing", "signup"])


def test_a_funnel_has_a_step(sequences):
    with pytest.raises(DataError, match="has no step"):
        count_funnel(sequences, [])


def test_drop_events_are_known_by_name():
    names = ["Drop_Off", "dropoff", "abandon", "abandoned", "friction_drop", "drop", "dropped_cart"]
    assert detect_drop_events(names) == tuple(names[:5])


def journeys_to_log(make_log, *journeys):
    rows = [
        (f"u{user}", "1", place, event)
        for user, each in enumerate(journeys)
        for place, event in enumerate(each)
    ]
    return encode_sequences(make_log(rows))


def test_the_funnel_leads_from_the_commonest_start_over_what_converting_users_pass(make_log):
    sequences = journeys_to_log(
        make_log,
        ["landing", "form", "help", "order_confirmed"],
        ["landing", "form", "order_confirmed"],
        ["landing"],
    )
    assert detect_funnel(sequences) == ("landing", "form", "order_confirmed")


def test_a_given_completion_ends_the_funnel(make_log):
    sequences = journeys_to_log(make_log, ["landing", "form", "thanks"])
    assert detect_funnel(sequences, "form") == ("landing", "form")


def test_a_drop_event_is_never_a_step(make_log):
    sequences = journeys_to_log(make_log, *[["landing", "drop_off", "form", "purchase"]] * 2)
    assert detect_funnel(sequences) == ("landing", "form", "purchase")


def test_a_start_that_completes_is_a_funnel_of_one_step(make_log):
    assert detect_funnel(journeys_to_log(make_log, ["purchase"])) == ("purchase",)


def test_a_log_without_a_completion_asks_for_its_name(sequences):
    with pytest.raises(DataError, match="No event looks like a completion") as caught:
        detect_funnel(sequences)
    assert "--completion" in caught.value.hint


def test_a_completion_that_is_no_event_suggests_the_nearest(sequences):
    with pytest.raises(UnknownNameError, match="Did you mean 'signup'"):
        detect_funnel(sequences, "singup")


@given(data=st.data())
def test_a_found_funnel_can_be_counted(small_logs, data):
    events = data.draw(small_logs)
    assume("d" in set(events["event_type"]))
    sequences = encode_sequences(events)
    steps = detect_funnel(sequences, "d")
    assert steps[-1] == "d"
    assert len(steps) <= 7
    assert count_funnel(sequences, steps)[-1].reached > 0


@given(data=st.data(), unit=units, n_parts=st.integers(1, 3))
def test_the_funnel_of_parts_is_that_of_the_log(small_logs, data, unit, n_parts):
    log = data.draw(small_logs)
    whole, parts = encode_sequences(log), parts_by_user(log, n_parts)
    goal = data.draw(st.sampled_from(whole.vocabulary))
    steps = detect_funnel(whole, goal)
    assert detect_funnel_of_parts(parts, goal) == steps
    assert count_funnel_of_parts(parts, steps, unit) == count_funnel(whole, steps, unit)
