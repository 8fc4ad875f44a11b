"""Users told apart by attributes: each persona's chain once for all users that a change treats alike.

Attributes took no part in finding personas, so a persona's chain is that of all its users, whatever
segment they are in; only the shares differ. Telling users apart changes nothing in control.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from persona_tui.engine.data.attributes import Attributes
from persona_tui.engine.errors import PersonaError, SimulationError
from persona_tui.engine.modeling.counts import TransitionCounts, smooth
from persona_tui.engine.modeling.shrinkage import DEFAULT_PRIOR
from persona_tui.engine.params import format_segment, parse_segment
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.population import PopulationSimulator, without_personas
from persona_tui.engine.simulation.uncertainty import DRAWS_PER_BLOCK, FlowDraws, drawn_row_weights
from persona_tui.engine.statistics import divide_weights
from persona_tui.engine.types import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UserSets:
    """Users of one distinct row of counts and one pattern of segments, N sets in order of their row.

    Parameters
    ----------
    patterns : tuple of frozenset of str, length P
        The segments that users can be in together; only those that occur.
    rows, places : int64 arrays of shape (N,)
        Row of counts and pattern of each set.
    n_users : array of shape (N,)
    memberships : array of shape (N, K)
    n_journeys : array of shape (N,)
        Journeys of one user of the set.
    matrix : sparse array of shape (N, F)
        Moves of one user of the set.
    """

    patterns: tuple[frozenset[str], ...]
    rows: IntArray
    places: IntArray
    n_users: FloatArray
    memberships: FloatArray
    n_journeys: FloatArray
    matrix: csr_array

    def proportions(self, weights: FloatArray) -> FloatArray:
        """Return how each persona's journeys divide into patterns, shape (B, K, P).

        Parameters
        ----------
        weights : array of shape (N, B)
            Weight of all users of each set.
        """
        journeys = self.n_journeys[:, None] * self.memberships
        return _divided(
            [
                weights[self.places == place].T @ journeys[self.places == place]
                for place in range(len(self.patterns))
            ]
        )

    def proportions_of_moves(self, weights: FloatArray) -> FloatArray:
        """Return how each move of each persona divides into patterns, shape (B, K, P, F).

        Parameters
        ----------
        weights : array of shape (N, B)
        """
        n_draws, n_personas = weights.shape[1], self.memberships.shape[1]
        moved = []
        for place in range(len(self.patterns)):
            chosen = np.flatnonzero(self.places == place)
            mass = weights[chosen][:, None, :] * self.memberships[chosen][:, :, None]
            flat = self.matrix[chosen].T @ mass.reshape(len(chosen), -1)
            moved.append(flat.reshape(-1, n_personas, n_draws).transpose(2, 1, 0))
        return np.moveaxis(_divided(moved), -1, 2)

    def divide(self, row_weights: FloatArray, generator: np.random.Generator) -> FloatArray:
        """Return weights of the sets, shape (N, B), given bootstrap weights of the rows, shape (R, B)."""
        return divide_weights(generator, row_weights, self.rows, self.n_users)


def _divided(parts: list[FloatArray]) -> FloatArray:
    """Return parts as shares of their sum, along a new last axis; even where there is nothing to divide."""
    stacked = np.stack(parts, axis=-1)
    total = stacked.sum(axis=-1, keepdims=True)
    even = np.full_like(stacked, 1.0 / len(parts))
    shares: FloatArray = np.divide(stacked, total, out=even, where=total > 0)
    return shares


@dataclass(frozen=True, eq=False)
class SegmentedSimulator(ProductFlowSimulator):
    """A simulator whose personas have one chain for each pattern of segments; see ``split_by_segments``.

    Chains are in order of persona, then of pattern.

    Parameters
    ----------
    whole : ProductFlowSimulator
        The simulator without segments.
    sets : UserSets
    """

    whole: ProductFlowSimulator = field(kw_only=True)
    sets: UserSets = field(kw_only=True)

    @property
    def persona_cells(self) -> tuple[tuple[int, ...], ...]:
        """Return the positions of each persona's chains."""
        width = len(self.sets.patterns)
        return tuple(
            tuple(range(number * width, (number + 1) * width)) for number in range(len(self.persona_names))
        )

    @property
    def segments(self) -> tuple[frozenset[str], ...]:
        """Return the segments that the users of each chain are in."""
        return self.sets.patterns * len(self.persona_names)

    @property
    def names(self) -> tuple[str, ...]:
        """Return a name for each chain: its persona's, with the segments."""
        words = [" and ".join(sorted(pattern)) or "others" for pattern in self.sets.patterns]
        return tuple(f"{name} ({each})" for name in self.persona_names for each in words)

    @cached_property
    def counts(self) -> TransitionCounts:
        """Return the transition counts of the journeys."""
        return self.whole.counts

    @cached_property
    def pooled(self) -> FloatArray:
        """Return the smoothed chain of all users, shape (n + 1, n + 1)."""
        return self.whole.pooled

    @cached_property
    def memberships(self) -> FloatArray:
        """Return the mean membership of the users behind each distinct row, shape (R, n_clusters)."""
        return self.whole.memberships

    @cached_property
    def proportions(self) -> FloatArray:
        """Return how each persona's journeys divide into patterns, shape (n_clusters, P)."""
        (proportions,) = self.sets.proportions(self.sets.n_users[:, None])
        return np.asarray(proportions)

    @cached_property
    def shares(self) -> FloatArray:
        """Return each chain's share of journeys, shape (K,)."""
        shares: FloatArray = (self.whole.shares[:, None] * self.proportions).ravel()
        return shares

    @cached_property
    def moved(self) -> FloatArray:
        """Return how often each move that occurs was made, shape (K, F), users in parts."""
        (shares,) = self.sets.proportions_of_moves(self.sets.n_users[:, None])
        moved = self.whole.moved[:, None, :] * shares
        return np.asarray(moved.reshape(-1, moved.shape[-1]))

    def estimate_chains(self, moved: FloatArray) -> FloatArray:
        """Return chains of shape (..., K, n + 1, n + 1), each shrunk toward that of its persona.

        Parameters
        ----------
        moved : array of shape (..., K, F)
        """
        width = len(self.sets.patterns)
        by_persona = moved.reshape(*moved.shape[:-2], -1, width, moved.shape[-1])
        toward = np.repeat(self.whole.estimate_chains(by_persona.sum(axis=-2)), width, axis=-3)
        prior = min(self.generator.prior, DEFAULT_PRIOR)  # how alike personas are is another matter
        return smooth(self.counts.tabulate(moved), toward, prior)


