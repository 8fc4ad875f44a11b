import json
import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from vendor_logs import N_EVENTS, N_USERS, ga4, mixpanel, own, posthog, rows

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.readers.snowplow import COLUMNS
from persona_tui.engine.data.recognition.content import guess_columns
from persona_tui.engine.errors import DataError

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def clicks(n_rows=400):
    """Return columns whose names tell nothing: 60 users, each with several of 5 events."""
    chance = random.Random(1)
    return pl.DataFrame(
        {
            "who": [f"k{n * 7 % 60}" for n in range(n_rows)],
            "at": [f"{BEGIN + timedelta(minutes=11 * n):%Y-%m-%d %H:%M:%S}" for n in range(n_rows)],
            "what": [chance.choice(("open", "add", "pay", "leave", "help")) for _ in range(n_rows)],
        }
    )


def write_lines(path, found):
    path.write_text("".join(json.dumps(each) + "\n" for each in found), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "order", [("who", "at", "what", "link", "nation"), ("nation", "link", "what", "at", "who")]
)
def test_columns_are_told_by_content_whatever_their_order(order):
    table = clicks().with_columns(
        link=pl.format("https://x/{}", pl.int_range(400) % 170),
        nation=pl.format("N{}", pl.col("who").str.slice(1).cast(pl.Int64) % 4),
    )
    guess = guess_columns(table.select(order), {})
    assert guess.columns == {"user_id": "who", "timestamp": "at", "event_type": "what"}


@pytest.mark.parametrize(
    "rival", [pl.int_range(400) * 13 % 171, pl.format("r{}", pl.int_range(400) * 13 % 61)]
)
def test_two_columns_like_ids_are_not_guessed_between(rival):
    with pytest.raises(DataError, match="'who' and 'rival' could both be the user"):
        guess_columns(clicks().with_columns(rival=rival), {})


def test_two_columns_like_events_are_not_guessed_between():
    rival = pl.format("c{}", pl.int_range(400) * 13 % 9)
    with pytest.raises(DataError, match="'what' and 'rival' could both be the event"):
        guess_columns(clicks().with_columns(rival=rival), {})


def test_what_names_tell_is_not_guessed_again_where_only_the_time_is_missing():
    table = clicks().rename({"who": "user_id", "what": "event", "at": "noted"})
    guess = guess_columns(table.with_columns(price=pl.int_range(400) * 13 % 171), {})
    assert guess.columns == {"user_id": "user_id", "timestamp": "noted", "event_type": "event"}


def test_events_without_an_insert_id_are_no_copies_of_each_other(tmp_path):
    def sent(n, key):
        return {
            "amplitude_id": 1,
            "user_id": "ann",
            "event_type": "buy",
            "event_time": "2026-03-02 09:14:05.000000",
            "event_properties": {"n": n},
            "$insert_id": key,
        }

    lines = [sent(1, None), sent(2, None), sent(2, None), sent(3, "k"), sent(4, "k")]
    log = load_event_log(write_lines(tmp_path / "amplitude.jsonl", lines))
    assert (log.n_events, log.quality.n_duplicates) == (3, 2)


def test_an_insert_id_that_comes_again_at_another_time_is_no_copy(tmp_path):
    def sent(second, key):
        return {
            "event": "buy",
            "properties": {"time": 1_772_442_845 + second, "distinct_id": "a", "$insert_id": key},
        }

    lines = [sent(0, "k"), sent(0, "l"), sent(1, "k"), sent(1, "m")]
    assert load_event_log(write_lines(tmp_path / "mixpanel.jsonl", lines)).n_events == 4


def test_copies_are_told_by_their_key_where_no_attribute_is_asked_for(tmp_path):
    log = load_event_log(mixpanel(tmp_path), attributes=())
    assert (log.n_events, log.quality.n_duplicates) == (N_EVENTS, 1)


def test_the_repeated_records_of_ga4_become_text(tmp_path):
    path = ga4(tmp_path)
    table = pl.read_parquet(path)
    items = [[{"item_id": "a", "price": 9.5}]] * table.height
    table.with_columns(items=pl.Series(items)).write_parquet(path)
    assert load_event_log(path).events["items"].unique().to_list() == ['[{"item_id":"a","price":9.5}]']


def test_a_table_of_mixpanel_s_pipelines_has_users_before_they_log_in(tmp_path):
    lines = [
        {
            "event_name": event,
            "distinct_id": user,
            "user_id": user if user == "u1" else None,
            "insert_id": str(number),
            "time": time.isoformat(),
            "properties": {"plan": "pro"},
        }
        for number, (user, _, time, event) in enumerate(rows())
    ]
    log = load_event_log(write_lines(tmp_path / "mixpanel.jsonl", lines))
    assert (log.recognition.schema, log.n_events, log.sequences.n_users) == ("mixpanel", N_EVENTS, N_USERS)


def test_snowplow_events_without_a_browser_s_id_have_users(tmp_path):
    lines = []
    for number, (user, _, time, event) in enumerate(rows()):
        known = {
            "collector_tstamp": f"{time:%Y-%m-%d %H:%M:%S.%f}"[:-3],
            "event_name": event,
            "event": "unstruct",
        }
        known |= {
            "event_id": f"c6ef3124-b53a-4b13-a233-{number:012d}",
            "v_collector": "ssc",
            "network_userid": user,
        }
        lines.append("\t".join(known.get(name, "") for name in COLUMNS))
    path = tmp_path / "mobile.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    log = load_event_log(path)
    assert (log.recognition.schema, log.n_events, log.sequences.n_users) == ("snowplow", N_EVENTS, N_USERS)


@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_a_tracks_table_takes_another_time_where_one_is_missing(tmp_path, spelled):
    table = pl.DataFrame(
        [
            {
                "anonymous_id": user,
                "user_id": None,
                "event": event,
                "received_at": time,
                "timestamp": time if number % 4 else None,
            }
            for number, (user, _, time, event) in enumerate(rows())
        ],
        schema_overrides={"user_id": pl.String},
    )
    table.rename(spelled).write_parquet(tmp_path / "tracks.parquet")
    log = load_event_log(tmp_path / "tracks.parquet")
    assert (log.recognition.schema, log.n_events, log.sequences.n_users) == ("segment", N_EVENTS, N_USERS)


@pytest.mark.parametrize("path", ["metadata.paln", 'metadata.a"b', "event_type.x"])
def test_a_given_path_under_which_nothing_stands_is_named(tmp_path, path):
    with pytest.raises(DataError, match="Nothing stands at"):
        load_event_log(own(tmp_path), columns={"user_id": path})


def test_a_column_that_a_vendor_uses_otherwise_cannot_play_a_second_part(tmp_path):
    with pytest.raises(DataError, match="'distinct_id' cannot be both session_id and user_id"):
        load_event_log(posthog(tmp_path), columns={"session_id": "distinct_id"})


def test_only_columns_that_are_needed_are_read(tmp_path):
    found = load_event_log(ga4(tmp_path)).recognition
    assert found.reads == (
        "event_timestamp",
        "event_name",
        "event_params",
        "user_pseudo_id",
        "user_id",
        "device",
        "geo",
        "platform",
    )
