"""Numbers as every face writes them: whatever the interval, it reads as what it is."""

from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.analytics.numbers import interval_text, percent, percent_interval, points_number

SHARES = st.floats(0.0, 1.0) | st.sampled_from([1e-4, 3e-4, 0.9998, 0.9999])
DIFFERENCES = st.floats(-1.0, 1.0) | st.sampled_from([-3e-4, -1e-4, 1e-4, 3e-4])


@given(SHARES, SHARES)
def test_an_interval_of_a_share_ends_as_its_upper_end_and_begins_as_its_lower(one, other):
    low, high = sorted((one, other))
    told = percent_interval(low, high)
    assert told.endswith(percent(high))
    assert told.startswith(percent(low).rstrip("%").rstrip("\u202f"))
    assert told.count("<") <= 1
    assert told.count(">") <= 1


@given(DIFFERENCES, DIFFERENCES)
def test_an_interval_of_a_difference_names_a_bound_of_one_side_once(one, other):
    low, high = sorted((one, other))
    told = interval_text(low, high)
    assert told.startswith(points_number(low))
    assert told.endswith(points_number(high))
    assert told == f"{points_number(low)} to {points_number(high)}" or told == points_number(low)
    assert ("−" in told) == (low < -1e-12) or abs(low) < 1e-11
