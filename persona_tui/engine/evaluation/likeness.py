"""How unlike two sets of journeys are: in their lengths, their times and their order of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.evaluation.distances import ks_distance, total_variation
from persona_tui.engine.evaluation.followed import Followed, follow_seconds
from persona_tui.engine.evaluation.held_out import Trained
from persona_tui.engine.modeling.journeys import kept_events
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.simulation.horizon import shortest_horizon
from persona_tui.engine.simulation.paths import walk_sequences
from persona_tui.engine.statistics import interval, largest_remainder
from persona_tui.engine.types import AnyArray, BoolArray, FloatArray, IntArray

N_SPLITS: Final = 40
"""Into halves; the mean distance of so many is known to a sixth of its spread."""
GRAM: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shapes:
    """What journeys look like, one by one.

    Parameters
    ----------
    owners : int64 array of shape (J,)
        Whom each belongs to; halves are drawn of these.
    lengths : int64 array of shape (J,)
        Events.
    seconds : array of shape (J,)
        From the first event to the last.
    grams : int64 array of shape (T,)
        Runs of three states, the start and the end among them, as numbers.
    gram_owners : int64 array of shape (T,)
    """

    owners: IntArray
    lengths: IntArray
    seconds: FloatArray
    grams: IntArray
    gram_owners: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How far simulated journeys are from those held out, beside how far two halves of the real ones are.

    Parameters
    ----------
    name : str
    distance : float
        From 0, the same distribution, to 1: the mean over pairs of halves.
    floor : float
        The same between two halves of the real users.
    floor_interval : (float, float)
        Where 95 % of such halves lie.
    n_users : int
        Held out, all folds together; a half has half of them.
    """

    name: str
    distance: float
    floor: float
    floor_interval: tuple[float, float]
    n_users: int

    @property
    def excess(self) -> float:
        """Return how much further simulated journeys are than real ones are from each other."""
        return max(self.distance - self.floor, 0.0)


def shapes_of(followed: Followed) -> Shapes:
    """Return what real journeys look like."""
    journeys = followed.journeys
    kept = kept_events(followed.sequences, journeys)
    lengths = np.add.reduceat(
        (journeys.steps < len(journeys.vocabulary)).astype(np.int64), journeys.offsets[:-1]
    )
    grams, owners = runs_of(journeys.steps, journeys.offsets, journeys.n_states, GRAM)
    return Shapes(
        owners=journeys.users.astype(np.int64),
        lengths=lengths,
        seconds=follow_seconds(followed.sequences, journeys, kept),
        grams=grams,
        gram_owners=journeys.users.astype(np.int64)[owners],
    )


def simulate_shapes(
    trained: Trained, n_journeys: int, seed: np.random.SeedSequence, *, first_owner: int = 0
) -> Shapes:
    """Return what journeys look like that a flow walks.

    Parameters
    ----------
    trained : Trained
    n_journeys : int
    seed : SeedSequence
    first_owner : int
        Number of the first journey's owner; each has an owner of its own.
    """
    flow, shares = trained.simulator.flow, trained.simulator.shares
    longest = shortest_horizon((flow, shares))
    parts: list[Shapes] = []
    for persona, n in enumerate(largest_remainder(shares, n_journeys)):
        if not n:
            continue
        walked = walk_sequences(flow, persona, int(n), longest, seed)
        offsets = np.append(0, np.cumsum(walked.visits))
        seconds = _walked_seconds(trained, walked.states, offsets, stream(seed, Stream.WALKED_TIMES, persona))
        grams, owners = runs_of(walked.states, offsets, flow.n_states, GRAM)
        lengths = walked.walks.lengths.astype(np.int64)
        begins = first_owner + sum(len(part.owners) for part in parts)
        parts.append(
            Shapes(
                owners=begins + np.arange(n),
                lengths=lengths,
                seconds=seconds,
                grams=grams,
                gram_owners=begins + owners,
            )
        )
    return join_shapes(parts)


def join_shapes(parts: list[Shapes]) -> Shapes:
    """Return several sets of journeys as one."""
    return Shapes(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("owners", "lengths", "seconds", "grams", "gram_owners")
        }
    )


