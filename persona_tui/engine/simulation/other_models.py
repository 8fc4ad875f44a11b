"""Models of a log that stand beside the one as fitted, each told by the personas as fitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np

from persona_tui.engine.modeling.shrinkage import DEFAULT_PRIOR
from persona_tui.engine.simulation.baseline import ArmValues
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import METRICS, Flow, solve
from persona_tui.engine.simulation.place_effects import modify
from persona_tui.engine.simulation.population import population_weights
from persona_tui.engine.simulation.second_order import SecondOrder
from persona_tui.engine.types import FloatArray

_PRIOR_RATIO = 10.0
"""Of the smoothing at second order to that at first.

Held-out bits per event of three real logs and the sample, one and three personas, are lowest at 1 to
100 pseudo-moves, and at 10 within 0.5 % of the lowest; at 1 the sample does worse than at first order.
"""
_LEAST_MASS = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Uplifts:
    """Treatment minus control under one model, by metric.

    Parameters
    ----------
    total : dict of float
    personas : dict of array of shape (K,)
        For the users of each persona as fitted.
    """

    total: dict[str, float]
    personas: dict[str, FloatArray]


class Model(Protocol):
    """Something that foretells what a modification does to each persona as fitted."""

    def uplifts(self, modification: FlowModification, max_length: int | None, fitted: Uplifts, /) -> Uplifts:
        """Return the uplifts, given those of the model as fitted.

        Raises
        ------
        UnknownNameError, SimulationError
            If the modification does not fit.
        """


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ControlArm:
    """What does not change with the modification: solved once for each horizon.

    Parameters
    ----------
    flow : Flow
    shares : array of shape (K,)
    solved : dict
        Metrics by horizon, those that were asked for so far.
    """

    flow: Flow
    shares: FloatArray
    solved: dict[int | None, dict[str, FloatArray]] = field(default_factory=dict)

    def against(self, treatment: Flow, shares: FloatArray, max_length: int | None) -> Uplifts:
        """Return the uplifts of a treatment flow and its shares."""
        if max_length not in self.solved:
            self.solved[max_length] = solve(self.flow, max_length).metrics
        before, after = self.solved[max_length], solve(treatment, max_length).metrics
        values = ArmValues(
            metrics={"control": before, "treatment": after},
            shares={"control": self.shares, "treatment": shares},
        )
        everyone = np.ones(len(shares))
        return Uplifts(
            total={metric: float(values.uplift(metric, everyone)) for metric in METRICS},
            personas={metric: after[metric] - before[metric] for metric in METRICS},
        )

    def change(self, modification: FlowModification, max_length: int | None) -> Uplifts:
        """Return the uplifts of a modification of the flow itself."""
        shares = modification.shift(self.shares, self.flow)
        return self.against(modification.apply(self.flow), shares, max_length)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OtherPersonas:
    """First-order chains of J personas that are not the K as fitted.

    Parameters
    ----------
    control : ControlArm
        Of the J personas.
    belonging : array of shape (K, J)
        How the journeys of each persona as fitted are spread over those J; rows sum to one.
    overlap : array of shape (K, K)
        How they are spread over the personas as fitted.

    Notes
    -----
    What happens to the users of persona k is ``u_k + sum_j W_kj u'_j - sum_l S_kl u_l``, W the
    belonging, S the overlap, u as fitted and u' here. Soft memberships blur every mean over users:
    on a real form with 7 personas 43 to 74 % of a persona's mass lies with others (S),
    and the blurred means of one and the same model differ by up to 4.4 points from its own uplifts.
    The difference of two equally blurred means is free of that; it is zero for the same model, and
    the shares' mean of the result is the total of these J personas.
    """

    control: ControlArm
    belonging: FloatArray
    overlap: FloatArray

    @classmethod
    def of(cls, simulator: ProductFlowSimulator, fitted: ProductFlowSimulator) -> Self:
        """Return the personas of a simulator, to be told by those of the fitted one."""
        counts = fitted.counts
        mass = (counts.multiplicity * counts.n_journeys)[:, None] * fitted.memberships
        mass = mass / np.maximum(mass.sum(axis=0), _LEAST_MASS)
        weights = population_weights(fitted)
        if weights is not None:  # of those who are spoken of, so that rows sum to one
            mass = mass / np.maximum(weights, _LEAST_MASS)[:, None]
        return cls(
            control=ControlArm(flow=simulator.flow, shares=simulator.shares),
            belonging=mass.T @ simulator.memberships,
            overlap=mass.T @ fitted.memberships,
        )

    def uplifts(self, modification: FlowModification, max_length: int | None, fitted: Uplifts, /) -> Uplifts:
        """Return the uplifts, for the users of each persona as fitted."""
        here = self.control.change(modification, max_length)
        own = fitted.personas
        return Uplifts(
            total=here.total,
            personas={
                metric: own[metric] + self.belonging @ here.personas[metric] - self.overlap @ own[metric]
                for metric in METRICS
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondOrderPersonas:
    """Second-order chains of the personas as fitted, memberships held.

    Parameters
    ----------
    model : SecondOrder
    control : ControlArm
        Of its flow, returns folded.
    """

    model: SecondOrder
    control: ControlArm

    @classmethod
    def of(cls, simulator: ProductFlowSimulator) -> Self:
        """Estimate the second order of a simulator; it shrinks by ten pseudo-moves, or not as the first."""
        first = min(simulator.generator.prior, DEFAULT_PRIOR)  # how alike personas are is another matter
        model = SecondOrder.from_simulator(simulator, prior=_PRIOR_RATIO * first)
        return cls(model=model, control=ControlArm(flow=model.folded(), shares=simulator.shares))

    def uplifts(self, modification: FlowModification, max_length: int | None, _fitted: Uplifts, /) -> Uplifts:
        """Return the uplifts."""
        treatment = modify(self.model, modification).folded()
        shares = modification.shift(self.control.shares, self.model.first)
        return self.control.against(treatment, shares, max_length)
