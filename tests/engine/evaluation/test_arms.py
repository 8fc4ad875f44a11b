from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, UnknownNameError
from persona_tui.engine.evaluation.arms import arms_of, check_lot
from persona_tui.engine.evaluation.user_metrics import funnel_of, metrics_of, only_in_some

DAY = 86_400_000_000


def log_of(rows):
    """Rows of (user, session, day, event, variant)."""
    frame = pl.DataFrame(
        rows, schema=["user_id", "session_id", "day", "event_type", "variant"], orient="row"
    ).sort("user_id", "day", maintain_order=True)
    frame = frame.with_columns(
        timestamp=(pl.lit(datetime(2026, 3, 1, tzinfo=UTC)) + pl.duration(hours=pl.col("day") * 24)).cast(
            pl.Datetime("us", "UTC")
        )
    )
    return encode_sequences(frame), frame["variant"]


def many(n, arm_of, day_of=lambda user: user % 20):
    rows = [(f"u{user:05d}", "s", day_of(user), "go", arm_of(user)) for user in range(n)]
    return log_of(rows)


SMALL = [
    ("a", "1", 0, "go", None),
    ("a", "2", 1, "go", "control"),
    ("a", "2", 1, "buy", None),
    ("b", "1", 0, "go", "new"),
    ("b", "1", 0, "offer", "new"),
    ("b", "2", 3, "leave", "new"),
    ("c", "1", 0, "go", "new"),
    ("c", "1", 1, "buy", "control"),
    ("d", "1", 0, "go", ""),
]


def test_users_are_in_the_arm_that_their_events_name():
    sequences, variants = log_of(SMALL)
    arms = arms_of(sequences, variants)
    assert arms.names == ("control", "new")
    assert arms.of_users.tolist() == [0, 1, -1, -1]
    assert (arms.n_crossing, arms.n_outside, arms.n_users()) == (1, 1, (1, 1))
    assert arms.entered[0] - arms.entered[1] == DAY


def test_metrics_count_from_entry_on_and_tell_what_was_before():
    sequences, variants = log_of(SMALL)
    arms = arms_of(sequences, variants)
    found = {each.name: each for each in metrics_of(sequences, arms, completion={"buy"}, drop={"leave"})}
    assert {name: each.numerators[:2].tolist() for name, each in found.items()} == {
        "users who complete": [1, 0],
        "users who drop off": [0, 1],
        "completions per session": [1, 0],
        "sessions per user": [1, 2],
        "events per user": [2, 3],
    }
    assert found["completions per session"].denominators[:2].tolist() == [1, 2]
    assert found["events per user"].before[0][:2].tolist() == [1, 0]
    steps = funnel_of(sequences, arms, ["go", "buy"])
    assert [each.numerators[:2].tolist() for each in steps] == [[1, 1], [1, 0]]
    assert only_in_some(sequences, arms) == (("buy", "control"), ("leave", "new"), ("offer", "new"))


def test_what_was_before_the_experiment_is_no_part_of_it():
    sequences, variants = log_of([(each[0], each[1], each[2], each[3], each[4] or "new") for each in SMALL])
    arms = arms_of(sequences, variants, since=datetime(2026, 3, 2, tzinfo=UTC), control="control")
    assert arms.n_outside == 1
    assert arms.n_crossing == 1  # of the two arms of a on the second day
    assert arms.of_users.tolist() == [-1, 1, 0, -1]


def test_users_who_never_varied_have_no_time_before():
    sequences, variants = many(40, lambda user: "ab"[user % 2])
    assert all(
        each.before is None for each in metrics_of(sequences, arms_of(sequences, variants), completion={"go"})
    )


@pytest.mark.parametrize(
    ("arm_of", "told"),
    [
        (lambda _: "control", "only the arm 'control'"),
        (lambda _: None, "names no arm"),
        (lambda user: f"level {user}", "has 60 values; at most 20"),
        (lambda user: "xy"[user % 2], "Which arm is the control"),
    ],
)
def test_what_is_no_experiment_is_refused(arm_of, told):
    sequences, variants = many(60, arm_of)
    with pytest.raises(DataError, match=told):
        arms_of(sequences, variants)


def test_a_control_that_is_no_arm_is_refused():
    sequences, variants = many(60, lambda user: "xy"[user % 2])
    assert arms_of(sequences, variants, control="y").names == ("y", "x")
    with pytest.raises(UnknownNameError):
        arms_of(sequences, variants, control="z")


def broken(arms, allocation=()):
    return [each.name for each in check_lot(arms, allocation) if each.is_broken]


def test_a_fair_lot_passes_and_a_broken_one_is_named():
    rng = np.random.default_rng(0)
    fair = rng.integers(0, 2, 2_000)
    assert broken(arms_of(*many(2_000, lambda user: "ab"[fair[user]]))) == []
    off = (rng.random(2_000) < 0.56).astype(int)
    arms = arms_of(*many(2_000, lambda user: "ab"[off[user]]))
    assert broken(arms) == ["sample ratio"]
    assert broken(arms, (44, 56)) == []
    assert "less than once in 1,000" in check_lot(arms)[0].sentence


def test_arms_of_different_weeks_are_named():
    arms = arms_of(*many(2_000, lambda user: "ab"[user % 2], lambda user: user % 10 + 10 * (user % 2)))
    assert broken(arms) == ["time of entry"]
    assert "a 2026-03-01 to 2026-03-09, b 2026-03-12 to 2026-03-20" in check_lot(arms)[2].sentence


def test_users_in_both_arms_are_named():
    rows = [
        (f"u{user}", "s", day, "go", "ab"[(user + (user < 5) * day) % 2])
        for user in range(100)
        for day in (0, 1)
    ]
    arms = arms_of(*log_of(rows))
    assert arms.n_crossing == 5
    assert broken(arms) == ["users in several arms"]


@given(st.lists(st.integers(20, 500), min_size=2, max_size=4))
def test_the_sample_ratio_is_scipys(counts):
    names = [f"{place}" for place, n in enumerate(counts) for _ in range(n)]
    arms = arms_of(*many(len(names), lambda user: names[user]))
    assert check_lot(arms)[0].p_value == pytest.approx(stats.chisquare(counts).pvalue, rel=1e-9, abs=1e-300)


def test_an_allocation_of_other_parts_is_refused():
    arms = arms_of(*many(60, lambda user: "ab"[user % 2]))
    for wrong in ((1, 1, 1), (1, 0)):
        with pytest.raises(DataError, match="allocation"):
            check_lot(arms, wrong)
