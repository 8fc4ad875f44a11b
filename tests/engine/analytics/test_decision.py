"""The answer in one sentence never says more than its interval allows, whatever the numbers are."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from report_samples import estimate, make_report

from persona_tui.engine.analytics.numbers import interval_text, percent, points
from persona_tui.engine.analytics.wording import decision
from persona_tui.engine.simulation.comparison import ROUNDING

BASE = make_report().lead.experiment
SHARES = st.floats(0.0, 1.0)
SMALL = st.sampled_from([0.0, 1e-15, 1e-11, 1e-6, 4.9e-4, 5e-4, 9.9e-4, 1e-3, 0.2])
DIFFERENCES = st.floats(-1.0, 1.0) | SMALL | SMALL.map(lambda size: -size)


def experiment_with(control, value, ends):
    """Return an experiment without a horizon; the value may lie outside its ends, as of skewed draws."""
    total = BASE.total
    low, high = sorted(ends)
    arms = {
        arm: {**total.arms[arm], "completion_rate": rate}
        for arm, rate in (("control", control), ("treatment", min(max(control + value, 0.0), 1.0)))
    }
    uplifts = {
        **total.uplifts,
        "completion_rate": estimate(value, low, high),
        "truncated_rate": estimate(0.0, 0.0, 0.0),
    }
    return replace(BASE, total=replace(total, arms=arms, uplifts=uplifts)), low, high


@given(SHARES, DIFFERENCES, st.tuples(DIFFERENCES, DIFFERENCES))
def test_a_direction_is_told_only_where_value_and_interval_lie_on_that_side(control, value, ends):
    experiment, low, high = experiment_with(control, value, ends)
    told = decision(experiment)
    if "expected to raise" in told:
        assert min(low, value) > 0
    elif "expected to lower" in told:
        assert max(high, value) < 0
    elif "where it is" in told:
        assert max(abs(low), abs(high), abs(value)) <= ROUNDING
    else:
        assert told.startswith("The log cannot tell whether the change helps or hurts completion")


@given(SHARES, DIFFERENCES, st.tuples(DIFFERENCES, DIFFERENCES))
def test_whoever_reads_of_a_move_reads_both_ends_and_the_value(control, value, ends):
    experiment, low, high = experiment_with(control, value, ends)
    told = decision(experiment)
    if "where it is" not in told:
        assert f"{points(value)}" in told
        assert f"95 % interval {interval_text(low, high)}" in told
    assert percent(control) in told


@given(SHARES, DIFFERENCES, st.tuples(DIFFERENCES, DIFFERENCES))
def test_no_sentence_claims_a_proof_or_a_certainty(control, value, ends):
    told = decision(experiment_with(control, value, ends)[0])
    assert not re.search(r"\b(proves?|proven|significant|certain|sure|will|always|never)\b", told)
    assert told.count(". ") == 0
