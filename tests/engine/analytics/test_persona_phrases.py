"""How numbers of personas read."""

from persona_tui.engine.analytics.persona_phrases import lift_size
from persona_tui.engine.modeling.paths import RateLift


def lift_of(lift, low, high):
    return RateLift(events=("a",), rate=0.5, others_rate=0.1, lift=lift, interval=(low, high), n=50.0)


def test_a_lift_over_next_to_nothing_is_told_by_its_lower_end_alone():
    assert lift_size(lift_of(2241.0, 170.0, 29606.0)) == "at least 170×"


def test_a_lift_that_is_known_is_told_with_its_interval():
    assert lift_size(lift_of(2.5, 2.0, 3.0)) == "2.50× (2.00 to 3.00)"


def test_a_lift_that_may_be_none_is_never_told_as_one():
    assert lift_size(lift_of(3.0, 0.5, 18.0)) == "3.00× (0.50 to 18.0)"
