"""The inverse distribution of a persona's moves, cut into cells that need no search.

The unit interval of a state is split among the moves onward, each piece as wide as its share of
them, and within each piece leaving comes first. A change that only alters how many leave thus
moves nobody who stays. An inserted step takes the place of the state that it leads to.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from persona_tui.engine.simulation.flow import EXIT, FRICTION, N_ENDS, Flow, StateKind
from persona_tui.engine.types import AnyArray, BoolArray, CodeArray, FloatArray, IntArray

POSITION_BITS: Final = 48
"""Binary digits of a position in the unit interval of one state."""
START: Final = 0
"""The code from which every walk makes its first move."""

_MOST_BITS, _MOST_CELLS = 12, 2**20


class Outcome(IntEnum):
    """How a walk ended."""

    CONVERTED = 0
    DROPPED = 1
    EXITED = 2
    TRUNCATED = 3


class _Left(IntEnum):
    """Ends that are no state, numbered after the absorbing ones."""

    DROPPED = 0
    EXITED = 1
    TRUNCATED = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WalkTable:
    """Where each position leads.

    States are numbered anew by codes, so that one comparison tells who still walks: ``START``, states
    that are walked on from, absorbing states (``first_end`` on), ways of leaving (``first_left`` on),
    ``truncated``, inserted steps (``first_inserted`` on).

    Parameters
    ----------
    cells : array of shape (first_inserted << bits,)
        The code that the leading ``bits`` digits of a position lead to, ``unresolved`` where more
        digits decide; ends lead to themselves.
    bits : int
    thresholds : uint64 array of shape (T,)
        Upper bounds of the moves, ``code << POSITION_BITS`` added, ascending.
    targets : array of shape (T,)
        The code that each move leads to.
    first_end, first_left, truncated, first_inserted, unresolved, returned : int
        Codes; ``returned`` is -1 where the flow has no returns.
    states : int32 array of shape (C,)
        The state of each code, -1 where it stands for none.
    outcomes : int8 array of shape (C,)
        The ``Outcome`` of each code, -1 where the walk goes on.
    """

    cells: AnyArray
    bits: int
    thresholds: AnyArray
    targets: AnyArray
    first_end: int
    first_left: int
    truncated: int
    first_inserted: int
    unresolved: int
    returned: int
    states: CodeArray
    outcomes: AnyArray

    def find(self, codes: AnyArray, positions: AnyArray) -> AnyArray:
        """Return the codes that exact positions lead to.

        Parameters
        ----------
        codes : array of shape (m,)
            Where the walkers stand.
        positions : uint64 array of shape (m,)
            Below ``2 ** POSITION_BITS``.
        """
        keys = codes.astype(np.uint64) << np.uint64(POSITION_BITS) | positions
        found: AnyArray = self.targets[np.searchsorted(self.thresholds, keys, side="right")]
        return found


def tabulate(flow: Flow, persona: int) -> WalkTable:
    """Return the table of one persona's moves.

    Parameters
    ----------
    flow : Flow
        Without leading axes.
    persona : int

    Notes
    -----
    A move's chance is rounded to a multiple of ``2 ** -48``. At most 2 ** 20 cells, 2 ** 12 a state:
    for 30 states one position in eighty needs a search. A millisecond.
    """
    inserted = (flow.kinds == StateKind.ADDED) & ~flow.absorbing
    parts = [np.flatnonzero(~flow.absorbing & ~inserted), np.flatnonzero(flow.absorbing)]
    states = np.concatenate([[-1], *parts, [-1] * len(_Left), np.flatnonzero(inserted)])
    first_end = 1 + len(parts[0])
    left = first_end + len(parts[1])
    first_inserted = left + len(_Left)
    dtype = np.min_scalar_type(len(states) + 1)
    codes = np.zeros(flow.n_states, dtype=np.int64)
    codes[states[states >= 0]] = np.flatnonzero(states >= 0)
    sources, widths, targets = _intervals(flow, persona, codes, left)
    thresholds = _thresholds(sources, widths)
    bits = min(_MOST_BITS, (_MOST_CELLS // first_inserted).bit_length() - 1)
    unresolved = int(np.iinfo(dtype).max)
    targets = targets.astype(dtype)
    among = sources < first_end
    cells = _cells(thresholds[among], targets[among], POSITION_BITS - bits, unresolved)
    ends = np.arange(first_end, first_inserted, dtype=dtype)
    returned = codes[flow.kinds == StateKind.RETURN]
    return WalkTable(
        cells=np.concatenate([cells, np.repeat(ends, 1 << bits)]),
        bits=bits,
        thresholds=thresholds,
        targets=targets,
        first_end=first_end,
        first_left=left,
        truncated=left + _Left.TRUNCATED,
        first_inserted=first_inserted,
        unresolved=unresolved,
        returned=int(returned[0]) if len(returned) else -1,
        states=states.astype(np.int32),
        outcomes=_outcomes(flow, states, left),
    )


def _outcomes(flow: Flow, states: IntArray, left: int) -> AnyArray:
    ending = (states >= 0) & flow.absorbing[states]
    converted = flow.kinds[states] == StateKind.COMPLETION
    outcomes = np.where(ending, np.where(converted, Outcome.CONVERTED, Outcome.DROPPED), -1).astype(np.int8)
    outcomes[left : left + len(_Left)] = [Outcome.DROPPED, Outcome.EXITED, Outcome.TRUNCATED]
    return outcomes


def _intervals(flow: Flow, persona: int, codes: IntArray, left: int) -> tuple[IntArray, FloatArray, IntArray]:
    """Return the code that each move leaves, its chance and the code that it leads to; by code, in order."""
    moves = flow.transitions[persona]
    order = _places(flow, moves)
    by_code = np.argsort(codes, kind="stable")
    sources = by_code[~flow.absorbing[by_code]]
    onward = order[flow.kinds[order] != StateKind.DROP]
    leaving = np.flatnonzero(flow.leaving_columns & (moves[sources].sum(axis=0) > 0))
    shares = moves[np.ix_(sources, onward)]
    total = shares.sum(axis=1, keepdims=True)
    shares = np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)
    shares[total[:, 0] == 0, 0] = 1.0
    row, column = np.nonzero(shares)
    staying = moves[sources[row], onward[column]]
    pieces = [shares[row, column][:, None] * moves[np.ix_(sources, leaving)][row], staying[:, None]]
    ends = _leaving_codes(flow, sources, leaving, codes, left)
    widths = np.concatenate(pieces, axis=1).ravel()
    targets = np.concatenate([ends[row], codes[onward[column]][:, None]], axis=1).ravel()
    first = order[flow.starts[persona][order] > 0]
    return (
        np.concatenate([np.full(len(first), START), np.repeat(codes[sources[row]], ends.shape[1] + 1)]),
        np.concatenate([flow.starts[persona][first], widths]),
        np.concatenate([codes[first], targets]),
    )


def _places(flow: Flow, moves: FloatArray) -> IntArray:
    """Return the states in order, every inserted step beside the state that it leads to."""
    inserted: BoolArray = flow.kinds == StateKind.ADDED
    likely = np.argmax(moves[:, :-N_ENDS], axis=1)
    place = np.arange(flow.n_states)
    for _ in range(int(inserted.sum())):
        place = np.where(inserted[place], likely[place], place)
    order: IntArray = np.lexsort((inserted, place))
    return order


def _leaving_codes(flow: Flow, sources: IntArray, leaving: IntArray, codes: IntArray, left: int) -> IntArray:
    """Return the code of leaving from each source by each column, shape (sources, leaving)."""
    from_drop = (flow.kinds[sources] == StateKind.DROP)[:, None]
    columns = leaving - (flow.n_states + N_ENDS)
    dropped = from_drop | ((columns == FRICTION) & flow.friction_is_drop)
    ends = np.where(dropped, left + _Left.DROPPED, left + _Left.EXITED)
    arriving = codes[np.minimum(leaving, flow.n_states - 1)]
    chosen: IntArray = np.where(columns >= EXIT, ends, arriving)
    return chosen


def _thresholds(sources: IntArray, widths: FloatArray) -> AnyArray:
    reached = np.cumsum(widths)
    last = np.flatnonzero(np.diff(sources, append=-1))
    base = np.concatenate([[0.0], reached[last[:-1]]])
    row = np.cumsum(np.diff(sources, prepend=sources[0]) != 0)
    positions = (reached - base[row]) / (reached[last] - base)[row]
    offset = sources.astype(np.uint64) << np.uint64(POSITION_BITS)
    thresholds: AnyArray = offset + np.rint(positions * 2.0**POSITION_BITS).astype(np.uint64)
    return thresholds


def _cells(thresholds: AnyArray, targets: AnyArray, digits: int, unresolved: int) -> AnyArray:
    """Return where each cell leads whose positions share all but the last ``digits`` digits."""
    lower = (thresholds >> np.uint64(digits)).astype(np.int64)
    crossed = thresholds & np.uint64((1 << digits) - 1) > 0
    cells: AnyArray = np.repeat(targets, np.diff(lower + crossed, prepend=0))
    cells[lower[crossed]] = unresolved
    return cells
