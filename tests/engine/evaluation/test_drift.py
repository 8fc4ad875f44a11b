from dataclasses import replace

import numpy as np
import pytest
from benchmarks.drift import STEPS, World, compare, draw_log, learn

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.evaluation.drift import Drift, find_drift, in_one_vocabulary
from persona_tui.engine.evaluation.level import Level


@pytest.fixture(scope="module")
def mixture():
    return learn(1)


def rows_of(drift: Drift):
    return {f"{each.part} {each.name}": each for each in drift.rows}


def found(mixture, world, *, seed=3, shifted=True):
    return compare(np.random.default_rng(seed), world, mixture, shifted=shifted)


def between(mixture, before, after):
    return find_drift(
        before,
        after,
        mixture=mixture,
        names=("keen", "idle"),
        completion={"buy"},
        steps=STEPS,
        random_state=0,
    )


@pytest.mark.parametrize(
    ("planted", "row"),
    [
        ({"buying": -2.0}, "outcome users who complete"),
        ({"device": 1.6}, "attributes device"),
        ({"new_event": 0.4}, "vocabulary events that the personas do not know"),
    ],
)
def test_what_was_planted_is_what_is_red(mixture, planted, row):
    drift = found(mixture, World(users_a_week=600, **planted))
    assert drift.level is Level.RED
    assert rows_of(drift)[row].level is Level.RED
    if "device" in planted:
        assert {name for name, each in rows_of(drift).items() if each.level is Level.RED} == {row}


def test_nothing_moved_where_nothing_was_planted(mixture):
    drift = found(mixture, World(weekly=0.1), shifted=False)
    assert drift.level is Level.GREEN
    assert not drift.new_events
    assert all(0 <= each.p_value <= each.false_discovery <= 1 for each in drift.rows)


def test_fewer_who_buy_is_behaviour_and_other_personas_are_mix(mixture):
    buying = found(mixture, World(users_a_week=600, buying=-2.0))
    assert buying.behaviour.interval[1] < 0
    assert abs(buying.behaviour.value) > 3 * abs(buying.mix.value)
    mixed = found(mixture, World(users_a_week=600, personas=2.0))
    assert mixed.mix.interval[1] < 0


def test_the_parts_of_the_change_add_up_to_the_row(mixture):
    drift = found(mixture, World(buying=-1.0))
    row = rows_of(drift)["outcome users who complete"]
    assert drift.mix.value + drift.behaviour.value == pytest.approx(row.effect, abs=1e-12)
    assert drift.completion.value == pytest.approx(row.after - row.before, abs=1e-12)


def test_a_log_has_not_drifted_from_itself(mixture):
    log, _ = draw_log(np.random.default_rng(2), World(), range(8), shifted=False)
    drift = between(mixture, log, log)
    assert drift.level is Level.GREEN
    assert {each.effect for each in drift.rows} == {0.0}


def test_the_verdict_is_at_most_amber_where_own_variation_is_not_known(mixture):
    rng = np.random.default_rng(5)
    before, _ = draw_log(rng, World(users_a_week=100), range(1), shifted=False)
    after, _ = draw_log(rng, World(users_a_week=300, buying=-3.0), range(1, 2), shifted=True)
    drift = between(mixture, before, after)
    assert not drift.windows.knows_own
    assert drift.level is Level.AMBER
    assert Level.RED in {each.size for each in drift.rows}


def test_new_and_gone_events_are_named(mixture):
    log, _ = draw_log(np.random.default_rng(2), World(), range(8), shifted=False)
    other = replace(log, vocabulary=tuple("call" if each == "help" else each for each in log.vocabulary))
    order = np.argsort(other.vocabulary)
    codes = np.argsort(order)[other.codes].astype(np.int32)
    other = replace(other, vocabulary=tuple(sorted(other.vocabulary)), codes=codes)
    drift = between(mixture, *in_one_vocabulary(log, other))
    assert [each.name for each in drift.new_events] == ["call"]
    assert [each.name for each in drift.gone_events] == ["help"]
    assert drift.new_events[0].n_users == drift.gone_events[0].n_users


def test_personas_that_know_no_event_say_so(mixture):
    log, _ = draw_log(np.random.default_rng(2), World(), range(8), shifted=False)
    alien = replace(log, vocabulary=tuple(f"x {each}" for each in log.vocabulary))
    before, after = in_one_vocabulary(log, alien)
    with pytest.raises(ModelingError, match="know none of"):
        between(mixture, before, after)


def test_a_row_is_never_worse_than_the_size_of_its_effect(mixture):
    drift = found(mixture, World(buying=-0.5, users_a_week=1_000))
    assert all(each.level <= each.size for each in drift.rows)
    assert all(abs(each.beyond_chance) <= abs(each.effect) + 1e-12 for each in drift.rows)
