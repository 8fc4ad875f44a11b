"""How long moves take: quantiles of each move of a log, pooled where it was seen too rarely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.modeling.moves import time_moves
from persona_tui.engine.types import AnyArray, BoolArray, CodeArray, FloatArray, IntArray

FEWEST_OBSERVED: Final = 30
"""Times that a move must have been seen to keep quantiles of its own."""

_TAIL: Final = 0.95
_N_BODY, _N_TAIL = 48, 15

PROBABILITIES: Final[FloatArray] = np.concatenate(
    [np.linspace(0, _TAIL, _N_BODY, endpoint=False), 1 - (1 - _TAIL) * 0.6 ** np.arange(_N_TAIL), [1.0]]
)
"""Where the distributions are kept: 64 points, closer together in the long upper tail."""
PROBABILITIES.setflags(write=False)

_ALL_MOVES, _ALL_RETURNS, _AT_ONCE = 0, 1, 2
"""The rows of ``quantiles`` that always exist."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DwellTimes:
    """The distribution of the seconds between an event and the next, for every move of a flow.

    A return's gap is spent on the way from the last event into ``return``; the way out takes no time.

    Parameters
    ----------
    states : tuple of str, length n
    rows : int32 array of shape (n, n)
        The row of ``quantiles`` that each move reads.
    quantiles : array of shape (G, 64)
        Seconds at ``PROBABILITIES``; ascending along the last axis.
    observed : int64 array of shape (n, n)
        How often the log has each move; below 30 the move reads pooled quantiles.
    """

    states: tuple[str, ...]
    rows: CodeArray
    quantiles: FloatArray
    observed: IntArray

    def __post_init__(self) -> None:
        for array in (self.rows, self.quantiles, self.observed):
            array.setflags(write=False)

    @property
    def mean_seconds(self) -> FloatArray:
        """Return the mean of what is drawn for each move, shape (n, n)."""
        means: FloatArray = _means(self.quantiles)[self.rows]
        return means

    def draw(
        self,
        generator: np.random.Generator,
        sources: AnyArray,
        targets: AnyArray,
        factors: FloatArray | None = None,
    ) -> FloatArray:
        """Draw how long some moves take.

        Parameters
        ----------
        generator : Generator
        sources, targets : int arrays of shape (N,)
            Positions in ``states``.
        factors : array of shape (n,), optional
            As ``invert``.

        Returns
        -------
        array of shape (N,)
            Seconds.
        """
        return self.invert(generator.random(len(sources)), sources, targets, factors)

    def invert(
        self,
        uniforms: FloatArray,
        sources: AnyArray,
        targets: AnyArray,
        factors: FloatArray | None = None,
    ) -> FloatArray:
        """Return how long some moves take, at given places in their distributions.

        Parameters
        ----------
        uniforms : array of shape (N,)
            From 0 to 1; the same numbers in two arms give the same seconds.
        sources, targets : int arrays of shape (N,)
        factors : array of shape (n,), optional
            What the seconds at each state are multiplied by, such as a persona's ``time_factors`` of a flow;
            the gap before a return is not spent at a step and stays.

        Returns
        -------
        array of shape (N,)

        Notes
        -----
        The inverse distribution function, linear between the quantiles that are kept.
        """
        place = np.clip(np.searchsorted(PROBABILITIES, uniforms, side="right") - 1, 0, len(PROBABILITIES) - 2)
        share = (uniforms - PROBABILITIES[place]) / (PROBABILITIES[place + 1] - PROBABILITIES[place])
        row = self.rows[sources, targets]
        low, high = self.quantiles[row, place], self.quantiles[row, place + 1]
        seconds: FloatArray = low + share * (high - low)
        if factors is not None:
            by_state = np.broadcast_to(factors, len(self.states))
            seconds *= np.where(self.is_return[targets], 1.0, by_state[sources])
        return seconds

    def arranged(self, states: tuple[str, ...]) -> DwellTimes:
        """Return the times over the states of another flow, such as one with inserted steps.

        Parameters
        ----------
        states : tuple of str, length m
            Moves from or into a state that the log does not have take as long as any move.

        Raises
        ------
        SimulationError
            If one of both has returns and the other not: they are of different units.
        """
        if states == self.states:
            return self
        if (RETURN in states) != (RETURN in self.states):
            raise SimulationError(
                "The dwell times are of journeys of another unit than the flow.",
                hint="Fit them on the journeys that the flow is estimated from.",
            )
        known = [self.states.index(name) if name in self.states else -1 for name in states]
        place = np.array(known)
        rows, observed = _unseen(states)
        both = (place[:, None] >= 0) & (place >= 0)
        rows = np.where(both, self.rows[place[:, None], place], rows)
        observed = np.where(both, self.observed[place[:, None], place], observed)
        return replace(self, states=states, rows=rows, observed=observed)

    @property
    def is_return(self) -> BoolArray:
        """Return which state stands for coming back, shape (n,)."""
        return np.asarray(np.array(self.states) == RETURN, dtype=bool)


