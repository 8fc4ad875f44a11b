"""Where a budget of improvements converts most: the best allocation of saved leaving over steps.

A plan holds the leaving saved at each step that may be improved, and last what is not spent, so that
every plan sums to the budget and a better one is found by moving amounts between its entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, product

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.edits import continuing_support
from persona_tui.engine.simulation.effect_base import THIN_SUPPORT
from persona_tui.engine.simulation.effects import Reward
from persona_tui.engine.simulation.flow import Flow, solve
from persona_tui.engine.simulation.leverage import (
    edge_derivatives,
    pooled_visits,
    saveable_rate,
    saving_direction,
)
from persona_tui.engine.types import FloatArray, IntArray

TOLERANCE = 1e-7
"""Conversion that no transfer between two steps may still add to a plan."""
N_INCREMENTS = 40
"""Equal parts in which the budget is first spent, each where its slope is steepest."""
_LINE_SEARCH = np.append(0.0, 0.5 ** np.arange(16))
_CHECKED_PARTS = 0.25 ** np.arange(5)
_PLANS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAllocation:
    """What of the budget goes to one step.

    Parameters
    ----------
    state : str
    reduction : float
        Points of the leaving rate saved, as a probability.
    leaving_rate : float
        What could be saved: leaving per visit today, by personas that were seen to go on.
    saved_share : float
        Share of the leaving that is saved, in every persona: the factor of ``reward``.
    support : float
        Observed moves onward.
    """

    state: str
    reduction: float
    leaving_rate: float
    saved_share: float
    support: float

    @property
    def thin(self) -> bool:
        """Whether fewer than 30 observed moves say where those go who are saved."""
        return self.support < THIN_SUPPORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """The best plan found for a budget, and what simpler plans would give.

    Parameters
    ----------
    budget : float
        Leaving that may be saved, summed over steps.
    steps : tuple of StepAllocation
        Steps that receive some of it, the largest first; less than the budget
        where caps bind or more saving would not raise conversion.
    conversion_before, conversion : float
        Share of journeys that convert, as it is and under the plan.
    gain_over_even : float
        What it converts more than the budget spread evenly over all steps, within their caps.
    single_state : str
        The best single step.
    gain_over_single : float
        What it converts more than as much of the budget there as it takes.
    missed : float
        The most that a transfer between two steps would still add; within the tolerance.
    """

    budget: float
    steps: tuple[StepAllocation, ...]
    conversion_before: float
    conversion: float
    gain_over_even: float
    single_state: str
    gain_over_single: float
    missed: float

    @property
    def spent(self) -> float:
        """Return the leaving that is saved, summed over steps."""
        return sum(step.reduction for step in self.steps)

    @property
    def gain(self) -> float:
        """Return the uplift of conversion under the plan."""
        return self.conversion - self.conversion_before

    @property
    def effects(self) -> tuple[Reward, ...]:
        """Return the plan as effects of a modification, which predict the same conversion."""
        return tuple(Reward(factor=step.saved_share, at=(step.state,)) for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginalValue:
    """What budgets are worth: arrays of shape (m,), and the allocation behind each."""

    budgets: FloatArray
    gains: FloatArray
    allocations: tuple[Allocation, ...]

    def __post_init__(self) -> None:
        for array in (self.budgets, self.gains):
            array.setflags(write=False)


def allocate(
    flow: Flow,
    shares: FloatArray,
    budget: float,
    *,
    at: tuple[str, ...] = (),
    cap: float | None = None,
    max_length: int | None = None,
) -> Allocation:
    """Return the allocation of saved leaving over steps that converts most.

    Parameters
    ----------
    flow : Flow
        Without leading axes.
    shares : array of shape (K,)
        Each persona's share of journeys.
    budget : float
        Reduction of leaving rates, summed over steps: 0.05 is five points, at one step or at several.
    at : tuple of str, optional
        Steps that may be improved; all at which leaving can be saved.
    cap : float, optional
        Largest reduction at one step, besides its leaving rate.
    max_length : int, optional

    Returns
    -------
    Allocation
        Never below the even split and the best single step.

    Raises
    ------
    UnknownNameError, SimulationError
        If a state is not known, a number is out of bounds, nothing can be saved at a named step
        or at any, or the horizon is unlimited and a plan leaves a walk that might never end.

    Notes
    -----
    A reduction d saves the share ``d / p`` of a step's leaving in every persona, p being its mean rate
    over today's visits; the saved go on pro rata. Conversion is smooth in d, neither concave nor
    convex. The budget is spent in 40 parts, each where the exact slope, taken anew, is steepest; that
    plan, the even split and the best single step climb by transfers from the flattest entry to the
    steepest. The best is kept once no transfer between any two entries, of all or 1/4 ... 1/256 of what
    can move, adds more than 1e-7; that a change of three at once would add is not excluded.
    About 100 derivatives and a few thousand solves.

    References
    ----------
    Platt (1998), *Sequential Minimal Optimization*, MSR-TR-98-14, for ascent by pairs.

    Examples
    --------
    >>> stays = np.array([[[0, 0.8, 0, 0.2, 0], [0, 0, 0.5, 0.5, 0], [0, 0, 0, 0, 0]]])
    >>> funnel = Flow(
    ...     states=("cart", "pay", "done"), kinds=np.array([0, 0, 1]), unit="session",
    ...     starts=np.array([[1.0, 0.0, 0.0]]), transitions=stays, support=100 * stays,
    ...     friction_is_drop=False)
    >>> best = allocate(funnel, np.ones(1), 0.4)
    >>> [(step.state, round(step.reduction, 3)) for step in best.steps], round(best.conversion, 4)
    ([('pay', 0.35), ('cart', 0.05)], 0.7225)
    """
    problem = _Problem.of(flow, shares, at=at, cap=cap, max_length=max_length)
    return _best(problem, budget, [])[1]


def marginal_value(
    flow: Flow,
    shares: FloatArray,
    budgets: Sequence[float],
    *,
    at: tuple[str, ...] = (),
    cap: float | None = None,
    max_length: int | None = None,
) -> MarginalValue:
    """Return the gain of conversion against the budget.

    Parameters
    ----------
    flow, shares, at, cap, max_length
        As ``allocate``.
    budgets : sequence of float
        In rising order.

    Returns
    -------
    MarginalValue
        Gains never fall: each budget is also tried from the plan of the one before.

    Raises
    ------
    UnknownNameError, SimulationError
        As ``allocate``, or if the budgets do not rise.
    """
    if any(later <= earlier for earlier, later in pairwise(budgets)):
        raise SimulationError("The budgets must rise.", hint="Sort them and leave out repeats.")
    problem = _Problem.of(flow, shares, at=at, cap=cap, max_length=max_length)
    allocations: list[Allocation] = []
    starts: list[FloatArray] = []
    for budget in budgets:
        plan, allocation = _best(problem, budget, starts)
        allocations.append(allocation)
        starts = [plan[:-1]]
    gains = np.array([each.gain for each in allocations])
    return MarginalValue(budgets=np.array(budgets, float), gains=gains, allocations=tuple(allocations))


@dataclass(frozen=True, eq=False)
class _Problem:
    """Conversion as a function of plans over the steps at ``positions``; not to spend always has room."""

    flow: Flow
    shares: FloatArray
    max_length: int | None
    positions: IntArray
    rates: FloatArray
    room: FloatArray

    @classmethod
    def of(
        cls, flow: Flow, shares: FloatArray, *, at: tuple[str, ...], cap: float | None, max_length: int | None
    ) -> _Problem:
        if cap is not None and not 0 < cap <= 1:
            raise SimulationError(f"cap == {cap:g}, must be above 0 and at most 1.")
        rates = saveable_rate(flow, pooled_visits(flow, shares, max_length))
        idle = [name for name in at if rates[flow.index(name)] <= 0]
        if idle:
            raise SimulationError(
                f"Nothing can be saved at {', '.join(idle)}: nobody leaves, or nobody goes on."
            )
        positions = np.flatnonzero((rates > 0) & np.isin(flow.states, at or flow.states))
        if not len(positions):
            raise SimulationError("There is no step at which leaving could be saved.")
        rates = rates[positions]
        room = np.append(np.minimum(rates, 1.0 if cap is None else cap), np.inf)
        return cls(flow, shares, max_length, positions, rates, room)

    @cached_property
    def direction(self) -> FloatArray:
        return saving_direction(self.flow)

    def saved_shares(self, plans: FloatArray) -> FloatArray:
        """Return the share of leaving saved at each state, shape (..., n)."""
        saved = np.zeros((*plans.shape[:-1], self.flow.n_states))
        saved[..., self.positions] = np.minimum(plans[..., :-1] / self.rates, 1.0)
        return saved

    def flows(self, plans: FloatArray) -> Flow:
        """Return the flows under plans of shape (..., S + 1)."""
        moves = self.flow.transitions + self.saved_shares(plans)[..., None, :, None] * self.direction
        starts = np.broadcast_to(self.flow.starts, moves.shape[:-1])
        return replace(self.flow, starts=starts, transitions=moves)

    def conversions(self, plans: FloatArray) -> FloatArray:
        """Return the conversion of each plan of shape (m, S + 1)."""
        parts = [plans[first : first + _PLANS_AT_ONCE] for first in range(0, len(plans), _PLANS_AT_ONCE)]
        solved = [solve(self.flows(part), self.max_length).converted @ self.shares for part in parts]
        return np.concatenate(solved)

    def best_of(self, plans: FloatArray) -> tuple[FloatArray, float]:
        """Return the plan that converts most, and its conversion."""
        values = self.conversions(plans)
        return plans[values.argmax()], float(values.max())

    def slopes(self, plan: FloatArray) -> FloatArray:
        """Return the slope of conversion in each entry of a plan; not to spend has none."""
        derivatives = edge_derivatives(self.flows(plan), self.shares, self.max_length)
        gains = (derivatives * self.direction).sum(axis=(0, -1))[self.positions]
        return np.append(gains / self.rates, 0.0)


def _best(problem: _Problem, budget: float, starts: list[FloatArray]) -> tuple[FloatArray, Allocation]:
    """Return the best plan that can be reached, and the allocation it stands for."""
    if not 0 < budget < np.inf:
        raise SimulationError(f"budget == {budget:g}, must be above 0.")
    singles = np.diag(np.minimum(problem.room[:-1], budget))
    singles = np.column_stack([singles, budget - singles.sum(axis=1)])
    untouched, even = np.append(0.0 * problem.rates, budget), _even(problem.room[:-1], budget)
    before, by_even, *by_single = problem.conversions(np.vstack([untouched, even, singles])).tolist()
    single = int(np.argmax(by_single))
    resumed = [np.append(start, budget - start.sum()) for start in starts]
    starts = [*resumed, _greedy(problem, untouched), even, singles[single]]
    plan, conversion, missed = _settle(problem, [_climb(problem, start) for start in starts])
    return plan, Allocation(
        budget=budget,
        steps=_step_allocations(problem, plan),
        conversion_before=before,
        conversion=conversion,
        gain_over_even=conversion - by_even,
        single_state=problem.flow.states[problem.positions[single]],
        gain_over_single=conversion - by_single[single],
        missed=missed,
    )


def _step_allocations(problem: _Problem, plan: FloatArray) -> tuple[StepAllocation, ...]:
    saved = problem.saved_shares(plan)
    support = continuing_support(problem.flow).sum(axis=0)
    steps = []
    for i, saving, rate in zip(problem.positions, plan[:-1].tolist(), problem.rates.tolist(), strict=True):
        amounts = {"reduction": saving, "leaving_rate": rate, "saved_share": float(saved[i])}
        steps.append(StepAllocation(state=problem.flow.states[i], support=float(support[i]), **amounts))
    return tuple(sorted((step for step in steps if step.reduction > 0), key=lambda step: -step.reduction))


def _even(room: FloatArray, budget: float) -> FloatArray:
    """Return the plan that gives every step the same, and what some cannot take to the others."""
    plan = np.zeros(len(room))
    for _ in room:
        open_steps = plan < room
        left = budget - plan.sum()
        if left <= 0 or not open_steps.any():
            break
        plan = np.where(open_steps, np.minimum(plan + left / open_steps.sum(), room), plan)
    return np.append(plan, max(budget - plan.sum(), 0.0))


def _greedy(problem: _Problem, plan: FloatArray) -> FloatArray:
    """Spend the budget in equal parts, each where the slope is steepest and there is room."""
    part = plan[-1] / N_INCREMENTS
    for _ in range(N_INCREMENTS + len(plan)):
        slopes = np.where(plan < problem.room, problem.slopes(plan), 0.0)
        best = int(slopes.argmax())
        if slopes[best] <= 0 or plan[-1] <= 0:
            break
        most = min(plan[-1], problem.room[best] - plan[best])
        plan = _transfers(problem, plan, -1, best, np.array([min(part, most)]))[0]
    return plan


def _climb(problem: _Problem, plan: FloatArray) -> tuple[FloatArray, float]:
    """Follow the steepest transfers as long as each adds more than the tolerance."""
    conversion = -np.inf
    while True:
        better, value = problem.best_of(_steepest_transfers(problem, plan))
        if value - conversion <= TOLERANCE:
            return plan, conversion
        plan, conversion = better, value


def _settle(problem: _Problem, climbed: list[tuple[FloatArray, float]]) -> tuple[FloatArray, float, float]:
    """Return the best plan once no transfer adds more than the tolerance, its conversion, what one would."""
    plan, conversion = max(climbed, key=lambda each: each[1])
    while True:
        better, value = problem.best_of(_all_transfers(problem, plan))
        if value - conversion <= TOLERANCE:
            return plan, conversion, max(value - conversion, 0.0)
        plan, conversion = _climb(problem, better)


def _steepest_transfers(problem: _Problem, plan: FloatArray) -> FloatArray:
    """Return the plan, and plans that move some from its flattest entry to the steepest with room."""
    slopes = problem.slopes(plan)
    giver = int(np.where(plan > 0, slopes, np.inf).argmin())
    taker = int(np.where(plan < problem.room, slopes, -np.inf).argmax())
    most = min(plan[giver], problem.room[taker] - plan[taker])
    return _transfers(problem, plan, giver, taker, most * _LINE_SEARCH)


def _all_transfers(problem: _Problem, plan: FloatArray) -> FloatArray:
    """Return the plan, and plans that move some from any entry to any other."""
    plans = [plan[None]]
    takers = np.flatnonzero(plan < problem.room).tolist()
    for giver, taker in product(np.flatnonzero(plan > 0).tolist(), takers):
        most = min(plan[giver], problem.room[taker] - plan[taker])
        plans.append(_transfers(problem, plan, giver, taker, most * _CHECKED_PARTS))
    return np.concatenate(plans)


def _transfers(problem: _Problem, plan: FloatArray, giver: int, taker: int, some: FloatArray) -> FloatArray:
    plans = np.repeat(plan[None], len(some), axis=0)
    plans[:, giver] -= some
    plans[:, taker] += some
    return np.clip(plans, 0.0, problem.room)  # amounts fit; only rounding could leave the room
