import dataclasses
import json

import numpy as np
import pytest
from planted_weeks import plant_weeks

from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.backtest import Backtest, run_backtest
from persona_tui.engine.evaluation.followed import follow
from persona_tui.engine.evaluation.level import Level
from persona_tui.engine.evaluation.open_journeys import check_open_journeys
from persona_tui.engine.evaluation.rolling import foretell_periods
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.mixture import fit_markov_mixture
from persona_tui.study.rebuilding import rebuild

SEED = np.random.SeedSequence(0)


def checked(log, n_clusters=2, **given):
    counts = count_transitions(cut_journeys(log, completion={"buy"}))
    mixture = fit_markov_mixture(counts, n_clusters, random_state=0)
    names = [f"persona {number}" for number in range(n_clusters)]
    return run_backtest(log, mixture, completion={"buy"}, names=names, random_state=0, **given)


@pytest.fixture(scope="module")
def planted():
    return checked(plant_weeks(6, n_weeks=12, per_week=250))


def test_a_log_that_is_what_the_model_says_it_is_is_green(planted):
    assert planted.verdict.level is Level.GREEN, planted.verdict.reasons
    assert not planted.verdict.reasons


def test_every_user_is_held_out_once(planted):
    assert planted.n_folds == 5
    assert sum(each.n for each in planted.outcomes.by_persona) == planted.outcomes.n_journeys


def test_personas_are_held_against_what_knows_nothing_and_what_knows_as_much(planted):
    names = [each.name for each in planted.outcomes.losses]
    assert names == ["personas", "logistic regression", "gradient boosting", "everybody alike"]
    own, *_, nothing = planted.outcomes.losses
    assert own.value < nothing.value


def test_calibration_counts_every_journey_once(planted):
    assert sum(each.n for each in planted.outcomes.bins) == planted.outcomes.n_journeys


def test_a_kept_backtest_is_the_one_that_was_found(planted):
    assert rebuild(Backtest, json.loads(json.dumps(dataclasses.asdict(planted)))) == planted


def test_the_same_seed_gives_the_same_backtest():
    log = plant_weeks(7, n_weeks=6, per_week=60)
    assert checked(log) == checked(log, workers=2)


def test_users_who_remember_more_than_one_event_are_not_green():
    """Journeys go round in fours: what comes next depends on more than the event before."""
    log = plant_weeks(8, n_weeks=12, per_week=250)
    place = np.arange(len(log.codes)) - np.searchsorted(log.users, log.users)
    ends = np.append(np.diff(log.users) != 0, True)
    turned = np.where(ends & (log.codes == 0), 0, np.array([1, 1, 2, 2])[place % 4]).astype(np.int32)
    found = checked(dataclasses.replace(log, codes=turned), 1)
    runs = next(each for each in found.likeness if each.name == "runs of three")
    assert runs.excess > 0.1
    assert found.verdict.level > Level.GREEN


def test_weeks_that_differ_are_covered_only_if_that_is_learned():
    log = plant_weeks(9, n_weeks=24, per_week=300, between=0.5)
    followed = follow(log, unit="user", completion={"buy"}, drop=set())
    weeks = foretell_periods(followed, 1, SEED).of("completion rate")
    assert len(weeks) >= 18
    assert np.mean([each.is_inside for each in weeks]) < 0.8
    assert np.mean([each.is_inside_wide for each in weeks]) >= 0.85


def test_weeks_that_do_not_differ_are_covered_without():
    log = plant_weeks(10, n_weeks=24, per_week=200)
    followed = follow(log, unit="user", completion={"buy"}, drop=set())
    weeks = foretell_periods(followed, 1, SEED).of("completion rate")
    assert np.mean([each.is_inside for each in weeks]) >= 0.85


def test_a_week_is_foretold_from_journeys_that_were_over():
    log = plant_weeks(11, n_weeks=8, per_week=60)
    followed = follow(log, unit="user", completion={"buy"}, drop=set())
    for each in foretell_periods(followed, 1, SEED).of("completion rate"):
        assert each.n_training == (followed.begins + followed.horizon < each.begins).sum()


def test_a_log_cut_early_foretells_what_becomes_of_it():
    found = check_open_journeys(
        plant_weeks(12, n_weeks=8, per_week=200),
        unit="user",
        completion={"buy"},
        drop=set(),
        n_clusters=2,
        seed=SEED,
    )
    assert len(found) == 3
    assert all(abs(each.predicted - each.observed) < 0.02 for each in found)
    assert all(each.so_far <= each.observed + 1e-12 for each in found)


def test_a_small_log_is_refused():
    with pytest.raises(DataError, match="a backtest needs 100"):
        checked(plant_weeks(13, n_weeks=3, per_week=20))


def test_a_short_log_says_what_it_cannot_tell():
    found = checked(plant_weeks(14, n_weeks=2, per_week=100))
    weeks = next(each for each in found.verdict.judgements if "week" in each.about)
    assert weeks.level is Level.AMBER
    assert "could not be checked" in weeks.sentence


def test_journeys_too_short_to_be_foretold_are_told_as_unknown():
    log = plant_weeks(15, n_weeks=6, per_week=60)
    first = np.append(True, np.diff(log.users) != 0)
    short = dataclasses.replace(
        log,
        codes=np.where(np.arange(first.sum()) % 2, 0, log.codes[first]).astype(np.int32),
        users=log.users[first],
        sessions=log.sessions[first],
        times=log.times[first],
    )
    found = checked(short, 1)
    assert found.outcomes.n_journeys == 0
    outcome = next(each for each in found.verdict.judgements if "outcome" in each.about)
    assert outcome.level is Level.AMBER
    assert "could not be checked" in outcome.sentence