def fit_dwell(sequences: Sequences, journeys: Journeys, users: BoolArray | None = None) -> DwellTimes:
    """Return how long the moves of a log take.

    Parameters
    ----------
    sequences : Sequences
    journeys : Journeys
        Cut from the same sequences: what they leave out after a completion counts here neither.
    users : bool array of shape (U,), optional
        Whose moves count; everybody's where left out.

    Returns
    -------
    DwellTimes
        Over the event types, and ``return`` under ``user``.

    Notes
    -----
    A move that was seen 30 times or more keeps quantiles of its own; a rarer one takes those of all moves
    within a session from the same event, where these are 30 or more, and else those of all moves. Returns
    are pooled with returns only: by the event they come after, else all.

    Quantiles are linear between the midpoints of the sample's steps (Hazen), which keeps the mean; the
    excess over the 95th percentile, where there is any, is scaled to make up for thinning them to 64.
    Moves are sorted once by event and seconds: O(N log N). At most 64 numbers are kept for 30 moves.

    References
    ----------
    Hyndman & Fan (1996), Sample quantiles in statistical packages, *American Statistician* 50, 361-365,
    definition 5.

    Examples
    --------
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u",), codes=np.arange(100, dtype=np.int32) % 2,
    ...     users=np.zeros(100, np.int32), sessions=np.zeros(100, np.int64), times=np.arange(100) * 5_000_000)
    >>> fit_dwell(log, cut_journeys(log, unit="session")).mean_seconds
    array([[5., 5.],
           [5., 5.]])
    """
    states = journeys.vocabulary + ((RETURN,) if journeys.unit == "user" else ())
    n, n_events = len(states), len(journeys.vocabulary)
    timed = time_moves(sequences, journeys)
    order = np.lexsort((timed.microseconds, timed.sources))
    if users is not None:
        order = order[users[timed.users[order]]]
    sources, targets, seconds = timed.sources[order], timed.targets[order], timed.microseconds[order] / 1e6
    pair = sources * n + targets
    returns = targets == n_events
    rows, observed = _unseen(states)
    observed = observed + np.bincount(pair, minlength=n * n).reshape(n, n)
    tables = [np.zeros((1, len(PROBABILITIES)))] * 3
    for row, chosen in ((_ALL_MOVES, ~returns), (_ALL_RETURNS, returns)):
        if chosen.any():
            tables[row] = _tabulate(np.sort(seconds[chosen]), np.array([0]), np.array([chosen.sum()]))
    by_source = _grouped(sources[~returns], seconds[~returns])
    rows[by_source[0], :n_events] = 3 + np.arange(len(by_source[0]))[:, None]
    by_pair = _grouped(pair, seconds)
    rows[by_pair[0] // n, by_pair[0] % n] = 3 + len(by_source[0]) + np.arange(len(by_pair[0]))
    quantiles = np.concatenate([*tables, by_source[1], by_pair[1]])
    return DwellTimes(states=states, rows=rows, quantiles=quantiles, observed=observed)


def _unseen(states: tuple[str, ...]) -> tuple[CodeArray, IntArray]:
    """Return the rows and counts of moves of which nothing is known."""
    rows = np.full((len(states), len(states)), _ALL_MOVES, dtype=np.int32)
    returns = np.array(states) == RETURN
    rows[:, returns] = _ALL_RETURNS
    rows[returns] = _AT_ONCE
    return rows, np.zeros(rows.shape, dtype=np.int64)


def _grouped(keys: IntArray, seconds: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the keys that occur often enough, and their quantiles; seconds ascend within a key's source."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=-1))
    sizes = np.diff(np.append(begins, len(ordered)))
    often = sizes >= FEWEST_OBSERVED
    return ordered[begins[often]], _tabulate(seconds[order], begins[often], sizes[often])


def _tabulate(seconds: FloatArray, begins: IntArray, sizes: IntArray) -> FloatArray:
    """Return the quantiles of runs of ascending seconds, shape (G, 64), their means kept."""
    if not len(sizes):
        return np.zeros((0, len(PROBABILITIES)))
    place = np.clip(PROBABILITIES * sizes[:, None] - 0.5, 0, sizes[:, None] - 1)
    below = place.astype(np.int64)
    above = np.minimum(below + 1, sizes[:, None] - 1) + begins[:, None]
    low, high = seconds[below + begins[:, None]], seconds[above]
    quantiles: FloatArray = low + (place - below) * (high - low)
    sums = np.add.reduceat(np.append(seconds, 0.0), np.stack([begins, begins + sizes], axis=1).ravel())[::2]
    pivot = quantiles[:, _N_BODY, None]
    excess = np.maximum(quantiles - pivot, 0.0)
    kept = _means(excess)
    missing = sums / sizes - _means(quantiles)
    factors = np.divide(kept + missing, kept, out=np.ones_like(kept), where=kept > 0)
    quantiles += excess * (np.maximum(factors, 0.0) - 1)[:, None]
    return quantiles


def _means(quantiles: FloatArray) -> FloatArray:
    """Return the means of distributions that are linear between their quantiles, shape (G,)."""
    means: FloatArray = (quantiles[:, 1:] + quantiles[:, :-1]) @ np.diff(PROBABILITIES) / 2
    return means
