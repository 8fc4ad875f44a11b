"""Counts of synthetic users by state and step: as many users as one likes, at the cost of one.

The users of a persona who stand in one state move on together, by one multinomial draw. The counts are
distributed as those of single walks, but no walker can be told from another, so the two arms of
an experiment are independent draws: they share no uniforms, and their difference is noisier than that
of walks on common random numbers. With the numbers of users that only counts can afford, it is small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.simulation.flow import (
    EXIT,
    FRICTION,
    N_ENDS,
    Flow,
    Outcomes,
    StateKind,
    without_returns,
)
from persona_tui.engine.types import FloatArray, IntArray

MOST_USERS: Final = 10**12
"""Per persona; beyond it counts of events might overflow."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CohortCounts:
    """How many users of each persona ended how, and where.

    ``converted + dropped + exited + truncated`` is ``n_users``, exactly.

    Parameters
    ----------
    n_users, converted, dropped, exited, truncated : int64 arrays of shape (K,)
        Users.
    events : int64 array of shape (K,)
        Events of all of them: inserted and final ones too, returns not.
    squared_events : array of shape (K,)
        Sum over users of the square of their events.
    leaving : int64 array of shape (K, n)
        Moves from each state to exit, friction or a drop event.
    visits : int64 array of shape (K, n)
        Arrivals at each state.
    """

    n_users: IntArray
    converted: IntArray
    dropped: IntArray
    exited: IntArray
    truncated: IntArray
    events: IntArray
    squared_events: FloatArray
    leaving: IntArray
    visits: IntArray

    @property
    def metrics(self) -> dict[str, FloatArray]:
        """Return the reported metrics by name, shape (K,); NaN where a persona has no users."""
        totals = {
            "completion_rate": self.converted,
            "drop_off_rate": self.dropped + self.exited,
            "truncated_rate": self.truncated,
            "avg_length": self.events,
        }
        return {name: self._per_user(total) for name, total in totals.items()}

    @property
    def length_variance(self) -> FloatArray:
        """Return the variance of the events of a user, shape (K,); NaN where a persona has no users."""
        return self._per_user(self.squared_events) - self._per_user(self.events) ** 2

    def _per_user(self, total: IntArray | FloatArray) -> FloatArray:
        missing = np.full(len(self.n_users), np.nan)
        mean: FloatArray = np.divide(total, self.n_users, out=missing, where=self.n_users > 0)
        return mean


def simulate_cohort(
    flow: Flow, counts_per_persona: IntArray, max_length: int, seed: np.random.SeedSequence, arm: int = 0
) -> CohortCounts:
    """Walk a number of users of each persona, counted by state.

    Parameters
    ----------
    flow : Flow
        Without leading axes.
    counts_per_persona : int array of shape (K,)
        Users; 0 to 10 ** 12 each.
    max_length : int
        Events after which a walk is truncated.
    seed : SeedSequence
        Each arm and persona reads a stream of its own.
    arm : int
        0 for control, 1 for treatment.

    Returns
    -------
    CohortCounts

    Raises
    ------
    SimulationError
        If a number of users is out of bounds, or they could have too many events to count.

    Notes
    -----
    One multinomial draw a state and step: O(K n ** 2 max_length) whatever the number of users, less
    where all have ended before. Returns are folded into the moves between events.

    Examples
    --------
    >>> flow = Flow(
    ...     states=("look", "buy"),
    ...     kinds=np.array([StateKind.EVENT, StateKind.COMPLETION]),
    ...     unit="session",
    ...     starts=np.array([[1.0, 0.0]]),
    ...     transitions=np.array([[[0.0, 0.25, 0.75, 0.0], [0.0, 0.0, 0.0, 0.0]]]),
    ...     support=np.zeros((1, 2, 4)),
    ...     friction_is_drop=True,
    ... )
    >>> counts = simulate_cohort(flow, np.array([10**9]), 5, np.random.SeedSequence(0))
    >>> counts.metrics["completion_rate"].round(3)
    array([0.25])
    """
    users = np.asarray(counts_per_persona, dtype=np.int64)
    _check(users, max_length)
    moves = without_returns(flow)
    tallies = [
        _Tally(flow, moves[k], int(count), max_length).run(
            flow.starts[k], stream(seed, Stream.COHORT, arm, k)
        )
        for k, count in enumerate(users)
    ]
    return CohortCounts(
        n_users=users,
        converted=np.array([each.converted for each in tallies]),
        dropped=np.array([each.dropped for each in tallies]),
        exited=np.array([each.exited for each in tallies]),
        truncated=np.array([each.truncated for each in tallies]),
        events=np.array([int(each.visits.sum()) for each in tallies]),
        squared_events=np.array([each.squared_events for each in tallies]),
        leaving=np.stack([each.leaving for each in tallies]),
        visits=np.stack([each.visits for each in tallies]),
    )


