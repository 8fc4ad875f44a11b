"""Drift of periods and logs: what personas are learned from, and what a real log shows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.level import Level
from persona_tui.study.drift import drift_document, measure_drift
from persona_tui.study.options import Settings
from persona_tui.study.period_diff import read_period

START = datetime(2026, 3, 2, tzinfo=UTC)


def write_log(path, *, weeks=6, new_in=5, n_cities=3):
    """A log in whose last weeks users call, an event that was not there before."""
    rng = np.random.default_rng(7)
    rows = []
    for user in range(150 * weeks):
        week = user // 150
        begun = START + timedelta(weeks=week, days=6 * rng.random())
        events = [
            "landing",
            *(["call"] if week >= new_in else []),
            *(["order"] if rng.random() < 0.4 else []),
        ]
        rows += [
            (f"u{user:05d}", begun + timedelta(seconds=at), event, f"c{user % n_cities}")
            for at, event in enumerate(events)
        ]
    schema = ["user_id", "timestamp", "event_type", "city"]
    pl.DataFrame(rows, schema=schema, orient="row").write_csv(path)
    return str(path)


def of_periods(path, before, after, **given):
    periods = read_period(before, "--before"), read_period(after, "--after")
    return measure_drift(Settings(events=path, clusters="1", **given), periods=periods)


def test_personas_are_learned_from_the_earlier_period_alone(tmp_path):
    found = of_periods(write_log(tmp_path / "log.csv"), "2026-03-02..2026-04-05", "2026-04-06..2026-04-12")
    assert [each.name for each in found.drift.new_events] == ["call"]
    row = next(each for each in found.drift.rows if each.part == "vocabulary")
    assert row.level is Level.RED
    assert row.before == 0


@pytest.mark.parametrize(("n_cities", "compared"), [(20, True), (90, False)])
def test_an_attribute_of_rare_values_is_compared_or_named(tmp_path, n_cities, compared):
    path = write_log(tmp_path / "log.csv", new_in=9, n_cities=n_cities)
    found = of_periods(path, "2026-03-02..2026-04-05", "2026-04-06..2026-04-12")
    rows = [each for each in drift_document(found)["rows"] if each["part"] == "attributes"]
    assert len(rows) == compared
    assert any("every one is rare" in each for each in found.notes) != compared
    assert found.drift.level is Level.GREEN


def test_periods_that_overlap_are_refused(tmp_path):
    with pytest.raises(DataError, match="The periods overlap"):
        of_periods(write_log(tmp_path / "log.csv"), "2026-03-02..2026-04-05", "2026-04-05..2026-04-12")


@pytest.mark.real
def test_weeks_of_a_real_form_have_not_drifted_from_those_before(real_log):
    found = of_periods(str(real_log("online_wizard")), "2017-03-15..2017-04-16", "2017-04-17..2017-04-30")
    assert found.drift.level is Level.GREEN
    assert found.drift.windows.knows_own
    change = found.drift.completion
    assert change.interval[0] <= change.value <= change.interval[1]
