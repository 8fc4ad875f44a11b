"""What the users of each window of a period did, counted for the comparison of two periods."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse

from persona_tui.engine.data.funnel import reached_in_order
from persona_tui.engine.data.sequences import Sequences, take_events
from persona_tui.engine.modeling.assignment import assign_users
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

LENGTHS: Final = ("1", "2", "3", "4 to 5", "6 to 9", "10 to 19", "20 and more")
"""Events of a session."""
_ENDS: Final = (1, 2, 3, 5, 9, 19)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted:
    """What users did in the windows of a period: a row for each user in each window, R of them.

    Parameters
    ----------
    users, windows : int64 arrays of shape (R,)
    knows : bool array of shape (R,)
        Whether the personas know an event of the row.
    memberships : array of shape (R, K)
    completes : array of shape (R,)
    reached : array of shape (R, S)
        Steps of the funnel, each after all before it.
    events : sparse array of shape (R, V)
    lengths : sparse array of shape (R, 7)
        Sessions by their number of events, as ``LENGTHS`` names them.
    moves : sparse array of shape (R, n (n + 2))
        Moves of journeys, numbered as ``TransitionCounts`` does.
    """

    users: IntArray
    windows: IntArray
    knows: BoolArray
    memberships: FloatArray
    completes: FloatArray
    reached: FloatArray
    events: sparse.csr_array
    lengths: sparse.csr_array
    moves: sparse.csr_array


def count_windows(
    sequences: Sequences,
    starts: IntArray,
    length: int,
    *,
    mixture: MarkovMixture,
    completion: Collection[str],
    steps: Sequence[str],
) -> Counted:
    """Return what users did in windows, each read as a log of its own.

    Parameters
    ----------
    sequences : Sequences
    starts : int64 array of shape (W,)
        Where windows begin, ascending, microseconds since 1970; they do not overlap.
    length : int
        Of a window, microseconds.
    mixture : MarkovMixture
        The personas.
    completion : collection of str
    steps : sequence of str
        Of the funnel; in the vocabulary of the log.

    Raises
    ------
    ModelingError
        If the personas know none of the events.

    Notes
    -----
    Every window is cut out before journeys are, so that journeys that it cuts are open in the same way in
    both periods, and users of both were seen for the same time. O(N log N).
    """
    places = np.searchsorted(starts, sequences.times, side="right") - 1
    inside = (places >= 0) & (sequences.times < starts[np.maximum(places, 0)] + length)
    rows = np.flatnonzero(inside)
    rows = rows[np.argsort(places[rows], kind="stable")]
    _require_known(mixture, sequences)
    completing = sequences.positions(frozenset(sequences.vocabulary).intersection(completion))
    blocks = [
        _count(sequences, some, window, mixture=mixture, completing=completing, steps=steps)
        for window, some in _split(rows, places[rows])
    ]
    return Counted(
        users=np.concatenate([each.users for each in blocks]),
        windows=np.concatenate([each.windows for each in blocks]),
        knows=np.concatenate([each.knows for each in blocks]),
        memberships=np.concatenate([each.memberships for each in blocks]),
        completes=np.concatenate([each.completes for each in blocks]),
        reached=np.concatenate([each.reached for each in blocks]),
        events=sparse.vstack([each.events for each in blocks], format="csr"),
        lengths=sparse.vstack([each.lengths for each in blocks], format="csr"),
        moves=sparse.vstack([each.moves for each in blocks], format="csr"),
    )


def _split(rows: IntArray, places: IntArray) -> Iterator[tuple[int, IntArray]]:
    windows, firsts = np.unique(places, return_index=True)
    for window, some in zip(windows, np.split(rows, firsts[1:]), strict=True):
        yield int(window), some


def _require_known(mixture: MarkovMixture, sequences: Sequences) -> None:
    """Let the assignment say what is wrong where the personas know no event of the log."""
    present = np.bincount(sequences.codes, minlength=len(sequences.vocabulary)) > 0
    names = {name for name, is_one in zip(sequences.vocabulary, present, strict=True) if is_one}
    if not names.intersection(mixture.vocabulary):
        assign_users(mixture, sequences)


def _count(
    sequences: Sequences,
    rows: IntArray,
    window: int,
    *,
    mixture: MarkovMixture,
    completing: BoolArray,
    steps: Sequence[str],
) -> Counted:
    part, present = take_events(sequences, rows)
    n, size = part.n_users, len(part.vocabulary)
    events = sparse.coo_array((np.ones(len(part.codes)), (part.users, part.codes)), shape=(n, size)).tocsr()
    _, firsts, per_session = np.unique(part.sessions, return_index=True, return_counts=True)
    kinds = np.searchsorted(_ENDS, per_session)
    lengths = sparse.coo_array(
        (np.ones(len(kinds)), (part.users[firsts], kinds)), shape=(n, len(LENGTHS))
    ).tocsr()
    knows, memberships, moves = _assign(part, mixture)
    return Counted(
        users=present.astype(np.int64),
        windows=np.full(n, window, np.int64),
        knows=knows,
        memberships=memberships,
        completes=(events @ completing.astype(float) > 0).astype(float),
        reached=(reached_in_order(part, steps) >= 0).astype(float),
        events=events,
        lengths=lengths,
        moves=moves,
    )


def _assign(part: Sequences, mixture: MarkovMixture) -> tuple[BoolArray, FloatArray, sparse.csr_array]:
    """Return who has a known event, the memberships of all users of a window, and their moves."""
    n_states = len(mixture.vocabulary) + (mixture.unit == "user")
    width = n_states * (n_states + 2)
    known, has_known = _known_events(part, mixture.vocabulary)
    memberships = np.tile(mixture.weights, (part.n_users, 1))
    knows = np.zeros(part.n_users, bool)
    knows[has_known] = True
    if known is None:
        return knows, memberships, sparse.csr_array((part.n_users, width))
    memberships[has_known] = assign_users(mixture, known).memberships
    counts = count_transitions(
        cut_journeys(
            known,
            unit=mixture.unit,
            completion=mixture.completion,
            drop=mixture.drop,
        )
    )
    table = counts.matrix[counts.row_of_user].tocoo()
    places = (has_known[table.coords[0]], counts.moves[table.coords[1]])
    return knows, memberships, sparse.coo_array((table.data, places), shape=(part.n_users, width)).tocsr()


def _known_events(part: Sequences, vocabulary: tuple[str, ...]) -> tuple[Sequences | None, IntArray]:
    """Return the events that personas know, in their vocabulary, and whose they are."""
    position = {name: code for code, name in enumerate(vocabulary)}
    codes = np.array([position.get(name, -1) for name in part.vocabulary], np.int32)[part.codes]
    kept = np.flatnonzero(codes >= 0)
    if not len(kept):
        return None, np.zeros(0, np.int64)
    taken, users = take_events(part, kept)
    known = Sequences(
        vocabulary=vocabulary,
        user_ids=taken.user_ids,
        codes=codes[kept],
        users=taken.users,
        sessions=taken.sessions,
        times=taken.times,
    )
    return known, users.astype(np.int64)
