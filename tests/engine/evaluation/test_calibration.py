import dataclasses

import numpy as np
import pytest
from planted_tests import BUY, FORM, STEPS, plant_test

from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.calibration import calibrate
from persona_tui.engine.simulation.effect_base import parse_effect


def calibrated(planted, **given):
    words = {"unit": "user", "completion": {"d_buy"}, "n_clusters": 2, "random_state": 0, "n_draws": 100}
    return calibrate(planted.sequences, planted.arms, 1, **(words | given))


@pytest.fixture(scope="module")
def planted():
    return plant_test(np.random.default_rng(1), (0.12, 0.0, -0.35), n_users=6_000)


@pytest.fixture(scope="module")
def found(planted):
    return calibrated(planted)


def test_known_effects_lie_in_their_intervals(found):
    landing, form, pay = found.steps
    assert (landing.kind, pay.kind) == ("friction", "reward")
    assert landing.interval[0] < 0.12 < landing.interval[1]
    assert form.interval[0] < 0.0 < form.interval[1]
    assert pay.interval[0] < 0.35 < pay.interval[1]
    assert [each.is_settled for each in found.steps] == [True, False, True]


def test_settled_effects_are_texts_that_a_simulation_takes(found):
    texts = found.as_modification()
    assert [parse_effect(text).at for text in texts] == [("a_landing",), ("c_pay",)]
    for text, step in zip(texts, (found.steps[0], found.steps[2]), strict=True):
        belief = parse_effect(text).factor
        assert belief.low < step.factor < belief.high
        assert belief.mode == pytest.approx(step.factor, abs=1e-4)


def test_effects_on_leaving_explain_a_change_that_only_moves_leaving(found):
    told = found.explained
    assert told.rest_interval[0] < 0 < told.rest_interval[1]
    assert abs(told.by_leaving - told.observed) < 0.02
    assert found.rerouted == ()


def test_most_experiments_hold_the_truth():
    """A smoke version of the benchmark: of 8 experiments with three effects, nearly all hold them."""
    effects, held = (0.15, 0.12, 0.10), []
    for seed in range(8):
        planted = plant_test(np.random.default_rng(seed), effects, n_users=1_500)
        for each, truth in zip(calibrated(planted).steps, effects, strict=True):
            held.append(each.interval[0] <= truth <= each.interval[1])
    assert np.mean(held) >= 0.85


def test_who_is_sent_elsewhere_is_told_beside(planted):
    moved = plant_test(np.random.default_rng(2), (0.0, 0.0, 0.0), n_users=4_000, elsewhere=0.3)
    found = calibrated(moved)
    assert [each.step for each in found.rerouted] == ["a_landing"]
    assert found.rerouted[0].toward == "c_pay"
    assert found.rerouted[0].distance == pytest.approx(0.3 * (1 - 0.27), abs=0.06)
    assert found.explained.rest_interval[0] > 0


def test_sessions_of_a_user_are_weighted_together(planted):
    """Every user twice over as sessions: intervals are those of the users, not narrower."""
    log = planted.sequences
    twice = dataclasses.replace(
        log,
        codes=np.concatenate([log.codes, log.codes]),
        users=np.concatenate([log.users, log.users]),
        sessions=np.concatenate([2 * log.sessions, 2 * log.sessions + 1]),
        times=np.concatenate([log.times, log.times + 3_600_000_000]),
    )
    order = np.lexsort((twice.times, twice.users))
    doubled = dataclasses.replace(
        twice, **{name: getattr(twice, name)[order] for name in ("codes", "users", "sessions", "times")}
    )
    once = calibrated(planted, n_clusters=1, unit="session")
    both = calibrated(dataclasses.replace(planted, sequences=doubled), n_clusters=1, unit="session")
    widths = [each.interval[1] - each.interval[0] for each in (once.steps[0], both.steps[0])]
    assert widths[1] > 0.85 * widths[0]


