"""Worlds in which the truth is known: planted personas, the log that they leave, what changes do to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.params import Range
from persona_tui.engine.simulation.effects import Friction, InsertSteps, RemoveStep, Reward
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import EXIT, N_ENDS, Flow, StateKind, expected_visits, solve
from persona_tui.engine.types import Unit

DONE, DROP = "done", "drop_off"
BELIEF = Range(0.02, 0.1, 0.25)
LEAST_LEAVING = 0.05
"""Of every visit of a step, so that walks end."""
CONVERSIONS = (0.05, 0.9)
"""Bounds of what every persona converts, per journey and per session: a change needs something to act on."""
MINUTE, DAY = 60 * 10**6, 86_400 * 10**6
ARRIVAL_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What kind of world is planted.

    ``likeness`` is the concentration of the personas' rows around a row that they have in common;
    ``cut`` tells whether the log ends while users still arrive.
    """

    n_users: int
    unit: Unit
    likeness: float
    cut: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Personas with their share of users and the chain that they walk over all of their sessions."""

    design: Design
    shares_of_users: np.ndarray
    walks: Flow

    @cached_property
    def flow(self) -> Flow:
        """The chains of the unit of analysis."""
        return self.walks if self.design.unit == "user" else one_session(self.walks)

    @cached_property
    def shares(self) -> np.ndarray:
        """Each persona's share of journeys: of users, or of all sessions."""
        if self.design.unit == "user":
            return self.shares_of_users
        visits, _ = expected_visits(self.walks.starts, self.walks.transitions, None)
        sessions = self.shares_of_users * (1.0 + visits[:, self.walks.index(RETURN)])
        return sessions / sessions.sum()

    @cached_property
    def busiest(self) -> list[str]:
        """The steps by falling number of visits."""
        visits, _ = expected_visits(self.flow.starts, self.flow.transitions, None)
        order = np.argsort(-(self.shares @ visits))
        return [self.flow.states[each] for each in order if self.flow.kinds[each] == StateKind.EVENT]

    def changes(self) -> dict[str, FlowModification]:
        """What is tried on this world; the last is believed to lie in a range."""
        first, second = self.busiest[:2]
        effects = {
            "friction 0.1 at the busiest step": Friction(factor=0.1, at=(first,)),
            "two steps before completion": InsertSteps(count=2),
            "reward 0.2 at every step": Reward(factor=0.2),
            "a step removed, half rescued": RemoveStep(event=second, rescued=0.5),
            "friction from a range, at every step": Friction(factor=BELIEF),
        }
        return {name: FlowModification(effects=(effect,)) for name, effect in effects.items()}


def plant(design: Design, generator: np.random.Generator) -> World:
    """Return a random world in which every persona converts neither hardly ever nor nearly always."""
    n_personas = int(generator.integers(2, 5))
    while True:
        shares = 0.15 + (1 - 0.15 * n_personas) * generator.dirichlet(np.full(n_personas, 2.0))
        walks = _random_walks(design, n_personas, generator)
        rates = np.concatenate([solve(walks).converted, solve(one_session(walks)).converted])
        if CONVERSIONS[0] <= rates.min() and rates.max() <= CONVERSIONS[1]:
            return World(design=design, shares_of_users=shares, walks=walks)


def _random_walks(design: Design, n_personas: int, generator: np.random.Generator) -> Flow:
    """Return chains over 6 to 12 events, with few moves out of each; sessions are joined by returns."""
    has_drop = bool(generator.integers(2))
    n_steps = int(generator.integers(6, 13)) - 1 - has_drop
    states = (*sorted(f"step_{number:02d}" for number in range(n_steps)), RETURN)
    states = (DONE, *((DROP,) if has_drop else ()), *states)
    kinds = [StateKind.COMPLETION, *([StateKind.DROP] * has_drop), *([StateKind.EVENT] * n_steps)]
    n, first = len(states), 1 + has_drop
    back, steps = n - 1, np.arange(first, first + n_steps)
    starts, moves = np.zeros((n_personas, n)), np.zeros((n_personas, n, n + N_ENDS))
    returning = generator.uniform(0.5, 0.8, n_personas)
    enters = generator.choice(steps, size=3, replace=False)
    common = generator.dirichlet(np.ones(3))
    starts[:, enters] = generator.dirichlet(design.likeness * common + 0.1, n_personas)
    finishers = generator.choice(steps, size=int(generator.integers(2, 4)), replace=False)
    for step in steps:
        onward = generator.choice(steps, size=int(generator.integers(2, 5)), replace=False)
        drops = has_drop and generator.random() < 0.3
        targets = [*onward, n, *([0] * (step in finishers)), *([1] * drops)]
        row = generator.dirichlet(np.where(np.isin(targets, steps), 2.0, 1.0))
        rows = generator.dirichlet(design.likeness * row + 0.1, n_personas)
        moves[:, step, targets] = (1 - LEAST_LEAVING) * rows
        moves[:, step, EXIT] += LEAST_LEAVING
    if has_drop:
        moves[:, 1, EXIT] = 1.0
    moves[:, 1:back, back] = returning[:, None] * moves[:, 1:back, EXIT]
    moves[:, 1:back, EXIT] *= 1 - returning[:, None]
    moves[:, back, :n] = starts
    return Flow(
        states=states,
        kinds=np.array([*kinds, StateKind.RETURN]),
        unit="user",
        starts=starts,
        transitions=moves,
        support=1e6 * moves,
        friction_is_drop=True,
    )


