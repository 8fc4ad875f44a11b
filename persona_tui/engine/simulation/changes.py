"""What a modification changed in the chains, row by row: the difference of two flows, readable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final, Literal, TypeAlias

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.edits import copy_known
from persona_tui.engine.simulation.flow import N_ENDS, Flow
from persona_tui.engine.types import BoolArray, FloatArray

Kind: TypeAlias = Literal["new", "move", "start", "time"]
_Who: TypeAlias = Callable[[tuple[int, ...]], tuple[str, ...]]
"""Says whose some chains are."""

LEAVES: Final = "leaves"
LEAVES_BY_FRICTION: Final = "leaves by friction"
STARTS: Final = "starts"
TAKES: Final = "takes"

SHOWN_CHANGES: Final = 20
_SAME = 1e-9
"""Probabilities that differ by less differ by rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One number of the chains that two flows do not share.

    Parameters
    ----------
    kind : {"new", "move", "start", "time"}
        A move of a new state, a move, a start, or what the time at a state is multiplied by.
    who : tuple of str
        The personas that it holds for, with the segment where only some of their users are
        meant; empty for all.
    state : str
    target : str
        The event moved to, "leaves", "leaves by friction", "starts" or "takes".
    before, after : float
        Probabilities; for ``time``, factors.
    support : float
        Observed moves behind it; for ``start`` and ``time``, visits of the state.
    weight : float
        Observed visits times the change, by which changes are ranked.
    """

    kind: Kind
    who: tuple[str, ...]
    state: str
    target: str
    before: float
    after: float
    support: float
    weight: float

    @property
    def sentence(self) -> str:
        """Return the change in words.

        Examples
        --------
        >>> change = RowChange(kind="move", who=(), state="signup_start", target="signup_complete",
        ...     before=0.62, after=0.589, support=900.0, weight=28.0)
        >>> change.sentence
        'signup_start → signup_complete: 62.0 % → 58.9 % (all personas)'
        """
        who = "; ".join(self.who) or "all personas"
        if self.kind == "time":
            return f"time at {self.state}: × {self.before:g} → × {self.after:g} ({who})"
        after = f"{100 * self.after:.1f} %"
        if self.kind == "new":
            return f"{self.state} (new) → {self.target}: {after} ({who})"
        where = f"starts at {self.state}" if self.kind == "start" else f"{self.state} → {self.target}"
        return f"{where}: {100 * self.before:.1f} % → {after} ({who})"


def describe_changes(control: Flow, treatment: Flow) -> tuple[RowChange, ...]:
    """Return what differs between two flows, the largest change first.

    Parameters
    ----------
    control : Flow
        Without leading axes.
    treatment : Flow
        The same flow after effects: its states, then perhaps new ones.

    Returns
    -------
    tuple of RowChange
        Empty for the same flow. The moves of new states come first. Chains with the same numbers
        before and after are one change.

    Raises
    ------
    SimulationError
        If the flows have leading axes, or the one is not made of the other.

    Notes
    -----
    Ranked by how often the log visits the state, or starts a journey, times how much the number
    changes, summed over chains.

    Examples
    --------
    >>> from persona_tui.engine.simulation.effects import Friction
    >>> stays = np.array([[[0, 0.8, 0.2, 0], [0, 0, 0, 0]]])
    >>> funnel = Flow(
    ...     states=("cart", "done"), kinds=np.array([0, 1]), unit="session", starts=np.array([[1.0, 0]]),
    ...     transitions=stays, support=100 * stays, friction_is_drop=False)
    >>> changes = describe_changes(funnel, Friction(factor=0.1).apply(funnel))
    >>> sentences(changes)
    ['cart → done: 80.0 % → 72.0 % (all personas)',
     'cart → leaves by friction: 0.0 % → 8.0 % (all personas)']
    """
    if control is treatment:
        return ()
    n, axes = control.n_states, {control.transitions.ndim, treatment.transitions.ndim}
    if axes != {3} or treatment.time_factors.ndim != 2:
        raise SimulationError("Changes are told of flows without leading axes.", hint="Use the fitted flow.")
    if treatment.states[:n] != control.states or len(control.transitions) != len(treatment.transitions):
        raise SimulationError("The flows have other states or personas, so rows cannot be compared.")
    visits = np.pad(control.support.sum(axis=-1), ((0, 0), (0, treatment.n_states - n)))
    who = cache(partial(_who, treatment))  # many moves change for the same chains
    changes = [
        *_move_changes(control, treatment, visits, who),
        *_start_changes(control, treatment, visits, who),
        *_time_changes(control, treatment, visits, who),
    ]
    return tuple(sorted(changes, key=lambda change: (change.kind != "new", -round(change.weight, 6))))


def sentences(changes: Sequence[RowChange], most: int = SHOWN_CHANGES) -> list[str]:
    """Return changes in words, the first ones only, and how many are not shown."""
    told = [change.sentence for change in changes[:most]]
    if len(changes) > most:
        told.append(f"… and {len(changes) - most:,} smaller changes that are not shown.")
    return told


def _move_changes(control: Flow, treatment: Flow, visits: FloatArray, who: _Who) -> list[RowChange]:
    before, support = np.zeros_like(treatment.transitions), np.zeros_like(treatment.transitions)
    copy_known(control.transitions, before)
    copy_known(control.support, support)
    after, columns = treatment.transitions, (*treatment.states, LEAVES, LEAVES_BY_FRICTION)
    changes: list[RowChange] = []
    for state, column in np.argwhere((np.abs(after - before) > _SAME).any(axis=0)):
        changes += _merged(
            who,
            "new" if state >= control.n_states else "move",
            (treatment.states[state], columns[column]),
            (before[:, state, column], after[:, state, column]),
            support=support[:, state, column],
            visits=visits[:, state],
        )
    return changes


def _start_changes(control: Flow, treatment: Flow, visits: FloatArray, who: _Who) -> list[RowChange]:
    before = np.pad(control.starts, ((0, 0), (0, treatment.n_states - control.n_states)))
    ends = np.append(control.absorbing, [True] * N_ENDS)
    journeys = control.support[..., ends].sum(axis=(-2, -1))
    changes: list[RowChange] = []
    for state in np.flatnonzero((np.abs(treatment.starts - before) > _SAME).any(axis=0)):
        changes += _merged(
            who,
            "start",
            (treatment.states[state], STARTS),
            (before[:, state], treatment.starts[:, state]),
            support=visits[:, state],
            visits=journeys,
        )
    return changes


def _time_changes(control: Flow, treatment: Flow, visits: FloatArray, who: _Who) -> list[RowChange]:
    extra = treatment.n_states - control.n_states
    before = np.pad(control.time_factors, ((0, 0), (0, extra)), constant_values=1.0)
    changes: list[RowChange] = []
    for state in np.flatnonzero((np.abs(treatment.time_factors - before) > _SAME).any(axis=0)):
        changes += _merged(
            who,
            "time",
            (treatment.states[state], TAKES),
            (before[:, state], treatment.time_factors[:, state]),
            support=visits[:, state],
            visits=visits[:, state],
        )
    return changes


def _merged(
    who: _Who,
    kind: Kind,
    move: tuple[str, str],
    numbers: tuple[FloatArray, FloatArray],
    *,
    support: FloatArray,
    visits: FloatArray,
) -> list[RowChange]:
    """Return one change for all chains that have the same numbers; every array has shape (K,)."""
    before, after = numbers
    distance = np.abs(after - before)
    alike: dict[tuple[float, float], list[int]] = {}
    for chain in np.flatnonzero(distance > _SAME).tolist():
        alike.setdefault((round(before[chain], 9), round(after[chain], 9)), []).append(chain)
    return [
        RowChange(
            kind=kind,
            who=who(tuple(chains)),
            state=move[0],
            target=move[1],
            before=float(before[chains[0]]),
            after=float(after[chains[0]]),
            support=float(support[chains].sum()),
            weight=float((visits[chains] * distance[chains]).sum()),
        )
        for _, chains in sorted(alike.items())
    ]


def _who(flow: Flow, numbers: tuple[int, ...]) -> tuple[str, ...]:
    """Return whose some chains are, in as few words as say it; empty for all."""
    chains = np.isin(np.arange(len(flow.transitions)), numbers)
    if chains.all():
        return ()
    segments = sorted(frozenset[str]().union(*flow.segments))
    for segment in segments:
        if (flow.persona_mask((), segment) == chains).all():
            return (f"all personas, where {segment}",)
    words: list[str] = []
    for name in flow.persona_names:
        own = flow.persona_mask((name,))
        touched = own & chains
        if (touched == own).all():
            words.append(name)
        elif touched.any():
            words += _which_users(flow, name, touched, segments)
    return tuple(words)


def _which_users(flow: Flow, name: str, touched: BoolArray, segments: Sequence[str]) -> list[str]:
    for segment in segments:
        if (flow.persona_mask((name,), segment) == touched).all():
            return [f"{name}, where {segment}"]
    patterns = [flow.segments[chain] for chain in np.flatnonzero(touched)]
    return [f"{name}, where {' and '.join(sorted(pattern)) or 'in no segment'}" for pattern in patterns]
