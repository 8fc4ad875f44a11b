"""Whether synthetic journeys give away what single users of the real log did.

A long sequence of events that few users share can tell who somebody is. Sequences are compared by a
64-bit hash first, and event by event where the hashes agree, so that a collision changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Final

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.types import AnyArray, BoolArray, CodeArray, IntArray

_HASHES: Final = 0x9E3779B97F4A7C15
"""Where the random words begin that stand for events in the hashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyRule:
    """No user's sequence of more than ``length`` events is reproduced unless ``k`` others share it.

    Parameters
    ----------
    length : int
        Events; sequences up to it may be reproduced freely. At least 1.
    k : int
        Users besides the one; at least 1.

    Raises
    ------
    SimulationError
        If a number is out of bounds; every fault is named.
    """

    length: int = 5
    k: int = 5

    def __post_init__(self) -> None:
        bounds = {"length": self.length, "k": self.k}
        faults = [f"{name} == {value}, must be >= 1." for name, value in bounds.items() if value < 1]
        if faults:
            raise SimulationError(" ".join(faults))


DEFAULT_RULE: Final = PrivacyRule()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RareSequences:
    """The sequences of a log that a rule protects.

    Parameters
    ----------
    rule : PrivacyRule
    codes : int32 array
        Events of all protected sequences, one after the other.
    begins, lengths : int64 arrays of shape (M,)
        Where each sequence lies in ``codes``.
    hashes : uint64 array of shape (M,)
        Ascending.
    words : uint64 array of shape (V,)
        What stands for each event type in a hash.
    n_users : int64 array of shape (M,)
        Users of the log who have each sequence; at most ``k``.
    n_protected : int
        Users of the log who have one of them.
    """

    rule: PrivacyRule
    codes: CodeArray
    begins: IntArray
    lengths: IntArray
    hashes: AnyArray
    words: AnyArray
    n_users: IntArray
    n_protected: int

    def __post_init__(self) -> None:
        for array in (self.codes, self.begins, self.lengths, self.hashes, self.words, self.n_users):
            array.setflags(write=False)

    def match(self, codes: AnyArray, lengths: IntArray) -> IntArray:
        """Return which protected sequence each of some sequences is.

        Parameters
        ----------
        codes : int array of shape (lengths.sum(),)
            Event types, one sequence after the other.
        lengths : int64 array of shape (N,)

        Returns
        -------
        array of shape (N,)
            A position among the protected sequences, -1 where it is none of them.

        Notes
        -----
        O(events); only sequences that are long enough are hashed, and M is searched by halving.
        """
        found = np.full(len(lengths), -1, dtype=np.int64)
        if not len(self.hashes):
            return found
        at = np.flatnonzero((lengths > self.rule.length) & (lengths <= self.lengths.max()))
        if not len(at):
            return found
        begins = (np.cumsum(lengths) - lengths)[at]
        hashes = _hash(codes[run_positions(begins, lengths[at])], lengths[at], self.words)
        place = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        alike = (self.hashes[place] == hashes) & (self.lengths[place] == lengths[at])
        at, begins, place = at[alike], begins[alike], place[alike]
        same = _same_runs(codes, begins, self.codes, self.begins[place], lengths[at])
        found[at[same]] = place[same]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """How far synthetic journeys reproduce protected sequences of a log.

    Parameters
    ----------
    rule : PrivacyRule
    n_rare, n_rare_users : int
        Protected sequences of the log, and users who have one.
    n_reproduced : int
        Protected sequences that some synthetic journey reproduces.
    n_synthetic : int
        Synthetic journeys that do so.
    n_journeys : int
        All synthetic journeys.
    """

    rule: PrivacyRule
    n_rare: int
    n_rare_users: int
    n_reproduced: int
    n_synthetic: int
    n_journeys: int

    @property
    def share(self) -> float:
        """Return the share of synthetic journeys that reproduce a protected sequence."""
        return self.n_synthetic / self.n_journeys


