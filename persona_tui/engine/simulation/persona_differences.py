"""What sets two personas apart: their moves, their funnels and how their journeys end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.flow import EXIT, FRICTION, Flow, solve
from persona_tui.engine.simulation.funnels import reached_in_order
from persona_tui.engine.simulation.uncertainty import FlowDraws
from persona_tui.engine.statistics import Interval, benjamini_hochberg, intervals, two_sided_p_values
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

START: Final = "start"
LEAVES: Final = "exit"
MIN_DEPARTURES: Final = 30.0
"""Observed moves out of a state, of each persona, from which its moves are tested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A number of two personas side by side.

    Parameters
    ----------
    first, second : float
    difference : float
        First minus second.
    interval : (float, float)
        Of the difference, 95 %.
    """

    first: float
    second: float
    difference: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveDifference:
    """One move as two personas make it.

    Parameters
    ----------
    source : str or None
        None stands for the start of a journey.
    target : str or None
        None stands for leaving for good.
    bits : float
        Its part of the distance, at least zero.
    chance : Difference
        Of making the move, where a persona stands at the source.
    support : (float, float)
        Times that each persona was seen to leave the source.
    q_value : float or None
        Least false discovery rate at which the chances are told apart, among all moves tested; None
        where one persona left the source fewer than 30 times.
    """

    source: str | None
    target: str | None
    bits: float
    chance: Difference
    support: tuple[float, float]
    q_value: float | None

    @property
    def label(self) -> str:
        """Return the move in words."""
        return f"{self.source or START} → {self.target or LEAVES}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaDifferences:
    """Two personas side by side.

    Parameters
    ----------
    first, second : str
        Their names.
    distance : float
        Bits per move, from 0 (the same chain) to 1 (no move in common).
    moves : tuple of MoveDifference
        Every move that occurs in the log, the largest part first.
    unseen_bits : float
        The part of all moves that no journey made, whose chances come from smoothing alone. With it, the
        parts sum to the distance.
    funnel : mapping of str to Difference
        Chance to show each step after all steps before it.
    outcomes : mapping of str to Difference
        ``completion_rate``, ``drop_off_rate`` and ``avg_length``, in events per journey.
    n_tested : int
        Moves whose chances were tested together, by Benjamini and Hochberg's rule.
    """

    first: str
    second: str
    distance: float
    moves: tuple[MoveDifference, ...]
    unseen_bits: float
    funnel: Mapping[str, Difference]
    outcomes: Mapping[str, Difference]
    n_tested: int


_OUTCOMES: Final = ("completion_rate", "drop_off_rate", "avg_length")


def compare_personas(
    draws: FlowDraws, first: str, second: str, *, funnel: Sequence[str]
) -> PersonaDifferences:
    """Return what sets two personas apart, the moves that do it most first.

    Parameters
    ----------
    draws : FlowDraws
        Of the simulator that both personas are in.
    first, second : str
        Personas, by name or by number from 1.
    funnel : sequence of str
        Steps in order.

    Returns
    -------
    PersonaDifferences

    Raises
    ------
    UnknownNameError
        If there is no such persona, or a funnel step is not in the log.
    SimulationError
        If a persona has several chains, the funnel names no step or one twice, or a journey might
        never end.

    Notes
    -----
    The distance is what one move tells, given where it is made, of which of the two made it:

    ``D = sum_ij a_i p_ij log2(p_ij / m_ij) + b_i q_ij log2(q_ij / m_ij)``, with
    ``m_ij = (a_i p_ij + b_i q_ij) / (a_i + b_i)``,

    p and q being the chains (the start is a row, the exit a column), a_i and b_i half of each
    persona's expected share of departures that are from i. It is a Jensen-Shannon divergence a state,
    weighted by how often the state is left: symmetric, at most one bit, and each move's part is
    at least zero, because x log x is convex. Estimated from the fitted chains it is somewhat too
    high, most for few users.

    Intervals are those of the user bootstrap. p-values are normal, with the spread of the draws as
    standard error, and false discovery is controlled over all moves tested. Personas were made to
    differ, so that a small one says which moves set them apart, not that personas exist.

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, *IEEE Transactions on Information
    Theory* 37, 145-151. Benjamini & Hochberg (1995), Controlling the false discovery rate, *Journal
    of the Royal Statistical Society B* 57, 289-300.
    """
    simulator = draws.simulator
    flow = simulator.flow
    pair = np.array([_chain_of(flow, name) for name in (first, second)])
    occurs = (simulator.counts.sources, simulator.counts.targets)
    chances, ends, steps = _drawn(draws, pair, occurs, funnel)
    parts = _bits(flow, pair)
    moves, n_tested = _move_differences(draws, pair, parts[occurs], chances)
    solved = solve(flow).metrics
    reached = reached_in_order(flow, funnel)[pair]
    return PersonaDifferences(
        first=flow.persona_names[pair[0]],
        second=flow.persona_names[pair[1]],
        distance=float(parts.sum()),
        moves=moves,
        unseen_bits=max(float(parts.sum() - parts[occurs].sum()), 0.0),
        funnel=dict(zip(funnel, _side_by_side(reached, steps), strict=True)),
        outcomes=dict(
            zip(
                _OUTCOMES,
                _side_by_side(np.stack([solved[name][pair] for name in _OUTCOMES], axis=-1), ends),
                strict=True,
            )
        ),
        n_tested=n_tested,
    )


def _chain_of(flow: Flow, name: str) -> int:
    chains = np.flatnonzero(flow.persona_mask((name,)))
    if len(chains) > 1:
        raise SimulationError(
            f"Persona '{name}' has {len(chains)} chains, one a segment.",
            hint="Compare personas of a simulator whose users are not told apart by segments.",
        )
    return int(chains[0])


def _table(flow: Flow, pair: IntArray) -> FloatArray:
    """Return the chains of two personas, the start as a row, shape (..., 2, n + 1, n + 1)."""
    starts, transitions = flow.starts[..., pair, :], flow.transitions[..., pair, :, :]
    n = flow.n_states
    table = np.zeros((*starts.shape[:-1], n + 1, n + 1))
    table[..., 0, :n] = starts
    table[..., 1:, :n] = transitions[..., :n]
    table[..., 1:, n] = transitions[..., EXIT] + transitions[..., FRICTION]
    return table


def _bits(flow: Flow, pair: IntArray) -> FloatArray:
    """Return each move's part of the distance, shape (n + 1, n + 1)."""
    departures = np.ones((2, flow.n_states + 1))
    departures[:, 1:] = flow.visits[pair] * ~flow.absorbing
    weights = departures / departures.sum(axis=1, keepdims=True) / 2
    return divergence_parts(_table(flow, pair), weights)


