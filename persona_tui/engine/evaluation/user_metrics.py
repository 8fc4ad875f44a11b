"""What each user of an experiment adds to its metrics, from entry on, and what the same user did before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from persona_tui.engine.data.funnel import reached_in_order, step_codes
from persona_tui.engine.data.sequences import Sequences, take_events
from persona_tui.engine.evaluation.arms import Arms
from persona_tui.engine.evaluation.readout import Scale, UserValues
from persona_tui.engine.types import BoolArray, FloatArray

COMPLETION: Final = "users who complete"
DROP: Final = "users who drop off"
PER_SESSION: Final = "completions per session"
SESSIONS: Final = "sessions per user"
EVENTS: Final = "events per user"


def metrics_of(
    sequences: Sequences,
    arms: Arms,
    *,
    completion: Collection[str],
    drop: Collection[str] = (),
) -> tuple[UserValues, ...]:
    """Return the metrics of an experiment.

    Parameters
    ----------
    sequences : Sequences
        The whole log.
    arms : Arms
        Of its users.
    completion, drop : collection of str
        Events that complete, and events of giving up; those that the log has not do not count.

    Returns
    -------
    tuple of UserValues
        Each of shape (U,): users who complete, who drop off (where the log has such an event) and do not
        complete, sessions with a completion per session, sessions and events per user. Of who is in no arm
        they are meaningless. The time before is that before each user's entry, and is left out where nobody
        in an arm was seen before.

    Notes
    -----
    O(N).
    """
    inside = (arms.of_users >= 0)[sequences.users]
    is_after = sequences.times >= arms.entered[sequences.users]
    now, was = (_counts(sequences, inside & at, completion, drop) for at in (is_after, ~is_after))
    ones = np.ones(sequences.n_users)
    known = bool(was[EVENTS].any())

    def metric(name: str, scale: Scale, *, per: str = "") -> UserValues:
        return UserValues(
            name=name,
            numerators=now[name],
            denominators=now[per] if per else None,
            before=(was[name], was[per] if per else ones) if known else None,
            scale=scale,
        )

    dropping = [metric(DROP, "share")] if now[DROP].any() else []
    return (
        metric(COMPLETION, "share"),
        *dropping,
        metric(PER_SESSION, "share", per=SESSIONS),
        metric(SESSIONS, "number"),
        metric(EVENTS, "number"),
    )


def _counts(
    sequences: Sequences,
    counted: BoolArray,
    completion: Collection[str],
    drop: Collection[str],
) -> dict[str, FloatArray]:
    """Return the sums of each user over the events that are counted, each of shape (U,)."""
    n, present = sequences.n_users, frozenset(sequences.vocabulary)
    completes, drops = (
        counted & sequences.positions(present.intersection(names))[sequences.codes]
        for names in (completion, drop)
    )

    def sessions(at: BoolArray) -> FloatArray:
        _, first = np.unique(sequences.sessions[at], return_index=True)
        return np.bincount(sequences.users[at][first], minlength=n).astype(float)

    def users(at: BoolArray) -> FloatArray:
        return (np.bincount(sequences.users[at], minlength=n) > 0).astype(float)

    completing = users(completes)
    return {
        COMPLETION: completing,
        DROP: users(drops) * (1 - completing),
        PER_SESSION: sessions(completes),
        SESSIONS: sessions(counted),
        EVENTS: np.bincount(sequences.users[counted], minlength=n).astype(float),
    }


def funnel_of(sequences: Sequences, arms: Arms, steps: Sequence[str]) -> tuple[UserValues, ...]:
    """Return who reaches each step of a funnel from entry on, after all steps before it.

    Parameters
    ----------
    sequences : Sequences
    arms : Arms
    steps : sequence of str

    Raises
    ------
    UnknownNameError
        If a step is not in the log.
    DataError
        If there is no step, or a step is named twice.
    """
    step_codes(sequences, steps)
    counted = (arms.of_users >= 0)[sequences.users] & (sequences.times >= arms.entered[sequences.users])
    part, users = take_events(sequences, np.flatnonzero(counted))
    reached = np.zeros((sequences.n_users, len(steps)))
    reached[users] = reached_in_order(part, steps) >= 0
    return tuple(
        UserValues(name=step, numerators=reached[:, place], scale="share") for place, step in enumerate(steps)
    )


def only_in_some(sequences: Sequences, arms: Arms) -> tuple[tuple[str, str], ...]:
    """Return the events, from entry on, that not all arms have, and the arms that have them.

    Returns
    -------
    tuple of (str, str)
        Event, and arms split by commas; in the order of the vocabulary.
    """
    inside = arms.of_users[sequences.users]
    counted = (inside >= 0) & (sequences.times >= arms.entered[sequences.users])
    size = len(sequences.vocabulary)
    cells = np.bincount(inside[counted] * size + sequences.codes[counted], minlength=size * len(arms.names))
    seen = cells.reshape(len(arms.names), size) > 0
    some = np.flatnonzero(seen.any(axis=0) & ~seen.all(axis=0))
    return tuple(
        (
            sequences.vocabulary[code],
            ", ".join(name for name, has in zip(arms.names, seen[:, code], strict=True) if has),
        )
        for code in some
    )
