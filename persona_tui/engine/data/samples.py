"""A sample event log of planted personas: a first look, and a known truth.

To change what a persona does, edit its rows in ``JOURNEYS`` and write ``data/sample_events.csv`` anew.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.errors import ExportError
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.types import FloatArray, IntArray, RandomState

N_USERS: Final = 3_200
SHARES: Final = {"fast_converters": 0.30, "comparers": 0.28, "explorers": 0.24, "form_strugglers": 0.18}
COMPLETION: Final = "signup_complete"


# fmt: off
EVENT_TYPES: Final = (
    "landing", "browse_features", "view_pricing", "compare_plans", "read_docs", "watch_demo", "signup_start",
    "form_step_1", "form_step_2", "form_step_3", "help", "drop_off", COMPLETION,
)
STATES: Final = (*EVENT_TYPES, RETURN)

# Percent that move from the state of the row to the state of the column; every row adds up to 100.
JOURNEYS: Final[dict[str, dict[str, tuple[int, ...]]]] = {
    # from, to:                land brow pric comp docs demo sign frm1 frm2 frm3 help drop done retn exit
    # Straight through the form, whatever they looked at first; help is asked late, and sends them on.
    "fast_converters": {
        "start":           ( 88,   3,   6,   2,   0,   1,   0,   0,   0,   0,   0,   0,   0,   0,   0),
        "landing":         (  0,  11,  10,  17,  12,  14,  35,   0,   0,   0,   1,   0,   0,   0,   0),
        "browse_features": (  0,   0,  14,   8,   1,   1,  74,   0,   0,   0,   2,   0,   0,   0,   0),
        "view_pricing":    (  0,   8,   0,   2,   6,   8,  74,   0,   0,   0,   2,   0,   0,   0,   0),
        "compare_plans":   (  0,   8,   2,   0,   8,   8,  72,   0,   0,   0,   2,   0,   0,   0,   0),
        "read_docs":       (  0,   1,  16,  10,   0,   1,  69,   0,   0,   0,   3,   0,   0,   0,   0),
        "watch_demo":      (  0,   1,  22,  14,   1,   0,  60,   0,   0,   0,   2,   0,   0,   0,   0),
        "signup_start":    (  0,   1,   1,   1,   1,   1,   0,  91,   0,   0,   2,   0,   0,   2,   0),
        "form_step_1":     (  0,   0,   1,   0,   0,   0,   0,   1,  89,   0,   4,   0,   0,   4,   1),
        "form_step_2":     (  0,   0,   1,   1,   0,   0,   0,   1,   0,  78,  10,   3,   0,   5,   1),
        "form_step_3":     (  0,   0,   1,   1,   0,   0,   0,   0,   1,   0,  15,  13,  58,   7,   4),
        "help":            (  0,   1,   1,   1,   1,   1,  11,   1,   4,  78,   0,   1,   0,   0,   0),
        "drop_off":        (  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,  30,  70),
        "return":          (  4,   1,   3,   2,   1,   1,  12,   1,   6,  67,   2,   0,   0,   0,   0),
    },
    # Round and round between pricing and plans; with a plan chosen, sign-up opens at the second step.
    "comparers": {
        "start":           ( 74,   3,  21,   2,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0),
        "landing":         (  0,   4,  84,  10,   1,   1,   0,   0,   0,   0,   0,   0,   0,   0,   0),
        "browse_features": (  0,   0,  60,  37,   1,   1,   0,   0,   0,   0,   1,   0,   0,   0,   0),
        "view_pricing":    (  0,   8,   0,  74,   4,   4,   1,   0,   0,   0,   2,   1,   0,   5,   1),
        "compare_plans":   (  0,   6,  30,   0,   4,   4,  35,   0,   0,   0,   3,   7,   0,   7,   4),
        "read_docs":       (  0,   1,  40,  56,   0,   1,   0,   0,   0,   0,   2,   0,   0,   0,   0),
        "watch_demo":      (  0,   1,  44,  53,   1,   0,   0,   0,   0,   0,   1,   0,   0,   0,   0),
        "signup_start":    (  0,   1,   5,   9,   1,   1,   0,  21,  51,   0,   3,   2,   0,   4,   2),
        "form_step_1":     (  0,   1,   8,  24,   1,   1,   0,   1,  48,   0,   6,   4,   0,   4,   2),
        "form_step_2":     (  0,   1,   4,  12,   1,   1,   0,   2,   0,  63,   5,   5,   0,   4,   2),
        "form_step_3":     (  0,   0,   3,  12,   0,   0,   0,   2,   2,   0,   5,   6,  64,   4,   2),
        "help":            (  0,   1,  36,  54,   2,   1,   1,   1,   1,   1,   0,   2,   0,   0,   0),
        "drop_off":        (  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,  22,  78),
        "return":          (  8,   4,  42,  37,   1,   1,   2,   1,   1,   2,   1,   0,   0,   0,   0),
    },
    # Features, then docs, then the demo; the demo account fills in two steps of the form.
    "explorers": {
        "start":           ( 70,  20,   0,   0,   9,   1,   0,   0,   0,   0,   0,   0,   0,   0,   0),
        "landing":         (  0,  72,   3,   2,  17,   6,   0,   0,   0,   0,   0,   0,   0,   0,   0),
        "browse_features": (  0,   0,   8,   6,  52,  25,   1,   0,   0,   0,   2,   1,   0,   4,   1),
        "view_pricing":    (  0,  40,   0,   2,  34,  22,   1,   0,   0,   0,   1,   0,   0,   0,   0),
        "compare_plans":   (  0,  36,   2,   0,  36,  24,   1,   0,   0,   0,   1,   0,   0,   0,   0),
        "read_docs":       (  0,  14,   9,   7,   0,  51,   2,   0,   0,   0,   5,   3,   0,   7,   2),
        "watch_demo":      (  0,  14,   8,   6,  14,   0,  36,   0,   0,   0,   3,   7,   0,   7,   5),
        "signup_start":    (  0,   4,   1,   1,   8,   4,   0,  23,   0,  51,   3,   2,   0,   2,   1),
        "form_step_1":     (  0,   5,   1,   1,  14,   6,   0,   1,  46,   0,   7,   9,   0,   5,   5),
        "form_step_2":     (  0,   4,   1,   1,  12,   5,   0,   2,   0,  50,   7,   9,   0,   5,   4),
        "form_step_3":     (  0,   4,   1,   1,  12,   5,   0,   6,   4,   0,   7,  11,  40,   5,   4),
        "help":            (  0,  21,   3,   2,  54,  14,   1,   1,   1,   1,   0,   2,   0,   0,   0),
        "drop_off":        (  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,  22,  78),
        "return":          (  8,  38,   2,   1,  28,  17,   2,   1,   1,   1,   1,   0,   0,   0,   0),
    },
    # Back to the first step and to help, again and again; some are signed up by help itself.
    "form_strugglers": {
        "start":           ( 84,   5,   5,   2,   2,   2,   0,   0,   0,   0,   0,   0,   0,   0,   0),
        "landing":         (  0,  10,  12,   9,   9,   8,  28,   0,   0,   0,  24,   0,   0,   0,   0),
        "browse_features": (  0,   0,   8,   6,   8,   6,  36,   0,   0,   0,  36,   0,   0,   0,   0),
        "view_pricing":    (  0,   8,   0,   6,   8,   6,  36,   0,   0,   0,  36,   0,   0,   0,   0),
        "compare_plans":   (  0,   8,   8,   0,   8,   4,  36,   0,   0,   0,  36,   0,   0,   0,   0),
        "read_docs":       (  0,   4,   6,   4,   0,   4,  36,   0,   0,   0,  46,   0,   0,   0,   0),
        "watch_demo":      (  0,   6,   8,   6,   8,   0,  36,   0,   0,   0,  36,   0,   0,   0,   0),
        "signup_start":    (  0,   2,   3,   2,   4,   2,   0,  28,   0,   0,  57,   0,   0,   2,   0),
        "form_step_1":     (  0,   1,   1,   1,   2,   1,   4,  34,  17,   0,  36,   0,   0,   3,   0),
        "form_step_2":     (  0,   0,   1,   1,   2,   0,   0,  39,   8,  13,  27,   5,   0,   4,   0),
        "form_step_3":     (  0,   0,   1,   1,   1,   0,   0,  18,  22,   8,  12,  11,  19,   4,   3),
        "help":            (  0,   2,   3,   2,   5,   2,   1,  34,  21,   1,   0,  19,   4,   2,   4),
        "drop_off":        (  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,  26,  74),
        "return":          (  8,   2,   3,   2,   4,   2,   6,  44,  16,   2,  11,   0,   0,   0,   0),
    },
}
# fmt: on

LOG_START: Final = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
LOG_DAYS: Final = 63
ARRIVAL_DAYS: Final = 60
WEEKDAY_WEIGHTS: Final = (18, 19, 18, 17, 14, 6, 8)  # Monday first
HOUR_WEIGHTS: Final = (1, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 12, 13, 14, 14, 13, 11, 10, 10, 9, 7, 4, 2)

# Seconds between two events of one session; a spread is that of the logarithm.
PAUSE_MEDIANS: Final = {
    "fast_converters": 22.0,
    "comparers": 40.0,
    "explorers": 55.0,
    "form_strugglers": 70.0,
}
PAUSE_SPREAD: Final = 0.9
PAUSE_LIMITS: Final = (1.0, 24 * 60.0)

# A return comes after some whole days and a few hours, so that users keep to their time of day.
RETURN_DAY_WEIGHTS: Final = (30, 38, 17, 9, 6)  # same day, next day, …
RETURN_HOURS_MEDIAN: Final = 2.0
RETURN_HOURS_SPREAD: Final = 0.6
RETURN_HOURS_LIMITS: Final = (0.75, 8.0)

ATTRIBUTES: Final[dict[str, dict[str, int]]] = {
    "channel": {"organic": 34, "search_ads": 24, "social": 16, "referral": 14, "email": 12},
    "device": {"desktop": 52, "mobile": 40, "tablet": 8},
    "country": {"US": 38, "DE": 20, "GB": 16, "IN": 14, "BR": 12},
    "age_band": {"18-24": 16, "25-34": 34, "35-44": 24, "45-54": 16, "55+": 10},
    "plan": {"free": 58, "pro": 30, "team": 12},
}
# How much more often a persona has the value than the rest; country says nothing about a persona.
LIFTS: Final[dict[str, dict[str, float]]] = {
    "fast_converters": {"email": 1.6, "referral": 1.5, "desktop": 1.2, "pro": 1.3},
    "comparers": {"search_ads": 1.7, "desktop": 1.3, "team": 1.8},
    "explorers": {"organic": 1.4, "18-24": 1.5, "25-34": 1.2, "free": 1.3},
    "form_strugglers": {"social": 1.5, "mobile": 1.6, "45-54": 1.6, "55+": 1.9},
}

_SECONDS_PER_HOUR: Final = 3_600
_SECONDS_PER_DAY: Final = 24 * _SECONDS_PER_HOUR
_MS_PER_SECOND: Final = 1_000
_LOG_MS: Final = LOG_DAYS * _SECONDS_PER_DAY * _MS_PER_SECOND

_Block = IntEnum("_Block", "PERSONAS ARRIVALS MOVES PAUSES RETURNS ATTRIBUTES", start=0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonaChain:
    """The chain that a planted persona walks; its arrays are read-only."""

    share: float  # probability that a user has this persona
    states: tuple[str, ...]  # event types, then "return", between two sessions
    starts: FloatArray  # shape (n_states,)
    transitions: FloatArray  # shape (n_states, n_states + 1), row-stochastic; the last column is exit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleLog:
    """A sample log with the truth that it was drawn from."""

    events: pl.DataFrame  # user_id, session_id, timestamp, event_type, metadata: all text, in order of time
    personas: pl.DataFrame  # user_id, persona
    chains: dict[str, PersonaChain]  # by persona
    open_users: tuple[str, ...]  # their journeys go on after the end of the log


def make_sample_log(random_state: RandomState = 0) -> SampleLog:
    """Return a sample log of four planted personas, with the truth.

    Parameters
    ----------
    random_state : int, SeedSequence, Generator or None
        The same seed gives the same log.

    Returns
    -------
    SampleLog
        Nine weeks of 3 200 users, in sessions that a rule of 30 minutes of inactivity recovers.

    Notes
    -----
    Each journey is a walk of the first-order chain of its persona over event types, ``return`` (a
    new session) and exit. Pauses and returns are lognormal, cut off well apart. O(events).

    Examples
    --------
    >>> sample = make_sample_log(random_state=0)
    >>> sample.personas.height
    3200
    >>> sample.chains["comparers"].transitions.shape
    (14, 15)
    """
    seed = normalise_seed(random_state)
    chains = {persona: _planted_chain(persona) for persona in JOURNEYS}
    shares = [chain.share for chain in chains.values()]
    user_personas = _pick_alike(shares, N_USERS, _rng(seed, _Block.PERSONAS))
    users, states = _walk(list(chains.values()), user_personas, _rng(seed, _Block.MOVES))
    times = _times(users, states, user_personas, seed)
    user_ids = pl.Series([f"u{number:04d}" for number in range(1, N_USERS + 1)])
    metadata = _metadata(user_personas, _rng(seed, _Block.ATTRIBUTES))
    return SampleLog(
        events=_events(users, states, times, user_ids, metadata),
        personas=pl.DataFrame({"user_id": user_ids, "persona": pl.Series(list(chains))[user_personas]}),
        chains=chains,
        open_users=tuple(user_ids[np.unique(users[times >= _LOG_MS])]),
    )


def make_sample_events(random_state: RandomState = 0) -> pl.DataFrame:
    """Return the events of `make_sample_log`.

    Parameters
    ----------
    random_state : int, SeedSequence, Generator or None
        The same seed gives the same events.

    Returns
    -------
    DataFrame
        ``user_id, session_id, timestamp, event_type, metadata``, all text, in order of time.

    Examples
    --------
    >>> make_sample_events(random_state=0).columns
    ['user_id', 'session_id', 'timestamp', 'event_type', 'metadata']
    """
    return make_sample_log(random_state).events


def write_sample_csv(path: str | os.PathLike[str], random_state: RandomState = 0) -> Path:
    """Write the events of `make_sample_log` as CSV; read back as text they are the same.

    Parameters
    ----------
    path : path
        The file to write; its folder exists.
    random_state : int, SeedSequence, Generator or None
        The same seed gives the same bytes.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ExportError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pl.read_csv(write_sample_csv(f"{folder}/events.csv"), infer_schema=False).columns[:2]
    ['user_id', 'session_id']
    """
    target = Path(path)
    try:
        make_sample_events(random_state).write_csv(target)
    except OSError as error:
        raise ExportError(f"Cannot write {target}: {error}", "Choose a folder that exists.") from error
    return target


def _rng(seed: np.random.SeedSequence, block: _Block) -> np.random.Generator:
    return stream(seed, Stream.SAMPLE_LOG, block)


def _planted_chain(persona: str) -> PersonaChain:
    rows = JOURNEYS[persona]
    finished = (0,) * len(STATES) + (100,)
    starts = np.array(rows["start"][: len(STATES)]) / 100
    transitions = np.array([finished if state == COMPLETION else rows[state] for state in STATES]) / 100
    starts.setflags(write=False)
    transitions.setflags(write=False)
    return PersonaChain(share=SHARES[persona], states=STATES, starts=starts, transitions=transitions)


def _pick(weights: FloatArray, rng: np.random.Generator) -> IntArray:
    """Draw one column for each row, in proportion to the weights of the row."""
    cumulative = np.cumsum(weights, axis=1)
    heights = rng.random((len(weights), 1)) * cumulative[:, -1:]
    picked: IntArray = np.sum(heights >= cumulative[:, :-1], axis=1, dtype=np.int64)
    return picked


def _pick_alike(weights: Sequence[float], size: int, rng: np.random.Generator) -> IntArray:
    return _pick(np.tile(np.array(weights, dtype=np.float64), (size, 1)), rng)


def _walk(
    chains: list[PersonaChain], user_personas: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Return user and state of every step, users one after the other, each in order of steps."""
    transitions = np.stack([chain.transitions for chain in chains])
    walkers = np.arange(len(user_personas))
    states = _pick(np.stack([chain.starts for chain in chains])[user_personas], rng)
    walkers_by_step, states_by_step = [], []
    while walkers.size:
        walkers_by_step.append(walkers)
        states_by_step.append(states)
        moves = _pick(transitions[user_personas[walkers], states], rng)
        goes_on = moves < len(STATES)
        walkers, states = walkers[goes_on], moves[goes_on]
    users = np.concatenate(walkers_by_step)
    by_user = np.argsort(users, kind="stable")
    return users[by_user], np.concatenate(states_by_step)[by_user]


