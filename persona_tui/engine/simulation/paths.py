"""Event-level walks through a flow, in lock-step and in blocks of fixed size.

Uniforms are addressed by seed, persona, block, walker and the walker's own step, so two
flows that are walked with one seed share them; a move out of an inserted step reads a
stream of its own, which leaves the walker's later moves where they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.simulation.flow import FRICTION, Flow, StateKind
from persona_tui.engine.types import AnyArray, FloatArray, IntArray

WALKERS_PER_BLOCK = 8_192


class Outcome(IntEnum):
    """How a walk ended."""

    CONVERTED = 0
    DROPPED = 1
    EXITED = 2
    TRUNCATED = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walks:
    """Walks of one persona.

    Parameters
    ----------
    outcomes : int8 array of shape (N,)
        An ``Outcome`` each.
    lengths : int32 array of shape (N,)
        Events of each walk.
    """

    outcomes: AnyArray
    lengths: AnyArray

    def metric(self, name: str) -> FloatArray:
        """Return a reported metric of each walk, shape (N,)."""
        if name == "avg_length":
            return self.lengths.astype(float)
        wanted = {
            "completion_rate": [Outcome.CONVERTED],
            "drop_off_rate": [Outcome.DROPPED, Outcome.EXITED],
            "truncated_rate": [Outcome.TRUNCATED],
        }[name]
        return np.isin(self.outcomes, wanted).astype(float)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """The inverse cumulative distribution of every state, leaving moves first."""

    starts: FloatArray
    rows: FloatArray
    columns: IntArray
    n_columns: int


def _tabulate(flow: Flow, persona: int) -> _Table:
    moves = flow.transitions[persona]
    n_columns = moves.shape[-1]
    first = flow.leaving_columns
    columns = np.concatenate([np.flatnonzero(first), np.flatnonzero(~first)])
    ordered = _cumulate(moves[:, columns])
    offset = np.arange(len(moves))[:, None]
    return _Table(
        starts=_cumulate(flow.starts[persona][None])[0],
        rows=(ordered + offset).ravel(),
        columns=columns,
        n_columns=n_columns,
    )


def _cumulate(chances: FloatArray) -> FloatArray:
    """Return cumulative chances whose last possible move reaches one exactly."""
    cumulative: FloatArray = np.cumsum(chances, axis=-1)
    n_columns = chances.shape[-1]
    last = n_columns - 1 - np.argmax(chances[:, ::-1] > 0, axis=-1)
    cumulative[np.arange(n_columns) >= last[:, None]] = 1.0
    return cumulative


def walk(flow: Flow, persona: int, n_walkers: int, max_length: int, seed: np.random.SeedSequence) -> Walks:
    """Walk a persona's flow.

    Parameters
    ----------
    flow : Flow
        Without leading axes.
    persona : int
    n_walkers : int
    max_length : int
        Events after which a walk is truncated.
    seed : SeedSequence

    Returns
    -------
    Walks
    """
    table = _tabulate(flow, persona)
    blocks = []
    for block in range(-(-n_walkers // WALKERS_PER_BLOCK)):
        size = min(WALKERS_PER_BLOCK, n_walkers - block * WALKERS_PER_BLOCK)
        blocks.append(_BlockWalk(flow, table, size, max_length).run(seed, (persona, block)))
    return Walks(
        outcomes=np.concatenate([each.outcomes for each in blocks] or [np.empty(0, np.int8)]),
        lengths=np.concatenate([each.lengths for each in blocks] or [np.empty(0, np.int32)]),
    )


class _BlockWalk:
    """The walkers of one block on their way."""

    def __init__(self, flow: Flow, table: _Table, size: int, max_length: int) -> None:
        self.flow, self.table, self.size, self.max_length = flow, table, size, max_length
        self.outcomes = np.full(size, -1, dtype=np.int8)
        self.lengths = np.ones(size, dtype=np.int32)
        self.states = np.empty(size, dtype=np.int64)

    def run(self, seed: np.random.SeedSequence, key: tuple[int, int]) -> Walks:
        """Walk until every walker has ended."""
        own = stream(seed, Stream.WALKS, *key)
        self.states[:] = np.searchsorted(self.table.starts, own.random(self.size), side="right")
        going = self._settle(np.arange(self.size))
        step = 0
        while len(going):
            going = self._pass_inserted(going, seed, (*key, step))
            step += 1
            going = self._move(going, own.random(self.size))
        return Walks(outcomes=self.outcomes, lengths=self.lengths)

    def _pass_inserted(self, going: IntArray, seed: np.random.SeedSequence, key: tuple[int, ...]) -> IntArray:
        """Take the walkers through inserted steps; they keep their own step."""
        inserted = self.flow.kinds[self.states[going]] == StateKind.ADDED
        if not inserted.any():
            return going
        generator = stream(seed, Stream.INSERTED_STEPS, *key)
        while inserted.any():
            passing = self._move(going[inserted], generator.random(self.size))
            going = np.sort(np.concatenate([going[~inserted], passing]))
            inserted = self.flow.kinds[self.states[going]] == StateKind.ADDED
        return going

    def _move(self, going: IntArray, uniforms: FloatArray) -> IntArray:
        states, table = self.states[going], self.table
        position = np.searchsorted(table.rows, states + uniforms[going], side="right")
        column = table.columns[position - states * table.n_columns]
        left = column >= self.flow.n_states
        self._leave(going[left], column[left] - table.n_columns)
        going, column = going[~left], column[~left]
        self.states[going] = column
        self.lengths[going] += self.flow.kinds[column] != StateKind.RETURN
        return self._settle(going)

    def _leave(self, walkers: IntArray, column: IntArray) -> None:
        from_drop = self.flow.kinds[self.states[walkers]] == StateKind.DROP
        by_friction = (column == FRICTION) & self.flow.friction_is_drop
        dropped = from_drop | by_friction
        self.outcomes[walkers] = np.where(dropped, Outcome.DROPPED, Outcome.EXITED)

    def _settle(self, walkers: IntArray) -> IntArray:
        """Record who has ended by arriving, and return who goes on."""
        states = self.states[walkers]
        kinds = self.flow.kinds[states]
        ended = self.flow.absorbing[states]
        self.outcomes[walkers[ended]] = np.where(
            kinds[ended] == StateKind.COMPLETION, Outcome.CONVERTED, Outcome.DROPPED
        )
        cut = ~ended & (self.lengths[walkers] >= self.max_length) & (kinds != StateKind.RETURN)
        self.outcomes[walkers[cut]] = Outcome.TRUNCATED
        going: IntArray = walkers[~ended & ~cut]
        return going
