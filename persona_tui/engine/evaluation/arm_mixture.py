"""Personas of two arms at once: the same chains, but for the chance of leaving where the change acts.

A friction g = 1 - f multiplies the chance to stay at a step, a reward h = 1 - r the chance to leave; which of
the two a step has is given. All personas share it, as they do in a simulated change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from persona_tui.engine.modeling.steps import LOG_FLOOR
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MAX_ITERATIONS: Final = 300
TOLERANCE: Final = 1e-3
"""Natural-log units of all users together."""
SETTLED: Final = 1e-6
"""Relative change of every effect."""
REFIT_ITERATIONS: Final = 25
_NEWTON_STEPS: Final = 4
_ALMOST_ONE: Final = 1 - 1e-9
_ALMOST_NONE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmTable:
    """The moves of the users of two arms, and which of them are leaving.

    Parameters
    ----------
    matrix, transposed : sparse arrays of shape (R, F) and (F, R)
        Moves of each distinct user.
    users : array of shape (2, R)
        Users of each distinct row, in control and in treatment.
    sources : int64 array of shape (F,)
        Row of the chain that each move leaves, ascending, the start being 0.
    leaves : bool array of shape (F,)
    parameters : int64 array of shape (S,)
        For every row of the chain, the number of its effect; -1 where none acts.
    rewards : bool array of shape (S,)
        Where the effect acts on leaving, not on staying.
    prior : float
        Pseudo-moves that draw every row of a persona to that of all users.
    """

    matrix: csr_array
    transposed: csr_array
    users: FloatArray
    sources: IntArray
    leaves: BoolArray
    parameters: IntArray
    rewards: BoolArray
    prior: float

    @property
    def n_effects(self) -> int:
        """Return the number of effects."""
        return int(self.parameters.max()) + 1

    def by_source(self, amounts: FloatArray) -> FloatArray:
        """Return amounts of moves, shape (F, ...), summed by the row that they leave, shape (S, ...)."""
        summed = np.zeros((len(self.parameters), *amounts.shape[1:]))
        firsts = np.flatnonzero(np.diff(self.sources, prepend=-1))
        summed[self.sources[firsts]] = np.add.reduceat(amounts, firsts, axis=0)
        return summed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmMixture:
    """Personas of two arms, for one weighting of the users or for several.

    Parameters
    ----------
    scales : array of shape (E, B)
        What each effect multiplies: below one it is a friction where it acts on staying, a reward where on
        leaving.
    weights : array of shape (K, B)
    log_moves : array of shape (2, F, K, B)
        Logarithm of each move in each arm.
    leaving : array of shape (S, K, B)
        Chance of leaving in control.
    memberships : array of shape (2, R, K, B)
        Of each distinct row, if it were of control and if of treatment.
    """

    scales: FloatArray
    weights: FloatArray
    log_moves: FloatArray
    leaving: FloatArray
    memberships: FloatArray


def fit_arms(table: ArmTable, memberships: FloatArray) -> ArmMixture:
    """Return the personas of two arms by the EM algorithm.

    Parameters
    ----------
    table : ArmTable
    memberships : array of shape (R, K)
        To begin with.

    Notes
    -----
    The M-step has the starts, where moves go on to, and how leaving parts into its ways in closed form; the
    chance of leaving by persona solves a quadratic given the effect, and the effect a concave function of
    one variable given these. O(K x distinct moves of distinct users) an iteration.
    """
    current = np.broadcast_to(memberships[None, :, :, None], (2, *memberships.shape, 1)).copy()
    users = table.users[:, :, None]
    scales = np.ones((table.n_effects, 1))
    before = -np.inf
    for _ in range(MAX_ITERATIONS):
        found, likelihood = _iterate(table, users, current, scales)
        settled = np.abs(found.scales / scales - 1).max(initial=0.0) < SETTLED
        current, scales = found.memberships, found.scales
        if settled and likelihood - before < TOLERANCE:
            break
        before = likelihood
    return found


def refit_arms(table: ArmTable, fitted: ArmMixture, users: FloatArray) -> ArmMixture:
    """Return the personas of two arms with users weighted anew, memberships fitted on from where they stand.

    Parameters
    ----------
    table : ArmTable
    fitted : ArmMixture
        For one weighting.
    users : array of shape (2, R, B)
        Weights of the distinct rows in each arm.
    """
    n_draws = users.shape[-1]
    current = np.repeat(fitted.memberships, n_draws, axis=-1)
    scales = np.repeat(fitted.scales, n_draws, axis=-1)
    for _ in range(REFIT_ITERATIONS):
        found, _ = _iterate(table, users, current, scales)
        current, scales = found.memberships, found.scales
    return found


def _iterate(
    table: ArmTable, users: FloatArray, memberships: FloatArray, scales: FloatArray
) -> tuple[ArmMixture, float]:
    """Return the next fit, and the log-likelihood of the users under it, summed over weightings."""
    mass = users[:, :, None, :] * memberships
    n_rows, n_clusters, n_draws = mass.shape[1:]
    moved = np.stack(
        [(table.transposed @ arm.reshape(n_rows, -1)).reshape(-1, n_clusters, n_draws) for arm in mass]
    )
    weights = mass.sum(axis=(0, 1))
    weights /= weights.sum(axis=0)
    scales, leaving, log_moves = _maximise(table, moved, scales)
    joint = np.stack(
        [
            (table.matrix @ arm.reshape(len(table.sources), -1)).reshape(n_rows, n_clusters, n_draws)
            for arm in log_moves
        ]
    )
    joint += np.log(np.maximum(weights, LOG_FLOOR))
    peak = joint.max(axis=2, keepdims=True)
    chances = np.exp(joint - peak)
    total = chances.sum(axis=2, keepdims=True)
    likelihood = float((users * (np.log(total) + peak)[:, :, 0]).sum())
    found = ArmMixture(
        scales=scales, weights=weights, log_moves=log_moves, leaving=leaving, memberships=chances / total
    )
    return found, likelihood


def _maximise(
    table: ArmTable, moved: FloatArray, scales: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return effects, chances of leaving and log moves that make the moves of two arms likeliest.

    ``moved`` is of shape (2, F, K, B).
    """
    both = moved.sum(axis=0)
    both = both + _pseudo_moves(table, both)
    leaves = table.leaves[:, None, None]
    left, stayed = (table.by_source(np.where(which, both, 0.0)) for which in (leaves, ~leaves))
    in_part = np.where(leaves, left[table.sources], stayed[table.sources])
    shares = both / np.where(in_part > 0, in_part, 1.0)
    left_t, stayed_t = (table.by_source(np.where(which, moved[1], 0.0)) for which in (leaves, ~leaves))
    rewards = table.rewards[:, None, None]
    scaled, other = np.where(rewards, left, stayed), np.where(rewards, stayed, left)
    scaled_t, other_t = np.where(rewards, left_t, stayed_t), np.where(rewards, stayed_t, left_t)
    for _ in range(_NEWTON_STEPS):
        base = _base_chances(scaled, other - other_t, other_t, _spread(table, scales))
        scales = _next_scales(table, scales, base, scaled_t, other_t)
    changed = np.minimum(base * _spread(table, scales), _ALMOST_ONE)
    by_arm = [np.where(rewards, each, 1.0 - each) for each in (base, changed)]
    log_moves = np.stack(
        [
            np.log(
                np.maximum(
                    np.where(leaves, each[table.sources], 1.0 - each[table.sources]) * shares, LOG_FLOOR
                )
            )
            for each in by_arm
        ]
    )
    return scales, by_arm[0], log_moves


