import json

import polars as pl
import pytest
from vendor_logs import BEGIN, N_EVENTS, N_SESSIONS, N_USERS, STEPS, VENDOR_LOGS, rows

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.recognition.vendors import SCHEMAS

WRITERS = [(schema, write) for schema, writers in VENDOR_LOGS.items() for write in writers]
SECONDS_ONLY = {"mixpanel", "matomo"}


@pytest.mark.parametrize(("schema", "write"), WRITERS, ids=[write.__name__ for _, write in WRITERS])
def test_every_vendor_s_export_loads_without_options(tmp_path, schema, write):
    log = load_event_log(write(tmp_path))
    assert log.recognition.schema == schema
    assert log.recognition.confidence == 1.0
    assert log.quality.n_rejected == 0
    assert (log.n_events, log.sequences.n_users, log.sequences.n_sessions) == (N_EVENTS, N_USERS, N_SESSIONS)
    assert log.vocabulary == tuple(sorted(STEPS))
    first = BEGIN.replace(microsecond=0) if schema in SECONDS_ONLY else BEGIN
    assert log.events["timestamp"].min() == first
    expected = sorted((user[-1], time.replace(microsecond=0), event) for user, _, time, event in rows())
    users = log.events["user_id"].str.extract(r"u?(\d)(?:\.\d+)?$")
    found = zip(users, log.events["timestamp"].dt.truncate("1s"), log.events["event_type"], strict=True)
    assert sorted((user, time, event) for user, time, event in found if user) == [
        each for each in expected if each[0] in set(users)
    ]


def test_every_schema_has_a_log_and_says_what_it_is():
    assert set(VENDOR_LOGS) == set(SCHEMAS.names())
    assert all(SCHEMAS.help(name) for name in SCHEMAS.names())


def test_an_event_that_mixpanel_sent_twice_counts_once(tmp_path):
    log = load_event_log(VENDOR_LOGS["mixpanel"][0](tmp_path))
    assert log.quality.n_duplicates == 1


def test_what_ga4_nests_becomes_metadata_and_attributes(tmp_path):
    events = load_event_log(VENDOR_LOGS["ga4"][0](tmp_path)).events
    assert '"page_location"' in events["metadata"][0]
    assert events["device_category"].unique().to_list() == ["mobile"]
    assert events["country"].unique().to_list() == ["Germany"]


def test_an_amplitude_user_without_an_id_is_told_by_the_device(tmp_path):
    log = load_event_log(VENDOR_LOGS["amplitude"][0](tmp_path))
    assert "device-u0" in log.sequences.user_ids
    assert "u1" in log.sequences.user_ids


@pytest.mark.parametrize(("schema", "write"), WRITERS, ids=[write.__name__ for _, write in WRITERS])
def test_other_columns_in_another_order_are_the_same_schema(tmp_path, schema, write):
    if schema in {"snowplow", "retentioneering", "amplitude", "xes"}:
        pytest.skip("known by its columns and no others, or no table")
    path = write(tmp_path)
    if path.suffix != ".parquet":
        pytest.skip("rewritten for Parquet alone")
    table = pl.read_parquet(path)
    table.select(pl.lit("x").alias("extra"), *reversed(table.columns)).write_parquet(path)
    assert load_event_log(path).recognition.schema == schema


def test_a_visit_of_matomo_without_actions_is_told_and_not_lost(tmp_path):
    path = VENDOR_LOGS["matomo"][0](tmp_path)
    visits = json.loads(path.read_text())
    idle = [
        {**visits[0], "visitorId": name, "actionDetails": actions}
        for name, actions in (("a", []), ("b", None))
    ]
    path.write_text(json.dumps([*visits, *idle]))
    log = load_event_log(path)
    assert log.n_events == N_EVENTS
    assert log.quality.rejects["reason"].to_list() == ["no event", "no event"]
