"""Drift: whether a newer log, or period, still is what personas were learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from persona_tui.engine.data.attributes import Attributes, attributes_of
from persona_tui.engine.data.event_log import EventLog
from persona_tui.engine.errors import DataError, ModelingError
from persona_tui.engine.evaluation.drift import Drift, Grouped, find_drift, in_one_vocabulary
from persona_tui.engine.evaluation.drift_rows import DriftRow
from persona_tui.engine.evaluation.period_change import Period
from persona_tui.engine.evaluation.windows import LEAST_USERS
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.types import IntArray
from persona_tui.study.config import merge_settings, read_settings, settings_file
from persona_tui.study.drift_section import section_of
from persona_tui.study.drift_words import reasons_of
from persona_tui.study.fit import fit_flow
from persona_tui.study.kept_sections import keep_section
from persona_tui.study.log import PreparedLog, load_log, prepare_log
from persona_tui.study.options import Settings

SCHEMA: Final = "persona-tui/drift/1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriftFound:
    """What moved from the log that personas were learned from to a newer one.

    Parameters
    ----------
    before, after : str
        The logs, or the periods of one.
    drift : Drift
    reasons : tuple of str
        Why the verdict is what it is, in words.
    notes : tuple of str
        What could not be compared, and what else is to be minded.
    completion : tuple of str
    fingerprints : (str, str)
    seed : int
    """

    before: str
    after: str
    drift: Drift
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    completion: tuple[str, ...]
    fingerprints: tuple[str, str]
    seed: int


def measure_drift(
    settings: Settings,
    new: str = "",
    *,
    periods: tuple[Period, Period] | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> DriftFound:
    """Return what moved from the log that personas were learned from to a newer one.

    Parameters
    ----------
    settings : Settings
        The earlier log, its funnel, its outcomes and how personas are found in it; a fit that its study
        keeps is taken.
    new : str
        The newer log, or a study of it; columns that the settings do not give are detected in it.
    periods : (Period, Period), optional
        Instead of a newer log: the earlier and the later period of the one log. Personas are found in the
        earlier one alone, as though the log had ended there.
    on_progress : callable

    Raises
    ------
    DataError
        If a log cannot be used, has fewer than 30 users, or the periods overlap.
    ModelingError
        If the personas know none of the events of the newer log.

    Notes
    -----
    As ``find_drift``, which tells how.
    """
    earlier, later = _both(settings, new, periods)
    log = load_log(later, on_progress=on_progress)
    prepared = prepare_log(earlier, on_progress=on_progress)
    _require_users(prepared.sequences.n_users, log.sequences.n_users)
    segmentation, _ = fit_flow(earlier, prepared, on_progress=on_progress)
    if segmentation.mixture is None:
        raise ModelingError("These personas have no chains to assign by.", hint="Find them with the mixture.")
    on_progress(Progress(stage="measure drift", done=0, total=1))
    grouped, notes = _grouped(prepared, log)
    before, after = in_one_vocabulary(prepared.sequences, log.sequences)
    drift = find_drift(
        before,
        after,
        mixture=segmentation.mixture,
        names=segmentation.names,
        completion=prepared.completion,
        steps=[each.step for each in prepared.funnel],
        attributes=grouped,
        random_state=settings.seed,
    )
    on_progress(Progress(stage="measure drift", done=1, total=1))
    found = DriftFound(
        before=_named(earlier.source_shown(), periods, 0),
        after=_named(later.source_shown(), periods, 1),
        drift=drift,
        reasons=reasons_of(drift),
        notes=(*_notes(prepared, log), *notes, *_too_rare(drift, segmentation.names, grouped)),
        completion=tuple(sorted(prepared.completion)),
        fingerprints=(prepared.facts.fingerprint, log.fingerprint),
        seed=settings.seed,
    )
    names = (_named(each.source_name(), periods, place) for place, each in enumerate((earlier, later)))
    whole = prepare_log(settings) if periods else prepared
    keep_section(settings, whole, "drift", section_of(found, *names))
    return found


def _both(settings: Settings, new: str, periods: tuple[Period, Period] | None) -> tuple[Settings, Settings]:
    """Return the settings of the earlier log and of the newer."""
    if not periods:
        return settings, _settings_of(settings, new)
    _require_apart(*periods)
    earlier, later = (_within(settings, each) for each in periods)
    return earlier, later


def _named(source: str, periods: tuple[Period, Period] | None, place: int) -> str:
    return f"{source}, {_days(periods[place])}" if periods else source


def last_quarter(log: EventLog) -> tuple[Period, Period]:
    """Return the days of a log but for the last quarter of them, and that quarter.

    Raises
    ------
    DataError
        If the log has fewer than four days.
    """
    times = log.sequences.times
    first, last = (datetime.fromtimestamp(int(each) / 1e6, UTC) for each in (times.min(), times.max()))
    begins = first.replace(hour=0, minute=0, second=0, microsecond=0)
    n_days = (last - begins).days + 1
    if n_days < 4:
        raise DataError(
            "The log has fewer than four days: there is no later part to hold against the earlier.",
            hint="Name a newer log.",
        )
    cut, ends = begins + timedelta(days=n_days - n_days // 4), begins + timedelta(days=n_days)
    return Period(begins, cut), Period(cut, ends)


def _settings_of(settings: Settings, new: str) -> Settings:
    file = settings_file(new)
    return merge_settings(read_settings(file), {}) if file else replace(settings, events=new)


def _within(settings: Settings, period: Period) -> Settings:
    """Return settings of what happened in a period."""
    begins, ends = (each.astimezone(UTC).replace(tzinfo=None).isoformat() for each in _ends(period))
    return replace(settings, prepare=(*settings.prepare, f"period:after={begins},before={ends}"))


def _ends(period: Period) -> tuple[datetime, datetime]:
    return period.begins, period.ends


def _days(period: Period) -> str:
    begins, last = period.begins, period.ends - timedelta(microseconds=1)
    return f"{begins:%Y-%m-%d} to {last:%Y-%m-%d}"


def _require_apart(before: Period, after: Period) -> None:
    if before.begins < after.ends and after.begins < before.ends:
        raise DataError("The periods overlap.", hint="Let one end where or before the other begins.")


def _require_users(n_before: int, n_after: int) -> None:
    for name, n in (("earlier", n_before), ("newer", n_after)):
        if n < LEAST_USERS:
            raise DataError(
                f"The {name} log has {n} users; {LEAST_USERS} are needed.",
                hint="Take a longer period, or a log of more users.",
            )


def _grouped(prepared: PreparedLog, log: EventLog) -> tuple[dict[str, Grouped], list[str]]:
    """Return the attributes that both logs have, and what is to be said of the others."""
    known = frozenset(log.sequences.vocabulary)
    first = attributes_of(prepared.log.events, prepared.sequences, completion=prepared.completion)
    second = attributes_of(log.events, log.sequences, completion=prepared.completion & known)
    notes = []
    for name in dict.fromkeys((*first.names, *second.names, *first.left_out, *second.left_out)):
        said = [_missing(each, name) for each in (first, second)]
        if any(said):
            told = zip(("earlier", "newer"), said, strict=True)
            faults = "; ".join(f"in the {which} log it {why}" for which, why in told if why)
            notes.append(f"Attribute '{name}' is not compared: {faults}.")
    shared = [name for name in first.names if name in second.names]
    return {name: _levels(first, second, name) for name in shared}, notes


def _missing(attributes: Attributes, name: str) -> str:
    if name in attributes.names:
        return ""
    return attributes.left_out.get(name, "is missing")


def _levels(first: Attributes, second: Attributes, name: str) -> Grouped:
    columns = [each.table[name].to_list() for each in (first, second)]
    levels = tuple(sorted({*columns[0], *columns[1]}))
    code = {level: place for place, level in enumerate(levels)}
    before, after = (np.array([code[each] for each in column], np.int32) for column in columns)
    return Grouped(levels=levels, before=before, after=after)


def _notes(prepared: PreparedLog, log: EventLog) -> list[str]:
    before, after = prepared.sequences, log.sequences
    notes = []
    if (both := len(frozenset(before.user_ids).intersection(after.user_ids))) > 0:
        notes.append(
            f"Users in both: {both:,}. They are counted as users of each, which makes findings rarer."
        )
    if after.times.min() <= before.times.max() and before.times.min() <= after.times.max():
        notes.append("The two logs overlap in time.")
    if after.times.max() < before.times.min():
        notes.append("The newer log ends before the earlier one begins.")
    if missing := sorted(prepared.completion.difference(after.vocabulary)):
        notes.append(f"The newer log has no {' and no '.join(missing)}, which completes a journey.")
    return notes


def _too_rare(drift: Drift, names: Sequence[str], grouped: Mapping[str, Grouped]) -> list[str]:
    """Return what is to be said of what has too few of every kind, or one kind alone."""
    compared = {(each.part, each.name) for each in drift.rows}
    moves = [f"Moves of {name}" for name in names if ("transitions", name) not in compared]
    values = [f"Attribute '{name}'" for name in grouped if ("attributes", name) not in compared]
    return [f"{each} is not compared: it has one value, or every one is rare." for each in values] + [
        f"{each} are not compared: too few." for each in moves
    ]


def drift_document(found: DriftFound) -> dict[str, Any]:
    """Return drift as ``--json`` prints it.

    Parameters
    ----------
    found : DriftFound
    """
    drift, windows = found.drift, found.drift.windows
    return {
        "schema": SCHEMA,
        "before": found.before,
        "after": found.after,
        "verdict": drift.level.word,
        "reasons": list(found.reasons),
        "notes": list(found.notes),
        "completion": list(found.completion),
        "users": {"before": drift.n_before, "after": drift.n_after},
        "windows": {
            "days": windows.length / timedelta(days=1).total_seconds() / 1e6,
            "before": _times(windows.before),
            "after": _times(windows.after),
            "left_out_for_few_users": windows.n_thin,
            "own_variation_is_known": windows.knows_own,
        },
        "rows": [_row(each) for each in drift.rows],
        "new_events": [asdict(each) for each in drift.new_events],
        "gone_events": [asdict(each) for each in drift.gone_events],
        "change_of_completion": _parts(drift),
        "fingerprints": {"before": found.fingerprints[0], "after": found.fingerprints[1]},
        "seed": found.seed,
    }


def _row(row: DriftRow) -> dict[str, Any]:
    found = asdict(row)
    del found["level"]
    return {**found, "size": row.size.word, "verdict": row.level.word}


def _times(starts: IntArray) -> list[str]:
    epoch = datetime.fromtimestamp(0, UTC)
    return [(epoch + timedelta(microseconds=each)).isoformat() for each in starts.tolist()]


def _parts(drift: Drift) -> Mapping[str, Any]:
    parts = {"change": drift.completion, "mix": drift.mix, "behaviour": drift.behaviour}
    return {name: asdict(each) for name, each in parts.items()}
