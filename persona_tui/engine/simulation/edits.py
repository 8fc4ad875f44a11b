"""What the effects do to the arrays of a flow; each keeps its rows stochastic."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from persona_tui.engine.data.schema import ADDED_STEP
from persona_tui.engine.simulation.flow import (
    EXIT,
    FRICTION,
    N_ENDS,
    Flow,
    StateKind,
    expected_visits,
)
from persona_tui.engine.types import BoolArray, FloatArray


def insert_steps(
    flow: Flow, count: int, before: int, exit_rate: float | None, sources: BoolArray | None
) -> Flow:
    """Return the flow in which every entry into a state first passes new states.

    Parameters
    ----------
    flow : Flow
    count : int
        Number of new states, at least one.
    before : int
        The state that is entered.
    exit_rate : float or None
        Chance of leaving at each new state; None takes ``entry_exit_rate``.
    sources : bool array of shape (n,) or None
        States whose entries pass; None takes every other state, and the journeys that start there.
    """
    rate = entry_exit_rate(flow, before) if exit_rate is None else np.full(flow.starts.shape[:-1], exit_rate)
    n, first = flow.n_states, flow.n_states
    passing = np.arange(n) != before if sources is None else sources & (np.arange(n) != before)
    moves = np.zeros((*flow.transitions.shape[:-2], n + count, n + count + N_ENDS))
    moves[..., :n, :n] = flow.transitions[..., :n]
    moves[..., :n, -N_ENDS:] = flow.transitions[..., -N_ENDS:]
    moves[..., :n, first] = np.where(passing, flow.transitions[..., before], 0.0)
    moves[..., :n, before] = np.where(passing, 0.0, flow.transitions[..., before])
    for step in range(count):
        onward = before if step == count - 1 else first + step + 1
        moves[..., first + step, onward] = 1.0 - rate
        moves[..., first + step, EXIT] = rate
    starts = np.concatenate([flow.starts, np.zeros((*flow.starts.shape[:-1], count))], axis=-1)
    if sources is None:
        starts[..., first] = starts[..., before]
        starts[..., before] = 0.0
    support = np.zeros((flow.support.shape[0], n + count, n + count + N_ENDS))
    support[:, :n, :n] = flow.support[..., :n]
    support[:, :n, -N_ENDS:] = flow.support[..., -N_ENDS:]
    return replace(
        flow,
        states=flow.states + _new_names(flow.states, count),
        kinds=np.append(flow.kinds, np.full(count, StateKind.ADDED)),
        starts=starts,
        transitions=moves,
        support=support,
    )


def _new_names(states: tuple[str, ...], count: int) -> tuple[str, ...]:
    taken = [
        int(match[1]) for state in states if (match := re.fullmatch(re.escape(ADDED_STEP) + r"(\d+)", state))
    ]
    first = max(taken, default=0) + 1
    return tuple(f"{ADDED_STEP}{number}" for number in range(first, first + count))


def entry_exit_rate(flow: Flow, before: int) -> FloatArray:
    """Return how readily those leave who are one move from a state, shape (..., K).

    Notes
    -----
    ``sum_i v_i P_ib e_i / sum_i v_i P_ib`` over the other states i, with v the expected
    visits and e the chance of leaving; zero where the state is never entered.
    """
    visits, _ = expected_visits(flow.starts, flow.transitions, None)
    entries = visits * flow.transitions[..., before]
    entries[..., before] = 0.0
    total = entries.sum(axis=-1)
    weighted = (entries * flow.leaving()).sum(axis=-1)
    rate: FloatArray = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)
    return rate


def entry_support(flow: Flow, before: int) -> float:
    """Return the observed number of moves into a state from the others."""
    others = np.arange(flow.n_states) != before
    return float(flow.support[:, others, before].sum())


def add_friction(flow: Flow, factor: float, at: BoolArray) -> Flow:
    """Return the flow in which the chance p of leaving a step becomes p + factor (1 - p)."""
    moves = flow.transitions.copy()
    added = np.where(at, factor * (1.0 - flow.leaving()), 0.0)
    keep = np.where(at[:, None] & ~flow.leaving_columns, 1.0 - factor, 1.0)
    moves *= keep
    moves[..., FRICTION] += added
    return replace(flow, transitions=moves)


def continuing_support(flow: Flow) -> FloatArray:
    """Return the observed number of moves that went on from each state, shape (K, n)."""
    counted: FloatArray = flow.support[..., ~flow.leaving_columns].sum(axis=-1)
    return counted


def add_reward(flow: Flow, factor: float, at: BoolArray) -> Flow:
    """Return the flow in which the chance p of leaving a step becomes p (1 - factor).

    Steps from which nobody was seen to go on stay as they are: there is nowhere to send the rescued.
    """
    leaving = flow.leaving()
    touched = at & (continuing_support(flow) > 0) & (leaving < 1)
    stay = np.where(touched, 1.0 - factor, 1.0)
    onward = np.where(touched, 1.0 - leaving * (1.0 - factor), 1.0) / np.where(touched, 1.0 - leaving, 1.0)
    moves = flow.transitions * np.where(flow.leaving_columns, stay[..., None], onward[..., None])
    return replace(flow, transitions=moves)
