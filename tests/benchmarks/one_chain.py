"""Logs without personas: every user walks the same chain, however long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from benchmarks.planted import DAY, MINUTE

from persona_tui.engine.data.sequences import Sequences

N_EVENT_TYPES = 12
CONCENTRATION = 0.3
"""Of the rows of the chain: a few moves are likely out of each event, as in real logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How many users, how many sessions each, how many events in a session, and how long a bot walks."""

    n_users: int
    events: float
    extra_sessions: float = 0.0
    lengths: str = "geometric"
    bot_events: int = 0


def geometric(mean: float, size: int, generator: np.random.Generator) -> np.ndarray:
    return generator.geometric(1 / mean, size)


def heavy_tailed(mean: float, size: int, generator: np.random.Generator) -> np.ndarray:
    """Return log-normal lengths: one in a hundred is 16 times the median."""
    spread = 1.2
    return 1 + generator.lognormal(np.log(mean) - spread**2 / 2, spread, size).astype(np.int64)


LENGTHS: dict[str, Callable[[float, int, np.random.Generator], np.ndarray]] = {
    "geometric": geometric,
    "heavy-tailed": heavy_tailed,
}


def leave_one_chain(kind: Kind, generator: np.random.Generator) -> Sequences:
    """Return the log of users who all walk one random chain; a bot walks it too, for very long."""
    chain = generator.dirichlet(np.full(N_EVENT_TYPES, CONCENTRATION), N_EVENT_TYPES).cumsum(axis=1)
    starts = generator.dirichlet(np.ones(N_EVENT_TYPES)).cumsum()
    sessions_of = 1 + generator.poisson(kind.extra_sessions, kind.n_users)
    owners = np.repeat(np.arange(kind.n_users), sessions_of)
    lengths = LENGTHS[kind.lengths](kind.events, len(owners), generator)
    if kind.bot_events:
        lengths[0] = kind.bot_events
    opens = np.cumsum(lengths) - lengths
    codes = np.empty(lengths.sum(), dtype=np.int32)
    walking = np.arange(len(owners))
    state = (generator.random((len(owners), 1)) >= starts[:-1]).sum(axis=1)
    for step in range(int(lengths.max())):
        codes[opens[walking] + step] = state
        going = lengths[walking] > step + 1
        walking, state = walking[going], state[going]
        state = (generator.random((len(walking), 1)) >= chain[state, :-1]).sum(axis=1)
    sessions = np.repeat(np.arange(len(owners)), lengths)
    found, places = np.unique(codes, return_inverse=True)
    return Sequences(
        vocabulary=tuple(f"event_{each:02d}" for each in found),
        user_ids=tuple(f"u{number:06d}" for number in range(kind.n_users)),
        codes=places.astype(np.int32),
        users=owners[sessions].astype(np.int32),
        sessions=sessions,
        times=sessions * DAY + (np.arange(len(codes)) - opens[sessions]) * MINUTE,
    )
