"""Match the personas of a new fit with those of an old one, and tell what moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Final

import numpy as np

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.types import FloatArray, IntArray

DEFAULT_TOLERANCE: Final = 0.25
"""Refits of four logs on users drawn anew stay within 0.05 where personas are clear and within 0.24 nearly
always; two personas of one fit were 0.27 apart or more, 0.25 where there were more than the log has."""
N_SHIFTS: Final = 3
START: Final = "start"
EXIT: Final = "exit"
_STOP = 1e-6
"""Chance that a journey ends at any step, so that one which never leaves has a length all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionShift:
    """One transition of a persona before and after.

    Parameters
    ----------
    source, target : str
        States; ``start`` before the first event, ``exit`` after the last.
    before, after : float
        Chance of the target after the source; nan where the fit does not know one of them.
    contribution : float
        Its part of the squared distance, in bits.
    """

    source: str
    target: str
    before: float
    after: float
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """A persona of the old fit and the one of the new fit that continues it.

    Parameters
    ----------
    old, new : int
        Positions in the two fits.
    distance : float
        From 0 to 1.
    share_before, share_after : float
        Weights.
    shifts : tuple of TransitionShift
        The transitions that contribute most to the distance, largest first.
    """

    old: int
    new: int
    distance: float
    share_before: float
    share_after: float
    shifts: tuple[TransitionShift, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matching:
    """Which personas go on, which are new and which are gone.

    Parameters
    ----------
    continuations : tuple of Continuation
        In order of the new personas.
    appeared, vanished : tuple of int
        New personas that continue none, old ones that none continues.
    distances : array of shape (K_old, K_new)
    tolerance : float
        The distance up to which a persona can be continued.
    """

    continuations: tuple[Continuation, ...]
    appeared: tuple[int, ...]
    vanished: tuple[int, ...]
    distances: FloatArray
    tolerance: float

    @property
    def old_of_new(self) -> tuple[int | None, ...]:
        """Return the old persona that each new one continues, None where it is new."""
        old = {each.new: each.old for each in self.continuations}
        return tuple(old.get(new) for new in range(self.distances.shape[1]))


def match_personas(
    old: MarkovMixture, new: MarkovMixture, *, tolerance: float = DEFAULT_TOLERANCE
) -> Matching:
    """Return which persona of a new fit continues which of an old one.

    Parameters
    ----------
    old, new : MarkovMixture
        Of one unit; vocabularies may differ.
    tolerance : float
        Distance in (0, 1] above which a persona is new rather than continued.

    Returns
    -------
    Matching

    Raises
    ------
    ModelingError
        If the units differ or the tolerance is out of bounds.

    Notes
    -----
    Pairs are those whose distances sum to the least, each persona that stays alone costing
    half the tolerance; see ``persona_distances``.

    References
    ----------
    Crouse (2016), On implementing 2D rectangular assignment algorithms, *IEEE Transactions on
    Aerospace and Electronic Systems* 52, 1679-1696.

    Examples
    --------
    >>> import polars as pl
    >>> from persona_tui.engine.data.sequences import encode_sequences
    >>> from persona_tui.engine.modeling.counts import count_transitions
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> from persona_tui.engine.modeling.mixture import fit_markov_mixture
    >>> log = encode_sequences(pl.DataFrame({
    ...     "user_id": ["u", "u"], "session_id": ["1", "1"], "event_type": ["a", "b"],
    ...     "timestamp": pl.Series([0, 60]).cast(pl.Datetime("us", "UTC"))}))
    >>> mixture = fit_markov_mixture(count_transitions(cut_journeys(log)), 1)
    >>> match_personas(mixture, mixture).old_of_new
    (0,)
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - 0.1 s, only matching needs it

    if not 0 < tolerance <= 1:
        raise ModelingError(f"tolerance == {tolerance:g}, must be in (0, 1].", hint="It is a distance.")
    states = _common_states(old, new)
    flows = _move_shares(old, states), _move_shares(new, states)
    distances = _distances(*flows)
    # a pair beyond the tolerance costs as much as its two personas alone
    rows, columns = linear_sum_assignment(np.minimum(distances, tolerance))
    pairs = [
        (int(row), int(column))
        for row, column in zip(rows, columns, strict=True)
        if distances[row, column] <= tolerance
    ]
    matched_old, matched_new = {row for row, _ in pairs}, {column for _, column in pairs}
    continuations = []
    for row, column in pairs:
        parts = _divergences(flows[0][row], flows[1][column])
        continuations.append(_continuation((old, row), (new, column), states, parts))
    return Matching(
        continuations=tuple(sorted(continuations, key=lambda each: each.new)),
        appeared=tuple(sorted(set(range(new.n_clusters)) - matched_new)),
        vanished=tuple(sorted(set(range(old.n_clusters)) - matched_old)),
        distances=distances,
        tolerance=tolerance,
    )


def carry_names(matching: Matching, old_names: Sequence[str], new_names: Sequence[str]) -> tuple[str, ...]:
    """Return names for the new personas: those that go on keep theirs.

    Parameters
    ----------
    matching : Matching
    old_names : sequence of str, length K_old
    new_names : sequence of str, length K_new
        What each new persona would be called by itself.

    Returns
    -------
    tuple of str, length K_new
        All different if both sequences are: a persona that appeared under a name that an old one has,
        also one that vanished, gets a number behind it; case does not count.

    Examples
    --------
    >>> continued = Continuation(old=0, new=1, distance=0.0, share_before=1, share_after=0.6, shifts=())
    >>> matching = Matching(continuations=(continued,), appeared=(0,), vanished=(), tolerance=0.25,
    ...                     distances=np.array([[0.9, 0.0]]))
    >>> carry_names(matching, ["Buyers"], ["Buyers", "Visitors"])
    ('Buyers 2', 'Buyers')
    """
    names = {each.new: old_names[each.old] for each in matching.continuations}
    for new in matching.appeared:
        later = (new_names[other] for other in matching.appeared if other > new)
        taken = {name.casefold() for name in (*old_names, *names.values(), *later)}
        wanted = new_names[new]
        numbered = (f"{wanted} {number}" for number in count(2))
        names[new] = next(name for name in chain([wanted], numbered) if name.casefold() not in taken)
    return tuple(names[new] for new in range(len(new_names)))


def without_users(mixture: MarkovMixture) -> MarkovMixture:
    """Return a mixture that tells of its users only how many they were, and the personas' shares."""
    return replace(
        mixture,
        multiplicity=np.array([mixture.n_users]),
        responsibilities=mixture.weights[None],
        fitted_responsibilities=mixture.weights[None],
    )


def carry_chains(matching: Matching, old: MarkovMixture, new: MarkovMixture) -> MarkovMixture:
    """Return every persona that either fit knows, so that one that vanished is known when it comes back.

    Parameters
    ----------
    matching : Matching
        Of the two.
    old, new : MarkovMixture
        Of one unit; vocabularies may differ.

    Returns
    -------
    MarkovMixture
        Over the event types of both, without users. The old personas stand first, in their order: those
        that go on with the chain and weight of the new fit, those that vanished with their last chain
        and no weight. Those that appeared follow.
    """
    states = _common_states(old, new)
    vocabulary = states[:-1] if new.unit == "user" else states
    kept, found = (_embedded(each.chains, _places(each, states), 0.0) for each in (old, new))
    place = {each.new: each.old for each in matching.continuations}
    place |= {persona: old.n_clusters + rank for rank, persona in enumerate(matching.appeared)}
    of_new = np.array([place[persona] for persona in range(new.n_clusters)])
    chains = np.concatenate([kept, found[list(matching.appeared)]])
    chains[of_new] = found
    weights = np.zeros(len(chains))
    weights[of_new] = new.weights
    return replace(
        without_users(new),
        vocabulary=vocabulary,
        weights=weights,
        chains=chains,
        responsibilities=weights[None],
        fitted_responsibilities=weights[None],
        pooled=_embedded(new.pooled[None], _places(new, states), 0.0)[0],
    )


def persona_distances(first: MarkovMixture, second: MarkovMixture) -> FloatArray:
    """Return how far the personas of one fit are from those of another, shape (K_1, K_2).

    Parameters
    ----------
    first, second : MarkovMixture
        Of one unit; vocabularies may differ.

    Returns
    -------
    array of shape (K_1, K_2)
        From 0, the same behaviour, to 1, no move in common.

    Raises
    ------
    ModelingError
        If the units differ.

    Notes
    -----
    The Jensen-Shannon distance, in base 2, between the moves of two personas: what share of all
    moves that a persona makes, starts and exits among them, goes from i to j. Rows of the chain thus
    weigh as often as the persona leaves the state, ``v = s (I - Q)^-1`` a journey; event types that
    one fit does not know have share zero in it. It is a metric: zero to itself, symmetric, and no
    detour is shorter. O(K n^3 + K_1 K_2 n^2).

    References
    ----------
    Endres & Schindelin (2003), A new metric for probability distributions, *IEEE Transactions on
    Information Theory* 49, 1858-1860.
    """
    states = _common_states(first, second)
    return _distances(_move_shares(first, states), _move_shares(second, states))


def _distances(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.array([[_root(_divergences(one, other)) for other in second] for one in first])


def _common_states(first: MarkovMixture, second: MarkovMixture) -> tuple[str, ...]:
    """Return the states of either fit."""
    if first.unit != second.unit:
        raise ModelingError(
            f"Personas by {first.unit} and personas by {second.unit} cannot be compared.",
            hint="Fit both with the same --unit.",
        )
    names = tuple(sorted({*first.vocabulary, *second.vocabulary}))
    return (*names, RETURN) if first.unit == "user" else names


def _places(mixture: MarkovMixture, states: tuple[str, ...]) -> IntArray:
    """Return where the states of a fit, and the exit, stand among the common ones."""
    position = {name: place for place, name in enumerate(states)}
    own = (*mixture.vocabulary, RETURN) if mixture.unit == "user" else mixture.vocabulary
    return np.array([*(position[name] for name in own), len(states)])


def _move_shares(mixture: MarkovMixture, states: tuple[str, ...]) -> FloatArray:
    """Return what share of each persona's moves each move is, shape (K, n + 1, n + 1), starts in row 0."""
    chains = mixture.chains
    inner = (1.0 - _STOP) * chains[:, 1:, :-1]
    system = np.eye(inner.shape[1]) - inner.transpose(0, 2, 1)
    visits = np.linalg.solve(system, chains[:, 0, :-1, None])[..., 0]
    moves = chains * np.concatenate([np.ones((len(chains), 1)), visits], axis=1)[..., None]
    moves /= moves.sum(axis=(1, 2), keepdims=True)
    return _embedded(moves, _places(mixture, states), 0.0)


def _embedded(tables: FloatArray, places: IntArray, fill: float) -> FloatArray:
    """Return tables of shape (K, n + 1, n + 1) over the common states."""
    size, sources = int(places[-1]) + 1, np.append(0, places[:-1] + 1)
    embedded = np.full((len(tables), size, size), fill)
    embedded[:, sources[:, None], places] = tables
    return embedded


def _divergences(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return each move's part of the Jensen-Shannon divergence, in bits; none is negative."""
    middle = (one + other) / 2
    parts = np.zeros_like(middle)
    for each in (one, other):
        seen = each > 0
        parts[seen] += each[seen] * np.log2(each[seen] / middle[seen]) / 2
    return np.maximum(parts, 0.0)  # rounding alone takes a part below zero


def _root(parts: FloatArray) -> float:
    return float(min(np.sqrt(parts.sum()), 1.0))


def _continuation(
    old: tuple[MarkovMixture, int],
    new: tuple[MarkovMixture, int],
    states: tuple[str, ...],
    parts: FloatArray,
) -> Continuation:
    """Return what moved from a persona of one fit to one of the other, given each move's part of it."""
    chances = [
        _embedded(mixture.chains[[persona]], _places(mixture, states), np.nan)[0]
        for mixture, persona in (old, new)
    ]
    largest = np.argsort(-parts, axis=None, kind="stable")[:N_SHIFTS]
    sources, targets = (START, *states), (*states, EXIT)
    shifts = [
        TransitionShift(
            source=sources[row],
            target=targets[column],
            before=float(chances[0][row, column]),
            after=float(chances[1][row, column]),
            contribution=float(parts[row, column]),
        )
        for row, column in zip(*np.unravel_index(largest, parts.shape), strict=True)
        if parts[row, column] > 0
    ]
    return Continuation(
        old=old[1],
        new=new[1],
        distance=_root(parts),
        share_before=float(old[0].weights[old[1]]),
        share_after=float(new[0].weights[new[1]]),
        shifts=tuple(shifts),
    )
