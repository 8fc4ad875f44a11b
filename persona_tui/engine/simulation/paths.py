"""Event-level walks through a flow, in lock-step.

A move is decided by sixteen bits that are addressed by seed, persona, walker and the walker's own step,
so two flows that are walked with one seed share them. A hash of the address, not the state of a
generator, gives them: step t of walker w reads quarter ``t % 4`` of ``hash(origin + w W + (t // 4) G)``,
where seed and persona give origin and hash key. The few moves whose cell of the table a boundary crosses
read thirty-two bits more of a second hash, and a move out of an inserted step reads a third, which
leaves the walker's later moves where they were. Nothing depends on who else walks, so any split of
the walkers gives the same walks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.simulation.flow import Flow
from persona_tui.engine.simulation.tables import POSITION_BITS, START, Outcome, WalkTable, tabulate
from persona_tui.engine.types import AnyArray, BoolArray, CodeArray, FloatArray, IntArray

__all__ = ["WALKERS_PER_BLOCK", "Outcome", "Sequences", "Walks", "walk", "walk_sequences"]

WALKERS_PER_BLOCK: Final = 32_768
"""Walkers under way at once: what the processor's cache holds."""

_QUARTERS, _QUARTER_BITS = 4, 16
_PER_WALKER: Final = 0x9E3779B97F4A7C15
_PER_HASH: Final = 0xD1B54A32D192ED03
_PER_QUARTER: Final = 0xABC98388FB8FAC03
_PER_PASS: Final = 0x8CB92BA72F3D8DD7
_WORD: Final = 2**64


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
class Sequences:
    """Every state that the walkers of one persona pass, returns and inserted steps too.

    Parameters
    ----------
    visits : int64 array of shape (N,)
        States that each walker passes.
    states : int32 array of shape (visits.sum(),)
        Positions of the states in the flow, walker after walker, in the order of the walk.
    walks : Walks
        How the same walks end.
    """

    visits: IntArray
    states: CodeArray
    walks: Walks

    @property
    def walkers(self) -> IntArray:
        """Return which walker each state belongs to, counted from the first, shape of ``states``."""
        return np.repeat(np.arange(len(self.visits)), self.visits)


