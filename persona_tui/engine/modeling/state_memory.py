"""States after which the next move depends on the state before, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from persona_tui.engine.modeling.histories import HeldOut
from persona_tui.engine.types import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NOISE_STANDARD_ERRORS: Final = 2.0
MOST_HISTORIES: Final = 3
"""States before that are told of each state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEffect:
    """How coming from one state changes what follows another.

    Parameters
    ----------
    before : str or None
        The state before; None where the journey begins.
    target : str or None
        The next state that this past favours most; None where that is leaving.
    share, share_otherwise : float
        Of the moves out of the state, how many go to the target after this past, and after any other.
    n_moves : float
        Moves out of the state after this past, by membership.
    bits_per_event : float
        What knowing this past saves on users held out, of all events.
    """

    before: str | None
    target: str | None
    share: float
    share_otherwise: float
    n_moves: float
    bits_per_event: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMemory:
    """A state after which the next move depends on the state before, beyond noise.

    Parameters
    ----------
    state : str
    bits_per_event : float
        What the state before saves on users held out, of all events.
    standard_error : float
        Of that, over users.
    histories : tuple of HistoryEffect
        The states before that matter most, at most three.
    """

    state: str
    bits_per_event: float
    standard_error: float
    histories: tuple[HistoryEffect, ...]


def find_memories(
    held_out: HeldOut, personas: IntArray, n_events: FloatArray, states: tuple[str, ...]
) -> tuple[StateMemory, ...]:
    """Return the states at which the state before saves bits, beyond noise, by falling contribution.

    Parameters
    ----------
    held_out : HeldOut
    personas : int64 array
        Whose chains and members are looked at, all together.
    n_events : array of shape (U,)
        Events of each user by membership in these personas.
    states : tuple of str, length n

    Notes
    -----
    The contributions of all states sum to the gain of order 2. Shares are of all users by membership,
    those held out and the others.
    """
    total = n_events.sum()
    by_user = _saved_by_state(held_out, personas)
    gains = by_user.sum(axis=0) / total
    squares = by_user.power(2).sum(axis=0) - 2 * gains * (by_user.T @ n_events)
    errors = np.sqrt(np.maximum(squares + gains**2 * (n_events @ n_events), 0.0)) / total
    ranked = np.argsort(-gains, kind="stable")
    told = [each for each in ranked if gains[each] > NOISE_STANDARD_ERRORS * errors[each]]
    saved = _saved_by_triple(held_out, personas) / total
    counted = held_out.counts.matrix.T @ held_out.memberships[:, personas].sum(axis=1)
    return tuple(
        StateMemory(
            state=states[each],
            bits_per_event=float(gains[each]),
            standard_error=float(errors[each]),
            histories=_histories_of(held_out, int(each), saved, counted, states),
        )
        for each in told
    )


def _saved_by_state(held_out: HeldOut, personas: IntArray) -> csr_array:
    """Return the bits that order 2 saves of each user at each state, shape (U, n + 1), by membership."""
    from scipy.sparse import csr_array, vstack  # noqa: PLC0415 - 0.15 s, only models need it

    counts, parts = held_out.counts, []
    order = np.argsort(held_out.folds, kind="stable")
    shape = (len(counts.states), counts.n_states + 1)
    for fold, saved in enumerate(held_out.saved):
        held = held_out.folds == fold
        matrix, members = counts.matrix[held], held_out.memberships[held]
        part = csr_array((int(held.sum()), shape[1]))
        for persona in personas:
            at_state = csr_array((saved[:, persona], (np.arange(shape[0]), counts.states)), shape=shape)
            part += (matrix @ at_state).multiply(members[:, persona, None]).tocsr()
        parts.append(part)
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return csr_array(vstack(parts, format="csr"))[back]


def _saved_by_triple(held_out: HeldOut, personas: IntArray) -> FloatArray:
    """Return the bits that order 2 saves on each triple, of users held out by membership, shape (T,)."""
    saved = np.zeros(len(held_out.counts.states))
    for fold, costs in enumerate(held_out.saved):
        held = held_out.folds == fold
        made = held_out.counts.matrix[held].T @ held_out.memberships[held][:, personas]
        saved += (made * costs[:, personas]).sum(axis=1)
    return saved


def _histories_of(
    held_out: HeldOut, state: int, saved: FloatArray, counted: FloatArray, states: tuple[str, ...]
) -> tuple[HistoryEffect, ...]:
    """Return the states before one state that save most, with the move that each favours most."""
    counts = held_out.counts
    names = (*states, None)
    triples = np.flatnonzero((counts.states == state) & (counted > 0))
    following, before, amounts = counts.following[triples], counts.before[triples], counted[triples]
    n = counts.n_states + 1
    table = np.bincount(before * n + following, weights=amounts, minlength=n * n).reshape(n, n)
    gains = np.bincount(before, weights=saved[triples], minlength=n)
    others = table.sum(axis=0) - table
    effects = []
    for past in np.argsort(-gains, kind="stable")[:MOST_HISTORIES]:
        if gains[past] <= 0 or others[past].sum() <= 0:
            continue
        share = table[past] / table[past].sum()
        otherwise = others[past] / others[past].sum()
        target = int((share - otherwise).argmax())
        effects.append(
            HistoryEffect(
                before=names[past],
                target=names[target],
                share=float(share[target]),
                share_otherwise=float(otherwise[target]),
                n_moves=float(table[past].sum()),
                bits_per_event=float(gains[past]),
            )
        )
    return tuple(effects)