def one_session(walks: Flow) -> Flow:
    """Return the chain of each session of walks: a return ends it, and so does a drop."""
    n = walks.n_states - 1
    moves = np.delete(np.delete(walks.transitions, n, axis=-1), n, axis=-2)
    moves[..., EXIT] += walks.transitions[..., :n, n]
    moves[..., walks.kinds[:n] == StateKind.DROP, :] = 0.0
    return replace(
        walks,
        states=walks.states[:n],
        kinds=walks.kinds[:n].copy(),
        unit="session",
        starts=walks.starts[..., :n].copy(),
        transitions=moves,
        support=1e6 * moves,
        time_factors=walks.time_factors[..., :n].copy(),
    )


def uplifts(
    flow: Flow, shares: np.ndarray, modification: FlowModification, drawn: tuple[dict[str, float], ...] = ()
) -> np.ndarray:
    """Return the uplift of completion of all journeys, then of each persona, shape (1 + K,)."""
    gained = solve(modification.apply(flow, drawn)).converted - solve(flow).converted
    return np.concatenate([[shares @ gained], gained])


def draw_belief(generator: np.random.Generator) -> float:
    """Return one number of the range, by the definition of the PERT distribution."""
    width = BELIEF.high - BELIEF.low
    rise, fall = (BELIEF.mode - BELIEF.low) / width, (BELIEF.high - BELIEF.mode) / width
    return float(BELIEF.low + width * generator.beta(1 + 4 * rise, 1 + 4 * fall))


def leave_log(world: World, generator: np.random.Generator) -> tuple[Sequences, np.ndarray]:
    """Return the log of a world and the persona of each of its users."""
    personas = generator.choice(
        len(world.shares_of_users), size=world.design.n_users, p=world.shares_of_users
    )
    users, states = _walk(world.walks, personas, generator)
    is_return = states == world.walks.index(RETURN)
    begins = np.diff(users, prepend=-1) != 0
    gaps = generator.exponential(np.where(is_return, DAY, MINUTE))
    gaps[begins] = generator.uniform(0, ARRIVAL_DAYS * DAY, world.design.n_users)
    elapsed = np.cumsum(gaps)
    times = elapsed - (elapsed - gaps)[begins][users]
    new_session = begins | np.append(False, is_return[:-1])
    kept = ~is_return & ((times < ARRIVAL_DAYS * DAY) if world.design.cut else True)
    found, codes = np.unique(states[kept], return_inverse=True)
    sequences = Sequences(
        vocabulary=tuple(world.walks.states[each] for each in found),
        user_ids=tuple(f"u{number:06d}" for number in range(world.design.n_users)),
        codes=codes.astype(np.int32),
        users=users[kept].astype(np.int32),
        sessions=np.cumsum(new_session[kept]) - 1,
        times=times[kept].astype(np.int64),
    )
    return sequences, personas


def _walk(walks: Flow, personas: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return user and state of every visit, by user and in order."""
    cumulative = walks.transitions.cumsum(axis=-1)
    walkers = np.arange(len(personas))
    states = _next(walks.starts.cumsum(axis=-1)[personas], generator)
    visits = []
    while len(walkers):
        visits.append((walkers, states))
        reached = _next(cumulative[personas[walkers], states], generator)
        going = reached < walks.n_states
        walkers, states = walkers[going], reached[going]
    users, visited = (np.concatenate(parts) for parts in zip(*visits, strict=True))
    order = np.argsort(users, kind="stable")
    return users[order], visited[order]


def _next(cumulative: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return (generator.random((len(cumulative), 1)) >= cumulative).sum(axis=1)
