"""What those who watch a simulation are told: both arms beforehand, where they stand, who walks there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from persona_tui.engine.progress import Progress
from persona_tui.engine.simulation.comparison import (
    Evidence,
    Part,
    arm_error,
    paired_error,
    simulated_arms,
)
from persona_tui.engine.simulation.flow import Flow
from persona_tui.engine.simulation.paths import Outcome, Sequences, walk_sequences
from persona_tui.engine.simulation.simulated import ARMS, Simulation
from persona_tui.engine.types import BoolArray, IntArray

METRIC = "completion_rate"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmsPrepared(Progress):
    """Both arms of a scenario before anybody is simulated.

    Parameters
    ----------
    evidence : Evidence
        Exact values and draws; without a simulation.
    parts : sequence of Part
        Everyone, then each persona.
    flows : tuple of Flow
        Control and treatment.
    users : int array of shape (K,)
        Synthetic users of each chain, per arm.
    solver : {"cohort", "paths"}
        How they will be simulated.
    walk_length : int
    seed : SeedSequence
    without : str
        Whose users are in neither arm; empty for nobody's.
    """

    evidence: Evidence
    parts: Sequence[Part]
    flows: tuple[Flow, Flow]
    users: IntArray
    solver: Literal["cohort", "paths"]
    walk_length: int
    seed: np.random.SeedSequence
    without: str = ""

    def own_error(self) -> float:
        """Return one standard error of the exact uplift of completion: what the log leaves open."""
        drawn = self.evidence.spread.uplift(METRIC, np.ones(len(self.users)))
        return float(drawn.std())

    def exact(self, part: Part, arm: str) -> float:
        """Return the exact completion of a part in one arm."""
        return float(self.evidence.exact.pooled(arm, METRIC, part.weights))

    def standings(self, simulation: Simulation) -> list[Standing]:
        """Return where the simulation of each part stands, as the finished one would be told.

        A part of which some chain has nobody yet has no mean: it would be that of the others.
        """
        found = replace(self.evidence, simulation=simulation)
        missing = (self.users > 0) & ~simulation.simulated
        return [_standing(found, part, known=not missing[part.weights > 0].any()) for part in self.parts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Completion of some users as simulated so far.

    Parameters
    ----------
    name : str
    n_personas : int
        Synthetic users per arm so far.
    arms, errors : dict of float
        Mean and its standard error, by arm; without entries while some chain of theirs has nobody yet.
    error : float or None
        One standard error of the uplift.
    """

    name: str
    n_personas: int
    arms: dict[str, float]
    errors: dict[str, float]
    error: float | None


def _standing(found: Evidence, part: Part, *, known: bool) -> Standing:
    assert found.simulation is not None
    done = int(found.simulation.n_personas[part.weights > 0].sum())
    known = known and done > 0
    means = simulated_arms(found, part.weights) if known else {}
    return Standing(
        name=part.name,
        n_personas=done,
        arms={arm: means[arm][METRIC] for arm in means},
        errors={arm: arm_error(found, part.weights, METRIC, arm) for arm in means},
        error=paired_error(found, part.weights, METRIC) if known else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FollowedWalks:
    """Some walkers of one chain in one arm, followed from state to state.

    Parameters
    ----------
    reached : int array of shape (n_states,)
        Walkers who passed a state at least once.
    lost : int array of shape (n_states,)
        Walkers whose walk ended for good after it, without completion.
    examples : tuple
        Of the first walkers, the names of their states and their outcome.
    """

    reached: IntArray
    lost: IntArray
    examples: tuple[tuple[tuple[str, ...], Outcome], ...]


def follow_walks(
    prepared: ArmsPrepared, chain: int, first: int, n_walkers: int, *, n_examples: int = 1
) -> dict[str, FollowedWalks]:
    """Follow some walkers of a chain in both arms; they are those that the simulation itself walks.

    Parameters
    ----------
    prepared : ArmsPrepared
    chain, first, n_walkers : int
    n_examples : int

    Returns
    -------
    dict of FollowedWalks
        By arm.

    Notes
    -----
    About a millisecond, and 40 nanoseconds a step.
    """
    return {
        arm: _followed(
            flow,
            walk_sequences(flow, chain, n_walkers, prepared.walk_length, prepared.seed, first_walker=first),
            n_examples,
        )
        for arm, flow in zip(ARMS, prepared.flows, strict=True)
    }


def _followed(flow: Flow, found: Sequences, n_examples: int) -> FollowedWalks:
    n, ends = flow.n_states, np.cumsum(found.visits)
    passed: BoolArray = np.zeros((len(found.visits), n), dtype=bool)
    passed[found.walkers, found.states] = True
    outcomes = found.walks.outcomes
    gone = np.isin(outcomes, (Outcome.DROPPED, Outcome.EXITED))
    examples = tuple(
        (
            tuple(flow.states[code] for code in found.states[end - size : end]),
            Outcome(outcome),
        )
        for end, size, outcome in zip(
            ends[:n_examples].tolist(), found.visits[:n_examples].tolist(), outcomes, strict=False
        )
    )
    return FollowedWalks(
        reached=passed.sum(axis=0),
        lost=np.bincount(found.states[ends[gone] - 1], minlength=n),
        examples=examples,
    )