def _times(
    users: IntArray, states: IntArray, user_personas: IntArray, seed: np.random.SeedSequence
) -> IntArray:
    """Return the milliseconds from the start of the log to every step."""
    is_return = states == STATES.index(RETURN)
    is_first = np.diff(users, prepend=-1) > 0
    pauses = _pauses(user_personas[users], _rng(seed, _Block.PAUSES))
    absences = _absences(len(users), _rng(seed, _Block.RETURNS))
    waits = np.where(np.roll(is_return, 1), absences, pauses)
    waits[is_first | is_return] = 0
    elapsed: IntArray = np.cumsum(np.rint(waits * _MS_PER_SECOND).astype(np.int64))
    arrivals = _arrivals(len(user_personas), _rng(seed, _Block.ARRIVALS))
    return (arrivals - elapsed[is_first])[users] + elapsed


def _pauses(personas: IntArray, rng: np.random.Generator) -> FloatArray:
    medians = np.array([PAUSE_MEDIANS[persona] for persona in JOURNEYS])
    seconds: FloatArray = np.clip(rng.lognormal(np.log(medians)[personas], PAUSE_SPREAD), *PAUSE_LIMITS)
    return seconds


def _absences(size: int, rng: np.random.Generator) -> FloatArray:
    hours = rng.lognormal(np.log(RETURN_HOURS_MEDIAN), RETURN_HOURS_SPREAD, size)
    days = _pick_alike(RETURN_DAY_WEIGHTS, size, rng)
    seconds: FloatArray = days * _SECONDS_PER_DAY + np.clip(hours, *RETURN_HOURS_LIMITS) * _SECONDS_PER_HOUR
    return seconds


