"""The flow at second order: what comes next may depend on the last two events, not on the last alone.

A place is an event together with the one before it, so that a second-order chain is a ``Flow``
over places, and every effect that changes a flow can change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Self, TypeAlias

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.counts import smooth
from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.modeling.moves import list_moves
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.flow import EXIT, FRICTION, N_ENDS, Flow, StateKind
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

MAX_PLACES: Final = 600
"""A solution costs the cube of their number: 0.05 s for 6 personas of 600 places."""


class Past(Enum):
    """What came before an event where it was not another event."""

    START = "start"
    UNKNOWN = "unknown"


History: TypeAlias = str | Past


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An event with the one before it.

    Parameters
    ----------
    event : str
        The state of the first-order flow that it is one of.
    history : str or Past
        The state before it; unknown where the move was never seen, and at the end of a journey.
    memory : str or Past
        What the next event will know as its history: the event, but at an inserted step what came
        before that, since nobody has seen the step.
    """

    event: str
    history: History
    memory: History


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondOrder:
    """A flow over places, beside the first-order flow that it refines.

    Parameters
    ----------
    first : Flow
        The first-order flow of the same personas under the same changes.
    flow : Flow
        One state a place, of the kind of its event.
    places : tuple of Place
        In the order of the states of ``flow``.
    """

    first: Flow
    flow: Flow
    places: tuple[Place, ...]

    @classmethod
    def from_simulator(cls, simulator: ProductFlowSimulator, *, prior: float) -> Self:
        """Estimate the flow over places.

        Parameters
        ----------
        simulator : ProductFlowSimulator
            Its memberships are held as they are.
        prior : float
            Pseudo-moves that shrink the row of each place toward the first-order row.

        Raises
        ------
        SimulationError
            If there are more than 600 places.

        Notes
        -----
        The row of a place (h, i) is ``(count + prior * p_i) / (total + prior)``, with p_i the
        persona's first-order row of i: as the first order shrinks toward the pooled row, so the
        second toward the first. A move that was never seen leads to a place of unknown history,
        which goes on by the first-order row, so that with an endless prior both orders are the
        same chain. Journeys that are still open leave by the
        chance that they have left, as at first order. O(events x personas) to count.

        Support is that of the first-order moves: an effect acts on the same steps at both orders.
        """
        layout = _Layout.of(simulator.journeys, simulator.flow)
        tables, started = layout.count(simulator)
        first = simulator.flow
        rows = smooth(tables, first.transitions[:, layout.events, :FRICTION], prior)
        places = layout.places(first.states)
        flow = Flow(
            states=tuple(f"{n}: {each.history} › {each.event}" for n, each in enumerate(places)),
            kinds=first.kinds[layout.events],
            unit=first.unit,
            starts=started,
            transitions=layout.spread(np.where(layout.absorbing[:, None], 0.0, rows)),
            support=layout.spread(first.support[:, layout.events, :FRICTION]),
            friction_is_drop=first.friction_is_drop,
            personas=first.personas,
            excluded=first.excluded,
        )
        return cls(first=first, flow=flow, places=places)

    @property
    def variants(self) -> dict[str, tuple[str, ...]]:
        """Return the states of ``flow`` that stand for each first-order state."""
        found: dict[str, list[str]] = {state: [] for state in self.first.states}
        for state, place in zip(self.flow.states, self.places, strict=True):
            found[place.event].append(state)
        return {event: tuple(states) for event, states in found.items()}

    def at(self, *events: str) -> BoolArray:
        """Return which places are of some events, shape (m,)."""
        return np.isin([place.event for place in self.places], events)

    def events(self, kind: StateKind) -> tuple[str, ...]:
        """Return the first-order states of one kind."""
        kinds = zip(self.first.states, self.first.kinds, strict=True)
        return tuple(state for state, its_kind in kinds if its_kind == kind)

    def folded(self) -> Flow:
        """Return the flow with every ``return`` folded into the moves around it, ready to be solved.

        Raises
        ------
        SimulationError
            If returns can follow each other for ever.

        Notes
        -----
        What ``flow.without_returns`` does for one return, for the return after every event.
        """
        flow = self.flow
        returns = flow.kinds == StateKind.RETURN
        if not returns.any():
            return flow
        kept = np.append(~returns, [True] * N_ENDS)
        moves = passed_over(flow.transitions, returns)
        return Flow(
            states=tuple(np.array(flow.states, dtype=object)[~returns]),
            kinds=flow.kinds[~returns],
            unit=flow.unit,
            starts=flow.starts[..., ~returns].copy(),
            transitions=moves[..., ~returns, :][..., kept],
            support=flow.support[:, ~returns][..., kept],
            friction_is_drop=flow.friction_is_drop,
            personas=flow.personas,
            excluded=flow.excluded,
        )


