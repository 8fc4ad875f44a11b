"""Assign the users of a log to personas that were fitted before, on another log or on this one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions
from persona_tui.engine.modeling.journeys import Ending, Journeys, cut_journeys, kept_events
from persona_tui.engine.modeling.steps import LOG_FLOOR, normalise_memberships
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from persona_tui.engine.modeling.markov_mixture import MarkovMixture

_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assignment:
    """Who of a log belongs to which persona, and how well the personas foretell the log.

    Parameters
    ----------
    user_ids : tuple of str, length U
    memberships : array of shape (U, K)
        Chance that each user belongs to each persona; rows sum to one.
    n_events : int
        Events that the bits are a mean over.
    bits_per_event : float
        Lower is better; nan where no event is left to foretell.
    bits_error : float
        Its standard error were the users drawn anew; infinite where there is one.
    baseline_bits_per_event : float
        The same of one chain for all users, the pooled one of the fit.
    n_unknown_events : int
        Events that were left out since their type did not occur in the fit.
    unknown_event_types : tuple of str
        Their types, sorted.
    has_events : array of bool, shape (U,)
        Of which users an event was left; the memberships of the others are the personas' weights.
    n_impossible_moves : float
        Moves that no persona gives any chance, such as a journey that begins with its completion
        where none did in the fit. They tell nothing of membership and are left out of the bits.
    """

    user_ids: tuple[str, ...]
    memberships: FloatArray
    n_events: int
    bits_per_event: float
    bits_error: float
    baseline_bits_per_event: float
    n_unknown_events: int
    unknown_event_types: tuple[str, ...]
    has_events: BoolArray
    n_impossible_moves: float

    @property
    def n_users_without_events(self) -> int:
        """Return the number of users of whom no event was left."""
        return int((~self.has_events).sum())

    @property
    def labels(self) -> IntArray:
        """Return the likeliest persona of each user, shape (U,)."""
        labels: IntArray = self.memberships.argmax(axis=1)
        return labels


def assign_users(
    mixture: MarkovMixture, sequences: Sequences, *, first: int | None = None, censor: bool = True
) -> Assignment:
    """Return the chance that each user of a log belongs to each persona.

    Parameters
    ----------
    mixture : MarkovMixture
    sequences : Sequences
        Any log; its vocabulary may differ from the one of the fit.
    first : int, optional
        Look only at the first so many events of each user, at least one.
    censor : bool
        Whether journeys near the end of the log count as open, as in ``cut_journeys``.

    Returns
    -------
    Assignment

    Raises
    ------
    ModelingError
        If no event type of the log is known to the personas, or ``first`` is below one.

    Notes
    -----
    ``log p = C @ log P.T + log w``, normalised over personas; O(K x distinct moves of distinct users).
    Events of a type that the fit never saw are taken out as though they had never been recorded: the
    journey goes from the event before to the event after. Exits of open journeys are weighed as
    ``cut_journeys`` does on this log.

    References
    ----------
    Cadez, Heckerman, Meek, Smyth & White (2003), Model-based clustering and visualization
    of navigation patterns on a web site, *Data Mining and Knowledge Discovery* 7, 399-424.

    Examples
    --------
    >>> import polars as pl
    >>> from persona_tui.engine.data.sequences import encode_sequences
    >>> from persona_tui.engine.modeling.counts import count_transitions
    >>> from persona_tui.engine.modeling.mixture import fit_markov_mixture
    >>> log = encode_sequences(pl.DataFrame({
    ...     "user_id": ["u", "u", "v", "v"], "session_id": ["1", "1", "2", "2"],
    ...     "timestamp": pl.Series([0, 60, 0, 60]).cast(pl.Datetime("us", "UTC")),
    ...     "event_type": ["a", "a", "b", "b"]}))
    >>> mixture = fit_markov_mixture(count_transitions(cut_journeys(log)), 2, random_state=0)
    >>> assign_users(mixture, log, first=2).memberships.sum(axis=1)
    array([1., 1.])
    """
    known, has_known = _take_out_unknown(mixture, sequences)
    journeys = cut_journeys(
        known, unit=mixture.unit, completion=mixture.completion, drop=mixture.drop, censor=censor
    )
    if first is not None:
        journeys = keep_first_events(known, journeys, first)
    counts = count_transitions(journeys)
    possible: BoolArray = mixture.chains[:, counts.sources, counts.targets].max(axis=0) > 0
    of_rows, per_row = _memberships(counts, mixture.chains, mixture.weights, possible)
    _, pooled_per_row = _memberships(counts, mixture.pooled[None], np.ones(1), possible)
    memberships = np.tile(mixture.weights, (sequences.n_users, 1))
    memberships[has_known] = of_rows[counts.row_of_user]
    n_each = counts.matrix.T @ counts.multiplicity
    foretold = possible & (counts.targets < len(mixture.vocabulary))
    n_events = round(float(n_each[foretold].sum()))
    bits = _bits(float(per_row @ counts.multiplicity), n_events)
    return Assignment(
        user_ids=sequences.user_ids,
        memberships=memberships,
        n_events=n_events,
        bits_per_event=bits,
        bits_error=_bits_error(per_row, counts.matrix @ foretold, counts.multiplicity, bits),
        baseline_bits_per_event=_bits(float(pooled_per_row @ counts.multiplicity), n_events),
        n_unknown_events=len(sequences.codes) - len(known.codes),
        unknown_event_types=_unknown_event_types(mixture, sequences),
        has_events=np.isin(np.arange(sequences.n_users), has_known),
        n_impossible_moves=float(n_each[~possible].sum()),
    )


def keep_first_events(sequences: Sequences, journeys: Journeys, first: int) -> Journeys:
    """Return journeys as they stood after the first events of each user.

    Parameters
    ----------
    sequences : Sequences
    journeys : Journeys
        Cut from the same sequences.
    first : int
        Events of each user, in order of time, over all of the user's sessions; at least one.

    Returns
    -------
    Journeys
        Those that had begun.

    Raises
    ------
    ModelingError
        If ``first`` is below one.

    Notes
    -----
    A journey keeps its ending, and its chance of having left, only where all of it lies among those
    events and the last of them is not one of its own: a user with fewer events than ``first`` is known
    whole; of one with as many it is not yet known whether more follow. What converts among them cuts the
    journey as always; under ``session``, events that follow it count among the first ones.
    """
    if first < 1:
        raise ModelingError(
            f"first == {first}, must be >= 1.", hint="Ask for at least one event of each user."
        )
    is_event = journeys.steps < len(journeys.vocabulary)
    positions = kept_events(sequences, journeys)
    rank_of_event = positions - np.searchsorted(sequences.users, sequences.users[positions])
    rank = rank_of_event[np.cumsum(is_event) - is_event]  # a return goes with the event that it leads to
    kept, begins = rank < first, journeys.offsets[:-1]
    n_steps = np.add.reduceat(kept.astype(np.int64), begins)
    begun = n_steps > 0
    whole = np.logical_and.reduceat(kept, begins)
    holds_last = np.logical_or.reduceat(rank == first - 1, begins)
    is_known = whole & ~(holds_last & np.isin(journeys.endings, (Ending.LEFT, Ending.CENSORED)))
    return replace(
        journeys,
        steps=journeys.steps[kept],
        offsets=np.append(0, np.cumsum(n_steps[begun])),
        users=journeys.users[begun],
        endings=np.where(is_known, journeys.endings, Ending.CENSORED)[begun],
        exit_chances=np.where(is_known, journeys.exit_chances, 0.0)[begun],
    )


def _unknown_event_types(mixture: MarkovMixture, sequences: Sequences) -> tuple[str, ...]:
    return tuple(sorted(set(sequences.vocabulary) - set(mixture.vocabulary)))


def _take_out_unknown(mixture: MarkovMixture, sequences: Sequences) -> tuple[Sequences, IntArray]:
    """Return the log in the vocabulary of the fit, and which users have an event left, ascending."""
    position = {name: code for code, name in enumerate(mixture.vocabulary)}
    codes = np.array([position.get(name, -1) for name in sequences.vocabulary], dtype=np.int32)
    codes = codes[sequences.codes]
    kept = codes >= 0
    if not kept.any():
        types = _unknown_event_types(mixture, sequences)
        raise ModelingError(
            f"The personas know none of the {len(types)} event types of the log: {_listed(types)}. "
            f"They know {_listed(mixture.vocabulary)}.",
            hint="Choose a log of the same product, or fit personas on this one.",
        )
    has_known, users = np.unique(sequences.users[kept], return_inverse=True)
    _, sessions = np.unique(sequences.sessions[kept], return_inverse=True)
    known = Sequences(
        vocabulary=mixture.vocabulary,
        user_ids=tuple(sequences.user_ids[user] for user in has_known),
        codes=codes[kept],
        users=users.astype(np.int32),
        sessions=sessions,
        times=sequences.times[kept],
    )
    return known, has_known.astype(np.int64)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")


def _memberships(
    counts: TransitionCounts, chains: FloatArray, weights: FloatArray, possible: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Return memberships and log-likelihoods of distinct users, over the moves that are possible."""
    chances = chains[:, counts.sources, counts.targets].T
    log_moves = np.where(possible[:, None], np.log(np.maximum(chances, LOG_FLOOR)), 0.0)
    return normalise_memberships(counts.matrix @ log_moves + np.log(np.maximum(weights, LOG_FLOOR)))


def _bits(log_likelihood: float, n_events: int) -> float:
    return -log_likelihood / float(np.log(2)) / n_events if n_events else float("nan")


def _bits_error(
    log_likelihoods: FloatArray, n_events: FloatArray, multiplicity: FloatArray, bits: float
) -> float:
    """Return the standard error of bits per event, a ratio of two sums over users."""
    n_users, total = float(multiplicity.sum()), float(n_events @ multiplicity)
    if n_users <= 1 or not total:
        return float("inf")
    residuals = -log_likelihoods / np.log(2) - bits * n_events
    spread = float(multiplicity @ residuals**2) * n_users / (n_users - 1)
    return float(np.sqrt(spread)) / total
