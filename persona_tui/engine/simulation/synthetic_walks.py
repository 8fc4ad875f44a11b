"""Journeys of synthetic users, none of them one that few real users have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.flow import Flow, StateKind
from persona_tui.engine.simulation.paths import Outcome, walk_sequences
from persona_tui.engine.simulation.privacy import RareSequences, run_positions
from persona_tui.engine.types import AnyArray, CodeArray, IntArray

_MOST_ATTEMPTS: Final = 24
"""About a million walks for those who are left."""
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 256, 65_536


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WalkedJourneys:
    """Journeys as walked, one after the other.

    Parameters
    ----------
    lengths : int64 array of shape (N,)
        States of each journey; none is empty.
    states : int32 array of shape (lengths.sum(),)
        Positions in the flow, returns too; one above the last stands for ``friction_drop``.
    outcomes : int8 array of shape (N,)
        An ``Outcome`` each.
    """

    lengths: IntArray
    states: CodeArray
    outcomes: AnyArray

    def select(self, rows: IntArray) -> WalkedJourneys:
        """Return some journeys, in the order of ``rows``."""
        begins = np.cumsum(self.lengths) - self.lengths
        lengths = self.lengths[rows]
        states = self.states[run_positions(begins[rows], lengths)]
        return WalkedJourneys(lengths=lengths, states=states, outcomes=self.outcomes[rows])


def join_journeys(parts: list[WalkedJourneys]) -> WalkedJourneys:
    """Return the journeys of several parts, one part after the other."""
    return WalkedJourneys(
        lengths=np.concatenate([each.lengths for each in parts]),
        states=np.concatenate([each.states for each in parts]),
        outcomes=np.concatenate([each.outcomes for each in parts]),
    )


def walk_journeys(
    flow: Flow, persona: int, n_walkers: int, max_length: int, seed: np.random.SeedSequence
) -> WalkedJourneys:
    """Walk a persona's flow as ``walk_sequences`` does, and tell who left because of friction.

    Parameters
    ----------
    flow : Flow
        Without leading axes.
    persona, n_walkers, max_length : int
    seed : SeedSequence

    Returns
    -------
    WalkedJourneys
        Where friction counts as a drop, whoever leaves because of it shows ``friction_drop`` last, unless
        the event before is a drop event already.
    """
    walked = walk_sequences(flow, persona, n_walkers, max_length, seed)
    lengths, states = walked.visits, walked.states
    outcomes = walked.walks.outcomes
    if flow.friction_is_drop:
        ends = np.cumsum(lengths)
        told = (outcomes == Outcome.DROPPED) & (flow.kinds[states[ends - 1]] != StateKind.DROP)
        states = np.insert(states, ends[told], flow.n_states)
        lengths = lengths + told
    return WalkedJourneys(lengths=lengths, states=states, outcomes=outcomes)


def walk_privately(
    flow: Flow,
    persona: int,
    n_walkers: int,
    max_length: int,
    seed: np.random.SeedSequence,
    *,
    rare: RareSequences,
) -> tuple[WalkedJourneys, IntArray]:
    """Walk a persona's flow, and walk again whoever reproduces a protected sequence.

    Parameters
    ----------
    flow, persona, n_walkers, max_length, seed
        As ``walk_journeys``.
    rare : RareSequences
        Of a log with the event types that the flow's states begin with.

    Returns
    -------
    journeys : WalkedJourneys
        None is a protected sequence; inserted steps and returns do not hide one.
    matches : array of shape (r,)
        The protected sequences that the first walks of the r who walked again reproduce.

    Raises
    ------
    SimulationError
        If hardly any journey of the persona is free to be shown.

    Notes
    -----
    Who walks again gets the first free journey of another stream that ends in the same outcome: outcomes
    stay as the flow has them, and within an outcome journeys follow the flow given that they are free.
    The distribution of journeys moves by r / N in total variation, as expected.
    """
    journeys = walk_journeys(flow, persona, n_walkers, max_length, _attempt(seed, 0))
    found = _match(rare, journeys)
    pending = np.flatnonzero(found >= 0)
    matches = found[pending]
    if not len(pending):
        return journeys, matches
    parts, place, n_kept = [journeys], np.arange(n_walkers), n_walkers
    for attempt in range(1, _MOST_ATTEMPTS + 1):
        size = min(max(_FEWEST_AT_ONCE, len(pending) << attempt), _MOST_AT_ONCE)
        offered = walk_journeys(flow, persona, size, max_length, _attempt(seed, attempt))
        offered = offered.select(np.flatnonzero(_match(rare, offered) < 0))
        takers, taken = _pair_by_outcome(journeys.outcomes[pending], offered.outcomes)
        place[pending[takers]] = n_kept + np.arange(len(takers))
        parts.append(offered.select(taken))
        n_kept += len(takers)
        pending = np.delete(pending, takers)
        if not len(pending):
            return join_journeys(parts).select(place), matches
    name = flow.personas[persona] if flow.personas else str(persona + 1)
    raise SimulationError(
        f"Nearly every long journey of persona '{name}' that ends as "
        f"{Outcome(journeys.outcomes[pending[0]]).name.lower()} is that of few real users, who must not be "
        "reproduced.",
        hint="Use a log of more users, or merge rare events.",
    )


def _attempt(seed: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number))


def _match(rare: RareSequences, journeys: WalkedJourneys) -> IntArray:
    """Return the protected sequence that each journey's real events are, -1 where none."""
    real = journeys.states < len(rare.words)
    owners = np.repeat(np.arange(len(journeys.lengths)), journeys.lengths)
    return rare.match(journeys.states[real], np.bincount(owners[real], minlength=len(journeys.lengths)))


def _pair_by_outcome(wanted: AnyArray, offered: AnyArray) -> tuple[IntArray, IntArray]:
    """Return positions of those who want a journey, and of the first that are offered in their outcome."""
    takers, taken = [], []
    for outcome in np.unique(wanted):
        wants, offers = np.flatnonzero(wanted == outcome), np.flatnonzero(offered == outcome)
        n = min(len(wants), len(offers))
        takers.append(wants[:n])
        taken.append(offers[:n])
    return np.concatenate(takers), np.concatenate(taken)
