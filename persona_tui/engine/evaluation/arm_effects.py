"""The effects of a real change as two arms pin them, drawn as surely as their users do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.evaluation.arm_mixture import ArmMixture, ArmTable, fit_arms, refit_arms
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.statistics import NORMAL_QUANTILE, Interval
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

N_DRAWS: Final = 200
_NUMBERS_AT_ONCE: Final = 2**23
"""Of the chains, or of the memberships, of some draws."""
LEAST_VISITS: Final = 30
"""Of a step in an arm, below which nothing is told of it."""

Kind: TypeAlias = Literal["friction", "reward"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnEffects:
    """Effects, and how surely two arms pin them.

    Parameters
    ----------
    rewards : bool array of shape (E,)
        Which effects act on leaving, not on staying.
    factors : array of shape (E, 1 + B)
        Of the friction or reward; the first column as fitted.
    conversions : array of shape (3, 1 + B)
        Share of the journeys that convert: of control as its chains have it, with the effects on them, and
        the difference that was observed.
    leaving : array of shape (S, K)
        Chance of leaving in control, as fitted.
    """

    rewards: BoolArray
    factors: FloatArray
    conversions: FloatArray
    leaving: FloatArray

    def interval_of(self, effect: int) -> Interval:
        """Return the 95 % interval of an effect, normal on the logarithm of what it multiplies by."""
        logs = np.log(1 - self.factors[effect])
        half = NORMAL_QUANTILE * float(logs[1:].std(ddof=1))
        return float(-np.expm1(logs[0] + half)), float(-np.expm1(logs[0] - half))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoArms:
    """The users of two arms, their moves, and the personas to begin with.

    Parameters
    ----------
    counts : TransitionCounts
    treated : bool array of shape (U,)
    memberships : array of shape (R, K)
    prior : float
    leaves : bool array of shape (F,)
    visits, left : arrays of shape (2, S)
        Of each row of the chain, in control and in treatment.
    """

    counts: TransitionCounts
    treated: BoolArray
    memberships: FloatArray
    prior: float
    leaves: BoolArray
    visits: FloatArray
    left: FloatArray

    @classmethod
    def of(
        cls, counts: TransitionCounts, treated: BoolArray, memberships: FloatArray, prior: float
    ) -> TwoArms:
        """Return the users of two arms.

        Parameters
        ----------
        counts : TransitionCounts
        treated : bool array of shape (U,)
        memberships : array of shape (U, K)
        prior : float
        """
        n_rows = len(counts.multiplicity)
        summed = np.zeros((n_rows, memberships.shape[1]))
        np.add.at(summed, counts.row_of_user, memberships)
        leaves = leaving_moves(counts)
        visits, left = np.zeros((2, counts.n_states + 1)), np.zeros((2, counts.n_states + 1))
        for arm, chosen in enumerate((~treated, treated)):
            made = counts.matrix.T @ np.bincount(counts.row_of_user[chosen], minlength=n_rows).astype(float)
            np.add.at(visits[arm], counts.sources, made)
            np.add.at(left[arm], counts.sources[leaves], made[leaves])
        return cls(
            counts=counts,
            treated=treated,
            memberships=summed / counts.multiplicity[:, None],
            prior=prior,
            leaves=leaves,
            visits=visits,
            left=left,
        )

    @property
    def states(self) -> tuple[str, ...]:
        """Return the names of the states."""
        journeys = self.counts.journeys
        return (*journeys.vocabulary, RETURN)[: journeys.n_states]

    @property
    def acts_on(self) -> BoolArray:
        """Return the rows of the chain that a change of leaving acts on and that something can be told of."""
        rows = can_be_left(self.counts)
        some_do = ((self.left > 0) & (self.left < self.visits)).all(axis=0)
        told: BoolArray = rows & (self.visits >= LEAST_VISITS).all(axis=0) & some_do
        return told

    def estimate(self, parameters: IntArray, seed: np.random.SeedSequence, n_draws: int) -> DrawnEffects:
        """Return effects and their draws.

        Parameters
        ----------
        parameters : int64 array of shape (S,)
            Number of the effect at each row of the chain; -1 where none acts.
        seed : SeedSequence
        n_draws : int
        """
        nowhere = np.zeros(len(parameters), dtype=bool)
        fitted = fit_arms(self._table(parameters, nowhere), self.memberships)
        grown = fitted.scales[:, 0] > 1
        rewards = np.where(parameters >= 0, grown[parameters], False)
        table = self._table(parameters, rewards)
        if grown.any():
            fitted = fit_arms(table, self.memberships)
        weights = table.users[:, :, None]
        parts = [self._of(fitted, weights)]
        n_rows, n_clusters = self.memberships.shape
        size = max(_NUMBERS_AT_ONCE // (n_clusters * max(len(parameters) ** 2, 2 * n_rows)), 1)
        for block, first in enumerate(range(0, n_draws, size)):
            generator = stream(seed, Stream.CALIBRATION, block)
            shape = (*table.users.shape, min(size, n_draws - first))
            drawn = generator.standard_gamma(np.broadcast_to(weights, shape))
            parts.append(self._of(refit_arms(table, fitted, drawn), drawn))
        return DrawnEffects(
            rewards=grown,
            factors=1 - np.concatenate([scales for scales, _ in parts], axis=1),
            conversions=np.concatenate([rates for _, rates in parts], axis=1),
            leaving=fitted.leaving[:, :, 0],
        )

    def _table(self, parameters: IntArray, rewards: BoolArray) -> ArmTable:
        n_rows = len(self.counts.multiplicity)
        users = [
            np.bincount(self.counts.row_of_user[arm], minlength=n_rows)
            for arm in (~self.treated, self.treated)
        ]
        return ArmTable(
            matrix=self.counts.matrix,
            transposed=self.counts.matrix.T.tocsr(),
            users=np.stack(users).astype(float),
            sources=self.counts.sources,
            leaves=self.leaves,
            parameters=parameters,
            rewards=rewards,
            prior=self.prior,
        )

    def _of(self, found: ArmMixture, users: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the effects of some draws, and the conversions that they imply and that were seen."""
        counts = self.counts
        journeys, converted = (
            np.einsum("arb,r->ab", users, each) for each in (counts.n_journeys, counts.n_converted)
        )
        seen = converted / journeys
        shares = np.einsum("rb,rkb,r->kb", users[0], found.memberships[0], counts.n_journeys)
        shares /= shares.sum(axis=0)
        implied = [_conversion(counts, log_moves, shares) for log_moves in found.log_moves]
        return found.scales, np.stack([*implied, seen[1] - seen[0]])


