"""What a fit says of planted personas, and of a planted effect: which intervals hold the truth."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from benchmarks.effect_trials import leave_users, plant_effect
from benchmarks.lift_trials import VALUES, find_lifts, leave_attribute, plant_attribute, planted_lifts
from benchmarks.planted import Design, World, leave_log, plant
from benchmarks.trials import count_log, match

from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.modeling.trait_effects import estimate_trait_effect
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import FlowDraws, draw_flows
from persona_tui.engine.statistics import Estimate, interval

SHARE, CONVERSION, LIFT = "share of journeys", "observed conversion", "attribute lift"
ADJUSTED, NAIVE = "trait effect, adjusted", "trait effect, plain difference"
EVERYONE = -1
"""In place of a persona: all users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaVerdict:
    """One interval of one persona, and the truth that it should hold."""

    quantity: str
    persona: int
    truth: float
    estimate: float
    low: float
    high: float

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaTrial:
    """One world: how well its users are told apart, and what the intervals of its personas hold.

    ``agreement`` is the membership that users have, on the mean, in the persona that is theirs.
    """

    world: int
    design: Design
    n_personas: int
    converged: bool
    agreement: float
    verdicts: tuple[PersonaVerdict, ...]


def run_persona_trial(seed: int, world: int, design: Design, *, n_draws: int) -> PersonaTrial:
    """Plant a world, find as many personas as it has, and compare every interval with the truth."""
    planting, logging, fitting, describing = (
        np.random.SeedSequence(seed, spawn_key=(world, purpose)) for purpose in (0, 1, 2, 5)
    )
    planted = plant(design, np.random.default_rng(planting))
    sequences, personas = leave_log(planted, np.random.default_rng(logging))
    counts = count_log(sequences, design.unit)
    n_personas = len(planted.shares_of_users)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The mixture has not converged")  # counted instead
        found = find_personas(counts, n_personas, random_state=fitting)
    simulator = ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(sequences, found), counts
    )
    overlap = np.stack([found.memberships[personas == k].sum(axis=0) for k in range(n_personas)])
    matched = np.array(match(overlap))
    draws = draw_flows(simulator, n_draws, fitting)
    verdicts = [
        *_verdicts(SHARE, planted.shares, simulator.shares[matched], draws.shares[:, matched]),
        *_verdicts(
            CONVERSION,
            solve(planted.flow).converted,
            observed_conversion(simulator)[matched],
            draws.conversions[:, matched],
        ),
        *_lift_verdicts(planted, personas, draws, matched, np.random.default_rng(describing)),
    ]
    return PersonaTrial(
        world=world,
        design=design,
        n_personas=n_personas,
        converged=found.mixture is not None and found.mixture.converged,
        agreement=float(overlap[np.arange(n_personas), matched].sum() / overlap.sum()),
        verdicts=tuple(verdicts),
    )


def run_effect_trial(seed: int, world: int, *, n_draws: int) -> tuple[PersonaVerdict, ...]:
    """Plant a trait that comes with what moves the outcome, and judge both estimates of its effect."""
    planting, fitting = (np.random.SeedSequence(seed, spawn_key=(world, purpose)) for purpose in (3, 4))
    generator = np.random.default_rng(planting)
    planted = plant_effect(generator)
    users = leave_users(planted, generator)
    told = estimate_trait_effect(
        users, trait="mobile", outcome="bought", n_draws=n_draws, random_state=fitting
    )

    def verdict(quantity: str, estimate: Estimate) -> PersonaVerdict:
        low, high = estimate.data
        return PersonaVerdict(
            quantity=quantity,
            persona=EVERYONE,
            truth=planted.truth,
            estimate=estimate.value,
            low=low,
            high=high,
        )

    return verdict(ADJUSTED, told.estimate), verdict(NAIVE, told.naive)


def _lift_verdicts(
    planted: World,
    personas: np.ndarray,
    draws: FlowDraws,
    matched: np.ndarray,
    generator: np.random.Generator,
) -> list[PersonaVerdict]:
    """Plant an attribute and judge the lifts that were tested."""
    chances = plant_attribute(len(matched), generator)
    truths = planted_lifts(chances, planted.shares_of_users)
    found = find_lifts(draws, leave_attribute(chances, personas, generator))
    return [
        PersonaVerdict(
            quantity=LIFT,
            persona=k,
            truth=float(truths[k, VALUES.index(lift.value)]),
            estimate=lift.lift,
            low=lift.interval[0],
            high=lift.interval[1],
        )
        for k, position in enumerate(matched)
        for lift in found[position]
    ]


def observed_conversion(simulator: ProductFlowSimulator) -> np.ndarray:
    """Return the conversion of each persona's journeys, memberships counted in parts, shape (K,)."""
    counts = simulator.counts
    mass = counts.multiplicity[:, None] * simulator.memberships
    return (counts.n_converted @ mass) / (counts.n_journeys @ mass)


def _verdicts(
    quantity: str, truths: np.ndarray, estimates: np.ndarray, drawn: np.ndarray
) -> list[PersonaVerdict]:
    """Compare the 95 % intervals of draws of shape (B, K) with the truths, shape (K,)."""
    return [
        PersonaVerdict(
            quantity=quantity,
            persona=k,
            truth=float(truths[k]),
            estimate=float(estimates[k]),
            low=low,
            high=high,
        )
        for k, (low, high) in enumerate(map(interval, drawn.T))
    ]