def split_by_segments(simulator: ProductFlowSimulator, segments: Sequence[str]) -> ProductFlowSimulator:
    """Return the simulator with users told apart by segments; the same one where none is named.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    segments : sequence of str
        Each as ``attribute=value|value``; they may overlap.

    Returns
    -------
    ProductFlowSimulator
        With one chain for each persona and pattern of segments that occurs, shrunk toward that of the
        persona. Personas that are excluded stay so. Its ``persona_cells`` say which chains are of which
        persona, its ``persona_names`` are those of before. The control of a persona, pooled over its
        chains, is what it was but for smoothing and open journeys.

    Raises
    ------
    SimulationError
        If the simulator has no attributes, they are of other users, or several segments are wrong.
    UnknownNameError, DataError
        If one segment is wrong, as ``Attributes.in_segment``.

    Notes
    -----
    A chain's share is the persona's share times the part of the persona's journeys, weighted
    by membership, that are of users with the pattern.
    """
    wanted = tuple(dict.fromkeys(map(_canonical, segments)))
    if not wanted:
        return simulator
    if isinstance(simulator, PopulationSimulator):
        return without_personas(split_by_segments(simulator.whole, wanted), simulator.positions)
    attributes = simulator.attributes
    if attributes is None:
        raise SimulationError(
            f"The segment {wanted[0]} needs attributes of users, and the simulator has none.",
            hint="Give it attributes=attributes_of(events, sequences, completion=…).",
        )
    if attributes.user_ids != simulator.generator.sequences.user_ids:
        raise SimulationError("The attributes are not those of the simulator's users.")
    sets = _gather_sets(simulator, wanted, _members(attributes, wanted))
    given = {each.name: getattr(simulator, each.name) for each in fields(ProductFlowSimulator)}
    return SegmentedSimulator(**given, whole=simulator, sets=sets)


