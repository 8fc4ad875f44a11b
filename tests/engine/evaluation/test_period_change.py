from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.period_change import Period, compare_periods

START = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE, AFTER = (
    Period(START, START + timedelta(days=7)),
    Period(START + timedelta(days=7), START + timedelta(days=14)),
)


def planted(seed, *, n=400, rates=((0.6, 0.6), (0.2, 0.2)), active=((0.8, 0.8), (0.8, 0.8))):
    """Users of two personas, who complete, and are active, each at a rate of its own in each period."""
    rng = np.random.default_rng(seed)
    codes, users, times, sessions = [], [], [], []
    n_sessions = 0
    for user in range(n):
        persona = user % 2
        for phase in (0, 1):
            if phase == 1 or rng.random() < active[persona][phase] or not users or users[-1] != user:
                if phase == 1 and rng.random() >= active[persona][1] and users and users[-1] == user:
                    continue
                did = [0, 1] if rng.random() < rates[persona][phase] else [0]
                when = START + timedelta(days=7 * phase + 6 * rng.random())
                for place, code in enumerate(did):
                    codes.append(code)
                    users.append(user)
                    sessions.append(n_sessions)
                    times.append(int(when.timestamp() * 1e6) + place)
                n_sessions += 1
    log = Sequences(
        vocabulary=("go", "buy"),
        user_ids=tuple(f"u{user:04d}" for user in range(n)),
        codes=np.array(codes, np.int32),
        users=np.array(users, np.int32),
        sessions=np.array(sessions),
        times=np.array(times),
    )
    return log, np.eye(2)[np.arange(n) % 2]


def compared(log, memberships, **given):
    return compare_periods(
        log,
        BEFORE,
        AFTER,
        completion={"buy"},
        drop=(),
        steps=("go", "buy"),
        memberships=memberships,
        names=("quick", "slow"),
        random_state=1,
        **given,
    )


def test_rates_are_those_of_the_users_active_in_each_period():
    log, memberships = planted(0)
    found = compared(log, memberships)
    for period, name in ((BEFORE, "before"), (AFTER, "after")):
        inside = period.covers(log)
        active = set(log.users[inside].tolist())
        buying = set(log.users[inside & (log.codes == 1)].tolist())
        assert getattr(found.metrics[0], name) == pytest.approx(len(buying) / len(active))
        assert getattr(found, f"n_{name}") == len(active)
    assert [each.name for each in found.funnel] == ["go", "buy"]
    assert found.funnel[1].value == pytest.approx(found.metrics[0].value)


@settings(max_examples=15)
@given(st.integers(0, 2**31))
def test_mix_and_behaviour_add_up_to_the_change(seed):
    found = compared(*planted(seed, n=150), n_draws=20)
    assert found.mix.value + found.behaviour.value == pytest.approx(found.metrics[0].value, abs=1e-12)


def test_a_shift_of_the_mix_is_no_change_of_behaviour_and_the_other_way_round():
    mixed = compared(*planted(3, n=1_500, active=((0.9, 0.3), (0.3, 0.9))))
    assert mixed.mix.interval[1] < 0
    assert mixed.behaviour.interval[0] < 0 < mixed.behaviour.interval[1]
    changed = compared(*planted(4, n=1_500, rates=((0.6, 0.8), (0.2, 0.4))))
    assert changed.behaviour.interval[0] > 0.1
    assert changed.mix.interval[0] < 0 < changed.mix.interval[1]


def test_intervals_hold_no_change_as_often_as_they_say():
    held = 0
    for seed in range(100):
        found = compared(*planted(seed, n=150), n_draws=200).metrics[0]
        held += found.interval[0] <= 0 <= found.interval[1]
    assert 88 <= held <= 100


def test_events_are_told_by_the_size_of_their_change():
    found = compared(*planted(4, rates=((0.6, 0.9), (0.2, 0.5))))
    assert [each.change.name for each in found.events] == ["buy", "go"]
    assert found.events[0].false_discovery < 0.05
    assert found.events[1].change.value == 0


def test_the_same_seed_gives_the_same_intervals():
    log, memberships = planted(0)
    assert compared(log, memberships) == compared(log, memberships)


def test_periods_that_overlap_or_are_empty_are_refused():
    log, memberships = planted(0)
    late = Period(START + timedelta(days=30), START + timedelta(days=40))
    given = {
        "completion": {"buy"},
        "drop": (),
        "steps": ("go",),
        "memberships": memberships,
        "names": ("a", "b"),
    }
    with pytest.raises(DataError, match="overlap"):
        compare_periods(log, BEFORE, Period(START, START + timedelta(days=3)), **given)
    with pytest.raises(DataError, match="0 users are active in the period after"):
        compare_periods(log, BEFORE, late, **given)
