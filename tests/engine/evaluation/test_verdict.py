import pytest

from persona_tui.engine.evaluation.level import Level
from persona_tui.engine.evaluation.likeness import Likeness
from persona_tui.engine.evaluation.open_journeys import OpenEnd
from persona_tui.engine.evaluation.outlooks import Forecast, LogLoss, OutcomeCheck
from persona_tui.engine.evaluation.rolling import PeriodForecast, Rolling
from persona_tui.engine.evaluation.verdict import (
    Judgement,
    Verdict,
    judge_likeness,
    judge_losses,
    judge_open_journeys,
    judge_periods,
    judge_personas,
)


def likeness(distance, floor=0.02, top=0.03):
    return Likeness(
        name="events per journey", distance=distance, floor=floor, floor_interval=(0.01, top), n_users=100
    )


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (likeness(0.02), Level.GREEN),
        (likeness(0.069), Level.GREEN),
        (likeness(0.071), Level.AMBER),
        (likeness(0.3, floor=0.2, top=0.31), Level.GREEN),
        (likeness(0.269), Level.AMBER),
        (likeness(0.271), Level.RED),
    ],
)
def test_journeys_are_judged_by_their_distance_beyond_the_floor(found, level):
    assert judge_likeness(found).level is level


def test_what_is_beyond_two_halves_of_real_journeys_is_not_called_as_alike():
    assert " as alike as real ones" in judge_likeness(likeness(0.03)).sentence
    assert "are nearly as alike as real ones" in judge_likeness(likeness(0.031)).sentence


def forecast(observed):
    return Forecast(name="p", fold=0, n=100, predicted=0.5, interval=(0.4, 0.6), observed=observed)


def outcomes(by_persona=(), losses=()):
    return OutcomeCheck(
        first=3, n_journeys=9, n_converted=3, losses=losses, by_persona=tuple(by_persona), bins=()
    )


@pytest.mark.parametrize(
    ("observed", "level"),
    [
        ([0.5] * 20, Level.GREEN),
        ([0.5] * 17 + [0.61] * 3, Level.GREEN),
        ([0.5] * 16 + [0.61] * 4, Level.AMBER),
        ([0.9] * 20, Level.RED),
        ([], Level.AMBER),
    ],
)
def test_intervals_may_miss_as_often_as_95_percent_allow(observed, level):
    assert judge_personas(outcomes(map(forecast, observed))).level is level


@pytest.mark.parametrize(
    ("excess", "plain", "level"),
    [
        (-0.01, -0.1, Level.GREEN),
        (0.009, -0.1, Level.GREEN),
        (0.011, -0.1, Level.AMBER),
        (0.2, 0.1, Level.RED),
    ],
)
def test_one_standard_error_behind_a_regression_is_allowed(excess, plain, level):
    losses = (
        LogLoss(name="personas", value=0.5, excess=0, excess_error=0),
        LogLoss(name="logistic regression", value=0.5 - excess, excess=excess, excess_error=0.01),
        LogLoss(name="everybody alike", value=0.5 - plain, excess=plain, excess_error=0.01),
    )
    assert judge_losses(outcomes(losses=losses)).level is level


def test_without_a_rival_nothing_is_claimed():
    assert judge_losses(outcomes(losses=())).level is Level.AMBER


def week(observed, wide=(0.3, 0.7)):
    return PeriodForecast(
        metric="completion rate",
        begins=0,
        n=100,
        n_training=300,
        predicted=0.5,
        observed=observed,
        interval=(0.45, 0.55),
        wide=wide,
        between=0.05,
    )


@pytest.mark.parametrize(
    ("weeks", "level"),
    [
        ([week(0.6)] * 10, Level.GREEN),
        ([week(0.6)] * 7 + [week(0.72)] * 3, Level.AMBER),
        ([week(0.9)] * 3, Level.RED),
        ([], Level.AMBER),
    ],
)
def test_weeks_are_judged_by_the_interval_that_knows_weeks_to_differ(weeks, level):
    assert judge_periods(Rolling(period="week", forecasts=tuple(weeks), n_fits=1)).level is level


@pytest.mark.parametrize(
    ("observed", "level"), [(0.501, Level.GREEN), (0.515, Level.GREEN), (0.53, Level.AMBER), (0.7, Level.RED)]
)
def test_open_journeys_may_miss_by_a_point_whatever_the_interval(observed, level):
    end = OpenEnd(
        cut=0,
        n=100,
        n_open=40,
        predicted=0.51,
        interval=(0.505, 0.514),
        so_far=0.4,
        observed=observed,
        still_open=0.0,
    )
    assert judge_open_journeys([end]).level is level


def test_the_worst_check_is_the_verdict_and_its_reason_stands_first():
    checks = (
        Judgement(about="a", level=Level.GREEN, sentence="fine"),
        Judgement(about="b", level=Level.AMBER, sentence="so so"),
        Judgement(about="c", level=Level.RED, sentence="wrong"),
    )
    found = Verdict(judgements=checks, causes=("memory",))
    assert found.level is Level.RED
    assert found.reasons == ("wrong", "so so", "memory")


def test_what_may_stand_behind_nothing_is_not_told():
    found = Verdict(
        judgements=(Judgement(about="a", level=Level.GREEN, sentence="fine"),), causes=("memory",)
    )
    assert found.reasons == ()


def test_what_is_still_open_may_have_come():
    end = OpenEnd(
        cut=0,
        n=100,
        n_open=40,
        predicted=0.6,
        interval=(0.55, 0.65),
        so_far=0.4,
        observed=0.5,
        still_open=0.2,
    )
    assert judge_open_journeys([end]).level is Level.GREEN
    assert "50.0 to 70.0 %" in judge_open_journeys([end]).sentence


def test_where_nothing_is_open_nothing_hangs_on_it():
    end = OpenEnd(
        cut=0, n=100, n_open=3, predicted=0.9, interval=(0.9, 0.9), so_far=0.4, observed=0.4, still_open=0.0
    )
    assert judge_open_journeys([end]).level is Level.GREEN


def test_one_interval_that_missed_is_too_few_to_be_green():
    assert judge_personas(outcomes([forecast(0.61)])).level is Level.AMBER
