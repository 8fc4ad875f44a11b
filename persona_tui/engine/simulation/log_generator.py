"""All that is known of a log to write another like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.data.schema import FRICTION_DROP
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.arrivals import Arrivals, fit_arrivals
from persona_tui.engine.simulation.dwell import PROBABILITIES, DwellTimes, fit_dwell
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import Flow, solve
from persona_tui.engine.simulation.privacy import (
    DEFAULT_RULE,
    PrivacyRule,
    RareSequences,
    find_rare_sequences,
)
from persona_tui.engine.types import FloatArray

LOOSE_ENDS: Final = 1e-3
"""Journeys, as expected, that a horizon which is left open may cut in a whole synthetic log."""

_LONGEST_HORIZON = 2**24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogGenerator:
    """All that is known of a log to write another like it.

    Parameters
    ----------
    flow : Flow
    user_shares, journey_shares : arrays of shape (K,)
        Share of each persona among users, and among units of analysis; the same under ``user``.
    n_journeys : array of shape (K, S)
        Chance that a user of each persona has 1 to S journeys; under ``user`` just one.
    dwell : DwellTimes
        Over the flow's states and ``friction_drop``.
    pauses : array of shape (64,)
        Seconds from the end of a session to the next of a user, at ``PROBABILITIES``; read under ``session``.
    arrivals : Arrivals
        Of users.
    first, last : int
        Period in which users arrive, microseconds since 1970, UTC, both included.
    rare : RareSequences
        What must not be reproduced.
    """

    flow: Flow
    user_shares: FloatArray
    journey_shares: FloatArray
    n_journeys: FloatArray
    dwell: DwellTimes
    pauses: FloatArray
    arrivals: Arrivals
    first: int
    last: int
    rare: RareSequences

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the personas."""
        return self.flow.personas or tuple(str(number + 1) for number in range(len(self.user_shares)))

    @property
    def journeys_per_user(self) -> FloatArray:
        """Return the mean number of journeys of a user of each persona, shape (K,)."""
        return _mean_journeys(self.n_journeys)

    def conversion(self, max_length: int | None = None) -> FloatArray:
        """Return each persona's exact conversion, shape (K,)."""
        return solve(self.flow, max_length).converted

    def horizon(self, n_users: int) -> int:
        """Return after how many events journeys may be cut, so that as good as none of n users' are.

        Raises
        ------
        SimulationError
            If journeys hardly ever end.
        """
        n_journeys = n_users * float(self.user_shares @ self.journeys_per_user)
        horizon = 1
        while horizon <= _LONGEST_HORIZON:
            cut = float(self.journey_shares @ solve(self.flow, horizon).truncated) * n_journeys
            if cut < LOOSE_ENDS:
                return horizon
            horizon *= 2
        raise SimulationError(
            f"After {_LONGEST_HORIZON} events {cut:.3g} of {n_journeys:.3g} journeys have still not ended.",
            hint="Set max_length, or name the events that end a journey.",
        )


def fit_log_generator(
    simulator: ProductFlowSimulator,
    modification: FlowModification | None = None,
    *,
    rule: PrivacyRule = DEFAULT_RULE,
) -> LogGenerator:
    """Return what is needed to write a log like that of a simulator.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    modification : FlowModification, optional
        No change where left out.
    rule : PrivacyRule
        Which sequences of the log must not be reproduced: those of more than 5 events that fewer than 5
        others share.

    Raises
    ------
    SimulationError, UnknownNameError
        If the modification does not fit the flow.

    Notes
    -----
    Under ``session`` a user has as many sessions as users of the persona have in the log, each of them a
    walk, with the log's pauses in between; a session that begins before another ends counts as a pause of
    zero. A user's sessions share one persona, as the log's do. Arrivals and dwell times are those of all
    users together.
    """
    modification = modification or FlowModification()
    sequences = simulator.generator.sequences
    flow = modification.apply(simulator.flow)
    journey_shares = modification.shift(simulator.shares, flow)
    n_journeys = _journeys_per_user(simulator)
    users = journey_shares / _mean_journeys(n_journeys)
    return LogGenerator(
        flow=flow,
        user_shares=users / users.sum(),
        journey_shares=journey_shares,
        n_journeys=n_journeys,
        dwell=fit_dwell(sequences, simulator.journeys).arranged((*flow.states, FRICTION_DROP)),
        pauses=_session_pauses(sequences),
        arrivals=fit_arrivals(sequences),
        first=int(sequences.times.min()),
        last=int(sequences.times.max()),
        rare=find_rare_sequences(simulator.journeys, rule),
    )


def _journeys_per_user(simulator: ProductFlowSimulator) -> FloatArray:
    """Return the chance that a user of each persona has 1, 2, … journeys, shape (K, S)."""
    counts = simulator.counts
    numbers = counts.n_journeys.astype(np.int64)
    table = np.zeros((int(numbers.max()), len(simulator.names)))
    np.add.at(table, numbers - 1, counts.multiplicity[:, None] * simulator.memberships)
    chances: FloatArray = (table / table.sum(axis=0)).T
    return chances


def _mean_journeys(n_journeys: FloatArray) -> FloatArray:
    means: FloatArray = n_journeys @ np.arange(1.0, n_journeys.shape[1] + 1)
    return means


def _session_pauses(sequences: Sequences) -> FloatArray:
    """Return the seconds between a user's sessions at ``PROBABILITIES``; zeros where nobody has two."""
    _, begins, session = np.unique(sequences.sessions, return_index=True, return_inverse=True)
    ends = np.zeros(len(begins), dtype=np.int64)
    np.maximum.at(ends, session, sequences.times)
    same_user = np.diff(sequences.users[begins]) == 0
    pauses = (sequences.times[begins][1:] - ends[:-1])[same_user] / 1e6
    if not len(pauses):
        return np.zeros(len(PROBABILITIES))
    quantiles: FloatArray = np.quantile(np.maximum(pauses, 0.0), PROBABILITIES)
    return quantiles
