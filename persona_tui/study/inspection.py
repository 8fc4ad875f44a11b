"""What a log is: how it was recognised, what it holds, and what is wrong with it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from persona_tui.engine.data.event_log import EventLog
from persona_tui.engine.data.funnel import FunnelStep, count_funnel_of_parts, detect_funnel_of_parts
from persona_tui.engine.data.quality import Finding, Quality
from persona_tui.engine.data.quality_checks import assess, shared_sessions
from persona_tui.engine.data.recognition.recognition import Recognition
from persona_tui.engine.data.rejects import write_rejects
from persona_tui.engine.data.schema import FRICTION_DROP
from persona_tui.engine.data.writers import writer_of
from persona_tui.engine.errors import DataError, SimulationError
from persona_tui.engine.files import write_whole
from persona_tui.engine.modeling.journeys import count_censored_users
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.study.inspected_attributes import InspectedAttribute, inspect_attributes, metadata_keys
from persona_tui.study.log import MAX_EVENT_TYPES, load_log, outcomes_of, require_few_rejects
from persona_tui.study.options import Settings

SCHEMA: Final = "persona-tui/inspection/1"
MOST_BINS: Final = 72
_STEPS: Final = (
    *(("minute", 60), ("5 minutes", 300), ("15 minutes", 900), ("hour", 3600), ("6 hours", 21_600)),
    *(("day", 86_400), ("week", 604_800), ("4 weeks", 2_419_200)),
)
"""Widths of the bins of the histogram, in seconds."""
_MONDAY: Final = 4 * 86_400
"""Seconds from 1970 to its first Monday, from which weeks are counted."""
_FUNNEL_CELLS: Final = 10**8
"""Users times event types of a part beyond which no funnel is looked for: it takes 8 bytes each."""
_GIVEN: Final = ("timezone", "dates", "prepare", "max_rejected", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Events over time.

    Parameters
    ----------
    begins : datetime
        Of the first bin, UTC.
    step : str
        Width of a bin in words.
    step_seconds : int
    counts : tuple of int
        Events of each bin.
    """

    begins: datetime
    step: str
    step_seconds: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inspection:
    """All that is told of a log.

    Parameters
    ----------
    source : str
        Without secrets.
    recognition : Recognition
    recipe : dict
        How it was read: time zone, session gap, preparation.
    n_events, n_users, n_sessions : int
    first, last : datetime
        Of the events, UTC.
    events : tuple of (str, int)
        Event types and how often each happens, the commonest first.
    funnel : tuple of FunnelStep
        As suggested, or as given; empty where no event looks like a completion.
    funnel_is_given : bool
    attributes : tuple of InspectedAttribute
    metadata_keys : tuple of str
    quality : Quality
    histogram : Histogram
    next_step : str
        The command that goes on with this log.
    fingerprint : str
    """

    source: str
    recognition: Recognition
    recipe: dict[str, Any]
    n_events: int
    n_users: int
    n_sessions: int
    first: datetime
    last: datetime
    events: tuple[tuple[str, int], ...]
    funnel: tuple[FunnelStep, ...]
    funnel_is_given: bool
    attributes: tuple[InspectedAttribute, ...]
    metadata_keys: tuple[str, ...]
    quality: Quality
    histogram: Histogram
    next_step: str
    fingerprint: str


def inspect_log(settings: Settings, log: EventLog) -> Inspection:
    """Return what a log is.

    Parameters
    ----------
    settings : Settings
        That the log was loaded with.
    log : EventLog

    Raises
    ------
    UnknownNameError
        If the funnel that is given has events that the log has not.
    """
    counted = _count(log)
    events = sorted(zip(log.vocabulary, counted.by_type, strict=True), key=lambda each: (-each[1], each[0]))
    funnel = _funnel(settings, log, counted.n_users)
    return Inspection(
        source=settings.source_shown(),
        recognition=log.recognition,
        recipe=log.recipe,
        n_events=log.n_events,
        n_users=counted.n_users,
        n_sessions=counted.n_sessions,
        first=_moment(counted.first),
        last=_moment(counted.last),
        events=tuple(each for each in events if each[1]),
        funnel=funnel,
        funnel_is_given=bool(settings.funnel),
        attributes=inspect_attributes(log.parts),
        metadata_keys=metadata_keys(log.parts),
        quality=_quality(settings, log, [each.step for each in funnel]),
        histogram=_histogram(log, counted),
        next_step=_next_step(settings, log),
        fingerprint=log.fingerprint,
    )


