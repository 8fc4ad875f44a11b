"""Whether one event is memory enough: held-out bits per event at order 0, 1 and 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.histories import HeldOut, count_histories, score_held_out
from persona_tui.engine.modeling.shrinkage import DEFAULT_PRIOR
from persona_tui.engine.modeling.state_memory import (
    NOISE_STANDARD_ERRORS,
    StateMemory,
    find_memories,
)
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.types import FloatArray, IntArray, RandomState

N_FOLDS: Final = 3
GAIN_WORTH_TELLING: Final = 0.01
"""Share of the bits at first order that the second must save."""
BITS_WORTH_TELLING: Final = 0.01
"""And bits per event: where hardly anything is open, all that second order saves is its smoothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCheck:
    """How well chains of order 0, 1 and 2 foretell users held out.

    Parameters
    ----------
    persona : int or None
        None for all personas together, each user by the chains of its own.
    bits_per_event : (float, float, float)
        At order 0 (events independent), 1 and 2; lower is better.
    gain : float
        Bits per event that order 2 saves against order 1.
    gain_error : float
        Paired standard error of the gain over users.
    states : tuple of StateMemory
        By falling contribution to the gain.
    """

    persona: int | None
    bits_per_event: tuple[float, float, float]
    gain: float
    gain_error: float
    states: tuple[StateMemory, ...]

    @property
    def first_order_is_enough(self) -> bool:
        """Return whether order 2 saves less than 1 % or 0.01 bits, or no more than two standard errors."""
        least = max(GAIN_WORTH_TELLING * self.bits_per_event[1], BITS_WORTH_TELLING)
        return not self.gain > max(least, NOISE_STANDARD_ERRORS * self.gain_error)

    def warning(self, who: str) -> str | None:
        """Return in a sentence that first order is not enough, and where; None where it is enough.

        Parameters
        ----------
        who : str
            Whom the check is about, as it begins a sentence.

        Examples
        --------
        >>> bits = (2.0, 1.5, 1.4)
        >>> check = OrderCheck(persona=0, bits_per_event=bits, gain=0.1, gain_error=0.01, states=())
        >>> check.warning("Browsers")
        'Browsers: one event is not memory enough; the one before it saves 6.7 % of the bits per event.'
        """
        if self.first_order_is_enough:
            return None
        share = 100 * self.gain / self.bits_per_event[1]
        told = (
            f"{who}: one event is not memory enough; the one before it saves {share:.1f} % "
            "of the bits per event"
        )
        if not self.states or not self.states[0].histories:
            return f"{told}."
        first, past = self.states[0], self.states[0].histories[0]
        origin = "as the first event" if past.before is None else f"coming from '{past.before}'"
        onward = "leave" if past.target is None else f"go on to '{past.target}'"
        return (
            f"{told}, most at '{first.state}': {origin}, {100 * past.share:.0f} % {onward}, "
            f"otherwise {100 * past.share_otherwise:.0f} %."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChecks:
    """The check of each persona, and of all together."""

    total: OrderCheck
    personas: tuple[OrderCheck, ...]


def check_order(
    counts: TransitionCounts,
    memberships: FloatArray,
    *,
    n_folds: int = N_FOLDS,
    prior: float = DEFAULT_PRIOR,
    random_state: RandomState = None,
    on_progress: ProgressCallback = ignore_progress,
) -> OrderChecks:
    """Compare how well chains of order 0, 1 and 2 foretell users held out, persona by persona.

    Parameters
    ----------
    counts : TransitionCounts
    memberships : array of shape (R, K)
        Of each distinct row of ``counts``, such as ``mixture.responsibilities``.
    n_folds : int
        Parts that users are split into; each is scored by chains of the others. At least two.
    prior : float
        Pseudo-moves that shrink each row of order 2 toward order 1, and so on down; above zero.
    random_state : int, SeedSequence, Generator or None
    on_progress : callable

    Returns
    -------
    OrderChecks

    Raises
    ------
    ModelingError
        If there are fewer users than folds, or ``memberships``, ``n_folds`` or ``prior`` cannot be used.

    Notes
    -----
    A user counts for each persona by membership, in training and in scoring, so bits are of a user whose
    persona is known: fewer than the ladder's, which has to guess it. Memberships come from first-order
    chains of all users, which favours first order, so a gain of order 2 is no artefact of it. With
    g the bits saved of a user by membership and m its events by membership, the gain is
    ``sum g / sum m`` and its standard error ``sqrt(sum (g - gain * m) ** 2) / sum m``.
    O(N log N + K N) for N events.

    Examples
    --------
    >>> from persona_tui.engine.data.sequences import Sequences
    >>> from persona_tui.engine.modeling.counts import count_transitions
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=tuple(map(str, range(30))), times=np.arange(240),
    ...     codes=np.tile(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int32), 30),
    ...     users=np.repeat(np.arange(30, dtype=np.int32), 8), sessions=np.repeat(np.arange(30), 8))
    >>> counts = count_transitions(cut_journeys(log, unit="session", censor=False))
    >>> check = check_order(counts, np.ones((len(counts.multiplicity), 1)), random_state=0).total
    >>> [round(bits, 2) for bits in check.bits_per_event], check.first_order_is_enough
    ([1.57, 1.25, 0.27], False)
    >>> check.states[0].state, check.states[0].histories[0].before
    ('b', 'a')
    """
    _refuse(counts, memberships, n_folds=n_folds, prior=prior)
    folds = stream(normalise_seed(random_state), Stream.FOLDS).permutation(len(counts.row_of_user)) % n_folds
    by_user = memberships[counts.row_of_user]
    held_out = score_held_out(
        count_histories(counts.journeys), by_user, folds, prior=prior, on_progress=on_progress
    )
    clusters = np.arange(by_user.shape[1])
    personas = tuple(_check(counts, held_out, clusters[k : k + 1], persona=k) for k in range(len(clusters)))
    return OrderChecks(total=_check(counts, held_out, clusters, persona=None), personas=personas)


def _check(
    counts: TransitionCounts, held_out: HeldOut, personas: IntArray, *, persona: int | None
) -> OrderCheck:
    journeys = counts.journeys
    members = held_out.memberships[:, personas]
    n_events = members.sum(axis=1) * counts.n_events[counts.row_of_user]
    bits = (held_out.bits[..., personas] * members).sum(axis=-1)
    total = n_events.sum()
    order_0, order_1, order_2 = bits.sum(axis=1) / total
    gain = float(order_1 - order_2)
    errors = bits[1] - bits[2] - gain * n_events
    states = (*journeys.vocabulary, RETURN)[: journeys.n_states]
    return OrderCheck(
        persona=persona,
        bits_per_event=(float(order_0), float(order_1), float(order_2)),
        gain=gain,
        gain_error=float(np.sqrt(errors @ errors) / total),
        states=find_memories(held_out, personas, n_events, states),
    )


def _refuse(counts: TransitionCounts, memberships: FloatArray, *, n_folds: int, prior: float) -> None:
    """Refuse what cannot be held out or smoothed, every fault in one message."""
    n_users, n_rows = len(counts.row_of_user), len(counts.multiplicity)
    faults = []
    if not 2 <= n_folds <= n_users:
        faults.append(f"n_folds == {n_folds}, must be from 2 to {n_users}, the number of users")
    if not prior > 0:
        faults.append(f"prior == {prior}, must be > 0")
    if memberships.ndim != 2 or len(memberships) != n_rows:
        faults.append(f"memberships has shape {memberships.shape}, must be ({n_rows}, n_clusters)")
    elif not (counts.multiplicity @ memberships > 0).all():
        empty = int((counts.multiplicity @ memberships).argmin())
        faults.append(f"persona {empty} has no member")
    if faults:
        raise ModelingError(
            "; ".join(faults) + ".",
            hint="A persona's order can be checked on users held out: it takes two users or more.",
        )