def leaving_moves(counts: TransitionCounts) -> BoolArray:
    """Return which moves are leaving a step: to the exit, or to a drop event; shape (F,)."""
    journeys, n = counts.journeys, counts.n_states
    drops = np.append(journeys.drop, np.zeros(n + 1 - len(journeys.drop), bool))
    drops[n] = True
    leaves: BoolArray = drops[counts.targets] & can_be_left(counts)[counts.sources]
    return leaves


def can_be_left(counts: TransitionCounts) -> BoolArray:
    """Return the rows of the chain that friction and reward can act on: not the start, a return, an end."""
    journeys = counts.journeys
    rows = np.ones(counts.n_states + 1, dtype=bool)
    rows[0] = False
    ends = journeys.completion | journeys.drop if journeys.unit == "session" else journeys.completion
    rows[1 : 1 + len(ends)] = ~ends
    rows[1 + len(ends) :] = False
    return rows


def _conversion(counts: TransitionCounts, log_moves: FloatArray, shares: FloatArray) -> FloatArray:
    """Return the share of journeys that convert, shape (B,), of moves of shape (F, K, B)."""
    n, journeys = counts.n_states, counts.journeys
    chains = counts.tabulate(np.moveaxis(np.exp(log_moves), 0, -1))
    goal = np.append(journeys.completion, np.zeros(n - len(journeys.completion), bool)).astype(float)
    system = np.eye(n) - chains[..., 1:, :n]
    onward = np.linalg.solve(system, np.broadcast_to(goal[:, None], (*system.shape[:-1], 1)))[..., 0]
    by_persona = (chains[..., 0, :n] * onward).sum(axis=-1)
    rates: FloatArray = (by_persona * shares).sum(axis=0)
    return rates