def inspect_and_write(
    settings: Settings,
    *,
    convert: Path | None = None,
    rejects: Path | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Inspection:
    """Load a log, write what is asked for and return what it is.

    Parameters
    ----------
    settings : Settings
    convert : Path, optional
        Where the log is written as it was read; its ending is the format.
    rejects : Path, optional
        Where the rows are written that could not be used. This happens before too many of them stop the work.
    on_progress : callable

    Raises
    ------
    DataError, ThresholdError, UnknownNameError
        As ``load_log``.
    ExportError
        If a file cannot be written; each is whole or absent.
    """
    log = load_log(replace(settings, max_rejected=""), on_progress=on_progress)
    if rejects:
        write_rejects(log.quality, rejects)
    require_few_rejects(settings, log.quality)
    if convert:
        convert_log(log, convert)
    return inspect_log(settings, log)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """What one pass over the parts of a log counts; times in microseconds since 1970."""

    by_type: list[int]
    n_users: int
    n_sessions: int
    first: int
    last: int


def _count(log: EventLog) -> _Counted:
    by_type = np.zeros(len(log.vocabulary), dtype=np.int64)
    n_users, n_sessions, bounds = 0, 0, list[int]()
    for flat in log.flat_parts:
        by_type += np.bincount(flat.codes, minlength=len(by_type))
        n_users, n_sessions = n_users + flat.n_users, n_sessions + flat.n_sessions
        bounds += (int(flat.times.min()), int(flat.times.max()))
    return _Counted(
        by_type=by_type.tolist(),
        n_users=n_users,
        n_sessions=n_sessions,
        first=min(bounds),
        last=max(bounds),
    )


def _funnel(settings: Settings, log: EventLog, n_users: int) -> tuple[FunnelStep, ...]:
    steps = settings.funnel_steps()
    n_types = len(log.vocabulary)
    if not steps and n_types <= MAX_EVENT_TYPES and n_types * n_users <= _FUNNEL_CELLS * len(log.parts):
        try:
            steps = detect_funnel_of_parts(log.flat_parts, next(iter(settings.completion), None))
        except DataError:  # no event looks like a completion: there is nothing to suggest
            return ()
    return count_funnel_of_parts(log.flat_parts, steps, settings.unit) if steps else ()


def _quality(settings: Settings, log: EventLog, steps: Sequence[str]) -> Quality:
    """Return the quality of a log with what its sequences and sessions show."""
    completion, drop = outcomes_of(settings, log.vocabulary, steps)
    n_censored = 0
    if len(log.vocabulary) <= MAX_EVENT_TYPES:
        n_censored = count_censored_users(
            log.flat_parts, unit=settings.unit, completion=completion, drop=drop - {FRICTION_DROP}
        )
    found: list[Finding | None] = [*log.quality.findings, *assess(log.flat_parts, n_censored=n_censored)]
    found.append(_shared_sessions(log))
    return replace(log.quality, findings=tuple(each for each in found if each is not None))


def _shared_sessions(log: EventLog) -> Finding | None:
    """Return that users share session ids, if they do; only names whose hash comes twice are held."""
    hashes = [pairs["session"].hash() for pairs in _session_pairs(log)]
    if not hashes:
        return None
    counts = pl.concat(hashes).alias("hash").value_counts()
    shared = counts.filter(pl.col("count") > 1)["hash"].implode()
    pairs = [each.filter(pl.col("session").hash().is_in(shared)) for each in _session_pairs(log)]
    joined = pl.concat(pairs)
    return shared_sessions(joined["user"], joined["session"], n_sessions=counts.height)


def _session_pairs(log: EventLog) -> Iterator[pl.DataFrame]:
    """Yield user and session id of every session that the source names."""
    for part in log.parts:
        if part.session_ids is None:
            continue
        flat = part.sequences
        _, first = np.unique(flat.sessions, return_index=True)
        user = pl.Series("user", flat.user_ids, dtype=pl.String).gather(flat.users[first])
        pairs = pl.DataFrame([user, part.session_ids.alias("session")])
        yield pairs.filter(~pl.col("session").str.contains(r"^gap-(gap-)*\d+$"))  # cut, not named


def _histogram(log: EventLog, counted: _Counted) -> Histogram:
    """Return events over time in at most ``MOST_BINS`` bins of a usual width, weeks from Monday, UTC."""
    first, last = counted.first // 10**6, counted.last // 10**6
    step, seconds = next(
        (each for each in _STEPS if (last - first) // each[1] < MOST_BINS - 1),
        (f"{-(-(last - first) // (MOST_BINS - 1) // 86_400)} days", 0),
    )
    seconds = seconds or int(step.split()[0]) * 86_400
    origin = _MONDAY if seconds % 604_800 == 0 else 0
    begins = (first - origin) // seconds * seconds + origin
    counts = np.zeros((last - begins) // seconds + 1, dtype=np.int64)
    for flat in log.flat_parts:
        counts += np.bincount((flat.times // 10**6 - begins) // seconds, minlength=len(counts))
    return Histogram(
        begins=_moment(begins * 10**6), step=step, step_seconds=seconds, counts=tuple(counts.tolist())
    )


def _next_step(settings: Settings, log: EventLog) -> str:
    """Return the command that runs the whole job on this log as it was read."""
    words = ["persona-tui", "batch", *settings.source_words()]
    for part, column in log.columns.items():
        if log.recognition.schema in {"given", "content"} or part in settings.columns():
            words += ["--column", f"{part}={column}"]
    defaults = Settings()
    for name in _GIVEN:
        value = getattr(settings, name)
        if value != getattr(defaults, name):
            for each in value if isinstance(value, tuple) else (value,):
                words += [f"--{name.replace('_', '-')}", each]
    return shlex.join(words)


def convert_log(log: EventLog, path: Path) -> None:
    """Write a log with its canonical columns and attributes; the file is whole or absent.

    Parameters
    ----------
    log : EventLog
    path : Path
        Its ending is the format.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    ExportError
        If it cannot be written.
    """
    write = writer_of(path)
    write_whole(path, lambda temporary: write((part.events() for part in log.parts), temporary))


def check_targets(settings: Settings, *, convert: Path | None, rejects: Path | None) -> None:
    """Refuse files that must not be written, before anything is read.

    Raises
    ------
    SimulationError
        If one is the log itself, or both are the same.
    UnknownNameError
        If there is no format to convert to.
    """
    if convert:
        writer_of(convert)
    for path in (convert, rejects):
        if path and path.resolve() in {Path(each).resolve() for each in settings.sources()}:
            raise SimulationError(f"'{path}' is the log itself.", hint="Choose another file.")
    if convert and rejects and convert.resolve() == rejects.resolve():
        raise SimulationError(f"'{convert}' is named twice.", hint="Give --rejects another file.")


def inspection_document(found: Inspection) -> dict[str, Any]:
    """Return an inspection as one document of plain values, ``persona-tui/inspection/1``.

    Parameters
    ----------
    found : Inspection
    """
    known, bins = found.recognition, found.histogram
    return {
        "schema": SCHEMA,
        "source": found.source,
        "fingerprint": found.fingerprint,
        "recognition": {
            "schema": known.schema,
            "confidence": known.confidence,
            "sentence": known.sentence,
            "columns": known.columns,
            "notes": list(known.notes),
        },
        "recipe": found.recipe,
        "events": found.n_events,
        "users": found.n_users,
        "sessions": found.n_sessions,
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "event_types": [{"event": name, "count": n, "share": n / found.n_events} for name, n in found.events],
        "funnel": [{"step": each.step, "reached": each.reached, "rate": each.rate} for each in found.funnel],
        "funnel_is_given": found.funnel_is_given,
        "attributes": [
            {
                "name": each.name,
                "n_levels": each.n_levels,
                "levels": [{"level": level, "users": users} for level, users in each.levels],
                "users_without": each.n_users_without,
            }
            for each in found.attributes
        ],
        "metadata_keys": list(found.metadata_keys),
        "quality": found.quality.as_document(),
        "histogram": {
            "begins": bins.begins.isoformat(),
            "step_seconds": bins.step_seconds,
            "counts": list(bins.counts),
        },
        "next_step": found.next_step,
    }