def walk(
    flow: Flow,
    persona: int,
    n_walkers: int,
    max_length: int,
    seed: np.random.SeedSequence,
    *,
    first_walker: int = 0,
) -> Walks:
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
    first_walker : int
        Number of the first walker: walkers of one number walk alike, whoever else is asked for.

    Returns
    -------
    Walks

    Notes
    -----
    About 12 nanoseconds a step on one core for 30 states, long walks too where there are many; a millisecond
    for the table.
    """
    pool = _Pool(tabulate(flow, persona), _Addresses.of(seed, persona), max_length)
    return pool.run(first_walker, n_walkers)


def walk_sequences(
    flow: Flow,
    persona: int,
    n_walkers: int,
    max_length: int,
    seed: np.random.SeedSequence,
    *,
    first_walker: int = 0,
) -> Sequences:
    """Walk a persona's flow and keep every state; the walks are those of ``walk``.

    Parameters
    ----------
    flow, persona, n_walkers, max_length, seed, first_walker
        As ``walk``.

    Returns
    -------
    Sequences

    Notes
    -----
    About 40 nanoseconds a step, and 30 bytes while it is put together: where walkers are many, ask for some
    at a time.
    """
    pool = _RecordingPool(tabulate(flow, persona), _Addresses.of(seed, persona), max_length)
    return pool.sequences(first_walker, n_walkers)


def _scramble(counters: AnyArray, key: int) -> AnyArray:
    """Return 64 bits for each counter that look independent of those for any other.

    Notes
    -----
    The finaliser of SplitMix64 with the constants of Evensen's "moremur", and the key between its
    two rounds; nine operations on a word.

    References
    ----------
    Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators, *OOPSLA*, 453-472.
    """
    mixed: AnyArray = counters >> np.uint64(27)
    mixed ^= counters
    mixed *= np.uint64(0x3C79AC492BA7B653)
    mixed ^= np.uint64(key)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0x1C69B3F74AC4AE35)
    mixed ^= mixed >> np.uint64(27)
    return mixed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addresses:
    """Where the uniforms of one seed and persona begin, and the keys of their three hashes."""

    origin: int
    moves: int
    crossings: int
    inserted: int

    @classmethod
    def of(cls, seed: np.random.SeedSequence, persona: int) -> _Addresses:
        draw = stream(seed, Stream.WALKS, persona).integers(0, _WORD, size=3, dtype=np.uint64)
        inserted = stream(seed, Stream.INSERTED_STEPS, persona).integers(0, _WORD, dtype=np.uint64)
        origin, moves, crossings = (int(word) for word in draw)
        return cls(origin=origin, moves=moves, crossings=crossings, inserted=int(inserted))

    def begin(self, walkers: IntArray) -> AnyArray:
        """Return the counters of walkers before their first move."""
        begun: AnyArray = walkers.astype(np.uint64)
        begun *= np.uint64(_PER_WALKER)
        begun += np.uint64(self.origin)
        return begun


class _Pool:
    """Walkers under way; the place of one that has ended is taken by the next."""

    def __init__(self, table: WalkTable, addresses: _Addresses, max_length: int) -> None:
        self.table, self.addresses, self.max_length = table, addresses, max_length
        self.digits = np.uint64((1 << table.bits) - 1)

    def run(self, first: int, n_walkers: int) -> Walks:
        """Walk until every walker has ended."""
        self.first, self.n_walkers = first, n_walkers
        count = np.min_scalar_type(-self.max_length - 1)
        self.ends = np.empty(n_walkers, dtype=self.table.targets.dtype)
        self.lengths = np.empty(n_walkers, dtype=count)
        self.begun = min(n_walkers, WALKERS_PER_BLOCK)
        self.walkers = np.arange(self.begun)
        self.counters = self.addresses.begin(self.walkers + first)
        self.codes = np.full(self.begun, START, dtype=self.table.targets.dtype)
        self.events = np.zeros(self.begun, dtype=count)
        while len(self.walkers):
            hashes = _scramble(self.counters, self.addresses.moves)
            for quarter in range(_QUARTERS):
                self._move(hashes, quarter)
            self.counters += np.uint64(_PER_HASH)
            self._replace()
        left = (self.ends >= self.table.first_left) & (self.ends < self.table.truncated)
        lengths = self.lengths.astype(np.int32) - left  # leaving is a move but no event
        return Walks(outcomes=self.table.outcomes[self.ends], lengths=lengths)

    def _replace(self) -> None:
        """Note how walks ended and let others begin, or close the ranks where none is left."""
        ended = np.flatnonzero(self.codes >= self.table.first_end)
        walkers = self.walkers[ended]
        self.ends[walkers] = self.codes[ended]
        self.lengths[walkers] = self.events[ended]
        taken = ended[: self.n_walkers - self.begun]
        self.walkers[taken] = np.arange(self.begun, self.begun + len(taken))
        self.counters[taken] = self.addresses.begin(self.walkers[taken] + self.first)
        self.codes[taken], self.events[taken] = START, 0
        self.begun += len(taken)
        if len(taken) < len(ended):
            going = self.codes < self.table.first_end
            self.walkers, self.counters = self.walkers[going], self.counters[going]
            self.codes, self.events = self.codes[going], self.events[going]

    def _move(self, hashes: AnyArray, quarter: int) -> None:
        """Move every walker by one own step; those who have ended stay where they are."""
        table, walking = self.table, self.codes < self.table.first_end
        cells = hashes >> np.uint64(_QUARTER_BITS * quarter + _QUARTER_BITS - table.bits)
        cells &= self.digits
        cells |= self.codes.astype(np.uint64) << np.uint64(table.bits)
        codes = table.cells.take(cells.view(np.int64))
        self.events += walking
        special = np.flatnonzero(codes >= table.first_inserted)
        if len(special):
            self._search(special[codes[special] == table.unresolved], codes, hashes, quarter)
            self._pass_inserted(special[codes[special] >= table.first_inserted], codes, quarter)
        if table.returned >= 0:
            self.events -= codes == table.returned
        self._arrive(walking, codes)
        full = np.flatnonzero(self.events >= self.max_length)
        codes[full[codes[full] < table.first_end]] = table.truncated
        self.codes = codes

    def _search(self, at: IntArray, codes: AnyArray, hashes: AnyArray, quarter: int) -> None:
        """Settle the moves whose cell a boundary crosses."""
        leading = hashes[at] >> np.uint64(_QUARTER_BITS * quarter) & np.uint64(2**_QUARTER_BITS - 1)
        more = _scramble(
            self.counters[at] + np.uint64(quarter * _PER_QUARTER % _WORD), self.addresses.crossings
        )
        more_bits = POSITION_BITS - _QUARTER_BITS
        positions = leading << np.uint64(more_bits) | more >> np.uint64(64 - more_bits)
        codes[at] = self.table.find(self.codes[at], positions)

    def _pass_inserted(self, at: IntArray, codes: AnyArray, quarter: int) -> None:
        """Take the walkers through inserted steps; they keep their own step."""
        offset = quarter * _PER_QUARTER
        while len(at):
            self._visit(at, codes)
            full = self.events[at] >= self.max_length
            codes[at[full]] = self.table.truncated
            at = at[~full]
            offset = (offset + _PER_PASS) % _WORD
            hashes = _scramble(self.counters[at] + np.uint64(offset), self.addresses.inserted)
            codes[at] = self.table.find(codes[at], hashes >> np.uint64(64 - POSITION_BITS))
            self.events[at] += 1
            at = at[codes[at] >= self.table.first_inserted]

    def _arrive(self, walking: BoolArray, codes: AnyArray) -> None:
        """Take note of where those who walked now stand, if anywhere."""

    def _visit(self, at: IntArray, codes: AnyArray) -> None:
        """Take note of who passes which state."""


class _RecordingPool(_Pool):
    """A pool that keeps every arrival."""

    def sequences(self, first: int, n_walkers: int) -> Sequences:
        """Walk until every walker has ended, and put the states of each in order."""
        self.visits = np.zeros(n_walkers, dtype=np.int64)
        self.visitors, self.turns = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        self.visited = [np.empty(0, self.table.targets.dtype)]
        walks = self.run(first, n_walkers)
        place = (np.cumsum(self.visits) - self.visits).take(np.concatenate(self.visitors))
        place += np.concatenate(self.turns)
        codes = np.empty(len(place), dtype=self.table.targets.dtype)
        codes[place] = np.concatenate(self.visited)
        return Sequences(visits=self.visits, states=self.table.states.take(codes), walks=walks)

    def _arrive(self, walking: BoolArray, codes: AnyArray) -> None:
        self._visit(np.flatnonzero(walking & (codes < self.table.first_left)), codes)

    def _visit(self, at: IntArray, codes: AnyArray) -> None:
        visitors = self.walkers.take(at)
        turns = self.visits.take(visitors)
        self.visits[visitors] = turns + 1
        self.visitors.append(visitors)
        self.turns.append(turns)
        self.visited.append(codes.take(at))
