"""Schemas of vendors' exports, each known by its columns.

To add one, write a function from a table's schema and first rows to a ``Vendor``, or None where the
table is another's, and register it; the more specific stand first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import polars as pl

from persona_tui.engine.data.readers.snowplow import COLUMNS
from persona_tui.engine.data.recognition.fields import as_json, field, first_given, has_field, parameter
from persona_tui.engine.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vendor:
    """A vendor's schema, found in one table.

    Parameters
    ----------
    title : str
        What the export is called.
    parts : mapping of str to (str, Expr)
        Canonical name to where it was found, as told, and how it is had.
    attributes : mapping of str to Expr
        What it has beside columns of the table.
    used : frozenset of str
        Columns that make no attributes of their own.
    duplicate_key : tuple of str
        Attributes by which the source says that rows are copies.
    time_unit : str, optional
    notes : tuple of str
    """

    title: str
    parts: Mapping[str, tuple[str, pl.Expr]]
    attributes: Mapping[str, pl.Expr]
    used: frozenset[str]
    duplicate_key: tuple[str, ...] = ()
    time_unit: str | None = None
    notes: tuple[str, ...] = ()


Finder: TypeAlias = Callable[[pl.Schema, pl.DataFrame], Vendor | None]
SCHEMAS: Final[Registry[Finder]] = Registry("schema")


def _column(name: str) -> tuple[str, pl.Expr]:
    return name, pl.col(name)


@SCHEMAS.register("ga4", help="Google Analytics 4, BigQuery export; also flattened.")
def find_ga4(schema: pl.Schema, _head: pl.DataFrame) -> Vendor | None:
    """Find the BigQuery export of Google Analytics 4.

    References
    ----------
    Google Analytics help, "BigQuery Export schema".
    """
    if not {"event_timestamp", "event_name", "user_pseudo_id"} <= set(schema):
        return None
    parts = {
        "user_id": _column("user_pseudo_id"),
        "timestamp": _column("event_timestamp"),
        "event_type": _column("event_name"),
    }
    used = {"event_date"}
    session = parameter(schema, "event_params", "ga_session_id")
    if session is not None:
        parts["session_id"] = ("ga_session_id in event_params", session)
        parts["metadata"] = ("event_params", as_json(schema, "event_params"))
        used.add("event_params")
    elif "ga_session_id" in schema:
        parts["session_id"] = _column("ga_session_id")
    attributes = {
        name: found
        for name, (column, key) in _GA4_ATTRIBUTES.items()
        if (found := field(schema, column, key)) is not None and name not in schema
    }
    records = {column for column, _ in _GA4_ATTRIBUTES.values() if column in schema}
    return Vendor(
        title="GA4 BigQuery export",
        parts=parts,
        attributes=attributes,
        used=frozenset(used | {column for column in records if isinstance(schema[column], pl.Struct)}),
        time_unit="us",
    )


_GA4_ATTRIBUTES: Final = {
    "device_category": ("device", "category"),
    "operating_system": ("device", "operating_system"),
    "country": ("geo", "country"),
    "source": ("traffic_source", "source"),
    "medium": ("traffic_source", "medium"),
}


@SCHEMAS.register("amplitude", help="Amplitude, Export API: JSON lines.")
def find_amplitude(schema: pl.Schema, _head: pl.DataFrame) -> Vendor | None:
    """Find the export of Amplitude.

    References
    ----------
    Amplitude documentation, "Export API".
    """
    if not {"event_type", "event_time", "amplitude_id"} <= set(schema):
        return None
    users = [name for name in ("user_id", "device_id", "amplitude_id") if name in schema]
    parts = {
        "user_id": (" or ".join(users), first_given(*map(pl.col, users))),
        "timestamp": _column("event_time"),
        "event_type": _column("event_type"),
    }
    if "session_id" in schema:
        session = pl.col("session_id").cast(pl.String)
        parts["session_id"] = ("session_id", pl.when(session != "-1").then(session))
    if "event_properties" in schema:
        parts["metadata"] = ("event_properties", as_json(schema, "event_properties"))
    used = {"user_id", "session_id", "event_properties", "amplitude_id", "event_time", "event_type"}
    return Vendor(
        title="Amplitude export",
        parts=parts,
        attributes={},
        used=frozenset(used & set(schema)),
        duplicate_key=("$insert_id",) if "$insert_id" in schema else (),
        notes=("who has no user_id is told by device_id: a user on two devices counts twice",),
    )


@SCHEMAS.register("mixpanel", help="Mixpanel, raw export: JSON lines; also flattened.")
def find_mixpanel(schema: pl.Schema, head: pl.DataFrame) -> Vendor | None:
    """Find the raw export of Mixpanel.

    References
    ----------
    Mixpanel developer documentation, "Download Data".
    """
    outside = {"event", "distinct_id", "time"} <= set(schema) and (
        "$insert_id" in schema or any(name.startswith("mp_") for name in schema)
    )
    if {"event_name", "distinct_id", "insert_id", "time"} <= set(schema):
        return _mixpanel_pipeline(schema)
    inside = {"event", "properties"} <= set(schema) and all(
        has_field(schema, head, "properties", key) for key in ("distinct_id", "time")
    )
    if not (inside or outside):
        return None
    keys = ("properties",) if inside else ()
    called = "properties." if inside else ""
    found = {key: _reached(schema, *keys, key) for key in ("distinct_id", "time", "$insert_id")}
    parts = {
        "user_id": (f"{called}distinct_id", found["distinct_id"]),
        "timestamp": (f"{called}time", found["time"]),
        "event_type": _column("event"),
    }
    if inside:
        parts["metadata"] = ("properties", as_json(schema, "properties"))
    has_insert_id = has_field(schema, head, *keys, "$insert_id")
    return Vendor(
        title="Mixpanel export",
        parts=parts,
        attributes={"$insert_id": found["$insert_id"]} if has_insert_id else {},
        used=frozenset({"event", "properties"} if inside else {"event", "distinct_id", "time", "$insert_id"}),
        duplicate_key=("$insert_id",) if has_insert_id else (),
        notes=("copies have the same event, distinct_id, time and $insert_id",) if has_insert_id else (),
    )


def _mixpanel_pipeline(schema: pl.Schema) -> Vendor:
    """Return the events table that Mixpanel's data pipelines write."""
    parts = {
        "user_id": _column("distinct_id"),
        "timestamp": _column("time"),
        "event_type": _column("event_name"),
    }
    if "properties" in schema:
        parts["metadata"] = ("properties", as_json(schema, "properties"))
    return Vendor(
        title="Mixpanel pipeline table",
        parts=parts,
        attributes={},
        used=frozenset({"properties", "user_id"}),
        duplicate_key=("insert_id",),
        notes=("copies have the same event, distinct_id, time and insert_id",),
    )


