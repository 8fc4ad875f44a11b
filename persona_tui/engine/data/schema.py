"""The canonical columns of an event log, the names that are reserved, and how columns are recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from persona_tui.engine.errors import DataError, unknown_name

CANONICAL: Final = ("user_id", "session_id", "timestamp", "event_type", "metadata")
REQUIRED: Final = ("user_id", "timestamp", "event_type")
SESSION_GAP_MINUTES: Final = 30

RETURN: Final = "return"
FRICTION_DROP: Final = "friction_drop"
ADDED_STEP: Final = "added_step_"

SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "user_id": (
        "user_id", "user", "userid", "uid", "distinct_id", "client_id", "clientid", "client", "visitor_id",
        "visitor", "customer_id", "customer", "account_id", "anonymous_id", "person_id", "member_id",
        "user_pseudo_id", "domain_userid", "case_id", "case:concept:name", "case", "host",
    ),
    "session_id": (
        "session_id", "session", "sessionid", "visit_id", "visitid", "visit", "ga_session_id",
        "domain_sessionid", "$session_id",
    ),
    "timestamp": (
        "timestamp", "time", "ts", "event_time", "event_timestamp", "datetime", "date_time", "occurred_at",
        "created_at", "event_date", "date", "time:timestamp", "derived_tstamp", "collector_tstamp",
        "received_at", "client_time",
    ),
    "event_type": (
        "event_type", "event", "event_name", "eventname", "action", "activity", "concept:name",
        "event_action", "process_step", "step", "page", "type", "name",
    ),
    "metadata": ("metadata", "properties", "event_properties", "attributes", "props", "payload"),
}  # fmt: skip
"""Names under which canonical columns are known, the likeliest first; case and blanks do not count."""


def is_reserved(event: str) -> bool:
    """Return whether an event name is one that simulation uses for its own states."""
    return event in {RETURN, FRICTION_DROP} or event.startswith(ADDED_STEP)


def _folded(name: str) -> str:
    return name.strip().strip("\ufeff").casefold().replace(" ", "_").replace("-", "_")


def detect_columns(
    columns: Sequence[str],
    given: Mapping[str, str] | None = None,
    *,
    without: Sequence[str] = (),
    required: bool = True,
) -> dict[str, str]:
    """Return which column of a source plays which canonical part.

    Parameters
    ----------
    columns : sequence of str
        The columns of the source.
    given : mapping, optional
        Canonical name to column, for those that are not to be guessed.
    without : sequence of str
        Parts that are had otherwise.
    required : bool
        Whether a part that a log needs must be found.

    Returns
    -------
    dict
        Canonical name to column; parts that the source does not have are left out.

    Raises
    ------
    UnknownNameError
        If a given name is no canonical column, or a given column is not in the source.
    DataError
        If a required part is not found; the message lists the columns and says how to map them.
        If one column is given for two parts.

    Examples
    --------
    >>> detect_columns(["client_id", "Event Name", "time", "device"])
    {'user_id': 'client_id', 'timestamp': 'time', 'event_type': 'Event Name'}
    """
    found = dict(given or {})
    for part, column in found.items():
        if part not in CANONICAL:
            raise unknown_name("canonical column", part, CANONICAL)
        if column not in columns:
            raise unknown_name("column", column, columns)
        others = [each for each, other in found.items() if other == column and each != part]
        if others:
            raise DataError(f"Column '{column}' cannot be both {part} and {others[0]}.")
    taken = set(found.values())
    by_folded = {_folded(name): name for name in reversed(columns)}
    for part in CANONICAL:
        if part in found or part in without:
            continue
        for synonym in SYNONYMS[part]:
            known = by_folded.get(synonym)
            if known is not None and known not in taken:
                found[part] = known
                taken.add(known)
                break
    missing = [part for part in REQUIRED if part not in found and part not in without]
    if missing and required:
        raise _missing_error(missing, columns)
    return {part: found[part] for part in CANONICAL if part in found}


def _missing_error(missing: list[str], columns: Sequence[str]) -> DataError:
    words = {"user_id": "user", "timestamp": "time", "event_type": "event"}
    wanted = " and no ".join(f"{words[part]} column" for part in missing)
    shown = ", ".join(columns[:20]) + (", …" if len(columns) > 20 else "")
    example = " ".join(f"--column {part}=NAME" for part in missing)
    return DataError(
        f"No {wanted} was recognised. Columns found: {shown or 'none'}.",
        hint=f"Say which one it is, for example: {example}",
    )