def _canonical(segment: str) -> str:
    try:
        return format_segment(*parse_segment(segment))
    except ValueError as fault:
        raise SimulationError(f"Segment {fault}", hint="For example: device=mobile|tablet") from None


def _members(attributes: Attributes, segments: Sequence[str]) -> IntArray:
    """Return 1 for each user in each segment, shape (S, U); every fault is told."""
    inside, faults = [], []
    for segment in segments:
        try:
            inside.append(attributes.in_segment(segment))
        except PersonaError as fault:
            faults.append(fault)
    if len(faults) > 1:
        raise SimulationError(f"{len(faults)} faults: {' '.join(each.message for each in faults)}")
    if faults:
        raise faults[0]
    return np.array(inside, dtype=np.int64)


def _gather_sets(simulator: ProductFlowSimulator, segments: tuple[str, ...], members: IntArray) -> UserSets:
    counts, generator = simulator.counts, simulator.generator
    distinct, place_of_user = np.unique(members, axis=1, return_inverse=True)
    n_patterns = distinct.shape[1]
    keys, set_of_user = np.unique(
        counts.row_of_user * n_patterns + place_of_user.ravel(), return_inverse=True
    )
    n_users = np.bincount(set_of_user).astype(float)
    rows = keys // n_patterns
    if generator.soft:
        memberships = simulator.memberships[rows]
    else:  # users of one row can be in different clusters
        memberships = np.zeros((len(keys), generator.n_clusters))
        np.add.at(memberships, set_of_user, generator.memberships)
        memberships /= n_users[:, None]
    return UserSets(
        patterns=tuple(
            frozenset(each for each, holds in zip(segments, pattern, strict=True) if holds)
            for pattern in distinct.T
        ),
        rows=rows,
        places=keys % n_patterns,
        n_users=n_users,
        memberships=memberships,
        n_journeys=counts.n_journeys[rows],
        matrix=counts.matrix[rows],
    )


def split_draws(draws: FlowDraws, simulator: ProductFlowSimulator) -> FlowDraws:
    """Return draws of a simulator as those of the same one with users told apart by segments.

    Parameters
    ----------
    draws : FlowDraws
        Of the simulator without segments.
    simulator : ProductFlowSimulator
        As ``split_by_segments`` returned it; without segments, the draws are returned as they are.

    Returns
    -------
    FlowDraws
        The same moves and shares of personas in every draw, divided among segments as the weights of
        their users divide them.

    Notes
    -----
    The weights of rows are those of the draws themselves; memberships are held at the fit, which
    leaves out only how refitting moves users between personas by segment. O(N B) gamma numbers, N the
    sets of users that differ in counts or pattern, and O(B K F P) numbers kept.
    """
    if isinstance(simulator, PopulationSimulator):
        return replace(split_draws(draws, simulator.whole), simulator=simulator)
    if not isinstance(simulator, SegmentedSimulator):
        return draws
    sets, multiplicity = simulator.sets, simulator.counts.multiplicity
    moved, shares = [], []
    for block, row_weights in enumerate(drawn_row_weights(multiplicity, draws.n_draws, draws.seed)):
        size = row_weights.shape[1]
        drawn = slice(block * DRAWS_PER_BLOCK, block * DRAWS_PER_BLOCK + size)
        weights = sets.divide(row_weights, stream(draws.seed, Stream.SEGMENTS, block))
        shares.append((draws.shares[drawn][..., None] * sets.proportions(weights)).reshape(size, -1))
        divided = draws.moved[drawn][:, :, None, :] * sets.proportions_of_moves(weights)
        moved.append(divided.reshape(size, -1, divided.shape[-1]))
    return replace(
        draws,
        simulator=simulator,
        moved=np.concatenate(moved),
        shares=np.concatenate(shares),
        conversions=np.repeat(draws.conversions, len(sets.patterns), axis=1),
    )
