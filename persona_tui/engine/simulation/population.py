"""The users that predictions speak of: those of all personas but the ones that are excluded.

The fit stays as it is. An excluded persona keeps its part of the mixture, so that nobody who belongs to it
is taken for a user of another; its users, by their memberships, are left out of every mean, share and count
that is predicted. This is the only place that knows how.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Final

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

_LEAST_MASS: Final = 1e-300
_MOSTLY: Final = 0.5


@dataclass(frozen=True, eq=False)
class PopulationSimulator(ProductFlowSimulator):
    """A simulator without the users of some personas; see ``without_personas``.

    Parameters
    ----------
    whole : ProductFlowSimulator
        The simulator with them.
    positions : tuple of int
        Those of the personas that are excluded, from 0, ascending; not all.
    """

    whole: ProductFlowSimulator = field(kw_only=True)
    positions: tuple[int, ...] = field(kw_only=True)

    @property
    def kept(self) -> tuple[int, ...]:
        """Return the positions of the personas that are not excluded."""
        everyone = range(len(self.whole.persona_names))
        return tuple(position for position in everyone if position not in self.positions)

    @property
    def excluded(self) -> tuple[tuple[int, str], ...]:
        """Return the number, from 1, and the name of each persona that is excluded."""
        return tuple((position + 1, self.whole.persona_names[position]) for position in self.positions)

    @cached_property
    def cells(self) -> IntArray:
        """Return which chains of the whole are of personas that are not excluded, shape (K,)."""
        return np.array([cell for position in self.kept for cell in self.whole.persona_cells[position]])

    @property
    def persona_names(self) -> tuple[str, ...]:
        """Return the names of the personas that are not excluded."""
        return tuple(self.whole.persona_names[position] for position in self.kept)

    @property
    def persona_cells(self) -> tuple[tuple[int, ...], ...]:
        """Return the positions of each persona's chains among those that are not excluded."""
        place = {int(cell): number for number, cell in enumerate(self.cells)}
        return tuple(
            tuple(place[cell] for cell in self.whole.persona_cells[position]) for position in self.kept
        )

    @property
    def segments(self) -> tuple[frozenset[str], ...]:
        """Return the segments that the users of each chain are in; empty where they are not told apart."""
        segments = self.whole.segments
        return tuple(segments[cell] for cell in self.cells) if segments else ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return a name for each chain."""
        return tuple(self.whole.names[cell] for cell in self.cells)

    @cached_property
    def counts(self) -> TransitionCounts:
        """Return the transition counts of all journeys, those of excluded users too."""
        return self.whole.counts

    @cached_property
    def pooled(self) -> FloatArray:
        """Return the smoothed chain of all users, shape (n + 1, n + 1)."""
        return self.whole.pooled

    @cached_property
    def memberships(self) -> FloatArray:
        """Return the mean membership of the users behind each distinct row, shape (R, K).

        Rows sum to the part of their users that is not excluded.
        """
        memberships: FloatArray = self.whole.memberships[:, list(self.kept)]
        return memberships

    @cached_property
    def shares(self) -> FloatArray:
        """Return each chain's share of the journeys that are not excluded, shape (K,)."""
        return self.of_population(self.whole.shares)

    @cached_property
    def moved(self) -> FloatArray:
        """Return how often each move was made, in every chain of the whole."""
        return self.whole.moved

    @cached_property
    def support(self) -> FloatArray:
        """Return the observed moves behind each transition, shape (K, n, n + 2)."""
        support: FloatArray = self.whole.support[self.cells]
        return support

    def estimate_chains(self, moved: FloatArray) -> FloatArray:
        """Return the chains that are not excluded, just as they are in the whole.

        Parameters
        ----------
        moved : array of shape (..., K of the whole, F)
            All personas shrink toward the chain that they have together.
        """
        chains: FloatArray = self.whole.estimate_chains(moved)[..., self.cells, :, :]
        return chains

    def of_population(self, shares: FloatArray) -> FloatArray:
        """Return shares of the chains of the whole, shape (..., K), as those of the chains that are left.

        Each draw is made to sum to one for itself, so that how sure the share of the excluded users is
        stays in the intervals.
        """
        kept = shares[..., self.cells]
        part: FloatArray = kept / np.maximum(kept.sum(axis=-1, keepdims=True), _LEAST_MASS)
        return part