def find_rare_sequences(journeys: Journeys, rule: PrivacyRule) -> RareSequences:
    """Return the sequences of a log that a rule protects.

    Parameters
    ----------
    journeys : Journeys
        What each unit did, up to its first completion; returns are no events.
    rule : PrivacyRule

    Notes
    -----
    A user counts once for a sequence, however many of the user's journeys show it.
    O(events + J log J) for J long journeys.

    Examples
    --------
    >>> from persona_tui.engine.data.sequences import Sequences
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u", "v", "w"),
    ...     codes=np.array([0, 1, 0, 0, 1, 0, 0, 1, 1], np.int32), users=np.repeat(np.arange(3), 3),
    ...     sessions=np.repeat(np.arange(3), 3), times=np.arange(9) * 10**6)
    >>> rare = find_rare_sequences(cut_journeys(log), PrivacyRule(length=2, k=1))
    >>> rare.codes, rare.n_users
    (array([0, 1, 1], dtype=int32), array([1]))
    """
    codes, lengths = _event_runs(journeys)
    long = lengths > rule.length
    begins, users = (np.cumsum(lengths) - lengths)[long], journeys.users[long].astype(np.int64)
    lengths = lengths[long]
    codes = codes[run_positions(begins, lengths)]
    begins = np.cumsum(lengths) - lengths
    words, hashes, first, group = _group_runs(codes, begins, lengths, len(journeys.vocabulary))
    pairs = np.unique(np.stack([group, users], axis=1), axis=0)
    n_users = np.bincount(pairs[:, 0], minlength=len(first))
    rare = n_users <= rule.k
    kept = first[rare]
    return RareSequences(
        rule=rule,
        codes=codes[run_positions(begins[kept], lengths[kept])],
        begins=np.cumsum(lengths[kept]) - lengths[kept],
        lengths=lengths[kept],
        hashes=hashes[kept],
        words=words,
        n_users=n_users[rare],
        n_protected=len(np.unique(pairs[rare[pairs[:, 0]], 1])),
    )


def measure_reproduction(
    real: Journeys, synthetic: Journeys, rule: PrivacyRule = DEFAULT_RULE
) -> Reproduction:
    """Return how far one log's journeys reproduce protected sequences of another.

    Parameters
    ----------
    real, synthetic : Journeys
        Of the same unit; events that the real log does not have, such as inserted steps, are passed over.
    rule : PrivacyRule
    """
    rare = find_rare_sequences(real, rule)
    known = {name: code for code, name in enumerate(real.vocabulary)}
    codes, lengths = _event_runs(synthetic)
    recoded = np.array([known.get(name, -1) for name in synthetic.vocabulary])[codes]
    owners = np.repeat(np.arange(len(lengths)), lengths)[recoded >= 0]
    matches = rare.match(recoded[recoded >= 0], np.bincount(owners, minlength=len(lengths)))
    return Reproduction(
        rule=rare.rule,
        n_rare=len(rare.lengths),
        n_rare_users=rare.n_protected,
        n_reproduced=len(np.unique(matches[matches >= 0])),
        n_synthetic=int((matches >= 0).sum()),
        n_journeys=len(lengths),
    )


def run_positions(begins: IntArray, lengths: IntArray) -> IntArray:
    """Return the positions of the elements of some runs, one run after the other.

    Examples
    --------
    >>> run_positions(np.array([7, 2]), np.array([2, 3]))
    array([7, 8, 2, 3, 4])
    """
    shift = begins - (np.cumsum(lengths) - lengths)
    positions: IntArray = np.arange(int(lengths.sum())) + np.repeat(shift, lengths)
    return positions


def _event_runs(journeys: Journeys) -> tuple[CodeArray, IntArray]:
    """Return the events of all journeys without returns, and how many each has."""
    is_event = journeys.steps < len(journeys.vocabulary)
    lengths = np.add.reduceat(is_event.astype(np.int64), journeys.offsets[:-1])
    return journeys.steps[is_event], lengths


def _group_runs(
    codes: CodeArray, begins: IntArray, lengths: IntArray, n_types: int
) -> tuple[AnyArray, AnyArray, IntArray, IntArray]:
    """Return the words, the hashes, the first run of each group of equal runs, and each run's group.

    Should two different runs get one hash, all are hashed anew with other words.
    """
    for attempt in count():
        generator = np.random.Generator(np.random.PCG64([_HASHES, attempt]))
        words = generator.integers(0, 2**64, size=n_types, dtype=np.uint64)
        hashes = _hash(codes, lengths, words)
        _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
        leader = first[group]
        alike = lengths == lengths[leader]
        if alike.all() and _same_runs(codes, begins, codes, begins[leader], lengths).all():
            break
    return words, hashes, first, group


def _hash(codes: AnyArray, lengths: IntArray, words: AnyArray) -> AnyArray:
    """Return ``sum word[code_t] b ** t mod 2 ** 64`` of every run; none is empty."""
    if not len(lengths):
        return np.zeros(0, dtype=np.uint64)
    base = np.uint64(_HASHES)
    powers = np.multiply.accumulate(np.full(int(lengths.max()), base, dtype=np.uint64))
    turns = run_positions(np.zeros(len(lengths), dtype=np.int64), lengths)
    hashes: AnyArray = np.add.reduceat(words[codes] * powers[turns], np.cumsum(lengths) - lengths)
    return hashes


def _same_runs(
    first: AnyArray, first_begins: IntArray, second: AnyArray, second_begins: IntArray, lengths: IntArray
) -> BoolArray:
    """Return which pairs of runs of equal lengths hold the same elements; none is empty."""
    if not len(lengths):
        return np.zeros(0, dtype=bool)
    equal = first[run_positions(first_begins, lengths)] == second[run_positions(second_begins, lengths)]
    same: BoolArray = np.logical_and.reduceat(equal, np.cumsum(lengths) - lengths)
    return same
