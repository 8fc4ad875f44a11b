"""Real experiments with known effects on leaving: users of two kinds, sessions that hang together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.evaluation.arms import Arms

MINUTE = 60 * 10**6
STEPS = ("a_landing", "b_form", "c_pay", "d_buy")
LANDING, FORM, PAY, BUY = range(4)
LEAVING = np.array([[0.10, 0.08, 0.05], [0.35, 0.30, 0.25]])
"""Of quick users and of hesitant ones, at each step but the last."""
AGAIN = np.array([0.15, 0.45])
"""Of who stays, the share that looks at the same step again."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlantedTest:
    """An experiment: its log and its arms."""

    sequences: Sequences
    arms: Arms


def left(chance: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Return chances of leaving under signed effects: above zero a friction, below a reward."""
    return np.where(effect >= 0, 1 - (1 - chance) * (1 - effect), chance * (1 + effect))


def plant_test(
    generator: np.random.Generator,
    effects: tuple[float, float, float],
    *,
    n_users: int = 2_000,
    own: float = 0.0,
    elsewhere: float = 0.0,
) -> PlantedTest:
    """Return an experiment of journeys from landing to buying, one a user.

    Parameters
    ----------
    generator : Generator
    effects : (float, float, float)
        At each step, as ``left`` takes them.
    n_users : int
    own : float
        Standard deviation of the log-odds to leave that are a user's own.
    elsewhere : float
        Share of the treated who skip the form when they go on from landing.
    """
    treated = generator.random(n_users) < 0.5
    kind = (generator.random(n_users) < 0.5).astype(int)
    odds = np.exp(generator.normal(0, own, n_users)) if own else np.ones(n_users)
    state, alive = np.zeros(n_users, int), np.ones(n_users, bool)
    seen = [(np.arange(n_users), np.zeros(n_users, int))]
    change = np.asarray(effects)
    while alive.any():
        users = np.flatnonzero(alive)
        here = state[users]
        chance = LEAVING[kind[users], here]
        chance = chance * odds[users] / (1 - chance + chance * odds[users])
        chance = np.where(treated[users], left(chance, change[here]), chance)
        draws = generator.random((3, len(users)))
        leaves, again = draws[0] < chance, draws[1] < AGAIN[kind[users]]
        skips = (here == LANDING) & treated[users] & (draws[2] < elsewhere)
        state[users] = np.where(again, here, np.where(skips, PAY, here + 1))
        alive[users[leaves]] = False
        stay = users[~leaves]
        seen.append((stay, state[stay]))
        alive[stay[state[stay] == BUY]] = False
    users = np.concatenate([part for part, _ in seen])
    turn = np.concatenate([np.full(len(part), number) for number, (part, _) in enumerate(seen)])
    order = np.lexsort((turn, users))
    owners = users[order].astype(np.int32)
    begun = generator.integers(0, 60 * 24 * 14, n_users) * MINUTE
    sequences = Sequences(
        vocabulary=STEPS,
        user_ids=tuple(f"u{number:06d}" for number in range(n_users)),
        codes=np.concatenate([codes for _, codes in seen])[order].astype(np.int32),
        users=owners,
        sessions=owners.astype(np.int64),
        times=begun[owners] + turn[order] * 1_000_000,
    )
    arms = Arms(
        names=("control", "new"),
        of_users=treated.astype(np.int32),
        entered=begun,
        n_crossing=0,
        n_outside=0,
    )
    return PlantedTest(sequences=sequences, arms=arms)
