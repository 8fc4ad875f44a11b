"""Small logs in the true form of each vendor's export; users, sessions and times are invented."""

from __future__ import annotations

import csv
import gzip
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from persona_tui.engine.data.readers.snowplow import COLUMNS

BEGIN = datetime(2026, 3, 2, 9, 14, 5, 250_000, tzinfo=UTC)
STEPS = ("landing", "signup_start", "signup_complete")
N_EVENTS, N_USERS, N_SESSIONS = 21, 6, 9
"""What every one of these logs holds, copies aside."""


def visits():
    """Yield user, session and its events with times: three users come twice."""
    number = 0
    for user in range(N_USERS):
        for visit in range(1 + user % 2):
            number += 1
            start = BEGIN + timedelta(days=2 * visit, hours=user)
            n_events = (3, 2, 2)[number % 3]
            events = [(start + timedelta(seconds=20 * n), STEPS[n]) for n in range(n_events)]
            yield f"u{user}", number, events


def rows():
    """Yield user, session number, time and event of every event."""
    for user, session, events in visits():
        for time, event in events:
            yield user, session, time, event


def ga4(folder: Path) -> Path:
    """Write the BigQuery export of Google Analytics 4: Parquet with repeated records."""

    def value(text=None, number=None):
        return {"string_value": text, "int_value": number, "float_value": None, "double_value": None}

    table = pl.DataFrame(
        [
            {
                "event_date": f"{time:%Y%m%d}",
                "event_timestamp": int(time.timestamp() * 1e6),
                "event_name": event,
                "event_params": [
                    {"key": "page_location", "value": value(text=f"https://shop.example/{event}")},
                    {"key": "ga_session_id", "value": value(number=1_772_400_000 + session)},
                ],
                "user_pseudo_id": f"{user}.1772400000",
                "user_id": None,
                "device": {"category": "mobile", "operating_system": "Android"},
                "geo": {"country": "Germany", "region": "Berlin"},
                "platform": "WEB",
            }
            for user, session, time, event in rows()
        ],
        schema_overrides={"user_id": pl.String},
    )
    path = folder / "ga4.parquet"
    table.write_parquet(path)
    return path


def amplitude(folder: Path) -> Path:
    """Write what the Export API of Amplitude gives: a zip of gzipped JSON lines."""
    lines = [
        {
            "$insert_id": f"{session}-{event}",
            "amplitude_id": 10_000 + int(user[1:]),
            "user_id": None if user == "u0" else user,
            "device_id": f"device-{user}",
            "session_id": int(time.timestamp()) * 0 + 1_772_400_000_000 + session,
            "event_type": event,
            "event_time": f"{time:%Y-%m-%d %H:%M:%S.%f}",
            "event_properties": {"plan": "pro"},
            "user_properties": {"age": 31},
            "country": "Germany",
        }
        for user, session, time, event in rows()
    ]
    path = folder / "amplitude.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, part in enumerate((lines[:10], lines[10:])):
            text = "".join(json.dumps(line) + "\n" for line in part)
            archive.writestr(f"187520/187520_2026-03-02_{number}#1.json.gz", gzip.compress(text.encode()))
    return path


def mixpanel(folder: Path) -> Path:
    """Write the raw export of Mixpanel: JSON lines, one event sent twice."""
    lines = [
        {
            "event": event,
            "properties": {
                "time": int(time.timestamp()),
                "distinct_id": user,
                "$insert_id": f"{session}{event}",
                "$browser": "Firefox",
                "mp_processing_time_ms": 1_772_400_000_000 + number,
            },
        }
        for number, (user, session, time, event) in enumerate(rows())
    ]
    again = {**lines[0], "properties": {**lines[0]["properties"], "mp_processing_time_ms": 1}}
    path = folder / "mixpanel.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(each) + "\n" for each in [*lines, again]).encode()))
    return path


def posthog(folder: Path) -> Path:
    """Write a batch export of PostHog: Parquet with properties as JSON text."""
    table = pl.DataFrame(
        [
            {
                "uuid": f"0195-{number:04d}",
                "event": event,
                "distinct_id": user,
                "person_id": f"person-{user}",
                "properties": json.dumps({"$session_id": f"s{session}", "$browser": "Safari"}),
                "timestamp": time,
                "created_at": time + timedelta(seconds=3),
            }
            for number, (user, session, time, event) in enumerate(rows())
        ]
    )
    path = folder / "posthog.parquet"
    table.write_parquet(path)
    return path