def _check(users: IntArray, max_length: int) -> None:
    wrong = users[(users < 0) | (users > MOST_USERS)]
    if len(wrong):
        raise SimulationError(f"users of a persona == {wrong[0]}, must be 0 to {MOST_USERS}.")
    if len(users) and int(users.max()) * max_length > np.iinfo(np.int64).max:
        raise SimulationError(
            f"{users.max()} users of up to {max_length} events are too many to count.",
            hint="Set max_length, or ask for fewer.",
        )


class _Tally:
    """The users of one persona, all moves added up."""

    def __init__(self, flow: Flow, moves: FloatArray, n_users: int, max_length: int) -> None:
        self.flow, self.n_users, self.max_length = flow, n_users, max_length
        self.walking = np.flatnonzero(~flow.absorbing & (flow.kinds != StateKind.RETURN))
        self.moves, self.back = _likeliest_last(moves[self.walking])
        self.moved = np.zeros(self.moves.shape, dtype=np.int64)
        self.squared_events = 0.0

    def run(self, starts: FloatArray, generator: np.random.Generator) -> _Tally:
        """Walk until all have ended or been cut."""
        chances, back = _likeliest_last(starts[None])
        users = generator.multinomial(self.n_users, chances[0])[back[0]]
        self.visits = users.copy()
        self.squared_events += float(self.n_users)
        n_states = self.flow.n_states
        for event in range(2, self.max_length + 1):
            walking = users[self.walking]
            if not walking.any():
                break
            moved = generator.multinomial(walking, self.moves).take(self.back)
            self.moved += moved
            users = moved[:, :n_states].sum(axis=0)
            self.squared_events += (2 * event - 1) * float(users.sum())
        self.visits += self.moved[:, :n_states].sum(axis=0)
        self.truncated = int(users[self.walking].sum())
        return self

    @property
    def leaving(self) -> IntArray:
        """Return the moves from each state to exit, friction or a drop event, shape (n,)."""
        leaving = np.zeros(self.flow.n_states, dtype=np.int64)
        leaving[self.walking] = self.moved[:, self.flow.leaving_columns].sum(axis=1)
        return leaving

    @property
    def converted(self) -> int:
        """Return how many reached completion."""
        return int(self.visits[self.flow.kinds == StateKind.COMPLETION].sum())

    @property
    def dropped(self) -> int:
        """Return how many ended with a drop event."""
        drops = self.flow.kinds == StateKind.DROP
        from_drop = drops[self.walking]
        dropped = self.visits[self.flow.absorbing & drops].sum() + self.moved[from_drop, -N_ENDS:].sum()
        if self.flow.friction_is_drop:
            dropped += self.moved[~from_drop, FRICTION].sum()
        return int(dropped)

    @property
    def exited(self) -> int:
        """Return how many left otherwise."""
        others = self.flow.kinds[self.walking] != StateKind.DROP
        exited = self.moved[others, EXIT].sum()
        if not self.flow.friction_is_drop:
            exited += self.moved[others, FRICTION].sum()
        return int(exited)


def _likeliest_last(rows: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return rows in ascending order, normalised, and where in them each column went, flattened.

    A multinomial draw gives the last column whoever rounding leaves over; that must
    be a move that is possible, and one of the likeliest is far from being rounded.
    """
    order = np.argsort(rows, axis=-1, kind="stable")
    ascending = np.take_along_axis(rows, order, axis=-1)
    back = np.argsort(order, axis=-1, kind="stable") + np.arange(len(rows))[:, None] * rows.shape[1]
    return ascending / ascending.sum(axis=-1, keepdims=True), back


def arm_variance(metric: str, exact: Outcomes, counts: CohortCounts) -> FloatArray:
    """Return the variance of a metric over the users of one arm, shape (K,); 0 where there are none."""
    if metric == "avg_length":
        return np.maximum(np.nan_to_num(counts.length_variance), 0.0)
    rate = exact.metrics[metric]
    return np.maximum(rate * (1 - rate), 0.0)
