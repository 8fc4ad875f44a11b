"""Whether time has a memory: runs of one event against the geometric, waits against the exponential.

A chain that stays at a state with some chance makes runs of geometric length; time between events without a
memory is exponential. Where that fails, what a user does next depends on how long it has been there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.histories import sum_by
from persona_tui.engine.modeling.journeys import Ending
from persona_tui.engine.modeling.moves import list_moves, time_moves
from persona_tui.engine.statistics import benjamini_hochberg
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

FALSE_DISCOVERY_RATE: Final = 0.05
LARGE_DISTANCE: Final = 0.1
"""Share of runs or waits that lie elsewhere than they should, from which it is worth telling."""
FEWEST: Final = 30
"""Runs or waits, by membership, below which a state is not looked at."""
MOST_TOLD: Final = 3

Quantity: TypeAlias = Literal["run", "wait"]

_WORDS: Final[dict[Quantity, tuple[str, str, str]]] = {
    "run": ("runs of one event", "end", "event"),
    "wait": ("times to the next event", "go on", "second"),
}
_SCALES: Final[dict[Quantity, float]] = {"run": 1.0, "wait": 1e6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean, median and 95th percentile of a distribution."""

    mean: float
    median: float
    percentile_95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DwellCheck:
    """How long one persona stays at one state, against what a chain without a memory implies.

    Parameters
    ----------
    persona : int
    state : str
    quantity : {"run", "wait"}
        Repeats of the event in a row, in events; or the time to the next event, in seconds.
    n : float
        Runs or waits, by membership.
    observed, implied : Spread
        The implied distribution has the observed mean.
    distance : float
        Kolmogorov's: the largest difference between both distribution functions.
    at : float
        The observed value at which they differ most.
    share, implied_share : float
        Of what was observed, and of what is implied, how much is no longer than that.
    p_value : float
        Upper bound of the chance of such a distance without a memory.
    adjusted_p_value : float
        Of the same, with false discoveries among the persona's states controlled.
    """

    persona: int
    state: str
    quantity: Quantity
    n: float
    observed: Spread
    implied: Spread
    distance: float
    at: float
    share: float
    implied_share: float
    p_value: float
    adjusted_p_value: float

    @property
    def departs(self) -> bool:
        """Return whether the distance is large, and beyond sampling error."""
        return self.adjusted_p_value < FALSE_DISCOVERY_RATE and self.distance >= LARGE_DISTANCE


def check_runs(counts: TransitionCounts, memberships: FloatArray) -> tuple[DwellCheck, ...]:
    """Compare runs of the same event with the geometric distribution that staying by chance gives.

    Parameters
    ----------
    counts : TransitionCounts
    memberships : array of shape (R, K)
        Of each distinct row of ``counts``.

    Returns
    -------
    tuple of DwellCheck
        By persona and state; of states that repeat, with 30 runs or more by membership.

    Raises
    ------
    ModelingError
        If the memberships are not those of the rows of ``counts``.

    Notes
    -----
    The bound is that of Dvoretzky, Kiefer and Wolfowitz, ``2 exp(-2 n d ** 2)``, with Massart's constant
    and Kish's effective n of the memberships. It holds for distributions with steps, and is wide where
    the mean is estimated (as Lilliefors found), so it claims rather too little. The last run of a journey
    that is still open has not ended, and is left out. O(N log N + K N).

    References
    ----------
    Massart (1990), The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality, *Annals of Probability*
    18, 1269-1283. Lilliefors (1969), On the Kolmogorov-Smirnov test for the exponential distribution with
    mean unknown, *JASA* 64, 387-389.

    Examples
    --------
    >>> from persona_tui.engine.modeling.counts import count_transitions
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u",), codes=np.tile([0, 0, 0, 1], 50),
    ...     users=np.zeros(200, np.int32), sessions=np.zeros(200, np.int64), times=np.arange(200))
    >>> counts = count_transitions(cut_journeys(log, unit="session", censor=False))
    >>> check, = check_runs(counts, np.ones((1, 1)))
    >>> check.state, check.observed.median, check.implied.median, round(check.distance, 2), check.departs
    ('a', 3.0, 2.0, 0.56, True)
    >>> warn_of_dwell([check], "All")
    "All: runs of one event are not as chance makes them: at 'a' 100 % end within 3 events, implied 70 %."
    """
    journeys = counts.journeys
    moves = list_moves(journeys)
    ends = moves.states != moves.following
    lengths = np.diff(np.flatnonzero(ends), prepend=-1)
    last = np.zeros(len(ends), dtype=bool)
    last[journeys.offsets[1:][journeys.endings == Ending.CENSORED] - 1] = True
    is_event = moves.states < len(journeys.vocabulary)
    kept = (is_event & ~last)[ends]
    states, users = moves.states[ends][kept], moves.users[ends][kept]
    repeats = np.bincount(states, weights=lengths[kept] > 1, minlength=len(journeys.vocabulary)) > 0
    kept_states = repeats[states]
    observed = _Sample(
        quantity="run",
        states=states[kept_states],
        values=lengths[kept][kept_states],
        users=users[kept_states],
    )
    return _check(counts, memberships, observed)