def _arrivals(size: int, rng: np.random.Generator) -> IntArray:
    days = _pick_alike(np.resize(WEEKDAY_WEIGHTS, ARRIVAL_DAYS).tolist(), size, rng)
    hours = _pick_alike(HOUR_WEIGHTS, size, rng)
    within_hour = rng.integers(0, _SECONDS_PER_HOUR * _MS_PER_SECOND, size)
    hour_starts: IntArray = (days * _SECONDS_PER_DAY + hours * _SECONDS_PER_HOUR) * _MS_PER_SECOND
    return np.sort(hour_starts + within_hour)


def _metadata(user_personas: IntArray, rng: np.random.Generator) -> pl.Series:
    """Return the attributes of each user as compact JSON."""
    columns = {}
    for attribute, base in ATTRIBUTES.items():
        weights = [[base[value] * LIFTS[persona].get(value, 1.0) for value in base] for persona in JOURNEYS]
        columns[attribute] = pl.Series(list(base))[_pick(np.array(weights)[user_personas], rng)]
    return pl.DataFrame(columns).to_struct().struct.json_encode()


def _events(
    users: IntArray, states: IntArray, times: IntArray, user_ids: pl.Series, metadata: pl.Series
) -> pl.DataFrame:
    """Return what the server saw: events in order of time, up to the end of the log."""
    is_return = states == STATES.index(RETURN)
    opens_session = (np.diff(users, prepend=-1) > 0) | np.roll(is_return, 1)
    sessions = np.cumsum(opens_session) - 1
    numbers = np.argsort(np.argsort(times[opens_session], kind="stable")) + 1
    session_ids = pl.Series([f"s{number:05d}" for number in numbers])
    by_time = np.argsort(times, kind="stable")
    kept = by_time[~is_return[by_time] & (times[by_time] < _LOG_MS)]
    moments = int(LOG_START.timestamp()) * _MS_PER_SECOND + times[kept]
    return pl.DataFrame(
        {
            "user_id": user_ids[users[kept]],
            "session_id": session_ids[sessions[kept]],
            "timestamp": pl.Series(moments).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
            "event_type": pl.Series(EVENT_TYPES)[states[kept]],
            "metadata": metadata[users[kept]],
        }
    )
