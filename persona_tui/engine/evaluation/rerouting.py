"""Where a real change sent people elsewhere, without making them leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.evaluation.distances import total_variation
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.statistics import benjamini_hochberg
from persona_tui.engine.types import BoolArray, FloatArray

LEAST_SHUFFLES: Final = 200
SHUFFLES_A_STEP: Final = 60
"""So that one step among all can be found at a rate of false discoveries of 5 %."""
_SHUFFLES_AT_ONCE: Final = 50
FALSE_DISCOVERIES: Final = 0.05
LEAST_MOVES: Final = 30
_USERS_AT_ONCE: Final = 2**13


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerouted:
    """A step after which the arms go on to other places.

    Parameters
    ----------
    step : str
    moves : (int, int)
        On from it, in control and in treatment.
    distance : float
        Share of them that go elsewhere, beyond what users drawn by lot differ by.
    false_discovery : float
        Least rate of false discoveries at which it counts, among all steps.
    toward : str
        Where treatment goes more often, the most of all.
    change : float
        By what share of the moves.
    """

    step: str
    moves: tuple[int, int]
    distance: float
    false_discovery: float
    toward: str
    change: float


def find_rerouted(
    counts: TransitionCounts,
    treated: BoolArray,
    leaves: BoolArray,
    states: Sequence[str],
    seed: np.random.SeedSequence,
) -> tuple[Rerouted, ...]:
    """Return the steps after which the arms go on to other places, the largest first.

    Parameters
    ----------
    counts : TransitionCounts
        Of the users of both arms.
    treated : bool array of shape (U,)
    leaves : bool array of shape (F,)
        Moves that are leaving, and count for none here.
    states : sequence of str, length n
    seed : SeedSequence

    Notes
    -----
    Total variation of the moves on from a step, beside that of shuffles of whole users over the arms,
    sixty a step and 200 at least; false discoveries among steps are kept at 5 %. O(shuffles x moves).
    """
    sources = counts.sources
    real = _moves_by_arm(counts, treated[None].astype(float))[:, 0]
    generator = stream(seed, Stream.REROUTING)
    n_shuffles = max(LEAST_SHUFFLES, SHUFFLES_A_STEP * len(states))
    drawn = np.concatenate(
        [
            _moves_by_arm(counts, np.array([generator.permutation(treated) for _ in block], dtype=float))
            for block in np.array_split(np.arange(n_shuffles), -(-n_shuffles // _SHUFFLES_AT_ONCE))
        ],
        axis=1,
    )
    rows, tests = [], []
    for place, step in enumerate(states, start=1):
        some = np.flatnonzero((sources == place) & ~leaves)
        moves = real[:, some]
        if len(some) < 2 or (moves.sum(axis=1) < LEAST_MOVES).any():
            continue
        distance = float(total_variation(moves[0], moves[1]))
        usable = (drawn[:, :, some].sum(axis=2) > 0).all(axis=0)
        chance = total_variation(drawn[0][usable][:, some], drawn[1][usable][:, some])
        tests.append(float((1 + (chance >= distance).sum()) / (1 + len(chance))))
        change = moves[1] / moves[1].sum() - moves[0] / moves[0].sum()
        most = int(change.argmax())
        rows.append(
            (step, moves, distance - float(chance.mean()), states[counts.targets[some[most]]], change[most])
        )
    rates = benjamini_hochberg(np.array(tests))
    found = [
        Rerouted(
            step=step,
            moves=(round(moves[0].sum()), round(moves[1].sum())),
            distance=distance,
            false_discovery=float(rate),
            toward=toward,
            change=float(change),
        )
        for (step, moves, distance, toward, change), rate in zip(rows, rates, strict=True)
        if rate <= FALSE_DISCOVERIES and distance > 0
    ]
    return tuple(sorted(found, key=lambda each: (-each.distance, each.step)))


def _moves_by_arm(counts: TransitionCounts, treated: FloatArray) -> FloatArray:
    """Return how often each arm made each move, shape (2, B, F), for B ways to part the users."""
    made = np.zeros((len(treated), len(counts.moves)))
    for first in range(0, treated.shape[1], _USERS_AT_ONCE):
        some = slice(first, first + _USERS_AT_ONCE)
        made += treated[:, some] @ counts.matrix[counts.row_of_user[some]]
    whole = counts.matrix.T @ counts.multiplicity
    return np.stack([whole - made, made])
