"""Users that show what a persona is: the most typical, the borderline, and who is told by three events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.journeys import Ending, Journeys
from persona_tui.engine.statistics import Interval, wilson_interval
from persona_tui.engine.types import FloatArray, IntArray

N_EARLY: Final = 3
"""Events by which a user is told early."""
N_USERS: Final = 3
_CERTAIN: Final = 0.99
_LONGEST_PATH: Final = 12
_LEAST_CHANCE: Final = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyConversion:
    """Conversion of the users whom their first three events alone assign to a persona.

    Parameters
    ----------
    value : float or None
        Share of their journeys that converted; None where there is no such user.
    interval : (float, float)
        95 %.
    n_users : int
    """

    value: float | None
    interval: Interval
    n_users: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleUser:
    """A user that shows what a persona is, or where it ends.

    Parameters
    ----------
    user_id : str
        As the log has it: data, to be shown as text only.
    memberships : tuple of float, length K
    path : tuple of str
        The first twelve events of the user's first journey.
    n_events : int
        Of all journeys of the user.
    """

    user_id: str
    memberships: tuple[float, ...]
    path: tuple[str, ...]
    n_events: int


class Examples(NamedTuple):
    """Users that show one persona, and users that show where it ends."""

    typical: tuple[ExampleUser, ...]
    borderline: tuple[ExampleUser, ...]


def label_early(journeys: Journeys, chains: FloatArray, weights: FloatArray) -> IntArray:
    """Return the likeliest persona of each user given the first three events alone, shape (U,).

    Parameters
    ----------
    journeys : Journeys
    chains : array of shape (K, n + 1, n + 1)
    weights : array of shape (K,)
        Share of users.

    Returns
    -------
    int64 array of shape (U,)
        -1 where the first event is an outcome: then nothing was seen before it.

    Notes
    -----
    Of the first journey; only what comes before a completion or drop event counts, and no exit, so a
    label has seen no outcome. O(U K).

    Examples
    --------
    >>> import polars as pl
    >>> from persona_tui.engine.data.sequences import encode_sequences
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> log = pl.DataFrame({"user_id": ["ann", "bob"], "session_id": ["1", "2"], "event_type": ["a", "b"]})
    >>> log = log.with_columns(timestamp=pl.datetime(2026, 1, 1, time_zone="UTC", time_unit="us"))
    >>> chains = np.array([[[0.9, 0.1, 0, 0]] + [[0, 0, 0, 1]] * 3, [[0.2, 0.8, 0, 0]] + [[0, 0, 0, 1]] * 3])
    >>> label_early(cut_journeys(encode_sequences(log)), chains, np.array([0.5, 0.5]))
    array([0, 1])
    """
    first = np.unique(journeys.users, return_index=True)[1]
    begins, ends = journeys.offsets[first], journeys.offsets[first + 1]
    n_events = len(journeys.vocabulary)
    outcome = np.zeros(journeys.n_states, dtype=bool)
    outcome[:n_events] = journeys.completion | journeys.drop
    log_chains = np.log(np.maximum(chains, _LEAST_CHANCE))
    joint = np.tile(np.log(np.maximum(weights, _LEAST_CHANCE)), (len(first), 1))
    row, seen = np.zeros(len(first), dtype=np.int64), np.zeros(len(first), dtype=np.int64)
    going = np.arange(len(first))
    for place in range(2 * N_EARLY):  # a return may stand between events, never two in a row
        going = going[begins[going] + place < ends[going]]
        step = journeys.steps[begins[going] + place].astype(np.int64)
        open_ = ~outcome[step] & (seen[going] < N_EARLY)
        going, step = going[open_], step[open_]
        joint[going] += log_chains[:, row[going], step].T
        row[going] = step + 1
        seen[going] += step < n_events
    labels: IntArray = np.where(seen > 0, joint.argmax(axis=1), -1)
    return labels


def early_conversions(journeys: Journeys, labels: IntArray, n_clusters: int) -> tuple[EarlyConversion, ...]:
    """Return the conversion of the users of each early label.

    Parameters
    ----------
    journeys : Journeys
    labels : int64 array of shape (U,)
        As ``label_early`` returns them.
    n_clusters : int

    Notes
    -----
    Wilson's interval; where users have several journeys, with the number of users that would be as
    informative: ``p (1 - p) / var``, var that of the ratio of sums over users. Labels are held.
    """
    n = len(journeys.user_ids)
    made = np.bincount(journeys.users, minlength=n).astype(float)
    converted = np.bincount(journeys.users[journeys.endings == Ending.CONVERTED], minlength=n).astype(float)
    return tuple(_conversion(made[labels == k], converted[labels == k]) for k in range(n_clusters))


def _conversion(made: FloatArray, converted: FloatArray) -> EarlyConversion:
    n_users = len(made)
    if not n_users:
        return EarlyConversion(value=None, interval=(0.0, 1.0), n_users=0)
    rate = float(converted.sum() / made.sum())
    variance = float(((converted - rate * made) ** 2).sum() / made.sum() ** 2)
    informative = rate * (1 - rate) / variance if variance > 0 else float(n_users)
    return EarlyConversion(value=rate, interval=wilson_interval(rate, informative), n_users=n_users)


def example_users(counts: TransitionCounts, joint: FloatArray) -> list[Examples]:
    """Return the most typical and the most borderline users of each persona.

    Parameters
    ----------
    counts : TransitionCounts
    joint : array of shape (R, K)
        Log weight + log-likelihood of each distinct row under each persona.

    Returns
    -------
    list of Examples, length K
        Up to three each, no two with the same moves, of users with at least as many events as half of
        all users have. Typical: those whose membership is at least 0.99, or the highest three where fewer
        reach it, by how much likelier each of their moves is, on average, than under the next
        persona. Borderline: those of the persona whose membership is closest to that in another, and below
        0.99. With one persona, typical are those of the likeliest moves.
    """
    peak = joint.max(axis=1, keepdims=True)
    memberships = np.exp(joint - peak)
    memberships /= memberships.sum(axis=1, keepdims=True)
    ranked = np.sort(joint, axis=1)
    next_best = ranked[:, -2] if joint.shape[1] > 1 else np.zeros(len(joint))
    lead = ranked[:, -1] - next_best
    per_move = lead / counts.matrix.sum(axis=1)
    order = np.argsort(counts.n_events, kind="stable")
    below = np.cumsum(counts.multiplicity[order])
    half = counts.n_events[order[np.searchsorted(below, below[-1] / 2)]]
    long_enough = counts.n_events >= half
    label = joint.argmax(axis=1)
    found = []
    for k in range(joint.shape[1]):
        mine = np.flatnonzero(long_enough & (label == k))
        highest = np.sort(memberships[mine, k])[-N_USERS:]
        sure = mine[memberships[mine, k] >= min([_CERTAIN, *highest])]
        typical = sure[np.argsort(-per_move[sure], kind="stable")[:N_USERS]]
        unsure = mine[memberships[mine, k] < _CERTAIN]
        closest = unsure[np.argsort(lead[unsure], kind="stable")[:N_USERS]]
        found.append(
            Examples(
                typical=tuple(_example(counts, row, memberships[row]) for row in typical.tolist()),
                borderline=tuple(_example(counts, row, memberships[row]) for row in closest.tolist()),
            )
        )
    return found


def _example(counts: TransitionCounts, row: int, memberships: FloatArray) -> ExampleUser:
    journeys = counts.journeys
    user = int(np.flatnonzero(counts.row_of_user == row)[0])
    journey = int(np.searchsorted(journeys.users, user))
    steps = journeys.steps[journeys.offsets[journey] : journeys.offsets[journey + 1]]
    events = steps[steps < len(journeys.vocabulary)][:_LONGEST_PATH]
    return ExampleUser(
        user_id=journeys.user_ids[user],
        memberships=tuple(memberships.tolist()),
        path=tuple(journeys.vocabulary[code] for code in events),
        n_events=int(counts.n_events[row]),
    )
