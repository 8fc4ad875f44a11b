"""Personas fitted on some users, to foretell what others do."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.segmentation import SegmentationResult, find_personas
from persona_tui.engine.simulation.dwell import DwellTimes, fit_dwell
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.flow import Flow, StateKind
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import FlowDraws, draw_flows
from persona_tui.engine.types import FloatArray

N_DRAWS: Final = 100
"""Of the training users, a fold: enough for the spread of a mean."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """Personas and flow as some users pin them.

    Parameters
    ----------
    segmentation : SegmentationResult
    simulator : ProductFlowSimulator
    draws : FlowDraws
    dwell : DwellTimes
    """

    segmentation: SegmentationResult
    simulator: ProductFlowSimulator
    draws: FlowDraws
    dwell: DwellTimes

    @property
    def mixture(self) -> MarkovMixture:
        """Return the fitted mixture."""
        mixture = self.segmentation.mixture
        assert mixture is not None  # find_personas always fits one
        return mixture


def train(
    sequences: Sequences,
    journeys: Journeys,
    n_clusters: int,
    seed: np.random.SeedSequence,
    *,
    workers: int = 1,
    n_draws: int = N_DRAWS,
) -> Trained:
    """Fit personas and their flow, and draw how well their users pin it.

    Parameters
    ----------
    sequences : Sequences
    journeys : Journeys
        Cut from the same.
    n_clusters : int
        At most the number of users are fitted.
    seed : SeedSequence
    workers : int
        Threads; the result does not depend on their number.
    n_draws : int
    """
    counts = count_transitions(journeys)
    with warnings.catch_warnings():
        # that a persona stood for nobody is told of the fit of all users, and here costs nothing
        warnings.simplefilter("ignore", UserWarning)
        segmentation = find_personas(
            counts, min(n_clusters, len(journeys.user_ids)), random_state=seed, workers=workers
        )
    simulator = ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(sequences, segmentation), counts
    )
    return Trained(
        segmentation=segmentation,
        simulator=simulator,
        draws=draw_flows(simulator, n_draws, seed, workers=workers),
        dwell=fit_dwell(sequences, journeys),
    )


def chance_to_convert(flow: Flow) -> FloatArray:
    """Return the chance that a journey converts that stands in each state, shape (..., K, n).

    Parameters
    ----------
    flow : Flow
        Leading axes are carried through.

    Notes
    -----
    Solves ``(I - Q) h = c``, c one where a state completes; O(n ** 3) a chain.

    References
    ----------
    Kemeny & Snell (1976), *Finite Markov Chains*, theorem 3.3.7.
    """
    n = flow.n_states
    goal = flow.of_kind(StateKind.COMPLETION).astype(float)
    system = np.eye(n) - flow.transitions[..., :n]
    solved = np.linalg.solve(system, np.broadcast_to(goal[:, None], (*system.shape[:-1], 1)))
    chances: FloatArray = np.clip(solved[..., 0], 0.0, 1.0)
    return chances
