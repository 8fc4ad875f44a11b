"""What one point less leaving is worth: exact derivatives of conversion, and where journeys leave.

Derivatives of single moves come first; steps, ranked, and drop-off by state rest on them.
Leading axes of a flow (bootstrap draws) are carried through wherever arrays are returned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.simulation.edits import add_reward, continuing_support
from persona_tui.engine.simulation.effect_base import THIN_SUPPORT
from persona_tui.engine.simulation.flow import (
    EXIT,
    FRICTION,
    N_ENDS,
    Flow,
    StateKind,
    expected_visits,
    without_returns,
)
from persona_tui.engine.types import FloatArray

_NEGLIGIBLE_MASS = 1e-18


def edge_derivatives(flow: Flow, shares: FloatArray, max_length: int | None = None) -> FloatArray:
    """Return what conversion gains per unit of probability added to each move.

    Parameters
    ----------
    flow : Flow
    shares : array of shape (..., K)
        Each persona's share of journeys.
    max_length : int, optional
        Events after which a journey counts as truncated; without it the horizon is unlimited.

    Returns
    -------
    array of shape (..., K, n, n + 2)
        ``d(sum_k w_k C_k) / dP_kij``, the row otherwise as it is: points of conversion per point of
        probability. Leaving for good is worth nothing, so the entry is also the gain of taking
        the mass from there; taken from another move, the gain is the difference of two entries.
        Rows of absorbing states, which have no moves, are zero.

    Raises
    ------
    SimulationError
        If the horizon is unlimited and a walk might never end.

    Notes
    -----
    Unlimited, ``w v_i u_j`` with v the expected visits and u the chance of conversion from a state:
    two solves, O(K n ** 3). Limited to L events, ``w sum_t m_t(i) h_{L-2-t}(j)`` with m_t the mass
    after t moves and h_k the chance to convert within k moves: O(K L n ** 2) time and O(K L n) memory;
    where the horizon is long for the number of states, powers of a matrix of twice
    the size, O(K n ** 3 log L). A return takes no event: it is folded into the moves, and the chain
    rule carries the derivatives back to its row and its column.

    References
    ----------
    Caswell (2019), *Sensitivity Analysis: Matrix Methods in Demography and Ecology*, chapter 5.
    Higham (2008), *Functions of Matrices*, equation 3.16, for the powers.

    Examples
    --------
    A funnel in which 80 % and then 50 % go on; a second try at a step is worth what the step is:

    >>> stays = np.array([[[0, 0.8, 0, 0.2, 0], [0, 0, 0.5, 0.5, 0], [0, 0, 0, 0, 0]]])
    >>> funnel = Flow(
    ...     states=("cart", "pay", "done"), kinds=np.array([0, 0, 1]), unit="session",
    ...     starts=np.array([[1.0, 0.0, 0.0]]), transitions=stays, support=100 * stays,
    ...     friction_is_drop=False)
    >>> edge_derivatives(funnel, np.ones(1))[0, :2, :3]
    array([[0.4 , 0.5 , 1.  ],
           [0.32, 0.4 , 0.8 ]])
    """
    moves = without_returns(flow)
    inner = moves[..., :-N_ENDS]
    goal = (flow.kinds == StateKind.COMPLETION).astype(float)
    if max_length is None:
        visits, _ = expected_visits(flow.starts, moves, None)
        value = np.linalg.solve(np.eye(flow.n_states) - inner, goal[:, None])[..., 0]
        per_move = visits[..., :, None] * value[..., None, :]
    elif flow.n_states * max_length.bit_length() < 2 * max_length:
        per_move = _by_powers(flow.starts, inner, goal, max_length)
    else:
        per_move = _by_steps(flow.starts, inner, goal, max_length)
    per_move[..., flow.absorbing, :] = 0.0
    derivatives = np.zeros(flow.transitions.shape)
    derivatives[..., :-N_ENDS] = _with_returns(flow, per_move)
    derivatives *= shares[..., None, None]
    return derivatives


def _by_steps(starts: FloatArray, inner: FloatArray, goal: FloatArray, max_length: int) -> FloatArray:
    """Return ``sum_t m_t(i) h_{L-2-t}(j)``; steps that move hardly any mass are left out."""
    masses: list[FloatArray] = []
    mass = starts
    while len(masses) < max_length - 1 and mass.max() >= _NEGLIGIBLE_MASS:
        masses.append(mass)
        mass = np.matmul(mass[..., None, :], inner)[..., 0, :]
    if not masses:
        return np.zeros(inner.shape)
    values = [np.broadcast_to(goal, starts.shape)]
    while len(values) < max_length - 1:
        values.append(goal + np.matmul(inner, values[-1][..., None])[..., 0])
        if (values[-1] - values[-2]).max() < _NEGLIGIBLE_MASS:
            break
    last = len(values) - 1
    chances = [values[min(max_length - 2 - t, last)] for t in range(len(masses))]
    derivatives: FloatArray = np.matmul(np.stack(masses, axis=-1), np.stack(chances, axis=-2))
    return derivatives


def _by_powers(starts: FloatArray, inner: FloatArray, goal: FloatArray, max_length: int) -> FloatArray:
    """Return what ``_by_steps`` does, as the corner of ``[[A, E], [0, A]] ** L``.

    A walks the states and counts conversions in one state more, E joins the count to the starts;
    the corner is ``sum_t A ** (L-1-t) E A ** t``, whose transpose holds the derivatives.
    """
    n = inner.shape[-1]
    block = np.zeros((*inner.shape[:-2], 2 * n + 2, 2 * n + 2))
    for first in (0, n + 1):
        block[..., first : first + n, first : first + n] = inner
        block[..., first : first + n, first + n] = goal
        block[..., first + n, first + n] = 1.0
    block[..., n, n + 1 : 2 * n + 1] = starts
    corner = np.linalg.matrix_power(block, max_length)[..., :n, n + 1 : 2 * n + 1]
    return np.swapaxes(corner, -1, -2).copy()


def _with_returns(flow: Flow, per_move: FloatArray) -> FloatArray:
    """Carry derivatives by folded moves over to the moves themselves, returns too.

    ``M = P + P[:, r] P[r, :] / (1 - P[r, r])``, so that a row's move to ``return`` is worth its
    derivatives weighted by where returns go, and the row of ``return`` those of the rows that feed it.
    """
    if RETURN not in flow.states:
        return per_move
    r = flow.states.index(RETURN)
    stays = (1.0 - flow.transitions[..., r, r])[..., None]
    onward = flow.transitions[..., r, :-N_ENDS] / stays
    inward = flow.transitions[..., :, r] / stays
    onward[..., r] = 0.0
    inward[..., r] = 0.0
    per_move[..., r, :] = np.matmul(inward[..., None, :], per_move)[..., 0, :]
    per_move[..., :, r] = np.matmul(per_move, onward[..., None])[..., 0]
    return per_move


def saving_direction(flow: Flow) -> FloatArray:
    """Return how each row changes per share of its leaving that is saved, shape (..., K, n, n + 2).

    Leaving shrinks pro rata and onward moves grow pro rata, as in ``reward``; rows that ``reward``
    leaves alone are zero. The row at a saved share f is ``P + f * direction``, exactly.
    """
    saved: FloatArray = add_reward(flow, 1.0, flow.steps).transitions - flow.transitions
    return saved


def pooled_visits(flow: Flow, shares: FloatArray, max_length: int | None = None) -> FloatArray:
    """Return the expected visits to each state from which a journey may still move.

    Parameters
    ----------
    flow : Flow
    shares : array of shape (..., K)
    max_length : int, optional

    Returns
    -------
    array of shape (..., K, n)
        Visits per journey of all personas, so that they sum over personas; at the last allowed
        event nothing moves any more. Absorbing states are zero; ``return`` is counted as often as taken.
    """
    visits, last = expected_visits(flow.starts, without_returns(flow), max_length)
    going = np.where(flow.absorbing, 0.0, visits - last)
    if RETURN in flow.states:
        r = flow.states.index(RETURN)
        taken = (going * flow.transitions[..., r]).sum(axis=-1)
        going[..., r] = taken / (1.0 - flow.transitions[..., r, r])
    pooled: FloatArray = going * shares[..., None]
    return pooled


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLeverage:
    """What one point less leaving at a step is worth.

    Parameters
    ----------
    state : str
    leaving_rate : float
        Chance of leaving at a visit, over the visits of all personas.
    visits : float
        Visits per journey.
    leverage : float
        Points of conversion per point of leaving saved.
    by_persona : tuple of float, length K
        What of it comes from each persona.
    support : float
        Observed moves onward, which say where those go who are saved.
    """

    state: str
    leaving_rate: float
    visits: float
    leverage: float
    by_persona: tuple[float, ...]
    support: float

    @property
    def thin(self) -> bool:
        """Whether the leverage rests on fewer than 30 observed moves."""
        return self.support < THIN_SUPPORT


def step_leverage(flow: Flow, shares: FloatArray, max_length: int | None = None) -> tuple[StepLeverage, ...]:
    """Return what one point less leaving at each step is worth, the best step first.

    Parameters
    ----------
    flow : Flow
        Without leading axes.
    shares : array of shape (K,)
    max_length : int, optional

    Returns
    -------
    tuple of StepLeverage
        One for each step an effect can act at. Where nobody leaves, or nobody was seen to go on,
        nothing can be saved and the leverage is zero.

    Raises
    ------
    SimulationError
        As ``edge_derivatives``.

    Notes
    -----
    The same share of leaving is saved in every persona, spread pro rata over its onward moves, as by
    ``reward``; a point is one hundredth of the leaving rate over all visits of the step. The value is
    the slope where the product is now: large savings need the changed flow itself.
    Negative only where those who leave come back and convert more often than those who go on.
    Costs one ``edge_derivatives``.

    Examples
    --------
    >>> stays = np.array([[[0, 0.8, 0, 0.2, 0], [0, 0, 0.5, 0.5, 0], [0, 0, 0, 0, 0]]])
    >>> funnel = Flow(
    ...     states=("cart", "pay", "done"), kinds=np.array([0, 0, 1]), unit="session",
    ...     starts=np.array([[1.0, 0.0, 0.0]]), transitions=stays, support=100 * stays,
    ...     friction_is_drop=False)
    >>> for step in step_leverage(funnel, np.ones(1)):
    ...     print(f"one point less leaving at {step.state} is worth {step.leverage:+.2f} points")
    one point less leaving at pay is worth +0.80 points
    one point less leaving at cart is worth +0.50 points
    """
    visits = pooled_visits(flow, shares, max_length)
    gains = (edge_derivatives(flow, shares, max_length) * saving_direction(flow)).sum(axis=-1)
    saveable = saveable_rate(flow, visits)
    worth = np.divide(gains, saveable, out=np.zeros_like(gains), where=saveable > 0)
    leaving = _mean_over_visits(flow.leaving(), visits)
    support = continuing_support(flow).sum(axis=0)
    table = [
        StepLeverage(
            state=flow.states[i],
            leaving_rate=float(leaving[i]),
            visits=float(visits[:, i].sum()),
            leverage=float(worth[:, i].sum()),
            by_persona=tuple(worth[:, i].tolist()),
            support=float(support[i]),
        )
        for i in np.flatnonzero(flow.steps)
    ]
    return tuple(sorted(table, key=lambda step: -step.leverage))


def saveable_rate(flow: Flow, visits: FloatArray) -> FloatArray:
    """Return the part of each state's leaving rate that could be saved at most, shape (..., n).

    Parameters
    ----------
    flow : Flow
    visits : array of shape (..., K, n)
        As ``pooled_visits`` returns them.

    Notes
    -----
    ``sum_k v_ki p_ki / sum_k v_ki``, the first sum over personas that ``reward`` can act on.
    """
    direction = saving_direction(flow)
    saveable = -direction[..., flow.leaving_columns].sum(axis=-1)
    return _mean_over_visits(saveable, visits)


def _mean_over_visits(rates: FloatArray, visits: FloatArray) -> FloatArray:
    weighted, total = (rates * visits).sum(axis=-2), visits.sum(axis=-2)
    mean: FloatArray = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)
    return mean


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDropOff:
    """Where journeys leave, under both arms; a state that an arm does not have counts zero.

    Parameters
    ----------
    state : str
    leaving : (float, float)
        Expected leavings per journey, control and treatment: moves to exit or to a drop event.
        A user who comes back may leave more than once.
    ended : (float, float)
        Share of journeys of which this is the last state and which did not convert;
        sums over states to the drop-off rate.
    drops : bool
        Whether it is itself an event that drops a journey, which is left at the state before.
    """

    state: str
    leaving: tuple[float, float]
    ended: tuple[float, float]
    drops: bool = False

    @property
    def uplift(self) -> float:
        """Return the change of the expected leavings per journey, treatment minus control."""
        return self.leaving[1] - self.leaving[0]


def drop_off_by_state(
    control: Flow,
    treatment: Flow,
    control_shares: FloatArray,
    treatment_shares: FloatArray,
    max_length: int | None = None,
) -> tuple[StateDropOff, ...]:
    """Return where journeys leave, exactly, in the order of the states.

    Parameters
    ----------
    control, treatment : Flow
        Without leading axes; the states may differ.
    control_shares, treatment_shares : array of shape (K,)
        Each persona's share of journeys by arm; they differ under ``mix_shift``.
    max_length : int, optional

    Returns
    -------
    tuple of StateDropOff
        The states of the control, then those that only the treatment has.

    Notes
    -----
    ``sum_k w_k v_ki p_ki`` with v the visits from which a journey may still move and p the chance
    of leaving; two solves.

    Examples
    --------
    >>> stays = np.array([[[0, 0.8, 0, 0.2, 0], [0, 0, 0.5, 0.5, 0], [0, 0, 0, 0, 0]]])
    >>> funnel = Flow(
    ...     states=("cart", "pay", "done"), kinds=np.array([0, 0, 1]), unit="session",
    ...     starts=np.array([[1.0, 0.0, 0.0]]), transitions=stays, support=100 * stays,
    ...     friction_is_drop=False)
    >>> [(each.state, each.leaving[0]) for each in drop_off_by_state(funnel, funnel, *np.ones((2, 1)))]
    [('cart', 0.2), ('pay', 0.4), ('done', 0.0)]
    """
    before = _drop_off(control, control_shares, max_length)
    after = _drop_off(treatment, treatment_shares, max_length)
    nowhere = (0.0, 0.0)
    pairs = [(state, before.get(state, nowhere), after.get(state, nowhere)) for state in before | after]
    drops = {state for flow in (control, treatment) for state in _drop_events(flow)}
    return tuple(
        StateDropOff(state=state, leaving=(old[0], new[0]), ended=(old[1], new[1]), drops=state in drops)
        for state, old, new in pairs
    )


def _drop_events(flow: Flow) -> list[str]:
    return [state for state, drops in zip(flow.states, flow.of_kind(StateKind.DROP), strict=True) if drops]


def _drop_off(flow: Flow, shares: FloatArray, max_length: int | None) -> dict[str, tuple[float, float]]:
    """Return leavings and ends per journey by state."""
    visits = pooled_visits(flow, shares, max_length)
    leaving = (visits * flow.leaving()).sum(axis=0)
    ended = (visits * (flow.transitions[..., EXIT] + flow.transitions[..., FRICTION])).sum(axis=0)
    final_drop = flow.absorbing & (flow.kinds == StateKind.DROP)
    if final_drop.any():
        arrived, _ = expected_visits(flow.starts, without_returns(flow), max_length)
        ended = ended + np.where(final_drop, shares @ arrived, 0.0)
    return dict(zip(flow.states, zip(leaving.tolist(), ended.tolist(), strict=True), strict=True))