def _reached(schema: pl.Schema, *keys: str) -> pl.Expr:
    found = field(schema, keys[0], *keys[1:])
    return pl.lit(None, dtype=pl.String) if found is None else found


@SCHEMAS.register("posthog", help="PostHog, events export.")
def find_posthog(schema: pl.Schema, head: pl.DataFrame) -> Vendor | None:
    """Find the events of PostHog.

    References
    ----------
    PostHog documentation, "Batch exports".
    """
    others = {"uuid", "person_id", "elements_chain", "team_id", "person_properties", "_inserted_at"}
    if not {"event", "distinct_id", "timestamp"} <= set(schema) or not others & set(schema):
        return None
    parts = {
        "user_id": _column("distinct_id"),
        "timestamp": _column("timestamp"),
        "event_type": _column("event"),
    }
    session = field(schema, "properties", "$session_id")
    if session is not None and has_field(schema, head, "properties", "$session_id"):
        parts["session_id"] = ("$session_id in properties", session)
    elif "$session_id" in schema:
        parts["session_id"] = _column("$session_id")
    if "properties" in schema:
        parts["metadata"] = ("properties", as_json(schema, "properties"))
    used = frozenset({"uuid", "_inserted_at", "created_at", "elements_chain", "properties", "$session_id"})
    notes = ("users are distinct_ids; --column user_id=person_id joins those of one person",)
    return Vendor(
        title="PostHog events",
        parts=parts,
        attributes={},
        used=used & frozenset(schema),
        notes=notes if "person_id" in schema else (),
    )


@SCHEMAS.register("segment", help="Segment or RudderStack: tracks tables, and raw JSON.")
def find_segment(schema: pl.Schema, _head: pl.DataFrame) -> Vendor | None:
    """Find the events of Segment, or of RudderStack, which writes them alike.

    References
    ----------
    Segment documentation, "Warehouse Schemas" and "Spec: Common Fields".
    """
    known = {name.lower(): name for name in reversed(list(schema))}  # some warehouses write capitals
    if {"anonymousId", "type", "timestamp"} <= set(schema):
        names: tuple[str, ...] = ("anonymousId", "userId")
        written: tuple[str, ...] = ("timestamp", "originalTimestamp", "receivedAt")
        event = first_given(*(pl.col(name) for name in ("event", "name", "type") if name in schema))
    elif {"anonymous_id", "event", "received_at"} <= set(known):
        names = (known["anonymous_id"], known.get("user_id", ""))
        written = tuple(known.get(name, "") for name in ("timestamp", "original_timestamp", "received_at"))
        event = pl.col(known["event"])
    else:
        return None
    times = [name for name in written if name in schema]
    times = [name for name in times if schema[name] == schema[times[0]]]
    users = [name for name in names if name in schema]
    parts = {
        "user_id": (" or ".join(users), first_given(*map(pl.col, users))),
        "timestamp": (" or ".join(times), pl.coalesce(times)),
        "event_type": (known.get("event", "type"), event),
    }
    if "properties" in schema:
        parts["metadata"] = ("properties", as_json(schema, "properties"))
    dropped = {"event", "event_text", "id", "messageid", "uuid_ts", "properties", "type"}
    dropped |= {"received_at", "sent_at", "receivedat", "sentat"}
    dropped |= {"timestamp", "original_timestamp", "originaltimestamp"}
    return Vendor(
        title="Segment or RudderStack events",
        parts=parts,
        attributes={},
        used=frozenset({*names, *(name for name in schema if name.lower() in dropped)}),
        notes=("users are anonymous ids, which stay the same through a log-in on one device",),
    )


