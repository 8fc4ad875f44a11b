"""A log with its funnel and outcomes, cut into journeys and counted: what personas are found in."""

from __future__ import annotations

from collections.abc import Sequence as TextSequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.event_log import EventLog
from persona_tui.engine.data.funnel import FunnelStep, count_funnel, detect_drop_events, detect_funnel
from persona_tui.engine.data.preparation.preparation import parse_preparation
from persona_tui.engine.data.quality import LogFacts, Quality
from persona_tui.engine.data.rejects import check_rejected, parse_share, write_rejects
from persona_tui.engine.data.schema import FRICTION_DROP
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError, ThresholdError
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.working_folders import sweep, temporary_folder
from persona_tui.study.cache_folders import cache_root
from persona_tui.study.options import Settings
from persona_tui.study.prepared_logs import LogCache
from persona_tui.study.resources import available_memory, available_workers, memory_budget
from persona_tui.study.store import make_folder

MAX_EVENT_TYPES = 1_000
"""Chains are dense tables of this many rows and columns: solving those of all draws takes minutes."""

_BYTES_PER_EVENT = 250
"""That finding personas takes beside what loading does: measured 220 with 10 M events, and users' shares."""
_LOADING_THREADS = 2
"""Each holds a batch of rows in memory; polars' own threads do most of the work."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedLog:
    """A log with its funnel and outcomes, cut into journeys and counted.

    Parameters
    ----------
    log : EventLog
    sequences : Sequences
    funnel : tuple of FunnelStep
        As observed on the whole log.
    completion, drop : frozenset of str
    counts : TransitionCounts
    facts : LogFacts
    """

    log: EventLog
    sequences: Sequences
    funnel: tuple[FunnelStep, ...]
    completion: frozenset[str]
    drop: frozenset[str]
    counts: TransitionCounts
    facts: LogFacts


def prepare_log(
    settings: Settings, *, rejects: Path | None = None, on_progress: ProgressCallback = ignore_progress
) -> PreparedLog:
    """Load the log that settings name, and work out what they leave open.

    Parameters
    ----------
    settings : Settings
    rejects : Path, optional
        As ``load_log`` takes it.
    on_progress : callable

    Raises
    ------
    DataError
        If the log cannot be used, or needs more memory than there is or the settings allow.
    ThresholdError
        If more of its rows were rejected than the settings allow.
    UnknownNameError
        If an option names an event or a column that is not there.
    """
    log = load_log(settings, rejects=rejects, on_progress=on_progress)
    _require_memory(settings, log.n_events)
    sequences = log.sequences
    n_types = len(sequences.vocabulary)
    if n_types > MAX_EVENT_TYPES:
        raise DataError(
            f"{n_types:,} event types are more than the {MAX_EVENT_TYPES:,} that can be modelled.",
            hint="Check which column is the event (--column event_type=NAME), or merge rare events.",
        )
    steps = settings.funnel_steps() or detect_funnel(sequences, next(iter(settings.completion), None))
    funnel = count_funnel(sequences, steps, settings.unit)
    completion, drop = outcomes_of(settings, sequences.vocabulary, steps)
    journeys = cut_journeys(sequences, unit=settings.unit, completion=completion, drop=drop - {FRICTION_DROP})
    counts = count_transitions(journeys)
    _check_outcomes(counts)
    return PreparedLog(
        log=log,
        sequences=sequences,
        funnel=funnel,
        completion=completion,
        drop=drop,
        counts=counts,
        facts=_facts(log, sequences, counts),
    )


def _require_memory(settings: Settings, n_events: int) -> None:
    """Refuse a log that personas cannot be found in within the memory given, or else all that is free."""
    needed, given = n_events * _BYTES_PER_EVENT, settings.memory_bytes()
    allowed = available_memory() if given is None else given
    if needed > allowed:
        raise DataError(
            f"Personas of {n_events:,} events need about {needed / 1e9:.3g} GB of memory; "
            f"{allowed / 1e9:.3g} GB are {'free' if given is None else 'allowed'}.",
            hint="Take some users (--prepare sample:share=0.1), drop events (--prepare drop:events=…), "
            "or raise --memory. `inspect` needs far less.",
        )


def load_log(
    settings: Settings, *, rejects: Path | None = None, on_progress: ProgressCallback = ignore_progress
) -> EventLog:
    """Load the log that settings name, as they say it is to be read.

    Parameters
    ----------
    settings : Settings
    rejects : Path, optional
        Where the rows are written that could not be used, if there are too many of them.
    on_progress : callable

    Raises
    ------
    DataError
        If the log cannot be used.
    ThresholdError
        If more of its rows were rejected than the settings allow.
    UnknownNameError
        If a given column, or a name in the preparation, is not in the log.
    """
    preparation = parse_preparation(settings.prepare)
    recipe = {
        "columns": settings.columns(),
        "timezone": settings.timezone,
        "dates": settings.dates,
        "preparation": list(preparation.as_texts()),
    }
    joined = [str(step.table) for step in preparation.steps if hasattr(step, "table")]
    roots = dict.fromkeys((cache_root(settings.output), cache_root()))  # a study's first run had no study yet
    cache, *others = (LogCache(root, settings.sources(), recipe, joined) for root in roots)
    log = next(filter(None, (each.load() for each in (cache, *others))), None)
    if log is None:
        sweep(temporary_folder())
        log = load_event_log(
            settings.sources(),
            columns=settings.columns(),
            timezone=settings.timezone,
            dates=settings.date_order(),
            preparation=preparation,
            memory=memory_budget(settings.memory_bytes()),
            n_threads=min(_LOADING_THREADS, settings.workers or available_workers()),
            on_progress=on_progress,
        )
        cache.save(log)
    require_few_rejects(settings, log.quality, rejects)
    return log


def require_few_rejects(settings: Settings, quality: Quality, rejects: Path | None = None) -> None:
    """Refuse a log of which more rows could not be used than the settings allow.

    Parameters
    ----------
    settings : Settings
    quality : Quality
    rejects : Path, optional
        Where these rows are then written.

    Raises
    ------
    ThresholdError
    """
    if not settings.max_rejected:
        return
    try:
        check_rejected(quality, parse_share(settings.max_rejected))
    except ThresholdError as fault:
        if rejects is None:
            raise
        make_folder(rejects.parent)
        write_rejects(quality, rejects)
        raise ThresholdError(fault.message, hint=f"{fault.hint} The rows: '{rejects}'.") from None


def outcomes_of(
    settings: Settings, vocabulary: TextSequence[str], steps: TextSequence[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the completion and the drop events that the log has or a change may add.

    Parameters
    ----------
    settings : Settings
        Those given are taken, else the last step and those named so.
    vocabulary : sequence of str
        Of the log.
    steps : sequence of str
        Of the funnel.
    """
    completion = frozenset(settings.completion or steps[-1:])
    if settings.drop:
        return completion, frozenset(settings.drop)
    return completion, frozenset((*detect_drop_events(vocabulary), FRICTION_DROP)) - completion


def _check_outcomes(counts: TransitionCounts) -> None:
    if counts.n_converted.sum() == 0:
        names = [
            n
            for n, is_one in zip(counts.journeys.vocabulary, counts.journeys.completion, strict=True)
            if is_one
        ]
        raise DataError(
            f"No journey reaches {' or '.join(names)}, so there is no conversion to predict.",
            hint="Name another completion: --completion EVENT",
        )


def _facts(log: EventLog, sequences: Sequences, counts: TransitionCounts) -> LogFacts:
    period = sequences.times.min(), sequences.times.max()
    first, last = (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(each)) for each in period)
    return LogFacts(
        events=log.n_events,
        users=sequences.n_users,
        sessions=sequences.n_sessions,
        event_types=len(sequences.vocabulary),
        first=first,
        last=last,
        rejected=log.quality.n_rejected,
        duplicates=log.quality.n_duplicates,
        censored_users=counts.journeys.n_censored_users,
        fingerprint=log.fingerprint,
    )
