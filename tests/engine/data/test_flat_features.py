from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts_of_logs import parts_by_user

from persona_tui.engine.data.features import (
    engineer_path_features,
    engineer_session_features,
    engineer_user_features,
)
from persona_tui.engine.data.flat_features import features_of_paths, features_of_sessions, features_of_users
from persona_tui.engine.data.sequences import Sequences, encode_sequences
from persona_tui.engine.data.unit_events import count_distinct
from persona_tui.engine.errors import DataError

FEATURES = {
    "sessions": features_of_sessions,
    "paths": lambda part: features_of_paths(part, part.vocabulary[:2]),
    "users": lambda part: features_of_users(part, features_of_sessions(part)),
}


@pytest.mark.parametrize("kind", FEATURES)
@given(data=st.data())
def test_the_rows_of_parts_are_those_of_the_log(kind, small_logs, data):
    log = data.draw(small_logs)
    parts = pl.concat([FEATURES[kind](part) for part in parts_by_user(log)])
    whole = FEATURES[kind](encode_sequences(log))
    assert parts.sort("user_id", maintain_order=True).equals(whole)


@given(data=st.data(), unit=st.sampled_from(["user", "session"]))
def test_many_event_types_are_told_apart_as_few_are(small_logs, data, unit):
    log = encode_sequences(data.draw(small_logs))
    wide = replace(log, vocabulary=tuple(map(str, range(65))))
    assert (count_distinct(log, unit) == count_distinct(wide, unit)).all()


@given(data=st.data())
def test_the_order_of_rows_changes_no_feature_where_no_times_are_equal(small_logs, data):
    log = data.draw(small_logs).unique(["user_id", "timestamp"], keep="first", maintain_order=True)
    mixed = log.sample(fraction=1, shuffle=True, seed=data.draw(st.integers(0, 99)))
    for features in (engineer_session_features, lambda each: engineer_path_features(each, ["x"])):
        log, mixed = (each.with_columns(event_type=pl.lit("x")) for each in (log, mixed))
        assert features(log).equals(features(mixed))


def test_features_of_other_users_are_refused(make_log):
    log, other = make_log([("u", "1", 0, "a")]), make_log([("v", "1", 0, "a")])
    with pytest.raises(DataError, match="session features are not of the users"):
        engineer_user_features(log, engineer_session_features(other), engineer_path_features(log, ["a"]))
    with pytest.raises(DataError, match="path features are not of the users"):
        engineer_user_features(log, engineer_session_features(log), engineer_path_features(other, ["a"]))


def test_times_before_1970_have_their_hour_and_weekday(make_log):
    log = encode_sequences(make_log([("u", "1", 0, "a")]))
    early = Sequences(
        vocabulary=log.vocabulary,
        user_ids=log.user_ids,
        codes=log.codes,
        users=log.users,
        sessions=log.sessions,
        times=log.times * 0 - 1,  # Wednesday, 1969-12-31 23:59:59.999999
    )
    assert features_of_sessions(early).select("hour", "weekday").row(0) == (23, 3)