def _pseudo_moves(table: ArmTable, both: FloatArray) -> FloatArray:
    """Return pseudo-moves that draw every persona's rows to those of all users."""
    pooled = both.sum(axis=1, keepdims=True)
    of_row = table.by_source(pooled)[table.sources]
    shares: FloatArray = np.divide(pooled, of_row, out=np.zeros_like(pooled), where=of_row > 0)
    return table.prior * shares


def _spread(table: ArmTable, scales: FloatArray) -> FloatArray:
    """Return the effect at each row of the chain, shape (S, 1, B); one where none acts."""
    acts = table.parameters >= 0
    spread = np.where(acts[:, None], scales[table.parameters], 1.0)
    return spread[:, None, :]


def _base_chances(
    scaled: FloatArray, other_c: FloatArray, other_t: FloatArray, scale: FloatArray
) -> FloatArray:
    """Return the chance in control that is likeliest given the effect, a root of a quadratic."""
    a = scale * (scaled + other_c + other_t)
    b = scaled * (1 + scale) + other_c + other_t * scale
    root = np.sqrt(np.maximum(b * b - 4 * a * scaled, 0.0))
    divisor = b + root
    base = np.divide(2 * scaled, divisor, out=np.full_like(divisor, 0.5), where=divisor > 0)
    clipped: FloatArray = np.clip(base, _ALMOST_NONE, _ALMOST_ONE)
    return clipped


def _next_scales(
    table: ArmTable, scales: FloatArray, base: FloatArray, scaled_t: FloatArray, other_t: FloatArray
) -> FloatArray:
    """Return effects after a step of Newton's from where they stand, within what leaves chances below one."""
    acts = np.flatnonzero(table.parameters >= 0)
    of_effect = table.parameters[acts]

    def summed(values: FloatArray) -> FloatArray:
        total = np.zeros_like(scales)
        np.add.at(total, of_effect, values.sum(axis=1))
        return total

    at = base[acts]
    highest = np.full_like(scales, np.inf)
    np.minimum.at(highest, of_effect, 1 / at.max(axis=1))
    gap = np.maximum(1 - at * scales[of_effect][:, None, :], _ALMOST_NONE)
    slope = summed(scaled_t[acts]) / scales - summed(other_t[acts] * at / gap)
    curve = summed(scaled_t[acts]) / scales**2 + summed(other_t[acts] * (at / gap) ** 2)
    # half the way to a bound at most, so that no step leaves what is allowed
    moved = scales + np.divide(slope, curve, out=np.zeros_like(scales), where=curve > 0)
    stepped: FloatArray = np.clip(moved, scales / 2, (scales + highest * _ALMOST_ONE) / 2)
    return stepped