@SCHEMAS.register("snowplow", help="Snowplow, enriched events: 131 tab-separated columns without a header.")
def find_snowplow(schema: pl.Schema, _head: pl.DataFrame) -> Vendor | None:
    """Find the enriched events of Snowplow.

    References
    ----------
    Snowplow documentation, "Enriched stream TSV file format".
    """
    if not {"domain_userid", "collector_tstamp", "v_collector"} <= set(schema):
        return None
    event = first_given(*(pl.col(name) for name in ("event_name", "event") if name in schema))
    users = [name for name in ("domain_userid", "user_id", "network_userid") if name in schema]
    times = [name for name in ("derived_tstamp", "collector_tstamp") if name in schema]
    parts = {
        "user_id": (" or ".join(users), first_given(*map(pl.col, users))),
        "timestamp": (" or ".join(times), first_given(*map(pl.col, times))),
        "event_type": ("event_name", event),
    }
    if "domain_sessionid" in schema:
        parts["session_id"] = _column("domain_sessionid")
    if "unstruct_event" in schema:
        parts["metadata"] = _column("unstruct_event")
    return Vendor(
        title="Snowplow enriched events",
        parts=parts,
        attributes={},
        used=frozenset(COLUMNS) - _SNOWPLOW_ATTRIBUTES,
        duplicate_key=("event_id",) if "event_id" in schema else (),
        notes=("who has no domain_userid, as on mobile, is told by user_id or network_userid",),
    )


_SNOWPLOW_ATTRIBUTES: Final = frozenset(
    {"app_id", "platform", "event_id", "geo_country", "mkt_medium", "mkt_source", "mkt_campaign"}
    | {"refr_medium", "os_family", "br_family", "dvce_type", "user_id", "page_urlpath"}
)


@SCHEMAS.register("matomo", help="Matomo, visits log: visits with their actions, or an action a row.")
def find_matomo(schema: pl.Schema, _head: pl.DataFrame) -> Vendor | None:
    """Find the actions of visits that Matomo logs.

    References
    ----------
    Matomo reporting API, ``Live.getLastVisitsDetails``.
    """
    times = [name for name in ("action_timestamp", "timestamp", "serverTimestamp") if name in schema]
    if not {"idVisit", "visitorId"} <= set(schema) or not times:
        return None
    names = ("eventAction", "action_eventAction", "pageTitle", "action_pageTitle", "url", "action_url")
    events = [name for name in (*names, "type", "action_type") if name in schema]
    if not events:
        return None
    parts = {
        "user_id": _column("visitorId"),
        "session_id": _column("idVisit"),
        "timestamp": _column(times[0]),
        "event_type": (" or ".join(events), first_given(*map(pl.col, events))),
    }
    return Vendor(
        title="Matomo visits",
        parts=parts,
        attributes={},
        used=frozenset({"visitorId", "idVisit", *times, *events}),
        time_unit="s",
    )


@SCHEMAS.register("xes", help="XES, the interchange of process mining, and its columns.")
def find_xes(schema: pl.Schema, _head: pl.DataFrame) -> Vendor | None:
    """Find a process-mining log.

    References
    ----------
    IEEE Std 1849, "eXtensible Event Stream".
    """
    if not {"case:concept:name", "concept:name", "time:timestamp"} <= set(schema):
        return None
    parts = {
        "user_id": _column("case:concept:name"),
        "timestamp": _column("time:timestamp"),
        "event_type": _column("concept:name"),
    }
    return Vendor(title="Process-mining log (XES)", parts=parts, attributes={}, used=frozenset())


@SCHEMAS.register("retentioneering", help="The three columns of retentioneering: user_id, event, timestamp.")
def find_retentioneering(schema: pl.Schema, _head: pl.DataFrame) -> Vendor | None:
    """Find the columns that retentioneering's event streams have."""
    if set(schema) != {"user_id", "event", "timestamp"}:
        return None
    parts = {"user_id": _column("user_id"), "timestamp": _column("timestamp"), "event_type": _column("event")}
    return Vendor(title="retentioneering columns", parts=parts, attributes={}, used=frozenset())


@SCHEMAS.register("persona_tui", help="user_id, session_id, timestamp, event_type, metadata.")
def find_own(schema: pl.Schema, _head: pl.DataFrame) -> Vendor | None:
    """Find the canonical columns."""
    names = ("user_id", "session_id", "timestamp", "event_type")
    if not set(names) <= set(schema):
        return None
    present = [*names, *(["metadata"] if "metadata" in schema else [])]
    return Vendor(
        title="persona_tui's own columns",
        parts={name: _column(name) for name in present},
        attributes={},
        used=frozenset(),
    )
