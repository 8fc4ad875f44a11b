"""One planted world: fit its log as a study does, and see which intervals hold the truth."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from benchmarks.planted import DONE, DROP, Design, World, draw_belief, leave_log, plant, uplifts

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.modeling.selection import select_n_clusters
from persona_tui.engine.simulation.assumptions import draw_parameters
from persona_tui.engine.simulation.baseline import Baseline
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import FlowDraws, draw_flows
from persona_tui.engine.statistics import interval
from persona_tui.engine.types import Unit

Number = Literal["known", "auto"]
"""Whether the number of personas is told, or found."""
TOTAL = -1
"""In place of a persona: all journeys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One interval and the truth that it should hold."""

    change: str
    persona: int
    truth: float
    estimate: float
    low: float
    high: float
    spread: float

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What one fit of a world's log says.

    ``agreement`` is the membership that users have, on the mean, in the persona that is theirs.
    """

    n_clusters: int
    converged: bool
    agreement: float
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One world with its fits by how the number of personas was set."""

    world: int
    design: Design
    n_personas: int
    fits: dict[str, Fit]


def run_trial(seed: int, world: int, design: Design, *, n_draws: int, numbers: tuple[Number, ...]) -> Trial:
    """Plant a world, fit its log and compare every interval with the truth."""
    planting, logging, believing, fitting = (
        np.random.SeedSequence(seed, spawn_key=(world, purpose)) for purpose in range(4)
    )
    planted = plant(design, np.random.default_rng(planting))
    sequences, personas = leave_log(planted, np.random.default_rng(logging))
    factor = draw_belief(np.random.default_rng(believing))
    counts = count_log(sequences, design.unit)
    n_personas = len(planted.shares_of_users)
    fits: dict[str, Fit] = {}
    for number in numbers:
        n_clusters = n_personas
        if number == "auto":
            n_clusters = select_n_clusters(counts, random_state=fitting).n_clusters
        same = (fit for fit in fits.values() if fit.n_clusters == n_clusters)
        fits[number] = next(same, None) or _fit(
            planted, (sequences, counts, personas), n_clusters, factor=factor, n_draws=n_draws, seed=fitting
        )
    return Trial(world=world, design=design, n_personas=n_personas, fits=fits)


def count_log(sequences: Sequences, unit: Unit) -> TransitionCounts:
    """Return the transition counts of a planted log."""
    ends = {name for name in (DROP,) if name in sequences.vocabulary}
    return count_transitions(cut_journeys(sequences, unit=unit, completion={DONE}, drop=ends))


def _fit(
    planted: World,
    log: tuple[Sequences, TransitionCounts, np.ndarray],
    n_clusters: int,
    *,
    factor: float,
    n_draws: int,
    seed: np.random.SeedSequence,
) -> Fit:
    sequences, counts, personas = log
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The mixture has not converged")  # counted instead
        segmentation = find_personas(counts, n_clusters, random_state=seed)
    generator = MarkovPersonaGenerator.from_sequences(sequences, segmentation)
    simulator = ProductFlowSimulator.from_counts(generator, counts)
    draws = draw_flows(simulator, n_draws, seed)
    overlap = np.stack(
        [segmentation.memberships[personas == k].sum(axis=0) for k in range(len(planted.shares))]
    )
    verdicts = []
    for change in planted.changes().items():
        verdicts += _judge(planted, simulator, draws, match(overlap), change=change, factor=factor, seed=seed)
    return Fit(
        n_clusters=n_clusters,
        converged=segmentation.mixture is not None and segmentation.mixture.converged,
        agreement=float(overlap.max(axis=0).sum() / overlap.sum()),
        verdicts=tuple(verdicts),
    )


def match(overlap: np.ndarray) -> list[int] | None:
    """Return the estimated persona of each planted one; None where their numbers differ."""
    from scipy.optimize import linear_sum_assignment

    if overlap.shape[0] != overlap.shape[1]:
        return None
    return linear_sum_assignment(overlap, maximize=True)[1].tolist()


def _judge(
    planted: World,
    simulator: ProductFlowSimulator,
    draws: FlowDraws,
    matched: list[int] | None,
    *,
    change: tuple[str, FlowModification],
    factor: float,
    seed: np.random.SeedSequence,
) -> list[Verdict]:
    name, modification = change
    believed = draw_parameters(modification.compile(), draws.n_draws, seed)
    baseline = Baseline(simulator=simulator, draws=draws)
    values = baseline.evaluate(baseline.drawn(), modification, believed if any(believed) else ())
    acting = tuple(dict.fromkeys(numbers, factor) for numbers in believed)
    truths = uplifts(planted.flow, planted.shares, modification, acting)
    estimates = uplifts(simulator.flow, simulator.shares, modification)
    everyone = range(simulator.generator.n_clusters)
    only = np.eye(len(everyone))
    groups = [(TOTAL, everyone), *((k, [found]) for k, found in enumerate(matched or ()))]
    verdicts = []
    for persona, members in groups:
        spread = values.uplift("completion_rate", only[list(members)].sum(axis=0))
        low, high = interval(spread)
        estimate = estimates[0] if persona == TOTAL else estimates[1 + members[0]]
        verdicts.append(
            Verdict(
                change=name,
                persona=persona,
                truth=float(truths[1 + persona]),
                estimate=float(estimate),
                low=low,
                high=high,
                spread=float(spread.std()),
            )
        )
    return verdicts
