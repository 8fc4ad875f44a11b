"""A trait whose effect on an outcome is known, among users in whom something else moves both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

N_USERS = 1_000
KINDS = ("new", "back", "loyal")
CAUSE_OF_BOTH = 1.0
"""Log-odds of the trait between a kind of user and the next; those who have it convert more anyway."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EffectWorld:
    """Users of three kinds, keen or not: both raise the chance of the trait and of the outcome.

    ``chances``, ``has_trait`` and ``responds`` are of each of the six cells: of being in it, of the trait,
    and of the outcome without it. The trait adds ``effect`` of a cell to the chance of the outcome.
    """

    chances: np.ndarray
    has_trait: np.ndarray
    responds: np.ndarray
    effect: np.ndarray

    @cached_property
    def truth(self) -> float:
        """The mean outcome if every user had the trait, less that if none had."""
        return float(self.chances @ self.effect)

    @cached_property
    def naive(self) -> float:
        """What the plain difference of those with and without the trait tends to."""
        having, lacking = self.chances * self.has_trait, self.chances * (1 - self.has_trait)
        with_trait = having @ (self.responds + self.effect) / having.sum()
        return float(with_trait - lacking @ self.responds / lacking.sum())


def plant_effect(generator: np.random.Generator) -> EffectWorld:
    kind, keen = np.divmod(np.arange(2 * len(KINDS)), 2)
    odds = CAUSE_OF_BOTH * (kind + keen) + generator.uniform(-2.5, -1.0)
    responds = 0.1 + 0.12 * kind + 0.15 * keen + generator.uniform(0, 0.1)
    return EffectWorld(
        chances=generator.dirichlet(np.full(2 * len(KINDS), 8.0)),
        has_trait=1 / (1 + np.exp(-odds)),
        responds=responds,
        effect=generator.uniform(-0.1, 0.1) + generator.uniform(0, 0.05) * keen,
    )


def leave_users(world: EffectWorld, generator: np.random.Generator) -> pl.DataFrame:
    cells = generator.choice(len(world.chances), size=N_USERS, p=world.chances)
    has_trait = generator.random(N_USERS) < world.has_trait[cells]
    chance = world.responds[cells] + world.effect[cells] * has_trait
    return pl.DataFrame(
        {
            "user_id": np.arange(N_USERS),
            "kind": [KINDS[cell // 2] for cell in cells],
            "keen": cells % 2 == 1,
            "mobile": has_trait,
            "bought": generator.random(N_USERS) < chance,
        }
    )
