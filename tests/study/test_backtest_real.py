"""Forecasts of the real logs, held against what they have not seen."""

import pytest

from persona_tui.engine.evaluation.level import Level
from persona_tui.study.backtest import backtest_document, check_forecasts
from persona_tui.study.kept_backtest import kept_backtest
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def checked(real_log, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        settings = Settings(events=str(real_log("online_wizard")))
        found = check_forecasts(settings)
        kept = kept_backtest(settings, prepare_log(settings))
    return found, kept


def test_it_is_amber_and_says_why(checked):
    verdict = checked[0].found.verdict
    assert verdict.level is Level.AMBER
    assert any("logistic regression" in reason for reason in verdict.reasons)
    assert any("one event is not memory enough" in reason for reason in verdict.reasons)


def test_journeys_are_like_those_held_out_but_weeks_differ(checked):
    found = checked[0].found
    assert all(each.excess < 0.05 for each in found.likeness)
    weeks = next(each for each in found.periods if each.period == "week").of("completion rate")
    assert all(each.is_inside_wide for each in weeks)
    assert not all(each.is_inside for each in weeks)


def test_what_is_kept_is_what_was_found(checked):
    found, kept = checked
    assert kept == found.found
    assert backtest_document(found)["verdict"]["level"] == "amber"
