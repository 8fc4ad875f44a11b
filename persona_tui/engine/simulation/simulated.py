"""What simulated users did in both arms, and how far their uplift may be from the exact one.

Two solvers give it: walks, event by event on common random numbers, and counts of a cohort.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypedDict, Unpack

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.simulation.blocks import Arrays, BlockStore, Stage, digest, run_blocks
from persona_tui.engine.simulation.cohort import CohortCounts, arm_variance, simulate_cohort
from persona_tui.engine.simulation.executors import Executor, SerialExecutor
from persona_tui.engine.simulation.flow import METRICS, Flow, Outcomes, solve
from persona_tui.engine.simulation.paths import Outcome, Walks, walk
from persona_tui.engine.types import AnyArray, BoolArray, FloatArray, IntArray

ARMS = ("control", "treatment")
MOST_WALKERS = 1_000_000
"""Synthetic users per arm up to which they walk one by one where the solver is left open."""

PAIRS_PER_BLOCK = 2**18
"""Walkers of one persona, in both arms, that are walked at a time: 0.1 s or so; no walk depends on it."""

_FIRST_PAIRS: Final = 2**10
_LARGER: Final = 4
"""Blocks begin small and grow by this factor, so that every persona has walkers soon."""

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
    """Walks of both arms by persona, added up; a persona's walkers are pairs.

    Parameters
    ----------
    n_personas : int64 array of shape (K,)
        Walkers of each persona, per arm.
    sums : object array of shape (K, 4, 5)
        Python's whole numbers, so exact however many walk: for each metric the sums over pairs of control b
        and of treatment less control d, then those of b b, d d and b d.
    same : bool
        Whether the arms are one flow.
    """

    n_personas: IntArray
    sums: AnyArray
    same: bool

    def means(self, arm: str, metric: str) -> FloatArray:
        """Return the mean of a metric by persona, shape (K,)."""
        control, uplift = self.sums[:, METRICS.index(metric), :2].T
        totals = control if arm == "control" else control + uplift
        return np.array([t / n if n else np.nan for t, n in zip(totals, self._sizes, strict=True)])

    def variance(self, metric: str, weights: dict[str, FloatArray]) -> FloatArray:
        """Return each persona's part of the variance, from the differences of its pairs.

        To each persona two walkers that differ by one, one either way, are added to those seen: a
        few hundred walkers without a difference do not prove that there is none.
        """
        parts = []
        rows = zip(
            self._sizes,
            self.sums[:, METRICS.index(metric)],
            weights["control"],
            weights["treatment"],
            strict=True,
        )
        for n, sums, c, t in rows:
            if n == 0 or (self.same and c == t):
                parts.append(0.0)
                continue
            parts.append((_variance_of_pairs(n, sums, c, t) * n + 2.0 * max(c, t) ** 2) / n**2)
        return np.array(parts)

    @property
    def _sizes(self) -> list[int]:
        return [int(each) for each in self.n_personas]


def _variance_of_pairs(n: int, sums: AnyArray, c: float, t: float) -> float:
    """Return the variance of t times treatment less c times control, which is ``t d + (t - c) b``."""
    b, d, bb, dd, bd = sums
    of_b, of_d, of_both = ((n * bb - b * b) / n**2, (n * dd - d * d) / n**2, (n * bd - b * d) / n**2)
    tilt = t - c
    return float(t * t * of_d + tilt * tilt * of_b + 2 * t * tilt * of_both)


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmsSimulated(Progress):
    """How far a simulation has come, with what it gave so far.

    Parameters
    ----------
    simulation : Simulation
        Of the users who are done.
    """

    simulation: Simulation


class Work(TypedDict):
    """How work in blocks is done."""

    executor: Executor | None
    store: BlockStore | None
    on_progress: ProgressCallback


def simulate_arms(
    solver: Literal["cohort", "paths"],
    arms: tuple[Flow, Flow],
    users: IntArray,
    max_length: int,
    *,
    seed: np.random.SeedSequence,
    **work: Unpack[Work],
) -> Simulation:
    """Simulate control and treatment by one of the solvers; parameters as ``walk_arms``.

    Parameters
    ----------
    on_progress : callable
        Gets ``ArmsSimulated``.
    """
    if solver == "paths":
        return walk_arms(*arms, users, max_length, seed=seed, **work)
    counted = count_arms(*arms, users, max_length, seed=seed)
    everyone = int(users.sum())
    work["on_progress"](ArmsSimulated(stage="counts", done=everyone, total=everyone, simulation=counted))
    return counted


def walk_arms(
    control: Flow,
    treatment: Flow,
    users: IntArray,
    max_length: int,
    *,
    seed: np.random.SeedSequence,
    executor: Executor | None = None,
    store: BlockStore | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> WalkedArms:
    """Walk both arms on common random numbers.

    Parameters
    ----------
    control, treatment : Flow
    users : array of shape (K,)
        Walkers of each persona, per arm.
    max_length : int
    seed : SeedSequence
    executor : Executor, optional
        One block after the other where left out.
    store : BlockStore, optional
        Where finished blocks are kept and found.
    on_progress : callable

    Notes
    -----
    Blocks are of one persona and hold both arms. Each gives sums only, so memory does not grow with the
    walkers: about 20 MB a worker.
    """
    task = _PairedWalks(control=control, treatment=treatment, max_length=max_length, seed=seed)
    blocks = walk_blocks(users)
    walked, sums = np.zeros_like(users), np.zeros((len(users), len(METRICS), 5), dtype=object)

    def add(position: int, result: Arrays) -> None:
        persona, _, size = blocks[position]
        walked[persona] += size
        sums[persona] += result["sums"].astype(object)

    def so_far() -> WalkedArms:
        return WalkedArms(n_personas=walked.copy(), sums=sums.copy(), same=treatment is control)

    def tell(progress: Progress) -> None:
        on_progress(
            ArmsSimulated(stage=progress.stage, done=progress.done, total=progress.total, simulation=so_far())
        )

    sizes = tuple(size for _, _, size in blocks)
    run_blocks(
        task,
        blocks,
        Stage(name="walks", sizes=sizes, key="" if store is None else task.key(users)),
        executor=executor or SerialExecutor(),
        store=store,
        on_block=add,
        on_progress=tell,
    )
    return so_far()


def walk_blocks(users: IntArray) -> list[tuple[int, int, int]]:
    """Return who walks together: persona, first walker and how many, in the order of the work.

    Every persona is as far along as the others, so that what is known so far tells of all.

    Examples
    --------
    >>> walk_blocks(np.array([3000, 1500]))
    [(0, 0, 1024), (1, 0, 1024), (0, 1024, 1976), (1, 1024, 476)]
    """
    found = []
    for persona, n_users in enumerate(users.tolist()):
        first, size = 0, min(_FIRST_PAIRS, PAIRS_PER_BLOCK)
        while first < n_users:
            block = (persona, first, min(size, n_users - first))
            found.append((first / n_users, block))
            first, size = first + size, min(_LARGER * size, PAIRS_PER_BLOCK)
    return [block for _, block in sorted(found)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _PairedWalks:
    """Walks of one block in both arms, added up as ``WalkedArms`` holds them."""

    control: Flow
    treatment: Flow
    max_length: int
    seed: np.random.SeedSequence

    def key(self, users: IntArray) -> str:
        """Return a digest of all that the walks depend on."""
        parts: list[AnyArray | str | int] = []
        for flow in (self.control, self.treatment):
            parts += [str(flow.states), flow.kinds, flow.starts, flow.transitions, str(flow.friction_is_drop)]
        return digest(*parts, users, self.max_length, str(self.seed))

    def __call__(self, block: tuple[int, int, int]) -> Arrays:
        """Return the sums of some walkers of a persona, shape (4, 5)."""
        persona, first, size = block
        before = walk(self.control, persona, size, self.max_length, self.seed, first_walker=first)
        after = before
        if self.treatment is not self.control:
            after = walk(self.treatment, persona, size, self.max_length, self.seed, first_walker=first)
        return {"sums": _add_up(before, after)}


def _add_up(before: Walks, after: Walks) -> IntArray:
    """Return the sums over pairs of every metric, shape (4, 5); those of rates from counts of outcomes."""
    n = len(Outcome)
    pairs = np.bincount(before.outcomes.astype(np.int64) * n + after.outcomes, minlength=n * n)
    each_outcome = Walks(outcomes=np.arange(n), lengths=np.zeros(n))
    rows = []
    for metric in METRICS:
        if metric == "avg_length":
            rows.append(_sums(before.lengths.astype(np.int64), after.lengths.astype(np.int64), np.int64(1)))
        else:
            is_one = each_outcome.metric(metric).astype(np.int64)
            rows.append(_sums(np.repeat(is_one, n), np.tile(is_one, n), pairs))
    return np.array(rows, dtype=np.int64)


def _sums(control: IntArray, treatment: IntArray, times: IntArray | np.int64) -> list[np.int64]:
    """Return the sums that ``WalkedArms`` holds, of pairs that occur so many times."""
    longest = int(max(control.max(), treatment.max()))
    if longest**2 * len(control) > np.iinfo(np.int64).max:
        raise SimulationError(
            f"Walks of {longest} events are too long to add up.", hint="Set a smaller max_length."
        )
    uplift = treatment - control
    squares = (control * control, uplift * uplift, control * uplift)
    return [(each * times).sum() for each in (control, uplift, *squares)]


def count_arms(
    control: Flow, treatment: Flow, users: IntArray, max_length: int, *, seed: np.random.SeedSequence
) -> CountedArms:
    """Count both arms of a cohort; parameters as ``walk_arms``."""
    before = simulate_cohort(control, users, max_length, seed)
    same = treatment is control
    after = before if same else simulate_cohort(treatment, users, max_length, seed, arm=1)
    exact = (solve(control, max_length), solve(treatment, max_length))
    return CountedArms(control=before, treatment=after, exact=exact)
