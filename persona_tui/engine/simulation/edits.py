"""What the effects do to the arrays of a flow; each keeps its rows stochastic."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from persona_tui.engine.data.schema import ADDED_STEP
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.flow import (
    EXIT,
    FRICTION,
    N_ENDS,
    Flow,
    StateKind,
)
from persona_tui.engine.types import BoolArray, FloatArray

_MASS_TOLERANCE = 1e-9
"""Shares that are off by less are off by rounding."""


def _by_row(value: float | FloatArray) -> float | FloatArray:
    """Return one number a draw, shape (B, 1), so that it spreads over states too."""
    return value if np.ndim(value) == 0 else np.asarray(value)[..., None]


def _changed(flow: Flow, moves: FloatArray, starts: FloatArray | None = None) -> Flow:
    """Return the flow with other moves, its starts spread over their draws."""
    begins = flow.starts if starts is None else starts
    return replace(flow, transitions=moves, starts=np.broadcast_to(begins, moves.shape[:-1]))


def insert_steps(
    flow: Flow, count: int, before: int, exit_rate: float | FloatArray | None, sources: BoolArray | None
) -> Flow:
    """Return the flow in which every entry into a state first passes new states.

    Parameters
    ----------
    flow : Flow
    count : int
        Number of new states, at least one.
    before : int
        The state that is entered.
    exit_rate : float, array of shape (B, 1) or None
        Chance of leaving at each new state; None takes ``entry_exit_rate``.
    sources : bool array of shape (n,) or None
        States whose entries pass; None takes every other state, and the journeys that start there.
    """
    given = entry_exit_rate(flow, before) if exit_rate is None else exit_rate
    batch = np.broadcast_shapes(flow.starts.shape[:-1], np.shape(given))
    rate = np.broadcast_to(given, batch)
    n, first = flow.n_states, flow.n_states
    passing = np.arange(n) != before if sources is None else sources & (np.arange(n) != before)
    moves = np.zeros((*batch, n + count, n + count + N_ENDS))
    copy_known(flow.transitions, moves)
    moves[..., :n, first] = np.where(passing, flow.transitions[..., before], 0.0)
    moves[..., :n, before] = np.where(passing, 0.0, flow.transitions[..., before])
    for step in range(count):
        onward = before if step == count - 1 else first + step + 1
        moves[..., first + step, onward] = 1.0 - rate
        moves[..., first + step, EXIT] = rate
    starts = np.zeros((*batch, n + count))
    starts[..., :n] = flow.starts
    if sources is None:
        starts[..., first] = starts[..., before]
        starts[..., before] = 0.0
    support = np.zeros((flow.support.shape[0], n + count, n + count + N_ENDS))
    copy_known(flow.support, support)
    return replace(
        flow,
        states=flow.states + _new_names(flow.states, count),
        kinds=np.append(flow.kinds, np.full(count, StateKind.ADDED)),
        starts=starts,
        transitions=moves,
        support=support,
        time_factors=_with_ones(flow.time_factors, count),
    )


def _with_ones(factors: FloatArray, count: int) -> FloatArray:
    """Return time factors with those of new states after them: nobody has changed their time."""
    return np.concatenate([factors, np.ones((*factors.shape[:-1], count))], axis=-1)


def is_entered(flow: Flow, state: int, sources: BoolArray | None, touched: BoolArray) -> bool:
    """Return whether some chain that is touched comes to a state: from some sources, or from anywhere.

    Parameters
    ----------
    flow : Flow
    state : int
    sources : bool array of shape (n,) or None
        None takes every other state, and the journeys that start there.
    touched : bool array of shape (K,)
    """
    others = np.arange(flow.n_states) != state
    passing = others if sources is None else sources & others
    entered = bool((flow.transitions[..., state][..., touched, :][..., passing] > 0).any())
    return entered or (sources is None and bool((flow.starts[..., touched, state] > 0).any()))


def copy_known(old: FloatArray, new: FloatArray) -> None:
    """Copy a table of moves into a larger one that has further states before its ends."""
    n = old.shape[-2]
    new[..., :n, :n] = old[..., :n]
    new[..., :n, -N_ENDS:] = old[..., -N_ENDS:]


def only_for(changed: Flow, before: Flow, touched: BoolArray) -> Flow:
    """Return the changed flow for some chains and the flow before for the others.

    Parameters
    ----------
    changed : Flow
        With the states of ``before``, and perhaps further ones after them.
    before : Flow
    touched : bool array of shape (K,)
    """
    n, extra = before.n_states, changed.n_states - before.n_states
    rows = touched[:, None] | (np.arange(n + extra) >= n)  # nobody else comes to a new state
    moves = before.transitions
    if extra:
        moves = np.zeros((*before.transitions.shape[:-2], n + extra, n + extra + N_ENDS))
        copy_known(before.transitions, moves)
    starts = np.pad(before.starts, [(0, 0)] * (before.starts.ndim - 1) + [(0, extra)])
    return replace(
        changed,
        transitions=np.where(rows[..., None], changed.transitions, moves),
        starts=np.where(touched[:, None], changed.starts, starts),
        kinds=np.append(before.kinds, changed.kinds[n:]),
        time_factors=np.where(touched[:, None], changed.time_factors, _with_ones(before.time_factors, extra)),
    )


def remove_step(flow: Flow, step: int, rescued: float | FloatArray) -> Flow:
    """Return the flow in which nobody enters a step.

    Parameters
    ----------
    flow : Flow
    step : int
    rescued : float or array of shape (B, 1)
        Share of its leaving that is spread over its onward moves.

    Notes
    -----
    ``P'_ij = P_ij + P_ir P_rj / (1 - P_rr)``, ends likewise. A journey that begins at the step
    still shows it once: it has to arrive somewhere.

    Raises
    ------
    SimulationError
        If whoever comes to the step stays there for ever.
    """
    at = np.arange(flow.n_states) == step
    kept = add_reward(flow, rescued, at) if np.any(rescued) else flow
    moves = kept.transitions.copy()
    if moves[..., step, step].max() >= 1.0:
        raise SimulationError(
            f"Whoever comes to '{flow.states[step]}' stays there for ever, so no way leads past it.",
            hint="Lower what keeps people there: the rescued share, or an earlier reward.",
        )
    onward = moves[..., step, :] / (1.0 - moves[..., step, step])[..., None]
    onward[..., step] = 0.0
    moves[..., step, :] = onward
    entered = np.where(at, 0.0, moves[..., :, step])
    moves += entered[..., None] * onward[..., None, :]
    moves[..., step] = 0.0
    kinds = np.where(at, StateKind.REMOVED, flow.kinds)
    return replace(_changed(kept, moves), kinds=kinds)


def redirect(flow: Flow, source: int, target: int, to: int, share: float | FloatArray) -> Flow:
    """Return the flow in which a share of one move goes to another state."""
    batch = np.broadcast_shapes(flow.starts.shape[:-1], np.shape(share))
    moves = np.broadcast_to(flow.transitions, (*batch, *flow.transitions.shape[-2:])).copy()
    sent = moves[..., source, target] * share
    moves[..., source, target] -= sent
    moves[..., source, to] += sent
    return _changed(flow, moves)


def scale_times(flow: Flow, factor: float | FloatArray, at: BoolArray) -> Flow:
    """Return the flow in which the time at some steps is multiplied by a factor; no move changes."""
    return replace(flow, time_factors=flow.time_factors * np.where(at, _by_row(factor), 1.0))


def shift_mix(
    shares: FloatArray, touched: BoolArray, share: float | FloatArray, settled: BoolArray
) -> FloatArray:
    """Return shares in which one persona has a given share and the others keep their proportions.

    Parameters
    ----------
    shares : array of shape (..., K)
    touched : bool array of shape (K,)
        The persona's chains, which keep their proportions too.
    share : float or array of shape (B, 1)
    settled : bool array of shape (K,)
        Chains whose share stays as it is.

    Raises
    ------
    SimulationError
        If nobody is left to take or give the rest, or less than nothing would be left.
    """
    new = np.asarray(share if np.ndim(share) == 0 else np.asarray(share)[..., 0])
    rest = ~touched & ~settled
    now, open_share = shares[..., touched].sum(axis=-1), shares[..., rest].sum(axis=-1)
    left = 1.0 - new - shares[..., settled & ~touched].sum(axis=-1)
    if (left < -_MASS_TOLERANCE).any() or ((left > _MASS_TOLERANCE) & (open_share <= 0)).any():
        raise SimulationError(
            "mix_shift: the other personas cannot make up the rest of the journeys.",
            hint="The shares that are set may sum to 1 at most, and at least one persona must be open.",
        )
    spread = np.broadcast_shapes(left.shape, now.shape)
    even = np.full(spread, 1.0 / touched.sum())[..., None]
    mine = np.where(now[..., None] > 0, shares / np.where(now > 0, now, 1.0)[..., None], even)
    scale = np.where(open_share > 0, np.maximum(left, 0.0) / np.where(open_share > 0, open_share, 1.0), 0.0)
    shifted: FloatArray = np.where(
        touched, mine * new[..., None], np.where(rest, shares * scale[..., None], shares)
    )
    return shifted


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
    try:
        visits = flow.visits
    except SimulationError as fault:
        raise SimulationError(
            f"{fault.message} The default exit rate of inserted steps needs walks that end.",
            hint="Set exit_rate.",
        ) from None
    entries = visits * flow.transitions[..., before]
    entries[..., before] = 0.0
    total = entries.sum(axis=-1)
    weighted = (entries * flow.leaving()).sum(axis=-1)
    rate: FloatArray = np.divide(weighted, total, out=np.zeros_like(total), where=total > 0)
    return rate


def entry_support(support: FloatArray, before: int) -> float:
    """Return the observed number of moves into a state from the others, of support (K, n, n + 2)."""
    others = np.arange(support.shape[1]) != before
    return float(support[:, others, before].sum())


def add_friction(flow: Flow, factor: float | FloatArray, at: BoolArray) -> Flow:
    """Return the flow in which the chance p of leaving a step becomes p + factor (1 - p)."""
    spread = _by_row(factor)
    added = np.where(at, spread * (1.0 - flow.leaving()), 0.0)
    keep = np.where(at[:, None] & ~flow.leaving_columns, 1.0 - np.asarray(_by_row(spread)), 1.0)
    moves = flow.transitions * keep
    moves[..., FRICTION] += added
    return _changed(flow, moves)


def continuing_support(flow: Flow) -> FloatArray:
    """Return the observed number of moves that went on from each state, shape (K, n)."""
    counted: FloatArray = flow.support[..., ~flow.leaving_columns].sum(axis=-1)
    return counted


def add_reward(flow: Flow, factor: float | FloatArray, at: BoolArray) -> Flow:
    """Return the flow in which the chance p of leaving a step becomes p (1 - factor).

    Steps from which nobody was seen to go on stay as they are: there is nowhere to send the rescued.
    """
    leaving, spread, ends = flow.leaving(), _by_row(factor), flow.leaving_columns
    going = flow.transitions @ (~ends).astype(float)  # 1 - leaving, without its rounding
    touched = at & (continuing_support(flow) > 0) & (going > 0)
    stay = np.where(touched, 1.0 - spread, 1.0)
    onward = np.where(touched, 1.0 - leaving * (1.0 - spread), 1.0) / np.where(touched, going, 1.0)
    moves = flow.transitions * onward[..., None]
    moves[..., ends] = flow.transitions[..., ends] * stay[..., None]
    return _changed(flow, moves)