def compare_shapes(
    real: Shapes, simulated: Shapes, *, n_users: int, generator: np.random.Generator
) -> tuple[Likeness, ...]:
    """Return how far simulated journeys are from real ones, beside two halves of the real ones.

    Parameters
    ----------
    real, simulated : Shapes
    n_users : int
        Owners of the real ones are below it; of the simulated ones, below the number of these.
    generator : Generator

    Notes
    -----
    Half of the simulated journeys against half of the real users, and the other half of these against the
    first: equally many on either side, so that a perfect simulation is as far as the halves are. Lengths
    and times by the largest difference of the distribution functions, runs by the total variation.
    """
    n_simulated = len(simulated.owners)
    names = np.unique(np.concatenate([real.grams, simulated.grams]))
    codes = [np.searchsorted(names, each.grams) for each in (real, simulated)]
    found = []
    for _ in range(N_SPLITS):
        halves = [generator.permutation(n) % 2 == 0 for n in (n_users, n_simulated)]
        one, other = (_Half.of(real, codes[0], side, len(names)) for side in (halves[0], ~halves[0]))
        made = _Half.of(simulated, codes[1], halves[1], len(names))
        found.append([[*made.distances(one)], [*other.distances(one)]])
    distances = np.array(found)
    means = distances.mean(axis=0)
    return tuple(
        Likeness(
            name=name,
            distance=float(means[0, place]),
            floor=float(means[1, place]),
            floor_interval=interval(distances[:, 1, place]),
            n_users=n_users,
        )
        for place, name in enumerate(("events per journey", "time from first to last event", "runs of three"))
    )


@dataclass(frozen=True, slots=True)
class _Half:
    lengths: FloatArray
    seconds: FloatArray
    grams: AnyArray

    @classmethod
    def of(cls, shapes: Shapes, codes: IntArray, chosen: BoolArray, n_grams: int) -> _Half:
        rows, grams = chosen[shapes.owners], chosen[shapes.gram_owners]
        return cls(
            shapes.lengths[rows].astype(float),
            shapes.seconds[rows],
            np.bincount(codes[grams], minlength=n_grams),
        )

    def distances(self, other: _Half) -> tuple[float, float, float]:
        return (
            ks_distance(self.lengths, other.lengths),
            ks_distance(self.seconds, other.seconds),
            float(total_variation(self.grams, other.grams)),
        )


def runs_of(steps: AnyArray, offsets: IntArray, n_states: int, size: int) -> tuple[IntArray, IntArray]:
    """Return every run of some states that follow each other, as a number, and the journey it is of.

    Parameters
    ----------
    steps : int array
        States of all journeys, one after the other.
    offsets : int64 array of shape (J + 1,)
    n_states : int
    size : int
        States of a run; the start before a journey and the end after it are among them, so that a journey
        of n states has n + 3 - size runs.

    Examples
    --------
    >>> runs, journeys = runs_of(np.array([0, 1, 1]), np.array([0, 2, 3]), 2, 2)
    >>> [divmod(run, 4) for run in runs.tolist()], journeys.tolist()
    ([(2, 0), (0, 1), (1, 3), (2, 1), (1, 3)], [0, 0, 0, 1, 1])
    """
    n, base = len(offsets) - 1, n_states + 2
    sizes = np.diff(offsets) + 2
    begins = np.cumsum(sizes) - sizes
    padded = np.full(int(sizes.sum()), n_states, dtype=np.int64)
    owners = np.repeat(np.arange(n), np.diff(offsets))
    padded[np.arange(len(steps)) + 2 * owners + 1] = steps
    padded[begins + sizes - 1] = n_states + 1
    of_state = np.repeat(np.arange(n), sizes)
    n_runs = max(len(padded) - size + 1, 0)
    runs = np.zeros(n_runs, dtype=np.int64)
    for place in range(size):
        runs = runs * base + padded[place : place + n_runs]
    inside = of_state[:n_runs] == of_state[size - 1 :]
    return runs[inside], of_state[:n_runs][inside]


def _walked_seconds(
    trained: Trained, states: AnyArray, offsets: IntArray, generator: np.random.Generator
) -> FloatArray:
    """Return how long walked journeys take from their first event to their last."""
    onward = np.ones(len(states), dtype=bool)
    onward[offsets[1:] - 1] = False
    sources = np.flatnonzero(onward)
    seconds = np.zeros(len(states))
    targets = states[sources + 1]
    took = trained.dwell.draw(generator, states[sources], targets)
    seconds[sources] = took
    total: FloatArray = np.add.reduceat(seconds, offsets[:-1])
    return total
