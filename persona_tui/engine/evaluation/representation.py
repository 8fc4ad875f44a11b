"""Whether personas represent a group of users: how well they foretell it, beside personas of its own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.selection import fit_part, score_rows
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.statistics import NORMAL_QUANTILE, Interval, benjamini_hochberg, two_sided_p_values
from persona_tui.engine.types import BoolArray, FloatArray, IntArray, RandomState

N_FOLDS: Final = 2
WORTH_TELLING: Final = 0.01
"""Share of a group's bits that personas of its own must save."""
FALSE_DISCOVERIES: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Represented:
    """How well personas foretell a group of users, none of whom they were fitted on.

    Parameters
    ----------
    name : str
    n_users : int
    bits : float
        An event costs under the personas of all other users.
    own_bits : float
        It costs under as many personas, fitted so that other users of the group count as much as all who
        are not in it.
    gap : float
        What these save; below zero where the group needs no personas of its own.
    interval : (float, float)
        95 %, paired over users.
    false_discovery : float
        Least rate of false discoveries at which it counts, among all groups.
    """

    name: str
    n_users: int
    bits: float
    own_bits: float
    gap: float
    interval: Interval
    false_discovery: float

    @property
    def is_represented(self) -> bool:
        """Return whether personas that count it more would not foretell it surely and clearly better."""
        surely = self.gap > 0 and self.false_discovery <= FALSE_DISCOVERIES
        return not (surely and self.gap >= WORTH_TELLING * self.bits)


def check_representation(
    counts: TransitionCounts,
    groups: Sequence[tuple[str, BoolArray]],
    n_clusters: int,
    *,
    random_state: RandomState = None,
    on_progress: ProgressCallback = ignore_progress,
) -> tuple[Represented, ...]:
    """Return how well personas foretell groups of users.

    Parameters
    ----------
    counts : TransitionCounts
    groups : sequence of (str, bool array of shape (U,))
        Names, and who is in each.
    n_clusters : int
    random_state : int, SeedSequence, Generator or None
    on_progress : callable

    Notes
    -----
    Users are parted into two halves, each scored by fits of the other: of all its users alike, and with
    those of the group counting as much, together, as all the others; fitted on a small group alone,
    personas would foretell it worse however different it is. The gap is ``sum(d) / sum(m)``, d the bits
    saved of a user and m its events, its standard error ``sqrt(sum((d - gap m) ** 2)) / sum(m)``. Two fits
    a group.
    """
    seed = normalise_seed(random_state)
    folds = stream(seed, Stream.HELD_OUT, 1).permutation(len(counts.row_of_user)) % N_FOLDS
    shared = _score(counts, np.ones(len(folds)), folds, n_clusters, seed)
    n_events = counts.n_events[counts.row_of_user]
    found = []
    for place, (name, inside) in enumerate(groups):
        on_progress(Progress(stage="score groups", done=place, total=len(groups)))
        own = _score(counts, _as_much(inside), folds, n_clusters, seed)
        found.append(_compared(name, shared[inside], own[inside], n_events[inside]))
    scores = np.array([gap / error if error else 0.0 for _, _, _, gap, error in found])
    rates = benjamini_hochberg(two_sided_p_values(scores)) if found else np.empty(0)
    return tuple(
        Represented(
            name=name,
            n_users=int(groups[place][1].sum()),
            bits=bits,
            own_bits=own,
            gap=gap,
            interval=(gap - NORMAL_QUANTILE * error, gap + NORMAL_QUANTILE * error),
            false_discovery=float(rates[place]),
        )
        for place, (name, bits, own, gap, error) in enumerate(found)
    )


def _score(
    counts: TransitionCounts,
    weights: FloatArray,
    folds: IntArray,
    n_clusters: int,
    seed: np.random.SeedSequence,
) -> FloatArray:
    """Return the bits that every user costs under a fit of those of the other half, weighted."""
    bits = np.zeros(len(folds))
    for fold in range(N_FOLDS):
        held = folds == fold
        of_rows = np.bincount(
            counts.row_of_user[~held], weights=weights[~held], minlength=len(counts.multiplicity)
        )
        with warnings.catch_warnings():
            # that a persona stood for nobody is told of the fit of all users, and here costs nothing
            warnings.simplefilter("ignore", UserWarning)
            fitted = fit_part(counts, of_rows.astype(float), n_clusters, prior="empirical", seed=seed)
        per_row = -score_rows(counts, fitted) / np.log(2)
        bits[held] = per_row[counts.row_of_user[held]]
    return bits


def _as_much(inside: BoolArray) -> FloatArray:
    """Return weights of users under which those inside count as much together as the others do."""
    n_others = len(inside) - inside.sum()
    return np.where(inside, n_others / inside.sum(), 1.0) if n_others else np.ones(len(inside))


def _compared(
    name: str, shared: FloatArray, own: FloatArray, n_events: FloatArray
) -> tuple[str, float, float, float, float]:
    """Return bits per event under both fits, the gap, and its standard error."""
    total = n_events.sum()
    saved = shared - own
    gap = saved.sum() / total
    error = np.sqrt(((saved - gap * n_events) ** 2).sum()) / total
    return name, float(shared.sum() / total), float(own.sum() / total), float(gap), float(error)