def without_personas(simulator: ProductFlowSimulator, positions: Iterable[int]) -> ProductFlowSimulator:
    """Return a simulator whose predictions are without the users of some personas.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    positions : iterable of int
        Of the personas to exclude, from 0.

    Returns
    -------
    ProductFlowSimulator
        The same object where none is excluded. Its personas keep their chains, names and numbers; their
        shares are made to sum to one. Draws of the whole are draws of it too:
        ``replace(draws, simulator=...)``.

    Raises
    ------
    SimulationError
        If no persona would be left.
    """
    excluded = tuple(sorted(set(positions)))
    if not excluded:
        return simulator
    if len(excluded) >= len(simulator.persona_names):
        raise SimulationError(
            "Every persona is excluded, so there is nobody to predict anything of.",
            hint="Include one again.",
        )
    given = {each.name: getattr(simulator, each.name) for each in fields(ProductFlowSimulator)}
    return PopulationSimulator(**given, whole=simulator, positions=excluded)


def whole_of(simulator: ProductFlowSimulator) -> ProductFlowSimulator:
    """Return the simulator of all personas, those that are excluded too."""
    return simulator.whole if isinstance(simulator, PopulationSimulator) else simulator


def population_weights(simulator: ProductFlowSimulator) -> FloatArray | None:
    """Return the part of each distinct row's users that predictions speak of, (R,); None for all."""
    if not isinstance(simulator, PopulationSimulator):
        return None
    weights: FloatArray = simulator.memberships.sum(axis=1)
    return weights


def kept_positions(simulator: ProductFlowSimulator) -> tuple[int, ...]:
    """Return where the personas of a simulator stand among all of the fit."""
    if isinstance(simulator, PopulationSimulator):
        return simulator.kept
    return tuple(range(len(simulator.persona_names)))


def n_users_of(simulator: ProductFlowSimulator, segment: str = "") -> float:
    """Return how many users, in parts, predictions speak of, or of these are in a segment.

    Raises
    ------
    UnknownNameError, DataError
        If there is no such segment.
    """
    n_users, weights = simulator.generator.sequences.n_users, population_weights(simulator)
    of_users = np.ones(n_users) if weights is None else weights[simulator.counts.row_of_user]
    if segment and simulator.attributes is not None:
        of_users = of_users[simulator.attributes.in_segment(segment)]
    return float(of_users.sum())


def users_predicted(simulator: ProductFlowSimulator) -> BoolArray | None:
    """Return which users belong to those that predictions speak of by half or more, shape (U,); None for all.

    For what is known of whole users only, such as how long their moves take.
    """
    weights = population_weights(simulator)
    return None if weights is None else np.asarray(weights[simulator.counts.row_of_user] >= _MOSTLY)


def share_of_journeys(simulator: ProductFlowSimulator) -> float:
    """Return the share of all journeys that predictions speak of."""
    if not isinstance(simulator, PopulationSimulator):
        return 1.0
    return float(simulator.whole.shares[simulator.cells].sum())


def population_counts(simulator: ProductFlowSimulator) -> TransitionCounts:
    """Return the counts of a simulator, rows weighted by the users that predictions speak of."""
    weights, counts = population_weights(simulator), simulator.counts
    if weights is None:
        return counts
    return replace(counts, multiplicity=counts.multiplicity * weights)


def observed_conversion(simulator: ProductFlowSimulator) -> float:
    """Return the observed share of converted journeys of those that predictions speak of, open ones not."""
    if not isinstance(simulator, PopulationSimulator):
        return simulator.journeys.observed_conversion
    counts = population_counts(simulator)
    return float(counts.multiplicity @ counts.n_converted / (counts.multiplicity @ counts.n_journeys))


def share_of_users(simulator: ProductFlowSimulator, positions: Sequence[int]) -> float:
    """Return the share of users, in parts, that belong to some personas of a simulator."""
    multiplicity = simulator.counts.multiplicity
    belonging = simulator.memberships[:, list(positions)].sum(axis=1)
    return float(multiplicity @ belonging / multiplicity.sum())


def without_whom(simulator: ProductFlowSimulator) -> str:
    """Return whom predictions leave out, as it stands beside every total; empty where nobody is left out.

    Parameters
    ----------
    simulator : ProductFlowSimulator

    Returns
    -------
    str
        For example ``without 'Bots' (12 % of users)``; several are named in their order.
    """
    if not isinstance(simulator, PopulationSimulator):
        return ""
    names = [name for _number, name in simulator.excluded]
    return phrase_without(names, share_of_users(simulator.whole, simulator.positions))


def phrase_without(names: Sequence[str], share: float) -> str:
    """Return the words for leaving out some personas that have a share of all users; none for none.

    Examples
    --------
    >>> phrase_without(["Bots", "Staff"], 0.123)
    "without 'Bots' and 'Staff' (12 % of users)"
    """
    if not names:
        return ""
    quoted = [f"'{name}'" for name in names]
    listed = " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
    return f"without {listed} ({_percent(share)} % of users)"


def _percent(share: float) -> str:
    """Return a share in whole percent; one that would be none or all says so by its limit."""
    percent = round(100 * share)
    return "< 1" if percent < 1 else "> 99" if percent > 99 else str(percent)