def passed_over(moves: FloatArray, passed: BoolArray) -> FloatArray:
    """Return the moves that go straight on where they would have passed some states.

    Parameters
    ----------
    moves : array of shape (..., n, n + 2)
    passed : bool array of shape (n,)
        Which states.

    Returns
    -------
    array of shape (..., n, n + 2)
        The columns of the states passed are zero; their rows tell where those go who begin there.

    Raises
    ------
    SimulationError
        If a walk can stay among them for ever.

    Notes
    -----
    ``P + P[:, R] (I - P[R, R])^-1 P[R, :]``, O(n ** 2 r) for r states passed.

    Examples
    --------
    >>> moves = np.array([[0.0, 0.5, 0.5, 0.0], [0.5, 0.0, 0.5, 0.0]])
    >>> passed_over(moves, np.array([False, True]))
    array([[0.25, 0.  , 0.75, 0.  ],
           [0.5 , 0.  , 0.5 , 0.  ]])
    """
    inside = np.append(passed, [False] * N_ENDS)
    ahead = np.where(inside, 0.0, moves[..., passed, :])
    try:
        onward = np.linalg.solve(np.eye(int(passed.sum())) - moves[..., passed, :][..., inside], ahead)
    except np.linalg.LinAlgError:
        raise SimulationError("Some walk can go on for ever.") from None
    straight: FloatArray = moves + np.matmul(moves[..., inside], onward)
    straight[..., inside] = 0.0
    return straight


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layout:
    """Which places there are, as numbers: m of them over n first-order states.

    Parameters
    ----------
    events, histories : int arrays of shape (m,)
        First-order states; n stands for the start as a history, n + 1 for unknown.
    absorbing : bool array of shape (m,)
    arrival : int array of shape (n + 1, n)
        The place that a move leads to; row n are the starts.
    """

    events: IntArray
    histories: IntArray
    absorbing: BoolArray
    arrival: IntArray

    @classmethod
    def of(cls, journeys: Journeys, first: Flow) -> Self:
        """Return the places of observed moves and starts, then one of unknown history for every state.

        A state that ends the journey is one place: nothing follows that could remember.
        """
        n = first.n_states
        observed = list_moves(journeys)
        seen = np.zeros((n + 1, n), dtype=bool)
        seen[observed.before, observed.states] = True
        seen[n] |= (first.starts > 0).any(axis=0)
        seen[:, first.absorbing] = False
        histories, events = np.nonzero(seen)
        m = len(events) + n
        if m > MAX_PLACES:
            raise SimulationError(
                f"The log has {m:,} pairs of an event and the one before it, more than {MAX_PLACES}.",
                hint="Merge rare events.",
            )
        arrival = np.broadcast_to(np.arange(n) + len(events), (n + 1, n)).copy()
        arrival[histories, events] = np.arange(len(events))
        return cls(
            events=np.append(events, np.arange(n)),
            histories=np.append(histories, np.full(n, n + 1)),
            absorbing=first.absorbing[np.append(events, np.arange(n))],
            arrival=arrival,
        )

    def places(self, states: tuple[str, ...]) -> tuple[Place, ...]:
        """Return the places by name."""
        histories = (*states, Past.START, Past.UNKNOWN)
        return tuple(
            Place(event=states[event], history=histories[history], memory=states[event])
            for event, history in zip(self.events, self.histories, strict=True)
        )

    def count(self, simulator: ProductFlowSimulator) -> tuple[FloatArray, FloatArray]:
        """Return the moves out of each place, shape (K, m, n + 1), and the starts, shape (K, m)."""
        journeys, counts = simulator.journeys, simulator.counts
        n, m = journeys.n_states, len(self.events)
        observed = list_moves(journeys)
        moves = self.arrival[observed.before, observed.states] * (n + 1) + observed.following
        rows = counts.row_of_user[observed.users]
        tables = [
            np.bincount(moves, weights=observed.weights * member[rows], minlength=m * (n + 1)).reshape(
                m, n + 1
            )
            for member in simulator.memberships.T
        ]
        starts = np.zeros((len(tables), m))
        starts[:, self.arrival[n]] = simulator.flow.starts
        return np.stack(tables), starts

    def spread(self, rows: FloatArray) -> FloatArray:
        """Return rows over the next event and the exit as moves between places, shape (K, m, m + 2)."""
        m, n = len(self.events), self.arrival.shape[1]
        moves = np.zeros((len(rows), m, m + N_ENDS))
        moves[:, np.arange(m)[:, None], self.arrival[self.events]] = rows[..., :n]
        moves[..., EXIT] = rows[..., n]
        return moves
