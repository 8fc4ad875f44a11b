"""Where journeys stand after their first events, and the chance that a flow gives them from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from persona_tui.engine.evaluation.held_out import Trained, chance_to_convert
from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.modeling.steps import LOG_FLOOR
from persona_tui.engine.simulation.flow import Flow
from persona_tui.engine.types import CodeArray, FloatArray, IntArray

NO_STEP: Final = -1
_PREFIXES_AT_ONCE: Final = 2_048


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prefixes:
    """The first events of the journeys that are still under way after them.

    Parameters
    ----------
    first : int
        Events, returns between them not counted.
    states : int32 array of shape (D, 2 * first - 1)
        Distinct beginnings, returns too; filled up with -1.
    journeys : int64 array of shape (E,)
        The journeys that got so far.
    kinds : int64 array of shape (E,)
        The beginning of each.
    """

    first: int
    states: CodeArray
    journeys: IntArray
    kinds: IntArray


def begin(journeys: Journeys, first: int) -> Prefixes:
    """Return the first events of journeys, of those that are not over with the last of these.

    Parameters
    ----------
    journeys : Journeys
    first : int
        At least one.

    Notes
    -----
    Who leaves after these events is among them: at that moment nobody knows. O(N) and a sort of those left.
    """
    n_types, offsets = len(journeys.vocabulary), journeys.offsets
    is_event = journeys.steps < n_types
    before: IntArray = np.cumsum(is_event) - is_event
    rank: IntArray = before - np.repeat(before[offsets[:-1]], np.diff(offsets))
    ends = np.flatnonzero(is_event & (rank == first - 1))
    absorbing = journeys.completion | journeys.drop if journeys.unit == "session" else journeys.completion
    ends = ends[~absorbing[journeys.steps[ends]]]
    owners = np.searchsorted(offsets, ends, side="right") - 1
    width = 2 * first - 1
    places = offsets[owners, None] + np.arange(width)
    inside = places <= ends[:, None]
    states = np.where(inside, journeys.steps[np.where(inside, places, 0)], NO_STEP).astype(np.int32)
    distinct, kinds = np.unique(states, axis=0, return_inverse=True)
    return Prefixes(first=first, states=distinct, journeys=owners, kinds=kinds.ravel())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """What a flow says of beginnings.

    Parameters
    ----------
    memberships : array of shape (D, K)
        Chance of each persona, given the beginning.
    chances : array of shape (D,)
        Of converting.
    """

    memberships: FloatArray
    chances: FloatArray


def look_ahead(flow: Flow, shares: FloatArray, states: CodeArray) -> Outlook:
    """Return what a flow says of beginnings.

    Parameters
    ----------
    flow : Flow
        Without leading axes.
    shares : array of shape (K,)
        Of journeys.
    states : int32 array of shape (D, L)
        As ``Prefixes`` holds them.

    Notes
    -----
    ``p(k | s) ~ shares[k] start_k(s_1) prod P_k(s_i, s_i+1)``, and the chance is the mean over it of the
    chance from the last state. O(D K L).
    """
    log_moves = np.log(np.maximum(flow.transitions, LOG_FLOOR))
    joint = np.log(np.maximum(shares[:, None] * flow.starts[:, states[:, 0]], LOG_FLOOR))
    for place in range(1, states.shape[1]):
        source, target = states[:, place - 1], states[:, place]
        made = target != NO_STEP
        joint[:, made] += log_moves[:, source[made], target[made]]
    joint -= joint.max(axis=0)
    memberships = np.exp(joint)
    memberships /= memberships.sum(axis=0)
    last = states[np.arange(len(states)), (states != NO_STEP).sum(axis=1) - 1]
    chances = (memberships * chance_to_convert(flow)[:, last]).sum(axis=0)
    return Outlook(memberships=memberships.T, chances=chances)


def drawn_means(trained: Trained, states: CodeArray, weights: FloatArray) -> FloatArray:
    """Return the mean chance of groups of journeys in every draw of the training users.

    Parameters
    ----------
    trained : Trained
    states : int32 array of shape (D, L)
    weights : array of shape (D, G)
        Journeys of each beginning in each group.

    Returns
    -------
    array of shape (B, G)
    """
    totals = weights.sum(axis=0)
    means = []
    for flows, shares in trained.draws.blocks():
        for draw in range(len(shares)):
            flow = _one(flows, draw)
            sums = np.zeros(weights.shape[1])
            for first in range(0, len(states), _PREFIXES_AT_ONCE):
                some = slice(first, first + _PREFIXES_AT_ONCE)
                sums += look_ahead(flow, shares[draw], states[some]).chances @ weights[some]
            means.append(sums / totals)
    return np.array(means)


def _one(flows: Flow, draw: int) -> Flow:
    return replace(flows, starts=flows.starts[draw], transitions=flows.transitions[draw])
