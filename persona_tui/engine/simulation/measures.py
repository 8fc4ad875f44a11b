"""What journeys are like beyond how they end: returns, time, steps to convert and value, exactly.

All measures of a flow come from the same solves: expected visits, and the chance to convert from each
state, which turns visits into those of journeys that convert.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.dwell import DwellTimes
from persona_tui.engine.simulation.event_values import EventValues
from persona_tui.engine.simulation.flow import N_ENDS, Flow, StateKind, expected_visits, without_returns
from persona_tui.engine.simulation.leverage import edge_derivatives
from persona_tui.engine.types import FloatArray, Unit

OF_CONVERTING: Final = frozenset({"seconds_to_convert", "steps_to_convert"})
"""Means over journeys that convert; the others are means over all journeys."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measures:
    """What is measured of a flow, given what is known beside its chains.

    Parameters
    ----------
    unit : {"user", "session"}
        Sessions and returns are measured under ``user`` only.
    dwell : DwellTimes or None
        Without them nothing of time is measured.
    values : EventValues or None
        Without them no value.

    Notes
    -----
    Dwell times are those of the log in every flow that is measured: an interval over draws of flows
    leaves out how well the log pins the times themselves. Amounts that come from the log are drawn with the
    flows.
    """

    unit: Unit
    dwell: DwellTimes | None = None
    values: EventValues | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the measures that can be computed."""
        by_user = ("sessions_per_user", "return_rate") if self.unit == "user" else ()
        timed = ("seconds_in_sessions", "seconds_to_convert") if self.dwell is not None else ()
        valued = ("value_per_journey",) if self.values is not None else ()
        return (*by_user, "steps_to_convert", *timed, *valued)

    def of_personas(self, owners: Sequence[int]) -> Measures:
        """Return what is measured of chains that belong to some personas, shape (K,) of persona numbers."""
        if self.values is None:
            return self
        return replace(self, values=self.values.of_personas(owners))

    def of_draws(self, first: int, size: int) -> Measures:
        """Return what is measured of some draws of the flow, ``size`` of them from number ``first`` on."""
        if self.values is None:
            return self
        return replace(self, values=self.values.of_draws(first, size))

    def of(self, flow: Flow, max_length: int | None = None) -> dict[str, FloatArray]:
        """Return the measures of a flow by name.

        Parameters
        ----------
        flow : Flow
            Of the same unit; it may have inserted steps.
        max_length : int, optional
            Events after which a journey is cut; without it the horizon is unlimited.

        Returns
        -------
        dict of arrays of shape (..., K)
            ``sessions_per_user``, one more than the expected returns; ``return_rate``, the chance of one
            or more; ``steps_to_convert``, the mean number of events of journeys that convert;
            ``seconds_in_sessions``, the mean time between a journey's events but for the gaps before
            returns; ``seconds_to_convert``, the mean time from the first event to completion, gaps
            included, of journeys that convert; ``value_per_journey``. Means over journeys that convert
            are NaN where none does.

        Raises
        ------
        SimulationError
            If the flow or the dwell times have another unit, or the horizon is unlimited and a walk
            might never end.

        Notes
        -----
        With P the moves between states, m their mean seconds (times the flow's ``time_factors``), v
        expected visits and h the chance to convert from a state, a move i → j is made
        ``v_i P_ij`` times a journey, and ``v_i P_ij h_j`` times together with a later conversion:
        seconds to convert are ``sum v_i P_ij m_ij h_j / C`` (Doob's h-transform; C is conversion).
        The chance of a return is ``N_sr / N_rr`` with ``N = (I - P)^-1``. Two solves, O(K n ** 3).
        Limited, ``v_i h_j`` is what ``edge_derivatives`` returns, at its cost.

        References
        ----------
        Kemeny & Snell (1976), *Finite Markov Chains*, theorems 3.2.4 and 3.5.7, for N and its first
        column; Levin, Peres & Wilmer (2017), *Markov Chains and Mixing Times*, section 17.6.1, for the
        h-transform.

        Examples
        --------
        >>> stays = np.array([[[0.5, 0.25, 0.25, 0], [0, 0, 0, 0]]])
        >>> again = Flow(
        ...     states=("form", "done"), kinds=np.array([0, 1]), unit="session",
        ...     starts=np.array([[1.0, 0.0]]), transitions=stays, support=stays, friction_is_drop=False)
        >>> Measures(unit="session").of(again)
        {'steps_to_convert': array([3.])}
        """
        if flow.unit != self.unit:
            raise SimulationError(f"The flow has unit '{flow.unit}', the measures '{self.unit}'.")
        seconds = np.zeros((flow.n_states, flow.n_states))
        if self.dwell is not None:
            seconds = self.dwell.arranged(flow.states).mean_seconds
        found = _unlimited(flow, seconds) if max_length is None else _limited(flow, seconds, max_length)
        measured = found._asdict()
        if self.values is not None:
            at = [flow.index(event) for event in self.values.events]
            measured["value_per_journey"] = (found.visits[..., at] * self.values.amounts).sum(axis=-1)
        return {name: measured[name] for name in self.names}


class _Course(NamedTuple):
    """What is known of journeys before values, under the names of the measures."""

    visits: FloatArray
    sessions_per_user: FloatArray
    return_rate: FloatArray
    steps_to_convert: FloatArray
    seconds_in_sessions: FloatArray
    seconds_to_convert: FloatArray


def _unlimited(flow: Flow, seconds: FloatArray) -> _Course:
    """Return the course of journeys that are never cut, ``return`` a state like any other."""
    visits, inner = flow.visits, flow.transitions[..., :-N_ENDS]
    goal, back = _are(flow, StateKind.COMPLETION), _are(flow, StateKind.RETURN)
    solved = np.linalg.solve(np.eye(flow.n_states) - inner, np.stack([goal, back], axis=-1))
    value, returning = solved[..., 0], solved[..., 1]
    conversion, returns = (flow.starts * value).sum(axis=-1), (visits * back).sum(axis=-1)
    timed = inner * seconds
    within = np.matmul(timed * (1 - back), np.stack([np.ones_like(value), value], axis=-1))
    within *= flow.time_factors[..., None]
    gaps = np.matmul(timed, back) * (value * back).sum(axis=-1, keepdims=True)
    return _Course(
        visits=visits,
        sessions_per_user=1 + returns,
        return_rate=_share(returns, (returning * back).sum(axis=-1), otherwise=0.0),
        steps_to_convert=_share((visits * value * (1 - back)).sum(axis=-1), conversion),
        seconds_in_sessions=(visits * within[..., 0]).sum(axis=-1),
        seconds_to_convert=_share((visits * (within[..., 1] + gaps)).sum(axis=-1), conversion),
    )


def _limited(flow: Flow, seconds: FloatArray, max_length: int) -> _Course:
    """Return the course of journeys that are cut after some events; a return takes none."""
    visits, last = expected_visits(flow.starts, without_returns(flow), max_length)
    going = np.where(flow.absorbing, 0.0, visits - last)
    inner = flow.transitions[..., :-N_ENDS]
    goal, back = _are(flow, StateKind.COMPLETION), _are(flow, StateKind.RETURN)
    conversion = (visits * goal).sum(axis=-1)
    again = (np.matmul(inner, back) * back).sum(axis=-1)
    first = flow.transitions * (1 - back)[:, None]
    within = np.matmul(inner * seconds, 1 - back) * flow.time_factors
    timed = inner * seconds * np.where(back, 1.0, flow.time_factors[..., None])
    converting = edge_derivatives(flow, np.ones(1), max_length)[..., :-N_ENDS]
    steps = np.matmul(converting * inner, 1 - back).sum(axis=-1)
    return _Course(
        visits=visits,
        sessions_per_user=1 + (going * np.matmul(inner, back)).sum(axis=-1) / (1 - again),
        return_rate=(expected_visits(flow.starts, first, max_length)[0] * back).sum(axis=-1),
        steps_to_convert=_share(conversion + steps, conversion),
        seconds_in_sessions=(going * within).sum(axis=-1),
        seconds_to_convert=_share((converting * timed).sum(axis=(-2, -1)), conversion),
    )


def _are(flow: Flow, kind: StateKind) -> FloatArray:
    return np.asarray(flow.kinds == kind, dtype=float)


def _share(part: FloatArray, whole: FloatArray, otherwise: float = np.nan) -> FloatArray:
    share: FloatArray = np.divide(part, whole, out=np.full_like(part, otherwise), where=whole > 0)
    return share