def test_events_of_one_arm_are_taken_out_and_named(planted):
    log, arms = planted.sequences, planted.arms
    extra = (log.codes == FORM) & (arms.of_users[log.users] == 1)
    renamed = dataclasses.replace(
        log, vocabulary=(*STEPS, "e_tips"), codes=np.where(extra & (log.times % 2_000_000 == 0), 4, log.codes)
    )
    found = calibrated(dataclasses.replace(planted, sequences=renamed))
    assert found.only_in == (("e_tips", "new"),)
    assert "e_tips" not in [each.step for each in found.steps]


def test_a_step_that_nobody_leaves_is_not_told(planted):
    log = planted.sequences
    last = np.append(np.diff(log.users) != 0, True)
    kept = ~np.isin(log.users, log.users[last & (log.codes == FORM)])
    users = np.unique(log.users[kept])
    part = dataclasses.replace(
        log,
        user_ids=tuple(log.user_ids[user] for user in users),
        codes=log.codes[kept],
        users=np.searchsorted(users, log.users[kept]).astype(np.int32),
        sessions=log.sessions[kept],
        times=log.times[kept],
    )
    arms = dataclasses.replace(
        planted.arms, of_users=planted.arms.of_users[users], entered=planted.arms.entered[users]
    )
    found = calibrated(dataclasses.replace(planted, sequences=part, arms=arms))
    form = next(each for each in found.steps if each.step == "b_form")
    assert form.kind is None
    assert form.why_not == "nobody leaves there"
    assert form.as_effect() == ""


def test_an_arm_with_few_users_is_refused(planted):
    few = np.where(np.arange(len(planted.arms.of_users)) < 40, planted.arms.of_users, 0).astype(np.int32)
    small = dataclasses.replace(planted, arms=dataclasses.replace(planted.arms, of_users=few))
    with pytest.raises(DataError, match="users of 'new' can be followed"):
        calibrated(small)


def test_an_end_is_no_step(found):
    assert STEPS[BUY] not in [each.step for each in found.steps]


def test_a_step_that_nobody_of_one_arm_leaves_is_no_certain_effect(planted):
    """Few leave the last step: in the treatment nobody at all."""
    log, arms = planted.sequences, planted.arms
    last = np.append(np.diff(log.users) != 0, True)
    gone = np.unique(log.users[last & (log.codes == 2) & (arms.of_users[log.users] == 1)])
    kept = ~np.isin(log.users, gone)
    users = np.unique(log.users[kept])
    part = dataclasses.replace(
        log,
        user_ids=tuple(log.user_ids[user] for user in users),
        codes=log.codes[kept],
        users=np.searchsorted(users, log.users[kept]).astype(np.int32),
        sessions=log.sessions[kept],
        times=log.times[kept],
    )
    chosen = dataclasses.replace(arms, of_users=arms.of_users[users], entered=arms.entered[users])
    found = calibrated(dataclasses.replace(planted, sequences=part, arms=chosen))
    pay = next(each for each in found.steps if each.step == "c_pay")
    assert pay.kind is None
    assert pay.why_not == "nobody of one arm leaves there"
    assert np.isfinite(found.explained.by_leaving)


def test_an_experiment_of_no_step_that_can_be_told_of_is_refused(planted):
    log = planted.sequences
    bought = np.unique(log.users[log.codes == BUY])
    first = np.append(True, np.diff(log.users) != 0) & np.isin(log.users, bought)
    short = dataclasses.replace(
        log,
        codes=np.full(first.sum(), BUY, np.int32),
        user_ids=tuple(log.user_ids[user] for user in bought),
        users=np.arange(first.sum(), dtype=np.int32),
        sessions=np.arange(first.sum()),
        times=log.times[first],
    )
    arms = dataclasses.replace(
        planted.arms, of_users=planted.arms.of_users[bought], entered=planted.arms.entered[bought]
    )
    with pytest.raises(DataError, match="Of no step anything can be told"):
        calibrated(dataclasses.replace(planted, sequences=short, arms=arms), n_clusters=1)