def check_waits(
    sequences: Sequences, counts: TransitionCounts, memberships: FloatArray
) -> tuple[DwellCheck, ...]:
    """Compare the time to the next event of a session with the exponential distribution.

    Parameters
    ----------
    sequences : Sequences
    counts : TransitionCounts
        Of journeys that were cut from the same sequences.
    memberships : array of shape (R, K)
        Of each distinct row of ``counts``.

    Returns
    -------
    tuple of DwellCheck
        By persona and state, in seconds; of states with 30 waits or more by membership. Times between
        sessions do not count.

    Raises
    ------
    ModelingError
        If the memberships are not those of the rows of ``counts``.

    Notes
    -----
    As ``check_runs``. Times that a log rounds, or makes up, depart from the exponential too. What-ifs draw
    times
    from those of the log, so a departure here does not make them wrong.
    """
    timed = time_moves(sequences, counts.journeys)
    within = timed.targets < len(counts.journeys.vocabulary)
    observed = _Sample(
        quantity="wait",
        states=timed.sources[within],
        values=timed.microseconds[within],
        users=timed.users[within],
    )
    return _check(counts, memberships, observed)


def warn_of_dwell(checks: Sequence[DwellCheck], who: str) -> str | None:
    """Return in a sentence where time has a memory, the largest distances first; None where nowhere.

    Parameters
    ----------
    checks : sequence of DwellCheck
        Of one persona and one quantity.
    who : str
        As it begins a sentence.
    """
    departing = sorted((each for each in checks if each.departs), key=lambda each: -each.distance)
    if not departing:
        return None
    what, verb, unit = _WORDS[departing[0].quantity]
    places = ", ".join(
        f"at '{each.state}' {100 * each.share:.0f} % {verb} within {each.at:,.3g} {unit}{_plural(each.at)}, "
        f"implied {100 * each.implied_share:.0f} %"
        for each in departing[:MOST_TOLD]
    )
    more = f", and at {len(departing) - MOST_TOLD} more" if len(departing) > MOST_TOLD else ""
    return f"{who}: {what} are not as chance makes them: {places}{more}."


def _plural(number: float) -> str:
    return "" if number == 1 else "s"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sample:
    """Runs in events, or waits in microseconds."""

    quantity: Quantity
    states: IntArray
    values: IntArray
    users: IntArray


def _implied_share(quantity: Quantity, values: FloatArray, means: FloatArray) -> FloatArray:
    """Return the share of the implied distribution at or below some values."""
    shares: FloatArray = (
        1.0 - (1.0 - 1.0 / means) ** values if quantity == "run" else -np.expm1(-values / means)
    )
    return shares


