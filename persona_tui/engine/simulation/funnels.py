"""How far journeys get through the steps of a funnel in their order, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.flow import N_ENDS, Flow, expected_visits, without_returns
from persona_tui.engine.types import FloatArray

_NEGLIGIBLE_MASS: Final = 1e-18


def reached_in_order(flow: Flow, steps: Sequence[str], max_length: int | None = None) -> FloatArray:
    """Return the chance that a journey shows each step after all steps before it.

    Parameters
    ----------
    flow : Flow
    steps : sequence of str, length m
        States, each once. Other states, steps of the funnel too, may lie between two steps.
    max_length : int, optional
        Events after which a journey is cut; without it the horizon is unlimited.

    Returns
    -------
    array of shape (..., K, m)
        Never rises from one step to the next.

    Raises
    ------
    UnknownNameError
        If there is no such state.
    SimulationError
        If there is no step, a step is named twice, or the horizon is unlimited and a walk might never end.

    Notes
    -----
    The same definition as ``count_funnel`` has for a log. A journey that first shows step j is at a known
    state with the future of any that stands there, so that the chances multiply: with
    ``N = (I - Q)^-1``, the chance to show t from a state i is ``N_it / N_tt``. One solve with m right sides,
    O(K n ** 3).
    Limited, the mass of those who have shown j steps is moved on for each j, O(K L m n ** 2).

    References
    ----------
    Kemeny & Snell (1976), *Finite Markov Chains*, theorem 3.5.7.

    Examples
    --------
    >>> stays = np.array([[[0, 0.8, 0, 0.2, 0], [0.4, 0, 0.4, 0.2, 0], [0, 0, 0, 0, 0]]])
    >>> funnel = Flow(
    ...     states=("cart", "pay", "done"), kinds=np.array([0, 0, 1]), unit="session",
    ...     starts=np.array([[0.5, 0.5, 0.0]]), transitions=stays, support=100 * stays,
    ...     friction_is_drop=False)
    >>> reached_in_order(funnel, ("cart", "pay")).round(3)
    array([[0.7 , 0.56]])
    """
    if not steps:
        raise SimulationError("The funnel has no step.", hint="Name at least one state.")
    twice = [step for position, step in enumerate(steps) if step in steps[:position]]
    if twice:
        raise SimulationError(f"The funnel names '{twice[0]}' twice.")
    at = [flow.index(step) for step in steps]
    moves = without_returns(flow)
    if max_length is not None:
        return _limited(flow.starts, moves[..., :-N_ENDS], at, max_length)
    expected_visits(flow.starts, moves, None)
    return _unlimited(flow.starts, moves[..., :-N_ENDS], at)


def _unlimited(starts: FloatArray, inner: FloatArray, at: list[int]) -> FloatArray:
    n = inner.shape[-1]
    visits = np.linalg.solve(np.eye(n) - inner, np.eye(n)[:, at])
    itself = visits[..., at, range(len(at))]
    from_start = np.matmul(starts[..., None, :], visits)[..., 0, :1]
    onward = visits[..., at[:-1], range(1, len(at))]
    reached: FloatArray = np.cumprod(np.concatenate([from_start, onward], axis=-1) / itself, axis=-1)
    return reached


def _limited(starts: FloatArray, inner: FloatArray, at: list[int], max_length: int) -> FloatArray:
    """Return what ``_unlimited`` does, by the mass of those who have shown 0, 1, ... m - 1 steps."""
    arrivals = starts[..., None, :] * (np.arange(len(at)) == 0)[:, None]
    reached = np.zeros((*starts.shape[:-1], len(at)))
    for _ in range(max_length):
        walking = arrivals
        shown = walking[..., range(len(at)), at]
        reached += shown
        walking[..., range(len(at)), at] = 0.0
        walking[..., range(1, len(at)), at[:-1]] += shown[..., :-1]
        if walking.max() < _NEGLIGIBLE_MASS:
            break
        arrivals = np.matmul(walking, inner)
    return reached