def segment(folder: Path) -> Path:
    """Write a tracks table of Segment as CSV."""
    path = folder / "tracks.csv"
    names = ("id", "received_at", "anonymous_id", "user_id", "event", "event_text", "timestamp")
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([*names, "context_library_name"])
        for number, (user, _, time, event) in enumerate(rows()):
            known = user if event == STEPS[-1] else ""
            late = (time + timedelta(seconds=5)).isoformat()
            table.writerow(
                [number, late, f"anon-{user}", known, event, event.title(), time.isoformat(), "js"]
            )
    return path


def rudderstack(folder: Path) -> Path:
    """Write raw events of RudderStack: JSON lines."""
    path = folder / "rudder.jsonl"
    lines = [
        {
            "type": "track",
            "anonymousId": f"anon-{user}",
            "userId": None,
            "event": event,
            "timestamp": time.isoformat().replace("+00:00", "Z"),
            "properties": {"price": 9.5},
            "messageId": f"m{number}",
        }
        for number, (user, _, time, event) in enumerate(rows())
    ]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    return path


def snowplow(folder: Path) -> Path:
    """Write enriched events of Snowplow: 131 tab-separated columns, no header."""
    lines = []
    for number, (user, session, time, event) in enumerate(rows()):
        known = {
            "app_id": "shop",
            "platform": "web",
            "collector_tstamp": f"{time + timedelta(seconds=1):%Y-%m-%d %H:%M:%S.%f}"[:-3],
            "event": "unstruct",
            "event_id": f"c6ef3124-b53a-4b13-a233-{number:012d}",
            "v_collector": "ssc-3.2.0",
            "domain_userid": f"d-{user}",
            "domain_sessionid": f"session-{session}",
            "derived_tstamp": f"{time:%Y-%m-%d %H:%M:%S.%f}"[:-3],
            "event_name": event,
            "geo_country": "DE",
        }
        lines.append("\t".join(known.get(name, "") for name in COLUMNS))
    path = folder / "snowplow.tsv.gz"
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return path


def matomo(folder: Path) -> Path:
    """Write what Live.getLastVisitsDetails of Matomo gives: a JSON array of visits with their actions."""
    found = [
        {
            "idVisit": str(100 + session),
            "visitorId": f"v-{user}",
            "serverTimestamp": int(events[-1][0].timestamp()),
            "deviceType": "Smartphone",
            "actionDetails": [
                {
                    "type": "event",
                    "timestamp": int(time.timestamp()),
                    "eventAction": event,
                    "url": "https://x/",
                }
                for time, event in events
            ],
        }
        for user, session, events in visits()
    ]
    path = folder / "matomo.json"
    path.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return path


def xes(folder: Path) -> Path:
    """Write a process-mining log."""
    traces = []
    for user in range(N_USERS):
        events = "".join(
            f'<event><string key="concept:name" value="{event}"/>'
            f'<date key="time:timestamp" value="{time.isoformat()}"/></event>'
            for name, _, time, event in rows()
            if name == f"u{user}"
        )
        traces.append(f'<trace><string key="concept:name" value="u{user}"/>{events}</trace>')
    path = folder / "process.xes"
    text = '<?xml version="1.0" encoding="UTF-8"?><log xes.version="1.0">' + "".join(traces) + "</log>"
    path.write_text(text, encoding="utf-8")
    return path


def retentioneering(folder: Path) -> Path:
    """Write the three columns of retentioneering as CSV."""
    path = folder / "stream.csv"
    lines = [f"{user},{event},{time:%Y-%m-%d %H:%M:%S.%f}\n" for user, _, time, event in rows()]
    path.write_text("user_id,event,timestamp\n" + "".join(lines), encoding="utf-8")
    return path


def own(folder: Path) -> Path:
    """Write the project's own columns as CSV."""
    path = folder / "own.csv"
    lines = [
        f'{user},{session},{time.isoformat()},{event},"{{""plan"": ""pro""}}"\n'
        for user, session, time, event in rows()
    ]
    path.write_text("user_id,session_id,timestamp,event_type,metadata\n" + "".join(lines), encoding="utf-8")
    return path


VENDOR_LOGS = {
    "ga4": (ga4,),
    "amplitude": (amplitude,),
    "mixpanel": (mixpanel,),
    "posthog": (posthog,),
    "segment": (segment, rudderstack),
    "snowplow": (snowplow,),
    "matomo": (matomo,),
    "xes": (xes,),
    "retentioneering": (retentioneering,),
    "persona_tui": (own,),
}
"""What writes logs of each schema."""
