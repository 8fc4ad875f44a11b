"""What simulated users did in both arms, and how far their uplift may be from the exact one.

Two solvers give it: walks, event by event on common random numbers, and counts of a cohort.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from persona_tui.engine.progress import Progress, ProgressCallback
from persona_tui.engine.simulation.cohort import CohortCounts, arm_variance, simulate_cohort
from persona_tui.engine.simulation.flow import Flow, Outcomes, solve
from persona_tui.engine.simulation.paths import Walks, walk
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

ARMS = ("control", "treatment")
MOST_WALKERS = 1_000_000
"""Synthetic users per arm up to which they walk one by one where the solver is left open."""

Solver: TypeAlias = Literal["auto", "cohort", "paths", "exact"]


def choose_solver(wanted: Solver, n_personas: int) -> Literal["cohort", "paths", "exact"]:
    """Return the solver to use: walks up to a million users per arm, counts above, unless one is wanted.

    Examples
    --------
    >>> choose_solver("auto", 10_000), choose_solver("auto", 10**9), choose_solver("cohort", 10)
    ('paths', 'cohort', 'cohort')
    """
    if wanted != "auto":
        return wanted
    return "paths" if n_personas <= MOST_WALKERS else "cohort"


class Simulation(ABC):
    """Both arms of an experiment as simulated, by persona."""

    @property
    @abstractmethod
    def n_personas(self) -> IntArray:
        """Return the synthetic users of each persona, per arm, shape (K,)."""

    @abstractmethod
    def means(self, arm: str, metric: str) -> FloatArray:
        """Return the mean of a metric by persona, shape (K,); NaN where nobody was simulated."""

    @abstractmethod
    def variance(self, metric: str, weights: dict[str, FloatArray]) -> FloatArray:
        """Return each persona's part of the variance of the uplift, shape (K,), given its weight by arm."""

    @property
    def simulated(self) -> BoolArray:
        """Return which personas have synthetic users, shape (K,)."""
        return self.n_personas > 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WalkedArms(Simulation):
    """Walks of both arms by persona; a persona's walkers are pairs."""

    control: list[Walks]
    treatment: list[Walks]

    @property
    def n_personas(self) -> IntArray:
        """Return the walkers of each persona, shape (K,)."""
        return np.array([len(each.outcomes) for each in self.control], dtype=np.int64)

    def means(self, arm: str, metric: str) -> FloatArray:
        """Return the mean of a metric by persona, shape (K,)."""
        walks = self.control if arm == "control" else self.treatment
        return np.array([each.metric(metric).mean() if len(each.outcomes) else np.nan for each in walks])

    def variance(self, metric: str, weights: dict[str, FloatArray]) -> FloatArray:
        """Return each persona's part of the variance, from the differences of its pairs.

        To each persona two walkers that differ by one, one either way, are added to those seen: a
        few hundred walkers without a difference do not prove that there is none.
        """
        parts = []
        rows = zip(self.control, self.treatment, weights["control"], weights["treatment"], strict=True)
        for before, after, c, t in rows:
            n = len(before.outcomes)
            if n == 0 or (before is after and c == t):
                parts.append(0.0)
                continue
            difference = t * after.metric(metric) - c * before.metric(metric)
            parts.append((float(difference.var()) * n + 2.0 * max(c, t) ** 2) / n**2)
        return np.array(parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedArms(Simulation):
    """Counts of both arms, drawn independently; the same object where nothing changes."""

    control: CohortCounts
    treatment: CohortCounts
    exact: tuple[Outcomes, Outcomes]

    @property
    def n_personas(self) -> IntArray:
        """Return the users of each persona, shape (K,)."""
        return self.control.n_users

    def means(self, arm: str, metric: str) -> FloatArray:
        """Return the mean of a metric by persona, shape (K,)."""
        counts = self.control if arm == "control" else self.treatment
        return counts.metrics[metric]

    def variance(self, metric: str, weights: dict[str, FloatArray]) -> FloatArray:
        """Return each persona's part of the variance, from the exact outcomes."""
        users = np.maximum(self.n_personas, 1)
        before, after = (
            arm_variance(metric, outcomes, counts)
            for outcomes, counts in zip(self.exact, (self.control, self.treatment), strict=True)
        )
        c, t = weights["control"], weights["treatment"]
        if self.control is self.treatment:
            return (t - c) ** 2 * before / users
        return (c**2 * before + t**2 * after) / users


def walk_arms(
    control: Flow,
    treatment: Flow,
    users: IntArray,
    max_length: int,
    *,
    seed: np.random.SeedSequence,
    on_progress: ProgressCallback,
) -> WalkedArms:
    """Walk both arms on common random numbers.

    Parameters
    ----------
    control, treatment : Flow
    users : array of shape (K,)
        Walkers of each persona, per arm.
    max_length : int
    seed : SeedSequence
    on_progress : callable
    """
    before: list[Walks] = []
    after: list[Walks] = []
    for persona, size in enumerate(users.tolist()):
        before.append(walk(control, persona, size, max_length, seed))
        same = treatment is control
        after.append(before[-1] if same else walk(treatment, persona, size, max_length, seed))
        done = int(users[: persona + 1].sum())
        on_progress(Progress(stage="walks", done=done, total=int(users.sum())))
    return WalkedArms(control=before, treatment=after)


def count_arms(
    control: Flow, treatment: Flow, users: IntArray, max_length: int, *, seed: np.random.SeedSequence
) -> CountedArms:
    """Count both arms of a cohort; parameters as ``walk_arms``."""
    before = simulate_cohort(control, users, max_length, seed)
    same = treatment is control
    after = before if same else simulate_cohort(treatment, users, max_length, seed, arm=1)
    exact = (solve(control, max_length), solve(treatment, max_length))
    return CountedArms(control=before, treatment=after, exact=exact)