def _implied(quantity: Quantity, mean: float, share: float) -> float:
    """Return a quantile of the implied distribution."""
    if quantity == "wait":
        return float(-mean * np.log1p(-share))
    if mean == 1:
        return 1.0
    return float(max(np.ceil(np.log1p(-share) / np.log1p(-1.0 / mean)), 1.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """Distinct values of each state, ascending; S states, C values, by persona of shape (C, K)."""

    quantity: Quantity
    states: IntArray
    begins: IntArray
    groups: IntArray
    values: FloatArray
    mass: FloatArray
    squares: FloatArray

    @classmethod
    def of(cls, observed: _Sample, memberships: FloatArray) -> _Cells:
        order = np.lexsort((observed.values, observed.states))
        states, values = observed.states[order], observed.values[order]
        opens: BoolArray = (np.diff(states, prepend=-1) != 0) | (np.diff(values, prepend=-1) != 0)
        cells = np.cumsum(opens) - 1
        changes = np.diff(states[opens], prepend=-1) != 0
        members = memberships[observed.users[order]]
        return cls(
            quantity=observed.quantity,
            states=states[opens][changes],
            begins=np.flatnonzero(changes),
            groups=np.cumsum(changes) - 1,
            values=values[opens] / _SCALES[observed.quantity],
            mass=sum_by(cells, members),
            squares=sum_by(cells, members**2),
        )

    def by_state(self, values: FloatArray) -> FloatArray:
        """Return the sums of values of shape (C,) by state, shape (S,)."""
        sums: FloatArray = np.add.reduceat(values, self.begins)
        return sums


def _check(counts: TransitionCounts, memberships: FloatArray, observed: _Sample) -> tuple[DwellCheck, ...]:
    n_rows = len(counts.multiplicity)
    if memberships.ndim != 2 or len(memberships) != n_rows:
        raise ModelingError(f"memberships has shape {memberships.shape}, must be ({n_rows}, n_clusters).")
    if not len(observed.states):
        return ()
    cells = _Cells.of(observed, memberships[counts.row_of_user])
    vocabulary = counts.journeys.vocabulary
    return tuple(
        check
        for persona in range(memberships.shape[1])
        for check in _check_persona(cells, persona, vocabulary)
    )


def _check_persona(cells: _Cells, persona: int, vocabulary: tuple[str, ...]) -> list[DwellCheck]:
    mass, values, groups, quantity = cells.mass[:, persona], cells.values, cells.groups, cells.quantity
    n, sums = cells.by_state(mass), cells.by_state(mass * values)
    looked_at = (n >= FEWEST) & (sums > 0)
    divisor = np.where(looked_at, n, np.inf)
    means = np.where(looked_at, sums / divisor, 1.0)
    weights = mass / divisor[groups]
    running = np.cumsum(weights)
    shares = running - (running - weights)[cells.begins][groups]
    implied = _implied_share(quantity, values, means[groups])
    just_before = _implied_share(quantity, values - (quantity == "run"), means[groups])
    gaps = np.maximum(np.abs(shares - implied), np.abs(shares - weights - just_before))
    distances = np.maximum.reduceat(gaps, cells.begins)
    n_effective = n**2 / np.maximum(cells.by_state(cells.squares[:, persona]), 1e-300)
    p_values = np.minimum(2.0 * np.exp(-2.0 * n_effective * distances**2), 1.0)
    adjusted = np.ones(len(n))
    adjusted[looked_at] = benjamini_hochberg(p_values[looked_at])
    ends = np.append(cells.begins[1:], len(values))
    checks = []
    for each in np.flatnonzero(looked_at):
        inside = slice(cells.begins[each], ends[each])
        worst = cells.begins[each] + int(np.abs(shares - implied)[inside].argmax())
        checks.append(
            DwellCheck(
                persona=persona,
                state=vocabulary[cells.states[each]],
                quantity=quantity,
                n=float(n[each]),
                observed=_observed_spread(values[inside], shares[inside], float(means[each])),
                implied=_implied_spread(quantity, float(means[each])),
                distance=float(distances[each]),
                at=float(values[worst]),
                share=float(shares[worst]),
                implied_share=float(implied[worst]),
                p_value=float(p_values[each]),
                adjusted_p_value=float(adjusted[each]),
            )
        )
    return checks


def _observed_spread(values: FloatArray, shares: FloatArray, mean: float) -> Spread:
    median, tail = (float(values[int((shares >= level - 1e-9).argmax())]) for level in (0.5, 0.95))
    return Spread(mean=mean, median=median, percentile_95=tail)


def _implied_spread(quantity: Quantity, mean: float) -> Spread:
    return Spread(
        mean=mean, median=_implied(quantity, mean, 0.5), percentile_95=_implied(quantity, mean, 0.95)
    )