def divergence_parts(chains: FloatArray, weights: FloatArray) -> FloatArray:
    """Return each move's part of how far two chains are apart, in bits per move.

    Parameters
    ----------
    chains : array of shape (2, m, n)
        Rows that sum to one, or to zero where nothing leaves.
    weights : array of shape (2, m)
        How much of all moves leave each row; together one.

    Returns
    -------
    array of shape (m, n)
        At least zero; see ``compare_personas`` for the formula.

    Examples
    --------
    >>> chains = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> divergence_parts(chains, np.array([[0.5], [0.5]]))
    array([[0.5, 0.5]])
    """
    joint = weights[..., None] * chains
    mixed = joint.sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-300)[:, None]
    ratio = np.divide(chains, mixed, out=np.ones_like(chains), where=joint > 0)
    parts: FloatArray = (joint * np.log2(ratio)).sum(axis=0)
    return np.maximum(parts, 0.0)  # equal chains may leave rounding of 1e-17 below zero


def _drawn(
    draws: FlowDraws, pair: IntArray, occurs: tuple[IntArray, IntArray], funnel: Sequence[str]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return first minus second in each draw: chances of moves, outcomes and funnel steps."""
    chances, ends, steps = [], [], []
    for flow, _ in draws.blocks():
        chances.append(_table(flow, pair)[(..., *occurs)])
        metrics = solve(flow).metrics
        ends.append(np.stack([metrics[name][:, pair] for name in _OUTCOMES], axis=-1))
        steps.append(reached_in_order(flow, funnel)[:, pair])
    both = (np.concatenate(each) for each in (chances, ends, steps))
    first_less_second = [each[:, 0] - each[:, 1] for each in both]
    return first_less_second[0], first_less_second[1], first_less_second[2]


def _side_by_side(values: FloatArray, differences: FloatArray) -> list[Difference]:
    """Return numbers of shape (2, m) beside the intervals of their differences, drawn (B, m)."""
    low, high = intervals(differences)
    return [
        Difference(
            first=float(one),
            second=float(other),
            difference=float(one - other),
            interval=(float(lower), float(upper)),
        )
        for one, other, lower, upper in zip(*values, low, high, strict=True)
    ]


def _move_differences(
    draws: FlowDraws, pair: IntArray, parts: FloatArray, chances: FloatArray
) -> tuple[tuple[MoveDifference, ...], int]:
    simulator = draws.simulator
    counts = simulator.counts
    values = _table(simulator.flow, pair)[:, counts.sources, counts.targets]
    left = counts.tabulate(simulator.moved[pair]).sum(axis=-1)[:, counts.sources]
    tested = (left >= MIN_DEPARTURES).all(axis=0)
    q_values = _q_values(values[0] - values[1], chances.std(axis=0), tested)
    names = (*simulator.flow.states, None)
    sides = _side_by_side(values, chances)
    order = np.argsort(-parts, kind="stable")
    moves = tuple(
        MoveDifference(
            source=None if counts.sources[move] == 0 else names[counts.sources[move] - 1],
            target=names[counts.targets[move]],
            bits=float(parts[move]),
            chance=sides[move],
            support=(float(left[0, move]), float(left[1, move])),
            q_value=float(q_values[move]) if tested[move] else None,
        )
        for move in order
    )
    return moves, int(tested.sum())


def _q_values(differences: FloatArray, errors: FloatArray, tested: BoolArray) -> FloatArray:
    """Return false discovery rates of the moves that are tested, ones for the rest."""
    scores = np.divide(differences, errors, out=np.zeros_like(differences), where=errors > 0)
    q_values = np.ones(len(scores))
    q_values[tested] = benjamini_hochberg(two_sided_p_values(scores[tested]))
    return q_values
