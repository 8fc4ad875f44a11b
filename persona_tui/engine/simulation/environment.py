"""The product's flow as it is, and as a modification would make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from typing import Self

import numpy as np

from persona_tui.engine.data.attributes import Attributes
from persona_tui.engine.data.schema import FRICTION_DROP, RETURN
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.climbing import Users, climb
from persona_tui.engine.modeling.counts import (
    TransitionCounts,
    count_transitions,
    pooled_chain,
    smooth,
    smooth_pooled,
)
from persona_tui.engine.modeling.journeys import Journeys, cut_journeys
from persona_tui.engine.modeling.mixture import MAX_ITERATIONS, TOLERANCE
from persona_tui.engine.modeling.steps import tabulate_moves
from persona_tui.engine.params import Range, faults_of, param
from persona_tui.engine.simulation.composition import compose, stand_in
from persona_tui.engine.simulation.effect_base import Values
from persona_tui.engine.simulation.effects import Effect, Friction, InsertSteps, Reward
from persona_tui.engine.simulation.flow import Flow, StateKind
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.types import AnyArray, FloatArray, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowModification:
    """A described list of effects on the flow, applied in the order listed.

    Parameters
    ----------
    description : str
        What changes, in words; made from the effects where empty.
    additional_steps : int
        Steps inserted before completion, at which by themselves nobody leaves.
    friction_factor : float or Range
        Share of those who would go on and now leave, at every step, the new ones too.
    reward_factor : float or Range
        Share of those who would leave and now go on, at every step.
    effects : tuple of Effect
        Further effects, applied after those.

    Raises
    ------
    SimulationError
        If a number is out of bounds; every fault is named.

    Examples
    --------
    >>> change = FlowModification(description="Two clicks more", additional_steps=2, friction_factor=0.1)
    >>> [str(effect) for effect in change.compile()]
    ['insert_steps:count=2,exit_rate=0.0', 'friction:factor=0.1']
    """

    description: str = ""
    additional_steps: int = param(default=0, low=0, high=100, unit="steps", help="Steps before completion.")
    friction_factor: float | Range = param(
        default=0.0, low=0, high=1, unit="probability", help="Added leaving."
    )
    reward_factor: float | Range = param(
        default=0.0, low=0, high=1, unit="share", help="Leaving that is saved."
    )
    effects: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        faults = faults_of(self)
        if faults:
            raise SimulationError(" ".join(faults))
        if not self.description:
            words = "; ".join(effect.describe() for effect in self.compile()) or "no change"
            object.__setattr__(self, "description", words[:1].upper() + words[1:])

    def compile(self) -> tuple[Effect, ...]:
        """Return the effects in the order in which they act; neutral shorthand is left out."""
        shorthand: list[Effect] = [
            InsertSteps(count=self.additional_steps, exit_rate=0.0),
            Friction(factor=self.friction_factor),
            Reward(factor=self.reward_factor),
        ]
        return (*(effect for effect in shorthand if not effect.neutral), *self.effects)

    def apply(self, flow: Flow, drawn: Sequence[Values] = ()) -> Flow:
        """Return the changed flow, or the same object where nothing changes.

        Parameters
        ----------
        flow : Flow
        drawn : sequence of mapping, optional
            Numbers for each compiled effect to act with, as ``Effect.apply`` takes them.

        Raises
        ------
        SimulationError
            If something does not fit the flow, or two effects contradict each other; every fault is
            told, with the place of its effect.
        UnknownNameError
            If the only fault is a name that the flow does not know.
        """
        return compose(self.compile(), flow, drawn)

    def shift(self, shares: FloatArray, flow: Flow, drawn: Sequence[Values] = ()) -> FloatArray:
        """Return the chains' shares, shape (..., K), under the modification.

        A share that is set stays as it is set: those after it take only from what is open.
        """
        settled = np.zeros(shares.shape[-1], dtype=bool)
        for effect, numbers in zip_longest(self.compile(), drawn):
            shares, settled = effect.shift(shares, settled, flow, numbers or {})
        return shares

    def segments(self) -> tuple[str, ...]:
        """Return the segments that effects are limited to, each once."""
        return tuple(dict.fromkeys(effect.segment for effect in self.compile() if effect.segment))

    def check_before_personas(self, pooled: Flow) -> None:
        """Refuse what fits no personas, before they are found.

        Parameters
        ----------
        pooled : Flow
            With one chain for all users.

        Raises
        ------
        SimulationError, UnknownNameError
            As ``apply``; any persona and any segment counts as known.
        """
        effects = self.compile()
        compose(effects, stand_in(pooled, effects))

    def caveats(self, flow: Flow) -> list[str]:
        """Return what the reader should know before trusting the modification on this flow."""
        notes = []
        for effect in self.compile():
            notes += effect.audience_caveats(flow) + effect.caveats(flow)
            flow = effect.apply(flow)
        return notes


@dataclass(frozen=True, eq=False)
class ProductFlowSimulator:
    """The flow of every persona under one definition of completion and drop-off.

    Parameters
    ----------
    generator : MarkovPersonaGenerator
    completion_events : set of str
        Events that end a journey as converted; at least one.
    drop_events : set of str
        Events that end a session as dropped; ``friction_drop`` stands for leaving because of friction.
    unit : {"user", "session"}
        Whether a journey is a user's sessions joined, or one session.
    censor : bool
        Whether journeys still open at the end of the log count as open rather than left.
    counted : TransitionCounts, optional
        The journeys of just these definitions, where they are counted already.
    attributes : Attributes, optional
        Of the same users; effects that are limited to a segment need them.

    Raises
    ------
    UnknownNameError
        If an event is not in the log.
    SimulationError
        If there is no completion event, or one is a drop event too.
    """

    generator: MarkovPersonaGenerator
    completion_events: frozenset[str] | set[str] = field(kw_only=True)
    drop_events: frozenset[str] | set[str] = field(kw_only=True, default=frozenset())
    unit: Unit = field(kw_only=True, default="user")
    censor: bool = field(kw_only=True, default=True)
    counted: TransitionCounts | None = field(kw_only=True, default=None)
    attributes: Attributes | None = field(kw_only=True, default=None)

    def __post_init__(self) -> None:
        if not self.completion_events:
            raise SimulationError("There is no completion event.", hint="Name at least one.")
        both = sorted(set(self.completion_events) & set(self.drop_events))
        if both:
            raise SimulationError(f"'{both[0]}' is both a completion and a drop event.")
        sequences = self.generator.sequences
        sequences.positions(set(self.completion_events))
        sequences.positions(set(self.drop_events) - {FRICTION_DROP})

    @classmethod
    def from_counts(
        cls,
        generator: MarkovPersonaGenerator,
        counts: TransitionCounts,
        *,
        friction_is_drop: bool = True,
        attributes: Attributes | None = None,
    ) -> Self:
        """Return the simulator of journeys that are cut and counted already."""
        journeys = counts.journeys
        names = np.array(journeys.vocabulary, dtype=object)
        friction = {FRICTION_DROP} if friction_is_drop else set()
        return cls(
            generator,
            completion_events=frozenset(names[journeys.completion]),
            drop_events=frozenset(names[journeys.drop]) | friction,
            unit=journeys.unit,
            censor=journeys.censor,
            counted=counts,
            attributes=attributes,
        )

    @property
    def persona_names(self) -> tuple[str, ...]:
        """Return the names of the personas."""
        return self.generator.names

    @property
    def persona_cells(self) -> tuple[tuple[int, ...], ...]:
        """Return the positions of each persona's chains: one, unless users are told apart by segments."""
        return tuple((number,) for number in range(len(self.persona_names)))

    @property
    def excluded(self) -> tuple[tuple[int, str], ...]:
        """Return the number and the name of each persona that predictions leave out; none."""
        return ()

    @property
    def segments(self) -> tuple[frozenset[str], ...]:
        """Return the segments that the users of each chain are in; empty where they are not told apart."""
        return ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return a name for each chain: its persona's."""
        return self.persona_names

    @property
    def journeys(self) -> Journeys:
        """Return the observed journeys, cut at their first completion."""
        return self.counts.journeys

    @cached_property
    def counts(self) -> TransitionCounts:
        """Return the transition counts of the journeys."""
        if self.counted is not None:
            return self.counted
        return count_transitions(
            cut_journeys(
                self.generator.sequences,
                unit=self.unit,
                completion=set(self.completion_events),
                drop=set(self.drop_events) - {FRICTION_DROP},
                censor=self.censor,
            )
        )

    @cached_property
    def pooled(self) -> FloatArray:
        """Return the smoothed chain of all users, shape (n + 1, n + 1)."""
        return pooled_chain(self.counts, self.generator.prior)

    @cached_property
    def memberships(self) -> FloatArray:
        """Return the mean membership of the users behind each distinct row, shape (R, K).

        Memberships of a mixture that was fitted on journeys cut otherwise are fitted on from
        where they stand: the draws of the bootstrap do the same.
        """
        counts, generator = self.counts, self.generator
        summed = np.zeros((len(counts.multiplicity), generator.n_clusters))
        np.add.at(summed, counts.row_of_user, generator.memberships)
        start = summed / counts.multiplicity[:, None]
        if not generator.soft or self.counted is not None:
            return start
        users = Users.of(tabulate_moves(counts, self.pooled, generator.prior), counts.multiplicity)
        fitted = climb(users, users.estimate(start), max_iter=MAX_ITERATIONS, tol=TOLERANCE)
        return users.memberships(fitted.before)[0]

    @cached_property
    def shares(self) -> FloatArray:
        """Return each chain's share of journeys, shape (K,)."""
        return journey_shares(self.counts, self.counts.multiplicity[:, None] * self.memberships)

    @cached_property
    def moved(self) -> FloatArray:
        """Return how often each move that occurs was made, shape (K, F), users in parts."""
        mass = self.counts.multiplicity[:, None] * self.memberships
        moved: FloatArray = (self.counts.matrix.T @ mass).T
        return moved

    @cached_property
    def flow(self) -> Flow:
        """Return the flow as it is."""
        return self.build_flow(self.estimate_chains(self.moved))

    @cached_property
    def support(self) -> FloatArray:
        """Return the observed moves behind each transition, shape (K, n, n + 2)."""
        table = self.counts.tabulate(self.moved)[:, 1:]
        return np.concatenate([table, np.zeros((*table.shape[:-1], 1))], axis=-1)

    def estimate_chains(self, moved: FloatArray) -> FloatArray:
        """Return chains of shape (..., K, n + 1, n + 1) from counts of the moves that occur, (..., K, F).

        Each shrinks toward the pooled chain of the same counts, so that a draw varies as a whole.
        """
        tables, prior = self.counts.tabulate(moved), self.generator.prior
        pooled = smooth_pooled(tables.sum(axis=-3), self.journeys, prior)
        return smooth(tables, pooled[..., None, :, :], prior)

    def of_population(self, shares: FloatArray) -> FloatArray:
        """Return shares of the fit's chains, shape (..., K), as those of the chains that are predicted."""
        return shares

    def build_flow(self, chains: FloatArray) -> Flow:
        """Return the flow of personas' chains of shape (..., K, n + 1, n + 1)."""
        friction = np.zeros((*chains.shape[:-2], chains.shape[-1] - 1, 1))
        journeys = self.journeys
        return Flow(
            states=journeys.vocabulary + ((RETURN,) if self.unit == "user" else ()),
            kinds=_kinds(journeys),
            unit=self.unit,
            starts=chains[..., 0, :-1].copy(),
            transitions=np.concatenate([chains[..., 1:, :], friction], axis=-1),
            support=self.support,
            friction_is_drop=FRICTION_DROP in self.drop_events,
            personas=tuple(
                name
                for name, cells in zip(self.persona_names, self.persona_cells, strict=True)
                for _ in cells
            ),
            segments=self.segments,
            excluded=self.excluded,
        )


def journey_shares(counts: TransitionCounts, mass: FloatArray) -> FloatArray:
    """Return each chain's share of journeys, given weight times membership of shape (R, K)."""
    journeys: FloatArray = counts.n_journeys @ mass
    journeys /= journeys.sum()
    return journeys


def _kinds(journeys: Journeys) -> AnyArray:
    kinds = np.full(journeys.n_states, StateKind.EVENT, dtype=np.int64)
    n_events = len(journeys.vocabulary)
    kinds[:n_events][journeys.completion] = StateKind.COMPLETION
    kinds[:n_events][journeys.drop] = StateKind.DROP
    kinds[n_events:] = StateKind.RETURN
    return kinds
