from itertools import groupby, pairwise
from statistics import mean, median

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.features import (
    engineer_path_features,
    engineer_session_features,
    engineer_user_features,
)
from persona_tui.engine.errors import DataError, UnknownNameError

STEPS = ["a", "b", "c"]


@pytest.fixture(scope="session")
def logs_with_steps(small_logs, make_log):
    """Return a strategy of small logs in which every step occurs."""
    return small_logs.map(
        lambda log: make_log([*plain(log), *(("zoe", "9", n, e) for n, e in enumerate(STEPS))])
    )


def plain(log):
    """Return rows with minutes since the hour, as ``make_log`` takes them."""
    return [(user, session, time.minute, event) for user, session, time, event in log.rows()]


def sessions_of(log):
    """Return the events of each session in time, users and sessions in order: the definition, literally."""
    ordered = sorted(log.rows(), key=lambda row: row[2])
    found = {}
    for user, session, time, event in ordered:
        found.setdefault((user, session), []).append((time, event))
    by_user = {}
    for (user, session), events in found.items():
        by_user.setdefault(user, []).append((session, events))
    return dict(sorted(by_user.items()))


def user_events(log):
    ordered = sorted(log.rows(), key=lambda row: (row[0], row[2]))
    return {user: [(row[2], row[3]) for row in rows] for user, rows in groupby(ordered, lambda row: row[0])}


@given(data=st.data())
def test_session_features_follow_their_definitions(small_logs, data):
    log = data.draw(small_logs)
    expected = []
    for user, sessions in sessions_of(log).items():
        before = None
        for number, (session, events) in enumerate(sessions, start=1):
            start, end = events[0][0], events[-1][0]
            expected.append(
                {
                    "user_id": user,
                    "session_id": session,
                    "session_number": number,
                    "start": start,
                    "end": end,
                    "duration_seconds": (end - start).total_seconds(),
                    "n_events": len(events),
                    "n_event_types": len({event for _, event in events}),
                    "start_event": events[0][1],
                    "end_event": events[-1][1],
                    "is_bounce": len(events) == 1,
                    "hour": start.hour,
                    "weekday": start.isoweekday(),
                    "gap_seconds": None if before is None else (start - before).total_seconds(),
                }
            )
            before = end
    assert engineer_session_features(log).to_dicts() == expected


def path_of(sessions, journey, steps):
    moves, back_steps = [], 0
    for _, events in sessions:
        names = [event for _, event in events]
        moves += pairwise(names)
        back_steps += sum(
            name in names[:place] and name != names[place - 1] for place, name in enumerate(names)
        )
    times = []
    for time, event in journey:
        if len(times) < len(steps) and event == steps[len(times)]:
            times.append(time)
    return {
        "n_moves": len(moves),
        "n_repeats": sum(source == target for source, target in moves),
        "n_back_steps": back_steps,
        "n_distinct_moves": len(set(moves)),
        **{f"reached_{step}": any(event == step for _, event in journey) for step in steps},
        "funnel_depth": len(times),
        "funnel_seconds": (times[-1] - times[0]).total_seconds() if len(times) == len(steps) else None,
    }


@given(data=st.data())
def test_path_features_follow_their_definitions_even_where_sessions_overlap(logs_with_steps, data):
    log = data.draw(logs_with_steps)
    journeys = user_events(log)
    expected = [
        {"user_id": user, **path_of(sessions, journeys[user], STEPS)}
        for user, sessions in sessions_of(log).items()
    ]
    assert engineer_path_features(log, STEPS).to_dicts() == expected


@given(data=st.data())
def test_user_features_follow_their_definitions(logs_with_steps, data):
    log = data.draw(logs_with_steps).with_row_index("age")
    session_features = engineer_session_features(log)
    path_features = engineer_path_features(log, STEPS)
    found = engineer_user_features(log, session_features, path_features)
    rows = log.drop("age")
    for row, (user, sessions) in zip(found.iter_rows(named=True), sessions_of(rows).items(), strict=True):
        events = user_events(rows)[user]
        gaps = session_features.filter(pl.col("user_id") == user)["gap_seconds"].drop_nulls().to_list()
        assert row["user_id"] == user
        assert (row["first_seen"], row["last_seen"]) == (events[0][0], events[-1][0])
        assert row["n_events"] == len(events)
        assert row["n_event_types"] == len({event for _, event in events})
        assert row["n_sessions"] == len(sessions)
        assert row["n_days"] == 1
        assert row["events_per_session"] == pytest.approx(mean(len(each) for _, each in sessions))
        assert row["bounce_rate"] == pytest.approx(mean(len(each) == 1 for _, each in sessions))
        assert row["seconds_per_session"] == pytest.approx(
            mean((each[-1][0] - each[0][0]).total_seconds() for _, each in sessions)
        )
        assert row["median_gap_seconds"] == (median(gaps) if gaps else None)
        ages = log.filter(pl.col("user_id") == user).sort("timestamp", maintain_order=True)["age"]
        assert row["age"] == ages[0]
        assert row["funnel_depth"] == path_features.filter(pl.col("user_id") == user)["funnel_depth"][0]


def features(log):
    return engineer_user_features(log, engineer_session_features(log), engineer_path_features(log, ["a"]))


def test_an_attribute_is_its_first_value_that_is_not_missing(make_log):
    log = make_log([("u", "1", 2, "a"), ("u", "1", 0, "a"), ("u", "1", 1, "a")])
    log = log.with_columns(plan=pl.Series(["pro", None, "free"]))
    assert features(log)["plan"].to_list() == ["free"]


def test_an_attribute_that_is_called_as_a_feature_keeps_its_values_under_another_name(make_log):
    log = make_log([("u", "1", 0, "a")]).with_columns(n_events=pl.lit(7), funnel_depth=pl.lit(8))
    found = features(log)
    assert found.select("n_events", "source_n_events", "source_funnel_depth").row(0) == (1, 7, 8)


def test_days_are_counted_once(make_log):
    log = make_log([("u", "1", minute, "a") for minute in (0, 1, 24 * 60)])
    assert features(log)["n_days"].to_list() == [2]


def test_features_need_canonical_columns():
    with pytest.raises(DataError, match=r"No column 'user_id'\. Columns found: client"):
        engineer_session_features(pl.DataFrame({"client": ["u"]}))


def test_user_features_need_the_other_features(make_log):
    log = make_log([("u", "1", 0, "a")])
    with pytest.raises(DataError, match="No column 'duration_seconds'"):
        engineer_user_features(log, log, engineer_path_features(log, ["a"]))


def test_a_step_that_is_no_event_is_refused(make_log):
    with pytest.raises(UnknownNameError, match="Unknown event 'x'"):
        engineer_path_features(make_log([("u", "1", 0, "a")]), ["x"])


def test_a_funnel_without_steps_is_refused(make_log):
    with pytest.raises(DataError, match="has no step"):
        engineer_path_features(make_log([("u", "1", 0, "a")]), [])
